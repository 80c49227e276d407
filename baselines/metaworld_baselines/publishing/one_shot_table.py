"""What one demonstration tells: `python -m metaworld_baselines.publishing.one_shot_table runs/one-shot-*`.

Plays the held-out goals of each run four ways, keeps the results in the run's folder, and prints a row for each task with means over
seeds: the policy with everything as demonstrated, with the object elsewhere, with another goal's demonstration; and the demonstration's
actions done over again with the object elsewhere.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from metaworld_baselines.algorithms.loading import load_agent
from metaworld_baselines.algorithms.one_shot_config import OneShotConfig
from metaworld_baselines.algorithms.one_shot_evaluation import CONDITIONS, ELSEWHERE, ReplayAgent, evaluate_one_shot
from metaworld_baselines.publishing import aggregation
from metaworld_baselines.publishing.run_files import is_of_last, read_run
from metaworld_py.checks.bench import table
from metaworld_py.evaluation import EvaluationResult, mean_rate_interval

REPLAY = "actions over again, object elsewhere"
WAYS = *CONDITIONS, REPLAY


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    folders: tyro.conf.Positional[tuple[Path, ...]]
    conditions: tuple[str, ...] = WAYS  # which of them


def results(folder: Path, condition: str) -> EvaluationResult:
    """What a run's last policy does under a condition; played at the first call, and again where the run went on since.

    Raises:
      OSError, ValueError: no run of one-shot imitation there, or an unknown condition.
    """
    if condition not in WAYS:
        raise ValueError(f"unknown condition {condition!r}; there are {', '.join(map(repr, WAYS))}")
    _, config, seed, _ = read_run(folder)
    if not isinstance(config, OneShotConfig):
        raise ValueError(f"{folder} holds no run of one-shot imitation")
    path = folder / f"{re.sub(r'[^a-z]+', '-', condition)}.json"
    if not is_of_last(path, folder):
        is_replay = condition == REPLAY
        agent = ReplayAgent() if is_replay else load_agent(folder)
        evaluate_one_shot(agent, config, seed, ELSEWHERE if is_replay else condition, folder.name).save(path)
    return EvaluationResult.load(path)


def cell(found: Sequence[EvaluationResult]) -> str:
    """Mean over seeds and tasks with its 95 % interval: over runs from three on, over goals before or where that is wider."""
    scores = np.array([[task.success_rate for task in result.tasks] for result in found])
    over_goals = mean_rate_interval([task.independent_counts for result in found for task in result.tasks])
    low, high = aggregation.interval_over_runs_or_goals(scores, over_goals)
    return f"{scores.mean():.1%} [{low:.1%}, {high:.1%}]"


def rows(folders: Sequence[Path], conditions: Sequence[str]) -> list[tuple[str, ...]]:
    """One for each task or set and its settings: name, number of seeds, and a cell for each condition.

    Raises:
      OSError, ValueError: see `results`, and the same seed twice.
    """
    recipes: dict[Any, dict[int, Path]] = {}
    for folder in folders:
        _, config, seed, _ = read_run(folder)
        seeds = recipes.setdefault(config, {})
        if seed in seeds:
            raise ValueError(f"{folder} and {seeds[seed]} are the same run, seed {seed}: give one of them")
        seeds[seed] = folder
    return [
        (config.title, str(len(seeds)), *(cell([results(folder, condition) for folder in seeds.values()]) for condition in conditions))
        for config, seeds in recipes.items()
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate and print; returns the exit status."""
    command = tyro.cli(Command, prog="python -m metaworld_baselines.publishing.one_shot_table", args=arguments)
    try:
        print("\n".join(table(("", "seeds", *command.conditions), rows(command.folders, command.conditions))))
    except (OSError, ValueError) as error:
        print(f"metaworld_baselines.publishing.one_shot_table: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
