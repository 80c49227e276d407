"""What each task is about, as a table to query: instruction, family, skills, observed objects, task sets. The facts stand on the pages.

    [task.name for task in task_table(skill="grasp", task_set="MT10")]

The difficulty groups are those of Seo et al., Masked World Models for Visual Control (CoRL 2022), which 3D Diffusion Policy and LeRobot
took over: 28 easy, 11 medium, 6 hard and 5 very hard tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from metaworld_py.instances.task_sets import TASK_SETS
from metaworld_py.tasks import TASKS
from metaworld_py.tasks.common.definition import SKILLS, Difficulty


@dataclass(frozen=True, kw_only=True)
class TaskMetadata:
    """Facts of one task: a row of the table."""

    name: str  # "door-open"
    instruction: str  # what the robot must do, in a sentence
    family: str  # tasks about the same thing: "door", "button", …
    skills: tuple[str, ...]  # keys of `metaworld_py.tasks.common.definition.SKILLS`
    objects: tuple[str, ...]  # in words: the first and, where there is one, the second observed object
    task_sets: tuple[str, ...]  # keys of TASK_SETS; any task is also in MT1 and ML1
    difficulty: Difficulty


TASK_METADATA: dict[str, TaskMetadata] = {
    name: TaskMetadata(
        name=name,
        instruction=task.sentence,
        family=task.family,
        skills=task.skills,
        objects=task.objects,
        task_sets=tuple(task_set for task_set, members in TASK_SETS.items() if name in members),
        difficulty=task.difficulty,
    )
    for name, task in TASKS.items()
}

__all__ = ["SKILLS", "TASK_METADATA", "TaskMetadata", "task_table"]

# For each filter of `task_table` the values that a task has.
_VALUES: dict[str, Callable[[TaskMetadata], tuple[str, ...]]] = {
    "family": lambda task: (task.family,),
    "skill": lambda task: task.skills,
    "observed_object": lambda task: task.objects,
    "task_set": lambda task: task.task_sets,
    "difficulty": lambda task: (task.difficulty,),
}


def task_table(
    *,
    family: str | None = None,
    skill: str | None = None,
    observed_object: str | None = None,
    task_set: str | None = None,
    difficulty: Difficulty | None = None,
) -> tuple[TaskMetadata, ...]:
    """The tasks that match every filter given, in the order of `TASKS`; without filters, all of them.

    Raises:
      ValueError: a value that no task has; says which there are.
    """
    filters = {"family": family, "skill": skill, "observed_object": observed_object, "task_set": task_set, "difficulty": difficulty}
    rows = tuple(TASK_METADATA.values())
    for name, wanted in filters.items():
        if wanted is not None:
            _check_known(name, wanted)
            rows = tuple(row for row in rows if wanted in _VALUES[name](row))
    return rows


def _check_known(name: str, wanted: str) -> None:
    known = sorted({value for task in TASK_METADATA.values() for value in _VALUES[name](task)})
    if wanted not in known:
        raise ValueError(f"no task has the {name} {wanted!r}; there are: {', '.join(known)}")
