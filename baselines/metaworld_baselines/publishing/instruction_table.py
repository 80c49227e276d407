"""What an instructed policy does on which words: `python -m metaworld_baselines.publishing.instruction_table runs/bc-MT10-seed1`.

Plays all goals of the run's tasks three ways, keeps the results in the run's folder, and prints a row for each task: told by the task's own
sentence; by phrasings that nobody learned from (experience/phrasings.json), one after the other over the goals; and by the sentence of the
task that comes next in the set, which must fail where the words are what tells the tasks apart. Below, the held-out phrasings one by one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from metaworld_baselines.algorithms.cloning_config import INSTRUCTION, CloningConfig
from metaworld_baselines.algorithms.loading import load_agent
from metaworld_baselines.experience.phrasings import held_out_phrasings
from metaworld_baselines.publishing.one_shot_table import cell
from metaworld_baselines.publishing.run_files import is_of_last, read_run
from metaworld_py import find_task
from metaworld_py.checks.bench import table
from metaworld_py.evaluation import EvaluationResult, evaluate
from metaworld_py.rendering import RenderingError

OWN, HELD_OUT, OTHER = CONDITIONS = "own sentence", "held-out phrasings", "another task's sentence"


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    folder: tyro.conf.Positional[Path]
    conditions: tuple[str, ...] = CONDITIONS  # which ways


class RephrasingAgent:
    """An instructed agent that is told its tasks in these sentences: environment i in the i-th, behind the last one again in the first."""

    def __init__(self, agent: Any, sentences: Mapping[str, Sequence[str]]) -> None:
        self._agent, self._sentences = agent, sentences
        self.inputs = agent.inputs

    def start_task(self, name: str) -> None:
        """Tell this task from now on."""
        self._agent.instruct(*self._sentences[name])

    def eval_action(self, observations: Any) -> Any:
        """Actions (n, 4)."""
        return self._agent.eval_action(observations)


def sentences_of(condition: str, tasks: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What each task is told by under a condition.

    Raises:
      ValueError: an unknown condition, no held-out phrasings of a task, or no other task.
    """
    if condition not in CONDITIONS:
        raise ValueError(f"conditions are {', '.join(CONDITIONS)}, got {condition!r}")
    if condition == HELD_OUT:
        return {name: held_out_phrasings(name) for name in tasks}
    if condition == OTHER and len(tasks) < 2:
        raise ValueError(f"{tasks[0]} is the run's only task: leave {OTHER!r} out of --conditions")
    step = 1 if condition == OTHER else 0
    return {name: (find_task(tasks[(at + step) % len(tasks)]).sentence,) for at, name in enumerate(tasks)}


def result(folder: Path, condition: str) -> EvaluationResult:
    """What a run's last policy does under a condition; played at the first call, and again where the run went on since.

    Raises:
      OSError, ValueError: no run there whose policy is told by instructions.
    """
    _, config, seed, _ = read_run(folder)
    if not isinstance(config, CloningConfig) or config.told_by != INSTRUCTION:
        raise ValueError(f"{folder} holds no run of bc with --told-by {INSTRUCTION}")
    sentences = sentences_of(condition, config.tasks)
    path = folder / f"{re.sub(r'[^a-z]+', '-', condition)}.json"
    if not is_of_last(path, folder):
        evaluate(
            RephrasingAgent(load_agent(folder), sentences),
            config.tasks,
            seed=seed,
            instances_per_task=config.eval_instances,
            max_episode_steps=config.max_episode_steps,
            reward_function_version=config.reward_version,
            agent_name=folder.name,
        ).save(path)
    return EvaluationResult.load(path)


def rows(found: Sequence[EvaluationResult]) -> list[tuple[str, ...]]:
    """One for each task, with a cell for each condition, and the means over tasks."""
    by_task = zip(*(one.tasks for one in found), strict=True)
    listed = [(of_task[0].task, *(f"{task.success_rate:.0%}" for task in of_task)) for of_task in by_task]
    return [*listed, ("mean", *(cell([one]) for one in found))]


def phrasing_rows(found: EvaluationResult) -> list[tuple[str, ...]]:
    """Each held-out phrasing with its task and how many of the goals told by it were reached."""
    listed: list[tuple[str, ...]] = []
    for task in found.tasks:
        sentences = held_out_phrasings(task.task)
        for at, sentence in enumerate(sentences):
            reached = task.successes[at :: len(sentences)]
            listed.append((sentence, task.task, f"{sum(reached)} of {len(reached)}"))
    return listed


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate and print; returns the exit status."""
    command = tyro.cli(Command, prog="python -m metaworld_baselines.publishing.instruction_table", args=arguments)
    try:
        found = {condition: result(command.folder, condition) for condition in command.conditions}
        print("\n".join(table(("", *found), rows(list(found.values())))))
        if HELD_OUT in found:
            print("\n" + "\n".join(table(("held-out phrasing", "task", "goals reached"), phrasing_rows(found[HELD_OUT]))))
    except (OSError, ValueError, RenderingError) as error:
        print(f"metaworld_baselines.publishing.instruction_table: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
