"""Gymnasium wrappers for single environments, under their published names, and the knobs that projects otherwise build by hand.

Wrappers that choose instances or end episodes have the `MetaWorldEnv` inside do it, so that it knows.
Normalised observations and returns: `gymnasium.wrappers.NormalizeObservation` and `NormalizeReward`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Space
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from metaworld_py.engine.layout import BEFORE, OBSERVATION_SIZE
from metaworld_py.envs.checkpoints import from_plain, to_plain
from metaworld_py.envs.env import EnvState, MetaWorldEnv
from metaworld_py.envs.normalizers import ExponentialRewardNormalizer, RecurrentInfo, extended_box
from metaworld_py.envs.options import DENSE, REWARD_MODES
from metaworld_py.instances.selection import PSEUDORANDOM, RANDOM
from metaworld_py.instances.task import Task

Env = gymnasium.Env[Any, Any]
Step = tuple[Any, Any, bool, bool, dict[str, Any]]
Reset = tuple[Any, dict[str, Any]]
Observation = NDArray[np.floating[Any]]

SPARSE_REWARDS = [mode for mode in REWARD_MODES if mode != DENSE]

# What a wrapper has besides its state: what it wraps, how it was made, and what follows from both.
_NO_STATE = ("env", "env_id", "_made_spec", "_saved_kwargs", "_cached_spec", "_metadata", "_action_space", "_observation_space")


class OneHotWrapper(gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
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
        self.observation_space = extended_box(_flat_box(env), np.zeros(num_tasks), np.ones(num_tasks))

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
        _meta_world_env(self).toggle_sample_tasks_on_reset(self.sample_tasks_on_reset)
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
        _meta_world_env(self).set_tasks(self.tasks, task_select=self.task_select)


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
        return bool(_meta_world_env(self).terminate_on_success)

    def toggle_terminate_on_success(self, on: bool) -> None:
        """Whether an episode ends at its first success."""
        _meta_world_env(self).toggle_terminate_on_success(on)


class RNNBasedMetaRLWrapper(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Appends previous action (4), previous reward and whether the episode has ended to observations: 39 → 45 numbers, zeros at reset.

    Args:
      env: an environment with flat observations.
      normalize_reward: divide the reward by 10, which brings v2 rewards to 0…1.
    """

    def __init__(self, env: Env, normalize_reward: bool = True) -> None:
        RecordConstructorArgs.__init__(self, normalize_reward=normalize_reward)
        super().__init__(env)
        self._recurrent = RecurrentInfo(1, normalize_reward)
        self.observation_space = self._recurrent.space(_flat_box(env), _flat_box(env, "action_space"))

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
    """Scales rewards by their exponentially weighted deviation. See `transforms.ExponentialRewardNormalizer`.

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


class CheckpointWrapper(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Saves and restores the environment inside, in the middle of an episode, and all wrappers between: same future to the last bit.

    Put it outermost. Give each environment its own id: a vector environment's checkpoints are a list of pairs, and each environment
    finds its own in it. Environments of every Gymnasium id have these methods already.

    Args:
      env: a `MetaWorldEnv`, possibly wrapped.
      env_id: names this environment in lists of checkpoints.

    Raises:
      TypeError: not a `MetaWorldEnv`.
    """

    def __init__(self, env: Env, env_id: str) -> None:
        RecordConstructorArgs.__init__(self, env_id=env_id)
        super().__init__(env)
        self.env_id = env_id
        _meta_world_env(self)

    def get_checkpoint(self) -> tuple[str, dict[str, Any]]:
        """The id and state of this environment: physics, instances, wrappers, generators. A plain value, for JSON as well.

        Raises:
          TypeError: a wrapper's state cannot be copied; says which.
        """
        return self.env_id, checkpoint_of(self)

    def load_checkpoint(self, checkpoints: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Go on from this environment's checkpoint among those given.

        Raises:
          ValueError: none or several under this environment's id, one of another task, or one of other wrappers; nothing was changed.
        """
        load_checkpoint_of(self, own_checkpoint(self.env_id, checkpoints), self.env_id)


def own_checkpoint(env_id: str, checkpoints: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """The checkpoint under an environment's id.

    Raises:
      ValueError: none or several.
    """
    found = [state for name, state in checkpoints if name == env_id]
    if len(found) != 1:
        ids = [name for name, _ in checkpoints]
        problem = "is missing from" if not found else f"stands {len(found)} times in"
        raise ValueError(f"{env_id!r} {problem} the checkpoints {ids}: each environment needs an id and a checkpoint of its own")
    return found[0]


def checkpoint_of(outermost: gymnasium.Wrapper[Any, Any, Any, Any]) -> dict[str, Any]:
    """State of everything inside a wrapper, and of the generators of its spaces, as a plain value."""
    return {
        "env": _meta_world_env(outermost).get_state().to_plain(),
        "wrappers": [[layer.class_name(), _wrapper_state(layer)] for layer in _layers(outermost.env)],
        "rng": to_plain(get_env_rng_checkpoint(outermost)),
    }


def load_checkpoint_of(outermost: gymnasium.Wrapper[Any, Any, Any, Any], checkpoint: dict[str, Any], env_id: str) -> None:
    """Go on from what `checkpoint_of` saved.

    Raises:
      ValueError: of another task, or of other wrappers; nothing was changed.
    """
    layers = list(_layers(outermost.env))
    names, saved = [layer.class_name() for layer in layers], [name for name, _ in checkpoint["wrappers"]]
    if names != saved:
        raise ValueError(f"the checkpoint of {env_id!r} was made inside the wrappers {saved}, this environment has {names}")
    generators = from_plain(checkpoint["rng"])
    _meta_world_env(outermost).set_state(EnvState.from_plain(checkpoint["env"]))
    for layer, (_, attributes) in zip(layers, checkpoint["wrappers"], strict=True):
        now = vars(layer)
        now.update({name: from_plain(value, now.get(name)) for name, value in attributes.items()})
    set_env_rng(outermost, generators)


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


class Float32Observations(gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
    """Observations in float32.

    `gymnasium.wrappers.DtypeObservation` does not do here: it warns of the bounds' lost digits and does not pickle.

    Args:
      env: an environment with flat observations.
    """

    def __init__(self, env: Env) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        box = _flat_box(env)
        low, high = box.low.astype(np.float32), box.high.astype(np.float32)
        # Bounds a last bit apart may fall together, of which Gymnasium's checker warns.
        high[high == low] = np.nextafter(high[high == low], np.float32(np.inf))
        self.observation_space = Box(low, high, dtype=np.float32)

    def observation(self, observation: Observation) -> NDArray[np.float32]:
        """Observation in float32."""
        return observation.astype(np.float32)


class CurrentFrameOnly(gymnasium.ObservationWrapper[Any, Any, Any], RecordConstructorArgs):
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
        low, high = (np.delete(bound, BEFORE) for bound in (box.low, box.high))
        self.observation_space = Box(low, high, dtype=box.dtype.type)

    def observation(self, observation: Observation) -> Observation:
        """The observation (d,) without its previous frame (d − 18,)."""
        return np.delete(observation, BEFORE)


def get_env_rng_checkpoint(env: Env) -> dict[str, dict[str, Any]]:
    """States of the generators of an environment and its spaces."""
    return {name: copy.deepcopy(dict(rng.bit_generator.state)) for name, rng in _generators(env).items()}


def set_env_rng(env: Env, state: dict[str, dict[str, Any]]) -> None:
    """Set the generators of an environment and its spaces to a state of `get_env_rng_checkpoint`.

    Raises:
      ValueError: states of other generators.
    """
    generators = _generators(env)
    if set(state) != set(generators):
        raise ValueError(f"the state must have {sorted(generators)}, got {sorted(state)}")
    for name, rng in generators.items():
        rng.bit_generator.state = state[name]


def _generators(env: Env) -> dict[str, np.random.Generator]:
    return {
        "np_random_state": env.np_random,
        "action_space_rng_state": env.action_space.np_random,
        "obs_space_rng_state": env.observation_space.np_random,
    }


def _layers(env: Env) -> Iterator[gymnasium.Wrapper[Any, Any, Any, Any]]:
    """The wrappers around an environment, outermost first."""
    while isinstance(env, gymnasium.Wrapper):
        yield env
        env = env.env


def _wrapper_state(wrapper: gymnasium.Wrapper[Any, Any, Any, Any]) -> dict[str, Any]:
    """A wrapper's attributes as plain values, Gymnasium's own wrappers included, without what it wraps, functions and spaces.

    Wrappers declare no state, so all attributes are taken: what never changes does no harm, what is left out would be lost in silence.
    """
    state = {}
    for name, value in vars(wrapper).items():
        if name in _NO_STATE or callable(value) or isinstance(value, (Space, gymnasium.Env)):
            continue
        try:
            state[name] = to_plain(value)
        except Exception as error:  # whatever a foreign object raises
            problem = f"{name} of the wrapper {wrapper.class_name()} cannot be copied ({error})"
            raise TypeError(f"{problem}: put CheckpointWrapper inside of that wrapper") from error
    return state


def _meta_world_env(env: Env) -> MetaWorldEnv:
    inner = env.unwrapped
    if not isinstance(inner, MetaWorldEnv):
        raise TypeError(f"{type(env).__name__} wraps Meta-World environments only, got {inner!r}")
    return inner


def _flat_box(env: Env, name: str = "observation_space") -> Box:
    space = getattr(env, name)
    if not isinstance(space, Box) or len(space.shape) != 1:
        raise TypeError(f"{name} must be a flat Box, got {space}; wrappers of pixels and dictionaries go outside")
    return space
