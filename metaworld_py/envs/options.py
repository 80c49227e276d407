"""Keywords that every Gymnasium id takes, as one frozen value."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from metaworld_py.envs.pixels import DEFAULT_CAMERA, DEFAULT_OBS_SIZE_PX, OBS_MODES, PIXELS_AND_STATE, STATE, PixelOptions
from metaworld_py.envs.vector_env import REWARD_MODES
from metaworld_py.rendering.cameras import Camera
from metaworld_py.rendering.renderer import DEFAULT_SIZE_PX, FAST, HIGH, QUALITIES, RGB
from metaworld_py.tasks.common.definition import HORIZON

_OF_PIXELS = ("obs_cameras", "obs_kinds", "obs_width", "obs_height", "obs_quality")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Keywords that every id takes.

    Raises:
      ValueError: a value that is not allowed.
    """

    reward_function_version: str = "v2"  # or "v1"
    max_episode_steps: int = HORIZON  # control steps
    terminate_on_success: bool = False
    use_one_hot: bool = False  # append the task's one-hot id to observations
    normalize_observations: bool = False  # by running mean and variance, per environment
    reward_normalization_method: str | None = None  # "gymnasium" (by returns) or "exponential"
    reward_alpha: float = 0.001  # rate of the exponential one
    recurrent_info_in_obs: bool = False  # append previous action, reward and done, for recurrent agents
    normalize_reward_in_recurrent_info: bool = True  # that reward divided by ten
    action_repeat: int = 1  # control steps per action, rewards summed
    reward_mode: str = "dense"  # or "sparse" (1 on success) or "success-1" (0 on success, else -1)
    include_previous_frame: bool = True  # False: 21 numbers, without the frame of the step before
    float32_observations: bool = False
    copy: bool = True  # vector environments: False hands out the same arrays at every step
    compiled: bool | None = None  # native ones: step in compiled code (extra `fast`); None does where Numba is installed
    frame_stack: int = 1  # the last so many observations, oldest first
    obs_mode: str = STATE  # or "pixels" or "pixels+state"
    obs_cameras: str | int | Camera | Sequence[str | int | Camera] = DEFAULT_CAMERA
    obs_kinds: str | Sequence[str] = RGB  # of "rgb", "depth" (m), "segmentation", "point_cloud" (m, world)
    obs_width: int = DEFAULT_OBS_SIZE_PX  # pixels
    obs_height: int = DEFAULT_OBS_SIZE_PX
    obs_quality: str = FAST  # or "high": shadows, reflections, antialiasing
    render_mode: str | None = None  # "rgb_array", "depth_array" or, of one environment, "human"
    camera_name: str | Camera | None = None
    camera_id: int | None = None
    width: int = DEFAULT_SIZE_PX  # pixels
    height: int = DEFAULT_SIZE_PX
    render_quality: str = HIGH  # or "fast"
    show_goal: bool = True  # mark the goal in pictures; a hidden one never is

    def __post_init__(self) -> None:
        for name, allowed in (
            ("reward_normalization_method", (None, "gymnasium", "exponential")),
            ("reward_mode", REWARD_MODES),
            ("obs_mode", OBS_MODES),
            ("render_quality", QUALITIES),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {allowed}, got {getattr(self, name)!r}")
        if self.frame_stack < 1:
            raise ValueError(f"frame_stack must be at least 1, got {self.frame_stack}")
        changed = [
            field.name for field in dataclasses.fields(self) if field.name in _OF_PIXELS and getattr(self, field.name) != field.default
        ]
        if self.obs_mode == STATE and changed:
            raise ValueError(f"{', '.join(changed)} mean nothing while obs_mode is 'state'; ask for 'pixels' or 'pixels+state'")
        if self.action_repeat < 1:
            raise ValueError(f"action_repeat must be at least 1, got {self.action_repeat}")
        if not 0.0 < self.reward_alpha <= 1.0:
            raise ValueError(f"reward_alpha must lie in (0, 1], got {self.reward_alpha}")
        if self.camera_name is not None and self.camera_id is not None:
            raise ValueError("give camera_name or camera_id, not both")

    @property
    def draws(self) -> bool:
        """Whether pictures may be made."""
        return self.obs_mode != STATE or self.render_mode is not None

    @property
    def pixels(self) -> PixelOptions | None:
        """What is seen; None where only the state is observed."""
        if self.obs_mode == STATE:
            return None
        is_one = isinstance(self.obs_cameras, (str, int, Camera))
        return PixelOptions(
            cameras=(self.obs_cameras,) if is_one else tuple(self.obs_cameras),  # type: ignore[arg-type]
            kinds=(self.obs_kinds,) if isinstance(self.obs_kinds, str) else tuple(self.obs_kinds),
            with_state=self.obs_mode == PIXELS_AND_STATE,
            width=self.obs_width,
            height=self.obs_height,
            quality=self.obs_quality,
        )

    @property
    def transforms_vectors(self) -> bool:
        """Whether observations or rewards of the native vector environment need another layer."""
        return not self.include_previous_frame or any(
            (
                self.normalize_observations,
                self.reward_normalization_method,
                self.recurrent_info_in_obs,
                self.float32_observations,
            )
        )

    @classmethod
    def of(cls, keywords: dict[str, Any]) -> Options:
        """Options from keywords.

        Raises:
          TypeError: an unknown keyword; says the nearest one.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        for name in keywords:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f" Did you mean {close[0]!r}?" if close else ""
                raise TypeError(f"unknown keyword {name!r}.{hint} Known besides those of the id itself: {', '.join(known)}.")
        return cls(**keywords)
