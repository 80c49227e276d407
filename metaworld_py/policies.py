"""Scripted experts under their published names: `SawyerDoorOpenV3Policy().get_action(observation)`, and `ENV_POLICY_MAP`.

One class per task of `TASKS`, made when this module is imported. The scripts themselves are the `expert` of each task.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaworld_py.engine.layout import GOAL, OBSERVATION_SIZE
from metaworld_py.tasks import TASKS, TaskDef, find_task

# Published names that are not the task's own name in camel case.
_IRREGULAR_NAMES = {"peg-insert-side": "SawyerPegInsertionSideV3Policy"}
_GOAL_SLOTS = frozenset(range(OBSERVATION_SIZE)[GOAL])


class Policy:
    """A task's scripted expert. Without state: one object serves any number of episodes.

    Attributes:
      task_def: the task that it solves.
    """

    task_def: ClassVar[TaskDef]

    def get_action(self, obs: ArrayLike) -> NDArray[np.float32]:
        """The expert's action (4,), within [−1, 1], for one observation (39,).

        With a hidden goal (slots 36 to 38 all zero) an expert that reads the goal plays for the middle of the goals' box, and says so once:
        it succeeds where the goal is near there.

        Raises:
          ValueError: another shape.
        """
        observation = np.asarray(obs, dtype=np.float64)
        if observation.shape != (OBSERVATION_SIZE,):
            raise ValueError(
                f"{type(self).__name__}.get_action takes one observation of shape ({OBSERVATION_SIZE},), got {observation.shape}: "
                f"pass the rows of a batch one by one, and cut off what is appended (one-hot ids) by obs[:{OBSERVATION_SIZE}]"
            )
        is_goal_visible = observation[sorted(_GOAL_SLOTS)].any()
        values = observation.tolist() if is_goal_visible else _HiddenGoal(observation.tolist(), self.task_def)
        return np.array(self.task_def.expert(values), dtype=np.float32)


class _HiddenGoal(list[float]):
    """An observation whose goal is hidden, with the middle of the goals' box in its place; says once for each task that it was read."""

    warned: ClassVar[set[str]] = set()

    def __init__(self, values: Iterable[float], task: TaskDef) -> None:
        middle = [(low + high) / 2.0 for low, high in zip(task.goal_low, task.goal_high, strict=True)]
        super().__init__([*list(values)[:OBSERVATION_SIZE][: GOAL.start], *middle])
        self._task = task.name

    def __getitem__(self, index: Any) -> Any:
        slots = range(OBSERVATION_SIZE)[index]
        if self._task not in self.warned and not _GOAL_SLOTS.isdisjoint([slots] if isinstance(slots, int) else slots):
            self.warned.add(self._task)
            message = (
                f"the expert of {self._task} reads the goal, but this observation hides it (slots 36 to 38 are zero): "
                "it plays for the middle of the goals' box. Any MT set shows goals"
            )
            warnings.warn(message, UserWarning, stacklevel=4)
        return super().__getitem__(index)


class _PolicyMap(Mapping[str, type[Policy]]):
    """Iterates over the published task names, as the published map does; looks up names without version, too."""

    def __init__(self, policies: Mapping[str, type[Policy]]) -> None:
        self._policies = policies

    def __getitem__(self, name: str) -> type[Policy]:
        try:
            return self._policies[find_task(name).id]
        except ValueError as error:
            raise KeyError(str(error)) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def __len__(self) -> int:
        return len(self._policies)

    def __repr__(self) -> str:
        return repr(self._policies)


def policy_name(task: str) -> str:
    """The published class name of a task's expert: `door-open` → `SawyerDoorOpenV3Policy`."""
    camel_case = "".join(word.capitalize() for word in task.split("-"))
    return _IRREGULAR_NAMES.get(task, f"Sawyer{camel_case}V3Policy")


def _policy_class(task: TaskDef) -> type[Policy]:
    attributes = {"__module__": __name__, "__doc__": f"Scripted expert of {task.name}: {task.sentence}", "task_def": task}
    return type(policy_name(task.name), (Policy,), attributes)


__path__: list[str] = []  # published modules under this one are found by `metaworld_py.published`

# The expert's class by task name: 50 names such as "door-open-v3"; "door-open" finds it, too.
ENV_POLICY_MAP: Mapping[str, type[Policy]] = _PolicyMap({task.id: _policy_class(task) for task in TASKS.values()})

_BY_CLASS_NAME = {policy.__name__: policy for policy in ENV_POLICY_MAP.values()}
globals().update(_BY_CLASS_NAME)
__all__ = ["ENV_POLICY_MAP", "Policy", "policy_name", *_BY_CLASS_NAME]  # noqa: PLE0604 (the names are strings)

if TYPE_CHECKING:

    def __getattr__(name: str) -> type[Policy]:
        """Tells type checkers of the generated classes."""
