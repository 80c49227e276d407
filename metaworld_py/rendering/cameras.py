"""Cameras: those of the scene by name or id, and cameras of one's own."""

from __future__ import annotations

import difflib
import math
from typing import Any, NamedTuple

import mujoco
import numpy as np

from metaworld_py.tasks.common.definition import TaskDef

FREE_CAMERA = -1  # overview from the front, upright


class Camera(NamedTuple):
    """A camera of one's own, always upright.

    Attributes:
      pos, look_at: where it is and what is in the middle of the picture (m, world).
      fovy_deg: vertical field of view, degrees.
    """

    pos: tuple[float, float, float]
    look_at: tuple[float, float, float]
    fovy_deg: float = 45.0


def as_camera(value: Any) -> Any:
    """A `Camera` from nested lists, as JSON has it (the keywords of a spec, say); any other value as it is."""
    if isinstance(value, (list, tuple)) and len(value) == len(Camera._fields):
        pos, look_at, fovy_deg = value
        if isinstance(fovy_deg, (int, float)) and all(isinstance(point, (list, tuple)) for point in (pos, look_at)):
            return Camera(tuple(pos), tuple(look_at), fovy_deg)
    return value


def find_camera(task: TaskDef, camera: str | int | Camera | None) -> int | Camera:
    """The camera meant: by name, by id, or a `Camera` as it is; None for the free overview.

    Raises:
      ValueError: no such camera; names those there are.
    """
    if camera is None or isinstance(camera, Camera):
        return FREE_CAMERA if camera is None else _checked(camera)  # without compiling looks that may never be needed
    model = task.model
    names = [model.camera(index).name for index in range(model.ncam)]
    if isinstance(camera, str):
        if camera not in names:
            close = difflib.get_close_matches(camera, names, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"unknown camera {camera!r}.{hint} Cameras: {', '.join(names)}.")
        return names.index(camera)
    if not isinstance(camera, (int, np.integer)) or isinstance(camera, bool):
        raise ValueError(f"a camera is a name, an id or a metaworld_py.Camera(pos, look_at), got {camera!r}")
    if not FREE_CAMERA <= camera < model.ncam:
        known = ", ".join(f"{index} {name}" for index, name in enumerate(names))
        raise ValueError(f"camera_id must lie in {FREE_CAMERA}…{model.ncam - 1}, got {camera}. Cameras: -1 free, {known}.")
    return int(camera)


def chosen_camera(task: TaskDef, camera_name: str | Camera | None, camera_id: int | None) -> int | Camera:
    """The camera that the two published keywords mean.

    Raises:
      ValueError: both given, or no such camera.
    """
    if camera_name is not None and camera_id is not None:
        raise ValueError(f"give camera_name or camera_id, not both (got {camera_name!r} and {camera_id!r})")
    return find_camera(task, camera_id if camera_name is None else camera_name)


def _checked(camera: Camera) -> Camera:
    """The camera in Python's own numbers, which may have been given as lists or arrays."""
    given, numbers = camera, [*np.ravel(camera.pos), *np.ravel(camera.look_at), camera.fovy_deg]
    if len(numbers) != 7 or not all(isinstance(number, (int, float, np.number)) for number in numbers):
        raise ValueError(f"a camera is Camera(pos, look_at, fovy_deg), two points of three numbers (m) and an angle, got {given}")
    px, py, pz, x, y, z, fovy_deg = map(float, numbers)
    camera = Camera((px, py, pz), (x, y, z), fovy_deg)
    if not all(map(math.isfinite, numbers)) or camera.pos == camera.look_at:
        raise ValueError(f"a camera needs a finite position and another point to look at, got {given}")
    if not 1.0 <= camera.fovy_deg <= 170.0:
        raise ValueError(f"fovy_deg must lie in 1…170 degrees, got {camera.fovy_deg}")
    return camera


def free_camera(camera: Camera) -> mujoco.MjvCamera:
    """A camera of one's own as the engine's renderers take it."""
    free = mujoco.MjvCamera()
    free.type = mujoco.mjtCamera.mjCAMERA_FREE
    towards = np.subtract(camera.look_at, camera.pos)
    free.lookat[:] = camera.look_at
    free.distance = float(np.linalg.norm(towards))
    free.azimuth = math.degrees(math.atan2(towards[1], towards[0]))
    free.elevation = math.degrees(math.asin(towards[2] / free.distance))
    return free
