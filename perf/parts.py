"""Where a step of many scenes goes, on one core: the engine, scenes that come back from slower memory, rewards, Gymnasium.

All parts take turns, round by round, on the same environments; cells are medians over rounds, shares medians of the rounds' ratios.
The clock is this thread's processor time, so that it counts on busy machines, too.

    python perf/parts.py
    python perf/parts.py --tasks MT50 --rounds 50
"""

from __future__ import annotations

import argparse
import copy
import heapq
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import mujoco
import numpy as np
from tqdm import tqdm

from metaworld_py.benchmarks import CustomMT
from metaworld_py.checks.bench import INSTANCES, table
from metaworld_py.engine.machine import processor_name
from metaworld_py.envs.vector_env import MetaWorldVectorEnv
from metaworld_py.evaluation import installed_versions, task_names
from metaworld_py.sim.simulation import PHYSICS_STEPS

STRETCH = 10  # control steps of each part in a round
EPISODE_ROUNDS = 5  # between resets
THREADS = (2, 4, 8, 16)

Call = Callable[[], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=["door-open", "MT10", "MT50"], help="task names and sets, one environment per task")
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    for tasks in options.tasks:
        parts = Parts(task_names(tasks))
        found = rows(parts, tasks, options.rounds)
        print(f"\n{tasks}\n", *table(("part", "µs per environment and step", "floor / part"), found), sep="\n")
        if parts.envs.num_envs > max(THREADS):
            busiest = busy_rows(parts.costs(options.rounds))
            print("", *table(("threads", "busy, dealt out one by one", "the longest first"), busiest), sep="\n")
    print(f"\n{processor_name()} · {' · '.join(f'{name} {number}' for name, number in installed_versions().items())}")


def busy_rows(costs: Sequence[float]) -> list[tuple[str, str, str]]:
    """How busy threads could be at best, by their number: the last task keeps the others waiting."""
    longest_first = sorted(costs, reverse=True)
    return [(str(threads), f"{busy(costs, threads):.0%}", f"{busy(longest_first, threads):.0%}") for threads in THREADS]


def busy(costs: Sequence[float], threads: int) -> float:
    """Share of the threads' time that is work, if each takes the next task as soon as it is free."""
    free_at = [0.0] * threads
    for cost in costs:
        heapq.heapreplace(free_at, free_at[0] + cost)
    return sum(costs) / (threads * max(free_at))


def rows(parts: Parts, tasks: str, rounds: int) -> list[tuple[str, str, str]]:
    """Medians over rounds, part by part."""
    seconds: dict[str, list[float]] = {name: [] for name in parts.by_name}
    for index in tqdm(range(rounds), desc=tasks, leave=False, disable=None):
        if index % EPISODE_ROUNDS == 0:
            parts.envs.reset()
        for name, measure in parts.by_name.items():
            seconds[name].append(measure())
    floor = next(iter(seconds.values()))

    def row(name: str, found: list[float]) -> tuple[str, str, str]:
        return name, f"{1e6 * statistics.median(found):.0f}", f"{statistics.median(np.divide(floor, found)):.0%}"

    return [row(name, found) for name, found in seconds.items()]


class Parts:
    """One environment of each task, and what of its step is measured, each in processor seconds per environment and step."""

    def __init__(self, names: Sequence[str]) -> None:
        instances = CustomMT(names, seed=0, per_task=INSTANCES)
        self.envs = MetaWorldVectorEnv([list(instances.instances_of(name)) for name in names], n_threads=1, seed=0)
        self.envs.reset(seed=0)
        self._rng = np.random.default_rng(0)
        self._simulations = [self.envs.episode(env).simulation for env in range(len(names))]
        self._scenes = [(copy.copy(task.model), mujoco.MjData(task.model)) for task in self.envs.task_defs]  # fixtures move in it
        own: list[Call] = [simulation.control_step for simulation in self._simulations]
        self.by_name: dict[str, Call] = {
            "floor: whole scenes, one after the other": lambda: self._alone(self._whole()),
            "floor, in turns": lambda: self._in_turns(self._whole()),
            "our physics, one after the other": lambda: self._kept(lambda: self._alone(own)),
            "our physics, in turns": lambda: self._kept(lambda: self._in_turns(own)),
            "our step, in turns: rewards, observations, Gymnasium": self._steps,
        }

    def costs(self, rounds: int) -> list[float]:
        """Processor time of a control step of each environment beside the others', medians over rounds in turns."""
        found = []
        for _ in range(rounds):
            states = [simulation.get_state() for simulation in self._simulations]
            found.append([self._timed([simulation.control_step]) for simulation in self._simulations])
            for simulation, state in zip(self._simulations, states, strict=True):
                simulation.set_state(state)
        return [float(median) for median in np.median(found, axis=0)]

    def _whole(self) -> list[Call]:
        """The floor of each environment, from where it stands."""
        calls = []
        for (model, data), simulation in zip(self._scenes, self._simulations, strict=True):
            simulation.copy_state_to(model, data)

            def step(model: Any = model, data: Any = data) -> None:
                mujoco.mj_step(model, data, PHYSICS_STEPS)
                mujoco.mj_forward(model, data)

            calls.append(step)
        return calls

    def _kept(self, measure: Callable[[], float]) -> float:
        """Measure what moves our simulations, and set them back."""
        states = [simulation.get_state() for simulation in self._simulations]
        seconds = measure()
        for simulation, state in zip(self._simulations, states, strict=True):
            simulation.set_state(state)
        return seconds

    def _alone(self, calls: Sequence[Call]) -> float:
        """Each goes on by itself, its scene in the fastest memory."""
        return self._timed([call for call in calls for _ in range(STRETCH)])

    def _in_turns(self, calls: Sequence[Call]) -> float:
        """A step of each, again and again, as a vector environment must."""
        return self._timed([*calls] * STRETCH)

    def _steps(self) -> float:
        actions = self._rng.uniform(-1, 1, (STRETCH, len(self._scenes), 4)).astype(np.float32)
        return self._timed([lambda moves=moves: self.envs.step(moves) for moves in actions])

    def _timed(self, calls: Sequence[Call]) -> float:
        begin = time.thread_time()
        for call in calls:
            call()
        return (time.thread_time() - begin) / (STRETCH * len(self._scenes))


if __name__ == "__main__":
    main()
