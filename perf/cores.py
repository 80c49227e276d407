"""What this machine's cores give together: the physical floor on one core, and on all of them at once.

The share that `metaworld-py bench` prints takes it that two cores give twice one. Cores that share caches, memory or a clock give less, and
environments that take turns, as those of a vector environment must, find their scenes in slower memory than one that goes on by itself.
Both are measured here with the engine alone, in processes that share nothing: none of our code is within the clock.

    python perf/cores.py
    python perf/cores.py --tasks MT50 --copies 4
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import statistics
import time
from typing import Any

import mujoco
import numpy as np
from tqdm import tqdm

from metaworld_py.benchmarks import CustomMT
from metaworld_py.checks.bench import INSTANCES, _Floor, table
from metaworld_py.engine.machine import available_cores, processor_name
from metaworld_py.evaluation import installed_versions, task_names
from metaworld_py.sim.simulation import PHYSICS_STEPS

STRETCH = 20  # control steps that an environment goes on for where it need not take turns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=["door-open", "MT10", "MT50"], help="task names and sets")
    parser.add_argument("--copies", type=int, default=1, help="environments of each task")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    cores = available_cores()
    rows = []
    with tqdm(total=len(options.tasks) * options.rounds) as progress:
        for tasks in options.tasks:
            rows.append(row(tasks, cores, options, progress))
    print(*table(("tasks", "one core: steps/s", "in turns", f"{cores} cores / one", f"{cores} cores, in turns / one"), rows), sep="\n")
    packages = " · ".join(f"{name} {number}" for name, number in installed_versions().items())
    print(f"\n{processor_name()} · {packages}")


def row(tasks: str, cores: int, options: argparse.Namespace, progress: Any) -> tuple[str, ...]:
    """Medians over rounds: rate of one core, and of what turns and company leave of it, as ratios within each round."""
    settings = list(itertools.product((STRETCH, 1), (1, cores)))
    rates: dict[tuple[int, int], list[float]] = {setting: [] for setting in settings}
    crew = Crew(tasks, options.copies, cores)
    for _ in range(options.rounds):
        for stretch, busy in settings:
            rates[stretch, busy].append(crew.steps_per_second(stretch, busy, options.seconds))
        progress.update()
    crew.close()

    def ratio(setting: tuple[int, int]) -> float:
        return statistics.median(np.divide(rates[setting], rates[STRETCH, 1]))

    one = statistics.median(rates[STRETCH, 1])
    return tasks, f"{one:.0f}", f"{ratio((1, 1)):.0%}", f"{ratio((STRETCH, cores)):.2f}", f"{ratio((1, cores)):.2f}"


class Crew:
    """A process for each core, with its share of the environments; those that are not asked sleep."""

    def __init__(self, tasks: str, copies: int, cores: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._start = context.Barrier(cores)
        self._pipes, self._processes = [], []
        for index in range(cores):
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(tasks, copies, index, cores, theirs, self._start), daemon=True)
            process.start()
            self._pipes.append(ours)
            self._processes.append(process)
        for pipe in self._pipes:
            pipe.recv()

    def steps_per_second(self, stretch: int, busy: int, seconds: float) -> float:
        """Of `busy` processes together. With one, each takes a turn alone, so that the same environments count as with all."""
        if busy > 1:
            for pipe in self._pipes:
                pipe.send((stretch, seconds, True))
            return sum(pipe.recv() for pipe in self._pipes)
        rates = []
        for pipe in self._pipes:
            pipe.send((stretch, seconds / len(self._pipes), False))
            rates.append(pipe.recv())
        return statistics.harmonic_mean(rates)

    def close(self) -> None:
        for pipe in self._pipes:
            pipe.send(None)
        for process in self._processes:
            process.join()


def work(tasks: str, copies: int, index: int, cores: int, pipe: Any, start: Any) -> None:
    """A process: every `cores`-th environment is its own."""
    names = [name for name in task_names(tasks) for _ in range(copies)]
    names = names[index::cores] or names
    floor = _Floor(names, 1, CustomMT(list(dict.fromkeys(names)), seed=0, per_task=INSTANCES), seed=index)
    pipe.send("ready")
    while (order := pipe.recv()) is not None:
        stretch, seconds, together = order
        if together:
            start.wait()
        pipe.send(steps_per_second(floor, stretch, seconds))


def steps_per_second(floor: _Floor, stretch: int, seconds: float) -> float:
    """Control steps per second of engine time, over whole rounds of all environments."""
    floor._restart()
    rng = np.random.default_rng(0)
    steps, elapsed, begin = 0, 0.0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        for task, model, data in floor._scenes:
            for action in rng.uniform(-1, 1, (stretch, 4)):
                data.mocap_pos[0] = np.clip(data.mocap_pos[0] + action[:3] / 100, task.hand_low, task.hand_high)
                data.ctrl[:] = action[3], -action[3]
                before = time.perf_counter()
                mujoco.mj_step(model, data, PHYSICS_STEPS)
                mujoco.mj_forward(model, data)
                elapsed += time.perf_counter() - before
                steps += 1
    return steps / elapsed


if __name__ == "__main__":
    main()
