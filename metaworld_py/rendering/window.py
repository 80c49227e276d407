"""A window on a running environment: MuJoCo's own viewer, which watches and never moves anything."""

from __future__ import annotations

import math
import os
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from metaworld_py.rendering.cameras import FREE_CAMERA, Camera
from metaworld_py.sim.simulation import CONTROL_HZ


class Watched(Protocol):
    """What a window shows; reading `data` brings it up to date."""

    @property
    def model(self) -> Any:
        """The engine's model."""

    @property
    def data(self) -> Any:
        """The engine's data."""


class ViewerError(RuntimeError):
    """No window can be opened here; says what to do."""


def require_display() -> None:
    """Refuse to go on where no window can be opened.

    Raises:
      ViewerError: says what to do.
    """
    instead = "`metaworld-py render TASK` writes a video without one"
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise ViewerError(f"the viewer needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set; {instead}")
    import glfw  # noqa: PLC0415  # only here is a window system needed

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the line below says it
        is_there = glfw.init()
    if not is_there:  # MuJoCo's viewer would wait for ever
        raise ViewerError(f"the display does not answer, so that the viewer cannot open a window; {instead}")


class Window:
    """A window on one environment, for its render mode "human": shows it whenever asked, at most in real time.

    Once closed by its user it stays closed; the environment goes on.

    Raises:
      ViewerError: no window can be opened here; says what to do.
    """

    def __init__(self, env: Watched, camera: int | Camera) -> None:
        require_display()
        self._env, self._viewer = env, open_window(env, None)
        with self._viewer.lock():
            _aim(self._viewer.cam, env.model, camera)
        self._last_s = -math.inf

    def show(self) -> None:
        """Bring the window up to date, and wait so that it runs in real time."""
        if not self._viewer.is_running():
            return
        with self._viewer.lock():
            self._env.data  # noqa: B018  # brings what the window shows up to date
        self._viewer.sync()
        time.sleep(max(self._last_s + 1.0 / CONTROL_HZ - time.monotonic(), 0.0))
        self._last_s = time.monotonic()

    def close(self) -> None:
        """Close the window."""
        self._viewer.close()


def _aim(view: Any, model: Any, camera: int | Camera) -> None:
    """Point a viewer's camera: a fixed one stays, any other can be moved with the mouse."""
    import mujoco  # noqa: PLC0415

    if isinstance(camera, Camera):
        offset = np.subtract(camera.look_at, camera.pos)
        view.type, view.lookat[:] = mujoco.mjtCamera.mjCAMERA_FREE, camera.look_at
        view.distance = float(np.linalg.norm(offset))
        view.azimuth = math.degrees(math.atan2(offset[1], offset[0]))
        view.elevation = math.degrees(math.asin(offset[2] / view.distance))
    elif camera == FREE_CAMERA:
        mujoco.mjv_defaultFreeCamera(model, view)  # the overview that pictures show
    else:
        view.type, view.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, camera


def open_window(env: Watched, on_key: Callable[[int], None] | None) -> Any:
    """Open the engine's viewer on an environment.

    Raises:
      ViewerError: no window can be opened here; says what to do.
    """
    import mujoco.viewer  # noqa: PLC0415

    try:
        window = mujoco.viewer.launch_passive(env.model, env.data, key_callback=on_key, show_left_ui=False, show_right_ui=False)
    except RuntimeError as error:
        if "mjpython" not in str(error):
            raise
        raise ViewerError(
            "on macOS, the viewer runs under MuJoCo's own Python: mjpython -m metaworld_py.cli.main view TASK, or mjpython SCRIPT"
        ) from error
    with window.lock():
        _aim(window.cam, env.model, FREE_CAMERA)
    return window
