"""Signed distance fields, blended, and their surfaces: what castings look like. Lengths in metres."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from surfaces import Array, Surface, frames, grid_faces

Field = Callable[[Array], Array]  # signed distance (n,) of points (n, 3): negative inside


def bar(start: Sequence[float], end: Sequence[float], radius: float, end_radius: float | None = None) -> Field:
    """A round bar with domed ends, tapering to `end_radius`."""
    a, b = np.array(start, dtype=float), np.array(end, dtype=float)

    def distance(points: Array) -> Array:
        along = np.clip((points - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
        thick = radius + along * ((radius if end_radius is None else end_radius) - radius)
        return np.linalg.norm(points - (a + along[:, None] * (b - a)), axis=1) - thick

    return distance


def drum(start: Sequence[float], end: Sequence[float], radius: float, fillet: float) -> Field:
    """A cylinder between two points with rounded rims."""
    a, b = np.array(start, dtype=float), np.array(end, dtype=float)
    axis, half = (b - a) / np.linalg.norm(b - a), np.linalg.norm(b - a) / 2

    def distance(points: Array) -> Array:
        offset = points - (a + b) / 2
        along = np.abs(offset @ axis)
        across = np.linalg.norm(offset - (offset @ axis)[:, None] * axis, axis=1)
        outside = np.stack([across - radius + fillet, along - half + fillet], axis=1)
        return np.linalg.norm(np.maximum(outside, 0), axis=1) + np.minimum(outside.max(axis=1), 0) - fillet

    return distance


def block(centre: Sequence[float], half: Sequence[float], fillet: float) -> Field:
    """A box with rounded edges."""

    def distance(points: Array) -> Array:
        outside = np.abs(points - np.array(centre)) - np.array(half) + fillet
        return np.linalg.norm(np.maximum(outside, 0), axis=1) + np.minimum(outside.max(axis=1), 0) - fillet

    return distance


def blended(*fields: Field, width: float) -> Field:
    """The union of fields with fillets about `width` wide where they meet."""

    def distance(points: Array) -> Array:
        result = fields[0](points)
        for field in fields[1:]:
            other = field(points)
            overlap = np.maximum(width - np.abs(result - other), 0) / width
            result = np.minimum(result, other) - overlap**2 * width / 4
        return result

    return distance


def _gradient(field: Field, points: Array) -> Array:
    step = 2e-4
    differences = [field(points + step * axis) - field(points - step * axis) for axis in np.eye(3)]
    gradient = np.stack(differences, axis=1)
    return gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-12)


def wrapped(field: Field, path: Sequence[Sequence[float]] | Array, rings: int, sides: int = 24, reach: float = 0.3) -> Surface:
    """The surface of a field, seen from a path inside it: rays in planes across the path, fans at its ends. Normals are the field's own."""
    corners = np.asarray(path, dtype=float)
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    places = np.linspace(0, lengths[-1], rings)
    points = np.stack([np.interp(places, lengths, corners[:, k]) for k in range(3)], axis=1)
    tangents, u, v = frames(points)
    angles = 2 * np.pi * np.arange(sides) / sides
    circle = np.cos(angles)[None, :, None] * u[:, None] + np.sin(angles)[None, :, None] * v[:, None]
    fan = np.deg2rad([90, 68, 50, 38, 20])
    starts = [(points[0], np.cos(t) * circle[0] - np.sin(t) * tangents[0]) for t in fan]
    ends = [(points[-1], np.cos(t) * circle[-1] + np.sin(t) * tangents[-1]) for t in fan[::-1]]
    layers = [*starts, *zip(points, circle, strict=True), *ends]
    origins = np.concatenate([np.tile(origin, (sides, 1)) for origin, _ in layers])
    rays = np.concatenate([directions for _, directions in layers])
    # The outermost crossing of each ray, then bisection.
    steps = np.linspace(0, reach, 151)
    inside = np.stack([field(origins + t * rays) <= 0 for t in steps])
    last = len(steps) - 1 - np.argmax(inside[::-1], axis=0)
    low, high = steps[last], steps[np.minimum(last + 1, len(steps) - 1)]
    for _ in range(30):
        middle = (low + high) / 2
        is_in = field(origins + middle[:, None] * rays) <= 0
        low, high = np.where(is_in, middle, low), np.where(is_in, high, middle)
    vertices = origins + low[:, None] * rays
    faces = grid_faces(len(layers), sides)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    area = np.cross(b - a, c - a)
    normals = _gradient(field, vertices)
    if (a * area).sum() < 0:
        faces = faces[:, ::-1]
    return Surface(vertices, normals, faces[np.linalg.norm(area, axis=1) > 1e-11])
