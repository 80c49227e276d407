"""Write `assets/robot/looks/`: the shapes that the arm shows, one mesh per link and material, and the picture on its screen.

Lengths in metres, frames of the links as in `make_arm.py`: z is a link's joint axis. Castings are blended drums and bars, so that a link
is one smooth piece; dark bands mark the joints. Run `python tools/parts/make_arm_looks.py`, then `python tools/parts/make_arm.py`.
"""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from castings import Field, bar, blended, block, drum, wrapped
from surfaces import Surface, box, disc, extruded, merged, revolved, rounded, tube

OUT = Path(__file__).resolve().parents[2] / "assets" / "robot" / "looks"
ROUND = 22  # sides of the small round parts


def cap(radius: float, height: float = 0.004) -> Surface:
    """A flat cover with a groove around a raised middle, on z = 0."""
    return revolved(((0, -0.01), (radius, -0.01), (radius, 0.6 * height), (0.8 * radius, height), (0, height)), ROUND)


def joint_band(radius: float, low: float = -0.004, high: float = 0.006) -> Surface:
    """What separates two links: a dark ring a little wider than the castings."""
    return disc(radius + 0.0012, low, high, ROUND, 0.0015, steps=1)


def shoulder() -> dict[str, Surface]:
    """right_l0: the column that carries head and arm, with the housing of joint 1 (about y) in front."""
    column = drum((0.002, 0, -0.01), (0.002, 0, 0.31), 0.074, 0.02)
    housing = drum((0.081, -0.062, 0.237), (0.081, 0.046, 0.237), 0.07, 0.018)
    belly = bar((0.03, -0.006, 0.12), (0.06, -0.006, 0.235), 0.05, 0.064)
    shell = wrapped(blended(column, belly, housing, width=0.06), ((0.02, 0, 0.01), (0.02, 0, 0.29)), 22, 32)
    dark = joint_band(0.074, -0.004, 0.008) + disc(0.06, 0.305, 0.318, ROUND, 0.004).moved(0.002)
    return {"l0": shell, "l0_dark": dark}


def elbow(length: float, exit_height: float, exit_length: float, radius: float, exit_radius: float) -> Surface:
    """A drum about z from 0 to `length`, out of whose side a round arm leaves along -y."""
    field = blended(
        drum((0, 0, 0.002), (0, 0, length), radius, 0.02),
        drum((0, 0, exit_height), (0, -exit_length, exit_height), exit_radius, 0.004),
        width=0.05,
    )
    # Two views of one casting; where a view looks down the other's inside, its short reach leaves it hidden there.
    body = wrapped(field, ((0, 0, 0.025), (0, 0, length - 0.025)), 9, 24, reach=1.3 * radius)
    return body + wrapped(field, ((0, -0.3 * radius, exit_height), (0, 0.012 - exit_length, exit_height)), 7, 20, reach=1.15 * radius)


def links() -> dict[str, Surface]:
    """right_l1 … right_l6: elbows alternate with straight links."""
    l1 = elbow(0.212, 0.1425, 0.138, 0.0665, 0.055)
    l1_dark = joint_band(0.0665) + cap(0.049).moved(z=0.2175)
    l2_field = blended(bar((0, 0, 0), (0, 0, 0.2), 0.055, 0.048), drum((0, -0.04, 0.26), (0, 0.046, 0.26), 0.055, 0.016), width=0.03)
    l2_start = blended(drum((0, 0, 0.0), (0, 0, 0.06), 0.0545, 0.004), l2_field, width=0.01)
    l2 = wrapped(above(l2_start, 0.0), ((0, 0, 0.02), (0, 0, 0.27)), 11, 20)
    l2_dark = joint_band(0.0545) + cap(0.04).turned("x", -90).moved(0, 0.046, 0.26) + joint_band(0.0535, 0.062, 0.072)
    l3 = elbow(0.183, 0.1265, 0.123, 0.053, 0.0465)
    l3 = l3.turned("y", 180)
    l3_dark = (joint_band(0.0545) + cap(0.039).moved(z=0.187)).turned("y", 180)
    l4_field = blended(bar((0, 0, 0), (0, 0, 0.2), 0.0475, 0.0425), drum((0, -0.043, 0.275), (0, 0.029, 0.275), 0.049, 0.014), width=0.03)
    l4 = wrapped(above(l4_field, 0.0), ((0, 0, 0.02), (0, 0.0, 0.28)), 11, 20)
    l4_dark = joint_band(0.048) + cap(0.035).turned("x", 90).moved(0, -0.043, 0.275) + joint_band(0.0468, 0.075, 0.085)
    l5 = elbow(0.15, 0.1053, 0.108, 0.0475, 0.04)
    l5_dark = joint_band(0.049) + cap(0.035).moved(z=0.1535)
    l6_field = blended(
        drum((0, 0, -0.026), (0, 0, 0.0205), 0.0405, 0.005), block((0, 0.036, -0.003), (0.029, 0.03, 0.021), 0.012), width=0.02
    )
    l6 = wrapped(l6_field, ((0, 0.012, -0.018), (0, 0.012, 0.014)), 5, 26)
    lens = disc(0.0125, -0.002, 0.0015, 20, 0.001).turned("x", -90).moved(0, 0.066, -0.003)
    cuff = joint_band(0.0425, -0.0295, -0.0225) + joint_band(0.0398, 0.018, 0.0245) + lens
    return {
        "l1": l1, "l1_dark": l1_dark, "l2": l2, "l2_dark": l2_dark, "l3": l3, "l3_dark": l3_dark,
        "l4": l4, "l4_dark": l4_dark, "l5": l5, "l5_dark": l5_dark, "l6": l6, "cuff": cuff,
    }  # fmt: skip


def above(field: Field, z: float) -> Field:
    """The part of a field above a height."""

    def distance(points: np.ndarray) -> np.ndarray:
        return np.maximum(field(points), z - points[:, 2])

    return distance


def head() -> dict[str, Surface]:
    """The neck and the back of the display; its bezel."""
    neck = revolved(((0, -0.006), (0.052, -0.006), (0.05, 0.03), (0.034, 0.075), (0, 0.08)), 20, (0, 0.006, 0.02, 0.01, 0), 2)
    back = box((0.02, 0.127, 0.088), 0.019, (-0.002, 0, 0.147), 3)
    bump = box((0.02, 0.055, 0.05), 0.018, (-0.024, 0, 0.135), 3)
    bezel = box((0.0055, 0.118, 0.08), 0.0054, (0.0195, 0, 0.147), 2)
    camera = disc(0.006, 0, 0.002, 14).turned("y", 90).moved(0.0245, 0, 0.219)
    return {"head": neck + back + bump, "head_dark": bezel + camera + disc(0.0535, -0.007, 0.001, 20)}


def gripper() -> dict[str, Surface]:
    """right_hand: a red body between two dark plates, wide in y, that the fingers slide along; and what slides."""
    outline = rounded(((-0.0235, -0.05), (0.024, -0.05), (0.039, -0.02), (0.039, 0.02), (0.024, 0.05), (-0.0235, 0.05)), 0.009, 2)
    body = extruded(outline, 0.031, 0.0705, 0.005)
    plate = extruded(0.985 * outline, 0.0685, 0.0795, 0.0025, steps=1)
    neck = revolved(((0, 0.0), (0.036, 0.0), (0.036, 0.022), (0.03, 0.034), (0, 0.034)), 22, (0, 0.002, 0.004, 0, 0), 1)
    logo = box((0.0012, 0.016, 0.011), 0.0011, (-0.0235, 0, 0.051), 2)
    return {"gripper": body, "gripper_dark": plate + neck + logo}


def fingers() -> dict[str, Surface]:
    """The finger plates, exactly as large as their colliders, and the carriers that hold them from outside (hand frame: x to the tip)."""
    plate = box((0.045, 0.003, 0.015), 0.0028, steps=2)
    profile = rounded(
        ((-0.047, -0.002), (0.016, -0.002), (0.012, 0.0035), (-0.018, 0.0075), (-0.047, 0.0085)), (0, 0, 0.004, 0.01, 0.002), 2
    )
    carrier = extruded(profile, -0.0105, 0.0105, 0.0022, steps=1)
    slide = box((0.006, 0.0095, 0.0135), 0.002, (-0.0415, 0.002, 0), 1)
    left = (carrier + slide).moved(y=-0.0005)
    right = left.turned("x", 180)
    return {"finger": plate, "left_carrier": left, "right_carrier": right}


def pedestal() -> dict[str, Surface]:
    """base: column, bumper, controller box and feet; and the red foot of the arm on top."""
    column = revolved(
        ((0, -0.66), (0.15, -0.66), (0.135, -0.5), (0.125, -0.1), (0.132, -0.03), (0.122, 0.0), (0, 0.0)),
        28,
        (0, 0, 0.1, 0.1, 0.03, 0.01, 0),
        2,
    )
    controller = box((0.11, 0.19, 0.255), 0.03, (-0.315, 0, -0.385), 2)
    feet = box((0.375, 0.335, 0.13), 0.05, (-0.1225, 0, -0.775), 3)
    loop = rounded(((-0.2, -0.175), (0.11, -0.175), (0.145, -0.1), (0.145, 0.1), (0.11, 0.175), (-0.2, 0.175)), 0.08, 4)
    bumper = tube(np.column_stack([loop, np.full(len(loop), -0.055)]), 0.017, 8, is_closed=True)
    arms = merged(box((0.02, 0.03, 0.012), 0.006, (x, y, -0.055), 1) for x, y in ((0.128, 0.0), (0.0, 0.15), (0.0, -0.15)))
    wheels = merged(disc(0.035, -0.018, 0.018, 16).turned("x", 90).moved(x, y, -0.875) for x in (-0.43, 0.19) for y in (-0.3, 0.3))
    slots = merged(box((0.004, 0.13, 0.006), 0.003, (-0.426, 0, z), 1) for z in (-0.25, -0.28, -0.31, -0.34))
    foot = revolved(
        ((0, 0.0), (0.103, 0.0), (0.103, 0.024), (0.086, 0.05), (0.082, 0.079), (0, 0.079)), 28, (0, 0.004, 0.012, 0.03, 0, 0), 2
    )
    bolts = merged(disc(0.006, 0.02, 0.0275, 8).moved(0.0945 * np.cos(a), 0.0945 * np.sin(a)) for a in 2 * np.pi * (np.arange(8) + 0.5) / 8)
    return {
        "pedestal": column + controller + feet,
        "pedestal_trim": bumper + arms + wheels + slots + disc(0.124, -0.008, 0.004, 32, 0.003, steps=1),
        "foot": foot,
        "foot_dark": bolts,
    }


def face(width_px: int = 256, height_px: int = 160) -> np.ndarray:
    """A calm face for the screen, (height, width, 3): two eyes that look a little down to the table, and a faint smile."""
    y, x = np.mgrid[0:height_px, 0:width_px] + 0.5
    u, v = (x - width_px / 2) / height_px, (y - height_px / 2) / height_px
    shade = np.clip(1.05 - 0.35 * np.hypot(u, v), 0, 1)[..., None]
    picture = shade * np.array([30, 52, 74])

    def paint(distance: np.ndarray, colour: tuple[int, int, int]) -> None:
        cover = np.clip(0.5 - distance * height_px, 0, 1)[..., None]
        picture[:] = (1 - cover) * picture + cover * np.array(colour)

    for side in (-1, 1):
        paint(np.hypot((u - 0.3 * side) / 1.0, (v + 0.06) / 1.12) - 0.15, (240, 244, 246))
        paint(np.hypot(u - 0.3 * side, v + 0.025) - 0.085, (40, 110, 150))
        paint(np.hypot(u - 0.3 * side, v + 0.02) - 0.05, (14, 24, 34))
        paint(np.hypot(u - 0.3 * side + 0.028, v + 0.05) - 0.02, (255, 255, 255))
    smile = np.maximum(np.abs(np.hypot(u, v + 0.12) - 0.36) - 0.011, 0.2 - v)
    paint(smile, (225, 235, 240))
    return picture.round().astype(np.uint8)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    shapes = {**shoulder(), **links(), **head(), **gripper(), **fingers(), **pedestal()}
    for name, surface in shapes.items():
        surface.save(OUT / f"{name}.msh")
    imageio.imwrite(OUT / "face.png", face())
    print(f"wrote {len(shapes)} meshes, {sum(len(surface.faces) for surface in shapes.values())} triangles")


if __name__ == "__main__":
    main()
