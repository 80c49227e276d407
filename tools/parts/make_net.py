"""Write `assets/props/net.xml`: a hockey goal, open towards -y, with convex net panels (metres, frame of the goal).

Run `python tools/parts/make_net.py` after editing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from polytopes import prism_along_x, vertex_attribute

OUT = Path(__file__).resolve().parents[2] / "assets" / "props" / "net.xml"

BACK = ((0.0761, 0.0094), (0.0814, 0.0094), (0.0402, 0.1730), (0.0373, 0.1774), (0.0353, 0.1740))
LEFT = {  # x -> outline in y and z
    -0.0998: ((-0.0698, 0.0094), (0.0754, 0.0094), (0.0342, 0.1727), (-0.0698, 0.1727)),
    -0.105: ((-0.0698, 0.0094), (0.0754, 0.0094), (0.0342, 0.1727), (-0.0698, 0.1727)),
    -0.1031: ((-0.0698, 0.1774), (0.0331, 0.1774), (0.0798, 0.0094), (0.0385, 0.1729)),
    -0.0979: ((0.0761, 0.0094), (0.0369, 0.1729)),
}
ROOF = ((0.0998, 0.1740), (0.1031, 0.1774), (0.0984, 0.1794))  # x (both signs) and z, from y -0.0698 to 0.034
ROOF_TIP = (0.0975, 0.0372, 0.1760)  # x (both signs), y, z

FRAME = (  # capsules of radius 8 mm: half length, position, axis
    ("0.073", "-0.1 0.004 0.009", "1.571 0 0"),
    ("0.073", "0.1 0.004 0.009", "1.571 0 0"),
    ("0.082", "-0.1 -0.0685 0.091", "0 0 0"),
    ("0.082", "0.1 -0.0685 0.091", "0 0 0"),
    ("0.1", "0 -0.0685 0.174", "0 1.571 0"),
    ("0.1", "0 0.077 0.009", "0 1.571 0"),
)

TEMPLATE = """<!-- Hockey goal, open towards -y. Used by the plate-slide tasks. Written by tools/parts/make_net.py; edit that. -->
<mujoco model="net">
  <compiler angle="radian" inertiafromgeom="false" autolimits="true"/>
  <default>
    <default class="net_block"><geom solref="0.01 1" solimp="0.99 0.99 0.01" group="4"/></default>
    <default class="net_look"><geom type="mesh" contype="0" conaffinity="0" group="1" mass="0"/></default>
  </default>
  <asset>
{meshes}
    <mesh name="net_posts" file="props/looks/net_posts.msh" inertia="shell"/>
    <mesh name="net_cords" file="props/looks/net_cords.msh" inertia="shell"/>
    <material name="net_mesh" rgba="0.93 0.93 0.93 1" specular="0.2" shininess="0.2"/>
    <material name="net_frame" rgba="0.72 0.06 0.06 1" specular="0.45" shininess="0.5"/>
  </asset>
  <worldbody>
    <body name="puck_goal">
{geoms}
      <geom class="net_look" mesh="net_posts" material="net_frame"/>
      <geom class="net_look" mesh="net_cords" material="net_mesh"/>
    </body>
  </worldbody>
</mujoco>
"""


def panels() -> dict[str, np.ndarray]:
    """Vertices (n, 3) of the four panels."""
    left = np.array([(x, y, z) for x, outline in LEFT.items() for y, z in outline])
    roof = [(sign * x, y, z) for sign in (1, -1) for x, z in ROOF for y in (-0.0698, 0.034)]
    roof += [(sign * ROOF_TIP[0], ROOF_TIP[1], ROOF_TIP[2]) for sign in (1, -1)]
    return {"back": prism_along_x(BACK, -0.103, 0.103), "left": left, "roof": np.array(roof), "right": left * [-1, 1, 1]}


def main() -> None:
    meshes, geoms = [], []
    for name, vertices in panels().items():
        meshes.append(f'    <mesh name="net_{name}" inertia="convex" vertex="{vertex_attribute(vertices)}"/>')
        geoms.append(f'      <geom class="net_block" type="mesh" mesh="net_{name}"/>')
    for half_length, pos, euler in FRAME:
        shape = f'type="capsule" size="0.008 {half_length}" pos="{pos}" euler="{euler}"'
        geoms.append(f'      <geom class="net_block" {shape}/>')
    OUT.write_text(TEMPLATE.format(meshes="\n".join(meshes), geoms="\n".join(geoms)))


if __name__ == "__main__":
    main()
