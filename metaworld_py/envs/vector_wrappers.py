"""Options of observations and rewards for the native vector environment: the wrappers' array forms, in one layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from metaworld_py.engine.layout import BEFORE
from metaworld_py.envs.normalizers import ExponentialRewardNormalizer, ObservationNormalizer, RecurrentInfo, ReturnNormalizer
from metaworld_py.envs.options import ObservationOptions
from metaworld_py.envs.vector_env import MetaWorldVectorEnv
from metaworld_py.envs.vector_layer import VectorLayer

Mask = NDArray[np.bool_]


class TransformedVectorEnv(VectorLayer):
    """From the inside out: drops the previous frame, adds recurrent inputs, normalises rewards, then observations, makes them float32.

    Statistics are per environment, as with Gymnasium's wrappers around each; final observations pass through the same steps.
    """

    carried = ("_was_over", "_rewards", "_recurrent", "_normalizer")

    def __init__(self, env: MetaWorldVectorEnv, options: ObservationOptions) -> None:
        super().__init__(env)
        self._options = options
        n_envs = env.num_envs
        self._was_over = np.zeros(n_envs, dtype=bool)
        self._rewards = _reward_normalizer(options, n_envs)
        self._recurrent = RecurrentInfo(n_envs, options.normalize_reward_in_recurrent_info) if options.recurrent_info_in_obs else None
        size = self._observed(env.single_observation_space).shape[0]
        self._normalizer = ObservationNormalizer(n_envs, size) if options.normalize_observations else None

    def _observed(self, inside: Any) -> Any:
        options, space = self._options, inside
        if not options.include_previous_frame:
            space = Box(np.delete(space.low, BEFORE), np.delete(space.high, BEFORE), dtype=np.float64)
        if self._recurrent is not None:
            space = self._recurrent.space(space)
        if options.normalize_observations:
            space = Box(-np.inf, np.inf, space.shape, np.float32)
        elif options.float32_observations:
            space = Box(space.low.astype(np.float32), space.high.astype(np.float32), dtype=np.float32)
        return space

    @staticmethod
    def wrap(env: MetaWorldVectorEnv, options: ObservationOptions) -> MetaWorldVectorEnv | TransformedVectorEnv:
        """Put the layer around an environment, or give the environment itself where the options ask for nothing."""
        return TransformedVectorEnv(env, options) if options.transforms_vectors else env

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[NDArray[Any], dict[str, Any]]:
        """Start episodes; see `MetaWorldVectorEnv.reset`."""
        observations, infos = self.env.reset(seed=seed, options=options)
        mask = np.asarray((options or {}).get("reset_mask", np.ones(self.num_envs, dtype=bool)))
        if self._recurrent is not None:
            self._recurrent.reset(mask)
        self._was_over &= ~mask
        return self._seen(observations, mask), infos

    def step(self, actions: Any) -> tuple[NDArray[Any], NDArray[Any], Mask, Mask, dict[str, Any]]:
        """Advance by one action; see `MetaWorldVectorEnv.step`."""
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        over, stepped = terminations | truncations, ~self._was_over
        if self._recurrent is not None:
            self._recurrent.record(np.asarray(actions), rewards, over, stepped)
            self._recurrent.reset(self._was_over)
        if self._rewards is not None:
            by_return = isinstance(self._rewards, ReturnNormalizer)
            scaled = self._rewards.normalize(rewards, *((terminations,) if by_return else ()), stepped)
            rewards = np.where(stepped, scaled, 0.0)
        if self.env.autoreset_mode == AutoresetMode.SAME_STEP and over.any():
            observations = self._with_final(observations, infos, over)
        else:
            observations = self._seen(observations, np.ones(self.num_envs, dtype=bool))
            self._was_over = over
        return observations, rewards, terminations, truncations, infos

    def _with_final(self, observations: NDArray[Any], infos: dict[str, Any], over: Mask) -> NDArray[Any]:
        """Observations of a step at which some episodes ended and others began; rewrites the final ones in `infos`."""
        last = observations.copy()
        for env in np.flatnonzero(over).tolist():
            last[env] = infos["final_obs"][env]
        seen_last = self._seen(last, np.ones(self.num_envs, dtype=bool))
        for env in np.flatnonzero(over).tolist():
            infos["final_obs"][env] = seen_last[env]
        if self._recurrent is not None:
            self._recurrent.reset(over)
        first = self._seen(observations, over)
        return np.where(over[:, np.newaxis], first, seen_last)

    def _seen(self, observations: NDArray[Any], mask: Mask) -> NDArray[Any]:
        """What the agent sees; statistics take in the rows of the mask."""
        if not self._options.include_previous_frame:
            observations = np.delete(observations, BEFORE, axis=1)
        if self._recurrent is not None:
            observations = self._recurrent.append(observations)
        if self._normalizer is not None:
            observations = self._normalizer.normalize(observations, mask)
        return observations.astype(np.float32) if self._options.float32_observations else observations


def _reward_normalizer(options: ObservationOptions, n_envs: int) -> Any:
    if options.reward_normalization_method == "gymnasium":
        return ReturnNormalizer(n_envs)
    if options.reward_normalization_method == "exponential":
        return ExponentialRewardNormalizer(n_envs, options.reward_alpha)
    return None
