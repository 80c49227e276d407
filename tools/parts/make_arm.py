"""Write `assets/robot/sawyer.xml`: the arm's kinematics, inertias and colliders, with the looks that `make_arm_looks.py` shapes.

The tables below hold measured figures (SI units, wxyz quaternions, angles in radians). Only numbers live here; every shape is our own.
Run `python tools/parts/make_arm.py` after editing. Needs scipy (in the `dev` extra) to turn the palm's half-spaces into vertices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.spatial import HalfspaceIntersection

OUT = Path(__file__).resolve().parents[2] / "assets" / "robot" / "sawyer.xml"
QUARTER_TURN = math.pi / 2

# Half-spaces n·p <= d of the palm (metres, frame of right_hand); a row with `mirrored` stands for both signs of ny.
PALM_HALF_SPACES = """
-0.9976 0 -0.0698 0.02057 | 0 0.7071 0.7071 0.08800 | 0.3633 0.9159 0.1709 0.06353
-0.1005 0 -0.9949 -0.02749 | 0.597 0.796 0.0995 0.06046 | -0.8657 0.419 -0.2739 0.02664
0.0698 0 -0.9976 -0.02715 | -0.6 0.8 0 0.05196 | 0.8879 0 -0.4601 0.02196
0.9507 0 0.3102 0.04961 | 0.7251 0.4809 -0.493 0.02157 | -0.6185 0.2859 0.732 0.07686
0.02 0.03 0.9994 0.08128 | -0.6034 0.5992 -0.5262 0.01971 | 0.2322 0.9173 -0.3233 0.03875
-0.01 0 1 0.08076 | -0.3483 0.8634 0.3649 0.07152 | -0.1035 0.8755 0.472 0.07795
0.6174 0 0.7867 0.07426 | 0.3356 0.8613 0.3815 0.07432 | -0.1666 0.9579 -0.2336 0.04176
-0.6816 0 0.7317 0.06621 | 0.3979 0.3376 -0.853 -0.00410 | 0.0649 0.8568 0.5116 0.08024
-0.8924 0 0.4512 0.04967 | 0.3178 0.9432 -0.0969 0.05001 | -0.8863 0.3835 0.2595 0.05406
0.5212 0.0501 0.852 0.07789 | -0.3055 0.9455 -0.1127 0.04741 | 0.1499 0.5414 -0.8273 0.00398
0.967 0.1296 0.2193 0.04775 | 0.9079 0.3875 -0.1596 0.03679 | -0.7801 0.0379 0.6245 0.06072
0 0.996 0.0896 0.05603 | 0.7624 0.2862 0.5804 0.07265 | -0.6491 0.0487 0.7591 0.06893
-0.9976 0 0.0698 0.02825 | -0.3462 0.4436 -0.8267 -0.00080 | -0.1077 0.5802 -0.8074 0.00555
0 0.9578 -0.2873 0.03964 | -0.3715 0.9199 0.1255 0.05915
"""
PALM_INTERIOR_POINT = (0.006, 0.0, 0.055)


def palm_vertices() -> np.ndarray:
    """Vertices of the palm's convex polytope, (n, 3), metres in the frame of right_hand."""
    rows = [tuple(map(float, cell.split())) for line in PALM_HALF_SPACES.strip().splitlines() for cell in line.split("|")]
    rows += [(nx, -ny, nz, d) for nx, ny, nz, d in rows if ny]
    half_spaces = np.array([(nx, ny, nz, -d) for nx, ny, nz, d in rows])
    vertices = HalfspaceIntersection(half_spaces, np.array(PALM_INTERIOR_POINT)).intersections
    return np.unique(np.round(vertices, 9), axis=0)


def turn(axis: str, angle: float) -> str:
    """Rotation attribute for an exact angle about one axis."""
    return 'euler="{} {} {}"'.format(*(repr(angle) if axis == name else "0" for name in "xyz"))


def quat(values: str) -> str:
    return f'quat="{values}"'


def look(mesh: str, material: str = "arm") -> str:
    return f'<geom class="arm_look" type="mesh" mesh="arm_{mesh}" material="{material}"/>'


def box_look(half_size: str, pos: str, material: str) -> str:
    return f'<geom class="arm_look" type="box" size="{half_size}" pos="{pos}" material="{material}"/>'


@dataclass
class Body:
    """One row of the kinematic tree; `inertial` = (mass, centre of mass, diagonal inertia, inertia frame)."""

    name: str
    pos: str = ""
    rot: str = ""
    inertial: tuple[float, str, str, str] | None = None
    content: tuple[str, ...] = ()
    children: tuple[Body, ...] = field(default=())


TINY = (1e-8, "1e-08 1e-08 1e-08", "1e-08 1e-08 1e-08", "0.820473 0.339851 -0.17592 0.424708")
MARKER = (0.0001, "0 0 0", "1e-08 1e-08 1e-08", "1 0 0 0")
CLAW = (0.0162, "0 0 0", "1.2636e-06 1.215e-05 1.09836e-05", "1 0 0 0")
FINGER_BOX = 'type="box" size="0.045 0.003 0.015"'


def hinge(name: str, limits: str) -> str:
    return f'<joint name="{name}" class="arm_hinge" range="{limits}"/>'


def finger(side: str, y: str, pad_y: str, slide: str, limits: str) -> Body:
    """Two coincident collision boxes a finger, claw and pad, 3 mm apart, with their own contact parameters."""
    return Body(
        f"{side}claw",
        f"0 {y} 0",
        "",
        CLAW,
        (
            f'<joint name="{slide}" class="arm_finger" range="{limits}"/>',
            f'<geom name="{side}claw_it" class="arm_claw" {FINGER_BOX}/>',
            look(f"{side}_carrier", "dark"),
            f'<site name="{side}EndEffector" pos="0.045 0 0" class="arm_site"/>',
        ),
        (
            Body(
                f"{side}pad",
                f"0 {pad_y} 0",
                "",
                None,
                (
                    f'<geom name="{side}pad_geom" class="arm_pad" {FINGER_BOX}/>',
                    look("finger", f"{side}_finger"),
                ),
            ),
        ),
    )


HAND = Body(
    "hand",
    "0 0 0.12",
    turn("y", -QUARTER_TURN),
    None,
    (
        box_look("0.004 0.055 0.006", "-0.043 0 0", "metal"),
        '<camera name="behindGripper" mode="track" pos="0 0 -0.5" quat="0 1 0 0" fovy="60"/>',
        '<camera name="gripperPOV" mode="track" pos="0.04 -0.06 0" quat="-0.609711 -0.792624 0 0" fovy="90"/>',
        '<site name="endEffector" pos="0.04 0 0" class="arm_site"/>',
    ),
    (
        finger("right", "-0.05", "0.003", "r_close", "0 0.04"),
        finger("left", "0.05", "-0.003", "l_close", "-0.03 0"),
    ),
)

WRIST = Body(
    "right_l6",
    "0 -0.11 0.1053",
    quat("0.0616248 0.06163 -0.704416 0.704416"),
    (0.3292, "-8.0726e-06 0.0085838 -0.0049566", "0.000360258 0.000311068 0.000214974", "0.479044 0.515636 -0.513069 0.491322"),
    (hinge("right_j6", "-4.7124 4.7124"), look("l6"), look("cuff", "dark")),
    (
        Body(
            "right_hand",
            "0 0 0.0245",
            turn("z", QUARTER_TURN),
            TINY,
            (
                '<geom name="palm" class="arm_palm" mesh="palm"/>',
                look("gripper"),
                look("gripper_dark", "dark"),
            ),
            (HAND,),
        ),
    ),
)

FOREARM = Body(
    "right_l4",
    "0 -0.125 -0.1265",
    turn("x", QUARTER_TURN),
    (1.1136, "-0.0018844 0.0069001 0.1341", "0.0136549 0.0135493 0.00127353", "0.803612 0.031257 -0.0298334 0.593582"),
    (hinge("right_j4", "-2.9761 2.9761"), look("l4"), look("l4_dark", "dark")),
    (
        Body("right_arm_itb", "-0.055 0 0.075", turn("y", -QUARTER_TURN), MARKER),
        Body(
            "right_l5",
            "0 0.031 0.275",
            turn("x", -QUARTER_TURN),
            (1.5625, "0.0061133 -0.023697 0.076416", "0.00474131 0.00422857 0.00190672", "0.404076 0.9135 0.0473125 0.00158335"),
            (hinge("right_j5", "-2.9761 2.9761"), look("l5"), look("l5_dark", "dark")),
            (WRIST,),
        ),
        Body("right_l4_2", "0 0 0", "", TINY),
    ),
)

UPPER_ARM = Body(
    "right_l1",
    "0.081 0.05 0.237",
    quat("0.5 -0.5 0.5 0.5"),
    (4.505, "-0.0030849 -0.026811 0.092521", "0.0224339 0.0221624 0.0097097", "0.424888 0.891987 0.132364 -0.0794296"),
    (hinge("right_j1", "-3.8 -0.5"), look("l1"), look("l1_dark", "dark")),
    (
        Body(
            "right_l2",
            "0 -0.14 0.1425",
            turn("x", QUARTER_TURN),
            (1.745, "-0.00016044 -0.014967 0.13582", "0.0257928 0.025506 0.00292515", "0.707831 -0.0524761 0.0516007 0.702537"),
            (hinge("right_j2", "-3.0426 3.0426"), look("l2"), look("l2_dark", "dark")),
            (
                Body(
                    "right_l3",
                    "0 -0.042 0.26",
                    turn("x", -QUARTER_TURN),
                    (2.5097, "-0.0048135 -0.0281 -0.084154", "0.0102404 0.0096997 0.00369622", "0.902999 0.385391 -0.0880901 0.168247"),
                    (
                        hinge("right_j3", "-3.0439 3.0439"),
                        look("l3"),
                        look("l3_dark", "dark"),
                    ),
                    (FOREARM,),
                ),
                Body("right_l2_2", "0 0 0", "", TINY),
            ),
        ),
        Body("right_l1_2", "0 0 0", "", TINY),
    ),
)

SHOULDER = Body(
    "right_l0",
    "0 0 0.08",
    "",
    (5.3213, "0.024366 0.010969 0.14363", "0.0651588 0.0510944 0.0186218", "0.894823 0.00899958 -0.170275 0.412573"),
    (hinge("right_j0", "-3.0503 3.0503"), look("l0"), look("l0_dark", "dark")),
    (
        Body(
            "head",
            "0 0 0.2965",
            "",
            (1.5795, "0.0053207 -2.6549e-05 0.1021", "0.0118334 0.00827089 0.00496574", "0.999993 7.08405e-05 -0.00359857 -0.000626247"),
            (look("head"), look("head_dark", "dark"), box_look("0.001 0.1 0.064", "0.0262 0 0.147", "face")),
            (Body("screen", "0.03 0 0.105", quat("0.5 0.5 0.5 0.5"), MARKER),),
        ),
        Body("right_torso_itb", "-0.055 0 0.22", turn("y", -QUARTER_TURN), MARKER),
        UPPER_ARM,
    ),
)

BASE = Body(
    "base",
    "0 0 0",
    "",
    None,
    (
        look("pedestal", "dark"),
        look("pedestal_trim", "black"),
    ),
    (
        Body(
            "right_arm_base_link",
            "0 0 0",
            "",
            None,
            (look("foot"), look("foot_dark", "dark")),
            (SHOULDER,),
        ),
    ),
)


def write(body: Body, indent: int) -> list[str]:
    pad = "  " * indent
    lines = [f'{pad}<body name="{body.name}"' + (f' pos="{body.pos}"' if body.pos else "") + (f" {body.rot}" if body.rot else "") + ">"]
    if body.inertial:
        mass, com, diagonal, frame = body.inertial
        lines.append(f'{pad}  <inertial mass="{mass:g}" pos="{com}" diaginertia="{diagonal}" quat="{frame}"/>')
    lines += [f"{pad}  {line}" for line in body.content]
    for child in body.children:
        lines += write(child, indent + 1)
    return [*lines, f"{pad}</body>"]


TEMPLATE = """<!-- Written by tools/parts/make_arm.py: edit there. Sawyer arm with a two-finger gripper, dragged by a mocap body through a weld. -->
<mujoco model="sawyer">
  <compiler angle="radian" inertiafromgeom="false" autolimits="true"/>
  <default>
    <default class="arm_look"><geom contype="0" conaffinity="0" group="1" mass="0"/></default>
    <default class="arm_hinge"><joint type="hinge" axis="0 0 1" damping="10" armature="0.001"/></default>
    <default class="arm_finger"><joint type="slide" axis="0 1 0" damping="1000" armature="100"/></default>
    <default class="arm_claw"><geom group="4" condim="4" margin="0.001" solimp="0.8 0.9 0.01"/></default>
    <default class="arm_pad"><geom group="4" condim="4" margin="0.001" friction="2 0.1 0.002" solref="0.01 1" solimp="0.95 0.99 0.01"/></default>
    <default class="arm_palm"><geom group="4" type="mesh"/></default>
    <default class="arm_site"><site size="0.005" group="4"/></default>
    <default class="arm_servo"><general gainprm="400" biastype="affine" biasprm="0 -400 0" ctrlrange="-1 1"/></default>
  </default>
  <asset>
    <mesh name="palm" inertia="convex" vertex="{vertices}"/>
{meshes}
    <texture name="face" type="2d" file="robot/looks/face.png"/>
    <material name="arm" rgba="0.58 0.06 0.06 1" specular="0.6" shininess="0.5"/>
    <material name="dark" rgba="0.16 0.16 0.17 1" specular="0.35" shininess="0.35"/>
    <material name="black" rgba="0.07 0.07 0.08 1" specular="0.3" shininess="0.3"/>
    <material name="metal" rgba="0.62 0.63 0.65 1" specular="0.7" shininess="0.7"/>
    <material name="face" texture="face" emission="0.55" specular="0.1" shininess="0.1"/>
    <material name="right_finger" rgba="0.95 0.95 0.95 1" emission="0.15" specular="0.2" shininess="0.2"/>
    <material name="left_finger" rgba="0.05 0.9 0.95 1" emission="0.2" specular="0.2" shininess="0.2"/>
  </asset>
  <worldbody>
{body}
    <body name="mocap" mocap="true"><site name="mocap" class="arm_site"/></body>
  </worldbody>
  <equality>
    <!-- relpose and torquescale as the published environment sets them at run time -->
    <weld name="mocap_weld" body1="mocap" body2="hand" anchor="0 0 0" relpose="0 0 0 -1 0 0 0" torquescale="5"/>
  </equality>
  <actuator>
    <general name="r_close" class="arm_servo" joint="r_close"/>
    <general name="l_close" class="arm_servo" joint="l_close"/>
  </actuator>
</mujoco>
"""


def main() -> None:
    vertices = " ".join(f"{x:.9g}" for x in palm_vertices().ravel())
    names = sorted(path.stem for path in (OUT.parent / "looks").glob("*.msh"))
    meshes = "\n".join(f'    <mesh name="arm_{name}" file="robot/looks/{name}.msh" inertia="shell"/>' for name in names)
    OUT.write_text(TEMPLATE.format(vertices=vertices, meshes=meshes, body="\n".join(write(BASE, 2))))
    print(f"wrote {OUT} with a palm of {len(palm_vertices())} vertices")


if __name__ == "__main__":
    main()
