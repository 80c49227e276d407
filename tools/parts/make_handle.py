"""Write `assets/props/handle.xml`: a hand press with a vertically sliding lever (metres, frame of the housing).

Run `python tools/parts/make_handle.py` after editing.
"""

from __future__ import annotations

import math
from pathlib import Path

from polytopes import prism_along_x, vertex_attribute

OUT = Path(__file__).resolve().parents[2] / "assets" / "props" / "handle.xml"

ARC_RADIUS, ARC_CENTRE = 0.1247, (0.0146, 0.095)  # of the round front edge, in y and z
TOP_BACK, BOTTOM_BACK = (0.11, 0.2197), (0.11, 0.0)


def arc(first_deg: float, steps: int) -> list[tuple[float, float]]:
    """Points of the front edge from an angle up to the vertical (90°), 11.25° apart."""
    angles = [math.radians(first_deg - 11.25 * step) for step in range(steps)]
    return [(ARC_CENTRE[0] + ARC_RADIUS * math.cos(a), ARC_CENTRE[1] + ARC_RADIUS * math.sin(a)) for a in angles]


CHEEK = [(-0.11, 0.0), *arc(180.0, 9), TOP_BACK, BOTTOM_BACK]
BLOCK = [(-0.0546, 0.0), *arc(90.0 + 33.75, 4), TOP_BACK, BOTTOM_BACK]
HOUSING = {  # outline in y and z, range in x
    "right_cheek": (CHEEK, 0.0344, 0.0862),
    "left_cheek": (CHEEK, -0.0866, -0.0348),
    "back_block": (BLOCK, -0.0351, 0.0346),
}

TEMPLATE = """<!-- Hand press: a lever with a grip that slides up and down. Used by the handle tasks. Written by tools/parts/make_handle.py; edit that. -->
<mujoco model="handle">
  <compiler angle="radian" inertiafromgeom="false" autolimits="true"/>
  <default>
    <default class="handle_block"><geom contype="0" solref="0.01 1" solimp="0.99 0.99 0.01" group="4"/></default>
    <default class="handle_look"><geom type="mesh" contype="0" conaffinity="0" group="1" mass="0"/></default>
    <default class="handle_site"><site size="0.005" group="4"/></default>
  </default>
  <asset>
{meshes}
    <mesh name="handle_housing" file="props/looks/handle_housing.msh" inertia="shell"/>
    <mesh name="handle_stop" file="props/looks/handle_stop.msh" inertia="shell"/>
    <mesh name="handle_arm" file="props/looks/handle_arm.msh" inertia="shell"/>
    <mesh name="handle_grip" file="props/looks/handle_grip.msh" inertia="shell"/>
    <material name="handle_housing" rgba="0.36 0.37 0.39 1" specular="0.45" shininess="0.5"/>
    <material name="handle_lever" rgba="0.14 0.14 0.15 1" specular="0.4" shininess="0.4"/>
    <material name="handle_grip" rgba="0.68 0.06 0.06 1" specular="0.5" shininess="0.5"/>
  </asset>
  <worldbody>
    <body name="box">
{geoms}
      <geom class="handle_block" type="box" size="0.035 0.028 0.014" pos="0 -0.082 0.014"/>
      <geom class="handle_look" mesh="handle_housing" material="handle_housing"/>
      <geom class="handle_look" mesh="handle_stop" material="handle_lever"/>
      <site name="goalPress" class="handle_site" pos="0 -0.216 0.075"/>
      <site name="goalPull" class="handle_site" pos="0 -0.216 0.172"/>
      <body name="handle_link" pos="0 -0.05 0.15">
        <inertial mass="0.002" pos="0 -0.1235 0" diaginertia="7.58317e-06 5.76983e-06 2.136e-06" quat="0.499834 0.499834 -0.500166 0.500166"/>
        <joint name="handle_slide" type="slide" axis="0 0 1" range="-0.1 0" damping="30" armature="0.001"/>
        <geom class="handle_block" type="box" size="0.032 0.075 0.011" pos="0 -0.081 0"/>
        <geom class="handle_block" type="cylinder" size="0.022 0.07" pos="0 -0.166 0" euler="0 1.57 0"/>
        <geom class="handle_look" mesh="handle_arm" material="handle_lever"/>
        <geom class="handle_look" mesh="handle_grip" material="handle_grip"/>
        <site name="handleStart" class="handle_site" pos="0 -0.166 0.022"/>
        <site name="handleRight" class="handle_site" pos="0.05 -0.166 0.014"/>
        <site name="handleCenter" class="handle_site" pos="0 -0.12 0"/>
      </body>
    </body>
  </worldbody>
</mujoco>
"""


def main() -> None:
    meshes, geoms = [], []
    for name, (outline, low, high) in HOUSING.items():
        vertices = vertex_attribute(prism_along_x(outline, low, high))
        meshes.append(f'    <mesh name="handle_{name}" inertia="convex" vertex="{vertices}"/>')
        geoms.append(f'      <geom class="handle_block" type="mesh" mesh="handle_{name}"/>')
    OUT.write_text(TEMPLATE.format(meshes="\n".join(meshes), geoms="\n".join(geoms)))


if __name__ == "__main__":
    main()
