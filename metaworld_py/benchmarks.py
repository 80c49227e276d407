"""Task sets (MT1, ML10, custom …): environment classes and task instances of a seed, for training and testing."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from metaworld_py.envs.published_classes import EnvClasses
from metaworld_py.instances import task_sets
from metaworld_py.instances.task import INSTANCES_PER_TASK, Task, checked_seed, draw_instances, warn_of_global_seed
from metaworld_py.tasks import TASKS, find_task


class Split(NamedTuple):
    """One side of a benchmark: task names in order, and their instances."""

    names: tuple[str, ...]
    instances: list[Task]


def benchmark_seed(seed: int | None) -> int:
    """The seed of a benchmark's instances, checked, or one from fresh entropy."""
    if seed is None:
        warn_of_global_seed()
    return checked_seed(seed)


def draw_split(names: Sequence[str], seed: int | None, *, is_goal_hidden: bool, per_task: int) -> Split:
    """Instances of the named tasks, one stream through them in order."""
    names = tuple(find_task(name).name for name in names)
    if len(set(names)) != len(names):
        raise ValueError(f"each task may stand in a set only once, got {list(names)}")
    return Split(names, draw_instances(names, seed, partially_observable=is_goal_hidden, per_task=per_task))


NOTHING = Split((), [])


class Benchmark:
    """A task set with train and test classes and instances.

    Attributes:
      train_classes, test_classes: environment classes by task name.
      train_tasks, test_tasks: task instances, the same number per task, in the order of the classes.
      seed: the seed that the instances were drawn from.
    """

    def __init__(self, train: Split, test: Split, seed: int | None) -> None:
        self.train_classes = EnvClasses(train.names)
        self.test_classes = EnvClasses(test.names)
        self.train_tasks = train.instances
        self.test_tasks = test.instances
        self.seed = seed

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(seed={self.seed}, train={list(self.train_classes)}, test={list(self.test_classes)}, "
            f"{len(self.train_tasks)} train and {len(self.test_tasks)} test instances)"
        )

    def instances_of(self, name: str, split: str = "train") -> Iterator[Task]:
        """The instances of one task on one side, "train" or "test"."""
        key = find_task(name).id
        return (task for task in (self.train_tasks if split == "train" else self.test_tasks) if task.env_name == key)


class CustomMT(Benchmark):
    """Any list of tasks, goals visible.

    Args:
      envs_list: task names.
      seed: seeds the instances, one stream through the tasks in order; None takes fresh entropy.
      per_task: instances per task.
    """

    def __init__(self, envs_list: Sequence[str], seed: int | None = None, *, per_task: int = INSTANCES_PER_TASK) -> None:
        seed = benchmark_seed(seed)
        super().__init__(draw_split(task_sets.listed("envs_list", envs_list), seed, is_goal_hidden=False, per_task=per_task), NOTHING, seed)


class CustomML(Benchmark):
    """Any training and test tasks, goals hidden. Both sides start a stream of their own from the seed, as published.

    Raises:
      ValueError: a task on both sides, unless `allow_overlap`.
    """

    def __init__(
        self,
        train_envs: Sequence[str],
        test_envs: Sequence[str],
        seed: int | None = None,
        *,
        per_task: int = INSTANCES_PER_TASK,
        allow_overlap: bool = False,
    ) -> None:
        seed = benchmark_seed(seed)
        sides = task_sets.listed("train_envs", train_envs), task_sets.listed("test_envs", test_envs)
        train, test = (draw_split(names, seed, is_goal_hidden=True, per_task=per_task) for names in sides)
        overlap = sorted(set(train.names) & set(test.names))
        if overlap and not allow_overlap:
            raise ValueError(f"{', '.join(overlap)} stand on both sides: test tasks must be held out (or say allow_overlap=True)")
        super().__init__(train, test, seed)


class MT1(CustomMT):
    """One task, goal visible."""

    ENV_NAMES = tuple(task.id for task in TASKS.values())

    def __init__(self, env_name: str, seed: int | None = None, *, per_task: int = INSTANCES_PER_TASK) -> None:
        super().__init__([env_name], seed, per_task=per_task)


class ML1(Benchmark):
    """One task, goal hidden. The test instances are drawn with seed + 1, as published.

    So the test instances of seed s are the training instances of seed s + 1: do not use neighbouring seeds as independent runs.
    """

    ENV_NAMES = MT1.ENV_NAMES

    def __init__(self, env_name: str, seed: int | None = None, *, per_task: int = INSTANCES_PER_TASK) -> None:
        seed = benchmark_seed(seed)
        train, test = (draw_split([env_name], s, is_goal_hidden=True, per_task=per_task) for s in (seed, checked_seed(seed + 1)))
        super().__init__(train, test, seed)


class MT10(CustomMT):
    """Ten tasks, goals visible."""

    def __init__(self, seed: int | None = None, *, per_task: int = INSTANCES_PER_TASK) -> None:
        super().__init__(task_sets.MT10, seed, per_task=per_task)


class MT25(CustomMT):
    """Twenty-five tasks, goals visible."""

    def __init__(self, seed: int | None = None, *, per_task: int = INSTANCES_PER_TASK) -> None:
        super().__init__(task_sets.MT25, seed, per_task=per_task)


class MT50(CustomMT):
    """All fifty tasks, goals visible."""

    def __init__(self, seed: int | None = None, *, per_task: int = INSTANCES_PER_TASK) -> None:
        super().__init__(task_sets.MT50, seed, per_task=per_task)


class ML10(CustomML):
    """Ten training and five test tasks, goals hidden."""

    def __init__(self, seed: int | None = None, *, per_task: int = INSTANCES_PER_TASK) -> None:
        super().__init__(task_sets.ML10_TRAIN, task_sets.ML10_TEST, seed, per_task=per_task)


class ML25(CustomML):
    """Twenty-five training and five test tasks, goals hidden.

    As published, basketball is on both sides, which is no held-out task; a warning says so. `corrected=True` leaves it out of the test
    side (four tasks, their instances unchanged).
    """

    def __init__(self, seed: int | None = None, *, per_task: int = INSTANCES_PER_TASK, corrected: bool = False) -> None:
        super().__init__(task_sets.ML25_TRAIN, task_sets.ML25_TEST, seed, per_task=per_task, allow_overlap=True)
        overlap = set(self.train_classes) & set(self.test_classes)
        if corrected:
            self.test_classes = EnvClasses(name for name in self.test_classes if name not in overlap)
            self.test_tasks = [task for task in self.test_tasks if task.env_name not in overlap]
        else:
            message = (
                f"ML25 as published trains and tests on {', '.join(sorted(overlap))}: ML25(corrected=True) leaves it out of the test tasks"
            )
            warnings.warn(message, UserWarning, stacklevel=2)


class ML45(CustomML):
    """Forty-five training and five test tasks, goals hidden."""

    def __init__(self, seed: int | None = None, *, per_task: int = INSTANCES_PER_TASK) -> None:
        super().__init__(task_sets.ML45_TRAIN, task_sets.ML45_TEST, seed, per_task=per_task)
