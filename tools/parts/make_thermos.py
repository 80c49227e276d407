"""Write `assets/props/thermos.xml`: a flask on two slides; neck ring and cap are solids of revolution (metres, frame of the flask).

Run `python tools/parts/make_thermos.py` after editing.
"""

from __future__ import annotations

from pathlib import Path

from polytopes import revolved, vertex_attribute

OUT = Path(__file__).resolve().parents[2] / "assets" / "props" / "thermos.xml"

SIDES = 96
NECK = ((0.24, 0.0504), (0.2409, 0.0515), (0.2433, 0.0515), (0.2444, 0.0498))  # heights and radii
CAP = ((0.2444, 0.0474), (0.2683, 0.0474), (0.3258, 0.0410), (0.3279, 0.0401), (0.3294, 0.0381), (0.33, 0.0355))

TEMPLATE = """<!-- Thermos with a D-shaped handle that slides along x and y but cannot turn. Used by stick-push and stick-pull.
     Written by tools/parts/make_thermos.py; edit that. -->
<mujoco model="thermos">
  <compiler angle="radian" inertiafromgeom="false" autolimits="true"/>
  <default>
    <default class="thermos_block"><geom solref="0.01 1" solimp="0.99 0.99 0.01" group="4"/></default>
    <default class="thermos_look"><geom type="mesh" contype="0" conaffinity="0" group="1" mass="0"/></default>
    <default class="thermos_slide"><joint type="slide" range="-0.2 0.2" damping="1" armature="0.001"/></default>
  </default>
  <asset>
    <mesh name="thermos_neck" inertia="convex" vertex="{neck}"/>
    <mesh name="thermos_cap" inertia="convex" vertex="{cap}"/>
    <mesh name="thermos_steel" file="props/looks/thermos_steel.msh" inertia="shell"/>
    <mesh name="thermos_green" file="props/looks/thermos_green.msh" inertia="shell"/>
    <mesh name="thermos_black" file="props/looks/thermos_black.msh" inertia="shell"/>
    <material name="thermos_steel" rgba="0.6 0.61 0.63 1" specular="0.8" shininess="0.7"/>
    <material name="thermos_black" rgba="0.14 0.15 0.15 1" specular="0.4" shininess="0.4"/>
    <material name="thermos_green" rgba="0.3 0.46 0.42 1" specular="0.5" shininess="0.6"/>
  </asset>
  <worldbody>
    <body name="object">
      <body name="thermos">
        <inertial mass="3.2678" pos="0 -0.00200502 0.143155" diaginertia="0.0286943 0.0279374 0.00627956" quat="0.999999 -0.0016873 0 0"/>
        <joint name="obj_slidex" class="thermos_slide" axis="1 0 0"/>
        <joint name="obj_slidey" class="thermos_slide" axis="0 1 0"/>
        <geom class="thermos_block" type="mesh" mesh="thermos_neck"/>
        <geom class="thermos_block" type="mesh" mesh="thermos_cap"/>
        <geom class="thermos_block" type="cylinder" size="0.06 0.1" pos="0 0 0.14"/>
        <geom class="thermos_block" type="cylinder" size="0.062 0.02" pos="0 0 0.02"/>
        <geom class="thermos_block" type="box" size="0.01 0.005 0.068" pos="0 -0.135 0.132"/>
        <geom class="thermos_block" type="box" size="0.01 0.04 0.005" pos="0 -0.09 0.195"/>
        <geom class="thermos_block" type="box" size="0.01 0.04 0.005" pos="0 -0.09 0.069"/>
        <geom class="thermos_look" mesh="thermos_steel" material="thermos_steel"/>
        <geom class="thermos_look" mesh="thermos_green" material="thermos_green"/>
        <geom class="thermos_look" mesh="thermos_black" material="thermos_black"/>
        <site name="insertion" pos="0 -0.09 0.132" size="0.005" group="4"/>
      </body>
    </body>
  </worldbody>
</mujoco>
"""


def main() -> None:
    OUT.write_text(TEMPLATE.format(neck=vertex_attribute(revolved(NECK, SIDES)), cap=vertex_attribute(revolved(CAP, SIDES))))
    print(f"wrote {OUT}")


if __name__ == "__main__":
    main()
