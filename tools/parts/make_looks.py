"""Write the meshes that tables and props show, `assets/arena/looks/` and `assets/props/looks/`: one per body and material.

Lengths in metres, frames of the bodies in `assets/props/*.xml`, which place the meshes. Looks follow the colliders to a millimetre or two
where fingers and objects touch them. Run `python tools/parts/make_looks.py [NAME ...]` after editing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import looks_fixtures as fixtures
import looks_objects as objects

ASSETS = Path(__file__).resolve().parents[2] / "assets"
PROPS = {
    make.__name__: make
    for make in (
        fixtures.door,
        fixtures.door_lock,
        fixtures.drawer,
        fixtures.button,
        fixtures.coffee_machine,
        fixtures.hoop,
        fixtures.window,
        fixtures.shelf,
        fixtures.soccer_goal,
        fixtures.hockey_net,
        fixtures.faucet,
        fixtures.lever,
        fixtures.dial,
        fixtures.peg_box,
        fixtures.socket,
        fixtures.handle,
        fixtures.nail_box,
        objects.mug,
        objects.nut,
        objects.hammer,
        objects.plug,
        objects.thermos,
        objects.lid,
        objects.lid_box,
        objects.bins,
        objects.pieces,
    )
}


def main() -> None:
    wanted = set(sys.argv[1:])
    for folder, makers in (("arena", {"arena": fixtures.arena}), ("props", PROPS)):
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
