"""Keywords that every Gymnasium id takes, as one frozen value."""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass
from typing import Any

from metaworld_py.rendering import DEFAULT_SIZE_PX
from metaworld_py.tasks.definition import HORIZON
from metaworld_py.vector_env import REWARD_MODES


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
    render_mode: str | None = None
    camera_name: str | None = None
    camera_id: int | None = None
    width: int = DEFAULT_SIZE_PX  # pixels
    height: int = DEFAULT_SIZE_PX

    def __post_init__(self) -> None:
        for name, allowed in (
            ("reward_normalization_method", (None, "gymnasium", "exponential")),
            ("reward_mode", REWARD_MODES),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {allowed}, got {getattr(self, name)!r}")
        if self.action_repeat < 1:
            raise ValueError(f"action_repeat must be at least 1, got {self.action_repeat}")
        if not 0.0 < self.reward_alpha <= 1.0:
            raise ValueError(f"reward_alpha must lie in (0, 1], got {self.reward_alpha}")
        if self.camera_name is not None and self.camera_id is not None:
            raise ValueError("give camera_name or camera_id, not both")

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
