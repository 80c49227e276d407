"""A control step's arithmetic: written once, run as plain Python by one episode and compiled for many.

All in plain floats and comparisons, which is what a compiler takes and what is fastest without one.
"""

from __future__ import annotations

from typing import Any

from metaworld_py.engine.layout import OBJECT_BOUND

Point = Any  # three floats: a tuple, a list, a view of the engine's memory

SIGNAL_SUM_BOUND = 1e5  # of all signals together, contact forces (N) included


def moved_target(at: Point, displacement: Point, low: Point, high: Point) -> tuple[float, float, float]:
    """Position (m) of the hand's target after a displacement, within the target's box."""
    return (
        min(max(at[0] + displacement[0], low[0]), high[0]),
        min(max(at[1] + displacement[1], low[1]), high[1]),
        min(max(at[2] + displacement[2], low[2]), high[2]),
    )


def is_sound(signal_sum: float) -> bool:
    """Whether the sum of a simulation's signals is one that a healthy simulation has; false for NaN, too."""
    return -SIGNAL_SUM_BOUND < signal_sum < SIGNAL_SUM_BOUND


def is_observable(least: float, most: float) -> bool:
    """Whether a frame with these extreme numbers fits the observation space; if not, the simulation blew up."""
    return least >= -OBJECT_BOUND and most <= OBJECT_BOUND
