"""Types of annotations under their published names."""

from __future__ import annotations

from typing import Any, TypedDict

from numpy.typing import NDArray

from metaworld_py.envs.states import EnvState
from metaworld_py.instances.task import Task

XYZ = tuple[float, float, float]
EnvironmentStateDict = EnvState


class InitConfigDict(TypedDict):
    """Initial positions (3,) of an episode, m."""

    obj_init_pos: NDArray[Any]
    hand_init_pos: NDArray[Any]


class ObservationDict(TypedDict):
    """An observation with its goals."""

    state_observation: NDArray[Any]
    state_desired_goal: NDArray[Any]
    state_achieved_goal: NDArray[Any]


__all__ = ["XYZ", "EnvironmentStateDict", "InitConfigDict", "ObservationDict", "Task"]
