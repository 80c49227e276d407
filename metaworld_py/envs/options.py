"""Keywords of environments as frozen values. A keyword is a field here and a use of it; nothing else tells of it.

Published keywords are flat and read at the border by `read_keywords`; inside, an environment keeps the values.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from metaworld_py.engine.episode import REWARD_VERSIONS
from metaworld_py.envs.pixels import DEFAULT_CAMERA, DEFAULT_OBS_SIZE_PX, OBS_MODES, PIXELS_AND_STATE, STATE, PixelOptions
from metaworld_py.envs.point_clouds import PointOptions
from metaworld_py.rendering.cameras import Camera, as_camera
from metaworld_py.rendering.renderer import DEFAULT_SIZE_PX, FAST, HIGH, QUALITIES, RGB, check_size
from metaworld_py.tasks.common.definition import HORIZON

# Rewards by mode, from the shaped reward and success (1.0 or 0.0); of one step or, as arrays, of many.
DENSE, SPARSE, SUCCESS_MINUS_ONE = "dense", "sparse", "success-1"
REWARD_MODES: dict[str, Callable[[Any, Any], Any]] = {
    DENSE: lambda reward, success: reward,
    SPARSE: lambda reward, success: success,
    SUCCESS_MINUS_ONE: lambda reward, success: success - 1.0,
}


def check_choices(options: Any, allowed: dict[str, Any]) -> None:
    """Refuse fields of a record that are none of the values allowed for them, by name.

    Raises:
      ValueError: says which field, what it is and what it may be.
    """
    for name, values in allowed.items():
        if not isinstance(getattr(options, name), (str, type(None))) or getattr(options, name) not in values:
            raise ValueError(f"{name} must be one of {tuple(values)}, got {getattr(options, name)!r}")


# What keywords may be. Every keyword that is a number or yes or no stands here: those of the values below, and those of the ids.
YES_OR_NO = [
    "terminate_on_success",
    "show_goal",
    "use_one_hot",
    "record_episode_statistics",
    "normalize_observations",
    "recurrent_info_in_obs",
    "normalize_reward_in_recurrent_info",
    "include_previous_frame",
    "float32_observations",
    "copy",
    "sample_on_reset",
    "obs_point_colors",
    "goal_visible",
    "corrected",
    "allow_overlap",
]
LEAST = {  # whole numbers and the least that each may be
    "max_episode_steps": 1,
    "action_repeat": 1,
    "frame_stack": 1,
    "width": 1,
    "height": 1,
    "obs_width": 1,
    "obs_height": 1,
    "obs_points": 1,
    "n_threads": 0,
    "num_envs": 1,
    "num_tasks": 1,
    "num_goals": 1,
    "meta_batch_size": 1,
    "total_tasks_per_cls": 1,
    "env_id": 0,
}
MAY_BE_NONE = (
    "max_episode_steps",
    "obs_points",
    "goal_visible",
    "num_envs",
    "num_tasks",
    "num_goals",
    "meta_batch_size",
    "total_tasks_per_cls",
    "env_id",
    "compiled",
)


def checked_count(name: str, value: Any, least: int = 1, or_none: str = "") -> int:
    """A whole number as Python's own int.

    Args:
      name: of the keyword.
      value: what it was given.
      least: that it may be.
      or_none: what else the keyword may be, for the message.

    Raises:
      ValueError: not whole, or less; says what it may be.
    """
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be at least {least} and whole{or_none}, got {value!r}")
    return int(value)


def check_keyword(name: str, value: Any) -> Any:
    """The value of a keyword, as Python's own int or bool where it is a number or yes or no.

    Raises:
      ValueError: not what the keyword may be; says what that is.
    """
    if value is None and name in MAY_BE_NONE:
        return None
    or_none = " or None" if name in MAY_BE_NONE else ""
    if name in YES_OR_NO or name == "compiled":
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"{name} must be True or False{or_none}, got {value!r}")
        return bool(value)
    if name in LEAST:
        return checked_count(name, value, LEAST[name], or_none)
    return value


def checked_autoreset_mode(mode: AutoresetMode | str) -> AutoresetMode:
    """How finished environments start anew, from Gymnasium's value or its name.

    Raises:
      ValueError: neither.
    """
    known = [one.value for one in AutoresetMode]
    if not isinstance(mode, AutoresetMode) and mode not in known:
        raise ValueError(f"autoreset_mode must be one of {known} or a gymnasium.vector.AutoresetMode, got {mode!r}")
    return AutoresetMode(mode)


def check_keywords(options: Any) -> None:
    """Check the fields of a record, see `check_keyword`, and keep them as Python's own values."""
    for name, value in vars(options).items():
        object.__setattr__(options, name, check_keyword(name, value))


@dataclass(frozen=True, kw_only=True)
class EpisodeOptions:
    """Keywords of an episode: how it ends and what it pays.

    Raises:
      ValueError: a value that is not allowed.
    """

    reward_function_version: str = "v2"  # or "v1"
    max_episode_steps: int | None = HORIZON  # control steps
    terminate_on_success: bool = False
    action_repeat: int = 1  # control steps per action, rewards summed
    reward_mode: str = DENSE  # or "sparse" (1 on success) or "success-1" (0 on success, else -1)

    def __post_init__(self) -> None:
        check_keywords(self)
        check_choices(self, {"reward_mode": REWARD_MODES, "reward_function_version": REWARD_VERSIONS})


@dataclass(frozen=True, kw_only=True)
class RenderOptions:
    """Keywords of `render`: mode, camera, size, quality.

    Raises:
      ValueError: a value that is not allowed.
    """

    render_mode: str | None = None  # "rgb_array", "depth_array" or, of one environment, "human"
    camera_name: str | Camera | None = None
    camera_id: int | None = None
    width: int = DEFAULT_SIZE_PX  # pixels
    height: int = DEFAULT_SIZE_PX
    render_quality: str = HIGH  # or "fast"
    show_goal: bool = True  # mark the goal in pictures; a hidden one never is

    def __post_init__(self) -> None:
        check_keywords(self)
        check_size(self.width, self.height)
        check_choices(self, {"render_quality": QUALITIES})
        if self.camera_name is not None and not isinstance(self.camera_name, str):
            object.__setattr__(self, "camera_name", as_camera(self.camera_name))
        if self.camera_name is not None and self.camera_id is not None:
            raise ValueError(f"give camera_name or camera_id, not both (got {self.camera_name!r} and {self.camera_id!r})")


_OF_POINTS = ("obs_points", "obs_point_bounds", "obs_point_colors")
_OF_PIXELS = ("obs_cameras", "obs_kinds", "obs_width", "obs_height", "obs_quality", *_OF_POINTS)


@dataclass(frozen=True, kw_only=True)
class ObservationOptions:
    """Keywords of what an agent observes, and on which scale its rewards are.

    Raises:
      ValueError: a value that is not allowed.
    """

    goal_visible: bool | None = (
        None  # whether slots 36 to 38 (and pictures) show the goal; None as the id has it: MT sets do, ML sets do not
    )
    use_one_hot: bool = False  # append the task's one-hot id to observations
    record_episode_statistics: bool = True  # info["episode"] at an episode's end; False where a wrapper of one's own records it
    normalize_observations: bool = False  # by running mean and variance, per environment
    reward_normalization_method: str | None = None  # "gymnasium" (by returns) or "exponential"
    reward_alpha: float = 0.001  # rate of the exponential one
    recurrent_info_in_obs: bool = False  # append previous action, reward and done, for recurrent agents
    normalize_reward_in_recurrent_info: bool = True  # that reward divided by ten
    include_previous_frame: bool = True  # False: 21 numbers, without the frame of the step before
    float32_observations: bool = False
    frame_stack: int = 1  # the last so many observations, oldest first
    obs_mode: str = STATE  # or "pixels" or "pixels+state"
    obs_cameras: str | int | Camera | Sequence[str | int | Camera] = DEFAULT_CAMERA
    obs_kinds: str | Sequence[str] = RGB  # of "rgb", "depth" (m), "segmentation", "point_cloud" (m, world)
    obs_width: int = DEFAULT_OBS_SIZE_PX  # pixels
    obs_height: int = DEFAULT_OBS_SIZE_PX
    obs_quality: str = FAST  # or "high": shadows, reflections, antialiasing
    obs_points: int | None = None  # points of a point cloud, with a mask; None: one per pixel
    obs_point_bounds: Sequence[Sequence[float]] | None = None  # lower and upper corner (m, world) of what is kept of a point cloud
    obs_point_colors: bool = False  # red, green, blue in [0, 1] after each point

    def __post_init__(self) -> None:
        check_keywords(self)
        check_choices(self, {"reward_normalization_method": (None, "gymnasium", "exponential"), "obs_mode": OBS_MODES})
        if isinstance(self.reward_alpha, bool) or not isinstance(self.reward_alpha, (int, float, np.number)):
            raise ValueError(f"reward_alpha must be a number in (0, 1], got {self.reward_alpha!r}")
        if not 0.0 < self.reward_alpha <= 1.0:
            raise ValueError(f"reward_alpha must lie in (0, 1], got {self.reward_alpha}")
        changed = [one.name for one in dataclasses.fields(self) if one.name in _OF_PIXELS and getattr(self, one.name) != one.default]
        if self.obs_mode == STATE and changed:
            raise ValueError(f"{', '.join(changed)} mean nothing while obs_mode is 'state'; ask for 'pixels' or 'pixels+state'")

        if self.obs_points is None and (self.obs_point_bounds is not None or self.obs_point_colors):
            raise ValueError("obs_point_bounds and obs_point_colors need a fixed number of points: give obs_points, too")
        if self.obs_points is not None:
            object.__setattr__(self, "obs_point_bounds", self._points.bounds)

    @property
    def _points(self) -> PointOptions:
        bounds: Any = self.obs_point_bounds
        return PointOptions(num=self.obs_points or 0, bounds=bounds, with_colors=self.obs_point_colors)

    @property
    def pixels(self) -> PixelOptions | None:
        """Options of pixel observations; None where only the state is observed."""
        if self.obs_mode == STATE:
            return None
        chosen = as_camera(self.obs_cameras)
        return PixelOptions(
            cameras=(chosen,) if isinstance(chosen, (str, int, Camera)) else tuple(as_camera(camera) for camera in chosen),
            kinds=(self.obs_kinds,) if isinstance(self.obs_kinds, str) else tuple(self.obs_kinds),
            with_state=self.obs_mode == PIXELS_AND_STATE,
            width=self.obs_width,
            height=self.obs_height,
            quality=self.obs_quality,
            points=self._points if self.obs_points is not None else None,
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


@dataclass(frozen=True, kw_only=True)
class SteppingOptions:
    """Keywords of how vector environments are stepped; no number depends on them."""

    copy: bool = True  # vector environments: False hands out the same arrays at every step
    compiled: bool | None = None  # native ones: step in compiled code (extra `fast`); None does where Numba is installed
    n_threads: int = 0  # native ones: threads that step environments; 0 takes as many as there are cores

    def __post_init__(self) -> None:
        check_keywords(self)


@dataclass(frozen=True, kw_only=True)
class Options:
    """All keywords that every Gymnasium id takes, by what they are about."""

    episode: EpisodeOptions = field(default_factory=EpisodeOptions)
    observation: ObservationOptions = field(default_factory=ObservationOptions)
    rendering: RenderOptions = field(default_factory=RenderOptions)
    stepping: SteppingOptions = field(default_factory=SteppingOptions)

    @property
    def draws(self) -> bool:
        """Whether pictures may be made."""
        return self.observation.obs_mode != STATE or self.rendering.render_mode is not None

    @classmethod
    def of(cls, keywords: dict[str, Any]) -> Options:
        """Options from flat keywords; see `read_keywords`."""
        episode, observation, rendering, stepping = read_keywords(
            keywords, EpisodeOptions, ObservationOptions, RenderOptions, SteppingOptions
        )
        return cls(episode=episode, observation=observation, rendering=rendering, stepping=stepping)


def read_keywords(keywords: dict[str, Any], *kinds: type[Any]) -> list[Any]:
    """One value of each kind, from flat keywords that are fields of them.

    Raises:
      TypeError: an unknown keyword; says the nearest one.
      ValueError: a value that is not allowed.
    """
    names = [[one.name for one in dataclasses.fields(kind)] for kind in kinds]
    known = [name for of_kind in names for name in of_kind]
    for name in keywords:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise TypeError(f"unknown keyword {name!r}.{hint} Known besides those of the id itself: {', '.join(known)}.")
    return [kind(**{name: keywords[name] for name in of_kind if name in keywords}) for kind, of_kind in zip(kinds, names, strict=True)]


class Option:
    """A field of the options that an environment keeps, as an attribute of the environment; setting it puts another value in their place.

    Args:
      kept: attribute that holds the options.
      name: of the field.
    """

    def __init__(self, kept: str, name: str) -> None:
        self._kept, self._name = kept, name

    def __get__(self, env: Any, owner: type[Any]) -> Any:
        return self if env is None else getattr(getattr(env, self._kept), self._name)

    def __set__(self, env: Any, value: Any) -> None:
        changed = {self._name: value}
        if value is not None:
            changed |= dict.fromkeys(_INSTEAD.get(self._name, ()))
        setattr(env, self._kept, dataclasses.replace(getattr(env, self._kept), **changed))


_INSTEAD = {"camera_name": ("camera_id",), "camera_id": ("camera_name",)}  # what an assignment puts out of force
