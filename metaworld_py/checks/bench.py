"""Speed and memory on this machine, beside the physical floor. `metaworld-py bench` prints the table.

The floor of a control step is what its physics alone costs on one core: 5 × `mj_step` and one `mj_forward` on the task's model, called from
plain Python. It is measured in turns with the environments, on the same stretches of episodes under random actions, so that both see the
same pace of the machine and the same kind of states.
"""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import gymnasium
import mujoco
import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

from metaworld_py._version import installed_versions
from metaworld_py.benchmarks import CustomMT
from metaworld_py.engine.machine import available_cores, processor_name, resident_bytes
from metaworld_py.envs.env import MetaWorldEnv, env_class
from metaworld_py.envs.vector_env import MetaWorldVectorEnv
from metaworld_py.files import write_json
from metaworld_py.instances.task import Task
from metaworld_py.instances.task_sets import task_names
from metaworld_py.sim.simulation import PHYSICS_STEPS
from metaworld_py.tasks import find_task

SCHEMA = "metaworld_py.bench/1"
WINDOW = 100  # control steps of an episode that are measured: the same for any number of environments
CHUNK = 20  # control steps between turns
INSTANCES = 10  # per task; all seen once before the clock starts, since a process settles each of them once
MEMORY_ENVS = 100  # additional environments over which memory is measured, at least
_STEPS_SHARE, _FLOOR_SHARE, _RESETS_SHARE = 0.5, 0.3, 0.2  # of a cell's time
_MAX_FLOOR_EPISODES = 64

Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class BenchConfig:
    """What a bench measures: tasks, numbers of environments, seconds, threads."""

    tasks: tuple[str, ...] = ("door-open", "MT10", "MT50")  # task names (all environments play it) and task sets
    env_counts: tuple[int, ...] = (1, 10, 50, 256, 1024)  # a set is measured where the count is a multiple of its tasks
    seconds_per_cell: float = 5.0  # about; large counts take longer
    rounds: int = 5
    num_threads: int = 0  # 0: as many as there are cores
    compiled: bool | None = None  # vector environments in compiled code; None: where Numba is installed
    measures_memory: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name in self.tasks:
            task_names(name)  # refuses unknown ones
        for what, values in (("env_counts", self.env_counts), ("rounds", (self.rounds,))):
            if not values or min(values) < 1:
                raise ValueError(f"{what} must be at least 1, got {values}")
        if not (math.isfinite(self.seconds_per_cell) and self.seconds_per_cell > 0.0):
            raise ValueError(f"seconds_per_cell must be above 0, got {self.seconds_per_cell}")
        if not 0 <= self.num_threads <= available_cores():
            raise ValueError(f"num_threads must lie in 0…{available_cores()}, the cores of this machine, got {self.num_threads}")
        if not self.cells:
            raise ValueError(
                f"none of the environment counts {list(self.env_counts)} is a multiple of the tasks in {', '.join(self.tasks)}: "
                "give e.g. 10 for MT10 or 50 for MT50"
            )

    @property
    def cells(self) -> list[tuple[str, int]]:
        """Task or set, and number of environments, of each cell."""
        return [(name, count) for name in self.tasks for count in self.env_counts if count % len(task_names(name)) == 0]


def quick_config() -> BenchConfig:
    """A small table in seconds, to see that it works; too noisy to compare."""
    return BenchConfig(tasks=("reach", "MT10"), env_counts=(1, 10), seconds_per_cell=0.2, rounds=2)


@dataclass(frozen=True)
class Cell:
    """Medians over rounds for one task or set and one number of environments."""

    tasks: str
    num_envs: int
    interface: str  # "Env" (gymnasium.make) or "VectorEnv"
    num_cores: int  # that it may use
    busy_cores: float  # processor time per time while stepping: below num_cores where threads wait, or others have the processor
    steps_per_second: float  # control steps, of all environments together
    floor_steps_per_second: float  # of the physics alone on one core, mean time over the tasks
    floor_share: float  # steps_per_second / (floor_steps_per_second · num_cores), median of the rounds' shares
    resets_per_second: float


@dataclass(frozen=True)
class BenchResult:
    """Speeds measured on a machine, cell by cell."""

    cells: tuple[Cell, ...]
    bytes_per_env: dict[str, float | None]  # by task or set; None where the system does not tell
    num_threads: int
    processor: str
    versions: dict[str, str]

    def __str__(self) -> str:
        head = ("tasks", "environments", "interface", "steps/s", "floor steps/s", "cores", "busy", "share of floor", "resets/s")
        rows = [
            (
                cell.tasks,
                f"{cell.num_envs}",
                cell.interface,
                f"{cell.steps_per_second:.0f}",
                f"{cell.floor_steps_per_second:.0f}",
                f"{cell.num_cores}",
                f"{cell.busy_cores:.1f}",
                f"{cell.floor_share:.0%}",
                f"{cell.resets_per_second:.0f}",
            )
            for cell in self.cells
        ]
        memory = [
            f"{name} {size / 1e3:.0f} kB" if size is not None else f"{name} unknown here" for name, size in self.bytes_per_env.items()
        ]
        packages = " · ".join(f"{name} {number}" for name, number in self.versions.items())
        return "\n".join(
            [
                *table(head, rows),
                "",
                "floor: the physics alone, one core; busy: cores at work while stepping; share: steps/s of floor steps/s × cores",
                *([f"memory per additional environment: {', '.join(memory)}"] if memory else []),
                f"{self.processor} · {self.num_threads} threads · {packages} · {sys.platform}",
            ]
        )

    def save(self, path: str | Path) -> Path:
        """Write the measured table to a `.json` file.

        Raises:
          ValueError: another suffix.
        """
        path = Path(path)
        if path.suffix != ".json":
            raise ValueError(f"tables of speed are saved as .json, got {path.name!r}")
        write_json(path, {"schema": SCHEMA, **asdict(self)})
        return path


def bench(config: BenchConfig | None = None, *, progress: Progress | None = None) -> BenchResult:
    """Measure speed and memory.

    Args:
      config: what to measure.
      progress: called with (what is being measured, part of the whole done since the last call).
    """
    config = config or BenchConfig()
    threads = config.num_threads or available_cores()
    part = 1.0 / (len(config.cells) * config.rounds)

    cells = []
    for name, count in config.cells:

        def show(what: str = f"{name} × {count}") -> None:
            if progress is not None:
                progress(what, part)

        cells.append(measure(name, count, config, show))
    names = dict.fromkeys(name for name, _ in config.cells) if config.measures_memory else {}
    return BenchResult(
        cells=tuple(cells),
        bytes_per_env={name: bytes_per_env(name) for name in names},
        num_threads=threads,
        processor=processor_name(),
        versions=installed_versions(),
    )


def measure(tasks: str, num_envs: int, config: BenchConfig, on_round: Callable[[], None] | None = None) -> Cell:
    """One cell.

    Raises:
      ValueError: num_envs is no multiple of the number of tasks.
    """
    names = task_names(tasks)
    instances = CustomMT(names, seed=config.seed, per_task=INSTANCES)
    for task in instances.train_tasks:
        _see(task)
    threads = config.num_threads or available_cores()
    budget = config.seconds_per_cell / config.rounds
    envs = _Environments(names, num_envs, instances, threads, config)
    passes = max(1, int(_STEPS_SHARE * budget / envs.time_chunks(1)))  # chunks in each round
    envs.restart()
    floor = _Floor(names, 1, instances, config.seed)
    pass_seconds = passes * CHUNK * len(names) * floor.time_chunks(1)
    # Where the environments are many, a few chunks fill the time: then the floor is that of many episodes, too.
    copies = int(np.clip(_FLOOR_SHARE * budget / pass_seconds, 1, min(num_envs // len(names), _MAX_FLOOR_EPISODES)))
    floor = _Floor(names, copies, instances, config.seed)
    step_rates, busy, floor_rates, reset_rates = [], [], [], []
    for _ in range(config.rounds):
        before = time.process_time()
        seconds = envs.time_chunks(passes)
        busy.append((time.process_time() - before) / seconds)
        step_rates.append(num_envs * passes * CHUNK / seconds)
        floor_rates.append(1.0 / floor.time_chunks(passes))
        if on_round is not None:
            on_round()
    for _ in range(config.rounds):
        reset_rates.append(envs.resets_per_second(_RESETS_SHARE * budget))
    envs.close()
    num_cores = min(threads, num_envs)
    shares = np.divide(step_rates, np.multiply(floor_rates, num_cores))
    return Cell(
        tasks=tasks,
        num_envs=num_envs,
        interface="Env" if num_envs == 1 else "VectorEnv",
        num_cores=num_cores,
        busy_cores=float(np.median(busy)),
        steps_per_second=float(np.median(step_rates)),
        floor_steps_per_second=float(np.median(floor_rates)),
        floor_share=float(np.median(shares)),
        resets_per_second=float(np.median(reset_rates)),
    )


class _Environments:
    """What is measured: one environment as `gymnasium.make` gives it, or a vector environment, under random actions."""

    def __init__(self, names: Sequence[str], num_envs: int, instances: CustomMT, threads: int, config: BenchConfig) -> None:
        self._num_envs, seed = num_envs, config.seed
        self._rng = np.random.default_rng(seed)
        self._envs: Any
        if num_envs == 1:
            self._envs = gymnasium.make("Meta-World/MT1", env_name=names[0], seed=seed, num_tasks=INSTANCES)
        else:
            self._envs = vector_env(names, num_envs, instances, threads=threads, seed=seed, compiled=config.compiled)
        self.restart()

    def restart(self) -> None:
        self._envs.reset()
        self._position = 0

    def time_chunks(self, count: int) -> float:
        """Seconds of `count` chunks of control steps; resets between windows are not timed."""
        elapsed = 0.0
        for _ in range(count):
            if self._position == WINDOW:
                self.restart()
            shape = (CHUNK, 4) if self._num_envs == 1 else (CHUNK, self._num_envs, 4)
            actions = self._rng.uniform(-1, 1, shape).astype(np.float32)
            start = time.perf_counter()
            for action in actions:
                self._envs.step(action)
            elapsed += time.perf_counter() - start
            self._position += CHUNK
        return elapsed

    def resets_per_second(self, seconds: float) -> float:
        count = 0
        start = time.perf_counter()
        while count == 0 or time.perf_counter() - start < seconds:
            self._envs.reset()
            count += 1
        return count * self._num_envs / (time.perf_counter() - start)

    def close(self) -> None:
        self._envs.close()


class _Floor:
    """The physics alone: `copies` episodes of each task, advanced one after the other by engine calls from plain Python."""

    def __init__(self, names: Sequence[str], copies: int, instances: CustomMT, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._envs: list[MetaWorldEnv] = []
        for index, name in enumerate(name for name in names for _ in range(copies)):
            env = env_class(name)(max_episode_steps=None)
            env.set_tasks(list(instances.instances_of(name)))
            env.seed_generator(seed + index)
            self._envs.append(env)
        self._restart()

    def _restart(self) -> None:
        for env in self._envs:
            env.reset()
        # What a single environment hands out for reading: a complete model and data of its own, nobody else's to step.
        self._scenes = [(env.task_def, env.model, env.data) for env in self._envs]
        self._position = 0

    def time_chunks(self, count: int) -> float:
        """Mean seconds of a control step's physics over all episodes and `count` chunks."""
        elapsed = 0.0
        for _ in range(count):
            if self._position == WINDOW:
                self._restart()
            for task, model, data in self._scenes:
                low, high = np.array(task.hand_low), np.array(task.hand_high)
                for action in self._rng.uniform(-1, 1, (CHUNK, 4)):
                    data.mocap_pos[0] = np.clip(data.mocap_pos[0] + action[:3] / 100, low, high)
                    data.ctrl[:] = action[3], -action[3]
                    start = time.perf_counter()
                    mujoco.mj_step(model, data, PHYSICS_STEPS)
                    mujoco.mj_forward(model, data)
                    elapsed += time.perf_counter() - start
            self._position += CHUNK
        return elapsed / (count * CHUNK * len(self._scenes))


def vector_env(
    names: Sequence[str], num_envs: int, instances: CustomMT, *, threads: int, seed: int = 0, compiled: bool | None = None
) -> VectorEnv[NDArray[np.float64], NDArray[np.float32], Any]:
    """Environments of the named tasks, equally many of each.

    Raises:
      ValueError: num_envs is no multiple of the number of tasks.
    """
    if num_envs % len(names):
        raise ValueError(f"the number of environments must be a multiple of {len(names)}, got {num_envs}")
    played = [list(instances.instances_of(name)) for name in names for _ in range(num_envs // len(names))]
    return MetaWorldVectorEnv(played, n_threads=threads, seed=seed, compiled=compiled)


def bytes_per_env(tasks: str) -> float | None:
    """Memory (bytes) that an additional environment takes, or None where the system does not tell.

    Two fresh processes make, reset and step vector environments of different sizes; the difference of their resident memory.
    """
    names = task_names(tasks)
    few, many = 1, 1 + math.ceil(MEMORY_ENVS / len(names))
    sizes = []
    for copies in (few, many):
        code = f"from metaworld_py.checks import bench; print(bench.resident_bytes_with({names!r}, {copies}))"
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"measuring memory failed: {done.stderr.strip()}")
        if done.stdout.strip() == "None":
            return None
        sizes.append(int(done.stdout))
    return (sizes[1] - sizes[0]) / ((many - few) * len(names))


def resident_bytes_with(names: Sequence[str], copies: int) -> int | None:
    """Resident memory of this process with a vector environment of so many copies of each task, in the middle of episodes."""
    envs = vector_env(names, copies * len(names), CustomMT(names, seed=0, per_task=1), threads=1)
    envs.reset(seed=0)
    for _ in range(3):
        envs.step(np.zeros((envs.num_envs, 4), dtype=np.float32))
    return resident_bytes()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table, aligned to be read as text too: first column to the left, others to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = [cell.rjust(width) if index else cell.ljust(width) for index, (cell, width) in enumerate(zip(cells, widths, strict=True))]
        return f"| {' | '.join(padded)} |"

    ruler = "|".join("-" * (width + 2) if not index else "-" * (width + 1) + ":" for index, width in enumerate(widths))
    return [line(head), f"|{ruler}|", *(line(row) for row in rows)]


def _see(task: Task) -> None:
    """Play an instance once, so that no later reset is the first."""
    env = env_class(find_task(task.env_name).name)()
    env.set_task(task)
    env.reset()
