"""Composed scenes: dynamics figures of the published ones, cameras, immutability."""

import mujoco
import numpy as np
import pytest
from conftest import ALL_TASKS

from metaworld_py.sim.signals import xyzw_from_wxyz
from metaworld_py.tasks import TASKS

MODEL = TASKS["push"].model


def test_mocap_drags_the_hand_through_the_published_weld():
    weld = MODEL.equality("mocap_weld")
    # anchor, relative position, relative quaternion, torque scale
    assert weld.data[:11].tolist() == [0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 5]
    assert weld.solref.tolist() == [0.02, 1.0]


def test_fingers_have_the_published_servo_and_contact_parameters():
    assert MODEL.actuator("r_close").gainprm[0] == 400 and MODEL.actuator("r_close").biasprm[:3].tolist() == [0, -400, 0]
    assert MODEL.joint("r_close").armature == 100 and MODEL.joint("r_close").damping == 1000
    pad = MODEL.geom("leftpad_geom")
    assert pad.friction.tolist() == [2, 0.1, 0.002] and pad.condim == 4 and pad.margin == 0.001
    assert pad.solimp[:3].tolist() == [0.95, 0.99, 0.01] and pad.size.tolist() == [0.045, 0.003, 0.015]


def test_options_are_the_published_ones():
    option = MODEL.opt
    assert (option.timestep, option.tolerance, option.iterations) == (0.0025, 1e-10, 50)
    assert option.cone == mujoco.mjtCone.mjCONE_ELLIPTIC and option.solver == mujoco.mjtSolver.mjSOL_NEWTON


def test_gripper_weighs_next_to_nothing():
    assert MODEL.body("hand").subtreemass[0] == pytest.approx(0.0324)


def test_peg_practically_never_turns():
    assert TASKS["peg-insert-side"].model.body("peg").inertia.tolist() == [1e5, 1e5, 1e5]


def test_palm_is_the_published_hull_within_a_millimetre():
    mesh = MODEL.mesh("palm")
    vertices = MODEL.mesh_vert[mesh.vertadr[0] : mesh.vertadr[0] + mesh.vertnum[0]]
    rotation = np.zeros(9)
    mujoco.mju_quat2Mat(rotation, MODEL.geom("palm").quat)
    in_hand_frame = vertices @ rotation.reshape(3, 3).T + MODEL.geom("palm").pos
    low, high = in_hand_frame.min(axis=0), in_hand_frame.max(axis=0)
    assert low == pytest.approx([-0.0244, -0.0527, 0.0275], abs=1e-3) and high == pytest.approx([0.0415, 0.0527, 0.0809], abs=1e-3)


@pytest.mark.parametrize("task", ALL_TASKS)
def test_visual_geoms_never_collide_and_colliders_are_hidden_or_props(task):
    model = TASKS[task].model
    visual = (model.geom_contype == 0) & (model.geom_conaffinity == 0)
    assert (model.geom_group[visual] == 1).all()


@pytest.mark.parametrize("task", ALL_TASKS)
def test_row_layout_matches_the_compiled_sensors(task):
    assert TASKS[task].model.nsensordata == TASKS[task].reader.row_size


def test_xyzw_makes_the_largest_component_positive():
    assert xyzw_from_wxyz(0.1, -0.9, 0.2, 0.3) == (0.9, -0.2, -0.3, -0.1)
    assert xyzw_from_wxyz(-0.9, 0.1, 0.2, 0.3) == (-0.1, -0.2, -0.3, 0.9)
    assert xyzw_from_wxyz(0.9, -0.1, 0.2, 0.3) == (-0.1, 0.2, 0.3, 0.9)
