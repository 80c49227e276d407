"""Write `assets/props/lid.xml`: a lid with a bow handle; slab and handle plate are convex polytopes (metres, frame of top_link).

Run `python tools/parts/make_lid.py` after editing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from polytopes import vertex_attribute

OUT = Path(__file__).resolve().parents[2] / "assets" / "props" / "lid.xml"

SLAB = (
    (-0.0157, 0.1136, 0.0018),
    (-0.0145, 0.1148, 0.0012),
    (0.0046, 0.1148, 0.0012),
    (0.0056, 0.1136, 0.0),
)  # height, half width, corner cut
PLATE = ((0.0, 0.0), (0.0057, 0.0023), (0.008, 0.008))  # ±x, inset of the outline
PLATE_HALF_WIDTH, PLATE_BOTTOM, PLATE_TOP = 0.058, 0.0042, 0.0891


def slab_vertices() -> np.ndarray:
    """A stack of squares with their corners cut, (n, 3)."""
    corners = [
        (sx * x, sy * y, z)
        for z, width, cut in SLAB
        for x, y in ((width, width - cut), (width - cut, width))
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]
    return np.unique(corners, axis=0)


def plate_vertices() -> np.ndarray:
    """Outlines with rounded upper corners, one inside the other outwards along x, (n, 3)."""
    corners = []
    for x, inset in PLATE:
        y, z = PLATE_HALF_WIDTH - inset, PLATE_TOP - inset
        outline = ((y, PLATE_BOTTOM), (y, z - 0.0045), (y - 0.0013, z - 0.0013), (y - 0.0045, z))
        corners += [(sx * x, sy * y, z) for y, z in outline for sx in (-1, 1) for sy in (-1, 1)]
    return np.unique(np.array(corners) + 0.0, axis=0)


TEMPLATE = """<!-- Box lid with a bow handle, one free joint. Used by box-close. Written by tools/parts/make_lid.py; edit that.
     It is covered twice, as published: by two hulls that fill the cavity and the bow, and by boxes and capsules. Fingers touch both. -->
<mujoco model="lid">
  <compiler angle="radian" inertiafromgeom="false" autolimits="true"/>
  <default>
    <default class="lid_hull"><geom type="mesh" group="4"/></default>
    <default class="lid_block"><geom type="box" condim="4" solref="0.01 1" solimp="0.99 0.99 0.01" group="4"/></default>
    <default class="lid_look"><geom type="mesh" contype="0" conaffinity="0" group="1" mass="0"/></default>
  </default>
  <asset>
    <mesh name="lid_slab" inertia="convex" vertex="{slab}"/>
    <mesh name="lid_plate" inertia="convex" vertex="{plate}"/>
    <texture name="lid_birch" type="2d" file="textures/birch.png"/>
    <mesh name="lid_wood" file="props/looks/lid_wood.msh" inertia="shell"/>
    <mesh name="lid_handle" file="props/looks/lid_handle.msh" inertia="shell"/>
    <material name="lid_wood" texture="lid_birch" rgba="0.96 0.85 0.72 1" specular="0.15" shininess="0.3"/>
    <material name="lid_handle" rgba="0.28 0.29 0.3 1" specular="0.7" shininess="0.6"/>
  </asset>
  <worldbody>
    <body name="boxbodytop" quat="1 0 0 1">
      <freejoint name="lidjoint"/>
      <body name="top_link" pos="0 0 0.075">
        <inertial mass="0.25" pos="0 0 0.03128" diaginertia="0.00180277 0.00139052 0.0010901" quat="0.500014 0.499986 -0.499986 0.500014"/>
        <geom class="lid_hull" mesh="lid_slab"/>
        <geom class="lid_hull" mesh="lid_plate"/>
        <geom class="lid_block" size="0.005 0.115 0.008" pos="0.11 0 -0.008"/>
        <geom class="lid_block" size="0.115 0.115 0.003" pos="0 0 0.003"/>
        <geom class="lid_block" size="0.005 0.115 0.008" pos="-0.11 0 -0.008"/>
        <geom class="lid_block" size="0.115 0.005 0.008" pos="0 -0.11 -0.008"/>
        <geom class="lid_block" size="0.115 0.005 0.008" pos="0 0.11 -0.008"/>
        <geom class="lid_block" type="capsule" size="0.008 0.05" pos="0 0 0.082" euler="1.57 0 0"/>
        <geom class="lid_block" type="capsule" size="0.008 0.035" pos="0 -0.05 0.043"/>
        <geom class="lid_block" type="capsule" size="0.008 0.035" pos="0 0.05 0.043"/>
        <geom class="lid_look" mesh="lid_wood" material="lid_wood"/>
        <geom class="lid_look" mesh="lid_handle" material="lid_handle"/>
        <!-- the centre of the published handle, which the original reward reads -->
        <site name="BoxHandleGeom" pos="0 -2.36336e-05 0.0523215" size="0.005" group="4"/>
      </body>
    </body>
  </worldbody>
</mujoco>
"""


def main() -> None:
    OUT.write_text(TEMPLATE.format(slab=vertex_attribute(slab_vertices()), plate=vertex_attribute(plate_vertices())))
    print(f"wrote {OUT} with a slab of {len(slab_vertices())} and a plate of {len(plate_vertices())} vertices")


if __name__ == "__main__":
    main()
