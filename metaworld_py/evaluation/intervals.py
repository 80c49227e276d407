"""Intervals of success rates."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_Z_95 = 1.959963984540054  # standard normal quantile of 97.5 %
_Z_99 = 2.5758293035489004  # of 99.5 %


def rate_interval(successes: float, episodes: float, z: float = _Z_95) -> tuple[float, float]:
    """Wilson interval of a success rate, as (low, high) in [0, 1]; 95 % by default.

    Exact enough for 0 or all successes, where the normal interval collapses (Wilson 1927). Numbers need not be whole: see
    `independent_episodes`.

    Raises:
      ValueError: episodes < 1, or successes not in 0…episodes.
    """
    if episodes < 1 or not 0 <= successes <= episodes:
        raise ValueError(f"need 0 ≤ successes ≤ episodes and episodes ≥ 1, got {successes} of {episodes}")
    rate = successes / episodes
    shrink = 1.0 + z * z / episodes
    centre = (rate + z * z / (2 * episodes)) / shrink
    half = z * math.sqrt(rate * (1.0 - rate) / episodes + z * z / (4 * episodes**2)) / shrink
    # At 0 and all successes one limit is the rate itself, which rounding would miss by 1e-17.
    return 0.0 if successes == 0 else max(centre - half, 0.0), 1.0 if successes == episodes else min(centre + half, 1.0)


def independent_episodes(successes: Sequence[bool], per_instance: int) -> float:
    """How many independent episodes tell as much about a success rate as these, of which several each play the same instance.

    N / (1 + (m − 1) ρ) with ρ, the intraclass correlation, from a one-way analysis of variance (Donner & Klar 2000): episodes of an agent
    that always does the same on an instance count once per instance, and where instances make no difference all count.

    Args:
      successes: all instances in order, and again in that order.
      per_instance: m, how often.
    """
    table = np.reshape(np.asarray(successes, float), (per_instance, -1))
    instances = table.shape[1]
    if per_instance == 1 or instances == 1:
        return float(instances)
    rates = table.mean(axis=0)
    between = per_instance * float(((rates - rates.mean()) ** 2).sum()) / (instances - 1)
    within = per_instance * float((rates * (1.0 - rates)).sum()) / (instances * (per_instance - 1))
    total = between + (per_instance - 1) * within
    correlation = min(max((between - within) / total, 0.0), 1.0) if total > 0.0 else 1.0  # nothing varies: nothing says they differ
    return table.size / (1.0 + (per_instance - 1) * correlation)


def mean_rate_interval(counts: Sequence[tuple[float, float]]) -> tuple[float, float]:
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


def repeat_interval(rates: Sequence[npt.ArrayLike], z: float = _Z_99) -> tuple[float, float]:
    """Where as many draws of adaptation by other generators have their mean success rate, on the same goals; 99 % by default.

    Goals adapt independently of each other, so the spread comes from goals that succeed in some draws only. A half success and a half
    failure are added to each goal (Jeffreys): goals that were always alike in few draws need not be so in the next ones.

    Args:
      rates: of each task, success rates (draw, goal).
      z: quantile of the standard normal.
    """
    means, variances = [], []
    for table in rates:
        found = np.atleast_2d(np.asarray(table, float))
        draws, goals = found.shape
        likely = (found.sum(axis=0) + 0.5) / (draws + 1.0)
        means.append(found.mean())
        variances.append((likely * (1.0 - likely)).sum() / goals**2 / draws)
    half = z * math.sqrt(2.0 * sum(variances)) / len(means)  # both means have this noise
    return max(float(np.mean(means)) - half, 0.0), min(float(np.mean(means)) + half, 1.0)


def rate(share: float, digits: int = 1) -> str:
    """A rate in per cent; only a true 100 reads as 100, only a true 0 as 0."""
    text = f"{100 * share:.{digits}f}"
    if share < 1.0 and float(text) == 100.0:
        text = f"{100 - 10**-digits:.{digits}f}"
    elif share > 0.0 and float(text) == 0.0:
        text = f"{10**-digits:.{digits}f}"
    return f"{text} %"
