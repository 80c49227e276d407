"""A training run becomes a published agent: `python -m metaworld_baselines.publishing.publish runs/pcgrad-sac-MT10-seed1`.

Evaluates the last weights by the protocol of the run's benchmark, and writes a folder of `baselines/agents` with weights, settings, curves,
evaluation, a card for programs (`card.json`, see `metaworld_py.agents.cards`) and one for readers (`README.md`).
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import tyro
from safetensors import safe_open
from tqdm import tqdm

from metaworld_baselines.algorithms.loading import load_agent
from metaworld_baselines.algorithms.meta import PUBLISHED, MetaConfig
from metaworld_baselines.algorithms.registry import find_algorithm
from metaworld_baselines.places import AGENTS
from metaworld_baselines.publishing.plot import draw, save_figure
from metaworld_baselines.runs import checkpoints
from metaworld_baselines.runs.run_files import CONFIG, read_description, read_table
from metaworld_py.agents.cards import BEFORE, CARD, EVALUATION, WEIGHTS, Card
from metaworld_py.checks.bench import table
from metaworld_py.cli.agents import evaluate_card
from metaworld_py.evaluation import EvaluationResult
from metaworld_py.files import reading, write_text

PUBLISHED_STEPS_PER_TASK = 2_000_000  # of multi-task runs (Meta-World+)
PUBLISHED_SINGLE_TASK = {"sac": 10_000_000, "ppo": 20_000_000}  # (Meta-World, appendix)
PUBLISHED_EPISODES = 10, 3  # of meta-learners on each goal: to adapt, and those that count (Meta-World)
PROGRESS = "progress.csv"
KEPT = ("config.json", "curve.csv", PROGRESS, "conflict.csv")
MAX_PROGRESS_ROWS = 100  # of an agent in the repository: what a picture can show


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    folders: tyro.conf.Positional[tuple[Path, ...]]
    out: Path = AGENTS
    name: str = ""  # of one agent; default: ALGORITHM-BENCHMARK


def read_run(folder: Path) -> tuple[str, Any, int, dict[str, Any]]:
    """Algorithm, configuration, seed, and the rest of what a run says of itself.

    Raises:
      OSError: no run there.
    """
    path = folder / CONFIG
    described = read_description(path)
    algorithm = described["algorithm"]
    with reading(path, "the configuration of an algorithm that is installed"):
        config = find_algorithm(algorithm).config_from(described["config"])
    return algorithm, config, described["config"]["seed"], described


def read_curve(folder: Path) -> list[dict[str, float]]:
    """The evaluations of a run, in order.

    Raises:
      OSError: none there.
    """
    return read_table(folder / "curve.csv")


def read_throughput(folder: Path) -> tuple[float, float]:
    """Environment steps and gradient updates per second of wall time, medians over training.

    Raises:
      OSError: no record there.
    """
    with (folder / "progress.csv").open() as file:
        rows = list(csv.DictReader(file))
    steps, updates = ([float(row[name]) for row in rows] for name in ("steps_per_s", "updates_per_s"))
    return round(median(steps), 1), round(median(updates), 2)


def published_steps(algorithm: str, config: Any) -> int:
    """The environment steps of published runs on such a benchmark, over all tasks."""
    if isinstance(config, MetaConfig):
        return PUBLISHED[config.benchmark][0]
    if len(config.tasks) == 1:
        return PUBLISHED_SINGLE_TASK.get(algorithm, PUBLISHED_STEPS_PER_TASK)
    return PUBLISHED_STEPS_PER_TASK * len(config.tasks)


def train_command(algorithm: str, config: Any, seed: int) -> str:
    """What trains such an agent: the settings that are not the defaults."""
    default, words = (
        find_algorithm(algorithm).config,
        [f"python -m metaworld_baselines.train {algorithm}", f"--benchmark {config.benchmark}"],
    )
    if isinstance(config, MetaConfig):  # zeros stand for what is published for the benchmark
        default = replace(default, benchmark=config.benchmark, task=config.task, total_env_steps=0, meta_batch=0)
    for name, value in asdict(config).items():
        option = "--" + name.replace("_", "-")
        if name == "benchmark" or (value == getattr(default, name) and not (name == "task" and value)):
            continue
        words.append((option if value else option.replace("--", "--no-", 1)) if isinstance(value, bool) else f"{option} {value}")
    return " ".join([*words, f"--seed {seed}"])


def begin_card(folder: Path, name: str) -> Card:
    """A run's card, still without an evaluation."""
    algorithm, config, seed, described = read_run(folder)
    last, speed = read_curve(folder)[-1], read_throughput(folder)
    adapts = isinstance(config, MetaConfig)
    card = Card(
        name=name or f"{algorithm}-{getattr(config, 'title', config.benchmark)}".replace(",", "-").lower(),
        algorithm=algorithm,
        benchmark=(config.task or f"{config.benchmark}-test") if adapts else config.benchmark,
        seed=seed,
        env_steps=round(last["env_steps"]),
        published_env_steps=published_steps(algorithm, config),
        hours=round(last["seconds"] / 3600, 2),
        steps_per_s=speed[0],
        updates_per_s=speed[1],
        hardware=described["hardware"],
        versions=described["versions"],
        trained_by=train_command(algorithm, replace(config, total_env_steps=round(last["env_steps"])), seed),
        max_episode_steps=config.max_episode_steps,
        reward_version=config.reward_version,
        instances_per_task=config.eval_goals if adapts else config.eval_instances,
        success=0.0,
        interval=(0.0, 0.0),
        mean_return=0.0,
    )
    if not adapts:
        return card
    adaptation, evaluation = PUBLISHED_EPISODES
    return replace(card, adaptation_episodes=adaptation, adaptation_rounds=config.adaptation_rounds, evaluation_episodes=evaluation)


def with_evaluation(card: Card, result: EvaluationResult, before: EvaluationResult | None) -> Card:
    """The card with its numbers."""
    card = replace(card, success=result.success_rate, interval=result.interval, mean_return=mean_return(result))
    if before is None:
        return card
    return replace(card, success_before=before.success_rate, interval_before=before.interval, return_before=mean_return(before))


def mean_return(result: EvaluationResult) -> float:
    """Over tasks."""
    return sum(task.mean_return for task in result.tasks) / len(result.tasks)


def publish(folder: Path, out: Path = AGENTS, name: str = "") -> Path:
    """Evaluate a run's last weights and write its folder; returns that.

    Raises:
      OSError: no run there, or none that was evaluated.
    """
    card = begin_card(folder, name)
    with tqdm(unit=" steps", unit_scale=True, desc=card.name, disable=None, leave=False) as bar:
        result, before = evaluate_card(card, load_agent(folder / checkpoints.LAST), lambda _, steps: bar.update(steps))
    card = with_evaluation(card, result, before)
    made = out / card.name
    made.mkdir(parents=True, exist_ok=True)
    for file in KEPT:
        if (folder / file).is_file() and folder != made:
            content = (folder / file).read_text()
            write_text(made / file, thinned(content) if file == PROGRESS else content)
    if folder != made:
        shutil.copyfile(folder / checkpoints.LAST, made / WEIGHTS)
    result.save(made / EVALUATION)
    if before is not None:
        before.save(made / BEFORE)
    save_figure(draw((made,)), made / "curve.png", dpi=100)
    card.save(made)
    write_text(made / "README.md", page(made, card, result))
    return made


def thinned(table: str, rows: int = MAX_PROGRESS_ROWS) -> str:
    """A CSV table with at most so many of its rows, evenly spread, the last one among them."""
    head, *lines = table.splitlines(keepends=True)
    if len(lines) <= rows:
        return table
    return head + "".join(lines[(place + 1) * len(lines) // rows - 1] for place in range(rows))


def parameters(path: Path) -> int:
    """Numbers in a file of weights."""
    with safe_open(path, framework="numpy") as file:
        return sum(file.get_tensor(name).size for name in file.keys())  # noqa: SIM118  # no mapping


def card_facts(folder: Path, card: Card, num_tasks: int) -> list[tuple[str, str]]:
    """What the page tells of an agent, by name."""
    last = read_curve(folder)[-1]
    low, high = card.interval
    share = card.env_steps / card.published_env_steps
    goals = f"{card.instances_per_task} {'held-out' if card.adapts else 'training'} goals of each task"
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
    facts += [
        (
            "trained for",
            f"{card.env_steps:,} environment steps: {share:.1%} of the {card.published_env_steps:,} of published runs",
        ),
        ("seed", f"{card.seed}; one seed says that it learns, not how algorithms compare"),
        ("wall time", f"{card.hours:.2f} h on {card.hardware}: {card.steps_per_s:,.0f} steps/s, {card.updates_per_s:.3g} updates/s"),
        ("network", f"{parameters(folder / WEIGHTS):,} parameters of the actor; all settings in [config.json](config.json)"),
        ("versions", ", ".join(f"{name} {number}" for name, number in card.versions.items())),
    ]
    return facts


def page(folder: Path, card: Card, result: EvaluationResult) -> str:
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
        "![Learning curve](curve.png)",
        "",
        *table(("task", "success", "95 % interval", "return", "episodes"), tasks),
        "",
        "```sh",
        *commands,
        "```",
    ]
    return "\n".join(lines) + "\n"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish; returns the exit status."""
    command = tyro.cli(Command, prog="python -m metaworld_baselines.publishing.publish", args=arguments)
    if command.name and len(command.folders) > 1:
        print("metaworld_baselines.publishing.publish: --name is for one agent", file=sys.stderr)
        return 2
    try:
        for folder in command.folders:
            made = publish(folder, command.out, command.name)
            print(f"{made}: {json.loads((made / CARD).read_text())['success']:.1%}")
    except (OSError, ValueError) as error:
        print(f"metaworld_baselines.publishing.publish: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
