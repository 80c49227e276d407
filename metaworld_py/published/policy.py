"""Building blocks of scripted experts under their published names."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaworld_py.engine.layout import OBSERVATION_SIZE
from metaworld_py.policies import Policy


def move(from_xyz: ArrayLike, to_xyz: ArrayLike, p: float) -> NDArray[np.float64]:
    """Displacement (3,) towards a point, proportional to the way left; warns beyond what an action can say."""
    response: NDArray[np.float64] = p * (np.asarray(to_xyz, dtype=float) - np.asarray(from_xyz, dtype=float))
    if np.any(np.abs(response) > 1.0):
        warnings.warn("the displacement is larger than an action of 1: environments clip it", UserWarning, stacklevel=2)
    return response


def assert_fully_parsed(func: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Check that a function which names the parts of an observation names all its numbers."""

    @functools.wraps(func)
    def checked(*arguments: Any) -> dict[str, Any]:
        parts = func(*arguments)
        size, named = len(arguments[-1]), sum(np.size(part) for part in parts.values())
        if size != named:
            raise ValueError(f"{func.__name__} names {named} of {size} numbers")
        return parts

    return checked


__all__ = ["OBSERVATION_SIZE", "Policy", "assert_fully_parsed", "move"]
