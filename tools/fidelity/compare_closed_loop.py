"""Fidelity in closed loop: our experts, and the published policies, on our scenes and on the published ones (a black box in its own venv).

    python3 -m venv .published && .published/bin/pip install metaworld==3.1.1 packaging
    python tools/fidelity/compare_closed_loop.py --published .published/bin/python --instances 20 --out docs/closed_loop.md

Prints, per task, success at any step over the same published instances (seed 0) and median steps to success.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from metaworld_py.benchmarks import MT1
from metaworld_py.envs.env import env_class
from metaworld_py.evaluation import installed_versions
from metaworld_py.instances.task_sets import MT50
from metaworld_py.tasks import TASKS

WORKER = Path(__file__).with_name("published_env_worker.py")
GOAL = slice(36, 39)
GOAL_ATOL = 1e-4  # m; push and its variants put theirs at a settled height, on which engines differ by 3e-5
Act = Callable[[list[float]], list[float]]

HEAD = """# Closed loop, measured

Written by `tools/fidelity/compare_closed_loop.py`: success at any of 500 steps over {instances} published instances of seed {seed}, and
median steps to the first success. Our experts and the published policies each play on our scenes ({versions}) and on the
published ones (metaworld 3.1.1, MuJoCo 3.3.0, a black box in a virtual environment of its own).

| task | our expert, our scene | our expert, published scene | published policy, our scene | published policy, published scene |
|---|---|---|---|---|
"""


class Published:
    """The published environments in a process of their own."""

    def __init__(self, python: str) -> None:
        command = [python, "-W", "ignore", str(WORKER)]
        # A file, not a pipe: nobody reads along, and a full pipe would stop the worker.
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # lives as long as the worker
        self._process: Any = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True)

    def ask(self, **message: Any) -> dict[str, Any]:
        """The worker's answer.

        Raises:
          RuntimeError: the worker ended; with what it wrote to stderr.
        """
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            status = self._process.wait()
            self._errors.seek(0)
            raise RuntimeError(f"{WORKER.name} ended with status {status}:\n{self._errors.read()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def policy(self, observation: list[float]) -> list[float]:
        """The published policy's action for the task started last."""
        action: list[float] = self.ask(policy=observation)["action"]
        return action

    def play(self, task: str, seed: int, instance: int, act: Act, horizon: int) -> tuple[int | None, list[float]]:
        """Steps to success (None without) on the published scene, and the first observation."""
        first = observation = self.ask(task=task, seed=seed, instance=instance)["obs"]
        for step in range(1, horizon + 1):
            answer = self.ask(action=act(observation))
            if answer["success"] > 0:
                return step, first
            observation = answer["obs"]
        return None, first


def play_ours(env: Any, instance: Any, act: Act, horizon: int) -> tuple[int | None, list[float]]:
    """Steps to success (None without) on our scene, and the first observation."""
    env.set_task(instance)
    observation = env.reset()[0]
    first = observation.tolist()
    for step in range(1, horizon + 1):
        observation, _, _, _, info = env.step(np.array(act(observation.tolist()), dtype=np.float32))
        if info["success"]:
            return step, first
    return None, first


def compare(task: str, published: Published, seed: int, instances: int, horizon: int) -> list[list[int | None]]:
    """Steps to success of the four pairings, in the order of the table."""
    env, tasks = env_class(task)(max_episode_steps=None), MT1(task, seed).train_tasks
    expert: Act = lambda observation: list(TASKS[task].expert(observation))  # noqa: E731
    columns: list[list[int | None]] = [[], [], [], []]
    for index in range(instances):
        theirs, first = published.play(task, seed, index, expert, horizon)
        ours, our_first = play_ours(env, tasks[index], expert, horizon)
        if not np.allclose(first[GOAL], our_first[GOAL], atol=GOAL_ATOL):
            raise RuntimeError(f"{task}, instance {index}: goals differ, {first[GOAL]} and {our_first[GOAL]}")
        columns[0].append(ours)
        columns[1].append(theirs)
        columns[2].append(play_ours(env, tasks[index], published.policy, horizon)[0])
        columns[3].append(published.play(task, seed, index, published.policy, horizon)[0])
    return columns


def cell(steps: list[int | None]) -> str:
    solved = [step for step in steps if step is not None]
    return f"{len(solved) / len(steps):.0%}" + (f" ({np.median(solved):.0f})" if solved else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", required=True, metavar="PYTHON")
    parser.add_argument("--tasks", nargs="+", default=list(MT50))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--instances", type=int, default=20)
    parser.add_argument("--horizon", type=int, default=500)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    published, rows, results = Published(options.published), [], []
    for task in tqdm(options.tasks, disable=None):
        columns = compare(task, published, options.seed, options.instances, options.horizon)
        results.append([np.mean([step is not None for step in column]) for column in columns])
        rows.append(f"| {task} | " + " | ".join(cell(column) for column in columns) + " |")
        print(rows[-1], flush=True)
    rows.append("| **mean** | " + " | ".join(f"**{rate:.1%}**" for rate in np.mean(results, axis=0)) + " |")
    print(rows[-1])
    if options.out:
        versions = ", ".join(f"{name} {number}" for name, number in installed_versions().items())
        options.out.write_text(HEAD.format(instances=options.instances, seed=options.seed, versions=versions) + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
