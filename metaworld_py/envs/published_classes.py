"""Environment classes by published name: `ALL_V3_ENVIRONMENTS` and its goal-observable and goal-hidden variants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from metaworld_py.envs.env import MetaWorldEnv, env_class
from metaworld_py.tasks import TASKS, find_task


class EnvClasses(dict[str, type[MetaWorldEnv]]):
    """Environment classes by published name (`door-open-v3`); look-ups accept `door-open` as well."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__((find_task(name).id, env_class(name)) for name in names)

    def __missing__(self, name: str) -> type[MetaWorldEnv]:
        key = find_task(name).id
        if key not in self:
            raise KeyError(f"{name!r} is not in this set, which has {', '.join(self)}")
        return dict.__getitem__(self, key)


ALL_V3_ENVIRONMENTS = EnvClasses(TASKS)

GOAL_OBSERVABLE, GOAL_HIDDEN = "-goal-observable", "-goal-hidden"


class FreshEnvironment:
    """Constructs one task's environments that draw a new instance at each reset, goal visible or hidden.

    Stands where the published package has a class: call it.
    """

    def __init__(self, name: str, *, is_goal_hidden: bool) -> None:
        self.task_name = self.__name__ = find_task(name).name
        self.is_goal_hidden = is_goal_hidden

    def __call__(self, seed: int | None = None, **keywords: Any) -> MetaWorldEnv:
        """Make an environment.

        Args:
          seed: seeds the drawing of instances; None takes fresh entropy.
          keywords: see `MetaWorldEnv`.
        """
        env = env_class(self.task_name)(**keywords)
        env.draw_tasks(hide_goal=self.is_goal_hidden)
        if seed is not None:
            env.seed_generator(seed)
        return env


class FreshEnvironments(Mapping[str, FreshEnvironment]):
    """By published name, e.g. `door-open-v3-goal-observable`; look-ups also take `door-open-goal-observable` and the bare task name."""

    def __init__(self, suffix: str) -> None:
        self._suffix = suffix
        self._made = {name: FreshEnvironment(name, is_goal_hidden=suffix == GOAL_HIDDEN) for name in TASKS}

    def __getitem__(self, name: str) -> FreshEnvironment:
        return self._made[find_task(name.removesuffix(self._suffix)).name]

    def __iter__(self) -> Iterator[str]:
        return (f"{TASKS[name].id}{self._suffix}" for name in self._made)

    def __len__(self) -> int:
        return len(self._made)


ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE = FreshEnvironments(GOAL_OBSERVABLE)
ALL_V3_ENVIRONMENTS_GOAL_HIDDEN = FreshEnvironments(GOAL_HIDDEN)


_MODULES = {  # published modules that are not named after the task; their classes follow
    "assembly": "assembly_peg",
    "disassemble": "disassemble_peg",
    "door-open": "door",
    "peg-insert-side": "peg_insertion_side",
    "sweep-into": "sweep_into_goal",
}
_CLASSES = {"assembly": "NutAssembly", "disassemble": "NutDisassemble"}


def published_module_name(task: str) -> str:
    """Published module of a task's environment class: `door-open` → `sawyer_door_v3`."""
    return f"sawyer_{_MODULES.get(task, task.replace('-', '_'))}_v3"


def published_class_name(task: str) -> str:
    """Published name of a task's environment class: `door-open` → `SawyerDoorEnvV3`."""
    words = _MODULES.get(task, task.replace("-", "_")).split("_")
    return f"Sawyer{_CLASSES.get(task) or ''.join(word.capitalize() for word in words)}EnvV3"


PUBLISHED_CLASSES = {published_class_name(task): env_class(task) for task in TASKS}
