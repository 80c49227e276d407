"""Box-close: put a lid with a bow handle on a box. Task: box-close. The observed object is the lid's plate."""

from __future__ import annotations

from typing import NamedTuple

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Arm, Quat, Vec3, body_pos, quat_wxyz, site_pos
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import (
    HAND_START,
    Action,
    FreeBody,
    Observation,
    Placement,
    RandVec,
    Score,
    TaskDef,
    apart,
    float32,
    vec3,
)
from metaworld_py.tasks.common.free_objects import grasp_and_carry
from metaworld_py.tasks.common.shaping import (
    above_funnel,
    alignment,
    clip,
    distance,
    distance_xy,
    funnel_floor,
    hamacher,
    long_tail,
    offset,
    pick_and_place_v1,
    scaled_distance,
)

SUCCESS_DISTANCE = 0.08  # m between plate and goal; a lid that hovers over the box counts
LEVEL: Quat = (0.707, 0.0, 0.0, 0.707)
PLATE_TO_GRASP: Vec3 = (0.0, 0.0, 0.02)
OFF_TABLE = 0.04  # m; at reset the lid is higher already
LIFT_HEIGHT_V1 = 0.12  # m
CARRY_HEIGHT = 0.13  # m, of the plate on its way over the box
ON_BOX_DEPTH = 0.05  # m below the goal, just above where the lid rests on the box
GRASP_HEIGHT = 0.055  # m above the plate, between the bow's middle and its top
LID_Z = float32((0.0, 0.0, 0.02))[2]  # m at reset, of the free body's frame, 7.5 cm below the plate


class Signals(NamedTuple):
    arm: Arm
    obj_pos: Vec3
    obj_quat: Quat
    handle_pos: Vec3


class Start(NamedTuple):
    tcp_pos: Vec3
    obj_pos: Vec3  # the free body's frame
    goal_pos: Vec3
    handle_z: float


def lid_start(rand_vec: RandVec) -> Vec3:
    return (rand_vec[0], rand_vec[1], LID_Z)


def place(rand_vec: RandVec, settled: Signals) -> Placement:
    return Placement((FreeBody("lidjoint", lid_start(rand_vec)),), physics_steps=5)


def begin(rand_vec: RandVec, settled: Signals, placed: Signals) -> Start:
    return Start(settled.arm.tcp_pos, lid_start(rand_vec), vec3(rand_vec, 3), placed.handle_pos[2])


def ready_to_grasp(hand: Vec3, lid: Vec3) -> float:
    """Hand at the lid, having come from above: inside a funnel whose floor rises with the horizontal distance."""
    floor = funnel_floor(distance_xy(hand, lid), rim=0.02, steepness=0.04, height=0.4)
    return hamacher(above_funnel(hand[2], floor, margin=floor / 2.0), long_tail(distance(hand, lid), 0.0, 0.02, margin=0.5))


def score_v2(now: Signals, start: Start, effort: float) -> Score:
    """Closing fingers at the lid (2), lid over the box (8), 10 on success; all only while the lid is level."""
    lid = offset(now.obj_pos, PLATE_TO_GRASP)
    closing = (clip(effort, -1.0, 1.0) + 1.0) / 2.0
    ready = ready_to_grasp(now.arm.hand_pos, lid)
    to_goal = scaled_distance(start.goal_pos, lid, (1.0, 1.0, 3.0))
    in_place = 0.2 * (lid[2] > OFF_TABLE) + 0.8 * long_tail(to_goal, 0.0, 0.05, margin=0.25)
    success = distance(now.obj_pos, start.goal_pos) < SUCCESS_DISTANCE
    reward = 10.0 if success else 2.0 * hamacher(closing, ready) + 8.0 * in_place
    level = alignment(now.obj_quat, LEVEL, tolerance=0.2)
    return Score(
        reward * level, success, near_object=ready, grasp_success=float(closing >= 0.5), grasp_reward=closing, in_place_reward=in_place
    )


def score_v1(now: Signals, start: Start, effort: float) -> Score:
    """Reach, pick, place. The height at which the lid counts as picked is measured from its handle, as published."""
    to_goal = distance(now.obj_pos, start.goal_pos)
    reward = pick_and_place_v1(
        now.arm.tcp_pos,
        now.obj_pos,
        effort,
        tcp_pos_start=start.tcp_pos,
        obj_pos_start=(start.obj_pos[0], start.obj_pos[1], start.handle_z),
        goal_pos=start.goal_pos,
        lift_height=LIFT_HEIGHT_V1,
        lag_weight=2.0,
        to_goal=to_goal,
        place_distance=to_goal,
    )
    return Score(reward, to_goal < SUCCESS_DISTANCE)


def put_lid_on(obs: Observation) -> Action:
    """Grasp the bow, lift, carry over the box, lower."""
    lid, goal, tcp = expert.obj_pos(obs), expert.goal_pos(obs), expert.tcp_pos(obs)
    off_xy = distance_xy(lid, goal)
    lid_z = goal[2] - ON_BOX_DEPTH if off_xy < 0.015 else max(goal[2], CARRY_HEIGHT)
    is_high = lid[2] > CARRY_HEIGHT - 0.02 or off_xy < 0.03
    to_xy = (goal[0] - lid[0], goal[1] - lid[1]) if is_high else (0.0, 0.0)
    target = (tcp[0] + to_xy[0], tcp[1] + to_xy[1], tcp[2] + lid_z - lid[2])
    return grasp_and_carry(obs, target, gripped_opening=0.4, slack=0.03, depth=-GRASP_HEIGHT)


BOX_CLOSE = TaskDef(
    name="box-close",
    sentence="Put the lid on the box.",
    family="box",
    skills=("grasp", "place"),
    objects=("lid",),
    difficulty="medium",
    scene=Scene(props=(Prop("lid_box", "boxbody", (0.0, 0.8, 0.0)), Prop("lid", "boxbodytop", (0.0, 0.8, 0.0)))),
    signals=Signals,
    reads={"obj_pos": body_pos("top_link"), "obj_quat": quat_wxyz("top_link"), "handle_pos": site_pos("BoxHandleGeom")},
    hand_start=float32(HAND_START),
    random_low=(-0.05, 0.5, 0.02, -0.1, 0.7, 0.133),
    random_high=(0.05, 0.55, 0.02, 0.1, 0.8, 0.133),
    accept=apart(0.25),
    goal_low=(-0.1, 0.7, 0.133),
    goal_high=(0.1, 0.8, 0.133),
    fixtures={"boxbody": lambda rand_vec: (rand_vec[3], rand_vec[4], 0.0)},
    settles_per_instance=True,  # the lid settles on or beside the box and keeps its tilt
    place=place,
    begin=begin,
    scores={"v2": score_v2, "v1": score_v1},
    expert=put_lid_on,
)
