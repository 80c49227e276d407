"""Shapes of what moves freely: frames of the bodies in `assets/props/`, lengths in metres. Saved by `make_looks.py`."""

from __future__ import annotations

import numpy as np
from surfaces import Surface, bent, boards, box, disc, lofted, loop, merged, revolved, ring, rod, round_x, rounded, tube

Looks = dict[str, Surface]  # by mesh name


def mug() -> Looks:
    cup = ((0, 0), (0.0235, 0), (0.0275, 0.006), (0.0275, 0.066), (0.0245, 0.066), (0.0245, 0.008), (0.021, 0.005), (0, 0.005))
    bow = tube(bent(((0.026, 0, 0.057), (0.05, 0, 0.055), (0.049, 0, 0.03), (0.026, 0, 0.024)), 0.013, 5), 0.0042, 10)
    coffee = disc(0.0248, 0.05, 0.0535, 28)
    return {"mug": revolved(cup, 30, (0, 0.003, 0.004, 0.0014, 0.0014, 0.003, 0.003, 0), 2) + bow, "mug_coffee": coffee}


def nut() -> Looks:
    angles = 2 * np.pi * np.arange(32) / 32
    section = rounded(((-0.012, -0.0145), (0.013, -0.0145), (0.013, 0.0145), (-0.012, 0.0145)), 0.006, 2)
    rings = [np.column_stack([(0.05 + r) * np.cos(angles), (0.05 + r) * np.sin(angles), np.full(32, z)]) for r, z in [*section, section[0]]]
    stem = rod(0.0115, (0, -0.05, 0), (0, -0.14, 0), 14)
    grip = box((0.019, 0.038, 0.016), 0.009, (0, -0.13, 0), 3)
    ribs = merged(box((0.0196, 0.0018, 0.0166), 0.0095, (0, y, 0), 2) for y in (-0.15, -0.14, -0.13, -0.12, -0.11))
    return {"nut_steel": lofted(rings) + stem, "nut_grip": grip, "nut_ribs": ribs}


def hammer() -> Looks:
    grip = round_x(
        revolved(
            ((0, -0.159), (0.017, -0.159), (0.0195, -0.13), (0.0175, -0.06), (0.0195, 0.0), (0.0165, 0.03), (0, 0.03)),
            20,
            (0, 0.01, 0.03, 0.06, 0.03, 0.01, 0),
        )
    )
    neck = round_x(revolved(((0, 0), (0.0155, 0), (0.0135, 0.05), (0.017, 0.12), (0, 0.12)), 18, (0, 0, 0.05, 0.02, 0))).moved(0.025)
    face = ((0, 0.0), (0.02, 0.0), (0.02, 0.036), (0.0375, 0.043), (0.0375, 0.067), (0.034, 0.0715), (0, 0.0715))
    half = revolved(face, 26, (0, 0, 0.005, 0.003, 0.003, 0.002, 0), 2)
    return {"hammer_grip": grip, "hammer_neck": neck, "hammer_head": (half.turned("x", 90) + half.turned("x", -90)).moved(0.16)}


def plug() -> Looks:
    handle = round_x(revolved(((0, -0.006), (0.04, -0.006), (0.04, 0.09), (0, 0.1)), 26, (0, 0.004, 0.028, 0)))
    flange = round_x(disc(0.045, -0.02, -0.006, 28, 0.004))
    pin = round_x(revolved(((0, -0.07), (0.017, -0.07), (0.02, -0.064), (0.02, -0.015), (0, -0.015)), 22, (0, 0.001, 0.002, 0, 0)))
    ribs = merged(round_x(ring(0.0412, 0.037, x, x + 0.004, 26, 0.001)) for x in (0.01, 0.022, 0.034, 0.046))
    return {"plug_handle": handle + flange, "plug_ribs": ribs, "plug_pin": pin}


def thermos() -> Looks:
    steel = ((0, 0), (0.062, 0), (0.062, 0.038), (0.06, 0.041), (0, 0.041))
    body = ((0, 0.04), (0.06, 0.04), (0.06, 0.228), (0.058, 0.24), (0, 0.24))
    neck = ((0, 0.236), (0.0504, 0.236), (0.0474, 0.25), (0.0445, 0.262), (0.04, 0.268), (0.04, 0.32), (0.0375, 0.33), (0, 0.33))
    band = (
        ring(0.0608, 0.05, 0.222, 0.23, 36, 0.001) + ring(0.0412, 0.03, 0.27, 0.276, 30, 0.001) + ring(0.0412, 0.03, 0.3, 0.306, 30, 0.001)
    )
    bow = tube(bent(((0, -0.055, 0.195), (0, -0.135, 0.195), (0, -0.135, 0.069), (0, -0.055, 0.069)), 0.02, 5), 0.0078, 12)
    return {
        "thermos_steel": revolved(steel, 36, (0, 0.003, 0.002, 0, 0), 2)
        + revolved(neck, 32, (0, 0, 0.003, 0.003, 0.003, 0.002, 0.004, 0), 2),
        "thermos_green": revolved(body, 36, (0, 0, 0.006, 0.004, 0), 2),
        "thermos_black": band + bow,
    }


def lid() -> Looks:
    plate = (
        ((0.115, 0.115, 0.0045), (0, 0, 0.0015)),
        ((0.005, 0.1142, 0.008), (0.1092, 0, -0.008)),
        ((0.005, 0.1142, 0.008), (-0.1092, 0, -0.008)),
    )
    plate += (((0.105, 0.005, 0.0078), (0, -0.1092, -0.008)), ((0.105, 0.005, 0.0078), (0, 0.1092, -0.008)))
    bow = tube(bent(((0, -0.05, 0.004), (0, -0.05, 0.081), (0, 0.05, 0.081), (0, 0.05, 0.004)), 0.016, 5), 0.008, 14)
    feet = merged(disc(0.014, 0.005, 0.0095, 18, 0.002).moved(y=y) for y in (-0.05, 0.05))
    return {"lid_wood": boards(*plate), "lid_handle": bow + feet}


def crate() -> tuple[tuple[tuple[float, float, float], tuple[float, float, float]], ...]:
    """Walls and floor of an open box, 20 × 20 × 6 cm."""
    walls = (((0.1, 0.005, 0.03), (0, -0.095, 0.03)), ((0.1, 0.005, 0.03), (0, 0.095, 0.03)), ((0.005, 0.09, 0.03), (0.095, 0, 0.03)))
    return (*walls, ((0.005, 0.09, 0.03), (-0.095, 0, 0.03)), ((0.096, 0.096, 0.005), (0, 0, 0.005)))


def lid_box() -> Looks:
    return {"lid_box": boards(*crate())}


def bins() -> Looks:
    return {"bin": loop(0.1, 0.1, 0.01, 0.0, 0.06, 0.012, 0.004) + box((0.095, 0.095, 0.005), 0.001, (0, 0, 0.005), 1)}


def pieces() -> Looks:
    """Pucks, cubes, bars and walls, each about its middle."""
    puck = revolved(
        ((0, -0.02), (0.02, -0.02), (0.02, 0.02), (0.0165, 0.02), (0.0155, 0.0187), (0, 0.0187)),
        30,
        (0, 0.003, 0.003, 0.0005, 0.0005, 0),
        2,
    )
    flat = revolved(
        ((0, -0.015), (0.03, -0.015), (0.03, 0.015), (0.025, 0.015), (0.0235, 0.0135), (0, 0.0135)),
        32,
        (0, 0.003, 0.003, 0.0005, 0.0005, 0),
        2,
    )
    slide = revolved(
        ((0, -0.015), (0.05, -0.015), (0.05, 0.015), (0.042, 0.015), (0.04, 0.0135), (0, 0.0135)), 40, (0, 0.004, 0.004, 0.001, 0.001, 0), 2
    )
    stripes = ring(0.0504, 0.045, -0.0055, -0.0035, 40) + ring(0.0504, 0.045, 0.0035, 0.0055, 40)
    bar = box((0.05, 0.02, 0.02), 0.005, steps=2)
    bands = merged(box((0.003, 0.0204, 0.0204), 0.0052, (x, 0, 0), 2) for x in (-0.035, 0.035))
    return {
        "puck": puck, "puck_flat": flat, "slide_puck": slide, "slide_puck_stripes": stripes,
        "cube": box((0.02, 0.02, 0.02), 0.0035, steps=2), "cube_wood": box((0.02, 0.02, 0.02), 0.003, steps=2).grained("x"),
        "wall_low": box((0.12, 0.01, 0.06), 0.002, steps=1).grained("x", 0.16),
        "wall_tall": box((0.1, 0.01, 0.075), 0.002, steps=1).grained("x", 0.16),
        "peg": box((0.12, 0.015, 0.015), 0.003, steps=2), "stick": bar, "stick_bands": bands, "nut_peg": disc(0.02, -0.05, 0.05, 28, 0.004),
    }  # fmt: skip
