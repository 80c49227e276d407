"""Adaptation that rehearses: of what a trial remembers, keep what the most likely actions do best with.

A memory is good for as many episodes as it was trained over, and what it says of a goal may be wrong. So adaptation plays trials as long as
training's. Their first episodes explore. Their last ones are rehearsals, played with the most likely actions as the episodes that count; so
is the first episode of the second trial, in which nothing is remembered. What counts begins with the memory of the best rehearsal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

NOTHING_TOLD = -np.inf  # return of an episode whose rewards nobody told


def without_forgetting(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of an older file, which may name what rehearsals took the place of: to try an empty memory in turn."""
    return {name: value for name, value in settings.items() if name != "tries_forgetting"}


@dataclass
class Rehearsals:
    """What trials of adaptation brought, environment by environment, and the memory that was worth most."""

    length: int  # of a trial, in episodes
    trial: Int[np.ndarray, " env"]  # number of the present one, from 0 on
    age: Int[np.ndarray, " env"]  # episodes that are remembered at the start of the present one
    began: Float[np.ndarray, "env memory"]  # the memory there
    returned: Float[np.ndarray, " env"]  # by the present episode so far
    best: Float[np.ndarray, "env memory"]  # to begin with what counts, once there is one
    best_age: Int[np.ndarray, " env"]
    best_return: Float[np.ndarray, " env"]  # of its rehearsal
    has_best: Bool[np.ndarray, " env"]

    @classmethod
    def at_start(cls, memory: NDArray[Any], length: int) -> Rehearsals:
        """Before the first episode, which begins with this memory."""
        envs = len(memory)
        first, nothing = np.zeros(envs, int), np.full(envs, NOTHING_TOLD)
        return cls(length, first, first, memory, nothing, memory, first, nothing, np.zeros(envs, bool))

    @property
    def is_rehearsal(self) -> Bool[np.ndarray, " env"]:
        """Whether the present episode of adaptation is one."""
        return ((self.age == self.length - 1) & (self.length > 1)) | ((self.trial == 1) & (self.age == 0))

    def add_reward(self, reward: NDArray[Any]) -> None:
        """Rewards (env,) of a step."""
        self.returned = np.where(self.returned == NOTHING_TOLD, 0.0, self.returned) + reward

    def begin(self, mask: Bool[np.ndarray, " env"], memory: NDArray[Any], *, is_adapted: bool) -> NDArray[Any]:
        """The memories with which the next episodes begin where the mask is set; elsewhere they stay.

        Args:
          mask: where an episode ended.
          memory: at their ends.
          is_adapted: what begins counts.
        """
        told = mask & (self.returned != NOTHING_TOLD)
        self._keep(told & self.is_rehearsal & (self.returned > self.best_return), self.began, self.age, self.returned)
        if is_adapted:
            self._keep(told & ~self.has_best, memory, self.age + 1, self.best_return)  # too few episodes for a rehearsal
            start, age = np.where(self.has_best[:, None], self.best, memory), np.where(self.has_best, self.best_age, self.age + 1)
        else:
            is_over = told & (self.age == self.length - 1)
            self.trial = self.trial + is_over
            age = np.where(is_over, 0, self.age + 1)
            start = np.where(is_over[:, None], np.float32(0.0), memory)
        self.returned = np.where(mask, NOTHING_TOLD, self.returned)
        self.age = np.where(mask, age, self.age)
        self.began = np.where(mask[:, None], start, self.began)
        return np.where(mask[:, None], start, memory)

    def _keep(self, where: Bool[np.ndarray, " env"], memory: NDArray[Any], age: NDArray[Any], returned: NDArray[Any]) -> None:
        self.best = np.where(where[:, None], memory, self.best)
        self.best_age = np.where(where, age, self.best_age)
        self.best_return = np.where(where, returned, self.best_return)
        self.has_best = self.has_best | where
