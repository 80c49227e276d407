"""One environment with the wrappers that its keywords ask for."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec, WrapperSpec
from gymnasium.utils import RecordConstructorArgs

from metaworld_py import wrappers
from metaworld_py.envs.checkpoint_wrapper import checkpoint_of, load_checkpoint_of
from metaworld_py.envs.env import MetaWorldEnv, env_class
from metaworld_py.envs.follows_space import FrameStack
from metaworld_py.envs.options import DENSE, Options
from metaworld_py.envs.pixels import PixelObservations
from metaworld_py.instances.selection import Selector, with_goal_hidden


class StandardWrappers(wrappers.CheckpointWrapper, gymnasium.Wrapper[Any, Any, Any, Any]):  # clients look at direct bases alone
    """The outermost layer of an environment from `gymnasium.make`: the wrappers that its options ask for, checkpoints, and a spec.

    The environment itself counts the steps, up to the limit of Gymnasium's TimeLimit, which is taken off: with one counter only, a state
    that is set back has the steps left that it had.

    Args:
      env: a `MetaWorldEnv` in the wrappers that `gymnasium.make` puts on.
      env_id: names it in lists of checkpoints; its task by default.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], env_id: str | None = None) -> None:
        RecordConstructorArgs.__init__(self, env_id=env_id)
        base: Any = env.unwrapped
        self._made_spec = env.spec
        if isinstance(env, gymnasium.wrappers.TimeLimit):
            base.max_path_length = env.spec.max_episode_steps if env.spec is not None else None
            env = env.env
        super().__init__(wrapped(env, base.wrapper_options, base.one_hot), env_id or f"{base.task_def.id}_{base.one_hot[0]}")

    @property
    def spec(self) -> EnvSpec | None:  # type: ignore[override]  # Gymnasium's wrappers have a property here, too
        """How to make this environment again: `gymnasium.make(env.spec)`. What this layer puts on follows from the keywords."""
        if self._made_spec is None:  # it was put on by an entry point, which puts it on again
            return self.unwrapped.spec
        spec = copy.deepcopy(self._made_spec)
        own = WrapperSpec(type(self).__name__, f"{__name__}:{type(self).__name__}", copy.deepcopy(self._saved_kwargs))
        spec.additional_wrappers = (*spec.additional_wrappers, own)
        return spec

    def get_state(self) -> dict[str, Any]:
        """Everything that decides the future, wrappers included, as a plain value."""
        return checkpoint_of(self)

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue exactly where `get_state` was called.

        Raises:
          ValueError: a state of another task or of other wrappers; nothing was changed.
        """
        load_checkpoint_of(self, state, self.env_id)


def base_env(
    selector: Selector, options: Options, seed: int | None, max_episode_steps: int | None, one_hot: tuple[int, int] = (0, 1)
) -> MetaWorldEnv:
    """One environment that plays what the selector chooses, before wrappers.

    Args:
      selector: the instances to play.
      options: see `Options`.
      seed: seeds the environment's generator.
      max_episode_steps: control steps; None where a wrapper counts.
      one_hot: index of the task and number of tasks, where options ask for one-hot ids.
    """
    episode = replace(options.episode, max_episode_steps=max_episode_steps, action_repeat=1, reward_mode=DENSE)
    env = env_class(selector.env_name)(**vars(episode), **vars(options.rendering))
    env.use(as_visible(selector, options))
    env.make_for(options, one_hot)
    if seed is not None:
        env.seed_generator(seed)
    return env


def as_visible(selector: Selector, options: Options) -> Selector:
    """A choice of instances with their goals visible or hidden, where the options say which."""
    goal_visible = options.observation.goal_visible
    return selector if goal_visible is None else with_goal_hidden(selector, not goal_visible)


def wrapped(env: gymnasium.Env[Any, Any], options: Options, one_hot: tuple[int, int] = (0, 1)) -> gymnasium.Env[Any, Any]:
    """An environment with the wrappers that its options ask for, from the inside out.

    Args:
      env: a `MetaWorldEnv`, with a time limit of control steps of its own or around it.
      options: see `Options`.
      one_hot: index of the task and number of tasks, where options ask for one-hot ids.
    """
    episode, observed = options.episode, options.observation
    if episode.action_repeat > 1:
        env = wrappers.ActionRepeat(env, episode.action_repeat)
    if episode.reward_mode != DENSE:
        env = wrappers.SparseReward(env, episode.reward_mode)
    if observed.record_episode_statistics:
        env = gymnasium.wrappers.RecordEpisodeStatistics(env)
    if not observed.include_previous_frame:
        env = wrappers.CurrentFrameOnly(env)
    if observed.use_one_hot:
        env = wrappers.OneHotWrapper(env, *one_hot)
    if observed.recurrent_info_in_obs:
        env = wrappers.RNNBasedMetaRLWrapper(env, normalize_reward=observed.normalize_reward_in_recurrent_info)
    if observed.reward_normalization_method == "gymnasium":
        env = gymnasium.wrappers.NormalizeReward(env)
    elif observed.reward_normalization_method == "exponential":
        env = wrappers.NormalizeRewardsExponential(observed.reward_alpha, env)
    if observed.normalize_observations:
        env = gymnasium.wrappers.NormalizeObservation(env)
    elif observed.float32_observations:
        env = wrappers.Float32Observations(env)
    if observed.pixels is not None:
        env = PixelObservations(env, observed.pixels)
    return FrameStack(env, observed.frame_stack) if observed.frame_stack > 1 else env


def wrapped_alone(env: Any) -> gymnasium.Env[Any, Any]:
    """An environment with its wrappers, for a TimeLimit that counts actions around them.

    Raises:
      ValueError: repeated actions, for which such a limit is another one.
    """
    if env.wrapper_options.episode.action_repeat > 1:
        raise ValueError(
            "with action_repeat write vector_strategy='sync' or 'async' instead of vectorization_mode: steps are counted there"
        )
    return StandardWrappers(env)


def make_env(
    selector: Selector, options: Options, *, seed: int | None = None, one_hot: tuple[int, int] = (0, 1), env_id: str = "0"
) -> gymnasium.Env[Any, Any]:
    """One environment with its options' wrappers, checkpoints and a time limit of its own; see `base_env` and `wrapped`."""
    env = wrapped(base_env(selector, options, seed, options.episode.max_episode_steps), options, one_hot)
    return wrappers.CheckpointWrapper(env, env_id)
