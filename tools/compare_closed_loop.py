"""Behaviour level, closed loop: the same expert on the same instances in our scenes and in the published ones.

Our experts play our scenes under today's engine, and the published package's environments, which run as a black box in a virtual environment
of their own. With --published-policies the package's own scripted policies play both sides, too. Success is success at any step.

    python -m venv /tmp/published && /tmp/published/bin/pip install metaworld==3.1.1
    python tools/compare_closed_loop.py MT10 --published /tmp/published/bin/python [--instances 20] [--published-policies] [--out table.md]
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from metaworld_py.agents import Agent, ExpertAgent
from metaworld_py.episodes import TaskEpisodes
from metaworld_py.evaluation import evaluate, installed_versions, rate_interval, task_names
from metaworld_py.instances import INSTANCES_PER_TASK, draw_instances
from metaworld_py.tasks import find_task
from metaworld_py.tasks.definition import HORIZON

WORKER = Path(__file__).with_name("published_env_worker.py")
GOAL_ATOL = 1e-9  # m between the goals of the two sides: equal instances give goals equal to float64 rounding


class Published:
    """The published package in its own process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, do: str, **arguments: object) -> dict:
        """Send a request, wait for its answer."""
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the published package's process ended ({self._process.wait()}) at {do!r}; its messages are above")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"the published package failed at {do} {arguments}: {answer['error']}")
        return answer


@contextmanager
def published_package(python: str) -> Iterator[Published]:
    """Start the worker under the given interpreter; it ends with the block."""
    with subprocess.Popen([python, str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Published(process)
        finally:
            process.stdin.close()


class PublishedPolicyAgent:
    """The published package's scripted policy of the task being played, one object per episode."""

    def __init__(self, published: Published) -> None:
        self._published = published
        self._task = ""

    def start_task(self, name: str) -> None:
        """Remember the task."""
        self._task = name

    def reset(self, mask: np.ndarray) -> None:
        """New policies for all episodes; they are only ever started together here."""
        self._published.ask("policies", task=self._task, count=len(mask))

    def eval_action(self, observations: np.ndarray) -> np.ndarray:
        """Actions (n, 4) as float32, as the published environments take them."""
        return np.array(self._published.ask("act", observations=observations.tolist())["actions"], dtype=np.float32)


@dataclass(frozen=True)
class Outcome:
    """Episodes of one agent on one side."""

    steps_to_success: tuple[int | None, ...]

    @property
    def rate(self) -> str:
        """Successes of episodes."""
        return f"{sum(steps is not None for steps in self.steps_to_success)}/{len(self.steps_to_success)}"

    @property
    def median_steps(self) -> str:
        """Over the successful episodes."""
        steps = [steps for steps in self.steps_to_success if steps is not None]
        return f"{np.median(steps):.0f}" if steps else "–"


def play_ours(agent: Agent, task: str, options: argparse.Namespace) -> Outcome:
    """All instances in our scenes."""
    result = evaluate(agent, task, seed=options.seed, instances_per_task=options.instances)
    return Outcome(result.tasks[0].steps_to_success)


def play_published(agent: Agent, task: str, published: Published, options: argparse.Namespace, progress: Callable[[], object]) -> Outcome:
    """All instances in the published scenes, each until its first success."""
    agent.start_task(task)
    steps = []
    for instance in range(options.instances):
        agent.reset(np.ones(1, dtype=bool)) if hasattr(agent, "reset") else None
        steps.append(steps_to_success(agent, instance, published))
        progress()
    return Outcome(tuple(steps))


def steps_to_success(agent: Agent, instance: int, published: Published) -> int | None:
    """Control steps of one episode until success, None without."""
    observation = published.ask("reset", instance=instance)["observation"]
    for step in range(1, HORIZON + 1):
        (action,) = agent.eval_action(np.array([observation]))
        answer = published.ask("step", action=action.tolist())
        if answer["success"]:
            return step
        observation = answer["observation"]
    return None


def check_same_instances(task: str, published: Published, options: argparse.Namespace) -> tuple[float, float]:
    """Largest |Δ| (m) of the goal slots, and of all slots of the reset observation, over the instances.

    Raises:
      RuntimeError: other goals: the two sides would play different instances.
    """
    instances = draw_instances([task], options.seed, partially_observable=False)[: options.instances]
    episodes = TaskEpisodes(find_task(task), len(instances))
    episodes.reset(range(len(instances)), [instance.rand_vec for instance in instances], [False] * len(instances))
    theirs = np.array([published.ask("reset", instance=index)["observation"] for index in range(len(instances))])
    difference = np.abs(episodes.observations - theirs)
    if difference[:, 36:].max() > GOAL_ATOL:
        raise RuntimeError(f"{task}: goal slots differ by up to {difference[:, 36:].max():.1e} m: not the same instances on both sides")
    return difference[:, 36:].max(), difference.max()
