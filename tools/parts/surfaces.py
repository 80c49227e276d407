"""Smooth surfaces as triangles with normals, for the programs that write the looks of `assets/`: revolved, swept, rounded, extruded.

Lengths in metres. Shapes are unions of overlapping closed surfaces: nothing is cut, since nobody looks inside.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
CREASE = np.cos(np.deg2rad(40))  # faces that meet at a sharper angle get normals of their own


@dataclass(frozen=True)
class Surface:
    """Triangles: vertices (n, 3), their unit normals (n, 3), faces (m, 3) counter-clockwise from outside, and where a picture lies."""

    vertices: Array
    normals: Array
    faces: NDArray[np.int32]
    texture: Array | None = None  # (n, 2), in repeats of the picture

    def __add__(self, other: Surface) -> Surface:
        return Surface(
            np.vstack([self.vertices, other.vertices]),
            np.vstack([self.normals, other.normals]),
            np.vstack([self.faces, other.faces + len(self.vertices)]),
            None if self.texture is None or other.texture is None else np.vstack([self.texture, other.texture]),
        )

    def grained(self, axis: str, period: float = 0.3, offset: float = 0.0) -> Surface:
        """The surface with texture along a coordinate axis, continuous around edges: across the grain, both other axes count."""
        along = "xyz".index(axis)
        across = self.vertices.sum(axis=1) - self.vertices[:, along]
        return replace(self, texture=np.stack([self.vertices[:, along] + 0.37 * offset, across + offset], axis=1) / period)

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Surface:
        """The surface elsewhere."""
        return replace(self, vertices=self.vertices + np.array((x, y, z)))

    def turned(self, axis: str, degrees: float) -> Surface:
        """The surface rotated about a coordinate axis."""
        i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        rotation = np.eye(3)
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        rotation[i, i], rotation[i, j], rotation[j, i], rotation[j, j] = c, -s, s, c
        return replace(self, vertices=self.vertices @ rotation.T, normals=self.normals @ rotation.T)

    def save(self, path: Path) -> None:
        """Write MuJoCo's binary mesh: it loads several times faster than text, and keeps the normals."""
        texture = np.empty((0, 2)) if self.texture is None else self.texture
        header = struct.pack("<4i", len(self.vertices), len(self.normals), len(texture), len(self.faces))
        arrays = (self.vertices.astype("<f4"), self.normals.astype("<f4"), texture.astype("<f4"), self.faces.astype("<i4"))
        path.write_bytes(header + b"".join(array.tobytes() for array in arrays))


def merged(surfaces: Iterable[Surface]) -> Surface:
    """One surface of many."""
    first, *others = surfaces
    for other in others:
        first = first + other
    return first


def shaded(vertices: Array, faces: Sequence[Sequence[int]] | NDArray[np.int32]) -> Surface:
    """A surface with normals averaged over faces by area, but not across creases."""
    vertices = np.asarray(vertices, dtype=float)
    _, first, inverse = np.unique(np.round(vertices, 7), axis=0, return_index=True, return_inverse=True)
    points, triangles = vertices[first], inverse.ravel()[np.asarray(faces)]
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    area = np.cross(b - a, c - a)
    is_solid = np.linalg.norm(area, axis=1) > 1e-12
    triangles, area = triangles[is_solid], area[is_solid]
    if (a[is_solid] * area).sum() < 0:  # six times the volume: wound the wrong way
        triangles, area = triangles[:, ::-1], -area
    unit = area / np.linalg.norm(area, axis=1, keepdims=True)
    around: list[list[int]] = [[] for _ in points]
    for face, triangle in enumerate(triangles):
        for corner in triangle:
            around[corner].append(face)
    numbers: dict[tuple[int, tuple[float, ...]], int] = {}
    corners: list[tuple[Array, Array]] = []
    out = np.empty_like(triangles, dtype=np.int32)
    for face, triangle in enumerate(triangles):
        for place, point in enumerate(triangle):
            neighbours = np.array(around[point])
            near = neighbours[unit[neighbours] @ unit[face] > CREASE]
            normal = area[near].sum(axis=0)
            normal = normal / np.linalg.norm(normal)
            key = (int(point), tuple(np.round(normal, 3)))
            if key not in numbers:
                numbers[key] = len(corners)
                corners.append((points[point], normal))
            out[face, place] = numbers[key]
    return Surface(np.array([p for p, _ in corners]), np.array([n for _, n in corners]), out)


def lofted(rings: Sequence[Array]) -> Surface:
    """The closed surface through rings of equally many points (n, 3); the last ring may repeat the first, or both shrink to points."""
    return shaded(np.concatenate(rings), grid_faces(len(rings), len(rings[0])))


def grid_faces(rows: int, columns: int, *, is_closed: bool = True) -> NDArray[np.int32]:
    """Triangles of a (rows, columns) grid of points whose columns may close to a ring."""
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns if is_closed else columns - 1), indexing="ij")
    a, b = (i * columns + j).ravel(), (i * columns + (j + 1) % columns).ravel()
    c, d = a + columns, b + columns
    return np.vstack([np.stack([a, b, d], axis=1), np.stack([a, d, c], axis=1)]).astype(np.int32)


def rounded(outline: Sequence[tuple[float, float]], fillet: float | Sequence[float], steps: int = 3, *, is_closed: bool = True) -> Array:
    """A polygon (n, 2) with its corners rounded; one radius for all, or one per corner (0 keeps it sharp)."""
    points = np.array(outline, dtype=float)
    radii = np.broadcast_to(np.asarray(fillet, dtype=float), (len(points),))
    result: list[Array] = []
    for index, (point, radius) in enumerate(zip(points, radii, strict=True)):
        is_end = not is_closed and index in (0, len(points) - 1)
        if is_end or radius <= 0:
            result.append(point)
            continue
        to_previous, to_next = points[index - 1] - point, points[(index + 1) % len(points)] - point
        lengths = np.linalg.norm(to_previous), np.linalg.norm(to_next)
        to_previous, to_next = to_previous / lengths[0], to_next / lengths[1]
        half = np.arccos(np.clip(to_previous @ to_next, -1, 1)) / 2
        cut = min(radius / np.tan(half), 0.499 * min(lengths))
        start, end = point + cut * to_previous, point + cut * to_next
        centre = point + cut / np.cos(half) ** 2 * (to_previous + to_next) / 2
        opening = np.arccos(np.clip((start - centre) @ (end - centre) / ((start - centre) @ (start - centre)), -1, 1))
        if opening < 1e-6:
            result += [start, end]
            continue
        for t in np.linspace(0, 1, steps + 1):
            result.append(centre + (np.sin((1 - t) * opening) * (start - centre) + np.sin(t * opening) * (end - centre)) / np.sin(opening))
    return np.array(result)


def revolved(
    profile_rz: Sequence[tuple[float, float]] | Array, sides: int = 28, fillet: float | Sequence[float] = 0.0, steps: int = 3
) -> Surface:
    """A solid of revolution about z from radii and heights, bottom first, its inner corners rounded; ends close on the axis."""
    profile = rounded([tuple(point) for point in profile_rz], fillet, steps, is_closed=False)
    angles = 2 * np.pi * np.arange(sides) / sides
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    vertices = np.concatenate([np.column_stack([r * ring, np.full(sides, z)]) for r, z in profile])
    return shaded(vertices, grid_faces(len(profile), sides))


def disc(radius: float, low: float, high: float, sides: int = 28, fillet: float = 0.0, steps: int = 2) -> Surface:
    """A cylinder about z with rounded rims."""
    return revolved(((0, low), (radius, low), (radius, high), (0, high)), sides, (0, fillet, fillet, 0), steps)


def ring(outer: float, inner: float, low: float, high: float, sides: int = 28, fillet: float = 0.0) -> Surface:
    """A thick-walled tube about z."""
    profile = rounded(((inner, low), (outer, low), (outer, high), (inner, high)), fillet, 2)
    profile = np.vstack([profile, profile[:1]])
    return revolved(profile, sides)


def extruded(outline: Sequence[tuple[float, float]] | Array, low: float, high: float, bevel: float = 0.0, *, steps: int = 2) -> Surface:
    """A convex or star-shaped outline in xy (counter-clockwise, seen from +z) drawn along z, its rims rounded by `bevel`."""
    points = np.asarray(outline, dtype=float)
    turns = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    outward = np.column_stack([turns[:, 1], -turns[:, 0]])
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-12)
    layers = [(0.0, low), (0.0, high)]
    if bevel > 0:
        arc = np.linspace(0, np.pi / 2, steps + 1)
        layers = [(bevel * (1 - np.sin(t)), low + bevel * (1 - np.cos(t))) for t in arc]
        layers += [(bevel * (1 - np.cos(t)), high - bevel * (1 - np.sin(t))) for t in arc]
    rings = [np.column_stack([points - inset * outward, np.full(len(points), z)]) for inset, z in layers]
    centre = points.mean(axis=0)
    ends = [np.tile((*centre, z), (len(points), 1)) for z in (low, high)]
    return shaded(np.concatenate([ends[0], *rings, ends[1]]), grid_faces(len(rings) + 2, len(points)))


def box(half: Sequence[float], fillet: float = 0.0, pos: Sequence[float] = (0, 0, 0), steps: int = 3) -> Surface:
    """A box of half extents with rounded edges and corners."""
    hx, hy, hz = half
    if fillet <= 0:
        return extruded(((-hx, -hy), (hx, -hy), (hx, hy), (-hx, hy)), -hz, hz).moved(*pos)
    fillet = min(fillet, *half)
    # A sphere in longitude and latitude, its octants pushed apart: exact normals, and flat sides that stay flat.
    quarter = np.linspace(0, np.pi / 2, steps + 1)
    longitudes = np.concatenate([quarter + k * np.pi / 2 for k in range(4)])
    latitudes = np.concatenate([quarter - np.pi / 2, quarter])
    lat, lon = np.meshgrid(latitudes, longitudes, indexing="ij")
    normals = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1).reshape(-1, 3)
    columns = np.repeat(np.arange(4), steps + 1)  # octant by quadrant of longitude
    sign_x, sign_y = np.array([1, -1, -1, 1])[columns], np.array([1, 1, -1, -1])[columns]
    sign_z = np.repeat([-1, 1], steps + 1)
    inner = np.array([hx - fillet, hy - fillet, hz - fillet])
    corner = np.stack(np.broadcast_arrays(sign_x[None], sign_y[None], sign_z[:, None]), axis=-1).reshape(-1, 3) * inner
    vertices, faces = corner + fillet * normals, grid_faces(len(latitudes), len(longitudes))
    size = len(longitudes)
    caps = []
    for row, z in ((0, -1.0), (len(latitudes) - 1, 1.0)):
        corners = [row * size + k * (steps + 1) for k in range(4)]
        caps += [corners[:3][:: int(z)], [corners[0], corners[2], corners[3]][:: int(z)]]
    faces = np.vstack([faces, np.array(caps, dtype=np.int32)])
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    keep = np.linalg.norm(np.cross(b - a, c - a), axis=1) > 1e-13
    return Surface(vertices + np.asarray(pos, dtype=float), normals, faces[keep])


def frames(path: Array) -> tuple[Array, Array, Array]:
    """Tangents and two normals along a path, turning as little as possible."""
    tangents = np.gradient(path, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    helper = np.eye(3)[np.argmin(np.abs(tangents[0]))]
    side = np.cross(tangents[0], helper)
    sides = []
    for tangent in tangents:
        side = side - (side @ tangent) * tangent
        side = side / np.linalg.norm(side)
        sides.append(side)
    first = np.array(sides)
    return tangents, first, np.cross(tangents, first)


def bent(points: Sequence[Sequence[float]], bend: float, steps: int = 6) -> Array:
    """A polyline (n, 3) with its corners rounded, about `bend` in radius."""
    corners = np.array(points, dtype=float)
    result = [corners[0]]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        a, b = before - corner, after - corner
        lengths = np.linalg.norm(a), np.linalg.norm(b)
        a, b = a / lengths[0], b / lengths[1]
        half = np.arccos(np.clip(a @ b, -1, 1)) / 2
        cut = min(bend / np.tan(half), 0.499 * min(lengths))
        t = np.linspace(0, 1, steps + 1)[:, None]
        start, end = corner + cut * a, corner + cut * b
        result += list((1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end)
    result.append(corners[-1])
    return np.array(result)


def tube(path: Sequence[Sequence[float]] | Array, radius: float | Sequence[float], sides: int = 12, *, is_closed: bool = False) -> Surface:
    """A round bar along a path (n, 3) with domed ends; one radius, or one per point. A closed path makes a loop."""
    points = np.asarray(path, dtype=float)
    radii = np.broadcast_to(np.asarray(radius, dtype=float), (len(points),))
    angles = 2 * np.pi * np.arange(sides) / sides
    if is_closed:
        around = np.vstack([points[-1:], points, points[:1]])
        tangents, u, v = (each[1:-1] for each in frames(around))
        rings = [
            p + r * (np.cos(angles)[:, None] * a + np.sin(angles)[:, None] * b) for p, r, a, b in zip(points, radii, u, v, strict=True)
        ]
        # the frame may come back turned: close onto the nearest start
        shift = int(np.argmin([np.linalg.norm(np.roll(rings[0], -k, axis=0) - rings[-1]) for k in range(sides)]))
        return shaded(np.concatenate([*rings, np.roll(rings[0], -shift, axis=0)]), grid_faces(len(rings) + 1, sides))
    tangents, u, v = frames(points)
    circle = np.cos(angles)[None, :, None] * u[:, None] + np.sin(angles)[None, :, None] * v[:, None]
    rings = [p + r * c for p, r, c in zip(points, radii, circle, strict=True)]
    dome = np.linspace(0, np.pi / 2, 4)[1:]
    start = [points[0] - radii[0] * (np.sin(t) * tangents[0] - np.cos(t) * circle[0]) for t in dome][::-1]
    end = [points[-1] + radii[-1] * (np.sin(t) * tangents[-1] + np.cos(t) * circle[-1]) for t in dome]
    layers = [*start, *rings, *end]
    return shaded(np.concatenate(layers), grid_faces(len(layers), sides))


def loop(half_x: float, half_y: float, thick: float, low: float, high: float, corner: float, bevel: float) -> Surface:
    """A rectangular frame about z: outline with rounded corners, a rounded rim, straight inside."""
    outline, inner = (
        rounded(((-x, -y), (x, -y), (x, y), (-x, y)), radius, 4)
        for x, y, radius in ((half_x, half_y, corner), (half_x - thick, half_y - thick, max(corner - thick, 0.002)))
    )
    cut = bevel / thick  # as a share of the wall
    section = [(0, low), (1, low), (1, high - bevel), (1 - 0.3 * cut, high - 0.3 * bevel), (1 - cut, high)]
    section += [(cut, high), (0.3 * cut, high - 0.3 * bevel), (0, high - bevel), (0, low)]
    return lofted([np.column_stack([inner + share * (outline - inner), np.full(len(inner), z)]) for share, z in section])


def boards(*sizes: tuple[tuple[float, float, float], tuple[float, float, float]], fillet: float = 0.002) -> Surface:
    """Wooden boards (half extents, middle), each with its grain along its longest side."""
    return merged(box(half, fillet, pos, 1).grained("xyz"[int(np.argmax(half))], offset=0.41 * k) for k, (half, pos) in enumerate(sizes))


def rod(radius: float, start: tuple[float, float, float], end: tuple[float, float, float], sides: int = 16) -> Surface:
    """A round bar with domed ends inside its length."""
    a, b = np.array(start), np.array(end)
    inset = (b - a) / np.linalg.norm(b - a) * min(radius, 0.45 * float(np.linalg.norm(b - a)))
    return tube([a + inset, b - inset], radius, sides)


def thread(start: np.ndarray, end: np.ndarray, radius: float) -> Surface:
    """A cord of a net: a thin three-sided bar."""
    axis = (end - start) / np.linalg.norm(end - start)
    side = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    side /= np.linalg.norm(side)
    other = np.cross(axis, side)
    around = [np.cos(a) * side + np.sin(a) * other for a in 2 * np.pi * np.arange(3) / 3]
    return lofted(
        [
            np.array([end_point + r * direction for direction in around])
            for end_point, r in ((start, 0), (start, radius), (end, radius), (end, 0))
        ]
    )


def net(corners: tuple[tuple[float, float, float], ...], across: int, along: int, radius: float = 0.0008) -> Surface:
    """A rectangular or slanted net between four corners, in order around it."""
    a, b, c, d = (np.array(corner) for corner in corners)
    cords = [thread(a + t * (b - a), d + t * (c - d), radius) for t in np.linspace(0, 1, across + 1)]
    return merged([*cords, *(thread(a + t * (d - a), b + t * (c - b), radius) for t in np.linspace(0, 1, along + 1))])


def round_y(surface: Surface) -> Surface:
    """A surface of revolution about z, turned so that its z points to -y."""
    return surface.turned("x", 90)


def round_x(surface: Surface) -> Surface:
    """A surface of revolution about z, turned so that its z points to +x."""
    return surface.turned("y", 90)
