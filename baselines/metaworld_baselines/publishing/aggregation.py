"""Aggregates over seeds and tasks with rliable (Agarwal et al. 2021), with a fixed generator: the same scores give the same interval."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from rliable import library, metrics

RESAMPLES = 2000
SEEDS = 3  # of fewer, an interquartile mean is one of tasks alone, without the best and the worst, and a bootstrap has nothing to draw from
iqm, mean = metrics.aggregate_iqm, metrics.aggregate_mean


@contextmanager
def fixed_generator() -> Iterator[None]:
    """NumPy's global generator from the same point, for as long as this lasts: rliable draws from it, whatever generator it is given."""
    before = np.random.get_state()
    np.random.seed(0)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "random_state is deprecated", FutureWarning)  # of arch, for what rliable 1.2 does
            yield
    finally:
        np.random.set_state(before)


def interval(scores: Float[NDArray[Any], "seed task"], of: Callable[[Any], float], resamples: int = RESAMPLES) -> tuple[float, float]:
    """95 % interval of an aggregate by stratified bootstrap over seeds."""
    with fixed_generator():
        _, found = library.get_interval_estimates({"": scores}, lambda x: np.array([of(x)]), reps=resamples)
    return float(found[""][0, 0]), float(found[""][1, 0])


def profiles(scores: dict[str, NDArray[Any]], rates: NDArray[Any], resamples: int = RESAMPLES) -> tuple[dict[str, Any], dict[str, Any]]:
    """Shares of seeds and tasks above each success rate, and their 95 % bands, of each algorithm."""
    several = any(len(matrix) > 1 for matrix in scores.values())
    with fixed_generator():
        shares, bands = library.create_performance_profile(scores, rates, reps=resamples if several else 2)
    return shares, bands
