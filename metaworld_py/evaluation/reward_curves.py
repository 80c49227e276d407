"""Rewards over the course of an episode, summed up over many episodes in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_POINTS = 50  # of a curve: one for 10 control steps of a full episode
SPREAD = (10.0, 90.0)  # percentiles of episodes
_DIGITS = 5  # significant ones, as much as a picture can show


@dataclass(frozen=True)
class Curve:
    """Mean over episodes, and the percentiles between which the middle 80 % of them lie."""

    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class RewardCurves:
    """How rewards come in during an episode; each point stands for the stretch of control steps since the point before.

    An episode that was cut short counts in `reward` while it runs; in `return_so_far` it keeps what it had.
    """

    steps: tuple[int, ...]  # control steps at the end of each stretch
    reward: Curve  # mean reward per step of the stretch
    return_so_far: Curve


class RewardMeter:
    """Collects the rewards of episodes that run side by side: `MAX_POINTS` numbers an episode, however long.

    Attributes:
      returns: undiscounted return of each episode so far (n_episodes,).
    """

    def __init__(self, n_episodes: int, max_steps: int) -> None:
        self._stretch = -(-max_steps // MAX_POINTS)
        self._max_steps = max_steps
        n_points = -(-max_steps // self._stretch)
        self._sums = np.zeros((n_episodes, n_points))
        self._counts = np.zeros((n_episodes, n_points), dtype=np.int64)
        self.returns = np.zeros(n_episodes)

    def add(self, step: int, rewards: NDArray[np.float64], is_running: NDArray[np.bool_]) -> None:
        """Add the rewards (n_episodes,) of control step number `step`, counted from 0; only those of running episodes count."""
        point = step // self._stretch
        self.returns[is_running] += rewards[is_running]
        self._sums[is_running, point] += rewards[is_running]
        self._counts[is_running, point] += 1

    def curves(self) -> RewardCurves | None:
        """The curves up to the last step that any episode reached; None before the first."""
        n_points = int(self._counts.any(axis=0).sum())
        if not n_points:
            return None
        sums, counts = self._sums[:, :n_points], self._counts[:, :n_points]
        reward = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
        ends = np.minimum((np.arange(n_points) + 1) * self._stretch, self._max_steps)
        return RewardCurves(steps=tuple(ends.tolist()), reward=_curve(reward), return_so_far=_curve(np.cumsum(sums, axis=1)))


def _curve(values: NDArray[np.float64]) -> Curve:
    low, high = np.nanpercentile(values, SPREAD, axis=0)
    return Curve(mean=_rounded(np.nanmean(values, axis=0)), low=_rounded(low), high=_rounded(high))


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(f"{value:.{_DIGITS}g}") for value in values)
