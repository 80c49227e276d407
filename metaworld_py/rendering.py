"""Pictures of an episode: cameras, the goal marker, and a headless OpenGL that works.

Nothing here is imported before the first picture is asked for, so that training without pictures needs no OpenGL.
"""

from __future__ import annotations

import atexit
import copy
import difflib
import importlib
import os
import subprocess
import sys
import weakref
from typing import Any

import mujoco
import numpy as np
from mujoco.rendering.classic import gl_context
from numpy.typing import NDArray

from metaworld_py.episodes import Episode
from metaworld_py.sim.scene import GOAL_MARKER
from metaworld_py.tasks.definition import TaskDef

FREE_CAMERA = -1  # overview from the front, upright
DEFAULT_SIZE_PX = 480
MAX_SIZE_PX = 1280  # the off-screen buffer that scenes ask for

_PROBE = "import mujoco; context = mujoco.GLContext(8, 8); context.make_current(); context.free()"
_HELP = (
    "no OpenGL for rendering. On a machine without display, install a software renderer (Debian, Ubuntu: `apt-get install libosmesa6`) "
    "or a GPU driver with EGL; MUJOCO_GL=egl|osmesa|glfw chooses one by hand."
)


_open_renderers: weakref.WeakSet[EpisodeRenderer] = weakref.WeakSet()


class RenderingError(RuntimeError):
    """No picture can be made on this machine; says what to install."""


def choose_gl() -> str:
    """Settle which OpenGL this process renders with, and return its name ("" where the platform's default is right).

    On Linux without a display, EGL is tried first (GPU), then OSMesa (software), each in a process of its own because a failed attempt
    cannot be taken back. A choice made by the user through MUJOCO_GL stands.

    Raises:
      RenderingError: neither works.
    """
    chosen = os.environ.get("MUJOCO_GL", "")
    has_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if chosen or has_display or not sys.platform.startswith("linux"):
        return chosen
    for backend in ("egl", "osmesa"):
        environment = {**os.environ, "MUJOCO_GL": backend, "PYOPENGL_PLATFORM": backend}
        if subprocess.run([sys.executable, "-c", _PROBE], env=environment, capture_output=True, check=False).returncode == 0:
            os.environ["MUJOCO_GL"] = backend  # child processes inherit the choice
            importlib.reload(gl_context)  # the engine read the variable when it was imported
            return backend
    raise RenderingError(_HELP)


def camera_index(task: TaskDef, camera_name: str | None, camera_id: int | None) -> int:
    """The camera of a task's scene to look through; the free one if neither name nor id is given.

    Raises:
      ValueError: both given, or no such camera; names those there are.
    """
    if camera_name is None and camera_id is None:
        return FREE_CAMERA  # without compiling the scene's looks, which may never be needed
    model = task.model
    names = [model.camera(index).name for index in range(model.ncam)]
    if camera_name is not None and camera_id is not None:
        raise ValueError(f"give camera_name or camera_id, not both (got {camera_name!r} and {camera_id!r})")
    if camera_name is not None:
        if camera_name not in names:
            close = difflib.get_close_matches(str(camera_name), names, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"unknown camera {camera_name!r}.{hint} Cameras: {', '.join(names)}.")
        return names.index(camera_name)
    assert camera_id is not None
    if not FREE_CAMERA <= camera_id < model.ncam:
        known = ", ".join(f"{index} {name}" for index, name in enumerate(names))
        raise ValueError(f"camera_id must lie in {FREE_CAMERA}…{model.ncam - 1}, got {camera_id}. Cameras: -1 free, {known}.")
    return camera_id


class EpisodeView:
    """Model and data of one episode for pictures and for reading: a mirror, nothing done to it reaches the episode.

    What users change of the model's looks (cameras, colours, lights) stays changed.
    """

    def __init__(self, episode: Episode) -> None:
        task_model = episode.task.model
        self._episode = episode
        self._marker = task_model.site(GOAL_MARKER).id
        self.model: mujoco.MjModel = copy.copy(task_model)
        self._data = mujoco.MjData(self.model)
        self._marker_alpha = float(task_model.site_rgba[self._marker, 3])

    @property
    def data(self) -> mujoco.MjData:
        """The episode as it stands, derived quantities computed; the same object each time."""
        episode, model = self._episode, self.model
        # A hidden goal must stay hidden from those who learn from pixels.
        is_shown = episode.start is not None and not episode.is_goal_hidden
        model.site_rgba[self._marker, 3] = self._marker_alpha if is_shown else 0.0
        if is_shown:
            model.site_pos[self._marker] = episode.start.goal_pos
        episode.simulation.copy_state_to(model, self._data)
        mujoco.mj_forward(model, self._data)
        return self._data


class EpisodeRenderer:
    """Draws episodes of one task. Owns an OpenGL context: close it when done.

    Raises:
      ValueError: a size that the off-screen buffer cannot hold.
      RenderingError: no OpenGL on this machine; says what to install.
    """

    def __init__(self, model: mujoco.MjModel, *, camera: int = FREE_CAMERA, width_px: int, height_px: int) -> None:
        for name, size in (("width", width_px), ("height", height_px)):
            if not 1 <= size <= MAX_SIZE_PX:
                raise ValueError(f"{name} must lie in 1…{MAX_SIZE_PX} pixels, got {size}")
        choose_gl()
        self._camera = camera
        try:
            self._renderer: Any = mujoco.Renderer(model, height_px, width_px)
        except Exception as error:
            raise RenderingError(_HELP) from error
        # Registered now, after the engine's own exit hook, and therefore run before it: contexts left to the interpreter's shutdown end
        # in a scare on the screen.
        atexit.unregister(_close_open_renderers)
        atexit.register(_close_open_renderers)
        _open_renderers.add(self)

    def render(self, view: EpisodeView) -> NDArray[np.uint8]:
        """A picture (height, width, 3) of one episode as it stands."""
        data = view.data
        self._renderer._model = view.model  # noqa: SLF001  # same sizes and assets; fixtures, goal and looks differ per episode
        self._renderer.update_scene(data, self._camera)
        picture: NDArray[np.uint8] = self._renderer.render().copy()
        return picture

    def close(self) -> None:
        """Free the OpenGL context."""
        self._renderer.close()
        _open_renderers.discard(self)


def _close_open_renderers() -> None:
    for renderer in list(_open_renderers):
        renderer.close()
