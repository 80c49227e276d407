"""Aggregates over seeds and tasks: interquartile means and performance profiles (Agarwal et al. 2021), with intervals over runs.

One network learns all tasks, so the tasks of a run share its luck, and runs are what is independent. A bootstrap that draws each task's
seeds by themselves, which suits one run for each task, makes intervals too narrow here; and of three seeds no bootstrap of runs can make a
wide enough one, since it never leaves what it saw. So runs are left out one at a time (jackknife), and Student's t does the rest: of means
the classical interval.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy import stats

SEEDS = 3  # of fewer, an interquartile mean is one of tasks alone, without the best and the worst, and their spread says nothing


def mean(scores: Float[NDArray[Any], "seed task"]) -> float:
    """Over seeds and tasks."""
    return float(np.mean(scores))


def iqm(scores: Float[NDArray[Any], "seed task"]) -> float:
    """Mean of the middle half of all scores."""
    return float(stats.trim_mean(scores, 0.25, axis=None))


def interval(scores: Float[NDArray[Any], "seed task"], of: Callable[[Any], float]) -> tuple[float, float]:
    """95 % interval of an aggregate of rates over runs."""
    low, high = _intervals(scores, lambda some: np.array([of(some)]))
    return float(low[0]), float(high[0])


def interval_over_runs_or_goals(scores: Float[NDArray[Any], "seed task"], over_goals: tuple[float, float]) -> tuple[float, float]:
    """95 % interval of the mean: over runs from three on, but no narrower than over goals: runs that agree by chance prove nothing."""
    if len(scores) < SEEDS:
        return over_goals
    low, high = interval(scores, mean)
    return min(low, over_goals[0]), max(high, over_goals[1])


def profile(
    scores: Float[NDArray[Any], "seed task"], rates: Float[NDArray[Any], " rate"]
) -> tuple[Float[NDArray[Any], " rate"], tuple[NDArray[Any], NDArray[Any]] | None]:
    """Share of seeds and tasks above each success rate, and its 95 % band over runs; None for fewer than three."""

    def shares(some: NDArray[Any]) -> NDArray[Any]:
        return np.asarray((some[..., None] > rates).mean(axis=(0, 1)))

    return shares(scores), _intervals(scores, shares) if len(scores) >= SEEDS else None


def _intervals(scores: NDArray[Any], of: Callable[[NDArray[Any]], NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Of several aggregates at once: those of all runs, and how they change where one is left out."""
    runs, whole = len(scores), of(scores)
    without = np.array([of(np.delete(scores, run, axis=0)) for run in range(runs)])
    error = np.sqrt((runs - 1) / runs * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    half = stats.t.ppf(0.975, runs - 1) * error
    return np.clip(whole - half, 0.0, 1.0), np.clip(whole + half, 0.0, 1.0)
