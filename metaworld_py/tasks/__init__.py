"""Tasks by name: one page (module) per family, each defining one or more `TaskDef` values."""

from __future__ import annotations

import difflib

from metaworld_py.tasks.bin_picking import BIN_PICKING
from metaworld_py.tasks.button import BUTTON_PRESS_TOPDOWN
from metaworld_py.tasks.definition import TaskDef
from metaworld_py.tasks.door import DOOR_OPEN
from metaworld_py.tasks.drawer import DRAWER_CLOSE, DRAWER_OPEN
from metaworld_py.tasks.hand_insert import HAND_INSERT
from metaworld_py.tasks.peg_insert import PEG_INSERT_SIDE
from metaworld_py.tasks.pick_out_of_hole import PICK_OUT_OF_HOLE
from metaworld_py.tasks.pick_place import PICK_PLACE, PICK_PLACE_WALL
from metaworld_py.tasks.push import PUSH, PUSH_BACK, PUSH_WALL
from metaworld_py.tasks.reach import REACH, REACH_WALL
from metaworld_py.tasks.shelf_place import SHELF_PLACE
from metaworld_py.tasks.sweep import SWEEP, SWEEP_INTO
from metaworld_py.tasks.window import WINDOW_CLOSE, WINDOW_OPEN

__all__ = ["TASKS", "TaskDef", "find_task"]

TASKS: dict[str, TaskDef] = {
    task.name: task
    for task in (
        REACH,
        PUSH,
        PICK_PLACE,
        DOOR_OPEN,
        DRAWER_OPEN,
        DRAWER_CLOSE,
        BUTTON_PRESS_TOPDOWN,
        PEG_INSERT_SIDE,
        WINDOW_OPEN,
        WINDOW_CLOSE,
        REACH_WALL,
        PUSH_WALL,
        PUSH_BACK,
        PICK_PLACE_WALL,
        PICK_OUT_OF_HOLE,
        SHELF_PLACE,
        SWEEP,
        SWEEP_INTO,
        HAND_INSERT,
        BIN_PICKING,
    )
}


def find_task(name: str) -> TaskDef:
    """The task of that name; `door-open` and `door-open-v3` name the same.

    Raises:
      ValueError: unknown name; says the nearest one.
    """
    key = name.removesuffix("-v3") if isinstance(name, str) else name
    if key not in TASKS:
        close = difflib.get_close_matches(str(key), TASKS, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"unknown task {name!r}.{hint} `metaworld-py list` shows all {len(TASKS)}.")
    return TASKS[key]
