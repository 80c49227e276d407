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


def boards(*sizes: tuple[tuple[float, float, float], tuple[float, float, float]], fillet: float = 0.002) -> Surface:
    """Wooden boards (half extents, middle), each with its grain along its longest side."""
    return merged(box(half, fillet, pos, 1).grained("xyz"[int(np.argmax(half))], offset=0.41 * k) for k, (half, pos) in enumerate(sizes))


def rod(radius: float, start: tuple[float, float, float], end: tuple[float, float, float], sides: int = 16) -> Surface:
    """A round bar with domed ends inside its length."""
    a, b = np.array(start), np.array(end)
    inset = (b - a) / np.linalg.norm(b - a) * min(radius, 0.45 * float(np.linalg.norm(b - a)))
    return tube([a + inset, b - inset], radius, sides)


def thread(start: np.ndarray, end: np.ndarray, radius: float) -> Surface:
    """A cord of a net: a thin three-sided bar."""
    axis = (end - start) / np.linalg.norm(end - start)
    side = np.cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    side /= np.linalg.norm(side)
    other = np.cross(axis, side)
    around = [np.cos(a) * side + np.sin(a) * other for a in 2 * np.pi * np.arange(3) / 3]
    return lofted([np.array([end_point + r * direction for direction in around]) for end_point, r in ((start, 0), (start, radius), (end, radius), (end, 0))])


def net(corners: tuple[tuple[float, float, float], ...], across: int, along: int, radius: float = 0.0008) -> Surface:
    """A rectangular or slanted net between four corners, in order around it."""
    a, b, c, d = (np.array(corner) for corner in corners)
    cords = [thread(a + t * (b - a), d + t * (c - d), radius) for t in np.linspace(0, 1, across + 1)]
    return merged([*cords, *(thread(a + t * (d - a), b + t * (c - b), radius) for t in np.linspace(0, 1, along + 1))])


def round_y(surface: Surface) -> Surface:
    """A surface of revolution about z, turned so that its z points to -y."""
    return surface.turned("x", 90)


def round_x(surface: Surface) -> Surface:
    """A surface of revolution about z, turned so that its z points to +x."""
    return surface.turned("y", 90)


def safe() -> Surface:
    """Case of the door scenes: five walls."""
    walls = (((0.016, 0.106, 0.148), (-0.204, 0, -0.002)), ((0.016, 0.106, 0.148), (0.204, 0, -0.002)), ((0.2, 0.105, 0.012), (0, 0, 0.138)))
    walls += (((0.2, 0.106, 0.012), (0, 0, -0.138)), ((0.19, 0.012, 0.126), (0, 0.094, 0)))
    return merged(box(half, 0.006, pos, 2) for half, pos in walls)


def lever_handle(z: float) -> Surface:
    """Rose, neck and bar of the doors' handle, frame of the door's hinge."""
    rose = round_y(revolved(((0, -0.006), (0.028, -0.006), (0.028, 0.004), (0.024, 0.008), (0, 0.008)), 24, (0, 0, 0.002, 0.004, 0)))
    neck = round_y(disc(0.013, 0, 0.112, 18)).moved(y=0.0)
    bar = round_x(revolved(((0, 0), (0.019, 0), (0.019, 0.03), (0.0225, 0.05), (0.0225, 0.13), (0.019, 0.15), (0, 0.15)), 22, (0, 0.008, 0.02, 0.02, 0.02, 0.008, 0)))
    return (rose.moved(y=-0.01) + neck).moved(0.325, 0, z) + bar.moved(0.306, -0.12, z)


def door_panel() -> Surface:
    """The door's plate with a raised field."""
    return box((0.18, 0.01, 0.123), 0.004, (0.185, 0, 0), 2) + box((0.15, 0.004, 0.096), 0.0038, (0.185, -0.0095, 0), 2)


def door() -> Looks:
    hinges = merged(rod(0.011, (0, -0.004, z - 0.035), (0, -0.004, z + 0.035), 14) for z in (-0.075, 0.075))
    return {"door_case": safe(), "door_panel": door_panel(), "door_handle": lever_handle(0) + hinges}


def door_lock() -> Looks:
    rose = round_y(revolved(((0, 0), (0.047, 0), (0.047, 0.009), (0.04, 0.0125), (0.02, 0.0125), (0.018, 0.0095), (0, 0.0095)), 28, (0, 0, 0.002, 0.004, 0, 0, 0)))
    blade = box((0.052, 0.009, 0.01), 0.006, (0.04, -0.034, 0), 3)
    hub = round_y(disc(0.017, 0.006, 0.044, 20, 0.004))
    return {"door_lock_case": safe(), "door_lock_panel": door_panel(), "door_lock_handle": lever_handle(-0.05) + rose.moved(0.185, -0.009, 0.061), "door_lock_lever": blade + hub}


def drawer() -> Looks:
    case = (((0.008, 0.099, 0.08), (-0.11, 0, -0.004)), ((0.008, 0.099, 0.08), (0.11, 0, -0.004)), ((0.105, 0.008, 0.078), (0, 0.092, -0.006)))
    case += (((0.105, 0.092, 0.014), (0, -0.008, -0.07)), ((0.118, 0.1, 0.008), (0, 0, 0.076)))
    tray = (((0.1, 0.008, 0.052), (0, 0.082, 0.008)), ((0.008, 0.08, 0.052), (-0.092, 0, 0.008)), ((0.008, 0.08, 0.052), (0.092, 0, 0.008)), ((0.1, 0.088, 0.008), (0, 0, -0.052)))
    front = box((0.1, 0.008, 0.052), 0.003, (0, -0.082, 0.008), 2) + box((0.08, 0.003, 0.036), 0.0028, (0, -0.0885, 0.008), 2)
    bow = tube(bent(((-0.05, -0.085, 0), (-0.05, -0.15, 0), (0.05, -0.15, 0), (0.05, -0.085, 0)), 0.016, 5), 0.009, 14)
    return {
        "drawer_case": merged(box(half, 0.003, pos, 2) for half, pos in case),
        "drawer_tray": merged(box(half, 0.002, pos, 1) for half, pos in tray) + front,
        "drawer_handle": bow,
    }


def button() -> Looks:
    case = box((0.12, 0.0735, 0.12), 0.012, (0, 0.0405, 0), 3)
    front = box((0.12, 0.03, 0.12), 0.012, (0, -0.06, 0), 3)
    rim = round_y(ring(0.034, 0.02, 0.0, 0.0085, 28, 0.003)).moved(y=-0.088)
    screws = merged(round_y(disc(0.006, 0, 0.0025, 12, 0.001)).moved(x, -0.0895, z) for x in (-0.1, 0.1) for z in (-0.1, 0.1))
    stem = round_y(disc(0.0204, 0, 0.0768, 20)).moved(y=-0.089)
    cap = round_y(revolved(((0, 0), (0.026, 0), (0.0425, 0.012), (0.0425, 0.026), (0.03, 0.0352), (0, 0.0358)), 28, (0, 0.002, 0.006, 0.01, 0.02, 0))).moved(y=-0.158)
    return {"button_case": case, "button_front": front, "button_rim": rim + screws, "button_stem": stem, "button_cap": cap}


def coffee_machine() -> Looks:
    tower = box((0.1, 0.098, 0.185), 0.014, (0, 0, 0.185), 3)
    top = box((0.1, 0.14, 0.07), 0.014, (0, -0.042, 0.3), 3)
    collar = round_y(ring(0.0405, 0.032, 0, 0.01, 28, 0.002)).moved(y=-0.18)
    spout = revolved(((0, 0), (0.0105, 0), (0.0155, 0.02), (0.0155, 0.07), (0.024, 0.078), (0.024, 0.086), (0, 0.086)), 20, (0, 0.002, 0.01, 0.005, 0.002, 0, 0)).moved(0, -0.141, 0.147)
    feet = box((0.1015, 0.0995, 0.006), 0.004, (0, 0, 0.006), 2)
    bridge = rod(0.009, (0, -0.085, 0.135), (0, -0.127, 0.135), 12)
    plate = box((0.07, 0.002, 0.06), 0.0018, (0, -0.0975, 0.085), 2)
    slots = merged(box((0.045, 0.0012, 0.0035), 0.001, (0, -0.0995, 0.05 + 0.014 * k), 1) for k in range(6))
    hopper = revolved(((0, 0), (0.062, 0), (0.07, 0.02), (0.07, 0.03), (0, 0.032)), 28, (0, 0, 0.004, 0.004, 0)).moved(0, -0.02, 0.366)
    knob = revolved(((0, 0), (0.032, 0), (0.032, 0.056), (0.026, 0.0605), (0.0, 0.0605)), 28, (0, 0, 0.004, 0.003, 0))
    icon = round_y(ring(0.019, 0.016, 0.0, 0.001, 24)).moved(0, -0.2203, 0.3)
    return {
        "coffee_body": tower + top,
        "coffee_black": collar.moved(z=0.3) + spout + feet + bridge + plate + hopper,
        "coffee_slots": slots,
        "coffee_button": round_y(knob).moved(0, -0.16, 0.3),
        "coffee_icon": icon,
    }


def mug() -> Looks:
    cup = ((0, 0), (0.0235, 0), (0.0275, 0.006), (0.0275, 0.066), (0.0245, 0.066), (0.0245, 0.008), (0.021, 0.005), (0, 0.005))
    bow = tube(bent(((0.026, 0, 0.057), (0.05, 0, 0.055), (0.049, 0, 0.03), (0.026, 0, 0.024)), 0.013, 5), 0.0042, 10)
    coffee = disc(0.0248, 0.05, 0.0535, 28)
    return {"mug": revolved(cup, 30, (0, 0.003, 0.004, 0.0014, 0.0014, 0.003, 0.003, 0), 2) + bow, "mug_coffee": coffee}


def hoop() -> Looks:
    board = box((0.1, 0.01, 0.07), 0.005, (0, 0, 0.29), 2)
    frames = ((0.092, 0.062, 0.0022), (0.04, 0.028, 0.003))
    lines = []
    for half_x, half_z, width in frames:
        height = 0.29 if half_x > 0.05 else 0.285
        lines += [box((half_x, 0.0012, width / 2), 0, (0, -0.0098, height + s * half_z)) for s in (-1, 1)]
        lines += [box((width / 2, 0.0012, half_z), 0, (s * half_x, -0.0098, height)) for s in (-1, 1)]
    pole = revolved(((0, 0), (0.026, 0), (0.026, 0.003), (0.01, 0.009), (0.007, 0.02), (0.007, 0.235), (0, 0.235)), 18, (0, 0, 0.001, 0.004, 0.004, 0, 0))
    angles = 2 * np.pi * np.arange(28) / 28
    rim = tube(np.column_stack([0.0455 * np.cos(angles), 0.0455 * np.sin(angles), np.full(28, -0.001)]), 0.0085, 10, is_closed=True)
    bracket = box((0.012, 0.016, 0.004), 0.002, (0, 0.06, 0), 2) + box((0.02, 0.003, 0.014), 0.002, (0, 0.071, -0.002), 2)
    count, levels = 12, ((0.046, -0.006), (0.04, -0.024), (0.034, -0.042), (0.031, -0.06), (0.033, -0.074))
    cords = []
    for step, ((r, z), (r_next, z_next)) in enumerate(zip(levels, levels[1:], strict=False)):
        for k in range(count):
            turn = 2 * np.pi * (k + 0.5 * step) / count
            start = np.array((r * np.cos(turn), r * np.sin(turn), z))
            for side in (-0.5, 0.5):
                to = turn + 2 * np.pi * side / count
                cords.append(thread(start, np.array((r_next * np.cos(to), r_next * np.sin(to), z_next)), 0.0009))
    return {"hoop_board": board, "hoop_lines": merged(lines), "hoop_pole": pole, "hoop_rim": rim + bracket, "hoop_net": merged(cords)}


def window() -> Looks:
    frame = (((0.017, 0.03, 0.181), (-0.216, 0, 0)), ((0.017, 0.03, 0.181), (0.216, 0, 0)), ((0.232, 0.032, 0.016), (0, 0, -0.166)), ((0.232, 0.032, 0.016), (0, 0, 0.166)))
    sill = box((0.25, 0.06, 0.011), 0.006, (0, 0, -0.192), 2)
    left = (((0.014, 0.012, 0.15), (-0.014, -0.013, 0)), ((0.01, 0.012, 0.15), (-0.19, -0.013, 0)), ((0.09, 0.0115, 0.01), (-0.104, -0.013, 0.14)))
    left += (((0.09, 0.0115, 0.01), (-0.104, -0.013, -0.14)), ((0.08, 0.005, 0.005), (-0.104, -0.018, 0)))
    right = (((0.01, 0.012, 0.15), (-0.09, 0, 0)), ((0.01, 0.012, 0.15), (0.09, 0, 0)), ((0.09, 0.0115, 0.01), (0, 0, 0.14)), ((0.09, 0.0115, 0.01), (0, 0, -0.14)), ((0.085, 0.005, 0.005), (0, -0.005, 0)))
    bow = tube(bent(((-0.014, -0.026, 0.045), (-0.014, -0.095, 0.045), (-0.014, -0.095, -0.045), (-0.014, -0.026, -0.045)), 0.014, 5), 0.008, 12)
    roses = merged(round_y(disc(0.0125, 0, 0.004, 16, 0.001)).moved(-0.014, -0.0245, z) for z in (-0.045, 0.045))

    def bars(parts: tuple) -> Surface:
        return merged(box(half, 0.004, pos, 2) for half, pos in parts)

    return {"window_frame": bars(frame) + sill, "window_left": bars(left), "window_right": bars(right), "window_handle": bow + roses}


def shelf() -> Looks:
    case = (((0.01, 0.1, 0.33), (-0.11, 0, 0.33)), ((0.01, 0.1, 0.33), (0.11, 0, 0.33)), ((0.12, 0.101, 0.01), (0, 0, 0.65)), ((0.1, 0.01, 0.32), (0, 0.09, 0.32)))
    case += (((0.1, 0.088, 0.02), (0, -0.008, 0.02)),)
    return {"shelf_case": boards(*case), "shelf_board": boards(((0.1, 0.095, 0.01), (0, -0.015, 0.24)), ((0.1, 0.095, 0.01), (0, -0.015, 0.05)))}


def soccer_goal() -> Looks:
    x, front, low_back, top_back, high = 0.0965, -0.058, 0.058, 0.008, 0.159
    posts = tube(bent(((-x, front, 0.006), (-x, front, high), (x, front, high), (x, front, 0.006)), 0.012, 4), 0.006, 12)
    sides = merged(tube(bent(((s * x, front, high), (s * x, top_back, high), (s * x, low_back, 0.004), (s * x, front, 0.004)), 0.015, 4), 0.0035, 8) for s in (-1, 1))
    bars = merged(rod(0.0035, (-x, y, z), (x, y, z), 8) for y, z in ((low_back, 0.004), (top_back, high)))
    nets = net(((-x, low_back, 0.004), (x, low_back, 0.004), (x, top_back, high), (-x, top_back, high)), 15, 12)
    nets += net(((-x, top_back, high), (x, top_back, high), (x, front, high), (-x, front, high)), 15, 5)
    for s in (-1, 1):
        nets += net(((s * x, front, 0.004), (s * x, low_back, 0.004), (s * x, top_back, high), (s * x, front, high)), 8, 12)
    return {"soccer_goal_posts": posts + sides + bars, "soccer_goal_cords": nets}


def hockey_net() -> Looks:
    x, front, low_back, top_back, high = 0.1, -0.0685, 0.077, 0.036, 0.174
    posts = tube(bent(((-x, front, 0.009), (-x, front, high), (x, front, high), (x, front, 0.009)), 0.02, 4), 0.008, 12)
    base = tube(bent(((-x, front, 0.009), (-x, low_back, 0.009), (x, low_back, 0.009), (x, front, 0.009)), 0.03, 4), 0.008, 10)
    back = tube(bent(((-x, front, high), (-x, top_back, high), (x, top_back, high), (x, front, high)), 0.02, 4), 0.004, 8)
    nets = net(((-x, low_back, 0.009), (x, low_back, 0.009), (x, top_back, high), (-x, top_back, high)), 14, 12, 0.0011)
    nets += net(((-x, top_back, high), (x, top_back, high), (x, front, high), (-x, front, high)), 14, 6, 0.0011)
    for s in (-1, 1):
        nets += net(((s * x, front, 0.009), (s * x, low_back, 0.009), (s * x, top_back, high), (s * x, front, high)), 8, 12, 0.0011)
    return {"net_posts": posts + base + back, "net_cords": nets}


def nut() -> Looks:
    angles = 2 * np.pi * np.arange(32) / 32
    section = rounded(((-0.012, -0.0145), (0.013, -0.0145), (0.013, 0.0145), (-0.012, 0.0145)), 0.006, 2)
    rings = [np.column_stack([(0.05 + r) * np.cos(angles), (0.05 + r) * np.sin(angles), np.full(32, z)]) for r, z in [*section, section[0]]]
    stem = rod(0.0115, (0, -0.05, 0), (0, -0.14, 0), 14)
    grip = box((0.019, 0.038, 0.016), 0.009, (0, -0.13, 0), 3)
    ribs = merged(box((0.0196, 0.0018, 0.0166), 0.0095, (0, y, 0), 2) for y in (-0.15, -0.14, -0.13, -0.12, -0.11))
    return {"nut_steel": lofted(rings) + stem, "nut_grip": grip, "nut_ribs": ribs}


def hammer() -> Looks:
    grip = round_x(revolved(((0, -0.159), (0.017, -0.159), (0.0195, -0.13), (0.0175, -0.06), (0.0195, 0.0), (0.0165, 0.03), (0, 0.03)), 20, (0, 0.01, 0.03, 0.06, 0.03, 0.01, 0)))
    neck = round_x(revolved(((0, 0), (0.0155, 0), (0.0135, 0.05), (0.017, 0.12), (0, 0.12)), 18, (0, 0, 0.05, 0.02, 0))).moved(0.025)
    face = ((0, 0.0), (0.02, 0.0), (0.02, 0.036), (0.0375, 0.043), (0.0375, 0.067), (0.034, 0.0715), (0, 0.0715))
    half = revolved(face, 26, (0, 0, 0.005, 0.003, 0.003, 0.002, 0), 2)
    return {"hammer_grip": grip, "hammer_neck": neck, "hammer_head": (half.turned("x", 90) + half.turned("x", -90)).moved(0.16)}


def faucet() -> Looks:
    base = revolved(((0, 0), (0.046, 0), (0.046, 0.008), (0.03, 0.018), (0.0175, 0.03), (0.0165, 0.09), (0.019, 0.105), (0, 0.105)), 28, (0, 0, 0.003, 0.02, 0.012, 0.02, 0, 0))
    hub = revolved(((0, -0.019), (0.032, -0.019), (0.032, 0.012), (0.022, 0.0215), (0, 0.0225)), 28, (0, 0.003, 0.008, 0.008, 0))
    arm = rod(0.012, (0, -0.02, 0.001), (0, -0.075, 0.001), 14)
    lever = revolved(((0, 0.0), (0.0125, 0.0), (0.0165, 0.02), (0.0165, 0.122), (0, 0.122)), 20, (0, 0.004, 0.015, 0.0155, 0))
    return {"faucet_base": base, "faucet_hub": hub + arm, "faucet_lever": round_y(lever).moved(0, -0.069, 0.001)}


def lever() -> Looks:
    outline = [(-0.083, 0.01), (0.083, 0.01), *((0.083 * np.cos(a), 0.25 + 0.083 * np.sin(a)) for a in np.linspace(0, np.pi, 17))]
    stand = extruded(outline, -0.041, 0.041, 0.006).turned("x", 90).turned("z", 90)
    foot = box((0.052, 0.094, 0.013), 0.005, (0, 0, 0.013), 2)
    cover = round_x(revolved(((0, 0), (0.06, 0), (0.056, 0.004), (0, 0.004)), 28, 0)).moved(0.041, 0, 0.25)
    axle = round_x(disc(0.016, -0.08, 0.014, 16)) + round_x(disc(0.0375, -0.016, 0.016, 24, 0.004))
    bar = round_y(revolved(((0, 0), (0.0125, 0), (0.0105, 0.18), (0, 0.18)), 16))
    ball = revolved([(0.03 * np.cos(a), 0.03 * np.sin(a)) for a in np.linspace(-np.pi / 2, np.pi / 2, 13)], 24)
    return {"lever_stand": stand + foot, "lever_cover": cover, "lever_axle": axle, "lever_rod": bar, "lever_ball": ball.moved(0, -0.2, 0)}


def dial() -> Looks:
    angles = 2 * np.pi * np.arange(96) / 96
    outline = (0.0488 + 0.0012 * np.cos(24 * angles))[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    knob = extruded(outline, 0.004, 0.0355, 0.003, steps=1)
    plate = disc(0.058, 0.0, 0.004, 36, 0.0015)
    grip = extruded(rounded(((-0.015, -0.046), (0.015, -0.046), (0.015, 0.046), (-0.015, 0.046)), 0.009, 3), 0.034, 0.066, 0.005)
    mark = box((0.0028, 0.018, 0.001), 0.0008, (0, -0.024, 0.0662), 1) + box((0.0028, 0.001, 0.012), 0.0008, (0, -0.0462, 0.049), 1)
    return {"dial_plate": plate, "dial_knob": knob, "dial_grip": grip, "dial_mark": mark}


def peg_box() -> Looks:
    shell = boards(((0.1, 0.1, 0.006), (0, 0, 0.195)), ((0.006, 0.1, 0.097), (0.095, 0, 0.097)), ((0.006, 0.1, 0.097), (-0.095, 0, 0.097)))
    core = (((0.09, 0.096, 0.05), (0, 0, 0.05)), ((0.03, 0.096, 0.03), (-0.06, 0, 0.13)), ((0.03, 0.096, 0.03), (0.06, 0, 0.13)), ((0.09, 0.096, 0.015), (0, 0, 0.175)))
    edge = merged(box(half, 0.0012, pos, 1) for half, pos in (
        ((0.036, 0.0015, 0.003), (0, -0.0965, 0.163)), ((0.036, 0.0015, 0.003), (0, -0.0965, 0.097)),
        ((0.003, 0.0015, 0.03), (-0.033, -0.0965, 0.13)), ((0.003, 0.0015, 0.03), (0.033, -0.0965, 0.13)),
    ))  # fmt: skip
    return {"peg_box_shell": shell, "peg_box_core": merged(box(half, 0, pos) for half, pos in core), "peg_box_edge": edge}


def plug() -> Looks:
    handle = round_x(revolved(((0, -0.006), (0.04, -0.006), (0.04, 0.09), (0, 0.1)), 26, (0, 0.004, 0.028, 0)))
    flange = round_x(disc(0.045, -0.02, -0.006, 28, 0.004))
    pin = round_x(revolved(((0, -0.07), (0.017, -0.07), (0.02, -0.064), (0.02, -0.015), (0, -0.015)), 22, (0, 0.001, 0.002, 0, 0)))
    ribs = merged(round_x(ring(0.0412, 0.037, x, x + 0.004, 26, 0.001)) for x in (0.01, 0.022, 0.034, 0.046))
    return {"plug_handle": handle + flange, "plug_ribs": ribs, "plug_pin": pin}


def socket() -> Looks:
    wood = (((0.025, 0.039, 0.022), (0, 0.061, 0.032)), ((0.025, 0.1, 0.023), (0, 0, 0.077)), ((0.025, 0.1, 0.055), (0, 0, -0.045)), ((0.025, 0.039, 0.022), (0, -0.061, 0.032)))
    cover = (((0.003, 0.029, 0.022), (0.0245, 0.051, 0.032)), ((0.003, 0.029, 0.022), (0.0245, -0.051, 0.032)), ((0.003, 0.08, 0.018), (0.0245, 0, 0.072)), ((0.003, 0.08, 0.045), (0.0245, 0, -0.035)))
    screws = merged(round_x(disc(0.005, 0.026, 0.0292, 12, 0.0006)).moved(0, y, z) for y in (-0.068, 0.068) for z in (0.078, -0.066))
    return {"socket_wood": boards(*wood, fillet=0.0005), "socket_cover": merged(box(half, 0.001, pos, 1) for half, pos in cover), "socket_screws": screws}


def thermos() -> Looks:
    steel = ((0, 0), (0.062, 0), (0.062, 0.038), (0.06, 0.041), (0, 0.041))
    body = ((0, 0.04), (0.06, 0.04), (0.06, 0.228), (0.058, 0.24), (0, 0.24))
    neck = ((0, 0.236), (0.0504, 0.236), (0.0474, 0.25), (0.0445, 0.262), (0.04, 0.268), (0.04, 0.32), (0.0375, 0.33), (0, 0.33))
    band = ring(0.0608, 0.05, 0.222, 0.23, 36, 0.001) + ring(0.0412, 0.03, 0.27, 0.276, 30, 0.001) + ring(0.0412, 0.03, 0.3, 0.306, 30, 0.001)
    bow = tube(bent(((0, -0.055, 0.195), (0, -0.135, 0.195), (0, -0.135, 0.069), (0, -0.055, 0.069)), 0.02, 5), 0.0078, 12)
    return {
        "thermos_steel": revolved(steel, 36, (0, 0.003, 0.002, 0, 0), 2) + revolved(neck, 32, (0, 0, 0.003, 0.003, 0.003, 0.002, 0.004, 0), 2),
        "thermos_green": revolved(body, 36, (0, 0, 0.006, 0.004, 0), 2),
        "thermos_black": band + bow,
    }


def lid() -> Looks:
    plate = (((0.115, 0.115, 0.0045), (0, 0, 0.0015)), ((0.005, 0.1142, 0.008), (0.1092, 0, -0.008)), ((0.005, 0.1142, 0.008), (-0.1092, 0, -0.008)))
    plate += (((0.105, 0.005, 0.0078), (0, -0.1092, -0.008)), ((0.105, 0.005, 0.0078), (0, 0.1092, -0.008)))
    bow = tube(bent(((0, -0.05, 0.004), (0, -0.05, 0.081), (0, 0.05, 0.081), (0, 0.05, 0.004)), 0.016, 5), 0.008, 14)
    feet = merged(disc(0.014, 0.005, 0.0095, 18, 0.002).moved(y=y) for y in (-0.05, 0.05))
    return {"lid_wood": boards(*plate), "lid_handle": bow + feet}


def crate(floor_fillet: float = 0.002) -> tuple[tuple[tuple[float, float, float], tuple[float, float, float]], ...]:
    """Walls and floor of an open box, 20 × 20 × 6 cm."""
    walls = (((0.1, 0.005, 0.03), (0, -0.095, 0.03)), ((0.1, 0.005, 0.03), (0, 0.095, 0.03)), ((0.005, 0.09, 0.03), (0.095, 0, 0.03)))
    return (*walls, ((0.005, 0.09, 0.03), (-0.095, 0, 0.03)), ((0.096, 0.096, 0.005), (0, 0, 0.005)))


def lid_box() -> Looks:
    return {"lid_box": boards(*crate())}


def bins() -> Looks:
    return {"bin": loop(0.1, 0.1, 0.01, 0.0, 0.06, 0.012, 0.004) + box((0.095, 0.095, 0.005), 0.001, (0, 0, 0.005), 1)}


def handle() -> Looks:
    arc = [(0.0146 - 0.1247 * np.cos(a), 0.095 + 0.1247 * np.sin(a)) for a in np.linspace(np.pi / 2, 0.0, 13)]
    outline = [(-0.11, 0.0), (0.11, 0.0), (0.11, 0.2197), *arc]
    cheek = extruded(outline, 0.0346, 0.0864, 0.006).turned("x", 90).turned("z", 90)
    inner = [(-0.0546, 0.0), (0.11, 0.0), (0.11, 0.2197), *(point for point in arc if point[0] > -0.0546)]
    back = extruded(inner, -0.036, 0.036, 0).turned("x", 90).turned("z", 90)
    stop = box((0.035, 0.028, 0.014), 0.003, (0, -0.082, 0.014), 2)
    arm = box((0.032, 0.08, 0.011), 0.004, (0, -0.0787, 0), 2)
    grip = round_x(revolved(((0, -0.07), (0.019, -0.07), (0.022, -0.062), (0.022, 0.062), (0.019, 0.07), (0, 0.07)), 24, (0, 0.002, 0.006, 0.006, 0.002, 0)))
    ribs = merged(round_x(ring(0.0226, 0.02, x, x + 0.004, 24, 0.001)) for x in (-0.052, -0.04, 0.036, 0.048))
    return {"handle_housing": cheek + cheek.moved(-0.1212) + back, "handle_stop": stop, "handle_arm": arm, "handle_grip": (grip + ribs).moved(0, -0.166, 0)}


def nail_box() -> Looks:
    nail = revolved(((0, -0.062), (0.03, -0.062), (0.03, -0.047), (0.012, -0.044), (0.01, -0.038), (0.01, 0.064), (0, 0.064)), 24, (0, 0.003, 0.003, 0.004, 0, 0, 0))
    blocks = (((0.1, 0.1, 0.0365), (0, 0, 0.0365)), ((0.1, 0.1, 0.0365), (0, 0, 0.11)), ((0.1, 0.1, 0.0365), (0, 0, 0.1835)))
    hole = round_y(ring(0.024, 0.0155, 0, 0.002, 24)).moved(0, -0.099, 0.11)
    return {"nail_box_wood": boards(*blocks, fillet=0.003), "nail_box_nail": nail.turned("x", -90).moved(y=0.053), "nail_box_hole": hole + round_y(disc(0.0155, 0, 0.001, 20)).moved(0, -0.1, 0.11)}


def pieces() -> Looks:
    """Pucks, cubes, bars and walls, each about its middle."""
    puck = revolved(((0, -0.02), (0.02, -0.02), (0.02, 0.02), (0.0165, 0.02), (0.0155, 0.0187), (0, 0.0187)), 30, (0, 0.003, 0.003, 0.0005, 0.0005, 0), 2)
    flat = revolved(((0, -0.015), (0.03, -0.015), (0.03, 0.015), (0.025, 0.015), (0.0235, 0.0135), (0, 0.0135)), 32, (0, 0.003, 0.003, 0.0005, 0.0005, 0), 2)
    slide = revolved(((0, -0.015), (0.05, -0.015), (0.05, 0.015), (0.042, 0.015), (0.04, 0.0135), (0, 0.0135)), 40, (0, 0.004, 0.004, 0.001, 0.001, 0), 2)
    stripes = ring(0.0504, 0.045, -0.0055, -0.0035, 40) + ring(0.0504, 0.045, 0.0035, 0.0055, 40)
    bar = box((0.05, 0.02, 0.02), 0.005, steps=2)
    bands = merged(box((0.003, 0.0204, 0.0204), 0.0052, (x, 0, 0), 2) for x in (-0.035, 0.035))
    return {
        "puck": puck, "puck_flat": flat, "slide_puck": slide, "slide_puck_stripes": stripes,
        "cube": box((0.02, 0.02, 0.02), 0.0035, steps=2), "cube_wood": box((0.02, 0.02, 0.02), 0.003, steps=2).grained("x"),
        "wall_low": box((0.12, 0.01, 0.06), 0.002, steps=1).grained("x", 0.12), "wall_tall": box((0.1, 0.01, 0.075), 0.002, steps=1).grained("x", 0.12),
        "peg": box((0.12, 0.015, 0.015), 0.003, steps=2), "stick": bar, "stick_bands": bands, "nut_peg": disc(0.02, -0.05, 0.05, 28, 0.004),
    }  # fmt: skip


PROPS: dict[str, Callable[[], Looks]] = {
    make.__name__: make
    for make in (
        door, door_lock, drawer, button, coffee_machine, mug, hoop, window, shelf, soccer_goal, hockey_net, nut, hammer, faucet, lever, dial,
        peg_box, plug, socket, thermos, lid, lid_box, bins, handle, nail_box, pieces,
    )
}  # fmt: skip


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
