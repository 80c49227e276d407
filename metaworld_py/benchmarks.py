"""Task sets (MT1, ML1, MT10, …): environment classes and task instances of a seed, for training and testing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from metaworld_py.env import MetaWorldEnv, env_class
from metaworld_py.instances import Task, checked_seed, draw_instances
from metaworld_py.tasks import TASKS, find_task

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


class EnvClasses(dict[str, "type[MetaWorldEnv]"]):
    """Environment classes by published name (`door-open-v3`); look-ups accept `door-open` as well."""

    def __init__(self, names: Iterable[str]) -> None:
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

    def __init__(
        self, train: Sequence[str], test: Sequence[str], train_tasks: list[Task], test_tasks: list[Task], seed: int | None
    ) -> None:
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
        seed = checked_seed(seed)
        train = draw_instances([env_name], seed, partially_observable=True)
        test = draw_instances([env_name], seed + 1, partially_observable=True)
        super().__init__([env_name], [env_name], train, test, seed)


class MT10(Benchmark):
    """Ten tasks, goal visible."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(MT10_TASKS, [], draw_instances(MT10_TASKS, seed, partially_observable=False), [], seed)
