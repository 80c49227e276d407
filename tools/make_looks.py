"""Write the meshes that tables and props show, `assets/arena/looks/` and `assets/props/looks/`: one per body and material.

Lengths in metres, frames of the bodies in `assets/props/*.xml`, which place the meshes. Looks follow the colliders to a millimetre or two
where fingers and objects touch them. Run `python tools/make_looks.py [NAME ...]` after editing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from surfaces import Surface, bent, box, disc, extruded, lofted, merged, revolved, ring, rounded, tube

ASSETS = Path(__file__).resolve().parent.parent / "assets"
Looks = dict[str, Surface]


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


def arena() -> Looks:
    """The table's leg, about its middle, and its four walls in one piece."""
    return {"leg": box((0.032, 0.032, 0.436), 0.006, steps=2), "wall": loop(0.7, 0.4, 0.02, -0.06, 0.06, 0.012, 0.004)}


PROPS: dict[str, Callable[[], Looks]] = {}


def main() -> None:
    wanted = set(sys.argv[1:])
    for folder, makers in (("arena", {"arena": arena}), ("props", PROPS)):
        out = ASSETS / folder / "looks"
        out.mkdir(parents=True, exist_ok=True)
        for name, make in makers.items():
            if wanted and name not in wanted:
                continue
            looks = make()
            for look, surface in looks.items():
                surface.save(out / f"{look}.msh")
            print(f"{name}: {sum(len(surface.faces) for surface in looks.values())} triangles in {', '.join(looks)}")


if __name__ == "__main__":
    main()
