"""Spaces that all tasks share, and the checks at their border."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from metaworld_py.engine.episode import ACTION_SIZE, OBJECT_BOUND
from metaworld_py.sim.signals import HAND_HIGH, HAND_LOW
from metaworld_py.tasks import TaskDef

_OBJECTS = (OBJECT_BOUND,) * 14  # two objects' positions and orientations


def action_space() -> Box:
    """Box(−1, 1, (4,), float32): mocap displacement in centimetres along x, y, z, and gripper effort (+1 closes)."""
    return Box(-1.0, 1.0, (ACTION_SIZE,), np.float32)


def observation_space(task: TaskDef, *, is_goal_hidden: bool) -> Box:
    """Box of the 39 observed numbers, float64. The goal slots are bounded by the task's goal box, or 0 where the goal is hidden."""
    zero = (0.0, 0.0, 0.0)
    frame_low = (*HAND_LOW, -1.0, *(-x for x in _OBJECTS))
    frame_high = (*HAND_HIGH, 1.0, *_OBJECTS)
    low = (*frame_low, *frame_low, *(zero if is_goal_hidden else task.goal_low))
    high = (*frame_high, *frame_high, *(zero if is_goal_hidden else task.goal_high))
    # Gymnasium warns of equal bounds (hidden goals, goals fixed along an axis): leave one last bit between them.
    least, most = np.array(low), np.array(high)
    return Box(least, np.where(most == least, np.nextafter(most, np.inf), most), dtype=np.float64)


def checked_actions(actions: Any, shape: tuple[int, ...]) -> NDArray[np.floating[Any]]:
    """Actions as a float array of the given shape, dtype kept if it is floating.

    Raises:
      ValueError: wrong shape, or a component that is NaN or infinite.
    """
    array = np.asarray(actions)
    if array.shape != shape:
        raise ValueError(f"action must have shape {shape}, got {array.shape}")
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    # For one environment plain floats are much quicker than array operations; a finite sum means that all are finite.
    is_finite = math.isfinite(sum(array.tolist())) if array.ndim == 1 else np.isfinite(array).all()
    if not is_finite:
        raise ValueError(f"action must be finite, got {array.tolist()}")
    return array
