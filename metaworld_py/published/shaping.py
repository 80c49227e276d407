"""Shaping functions under their published names, for rewards of one's own. Ours are in `metaworld_py.tasks.common.shaping`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from metaworld_py.tasks.common.shaping import hamacher, prism

Array = np.ndarray[Any, Any]

# By name: what falls from 1 at 0, and where it has a given value.
SIGMOIDS: dict[str, tuple[Callable[[Array], Array], Callable[[float], float]]] = {
    "gaussian": (lambda x: np.exp(-0.5 * x**2), lambda value: math.sqrt(-2.0 * math.log(value))),
    "hyperbolic": (lambda x: 1.0 / np.cosh(x), lambda value: math.acosh(1.0 / value)),
    "long_tail": (lambda x: 1.0 / (x**2 + 1.0), lambda value: math.sqrt(1.0 / value - 1.0)),
    "reciprocal": (lambda x: 1.0 / (np.abs(x) + 1.0), lambda value: 1.0 / value - 1.0),
    "cosine": (
        lambda x: np.where(np.abs(x) < 1.0, (1.0 + np.cos(np.pi * x)) / 2.0, 0.0),
        lambda value: math.acos(2.0 * value - 1.0) / math.pi,
    ),
    "linear": (lambda x: np.where(np.abs(x) < 1.0, 1.0 - x, 0.0), lambda value: 1.0 - value),
    "quadratic": (lambda x: np.where(np.abs(x) < 1.0, 1.0 - x**2, 0.0), lambda value: math.sqrt(1.0 - value)),
    "tanh_squared": (lambda x: 1.0 - np.tanh(x) ** 2, lambda value: math.atanh(math.sqrt(1.0 - value))),
}
_REACHES_ZERO = ("cosine", "linear", "quadratic")


def tolerance(
    x: ArrayLike, bounds: tuple[float, float] = (0.0, 0.0), margin: float = 0.0, sigmoid: str = "gaussian", value_at_margin: float = 0.1
) -> Any:
    """1 within the bounds, falling outside by a sigmoid.

    Args:
      x: numbers.
      bounds: lowest and highest x that give 1.
      margin: distance from the bounds at which the value is `value_at_margin`; 0 falls to 0 at once.
      sigmoid: one of `SIGMOIDS`.
      value_at_margin: in (0, 1); may be 0 where the sigmoid reaches 0.

    Raises:
      ValueError: bounds out of order, a negative margin, an unknown sigmoid, a value out of range.
    """
    low, high = bounds
    if low > high or margin < 0.0:
        raise ValueError(f"bounds must be in order and the margin not negative, got {bounds} and {margin}")
    if sigmoid not in SIGMOIDS:
        raise ValueError(f"sigmoid must be one of {tuple(SIGMOIDS)}, got {sigmoid!r}")
    if not (0.0 < value_at_margin < 1.0 or (value_at_margin == 0.0 and sigmoid in _REACHES_ZERO)):
        raise ValueError(f"value_at_margin of {sigmoid} must lie between 0 and 1, got {value_at_margin}")
    numbers = np.asarray(x, dtype=float)
    outside = np.maximum(np.maximum(low - numbers, numbers - high), 0.0)
    if margin == 0.0:
        value = np.where(outside == 0.0, 1.0, 0.0)
    else:
        falls, where = SIGMOIDS[sigmoid]
        value = falls(outside / margin * where(value_at_margin))  # 1 where nothing is outside
    return float(value) if np.ndim(x) == 0 else value


def hamacher_product(a: float, b: float) -> float:
    """Hamacher product of two values in [0, 1]: high only if both are.

    Raises:
      ValueError: a value outside [0, 1].
    """
    if not (0.0 <= a <= 1.0 and 0.0 <= b <= 1.0):
        raise ValueError(f"a and b must lie in [0, 1], got {a} and {b}")
    return hamacher(a, b)


def rect_prism_tolerance(curr: ArrayLike, zero: ArrayLike, one: ArrayLike) -> float:
    """Inside the box spanned by two corners: product over axes of the way from `zero` to `one`; 1 outside."""
    here, from_corner, to_corner = (tuple(np.asarray(point, dtype=float).tolist()) for point in (curr, zero, one))
    return prism(here, from_corner, to_corner)
