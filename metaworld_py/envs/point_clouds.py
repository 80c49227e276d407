"""Point clouds as learners take them: cut to a box, of a fixed number of points, with colours, and a mask of those that are real."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bounds = tuple[tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True, kw_only=True)
class PointOptions:
    """How a picture's points become a cloud of a fixed size.

    Attributes:
      num: points.
      bounds: lowest and highest corner (m, world) of the box that points must lie in; None takes all.
      with_colors: whether each point has red, green and blue, in [0, 1], after its position.

    Raises:
      ValueError: bounds that are none.
    """

    num: int
    bounds: Bounds | None = None
    with_colors: bool = False

    def __post_init__(self) -> None:
        if self.bounds is not None:
            object.__setattr__(self, "bounds", checked_bounds(self.bounds))

    @property
    def size(self) -> int:
        """Numbers of a point."""
        return 6 if self.with_colors else 3


def checked_bounds(bounds: Any) -> Bounds:
    """Two corners as tuples of floats.

    Raises:
      ValueError: anything else, or a low corner that is not below the high one.
    """
    wanted = "obs_point_bounds must be two corners ((x, y, z), (x, y, z)) in metres, the lower first"
    try:
        low, high = (tuple(float(number) for number in corner) for corner in bounds)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{wanted}, got {bounds!r}") from error
    pairs: Sequence[tuple[float, float]] = list(zip(low, high, strict=False))
    if len(low) != 3 or len(high) != 3 or not all(least < most and math.isfinite(most - least) for least, most in pairs):
        raise ValueError(f"{wanted}, got {bounds!r}")
    return low, high


def sampled(
    points: NDArray[np.float32], rgb: NDArray[np.uint8] | None, options: PointOptions
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A cloud (num, 3 or 6) of the points within the bounds, and which of its rows are real; the others are zeros.

    Of more points than are wanted every so-many-th is taken, in the picture's order: the same picture gives the same cloud.

    Args:
      points: (height, width, 3), m, world.
      rgb: (height, width, 3), where colours are wanted.
      options: see `PointOptions`.
    """
    flat = points.reshape(-1, 3)
    inside = np.isfinite(flat).all(axis=1)
    if options.bounds is not None:
        low, high = np.array(options.bounds, dtype=np.float32)
        inside &= ((flat >= low) & (flat <= high)).all(axis=1)
    found = np.flatnonzero(inside)
    if len(found) > options.num:
        found = found[np.arange(options.num) * len(found) // options.num]
    cloud = np.zeros((options.num, options.size), dtype=np.float32)
    cloud[: len(found), :3] = flat[found]
    if rgb is not None and options.with_colors:
        cloud[: len(found), 3:] = rgb.reshape(-1, 3)[found] / np.float32(255.0)
    return cloud, np.arange(options.num) < len(found)
