"""The vocabulary of rewards against hand-computed values and the DeepMind Control Suite."""

import math

import numpy as np
import pytest
from dm_control.utils import rewards

from metaworld_py.sim.signals import Arm
from metaworld_py.tasks.common import shaping


@pytest.mark.parametrize("sigmoid", ["long_tail", "gaussian"])
def test_tolerance_equals_the_control_suites(sigmoid):
    rng = np.random.default_rng(0)
    for x, low, width, margin in rng.uniform(0, 1, (200, 4)):
        expected = rewards.tolerance(x, (low / 2, low / 2 + width / 4), margin=margin, sigmoid=sigmoid)
        assert getattr(shaping, sigmoid)(x, low / 2, low / 2 + width / 4, margin) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("sigmoid", [shaping.long_tail, shaping.gaussian])
def test_tolerance_at_its_edges(sigmoid):
    assert sigmoid(0.05, 0.0, 0.05, 0.1) == 1.0
    assert sigmoid(0.15, 0.0, 0.05, 0.1) == pytest.approx(0.1)
    assert sigmoid(0.06, 0.0, 0.05, 0.0) == 0.0
    with pytest.raises(ValueError, match="margin"):
        sigmoid(0.06, 0.0, 0.05, -0.1)


def test_hamacher_product():
    assert shaping.hamacher(0.5, 0.5) == pytest.approx(1 / 3)
    assert shaping.hamacher(1.0, 0.3) == pytest.approx(0.3)
    assert shaping.hamacher(0.0, 0.0) == 0.0


def test_prism_is_one_outside_and_falls_towards_its_zero_corner():
    zero, one = (0.0, 1.0, 0.0), (1.0, 0.0, 1.0)
    assert shaping.prism((2.0, 0.5, 0.5), zero, one) == 1.0
    assert shaping.prism((0.5, 0.5, 0.5), zero, one) == pytest.approx(0.125)
    assert shaping.prism(zero, zero, one) == 0.0


def test_approach_bonus_by_hand():
    expected = 1000 * (0.3 - 0.1) + 1000 * (math.exp(-1) + math.exp(-10))
    assert shaping.approach_bonus(0.1, 0.3) == pytest.approx(expected)


def test_grip_pays_only_once_the_object_is_caged():
    assert shaping.grip(0.9, 1.0) == 0.0
    assert shaping.grip(0.98, 1.0) == pytest.approx(0.98)
    assert shaping.grip(0.98, 5.0) == shaping.grip(0.98, 1.0)
    assert shaping.dense_grasp(0.9, 1.0) == pytest.approx(0.45)


def test_caging_is_highest_with_the_object_between_the_pads():
    def arm(y):
        return Arm((0, y, 0.07), (0, y, 0.02), 0.5, (0, y + 0.02, 0.02), (0, y - 0.02, 0.02), (0, 0, 0))

    values = [
        shaping.caging(arm(y), (0, 0, 0.02), (0, 0, 0.02), (0, 0, 0.15), object_radius=0.015, pad_margin=0.05, xz_margin=0.005)
        for y in (0.0, 0.05, 0.2)
    ]
    assert values[0] == pytest.approx(1.0) and values[0] > values[1] > values[2]
