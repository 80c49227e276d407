"""Task sets (MT1, ML1, MT10, …) and their task instances, computed from a seed without any simulation.

Instances come from the published legacy stream, bit for bit: `numpy.random.RandomState(seed)`, one uniform per component of the random
vector, two accepted draws per instance of which the second is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metaworld_py.tasks import TASKS, TaskDef, find_task

if TYPE_CHECKING:
    from metaworld_py.env import MetaWorldEnv

INSTANCES_PER_TASK = 50
MAX_SEED = 2**32 - 1

MT10_TASKS = (
    "reach",
    "push",
    "pick-place",
    "door-open",
    "drawer-open",
    "drawer-close",
    "button-press-topdown",
    "peg-insert-side",
    "window-open",
    "window-close",
)  # fmt: skip


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


def draw_rand_vec(task: TaskDef, rng: np.random.RandomState | np.random.Generator) -> tuple[float, ...]:
    """One accepted random vector, uniform in the task's box."""
    while True:
        rand_vec = tuple(rng.uniform(task.random_low, task.random_high).tolist())
        if task.accept(rand_vec):
            return rand_vec


def draw_instances(
    names: Iterable[str], seed: int | None, *, partially_observable: bool, per_task: int = INSTANCES_PER_TASK
) -> list[Task]:
    """`per_task` instances of each task, all from one stream in the order of the names.

    Args:
      names: task names.
      seed: 0 … 2³²−1; None takes fresh entropy. No global generator is read or advanced.
      partially_observable: whether the instances hide their goal.
      per_task: instances per task.
    """
    rng = np.random.RandomState(_checked_seed(seed))
    instances = []
    for name in names:
        task = find_task(name)
        for _ in range(per_task):
            draw_rand_vec(task, rng)  # the published reset runs twice; the first vector is thrown away
            instances.append(Task(task.id, draw_rand_vec(task, rng), partially_observable))
    return instances


def _checked_seed(seed: int | None) -> int:
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed must be an integer in 0…{MAX_SEED} or None, got {seed!r}")
    return int(seed)


class EnvClasses(dict[str, "type[MetaWorldEnv]"]):
    """Environment classes by published name (`door-open-v3`); look-ups accept `door-open` as well."""

    def __init__(self, names: Iterable[str]) -> None:
        from metaworld_py.env import env_class

        super().__init__((find_task(name).id, env_class(name)) for name in names)

    def __missing__(self, name: str) -> type[MetaWorldEnv]:
        key = find_task(name).id
        if key not in self:
            raise KeyError(f"{name!r} is not in this benchmark, which has {', '.join(self)}")
        return dict.__getitem__(self, key)


class Benchmark:
    """A task set with train and test classes and instances.

    Attributes:
      train_classes, test_classes: environment classes by task name.
      train_tasks, test_tasks: task instances, `INSTANCES_PER_TASK` per task, in the order of the classes.
      seed: the seed that the instances were drawn from, None if from fresh entropy.
    """

    def __init__(self, train: Sequence[str], test: Sequence[str], train_tasks: list[Task], test_tasks: list[Task], seed: int | None) -> None:
        self.train_classes = EnvClasses(train)
        self.test_classes = EnvClasses(test)
        self.train_tasks = train_tasks
        self.test_tasks = test_tasks
        self.seed = seed

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(seed={self.seed}, train={list(self.train_classes)}, test={list(self.test_classes)}, "
            f"{len(self.train_tasks)} train and {len(self.test_tasks)} test instances)"
        )

    def instances_of(self, name: str) -> Iterator[Task]:
        """The training instances of one task."""
        key = find_task(name).id
        return (task for task in self.train_tasks if task.env_name == key)


class MT1(Benchmark):
    """One task, goal visible."""

    ENV_NAMES = tuple(task.id for task in TASKS.values())

    def __init__(self, env_name: str, seed: int | None = None) -> None:
        super().__init__([env_name], [], draw_instances([env_name], seed, partially_observable=False), [], seed)


class ML1(Benchmark):
    """One task, goal hidden. The test instances are drawn with seed + 1, as published.

    So the test instances of seed s are the training instances of seed s + 1: do not use neighbouring seeds as independent runs.
    """

    ENV_NAMES = MT1.ENV_NAMES

    def __init__(self, env_name: str, seed: int | None = None) -> None:
        seed = _checked_seed(seed)
        train = draw_instances([env_name], seed, partially_observable=True)
        test = draw_instances([env_name], seed + 1, partially_observable=True)
        super().__init__([env_name], [env_name], train, test, seed)


class MT10(Benchmark):
    """Ten tasks, goal visible."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(MT10_TASKS, [], draw_instances(MT10_TASKS, seed, partially_observable=False), [], seed)
