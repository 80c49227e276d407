"""Gymnasium wrappers for single environments, under their published names, and the knobs that projects otherwise build by hand.

Wrappers that choose instances or end episodes have the `MetaWorldEnv` inside do it, so that it knows.
Normalised observations and returns: `gymnasium.wrappers.NormalizeObservation` and `NormalizeReward`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from metaworld_py.engine.layout import BEFORE, OBSERVATION_SIZE
from metaworld_py.envs.checkpoint_wrapper import CheckpointWrapper, get_env_rng_checkpoint, meta_world_env, set_env_rng
from metaworld_py.envs.follows_space import FollowsSpace
from metaworld_py.envs.normalizers import ExponentialRewardNormalizer, RecurrentInfo, extended_box
from metaworld_py.envs.options import DENSE, REWARD_MODES
from metaworld_py.instances.selection import PSEUDORANDOM, RANDOM
from metaworld_py.instances.task import Task

Env = gymnasium.Env[Any, Any]
Step = tuple[Any, Any, bool, bool, dict[str, Any]]
Reset = tuple[Any, dict[str, Any]]
Observation = NDArray[np.floating[Any]]

__all__ = [
    "ActionRepeat",
    "AutoTerminateOnSuccessWrapper",
    "CheckpointWrapper",
    "CurrentFrameOnly",
    "Float32Observations",
    "NormalizeRewardsExponential",
    "OneHotWrapper",
    "PseudoRandomTaskSelectWrapper",
    "RNNBasedMetaRLWrapper",
    "RandomTaskSelectWrapper",
    "SparseReward",
    "TaskSelectWrapper",
    "get_env_rng_checkpoint",
    "set_env_rng",
]

SPARSE_REWARDS = [mode for mode in REWARD_MODES if mode != DENSE]


class OneHotWrapper(FollowsSpace, gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Appends a one-hot task id to observations.

    Args:
      env: an environment with flat observations.
      task_idx: this environment's task, 0 … num_tasks − 1.
      num_tasks: how many tasks there are.

    Raises:
      ValueError: task_idx out of range.
    """

    def __init__(self, env: Env, task_idx: int, num_tasks: int) -> None:
        if not 0 <= task_idx < num_tasks:
            raise ValueError(f"task_idx must lie in 0…num_tasks − 1 = {num_tasks - 1}, got {task_idx}")
        RecordConstructorArgs.__init__(self, task_idx=task_idx, num_tasks=num_tasks)
        super().__init__(env)
        self.one_hot = np.zeros(num_tasks)
        self.one_hot[task_idx] = 1.0
        _flat_box(env)

    def _observed(self, inside: Box) -> Box:
        ids = np.zeros_like(self.one_hot)
        return extended_box(inside, ids, ids + 1.0)

    def observation(self, observation: Observation) -> Observation:
        """The observation (d,) and the id (num_tasks,)."""
        return np.concatenate([observation, self.one_hot.astype(observation.dtype)])


class TaskSelectWrapper(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Plays given instances, chosen by the environment's own generator; `reset(seed=...)` decides the choice.

    Args:
      env: a `MetaWorldEnv`, possibly wrapped.
      tasks: instances of its task.
      sample_tasks_on_reset: whether each reset takes another instance; else only `sample_tasks` does.

    Raises:
      ValueError: no instances, or instances of another task.
      TypeError: not a `MetaWorldEnv`.
    """

    task_select: ClassVar[str]

    def __init__(self, env: Env, tasks: Sequence[Task], sample_tasks_on_reset: bool) -> None:
        RecordConstructorArgs.__init__(self, tasks=tasks, sample_tasks_on_reset=sample_tasks_on_reset)
        super().__init__(env)
        self.tasks = list(tasks)
        self.sample_tasks_on_reset = sample_tasks_on_reset
        self._begin()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Reset:
        """Start an episode. A seed also begins the choice anew, so that the same seed gives the same instances."""
        if seed is not None and self.sample_tasks_on_reset:
            self._begin()
        meta_world_env(self).toggle_sample_tasks_on_reset(self.sample_tasks_on_reset)
        return self.env.reset(seed=seed, options=options)

    def sample_tasks(self, seed: int | None = None, options: dict[str, Any] | None = None) -> Reset:
        """Start an episode with another instance, whether or not resets take one."""
        was_on, self.sample_tasks_on_reset = self.sample_tasks_on_reset, True
        try:
            return self.reset(seed=seed, options=options)
        finally:
            self.sample_tasks_on_reset = was_on

    def toggle_sample_tasks_on_reset(self, on: bool) -> None:
        """Whether each reset takes another instance."""
        self.sample_tasks_on_reset = on

    def _begin(self) -> None:
        meta_world_env(self).set_tasks(self.tasks, task_select=self.task_select)


class RandomTaskSelectWrapper(TaskSelectWrapper):
    """Plays given instances, each drawn independently. See `TaskSelectWrapper`."""

    task_select = RANDOM

    def __init__(self, env: Env, tasks: Sequence[Task], sample_tasks_on_reset: bool = True) -> None:
        super().__init__(env, tasks, sample_tasks_on_reset)


class PseudoRandomTaskSelectWrapper(TaskSelectWrapper):
    """Plays given instances in shuffled cycles: each once before any comes again. See `TaskSelectWrapper`."""

    task_select = PSEUDORANDOM

    def __init__(self, env: Env, tasks: Sequence[Task], sample_tasks_on_reset: bool = False) -> None:
        super().__init__(env, tasks, sample_tasks_on_reset)


class AutoTerminateOnSuccessWrapper(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Ends episodes with `terminated` at their first success, until switched off.

    Args:
      env: a `MetaWorldEnv`, possibly wrapped.

    Raises:
      TypeError: not a `MetaWorldEnv`.
    """

    def __init__(self, env: Env) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self.toggle_terminate_on_success(True)

    @property
    def terminate_on_success(self) -> bool:
        """Whether an episode ends at its first success."""
        return bool(meta_world_env(self).terminate_on_success)

    def toggle_terminate_on_success(self, on: bool) -> None:
        """Whether an episode ends at its first success."""
        meta_world_env(self).toggle_terminate_on_success(on)


class RNNBasedMetaRLWrapper(FollowsSpace, RecordConstructorArgs):
    """Appends previous action (4), previous reward and whether the episode has ended to observations: 39 → 45 numbers, zeros at reset.

    Args:
      env: an environment with flat observations.
      normalize_reward: divide the reward by 10, which brings v2 rewards to 0…1.
    """

    def __init__(self, env: Env, normalize_reward: bool = True) -> None:
        RecordConstructorArgs.__init__(self, normalize_reward=normalize_reward)
        super().__init__(env)
        self._recurrent = RecurrentInfo(1, normalize_reward)
        _flat_box(env)

    def _observed(self, inside: Box) -> Box:
        return self._recurrent.space(inside)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Reset:
        """Start an episode; the appended numbers are zeros."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._recurrent.reset()
        return self._recurrent.append(observation[np.newaxis])[0], info

    def step(self, action: Any) -> Step:
        """Advance by one control step; the appended numbers tell of this step."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._recurrent.record(np.array([action]), np.array([reward]), np.array([terminated or truncated]))
        return self._recurrent.append(observation[np.newaxis])[0], reward, terminated, truncated, info


class NormalizeRewardsExponential(gymnasium.RewardWrapper[Any, Any], RecordConstructorArgs):
    """Scales rewards by their exponentially weighted deviation. See `envs.normalizers.ExponentialRewardNormalizer`.

    Args:
      reward_alpha: weight of the newest reward, in (0, 1].
      env: any environment.

    Attributes:
      normalizer: the statistics; they outlive episodes.
    """

    def __init__(self, reward_alpha: float, env: Env) -> None:
        RecordConstructorArgs.__init__(self, reward_alpha=reward_alpha)
        super().__init__(env)
        self.normalizer = ExponentialRewardNormalizer(1, reward_alpha)

    def reward(self, reward: Any) -> float:
        """Reward, scaled by its running deviation."""
        return float(self.normalizer.normalize(np.array([reward]))[0])


class ActionRepeat(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Plays each action for several control steps, fewer where the episode ends.

    Rewards are summed, `info["unscaled_reward"]` too; `info["success"]` tells of any of the steps; all else is the last step's.

    Args:
      env: an environment whose info has success and unscaled_reward.
      repeat: control steps per action.

    Raises:
      ValueError: repeat < 1.
    """

    def __init__(self, env: Env, repeat: int) -> None:
        if repeat < 1:
            raise ValueError(f"repeat must be at least 1, got {repeat}")
        RecordConstructorArgs.__init__(self, repeat=repeat)
        super().__init__(env)
        self.repeat = repeat
        if "render_fps" in env.metadata:  # pictures are taken once an action
            self.metadata = {**env.metadata, "render_fps": env.metadata["render_fps"] / repeat}

    def step(self, action: Any) -> Step:
        """Advance by up to `repeat` control steps."""
        total, unscaled, success = 0.0, 0.0, 0.0
        for _ in range(self.repeat):
            observation, reward, terminated, truncated, info = self.env.step(action)
            total += float(reward)
            unscaled += info["unscaled_reward"]
            success = max(success, info["success"])
            if terminated or truncated:
                break
        return observation, total, terminated, truncated, {**info, "success": success, "unscaled_reward": unscaled}


class SparseReward(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Rewards success alone; `info["unscaled_reward"]` keeps the shaped reward.

    Outside of `ActionRepeat` success at any repeated step counts once, inside of it every step counts.

    Args:
      env: an environment whose info has success.
      kind: "sparse" (1 at success, else 0) or "success-1" (0 at success, else −1).

    Raises:
      ValueError: an unknown kind.
    """

    def __init__(self, env: Env, kind: str = "sparse") -> None:
        if kind not in SPARSE_REWARDS:
            raise ValueError(f"kind must be one of {SPARSE_REWARDS}, got {kind!r}")
        RecordConstructorArgs.__init__(self, kind=kind)
        super().__init__(env)
        self.kind = kind

    def step(self, action: Any) -> Step:
        """Advance; the reward is that of `kind`."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, REWARD_MODES[self.kind](reward, float(info["success"] > 0.0)), terminated, truncated, info


class Float32Observations(FollowsSpace, gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Observations in float32.

    `gymnasium.wrappers.DtypeObservation` does not do here: it warns of the bounds' lost digits and does not pickle.

    Args:
      env: an environment with flat observations.
    """

    def __init__(self, env: Env) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        _flat_box(env)

    def _observed(self, inside: Box) -> Box:
        low, high = inside.low.astype(np.float32), inside.high.astype(np.float32)
        # Bounds a last bit apart may fall together, of which Gymnasium's checker warns.
        high[high == low] = np.nextafter(high[high == low], np.float32(np.inf))
        return Box(low, high, dtype=np.float32)

    def observation(self, observation: Observation) -> NDArray[np.float32]:
        """Observation in float32."""
        return observation.astype(np.float32)


class CurrentFrameOnly(FollowsSpace, gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Drops the previous frame (slots 18 … 35) from observations: 39 → 21 numbers, frame 18 and goal 3, then whatever was appended.

    Args:
      env: an environment whose observations begin with the 39 numbers of `MetaWorldEnv`.

    Raises:
      TypeError: shorter observations.
    """

    def __init__(self, env: Env) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        box = _flat_box(env)
        if box.shape[0] < OBSERVATION_SIZE:
            raise TypeError(f"CurrentFrameOnly needs the {OBSERVATION_SIZE} numbers of MetaWorldEnv, got {box.shape[0]}: apply it once")

    def _observed(self, inside: Box) -> Box:
        low, high = (np.delete(bound, BEFORE) for bound in (inside.low, inside.high))
        return Box(low, high, dtype=inside.dtype.type)

    def observation(self, observation: Observation) -> Observation:
        """The observation (d,) without its previous frame (d − 18,)."""
        return np.delete(observation, BEFORE)


def _flat_box(env: Env) -> Box:
    space = env.observation_space
    if not isinstance(space, Box) or len(space.shape) != 1:
        raise TypeError(f"observation_space must be a flat Box, got {space}; wrappers of pixels and dictionaries go outside")
    return space
