"""Convex polytopes as vertex lists, for the programs that write parts of `assets/`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def prism_along_x(outline_yz: Iterable[tuple[float, float]], low: float, high: float) -> np.ndarray:
    """Vertices (2n, 3) of an outline in the yz plane, drawn out from x = low to x = high."""
    return np.array([(x, y, z) for x in (low, high) for y, z in outline_yz])


def revolved(profile_zr: Iterable[tuple[float, float]], sides: int) -> np.ndarray:
    """Vertices (sides · n, 3) of a solid of revolution about z, given by heights and radii."""
    angles = 2.0 * np.pi * np.arange(sides) / sides
    return np.array([(r * np.cos(angle), r * np.sin(angle), z) for z, r in profile_zr for angle in angles])


def vertex_attribute(vertices: np.ndarray) -> str:
    """The numbers of a mesh's `vertex` attribute."""
    return " ".join(f"{x:.9g}" for x in (np.round(vertices, 9) + 0.0).ravel())
