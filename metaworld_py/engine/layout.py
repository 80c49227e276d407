"""What an observation and an action are: sizes, slots, spaces that all tasks share, displacements, and the checks at their border."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from metaworld_py.sim.signals import HAND_HIGH, HAND_LOW
from metaworld_py.tasks.common.definition import TaskDef

ACTION_SIZE = 4
FRAME_SIZE = 18  # hand 3, opening 1, object 3 + 4, second object 3 + 4; an observation holds two frames and the goal
OBSERVATION_SIZE = 39
NOW, BEFORE, GOAL = slice(0, FRAME_SIZE), slice(FRAME_SIZE, 2 * FRAME_SIZE), slice(2 * FRAME_SIZE, OBSERVATION_SIZE)
MAX_DISPLACEMENT = 1.0 / 100  # m the mocap target moves per control step for an action component of 1

# Everything observed stays within a few metres: an object beyond this (m), or NaN, means that the simulation blew up. The published
# space leaves the object slots unbounded, of which Gymnasium's checker warns; with this bound no healthy observation is refused.
OBJECT_BOUND = 100.0

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


def checked_elapsed(steps: Any, num_envs: int, max_episode_steps: int) -> NDArray[np.int_]:
    """Steps that count as gone by when episodes begin (num_envs,); zeros for None.

    Raises:
      ValueError: not whole numbers from 0 to below an episode's length, one for each environment.
    """
    elapsed = np.asarray(np.zeros(num_envs, dtype=int) if steps is None else steps)
    if elapsed.shape != (num_envs,) or elapsed.dtype.kind not in "iu" or (elapsed < 0).any() or (elapsed >= max_episode_steps).any():
        raise ValueError(f"elapsed_steps must be {num_envs} whole numbers from 0 to {max_episode_steps - 1}, got {steps!r}")
    return elapsed.astype(int)


def checked_actions(actions: Any, shape: tuple[int, ...]) -> NDArray[np.floating[Any]]:
    """Actions as a float array of the given shape, dtype kept if it is floating and float32 at least.

    Raises:
      ValueError: wrong shape, no real numbers, or a component that is NaN or infinite.
    """
    array = np.asarray(actions)
    if array.shape != shape:
        raise ValueError(f"action must have shape {shape}, got {array.shape}")
    if array.dtype.kind != "f":
        check_real(array)
        array = array.astype(np.float64)
    elif array.dtype.itemsize < 4:
        array = array.astype(np.float32)  # of halves, displacements would be halves, too
    # For one environment plain floats are much quicker than array operations: where their sum is finite, all of them are.
    if not (array.ndim == 1 and math.isfinite(sum(array.tolist()))) and not np.isfinite(array).all():
        raise ValueError(f"action must be finite, got {array.tolist()}")
    return array


def check_real(actions: NDArray[Any]) -> None:
    """Refuse arrays of anything but real numbers.

    Raises:
      ValueError: complex numbers, texts, objects.
    """
    if actions.dtype.kind not in "fbiu":
        raise ValueError(f"action must be real numbers, got {actions.dtype}")


# displacements

_THREE_FLOATS = struct.Struct("3f")
_FLOAT32_DISPLACEMENT = float(np.float32(MAX_DISPLACEMENT))


def displacement(action: NDArray[np.floating[Any]]) -> tuple[float, ...]:
    """How far (m) one action (4,) moves the hand's target: the same as a row of `displacements`, without array operations."""
    x, y, z, _ = action.tolist()
    if action.dtype == np.float32:
        # Two float32 factors multiply exactly in float64; packing rounds as a float32 product does.
        packed = _THREE_FLOATS.pack(*[min(max(part, -1.0), 1.0) * _FLOAT32_DISPLACEMENT for part in (x, y, z)])
        return _THREE_FLOATS.unpack(packed)
    return tuple([min(max(part, -1.0), 1.0) * MAX_DISPLACEMENT for part in (x, y, z)])


def displacements(actions: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """How far (m) actions (n, 4) move the hands' targets, (n, 3). Computed in the actions' own precision, as published."""
    scale = actions.dtype.type(MAX_DISPLACEMENT)
    moved: NDArray[np.float64] = (np.clip(actions[:, :3], -1, 1) * scale).astype(np.float64)
    return moved
