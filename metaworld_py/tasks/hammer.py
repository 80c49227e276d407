"""Hammer: pick up a hammer and drive a nail into a block with it. Task: hammer.

The hammer lies along x with its head at +x; the nail points along +y.
"""

from __future__ import annotations

from typing import NamedTuple

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Arm, Quat, Vec3, body_pos, geom_pos, joint, quat_wxyz, site_pos
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import (
    HAND_START_NEAR,
    Action,
    FreeBody,
    Observation,
    Placement,
    RandVec,
    Score,
    Start,
    TaskDef,
    vec3,
)
from metaworld_py.tasks.common.free_objects import grasp_and_carry
from metaworld_py.tasks.common.shaping import (
    alignment,
    approach_bonus,
    caging,
    dense_grasp,
    distance,
    lift_v1,
    long_tail,
    offset,
    snapped_to_hand,
)

DRIVEN_IN = 0.09  # m of the nail's slide
BLOCK_POS: Vec3 = (0.24, 0.85, 0.0)
BLOCK_TO_GOAL: Vec3 = (0.0, -0.11, 0.11)
GRASP_TO_FACE: Vec3 = (0.16, 0.06, 0.0)  # to the striking face; does not turn with the hammer, as published
LEVEL: Quat = (1.0, 0.0, 0.0, 0.0)
PICK_HEIGHT_V1 = 0.09  # m
HANDLE_TO_HEAD = 0.16  # m
ALIGNED = 0.015  # m between the axes of head and nail


class Signals(NamedTuple):
    """Hammer and nail. `nail_start_pos` is fixed to the block: the driven nail leaves it behind, as published."""

    arm: Arm
    obj_pos: Vec3
    obj_quat: Quat
    obj2_pos: Vec3
    obj2_quat: Quat
    nail_slide: float
    head_pos: Vec3
    nail_start_pos: Vec3


def place(rand_vec: RandVec, settled: Signals) -> Placement:
    return Placement((FreeBody("hammerjoint", vec3(rand_vec)),))  # sunk into the table, which pushes it out, as published


def begin(rand_vec: RandVec, settled: Signals, placed: Signals) -> Start:
    return Start(settled.arm.tcp_pos, vec3(rand_vec), offset(BLOCK_POS, BLOCK_TO_GOAL))


def score_v2(now: Signals, start: Start, effort: float) -> Score:
    """Grasp anywhere on the handle (2) and striking face at the goal (6), both only while the hammer is level; 10 once driven in."""
    level = alignment(now.obj_quat, LEVEL, tolerance=0.4)
    point = snapped_to_hand(now.obj_pos, now.arm.hand_pos, within=0.07)
    caged = caging(now.arm, point, start.obj_pos, start.tcp_pos, object_radius=0.015, pad_margin=0.02, xz_margin=0.01)
    grasp = dense_grasp(caged, effort)
    face = offset(now.obj_pos, GRASP_TO_FACE)
    in_place = 0.1 * (face[2] > 0.02) + 0.9 * long_tail(distance(start.goal_pos, face), 0.0, 0.02, margin=0.2)
    reward = (2.0 * grasp + 6.0 * in_place) * level
    success = now.nail_slide > DRIVEN_IN
    if success and reward > 5.0:
        reward = 10.0
    return Score(reward, success, near_object=level, grasp_success=float(grasp >= 0.5), grasp_reward=grasp, in_place_reward=in_place)


def score_v1(now: Signals, start: Start, effort: float) -> Score:
    """Reach, pick, hit. The nail's part of the way never changes: driving it in is not paid."""
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    to_hit = distance(now.nail_start_pos, now.head_pos) + abs(now.nail_start_pos[1] - start.goal_pos[1])
    picked_z = start.obj_pos[2] + PICK_HEIGHT_V1
    is_picked = now.obj_pos[2] >= picked_z - 0.01
    reward = -to_tcp + (max(effort, 0.0) / 50.0 if to_tcp < 0.05 else 0.0)
    reward += lift_v1(now.obj_pos[2], start.obj_pos[2], picked_z, is_done=is_picked, is_near=to_tcp < 0.1)
    if is_picked and to_tcp < 0.1:
        way = abs(picked_z - start.obj_pos[2]) + picked_z + abs(start.obj_pos[1] - start.goal_pos[1])
        reward += max(approach_bonus(to_hit, way), 0.0)
    return Score(reward, now.nail_slide > DRIVEN_IN)


def head_pos(obs: Observation) -> Vec3:
    """The centre of the hammer's head, from its observed pose."""
    x, y, z = expert.obj_pos(obs)
    qw, qx, qy, qz = obs[7:11]
    along = (1.0 - 2.0 * (qy * qy + qz * qz), 2.0 * (qx * qy + qw * qz), 2.0 * (qx * qz - qw * qy))  # the handle's direction
    return (x + HANDLE_TO_HEAD * along[0], y + HANDLE_TO_HEAD * along[1], z + HANDLE_TO_HEAD * along[2])


def lift_and_strike(obs: Observation) -> Action:
    """Grasp the handle, lift it, bring the head before the nail, then push until the nail is in."""
    nail, tcp, head = expert.obj2_pos(obs), expert.tcp_pos(obs), head_pos(obs)
    to_x, to_z = nail[0] - head[0], nail[2] - head[2]
    if abs(to_x) < ALIGNED and abs(to_z) < ALIGNED:
        is_driven_in = expert.goal_pos(obs)[1] - nail[1] < 0.005
        target = (tcp[0] + to_x, tcp[1] + (0.0 if is_driven_in else 0.1), tcp[2] + to_z)
    elif to_z > 0.03:
        target = (tcp[0], tcp[1], tcp[2] + 2.0 * to_z)
    else:
        target = (tcp[0] + to_x, min(tcp[1], nail[1] - 0.15), tcp[2] + to_z)
    return grasp_and_carry(obs, target, gripped_opening=0.6, slack=0.04)


HAMMER = TaskDef(
    name="hammer",
    sentence="Drive the nail into the block with the hammer.",
    family="tool",
    skills=("grasp", "strike"),
    objects=("hammer", "nail"),
    difficulty="medium",
    scene=Scene(props=(Prop("hammer", "hammer", (0.0, 0.6, 0.02)), Prop("nail_box", "box", BLOCK_POS)), goal_radius=0.005),
    signals=Signals,
    reads={
        "obj_pos": body_pos("hammer"),
        "obj_quat": quat_wxyz("hammer"),
        "obj2_pos": body_pos("nail_link"),
        "obj2_quat": quat_wxyz("nail_link"),
        "nail_slide": joint("NailSlideJoint"),
        "head_pos": geom_pos("HammerHead"),
        "nail_start_pos": site_pos("nailHead"),
    },
    hand_start=HAND_START_NEAR,
    random_low=(-0.1, 0.4, 0.0),
    random_high=(0.1, 0.5, 0.0),
    goal_low=(0.2399, 0.7399, 0.109),
    goal_high=(0.2401, 0.7401, 0.111),
    place=place,
    begin=begin,
    scores={"v2": score_v2, "v1": score_v1},
    expert=lift_and_strike,
)
