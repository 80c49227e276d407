"""Aggregates over seeds and tasks with rliable (Agarwal et al. 2021), with a fixed generator: the same scores give the same interval."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from rliable import library, metrics

RESAMPLES = 2000
iqm, mean = metrics.aggregate_iqm, metrics.aggregate_mean


def interval(scores: Float[NDArray[Any], "seed task"], of: Callable[[Any], float], resamples: int = RESAMPLES) -> tuple[float, float]:
    """95 % interval of an aggregate by stratified bootstrap over seeds."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "random_state is deprecated", FutureWarning)  # of arch, for what rliable 1.2 does
        _, found = library.get_interval_estimates(
            {"": scores}, lambda x: np.array([of(x)]), reps=resamples, random_state=np.random.RandomState(0)
        )
    return float(found[""][0, 0]), float(found[""][1, 0])


def profiles(scores: dict[str, NDArray[Any]], rates: NDArray[Any], resamples: int = RESAMPLES) -> tuple[dict[str, Any], dict[str, Any]]:
    """Shares of seeds and tasks above each success rate, and their 95 % bands, of each algorithm."""
    several = any(len(matrix) > 1 for matrix in scores.values())
    np.random.seed(0)  # rliable takes no generator here
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "random_state is deprecated", FutureWarning)
        shares, bands = library.create_performance_profile(scores, rates, reps=resamples if several else 2)
    return shares, bands
