"""Write `assets/textures/`: pictures drawn by formula, seamless where they repeat, small because they are loaded with every scene.

Run `python tools/parts/make_textures.py` after editing.
"""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray

OUT = Path(__file__).resolve().parents[2] / "assets" / "textures"
Picture = NDArray[np.float64]  # (height, width, 3), 0…255


def cloud(height: int, width: int, waves_y: float, waves_x: float, rng: np.random.Generator) -> Picture:
    """Seamless smooth noise (height, width), about -1…1, with about so many waves down and across."""
    fy = np.fft.fftfreq(height)[:, None] * height / waves_y
    fx = np.fft.fftfreq(width)[None, :] * width / waves_x
    spectrum = np.fft.fft2(rng.standard_normal((height, width))) * np.exp(-(fy**2 + fx**2))
    field = np.fft.ifft2(spectrum).real
    return field / (2 * field.std())


def tint(shade: Picture, dark: tuple[int, int, int], light: tuple[int, int, int]) -> Picture:
    """Colours between two by a shade (height, width) in 0…1."""
    return np.array(dark) + np.clip(shade, 0, 1)[..., None] * (np.array(light, dtype=float) - np.array(dark))


def grain(height: int, width: int, rng: np.random.Generator) -> Picture:
    """Wood grain along x, 0…1."""
    bend = cloud(height, width, 2.0, 1.0, rng)
    y = np.arange(height)[:, None] / height
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (7 * y + 0.55 * bend))
    fibres = cloud(height, width, 60, 2.5, rng)
    return 0.45 + 0.22 * (rings - 0.5) + 0.12 * fibres + 0.08 * cloud(height, width, 6, 1.5, rng)


def planks(dark: tuple[int, int, int], light: tuple[int, int, int], seed: int, boards: int, size: int = 512) -> Picture:
    """Boards of wood along x, each from another tree, with staggered joints and dark seams."""
    rng = np.random.default_rng(seed)
    height = size // boards
    rows = []
    for _ in range(boards):
        shade = grain(height, size, rng) + rng.uniform(-0.12, 0.12)
        seam = rng.integers(size)
        shade[:, np.arange(seam, seam + size // 2) % size] += rng.uniform(-0.1, 0.1)
        across = np.abs((np.arange(size) - seam + size // 2) % size - size // 2)
        shade -= 0.45 * np.clip(1.2 - across / 1.5, 0, 1)[None, :]
        edge = np.minimum(np.arange(height), height - 1 - np.arange(height))
        shade -= 0.4 * np.clip(1 - edge / 1.6, 0, 1)[:, None]
        rows.append(shade)
    return tint(np.vstack(rows), dark, light)


def wood(dark: tuple[int, int, int], light: tuple[int, int, int], seed: int, size: int = 256) -> Picture:
    """One broad piece of wood, grain along x."""
    return tint(grain(size, size, np.random.default_rng(seed)), dark, light)


def tiles(size: int = 256, count: int = 2) -> Picture:
    """Large pale floor tiles."""
    rng = np.random.default_rng(5)
    shade = 0.62 + 0.05 * cloud(size, size, 4, 4, rng) + 0.04 * cloud(size, size, 30, 30, rng)
    side = size // count
    for row in range(count):
        for column in range(count):
            shade[row * side : (row + 1) * side, column * side : (column + 1) * side] += rng.uniform(-0.05, 0.05)
    edge = np.minimum(np.arange(size) % side, side - 1 - np.arange(size) % side)
    shade -= 0.35 * np.clip(1.6 - np.minimum(edge[:, None], edge[None, :]), 0, 1)
    return tint(shade, (150, 154, 160), (222, 224, 227))


def bricks(height: int = 256, width: int = 256, rows: int = 6, columns: int = 4) -> Picture:
    """A wall of bricks in running bond, seamless."""
    rng = np.random.default_rng(9)
    picture = tint(0.5 + 0.25 * cloud(height, width, 20, 20, rng), (118, 108, 98), (160, 150, 138))
    tall, wide = height / rows, width / columns
    y, x = np.mgrid[0:height, 0:width]
    texture = 0.5 + 0.2 * cloud(height, width, 24, 24, rng) + 0.1 * cloud(height, width, 60, 60, rng)
    row = (y // tall).astype(int)
    shifted = x + (row % 2) * wide / 2
    column = (shifted // wide).astype(int) % columns
    tone = rng.uniform(-0.25, 0.25, (rows, columns))[row, column]
    inside = np.minimum.reduce([y % tall, tall - 1 - y % tall, shifted % wide, wide - 1 - shifted % wide])
    cover = np.clip(inside - 1.5, 0, 1)[..., None]
    colour = tint(texture + tone, (104, 40, 30), (172, 80, 56))
    return cover * colour + (1 - cover) * picture


def cube(size: int) -> NDArray[np.float64]:
    """Directions (6 * size, size, 3) of a cube map's texels, faces right, left, up, down, front, back stacked downwards."""
    t = (np.arange(size) + 0.5) / size * 2 - 1
    v, u = np.meshgrid(t, t, indexing="ij")
    one = np.ones_like(u)
    faces = [(one, -v, -u), (-one, -v, u), (u, one, v), (u, -one, -v), (u, -v, one), (-u, -v, -one)]
    directions = np.vstack([np.stack(face, axis=-1) for face in faces])
    return directions / np.linalg.norm(directions, axis=-1, keepdims=True)


def basketball(size: int = 96) -> Picture:
    """Orange leather with the eight seams."""
    d = cube(size)
    x, y, z = d[..., 0], d[..., 1], d[..., 2]
    seam = np.minimum(np.abs(x), np.abs(z))
    arcs = np.abs(np.abs(y) - 0.42 - 0.25 * x**2)
    seam = np.minimum(seam, arcs)
    line = np.clip(1.5 - seam / 0.028, 0, 1)[..., None]
    rng = np.random.default_rng(3)
    leather = tint(0.5 + 0.18 * cloud(*x.shape, 120, 22, rng), (196, 86, 20), (232, 122, 44))
    return line * np.array([34, 26, 24]) + (1 - line) * leather


def football(size: int = 96) -> Picture:
    """White with twelve dark pentagons at the corners of an icosahedron, and grey seams between the hexagons."""
    d = cube(size)
    g = (1 + 5**0.5) / 2
    corners = np.array([p for a in (-1, 1) for b in (-g, g) for p in ((0, a, b), (a, b, 0), (b, 0, a))]) / np.hypot(1, g)
    centres = np.array([(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)] + [
        p for a in (-1 / g, 1 / g) for b in (-g, g) for p in ((0, b, a), (b, a, 0), (a, 0, b))
    ], dtype=float)  # fmt: skip
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    # A truncated icosahedron seen from its middle: the plane that a ray meets first.
    pentagon, hexagon = d @ corners.T / 0.9393, d @ centres.T / 0.9149
    best_pentagon, hexagons = pentagon.max(axis=-1), np.sort(hexagon, axis=-1)
    edge = np.where(best_pentagon > hexagons[..., -1], 1.0, hexagons[..., -1] - np.maximum(hexagons[..., -2], best_pentagon))
    is_dark = np.clip((best_pentagon - hexagons[..., -1]) / 0.02 + 0.5, 0, 1)[..., None]
    seam = np.clip(1.4 - edge / 0.016, 0, 1)[..., None]
    white = np.array([236, 236, 232]) * (1 - 0.5 * seam)
    return is_dark * np.array([26, 28, 32]) + (1 - is_dark) * white


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    pictures = {
        "table": planks((92, 64, 44), (172, 130, 96), seed=2, boards=8),
        "floor": tiles(),
        "birch": wood((186, 142, 94), (232, 196, 148), seed=4),
        "bricks": bricks(),
        "basketball": basketball(),
        "football": football(),
    }
    for name, picture in pictures.items():
        imageio.imwrite(OUT / f"{name}.png", np.clip(picture, 0, 255).round().astype(np.uint8))
    print(f"wrote {len(pictures)} textures")


if __name__ == "__main__":
    main()
