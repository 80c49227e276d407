"""Write `assets/props/soccer_goal.xml`: four convex walls, each drawn out along x (metres, frame of the goal).

Run `python tools/parts/make_soccer_goal.py` after editing.
"""

from __future__ import annotations

from pathlib import Path

from polytopes import prism_along_x, vertex_attribute

OUT = Path(__file__).resolve().parents[2] / "assets" / "props" / "soccer_goal.xml"

SIDE = ((-0.0637, 0.0), (0.0635, 0.0), (0.0135, 0.165), (-0.0637, 0.165))
BACK = ((0.0489, 0.0), (0.0635, 0.0), (0.0135, 0.165), (-0.0011, 0.165))
ROOF = ((-0.0637, 0.1536), (0.0135, 0.1536), (0.0135, 0.165), (-0.0637, 0.165))
WALLS = {  # outline in y and z, range in x
    "right": (SIDE, 0.0902, 0.1027),
    "back": (BACK, -0.1027, 0.1027),
    "left": (SIDE, -0.1027, -0.0902),
    "roof": (ROOF, -0.0902, 0.0907),
}

TEMPLATE = """<!-- Soccer goal, open towards -y, with a slanted back. Used by soccer. Written by tools/parts/make_soccer_goal.py; edit that. -->
<mujoco model="soccer_goal">
  <compiler angle="radian" inertiafromgeom="false" autolimits="true"/>
  <default>
    <default class="soccer_goal_block"><geom type="mesh" solref="0.01 1" solimp="0.99 0.99 0.01" group="4"/></default>
    <default class="soccer_goal_look"><geom type="mesh" contype="0" conaffinity="0" group="1" mass="0"/></default>
  </default>
  <asset>
{meshes}
    <mesh name="soccer_goal_posts" file="props/looks/soccer_goal_posts.msh" inertia="shell"/>
    <mesh name="soccer_goal_cords" file="props/looks/soccer_goal_cords.msh" inertia="shell"/>
    <material name="soccer_goal_post" rgba="0.94 0.94 0.94 1" specular="0.4" shininess="0.5"/>
    <material name="soccer_goal_net" rgba="0.12 0.45 0.68 1" specular="0.2" shininess="0.2"/>
  </asset>
  <worldbody>
    <body name="goal_whole">
{geoms}
      <geom class="soccer_goal_look" mesh="soccer_goal_posts" material="soccer_goal_post"/>
      <geom class="soccer_goal_look" mesh="soccer_goal_cords" material="soccer_goal_net"/>
    </body>
  </worldbody>
</mujoco>
"""


def main() -> None:
    meshes = [
        f'    <mesh name="soccer_goal_{name}" inertia="convex" vertex="{vertex_attribute(prism_along_x(*wall))}"/>'
        for name, wall in WALLS.items()
    ]
    geoms = [f'      <geom class="soccer_goal_block" mesh="soccer_goal_{name}"/>' for name in WALLS]
    OUT.write_text(TEMPLATE.format(meshes="\n".join(meshes), geoms="\n".join(geoms)))
    print(f"wrote {OUT}")


if __name__ == "__main__":
    main()
