"""Intervals of success rates."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

_Z_95 = 1.959963984540054  # standard normal quantile of 97.5 %


def rate_interval(successes: int, episodes: int, z: float = _Z_95) -> tuple[float, float]:
    """Wilson interval of a success rate, as (low, high) in [0, 1]; 95 % by default.

    Exact enough for 0 or all successes, where the normal interval collapses (Wilson 1927).

    Raises:
      ValueError: episodes < 1, or successes not in 0…episodes.
    """
    if episodes < 1 or not 0 <= successes <= episodes:
        raise ValueError(f"need 0 ≤ successes ≤ episodes and episodes ≥ 1, got {successes} of {episodes}")
    rate = successes / episodes
    shrink = 1.0 + z * z / episodes
    centre = (rate + z * z / (2 * episodes)) / shrink
    half = z * math.sqrt(rate * (1.0 - rate) / episodes + z * z / (4 * episodes**2)) / shrink
    return max(centre - half, 0.0), min(centre + half, 1.0)


def mean_rate_interval(counts: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """95 % interval of the mean of independent success rates, from their (successes, episodes).

    Recovers each rate's variance from its Wilson limits and adds them (the MOVER method, Zou & Donner 2008): the tasks are a fixed set, the
    episodes in each a sample.
    """
    rates = np.array([successes / episodes for successes, episodes in counts])
    limits = np.array([rate_interval(successes, episodes) for successes, episodes in counts])
    mean = float(rates.mean())
    low = mean - float(np.sqrt(((rates - limits[:, 0]) ** 2).sum())) / len(counts)
    high = mean + float(np.sqrt(((limits[:, 1] - rates) ** 2).sum())) / len(counts)
    return max(low, 0.0), min(high, 1.0)


def rate(share: float, digits: int = 1) -> str:
    """A rate in per cent; only a true 100 reads as 100, only a true 0 as 0."""
    text = f"{100 * share:.{digits}f}"
    if share < 1.0 and float(text) == 100.0:
        text = f"{100 - 10**-digits:.{digits}f}"
    elif share > 0.0 and float(text) == 0.0:
        text = f"{10**-digits:.{digits}f}"
    return f"{text} %"
