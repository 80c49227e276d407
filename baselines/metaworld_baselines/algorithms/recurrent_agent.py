"""Recurrent policies as agents: they adapt by remembering."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from metaworld_baselines.algorithms.rehearsal import Rehearsals
from metaworld_baselines.arrays import Array
from metaworld_py import ACTION_SIZE, OBSERVATION_SIZE
from metaworld_py.evaluation import Timestep

PREVIOUS_SIZE = ACTION_SIZE + 2  # action, reward / 10, end of an episode
RECURRENT_SIZE = OBSERVATION_SIZE + PREVIOUS_SIZE


class Memory(NamedTuple):
    """What a policy that explores carries from step to step."""

    state: Float[Array, "env memory"]  # of the recurrent network
    noise: Float[Array, "env action"] | None  # of the last actions, see `next_noise`; None before the first

    @classmethod
    def empty(cls, envs: int, size: int) -> Memory:
        """At the start of trials."""
        return cls(np.zeros((envs, size), np.float32), None)


class RecurrentAgent:
    """A trained policy for `evaluate_adaptation` and `metalearning_evaluation`: adapts by remembering.

    Evaluation episodes go on from the memory at the end of adaptation, or of the best rehearsal. They give no rewards, so
    observations must carry the recurrent inputs (`recurrent_info_in_obs=True`).

    Args:
      explore: random actions, see `OnPolicyCollector`.
      likeliest: from parameters, memory, observations and previous steps to most likely actions and the memory after them.
      params: weights.
      memory_size: of an environment.
      seed: of the random actions.
      trial_episodes: of a training trial: adaptation plays trials as long, and rehearses, see `Rehearsals`. 0: it does not.
    """

    reads_recurrent_info = True

    def __init__(
        self,
        explore: Any,
        likeliest: Any,
        params: Any,
        memory_size: int,
        seed: int = 0,
        *,
        trial_episodes: int = 0,
    ) -> None:
        self._random, self._likeliest, self._memory_size = explore, likeliest, memory_size
        self._trial_episodes = trial_episodes
        self.reseed(seed)
        self._params = jax.device_put(jax.tree.map(np.asarray, params), jax.devices("cpu")[0])
        self.init()

    def reseed(self, seed: int) -> None:
        """Draw random actions from another generator from now on."""
        self._seed, self._step = seed, 0

    def init(self) -> None:
        """A new trial: nothing is remembered."""
        self._memory: Any = None
        self._noise: Any = None
        self._has_ended = np.zeros(0, dtype=bool)  # an episode, just before this one
        self._is_adapted = False

    def reset(self, env_mask: NDArray[np.bool_]) -> None:
        """Episodes begin; what is remembered of the trial stays."""
        mask = np.asarray(env_mask, dtype=bool)
        if self._memory is None:
            self._memory, self._noise = Memory.empty(len(mask), self._memory_size)
            self._has_ended = np.zeros(len(mask), dtype=bool)
            self._rehearsals = Rehearsals.at_start(self._memory, self._trial_episodes)
            return
        self._has_ended = mask
        if self._trial_episodes:
            self._memory = self._rehearsals.begin(mask, np.asarray(self._memory), is_adapted=self._is_adapted)
            self._has_ended = mask & (self._rehearsals.age > 0)

    def adapt_action(self, observations: NDArray[Any]) -> tuple[NDArray[np.float32], dict[str, NDArray[Any]]]:
        """Random actions (n, 4), to explore, and the most likely ones where an episode is a rehearsal."""
        obs, previous = self._inputs(observations)
        self._step += 1
        before = self._memory
        now = Memory(before, self._noise)
        action, _, (self._memory, self._noise) = self._random(self._params, now, obs, previous, np.array([self._seed, self._step]))
        if self._trial_episodes and not self._is_adapted and (rehearses := self._rehearsals.is_rehearsal).any():
            likeliest, _ = self._likeliest(self._params, before, obs, previous)  # what is remembered after either is the same
            action = np.where(rehearses[:, None], likeliest, action)
        return np.clip(np.asarray(action), -1.0, 1.0), {}

    def eval_action(self, observations: NDArray[Any]) -> NDArray[np.float32]:
        """The most likely actions (n, 4)."""
        action, self._memory = self._likeliest(self._params, self._memory, *self._inputs(observations))
        return np.clip(np.asarray(action), -1.0, 1.0)

    def step(self, timestep: Timestep) -> None:
        """Count what an episode of adaptation brings; all else that a step brings stands in the next observation."""
        self._rehearsals.add_reward(timestep.reward)

    def adapt(self) -> None:
        """Episodes of adaptation are over. It adapts through its memory; whether that served is known now."""
        self._is_adapted = True

    def _inputs(self, observations: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Observation and previous step as in training.

        Raises:
          ValueError: observations without the previous step.
        """
        if observations.shape[1] != RECURRENT_SIZE:
            raise ValueError(
                f"a recurrent policy reads {RECURRENT_SIZE} numbers, got {observations.shape[1]}: make the environments "
                "with recurrent_info_in_obs=True"
            )
        obs, previous = np.split(np.asarray(observations, np.float32), [OBSERVATION_SIZE], axis=1)
        previous[:, -1] = self._has_ended
        self._has_ended = np.zeros(len(previous), dtype=bool)
        return obs, previous
