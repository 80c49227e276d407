"""Task instances (a task plus its random vector) as plain values, and the published lists of them, computed without simulation.

They come from the published legacy stream, bit for bit: `numpy.random.RandomState(seed)`, one uniform per component of the random
vector, two accepted draws per instance of which the second is kept.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from metaworld_py.tasks import TaskDef, find_task

INSTANCES_PER_TASK = 50
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class Task:
    """A task instance: a task plus its random vector. A plain value: comparable, hashable, JSON-serialisable."""

    env_name: str  # with version, e.g. "door-open-v3"
    rand_vec: tuple[float, ...]
    partially_observable: bool  # True hides the goal (ML sets)

    def __post_init__(self) -> None:
        task = find_task(self.env_name)
        rand_vec = tuple(float(x) for x in self.rand_vec)
        if len(rand_vec) != len(task.random_low) or not np.isfinite(rand_vec).all():
            raise ValueError(f"rand_vec of {task.id} must be {len(task.random_low)} finite numbers, got {self.rand_vec!r}")
        object.__setattr__(self, "env_name", task.id)
        object.__setattr__(self, "rand_vec", rand_vec)

    def to_json(self) -> str:
        """The instance as a JSON object; floats survive to the last bit."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Task:
        """Inverse of `to_json`."""
        fields: dict[str, Any] = json.loads(text)
        return cls(fields["env_name"], tuple(fields["rand_vec"]), fields["partially_observable"])


_told: set[str] = set()  # what was said once in this process


def warn_of_global_seed() -> None:
    """Say once that `np.random.seed` decides nothing here, to those who have called it: published code did as it says."""
    _, key, position, *_ = np.random.get_state(legacy=True)
    if "global seed" in _told or position != len(key):
        return
    seeded: Any = np.random.RandomState(int(key[0])).get_state(legacy=True)
    if np.array_equal(seeded[1], key):
        _told.add("global seed")
        message = "np.random.seed decides no instances here: pass seed=, e.g. MT1('reach-v3', seed=1), to get the same ones in every run"
        warnings.warn(message, UserWarning, stacklevel=4)


def warn_outside(tasks: Iterable[Task]) -> None:
    """Say which instance lies outside its task's box: its goal is shown clipped to the box, and rewarded where it is."""
    for task in tasks:
        low, high = find_task(task.env_name).random_low, find_task(task.env_name).random_high
        if any(not least - _NEAR <= at <= most + _NEAR for at, least, most in zip(task.rand_vec, low, high, strict=True)):
            message = f"{task.env_name} is made for random vectors from {list(low)} to {list(high)}, got {list(task.rand_vec)}"
            warnings.warn(f"{message}: observed goals are clipped to their box, rewards are not", UserWarning, stacklevel=4)
            return


_NEAR = 1e-3  # m beyond the box that rounding may bring


def draw_rand_vec(task: TaskDef, rng: np.random.RandomState | np.random.Generator) -> tuple[float, ...]:
    """One accepted random vector, uniform in the task's box."""
    while True:
        rand_vec = tuple(rng.uniform(task.random_low, task.random_high).tolist())
        if task.accept(rand_vec):
            return rand_vec


def draw_instances(names: Iterable[str], seed: int | None, *, partially_observable: bool, per_task: int = INSTANCES_PER_TASK) -> list[Task]:
    """`per_task` instances of each task, all from one stream in the order of the names.

    Args:
      names: task names.
      seed: 0 … 2³²−1; None takes fresh entropy. No global generator is read or advanced.
      partially_observable: whether the instances hide their goal.
      per_task: instances per task.
    """
    if seed is None:
        warn_of_global_seed()
    rng = np.random.RandomState(checked_seed(seed))
    instances = []
    for name in names:
        task = find_task(name)
        for _ in range(per_task):
            draw_rand_vec(task, rng)  # the published reset runs twice; the first vector is thrown away
            instances.append(Task(task.id, draw_rand_vec(task, rng), partially_observable))
    return instances


def checked_seed(seed: int | None, *, maximum: int | None = MAX_SEED) -> int:
    """The seed itself, or one from fresh entropy for None.

    Raises:
      ValueError: not an integer from 0 to `maximum` (None: without end).
    """
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    is_integer = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not is_integer or seed < 0 or (maximum is not None and seed > maximum):
        raise ValueError(f"seed must be an integer in 0…{maximum or '∞'} or None, got {seed!r}")
    return int(seed)
