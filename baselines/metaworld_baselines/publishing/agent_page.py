"""The card of an agent for readers: its `README.md`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

from safetensors import safe_open

from metaworld_baselines.algorithms.registry import find_algorithm
from metaworld_baselines.publishing.run_files import read_curve, read_run
from metaworld_py.agents.cards import WEIGHTS, Card
from metaworld_py.checks.bench import table
from metaworld_py.evaluation import EvaluationResult
from metaworld_py.evaluation.shots import Shot

REHEARSALS = "rehearsals: some of its episodes are played as those that count, which begin with the memory of the best (`--rehearses`)"
INNER_STEPS = (
    "several inner steps in turn, each followed by a rehearsal, an episode played as those that count, which are played by the policy of "
    "the best (`--rehearses`)"
)


def parameters(path: Path) -> int:
    """Numbers in a file of weights."""
    with safe_open(path, framework="numpy") as file:
        return sum(file.get_tensor(name).size for name in file.keys())  # noqa: SIM118  # no mapping


def card_facts(folder: Path, card: Card, num_tasks: int) -> list[tuple[str, str]]:
    """What the page tells of an agent, by name."""
    last = read_curve(folder)[-1]
    low, high = card.interval
    goals = f"{card.instances_per_task} {'held-out' if card.adapts else 'training'} goals of each task"
    if card.demonstrated:
        goals = f"{card.instances_per_task} goals of each task, those of seed {card.seed}"
    budget = card.share_of_published
    if card.published_env_steps:
        budget += f" of the {card.published_env_steps:,} of published runs"
    facts = [
        (
            "success",
            f"**{card.success:.1%}** [{low:.1%}, {high:.1%}], mean over {_count(num_tasks, 'task')}, {goals}, last weights",
        ),
        ("return", f"{card.mean_return:,.0f} in episodes of {card.max_episode_steps} steps, rewards {card.reward_version}"),
    ]
    if card.success_before is not None and card.interval_before is not None and card.return_before is not None:
        low, high = card.interval_before
        facts.append(("before adaptation", f"{card.success_before:.1%} [{low:.1%}, {high:.1%}], return {card.return_before:,.0f}"))
        facts.append(
            (
                "on training goals",
                f"{last['train_success']:.1%} after adaptation, {last['train_success_before']:.1%} before (fewer goals, end of the curve)",
            )
        )
        facts.append(
            (
                "protocol",
                f"{card.adaptation_episodes} episodes to adapt, {card.evaluation_episodes} that count, as published (with episodes of 500)",
            )
        )
        config = read_run(folder)[1]
        if getattr(config, "rehearses", False):
            facts.append(("adapts by", REHEARSALS if config.adapts_while_playing else INNER_STEPS))
        facts += draws_facts(card)
    facts += [
        (
            "trained on" if card.demonstrated else "trained for",
            f"{card.env_steps:,} environment steps: {card.demonstrated or budget}",
        ),
        ("seed", f"{card.seed}; one seed says that it learns, not how algorithms compare"),
        ("wall time", f"{card.hours:.2f} h on {card.hardware}: {card.steps_per_s:,.0f} steps/s, {card.updates_per_s:.3g} updates/s"),
        ("network", f"{parameters(folder / WEIGHTS):,} parameters of the actor; all settings in [config.json](config.json)"),
        ("versions", ", ".join(f"{name} {number}" for name, number in card.versions.items())),
    ]
    return facts


def draws_facts(card: Card) -> list[tuple[str, str]]:
    """What the draws of adaptation say."""
    if card.repeat_interval is None:
        return []
    rates, (low, high) = card.success_by_draw, card.repeat_interval
    told = ", ".join(f"{rate:.1%}" for rate in rates)
    return [
        ("draws of adaptation", f"{told}: mean {mean(rates):.1%}, spread {100 * stdev(rates):.1f} points"),
        ("a repeat", f"with {len(rates)} draws by other generators: {low:.1%} – {high:.1%} in 99 of 100 cases"),
    ]


def shots_table(shots: Sequence[Shot]) -> list[str]:
    """Success by the number of episodes adapted on."""
    if not shots:
        return []
    rows = []
    for name, is_sampled in (("most likely actions", False), ("random actions", True)):
        chosen = [shot for shot in shots if shot.is_sampled == is_sampled]
        rows.append((name, *("{:.1%} [{:.1%}, {:.1%}]".format(shot.success, *shot.interval) for shot in chosen)))
    head = ("after … episodes", *(str(shot.episodes) for shot in shots if not shot.is_sampled))
    return ["", "By the number of episodes adapted on, one draw, one episode that counts:", "", *table(head, rows)]


def has_curve(folder: Path) -> bool:
    """Whether a run was evaluated more than once."""
    return len(read_curve(folder)) > 1


def page(folder: Path, card: Card, result: EvaluationResult, shots: Sequence[Shot] = ()) -> str:
    """The card for readers."""
    tasks = [
        (task.task, f"{task.success_rate:.1%}", "{:.1%} – {:.1%}".format(*task.interval), f"{task.mean_return:,.0f}", str(task.episodes))
        for task in result.tasks
    ]
    commands = [
        card.evaluate_command,
        f"metaworld-py agents {card.name} --check      # the same, compared with this card",
        *([] if card.adapts else [f"metaworld-py render {result.tasks[0].task} --agent {card.name}"]),
        card.trained_by,
    ]
    description = find_algorithm(card.algorithm).description
    lines = [
        f"# {card.name}",
        "",
        f"{description}, trained on {'hidden goals of ' * card.adapts}{card.benchmark.removesuffix('-test')}.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {text} |" for name, text in card_facts(folder, card, len(result.tasks))),
        "",
        *(["![Learning curve](curve.png)", ""] if has_curve(folder) else []),
        *table(("task", "success", "95 % interval", "return", "episodes"), tasks),
        *shots_table(shots),
        "",
        "```sh",
        *commands,
        "```",
    ]
    return "\n".join(lines) + "\n"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
