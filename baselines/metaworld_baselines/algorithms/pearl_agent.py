"""Policies that act on a belief about the goal, as agents: they adapt by drawing z from it and looking at what comes of that."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from metaworld_baselines.experience.on_policy import REWARD_SCALE
from metaworld_baselines.networks.context_encoder import Belief, prior
from metaworld_py.evaluation import Timestep


class PearlAgent:
    """Trained networks for `evaluate_adaptation` and `metalearning_evaluation`: posterior sampling, then the belief's mean.

    Every episode of adaptation has one z, drawn from the belief after all episodes before.

    Args:
      explore: random actions, see `OnPolicyCollector`; the memory is z.
      likeliest: from weights, z and observations to most likely actions.
      believe: from weights and contexts (env, transition, …) to the belief.
      params: weights.
      latent: components of z.
      context_size: transitions that a belief is made of; more are thinned out at random.
      seed: of the random actions, of z and of the thinning.
    """

    def __init__(self, explore: Any, likeliest: Any, believe: Any, params: Any, *, latent: int, context_size: int, seed: int = 0) -> None:
        self._explore, self._likeliest, self._believe = explore, likeliest, believe
        self._latent, self._context_size = latent, context_size
        self._params = jax.device_put(jax.tree.map(np.asarray, params), jax.devices("cpu")[0])
        self.reseed(seed)
        self.init()

    def reseed(self, seed: int) -> None:
        """Draw from another generator from now on."""
        self._seed, self._draws, self._rng = seed, 0, np.random.default_rng(seed)

    def init(self) -> None:
        """New goals: nothing is known of them."""
        self._context: list[NDArray[np.float32]] = []
        self._belief: Belief | None = None
        self._z: Any = None

    def reset(self, env_mask: NDArray[np.bool_]) -> None:
        """Episodes begin, all at once: a new z from what is known by now."""
        self._belief = self._belief_of(len(env_mask))
        noise = self._rng.normal(size=(len(env_mask), self._latent)).astype(np.float32)
        self._z = np.asarray(self._belief.at(noise))

    def adapt_action(self, observations: NDArray[Any]) -> tuple[NDArray[np.float32], dict[str, NDArray[Any]]]:
        """Random actions (n, 4) for the z of this episode."""
        self._draws += 1
        obs = np.asarray(observations, np.float32)
        action, _, _ = self._explore(self._params, self._z, obs, None, np.array([self._seed, self._draws]))
        return np.asarray(action), {}

    def eval_action(self, observations: NDArray[Any]) -> NDArray[np.float32]:
        """The most likely actions (n, 4) for the belief's mean."""
        assert self._belief is not None, "reset comes before the first action"
        return np.asarray(self._likeliest(self._params, np.asarray(self._belief.mean), np.asarray(observations, np.float32)))

    def step(self, timestep: Timestep) -> None:
        """Remember a step."""
        reward = np.asarray(timestep.reward)[:, None] / REWARD_SCALE
        action = np.clip(timestep.action, -1.0, 1.0)
        self._context.append(np.concatenate([timestep.observation, action, reward], axis=1, dtype=np.float32))

    def adapt(self) -> None:
        """No-op: the belief follows what is remembered, at the start of every episode."""

    def _belief_of(self, envs: int) -> Belief:
        if not self._context:
            return prior(envs, self._latent)
        at = np.arange(len(self._context))
        if len(at) > self._context_size:
            at = np.sort(self._rng.permutation(len(at))[: self._context_size])
        belief: Belief = self._believe(self._params, np.stack([self._context[index] for index in at], axis=1))
        return belief
