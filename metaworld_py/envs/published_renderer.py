"""`env.mujoco_renderer`: what Gymnasium's MuJoCo environments draw with, on an environment of ours."""

from __future__ import annotations

from typing import Any, ClassVar

import mujoco
from numpy.typing import NDArray

from metaworld_py.rendering.cameras import Camera

RENDER_MODES = ("rgb_array", "depth_array")


class PublishedRenderer:
    """Draws an environment as `env.render` does. Its camera and size are the environment's: setting them here sets them there.

    For what Gymnasium's own renderer has besides, make one and assign it, or draw with it: `env.mujoco_renderer =
    MujocoRenderer(env.model, env.data, ...)`.

    Args:
      env: a `MetaWorldEnv`.
    """

    default_cam_config: ClassVar[dict[str, Any] | None] = None

    def __init__(self, env: Any) -> None:
        object.__setattr__(self, "_env", env)

    @property
    def model(self) -> mujoco.MjModel:
        """The environment's model."""
        return self._env.model

    @property
    def data(self) -> mujoco.MjData:
        """The environment's data."""
        return self._env.data

    @property
    def camera_name(self) -> str | Camera | None:
        """Camera of `render`."""
        name: str | Camera | None = self._env.camera_name
        return name

    @property
    def camera_id(self) -> int | None:
        """Camera of `render` by id."""
        index: int | None = self._env.camera_id
        return index

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self._env.width)

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self._env.height)

    def render(self, render_mode: str | None = None) -> NDArray[Any]:
        """A picture, "rgb_array" (height, width, 3) or "depth_array" (height, width; m); the environment's render mode by default.

        Raises:
          ValueError: another mode.
        """
        mode = render_mode or self._env.render_mode
        if mode not in RENDER_MODES:
            raise ValueError(f"render_mode must be one of {RENDER_MODES}, got {mode!r}")
        picture: NDArray[Any] = self._env.picture(kind="depth" if mode == "depth_array" else "rgb")
        return picture

    def close(self) -> None:
        """Free what renders."""
        self._env.close()

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("camera_id", "camera_name", "width", "height"):
            raise AttributeError(f"{name!r} of the renderer cannot be set: {self._HINT}")
        setattr(self._env, name, value)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the renderer has no {name!r}: {self._HINT}")

    _HINT: ClassVar[str] = "assign gymnasium.envs.mujoco.mujoco_rendering.MujocoRenderer(env.model, env.data, ...) to env.mujoco_renderer"
