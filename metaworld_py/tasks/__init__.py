"""Tasks by name: one page (module) per family, each defining one or more `TaskDef` values."""

from __future__ import annotations

import difflib
import re
import warnings

from metaworld_py.tasks.basketball import BASKETBALL
from metaworld_py.tasks.bin_picking import BIN_PICKING
from metaworld_py.tasks.box_close import BOX_CLOSE
from metaworld_py.tasks.button import BUTTON_PRESS, BUTTON_PRESS_TOPDOWN, BUTTON_PRESS_TOPDOWN_WALL, BUTTON_PRESS_WALL
from metaworld_py.tasks.coffee import COFFEE_BUTTON, COFFEE_PULL, COFFEE_PUSH
from metaworld_py.tasks.common.definition import TaskDef
from metaworld_py.tasks.dial import DIAL_TURN
from metaworld_py.tasks.door import DOOR_CLOSE, DOOR_OPEN
from metaworld_py.tasks.door_lock import DOOR_LOCK, DOOR_UNLOCK
from metaworld_py.tasks.drawer import DRAWER_CLOSE, DRAWER_OPEN
from metaworld_py.tasks.faucet import FAUCET_CLOSE, FAUCET_OPEN
from metaworld_py.tasks.hammer import HAMMER
from metaworld_py.tasks.hand_insert import HAND_INSERT
from metaworld_py.tasks.handle import HANDLE_PRESS, HANDLE_PRESS_SIDE, HANDLE_PULL, HANDLE_PULL_SIDE
from metaworld_py.tasks.lever import LEVER_PULL
from metaworld_py.tasks.nut import ASSEMBLY, DISASSEMBLE
from metaworld_py.tasks.peg_insert import PEG_INSERT_SIDE
from metaworld_py.tasks.peg_unplug import PEG_UNPLUG_SIDE
from metaworld_py.tasks.pick_out_of_hole import PICK_OUT_OF_HOLE
from metaworld_py.tasks.pick_place import PICK_PLACE, PICK_PLACE_WALL
from metaworld_py.tasks.plate_slide import PLATE_SLIDE, PLATE_SLIDE_BACK, PLATE_SLIDE_BACK_SIDE, PLATE_SLIDE_SIDE
from metaworld_py.tasks.push import PUSH, PUSH_BACK, PUSH_WALL
from metaworld_py.tasks.reach import REACH, REACH_WALL
from metaworld_py.tasks.shelf_place import SHELF_PLACE
from metaworld_py.tasks.soccer import SOCCER
from metaworld_py.tasks.stick import STICK_PULL, STICK_PUSH
from metaworld_py.tasks.sweep import SWEEP, SWEEP_INTO
from metaworld_py.tasks.window import WINDOW_CLOSE, WINDOW_OPEN

__all__ = ["TASKS", "TaskDef", "find_task"]

CURRENT_VERSION = "v3"

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
        ASSEMBLY,
        DISASSEMBLE,
        BASKETBALL,
        SOCCER,
        HAMMER,
        STICK_PUSH,
        STICK_PULL,
        BOX_CLOSE,
        PEG_UNPLUG_SIDE,
        FAUCET_OPEN,
        FAUCET_CLOSE,
        HANDLE_PRESS,
        HANDLE_PRESS_SIDE,
        HANDLE_PULL,
        HANDLE_PULL_SIDE,
        LEVER_PULL,
        DIAL_TURN,
        PLATE_SLIDE,
        PLATE_SLIDE_SIDE,
        PLATE_SLIDE_BACK,
        PLATE_SLIDE_BACK_SIDE,
        DOOR_CLOSE,
        DOOR_LOCK,
        DOOR_UNLOCK,
        BUTTON_PRESS,
        BUTTON_PRESS_WALL,
        BUTTON_PRESS_TOPDOWN_WALL,
        COFFEE_BUTTON,
        COFFEE_PULL,
        COFFEE_PUSH,
    )
}


def find_task(name: str) -> TaskDef:
    """The task of that name; `door-open` and `door-open-v3` name the same, and so do older versions, with a warning.

    Raises:
      ValueError: unknown name; says the nearest one.
    """
    key, version = _split_version(name)
    if key not in TASKS:
        close = difflib.get_close_matches(key, TASKS, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"unknown task {name!r}.{hint} `metaworld-py list` shows all {len(TASKS)}.")
    if version not in ("", CURRENT_VERSION):
        warnings.warn(f"{name} plays {key}-{CURRENT_VERSION}: the tasks of version 3 are the ones there are", UserWarning, stacklevel=2)
    return TASKS[key]


def _split_version(name: str) -> tuple[str, str]:
    match = re.fullmatch(r"(.*?)(?:-(v\d))?", str(name))
    assert match is not None
    return match[1], match[2] or ""
