"""What each task is about, as a table to query: instruction, family, skills, observed objects, task sets.

    [task.name for task in task_table(skill="grasp", task_set="MT10")]

The difficulty groups are those of Seo et al., Masked World Models for Visual Control (CoRL 2022), which 3D Diffusion Policy and LeRobot
took over: 28 easy, 11 medium, 6 hard and 5 very hard tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from metaworld_py.instances.task_sets import TASK_SETS
from metaworld_py.tasks import TASKS

Difficulty = Literal["easy", "medium", "hard", "very_hard"]

# What the words mean. A skill is listed where the instruction asks for it, not where our expert happens to use it.
SKILLS = {
    "reach": "bring the gripper somewhere, and nothing else",
    "push": "move something away from the robot or sideways",
    "pull": "move something towards the robot, up or out",
    "press": "move a button or handle along its short travel",
    "slide": "move something along a rail or the table",
    "turn": "rotate something about its hinge",
    "strike": "drive one object with another",
    "grasp": "close the gripper on an object and hold it",
    "lift": "raise a held object out of or off something",
    "place": "bring a held object to a goal",
    "insert": "bring a held object into, through or over a counterpart",
    "avoid": "get around or over a wall",
}


@dataclass(frozen=True, kw_only=True)
class TaskMetadata:
    """One task's row."""

    name: str  # "door-open"
    instruction: str  # what the robot must do, in a sentence
    family: str  # tasks about the same thing: "door", "button", …
    skills: tuple[str, ...]  # keys of SKILLS
    objects: tuple[str, ...]  # in words: the first and, where there is one, the second observed object
    task_sets: tuple[str, ...]  # keys of TASK_SETS; any task is also in MT1 and ML1
    difficulty: Difficulty  # see the head of this module


class _Facts(NamedTuple):
    family: str
    skills: tuple[str, ...]
    objects: tuple[str, ...]


_FACTS = {
    "reach": _Facts("reach", ("reach",), ("puck",)),
    "reach-wall": _Facts("reach", ("reach", "avoid"), ("puck",)),
    "push": _Facts("push", ("push",), ("puck",)),
    "push-wall": _Facts("push", ("push", "avoid"), ("puck",)),
    "push-back": _Facts("push", ("pull",), ("cube",)),
    "pick-place": _Facts("pick-place", ("grasp", "place"), ("puck",)),
    "pick-place-wall": _Facts("pick-place", ("grasp", "place", "avoid"), ("puck",)),
    "pick-out-of-hole": _Facts("pick-place", ("grasp", "lift", "place"), ("puck",)),
    "shelf-place": _Facts("pick-place", ("grasp", "place"), ("cube",)),
    "bin-picking": _Facts("pick-place", ("grasp", "lift", "place"), ("cube",)),
    "hand-insert": _Facts("pick-place", ("grasp", "insert"), ("cube",)),
    "sweep": _Facts("sweep", ("push",), ("cube",)),
    "sweep-into": _Facts("sweep", ("push",), ("cube",)),
    "basketball": _Facts("ball", ("grasp", "place"), ("ball",)),
    "soccer": _Facts("ball", ("push",), ("ball",)),
    "assembly": _Facts("nut", ("grasp", "insert"), ("nut",)),
    "disassemble": _Facts("nut", ("grasp", "lift"), ("nut",)),
    "peg-insert-side": _Facts("peg", ("grasp", "insert"), ("peg",)),
    "peg-unplug-side": _Facts("peg", ("grasp", "pull"), ("plug",)),
    "box-close": _Facts("box", ("grasp", "place"), ("lid",)),
    "hammer": _Facts("tool", ("grasp", "strike"), ("hammer", "nail")),
    "stick-push": _Facts("tool", ("grasp", "push"), ("stick", "thermos")),
    "stick-pull": _Facts("tool", ("grasp", "insert", "pull"), ("stick", "thermos")),
    "door-open": _Facts("door", ("pull",), ("door handle",)),
    "door-close": _Facts("door", ("push",), ("door handle",)),
    "door-lock": _Facts("door", ("turn",), ("lock",)),
    "door-unlock": _Facts("door", ("turn",), ("lock",)),
    "drawer-open": _Facts("drawer", ("pull",), ("drawer handle",)),
    "drawer-close": _Facts("drawer", ("push",), ("drawer handle",)),
    "window-open": _Facts("window", ("slide",), ("window handle",)),
    "window-close": _Facts("window", ("slide",), ("window handle",)),
    "faucet-open": _Facts("faucet", ("turn",), ("faucet handle",)),
    "faucet-close": _Facts("faucet", ("turn",), ("faucet handle",)),
    "dial-turn": _Facts("dial", ("turn",), ("dial",)),
    "lever-pull": _Facts("lever", ("pull", "turn"), ("lever",)),
    "handle-press": _Facts("handle", ("press",), ("handle",)),
    "handle-press-side": _Facts("handle", ("press",), ("handle",)),
    "handle-pull": _Facts("handle", ("pull",), ("handle",)),
    "handle-pull-side": _Facts("handle", ("pull",), ("handle",)),
    "button-press": _Facts("button", ("press",), ("button",)),
    "button-press-wall": _Facts("button", ("press", "avoid"), ("button",)),
    "button-press-topdown": _Facts("button", ("press",), ("button",)),
    "button-press-topdown-wall": _Facts("button", ("press", "avoid"), ("button",)),
    "coffee-button": _Facts("coffee", ("press",), ("button",)),
    "coffee-pull": _Facts("coffee", ("pull",), ("mug",)),
    "coffee-push": _Facts("coffee", ("push",), ("mug",)),
    "plate-slide": _Facts("plate", ("slide",), ("plate",)),
    "plate-slide-side": _Facts("plate", ("slide",), ("plate",)),
    "plate-slide-back": _Facts("plate", ("slide",), ("plate",)),
    "plate-slide-back-side": _Facts("plate", ("slide",), ("plate",)),
}

_HARDER: dict[Difficulty, tuple[str, ...]] = {  # all others are easy
    "medium": (
        "basketball",
        "bin-picking",
        "box-close",
        "coffee-pull",
        "coffee-push",
        "hammer",
        "peg-insert-side",
        "push-wall",
        "soccer",
        "sweep",
        "sweep-into",
    ),
    "hard": ("assembly", "hand-insert", "pick-out-of-hole", "pick-place", "push", "push-back"),
    "very_hard": ("shelf-place", "disassemble", "stick-pull", "stick-push", "pick-place-wall"),
}


def _difficulty(name: str) -> Difficulty:
    return next((difficulty for difficulty, names in _HARDER.items() if name in names), "easy")


TASK_METADATA: dict[str, TaskMetadata] = {
    name: TaskMetadata(
        name=name,
        instruction=task.sentence,
        difficulty=_difficulty(name),
        task_sets=tuple(task_set for task_set, members in TASK_SETS.items() if name in members),
        **_FACTS[name]._asdict(),
    )
    for name, task in TASKS.items()
}

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
