"""A training run becomes a published agent: `python -m metaworld_baselines.publishing.publish runs/pcgrad-sac-MT10-seed1`.

Evaluates the last weights by the protocol of the run's benchmark, and writes a folder of `baselines/agents` with weights, settings, curves,
evaluation, a card for programs (`card.json`, see `metaworld_py.agents.cards`) and one for readers (`README.md`).
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import tyro
from tqdm import tqdm

from metaworld_baselines.algorithms.loading import load_agent
from metaworld_baselines.algorithms.meta import MetaConfig
from metaworld_baselines.algorithms.registry import find_algorithm
from metaworld_baselines.places import AGENTS
from metaworld_baselines.publishing.agent_page import has_curve, page
from metaworld_baselines.publishing.plot import draw, save_figure
from metaworld_baselines.publishing.published_settings import PUBLISHED_EPISODES, published_steps
from metaworld_baselines.publishing.run_files import read_curve, read_demonstrated, read_run, read_throughput
from metaworld_baselines.runs import checkpoints
from metaworld_baselines.runs.run_files import DEMONSTRATIONS
from metaworld_py.agents.cards import BEFORE, CARD, EVALUATION, SHOTS, WEIGHTS, Card
from metaworld_py.cli.agents import benchmark, counted, evaluate_card, protocol
from metaworld_py.evaluation import EvaluationResult
from metaworld_py.evaluation.adaptation import AdaptationResult
from metaworld_py.evaluation.shots import evaluate_shots, save_shots
from metaworld_py.files import write_text

DRAWS = 5  # of adaptation to each goal, in the evaluation that a card quotes
PROGRESS, PICTURE = "progress.csv", "curve.png"
KEPT = ("config.json", "curve.csv", PROGRESS, "trials.csv", "conflict.csv", DEMONSTRATIONS)
MAX_PROGRESS_ROWS = 100  # of an agent in the repository: what a picture can show


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    folders: tyro.conf.Positional[tuple[Path, ...]]
    out: Path = AGENTS
    name: str = ""  # of one agent; default: ALGORITHM-BENCHMARK


def train_command(algorithm: str, config: Any, seed: int) -> str:
    """What trains such an agent: the settings that are not the defaults."""
    default, words = (
        find_algorithm(algorithm).config,
        [f"python -m metaworld_baselines.train {algorithm}", f"--benchmark {config.benchmark}"],
    )
    if isinstance(config, MetaConfig):
        default = replace(default.as_said, benchmark=config.benchmark, task=config.task)
    for name, value in asdict(config).items():
        option = "--" + name.replace("_", "-")
        if name in ("benchmark", "meta_batch_up_to") or (value == getattr(default, name) and not (name == "task" and value)):
            continue  # the meta-batch itself is said where it is another one
        words.append((option if value else option.replace("--", "--no-", 1)) if isinstance(value, bool) else f"{option} {value}")
    return " ".join([*words, f"--seed {seed}"])


def trained_to(config: Any, env_steps: int) -> int:
    """The budget to name for a run that has come so far: where rates fall over it, that which they fell over."""
    has_falling_rates = any(name.startswith("final_") and value is not None for name, value in vars(config).items())
    return config.total_env_steps if has_falling_rates else env_steps


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
        trained_by=train_command(algorithm, replace(config, total_env_steps=trained_to(config, round(last["env_steps"]))), seed),
        max_episode_steps=config.max_episode_steps,
        reward_version=config.reward_version,
        instances_per_task=config.eval_goals if adapts else config.eval_instances,
        success=0.0,
        interval=(0.0, 0.0),
        mean_return=0.0,
    )
    if (told := read_demonstrated(folder)) is not None:
        card = replace(card, env_steps=told["steps"], demonstrated=told["who"])
    if not adapts:
        return card
    adaptation, evaluation = PUBLISHED_EPISODES
    return replace(
        card,
        adaptation_episodes=adaptation,
        adaptation_rounds=config.adaptation_rounds,
        evaluation_episodes=evaluation,
        adaptation_draws=DRAWS,
    )


def with_evaluation(card: Card, found: EvaluationResult | AdaptationResult) -> Card:
    """The card with its numbers."""
    result = counted(found)
    card = replace(card, success=result.success_rate, interval=result.interval, mean_return=mean_return(result))
    if not isinstance(found, AdaptationResult):
        return card
    return replace(
        card,
        success_before=found.before.success_rate,
        interval_before=found.before.interval,
        return_before=mean_return(found.before),
        success_by_draw=found.success_by_draw,
        repeat_interval=found.repeat_interval,
    )


def mean_return(result: EvaluationResult) -> float:
    """Over tasks."""
    return sum(task.mean_return for task in result.tasks) / len(result.tasks)


def publish(folder: Path, out: Path = AGENTS, name: str = "") -> Path:
    """Evaluate a run's last weights and write its folder; returns that.

    Raises:
      OSError: no run there, or none that was evaluated.
    """
    card, agent = begin_card(folder, name), load_agent(folder / checkpoints.LAST)
    with tqdm(unit=" steps", unit_scale=True, desc=card.name, disable=None, leave=False) as bar:
        found = evaluate_card(card, agent, lambda _, steps: bar.update(steps))
        shots = evaluate_shots(agent, benchmark(card), **protocol(card) | {"evaluation_episodes": 1}) if card.adapts else ()
    card, result = with_evaluation(card, found), counted(found)
    made = out / card.name
    made.mkdir(parents=True, exist_ok=True)
    if folder.resolve() != made.resolve():
        take_files(folder, made)
    for file in (BEFORE, SHOTS, PICTURE):  # of an agent that was there before; this one's follow
        (made / file).unlink(missing_ok=True)
    result.save(made / EVALUATION)
    if isinstance(found, AdaptationResult):
        found.before.save(made / BEFORE)
        save_shots(shots, made / SHOTS)
    if has_curve(made):
        save_figure(draw((made,)), made / PICTURE, dpi=100)
    card.save(made)
    write_text(made / "README.md", page(made, card, result, shots))
    return made


def take_files(folder: Path, made: Path) -> None:
    """Copy a run's weights and tables to its agent's folder; tables of an agent that was there before go."""
    for name in KEPT:
        if (folder / name).is_file():
            content = (folder / name).read_text()
            write_text(made / name, thinned(content) if name == PROGRESS else content)
        else:
            (made / name).unlink(missing_ok=True)
    shutil.copyfile(folder / checkpoints.LAST, made / WEIGHTS)


def check_names(folders: Sequence[Path]) -> None:
    """Refuse runs of which one would take the other's place.

    Raises:
      OSError: no run there, or none that was evaluated.
      ValueError: two would have the same name.
    """
    agents = dict[str, Path]()
    for folder in folders:
        name = begin_card(folder, name="").name
        if name in agents:
            raise ValueError(f"{agents[name]} and {folder} would both be {name}: publish one of them, or each by itself with --name")
        agents[name] = folder


def thinned(table: str, rows: int = MAX_PROGRESS_ROWS) -> str:
    """A CSV table with at most so many of its rows, evenly spread, the last one among them."""
    head, *lines = table.splitlines(keepends=True)
    if len(lines) <= rows:
        return table
    return head + "".join(lines[(place + 1) * len(lines) // rows - 1] for place in range(rows))


def main(arguments: Sequence[str] | None = None) -> int:
    """Publish; returns the exit status."""
    command = tyro.cli(Command, prog="python -m metaworld_baselines.publishing.publish", args=arguments)
    if command.name and len(command.folders) > 1:
        print("metaworld_baselines.publishing.publish: --name is for one agent", file=sys.stderr)
        return 2
    try:
        check_names(command.folders)
        for folder in command.folders:
            made = publish(folder, command.out, command.name)
            print(f"{made}: {json.loads((made / CARD).read_text())['success']:.1%}")
    except (OSError, ValueError) as error:
        print(f"metaworld_baselines.publishing.publish: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
