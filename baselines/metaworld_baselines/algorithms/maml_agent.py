"""Policies that adapt by a gradient step, as agents."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from metaworld_baselines.experience.on_policy import Rollout
from metaworld_py.evaluation import Timestep


class MamlAgent:
    """Trained parameters for `evaluate_adaptation` and `metalearning_evaluation`: adapts by the inner step, each environment by itself.

    Args:
      explore: random actions of each environment's policy, see `OnPolicyCollector`; the memory is the noise of the step before.
      likeliest: from policies (env, …) and observations to most likely actions.
      adapt: from policies and the experience of each to adapted policies.
      params: common to all goals at first.
      seed: of the random actions.
    """

    def __init__(self, explore: Any, likeliest: Any, adapt: Any, params: Any, seed: int = 0) -> None:
        self._explore, self._likeliest, self._adapt, self._params = explore, likeliest, adapt, params
        self.reseed(seed)
        self.init()

    def reseed(self, seed: int) -> None:
        """Draw random actions from another generator from now on."""
        self._seed, self._draws = seed, 0

    def init(self) -> None:
        """New goals: back to the common parameters."""
        self._policies: Any = None
        self._noise: Any = None
        self._steps: list[tuple[Any, ...]] = []
        self._time = np.zeros(0, np.float32)

    def reset(self, env_mask: NDArray[np.bool_]) -> None:
        """Episodes begin."""
        if self._policies is None:
            self._policies = jax.device_put(repeated(self._params, len(env_mask)))
            self._time = np.zeros(len(env_mask), np.float32)
        self._time[env_mask] = 0.0

    def adapt_action(self, observations: NDArray[Any]) -> tuple[NDArray[np.float32], dict[str, NDArray[Any]]]:
        """Random actions (n, 4), to explore; their log densities and what was drawn before clipping come back with the step."""
        self._draws += 1
        obs, draw = np.asarray(observations, np.float32), np.array([self._seed, self._draws])
        action, log_prob, self._noise = self._explore(self._policies, self._noise, obs, None, draw)
        return np.clip(np.asarray(action), -1.0, 1.0), {"log_prob": np.asarray(log_prob), "action": np.asarray(action)}

    def eval_action(self, observations: NDArray[Any]) -> NDArray[np.float32]:
        """The most likely actions (n, 4) of the adapted policies."""
        return np.clip(np.asarray(self._likeliest(self._policies, np.asarray(observations, np.float32))), -1.0, 1.0)

    def step(self, timestep: Timestep) -> None:
        """Remember a step for `adapt`."""
        aux, over = timestep.aux_policy_outputs, timestep.terminated | timestep.truncated
        obs, reward = (np.asarray(x, np.float32) for x in (timestep.observation, timestep.reward))
        self._steps.append((obs, aux["action"], aux["log_prob"], reward, over, self._time.copy()))
        self._time += 1.0

    def adapt(self) -> None:
        """One inner step on what came since `init` or the last `adapt`."""
        obs, action, log_prob, reward, over, at = (np.stack(column, axis=1) for column in zip(*self._steps, strict=True))
        self._steps = []
        nothing = np.zeros((*reward.shape, 0), np.float32)
        self._policies = self._adapt(self._policies, Rollout(obs, nothing, action, log_prob, reward, nothing, over, at))


def repeated(policy: Any, goals: int) -> Any:
    """The same parameters for each goal."""
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (goals, *x.shape)), policy)
