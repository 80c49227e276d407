"""Shapes of the table and of what stands on it: frames of the bodies in `assets/`, lengths in metres. Saved by `make_looks.py`."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from surfaces import (
    Surface,
    bent,
    boards,
    box,
    disc,
    extruded,
    loop,
    merged,
    net,
    revolved,
    ring,
    rod,
    round_x,
    round_y,
    rounded,
    thread,
    tube,
)

Looks = dict[str, Surface]  # by mesh name


def arena() -> Looks:
    """The table's leg, about its middle, and its four walls in one piece."""
    return {"leg": box((0.032, 0.032, 0.436), 0.006, steps=2), "wall": loop(0.7, 0.4, 0.02, -0.06, 0.06, 0.012, 0.004)}


def safe() -> Surface:
    """Case of the door scenes: five walls."""
    walls = (
        ((0.016, 0.106, 0.148), (-0.204, 0, -0.002)),
        ((0.016, 0.106, 0.148), (0.204, 0, -0.002)),
        ((0.2, 0.105, 0.012), (0, 0, 0.138)),
    )
    walls += (((0.2, 0.106, 0.012), (0, 0, -0.138)), ((0.19, 0.012, 0.126), (0, 0.094, 0)))
    return merged(box(half, 0.006, pos, 2) for half, pos in walls)


def lever_handle(z: float) -> Surface:
    """Rose, neck and bar of the doors' handle, frame of the door's hinge."""
    rose = round_y(revolved(((0, -0.006), (0.028, -0.006), (0.028, 0.004), (0.024, 0.008), (0, 0.008)), 24, (0, 0, 0.002, 0.004, 0)))
    neck = round_y(disc(0.013, 0, 0.112, 18)).moved(y=0.0)
    bar = round_x(
        revolved(
            ((0, 0), (0.019, 0), (0.019, 0.03), (0.0225, 0.05), (0.0225, 0.13), (0.019, 0.15), (0, 0.15)),
            22,
            (0, 0.008, 0.02, 0.02, 0.02, 0.008, 0),
        )
    )
    return (rose.moved(y=-0.01) + neck).moved(0.325, 0, z) + bar.moved(0.306, -0.12, z)


def door_panel() -> Surface:
    """The door's plate with a raised field."""
    return box((0.18, 0.01, 0.123), 0.004, (0.185, 0, 0), 2) + box((0.15, 0.004, 0.096), 0.0038, (0.185, -0.0095, 0), 2)


def door() -> Looks:
    hinges = merged(rod(0.011, (0, -0.004, z - 0.035), (0, -0.004, z + 0.035), 14) for z in (-0.075, 0.075))
    return {"door_case": safe(), "door_panel": door_panel(), "door_handle": lever_handle(0) + hinges}


def door_lock() -> Looks:
    rose = round_y(
        revolved(
            ((0, 0), (0.047, 0), (0.047, 0.009), (0.04, 0.0125), (0.02, 0.0125), (0.018, 0.0095), (0, 0.0095)),
            28,
            (0, 0, 0.002, 0.004, 0, 0, 0),
        )
    )
    blade = box((0.052, 0.009, 0.01), 0.006, (0.04, -0.034, 0), 3)
    hub = round_y(disc(0.017, 0.006, 0.044, 20, 0.004))
    return {
        "door_lock_case": safe(),
        "door_lock_panel": door_panel(),
        "door_lock_handle": lever_handle(-0.05) + rose.moved(0.185, -0.009, 0.061),
        "door_lock_lever": blade + hub,
    }


def drawer() -> Looks:
    case = (
        ((0.008, 0.099, 0.08), (-0.11, 0, -0.004)),
        ((0.008, 0.099, 0.08), (0.11, 0, -0.004)),
        ((0.105, 0.008, 0.078), (0, 0.092, -0.006)),
    )
    case += (((0.105, 0.092, 0.014), (0, -0.008, -0.07)), ((0.118, 0.1, 0.008), (0, 0, 0.076)))
    tray = (
        ((0.1, 0.008, 0.052), (0, 0.082, 0.008)),
        ((0.008, 0.08, 0.052), (-0.092, 0, 0.008)),
        ((0.008, 0.08, 0.052), (0.092, 0, 0.008)),
        ((0.1, 0.088, 0.008), (0, 0, -0.052)),
    )
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
    cap = round_y(
        revolved(((0, 0), (0.026, 0), (0.0425, 0.012), (0.0425, 0.026), (0.03, 0.0352), (0, 0.0358)), 28, (0, 0.002, 0.006, 0.01, 0.02, 0))
    ).moved(y=-0.158)
    return {"button_case": case, "button_front": front, "button_rim": rim + screws, "button_stem": stem, "button_cap": cap}


def coffee_machine() -> Looks:
    tower = box((0.0985, 0.098, 0.184), 0.014, (0, 0, 0.185), 3)
    top = box((0.1, 0.14, 0.07), 0.014, (0, -0.042, 0.3), 3)
    collar = round_y(ring(0.0405, 0.032, 0, 0.01, 28, 0.002)).moved(y=-0.18)
    spout = revolved(
        ((0, 0), (0.0105, 0), (0.0155, 0.02), (0.0155, 0.07), (0.024, 0.078), (0.024, 0.086), (0, 0.086)),
        20,
        (0, 0.002, 0.01, 0.005, 0.002, 0, 0),
    ).moved(0, -0.141, 0.147)
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


def hoop() -> Looks:
    board = box((0.1, 0.01, 0.07), 0.005, (0, 0, 0.29), 2)
    frames = ((0.092, 0.062, 0.0022), (0.04, 0.028, 0.003))
    lines = []
    for half_x, half_z, width in frames:
        height = 0.29 if half_x > 0.05 else 0.285
        lines += [box((half_x, 0.0012, width / 2), 0, (0, -0.0098, height + s * half_z)) for s in (-1, 1)]
        lines += [box((width / 2, 0.0012, half_z), 0, (s * half_x, -0.0098, height)) for s in (-1, 1)]
    pole = revolved(
        ((0, 0), (0.026, 0), (0.026, 0.003), (0.01, 0.009), (0.007, 0.02), (0.007, 0.235), (0, 0.235)),
        18,
        (0, 0, 0.001, 0.004, 0.004, 0, 0),
    )
    angles = 2 * np.pi * np.arange(28) / 28
    rim = tube(np.column_stack([0.0455 * np.cos(angles), 0.0455 * np.sin(angles), np.full(28, -0.001)]), 0.0085, 10, is_closed=True)
    bracket = box((0.012, 0.016, 0.004), 0.002, (0, 0.06, 0), 2) + box((0.02, 0.003, 0.014), 0.002, (0, 0.071, -0.002), 2)
    count, levels = 12, ((0.046, -0.006), (0.04, -0.024), (0.034, -0.042), (0.031, -0.06), (0.033, -0.074))
    cords = []
    for step, ((r, z), (r_next, z_next)) in enumerate(pairwise(levels)):
        for k in range(count):
            turn = 2 * np.pi * (k + 0.5 * step) / count
            start = np.array((r * np.cos(turn), r * np.sin(turn), z))
            for side in (-0.5, 0.5):
                to = turn + 2 * np.pi * side / count
                cords.append(thread(start, np.array((r_next * np.cos(to), r_next * np.sin(to), z_next)), 0.0009))
    return {"hoop_board": board, "hoop_lines": merged(lines), "hoop_pole": pole, "hoop_rim": rim + bracket, "hoop_net": merged(cords)}


def window() -> Looks:
    frame = (
        ((0.017, 0.03, 0.181), (-0.216, 0, 0)),
        ((0.017, 0.03, 0.181), (0.216, 0, 0)),
        ((0.232, 0.032, 0.016), (0, 0, -0.166)),
        ((0.232, 0.032, 0.016), (0, 0, 0.166)),
    )
    sill = box((0.25, 0.06, 0.011), 0.006, (0, 0, -0.192), 2)
    left = (
        ((0.014, 0.012, 0.15), (-0.014, -0.013, 0)),
        ((0.01, 0.012, 0.15), (-0.19, -0.013, 0)),
        ((0.09, 0.0115, 0.01), (-0.104, -0.013, 0.14)),
    )
    left += (((0.09, 0.0115, 0.01), (-0.104, -0.013, -0.14)), ((0.08, 0.005, 0.005), (-0.104, -0.018, 0)))
    right = (
        ((0.01, 0.012, 0.15), (-0.09, 0, 0)),
        ((0.01, 0.012, 0.15), (0.09, 0, 0)),
        ((0.09, 0.0115, 0.01), (0, 0, 0.14)),
        ((0.09, 0.0115, 0.01), (0, 0, -0.14)),
        ((0.085, 0.005, 0.005), (0, -0.005, 0)),
    )
    bow = tube(
        bent(((-0.014, -0.026, 0.045), (-0.014, -0.095, 0.045), (-0.014, -0.095, -0.045), (-0.014, -0.026, -0.045)), 0.014, 5), 0.008, 12
    )
    roses = merged(round_y(disc(0.0125, 0, 0.004, 16, 0.001)).moved(-0.014, -0.0245, z) for z in (-0.045, 0.045))

    def bars(parts: tuple) -> Surface:
        return merged(box(half, 0.004, pos, 2) for half, pos in parts)

    return {"window_frame": bars(frame) + sill, "window_left": bars(left), "window_right": bars(right), "window_handle": bow + roses}


def shelf() -> Looks:
    case = (
        ((0.01, 0.1, 0.33), (-0.11, 0, 0.33)),
        ((0.01, 0.1, 0.33), (0.11, 0, 0.33)),
        ((0.12, 0.101, 0.01), (0, 0, 0.65)),
        ((0.1, 0.01, 0.32), (0, 0.09, 0.32)),
    )
    case += (((0.1, 0.088, 0.02), (0, -0.008, 0.02)),)
    return {
        "shelf_case": boards(*case),
        "shelf_board": boards(((0.1, 0.095, 0.01), (0, -0.015, 0.24)), ((0.1, 0.095, 0.01), (0, -0.015, 0.05))),
    }


def soccer_goal() -> Looks:
    x, front, low_back, top_back, high = 0.0965, -0.058, 0.058, 0.008, 0.159
    posts = tube(bent(((-x, front, 0.006), (-x, front, high), (x, front, high), (x, front, 0.006)), 0.012, 4), 0.006, 12)
    sides = merged(
        tube(bent(((s * x, front, high), (s * x, top_back, high), (s * x, low_back, 0.004), (s * x, front, 0.004)), 0.015, 4), 0.0035, 8)
        for s in (-1, 1)
    )
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


def faucet() -> Looks:
    base = revolved(
        ((0, 0), (0.046, 0), (0.046, 0.008), (0.03, 0.018), (0.0175, 0.03), (0.0165, 0.09), (0.019, 0.105), (0, 0.105)),
        28,
        (0, 0, 0.003, 0.02, 0.012, 0.02, 0, 0),
    )
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
    core = (
        ((0.09, 0.096, 0.05), (0, 0, 0.05)),
        ((0.03, 0.096, 0.03), (-0.06, 0, 0.13)),
        ((0.03, 0.096, 0.03), (0.06, 0, 0.13)),
        ((0.09, 0.096, 0.015), (0, 0, 0.175)),
    )
    edge = merged(box(half, 0.0012, pos, 1) for half, pos in (
        ((0.036, 0.0015, 0.003), (0, -0.0965, 0.163)), ((0.036, 0.0015, 0.003), (0, -0.0965, 0.097)),
        ((0.003, 0.0015, 0.03), (-0.033, -0.0965, 0.13)), ((0.003, 0.0015, 0.03), (0.033, -0.0965, 0.13)),
    ))  # fmt: skip
    return {"peg_box_shell": shell, "peg_box_core": merged(box(half, 0, pos) for half, pos in core), "peg_box_edge": edge}


def socket() -> Looks:
    wood = (
        ((0.025, 0.039, 0.022), (0, 0.061, 0.032)),
        ((0.025, 0.1, 0.023), (0, 0, 0.077)),
        ((0.025, 0.1, 0.055), (0, 0, -0.045)),
        ((0.025, 0.039, 0.022), (0, -0.061, 0.032)),
    )
    cover = (
        ((0.003, 0.029, 0.022), (0.0245, 0.051, 0.032)),
        ((0.003, 0.029, 0.022), (0.0245, -0.051, 0.032)),
        ((0.003, 0.08, 0.018), (0.0245, 0, 0.072)),
        ((0.003, 0.08, 0.045), (0.0245, 0, -0.035)),
    )
    screws = merged(round_x(disc(0.005, 0.026, 0.0292, 12, 0.0006)).moved(0, y, z) for y in (-0.068, 0.068) for z in (0.078, -0.066))
    return {
        "socket_wood": boards(*wood, fillet=0.0005),
        "socket_cover": merged(box(half, 0.001, pos, 1) for half, pos in cover),
        "socket_screws": screws,
    }


def handle() -> Looks:
    arc = [(0.0146 - 0.1247 * np.cos(a), 0.095 + 0.1247 * np.sin(a)) for a in np.linspace(np.pi / 2, 0.0, 13)]
    outline = [(-0.11, 0.0), (0.11, 0.0), (0.11, 0.2197), *arc]
    cheek = extruded(outline, 0.0346, 0.0864, 0.006).turned("x", 90).turned("z", 90)
    inner = [(-0.0546, 0.0), (0.11, 0.0), (0.11, 0.2197), *(point for point in arc if point[0] > -0.0546)]
    back = extruded(inner, -0.036, 0.036, 0).turned("x", 90).turned("z", 90)
    stop = box((0.035, 0.028, 0.014), 0.003, (0, -0.082, 0.014), 2)
    arm = box((0.032, 0.08, 0.011), 0.004, (0, -0.0787, 0), 2)
    grip = round_x(
        revolved(
            ((0, -0.07), (0.019, -0.07), (0.022, -0.062), (0.022, 0.062), (0.019, 0.07), (0, 0.07)), 24, (0, 0.002, 0.006, 0.006, 0.002, 0)
        )
    )
    ribs = merged(round_x(ring(0.0226, 0.02, x, x + 0.004, 24, 0.001)) for x in (-0.052, -0.04, 0.036, 0.048))
    return {
        "handle_housing": cheek + cheek.moved(-0.1212) + back,
        "handle_stop": stop,
        "handle_arm": arm,
        "handle_grip": (grip + ribs).moved(0, -0.166, 0),
    }


def nail_box() -> Looks:
    nail = revolved(
        ((0, -0.062), (0.03, -0.062), (0.03, -0.047), (0.012, -0.044), (0.01, -0.038), (0.01, 0.064), (0, 0.064)),
        24,
        (0, 0.003, 0.003, 0.004, 0, 0, 0),
    )
    blocks = (((0.1, 0.1, 0.0365), (0, 0, 0.0365)), ((0.1, 0.1, 0.0365), (0, 0, 0.11)), ((0.1, 0.1, 0.0365), (0, 0, 0.1835)))
    hole = round_y(ring(0.024, 0.0155, 0, 0.002, 24)).moved(0, -0.099, 0.11)
    return {
        "nail_box_wood": boards(*blocks, fillet=0.003),
        "nail_box_nail": nail.turned("x", -90).moved(y=0.053),
        "nail_box_hole": hole + round_y(disc(0.0155, 0, 0.001, 20)).moved(0, -0.1, 0.11),
    }
