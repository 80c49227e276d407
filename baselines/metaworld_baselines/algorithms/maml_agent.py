"""Policies that adapt by gradient steps, as agents."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from metaworld_baselines.algorithms.rehearsal import NOTHING_TOLD
from metaworld_baselines.experience.on_policy import Rollout
from metaworld_py.evaluation import Timestep

EXPLORES, REHEARSES_STEP, REHEARSES_START = "explores", "rehearses what an inner step made", "rehearses what there was before the first"


class MamlAgent:
    """Trained parameters for `evaluate_adaptation` and `metalearning_evaluation`: adapts by inner steps, each environment by itself.

    By one of all episodes, when they are over, as published; or, where it rehearses, by several in turn: after as many episodes as in
    training comes an inner step, and then a rehearsal, an episode with the most likely actions of what it made. The next episodes explore
    from the policy with the best rehearsal so far, and with that policy the episodes that count are played. An episode is over when all
    environments have ended one: they do so together.

    Args:
      explore: random actions of each environment's policy, see `OnPolicyCollector`; the memory is the noise of the step before.
      likeliest: from policies (env, …) and observations to most likely actions.
      adapt: from policies and the experience of each to adapted policies.
      params: common to all goals at first.
      seed: of the random actions.
      explored_episodes: before each inner step, as in training, where it rehearses. 0: it does not.
    """

    # Of a trial:
    _time: NDArray[np.float32]  # (env,) steps into the present episode
    _best_return: NDArray[np.float64]  # (env,) of a rehearsal, by the best policies
    _has_rehearsed_start: bool
    # Since the last inner step:
    _use: str  # what the present episode of adaptation does
    _explored: int  # episodes
    _steps: list[tuple[Any, ...]]  # of these
    # Of the present episode:
    _return: NDArray[np.float64]  # (env,) of a rehearsal, so far
    _is_told: bool  # any step of it
    _have_begun: NDArray[np.bool_]  # (env,) another one

    def __init__(self, explore: Any, likeliest: Any, adapt: Any, params: Any, seed: int = 0, *, explored_episodes: int = 0) -> None:
        self._explore, self._likeliest, self._adapt, self._params = explore, likeliest, adapt, params
        self._explored_episodes = explored_episodes
        self.reseed(seed)
        self.init()

    def reseed(self, seed: int) -> None:
        """Draw random actions from another generator from now on."""
        self._seed, self._draws = seed, 0

    def init(self) -> None:
        """New goals: back to the common parameters."""
        self._policies: Any = None
        self._noise: Any = None
        self._begin_trial(0)

    def reset(self, env_mask: NDArray[np.bool_]) -> None:
        """Episodes begin."""
        mask = np.asarray(env_mask, dtype=bool)
        if self._policies is None:
            self._policies = self._start = self._best = jax.device_put(repeated(self._params, len(mask)))
            self._begin_trial(len(mask))
        if self._is_told:
            self._have_begun |= mask
            if self._have_begun.all():
                self._end_episode()
        self._time[mask] = 0.0

    def adapt_action(self, observations: NDArray[Any]) -> tuple[NDArray[np.float32], dict[str, NDArray[Any]]]:
        """Random actions (n, 4), to explore, or the most likely ones of a rehearsal.

        The log densities of random ones, and what was drawn before clipping, come back with the step.
        """
        if self._use != EXPLORES:
            return self.eval_action(observations), {}
        self._draws += 1
        obs, draw = np.asarray(observations, np.float32), np.array([self._seed, self._draws])
        action, log_prob, self._noise = self._explore(self._policies, self._noise, obs, None, draw)
        return np.clip(np.asarray(action), -1.0, 1.0), {"log_prob": np.asarray(log_prob), "action": np.asarray(action)}

    def eval_action(self, observations: NDArray[Any]) -> NDArray[np.float32]:
        """The most likely actions (n, 4) of the adapted policies."""
        return np.clip(np.asarray(self._likeliest(self._policies, np.asarray(observations, np.float32))), -1.0, 1.0)

    def step(self, timestep: Timestep) -> None:
        """Remember a step for an inner one, or what a rehearsal brings."""
        self._is_told = True
        if self._use != EXPLORES:
            self._return += np.asarray(timestep.reward)
            return
        aux, over = timestep.aux_policy_outputs, timestep.terminated | timestep.truncated
        obs, reward = (np.asarray(x, np.float32) for x in (timestep.observation, timestep.reward))
        self._steps.append((obs, aux["action"], aux["log_prob"], reward, over, self._time.copy()))
        self._time += 1.0

    def adapt(self) -> None:
        """One inner step on what came since `init` or the last `adapt`; where rehearsals came, the best policy that was found."""
        if self._is_told and self._explored_episodes:
            self._end_episode()
        if np.isfinite(self._best_return).any():
            self._policies = self._best
        elif self._steps:
            self._take_inner_step()
        self._explore_on()

    def _begin_trial(self, envs: int) -> None:
        self._time = np.zeros(envs, np.float32)
        self._best_return = np.full(envs, NOTHING_TOLD)
        self._has_rehearsed_start = False
        self._explore_on()

    def _end_episode(self) -> None:
        """Go on to what the next episode of adaptation is for, if it rehearses."""
        self._is_told, self._have_begun[:] = False, False
        if not self._explored_episodes:
            return
        if self._use == EXPLORES:
            self._explored += 1
            if self._explored == self._explored_episodes:
                self._take_inner_step()
                self._use = REHEARSES_STEP
            return
        is_better = self._return > self._best_return
        self._best = jax.tree.map(
            lambda new, old: jnp.where(is_better.reshape(-1, *(1,) * (new.ndim - 1)), new, old), self._policies, self._best
        )
        self._best_return = np.where(is_better, self._return, self._best_return)
        self._return[:] = 0.0
        if self._has_rehearsed_start:
            self._policies = self._best
            self._explore_on()
        else:
            self._has_rehearsed_start, self._policies, self._use = True, self._start, REHEARSES_START

    def _explore_on(self) -> None:
        """From the present policies."""
        self._use = EXPLORES
        self._explored = 0
        self._steps = []
        self._return = np.zeros(len(self._time))
        self._is_told = False
        self._have_begun = np.zeros(len(self._time), dtype=bool)

    def _take_inner_step(self) -> None:
        obs, action, log_prob, reward, over, at = (np.stack(column, axis=1) for column in zip(*self._steps, strict=True))
        self._steps = []
        nothing = np.zeros((*reward.shape, 0), np.float32)
        self._policies = self._adapt(self._policies, Rollout(obs, nothing, action, log_prob, reward, nothing, over, at))


def repeated(policy: Any, goals: int) -> Any:
    """The same parameters for each goal."""
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (goals, *x.shape)), policy)
