"""Stick and thermos: a short bar to pick up, and a flask that slides on the table. Tasks: stick-push (+x), stick-pull (by the handle).

The observed objects are the stick and a point of the thermos. The thermos's frame never moves: the rewards call it the object's start.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Arm, Quat, Vec3, body_pos, quat_xyzw, site_pos, touch
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import Action, FreeBody, JointValue, Observation, Placement, RandVec, Score, TaskDef, apart
from metaworld_py.tasks.common.free_objects import grasp_and_carry
from metaworld_py.tasks.common.shaping import (
    approach_bonus,
    caging,
    dense_grasp,
    distance,
    distance_xy,
    hamacher,
    lift_v1,
    long_tail,
    offset,
    scaled_distance,
)

SUCCESS_DISTANCE = 0.12  # m between a point of the thermos and the goal
THERMOS_POS: Vec3 = (0.2, 0.6, 0.0)
STICK_Z = 0.02  # m at reset
PICK_HEIGHT_V1 = 0.04  # m
SCENE = Scene(props=(Prop("stick", "stick", (-0.15, 0.75, 0.02)), Prop("thermos", "object", THERMOS_POS)))

# stick-push
HANDLE_HEIGHT = 0.132  # m, of the thermos's handle, and of the goal
HANDLE_TO_AXIS: Vec3 = (0.0, 0.09, 0.0)
CARRY_HEIGHT = 0.1  # m, of the stick while it pushes
BODY_TO_GRASP: Vec3 = (0.015, 0.0, 0.0)

# stick-pull
HALF_LENGTH = 0.05  # m of the stick
MIDDLE_OF_HANDLE = -0.005  # m in y from the handle's point to the middle of its opening
PULL_SLIDE_Y = 0.09  # m, the thermos's slide at reset
PULL_GOAL_Z = 0.02  # m
BEHIND_HANDLE: Vec3 = (0.05, 0.0, 0.0)
INSERTION_SCALE: Vec3 = (1.0, 1.0, 2.0)


class Signals(NamedTuple):
    arm: Arm
    obj_pos: Vec3
    obj_quat: Quat
    obj2_pos: Vec3
    stick_end: Vec3
    is_held: float


class Start(NamedTuple):
    tcp_pos: Vec3
    obj_pos: Vec3  # the thermos's fixed frame
    goal_pos: Vec3
    stick_pos: Vec3


def stick_start(rand_vec: RandVec) -> Vec3:
    return (rand_vec[0], rand_vec[1], STICK_Z)


def placement(rand_vec: RandVec, slide_y: float) -> Placement:
    return Placement(
        (
            FreeBody("stickjoint", stick_start(rand_vec)),
            # The published reset leaves this velocity as settled: zero there, but newer engines' arms brush the thermos on their way.
            JointValue("obj_slidex", 0.0, velocity=0.0),
            JointValue("obj_slidey", slide_y, velocity=0.0),
        )
    )


def is_grasped(now: Signals, lifted: float, z_start: float) -> bool:
    """Whether the stick hangs between fingers that are not shut, `lifted` (m) above a height."""
    return now.is_held > 0.0 and now.arm.opening > 0.0 and now.obj_pos[2] - lifted > z_start


def misread_thermos(now: Signals) -> Vec3:
    """What the original rewards take for the thermos: three neighbouring numbers of the observation (stick z, quaternion x, y)."""
    return (now.obj_pos[2], now.obj_quat[0], now.obj_quat[1])


def reward_v1(now: Signals, start: Start, effort: float, *, goal_width: float) -> tuple[float, float]:
    """Reach, pick, place, carry; and the distance that they take for the thermos's way to the goal (m).

    Args:
      goal_width: m², of the bonus near the goal.
    """
    stick, thermos = now.obj_pos, misread_thermos(now)
    to_tcp = distance(stick, now.arm.tcp_pos)
    to_goal, to_thermos = distance_xy(thermos, start.goal_pos), distance(thermos, stick)
    picked_z = start.stick_pos[2] + PICK_HEIGHT_V1
    is_picked = stick[2] >= picked_z - 0.01
    reward = -to_tcp + (max(effort, 0.0) / 50.0 if to_tcp < 0.05 else 0.0)
    reward += lift_v1(stick[2], start.stick_pos[2], picked_z, is_done=is_picked, is_near=to_tcp < 0.1)
    if is_picked and to_tcp < 0.1:
        way = distance((start.obj_pos[0], start.obj_pos[1], picked_z), start.stick_pos) + picked_z
        carry = approach_bonus(to_thermos, way)
        if to_thermos < 0.05:
            carry += approach_bonus(to_goal, distance_xy(start.obj_pos, start.goal_pos), near_weight=2000.0, width=goal_width)
        reward += max(carry, 0.0)
    return reward, to_goal


# stick-push


def place_push(rand_vec: RandVec, settled: Signals) -> Placement:
    return placement(rand_vec, 0.0)


def begin_push(rand_vec: RandVec, settled: Signals, placed: Signals) -> Start:
    return Start(settled.arm.tcp_pos, THERMOS_POS, (rand_vec[3], rand_vec[4], HANDLE_HEIGHT), stick_start(rand_vec))


def score_push_v2(now: Signals, start: Start, effort: float) -> Score:
    """Cage the stick; once it is lifted, stick (5) and thermos (3) at the goal; 10 with the thermos there."""
    point = offset(now.obj_pos, BODY_TO_GRASP)
    to_tcp, to_goal = distance(point, now.arm.tcp_pos), distance(now.obj2_pos, start.goal_pos)
    stick_margin = distance(start.stick_pos, start.goal_pos) - SUCCESS_DISTANCE
    stick_in_place = long_tail(distance(point, start.goal_pos), 0.0, SUCCESS_DISTANCE, stick_margin)
    thermos_margin = distance(start.obj_pos, start.goal_pos) - SUCCESS_DISTANCE
    thermos_in_place = long_tail(to_goal, 0.0, SUCCESS_DISTANCE, thermos_margin)
    if to_tcp < 0.02 and now.arm.opening > 0.0 and point[2] - 0.01 > start.stick_pos[2]:
        grasp = 1.0
        reward = 10.0 if to_goal <= SUCCESS_DISTANCE else 2.0 + 5.0 * stick_in_place + 3.0 * thermos_in_place
    else:
        caged = caging(now.arm, point, start.stick_pos, start.tcp_pos, object_radius=0.04, pad_margin=0.05, xz_margin=0.01)
        grasp = reward = dense_grasp(caged, effort)
    grasped = is_grasped(now, 0.01, start.stick_pos[2])
    return Score(
        reward,
        grasped and to_goal <= SUCCESS_DISTANCE,
        near_object=float(to_tcp <= 0.03),
        grasp_success=float(grasped),
        grasp_reward=grasp,
        in_place_reward=stick_in_place,
        obj_to_target=to_goal,
    )


def score_push_v1(now: Signals, start: Start, effort: float) -> Score:
    """Success asks for a grasp that this version never reports: it never comes, as published."""
    reward, to_goal = reward_v1(now, start, effort, goal_width=0.001)
    return Score(reward, False, near_object=1.0, obj_to_target=to_goal)


def push_the_thermos(obs: Observation) -> Action:
    """Grasp the stick, lift it to half the thermos's height beside it, then push along x, steering by the thermos."""
    stick, tcp, goal = expert.obj_pos(obs), expert.tcp_pos(obs), expert.goal_pos(obs)
    thermos = expert.obj2_pos(obs)
    to_x, to_y, to_z = goal[0] - thermos[0], thermos[1] - stick[1], CARRY_HEIGHT - stick[2]
    if to_x < 0.02:
        target = (tcp[0], tcp[1], tcp[2] + to_z)  # stands still on arrival: the thermos slides sideways at the slightest touch
    else:
        push = 2.0 * to_x if abs(to_y) < 0.02 and abs(to_z) < 0.03 else 0.0
        target = (tcp[0] + push, tcp[1] + to_y, tcp[2] + to_z)
    return grasp_and_carry(obs, target, gripped_opening=0.6)


# stick-pull


def place_pull(rand_vec: RandVec, settled: Signals) -> Placement:
    return placement(rand_vec, PULL_SLIDE_Y)


def begin_pull(rand_vec: RandVec, settled: Signals, placed: Signals) -> Start:
    return Start(settled.arm.tcp_pos, THERMOS_POS, (rand_vec[3], rand_vec[4], PULL_GOAL_Z), stick_start(rand_vec))


def is_inserted(end: Vec3, handle: Vec3) -> bool:
    """Whether the stick's end has passed through the handle."""
    return end[0] >= handle[0] and abs(end[1] - handle[1]) <= 0.04 and abs(end[2] - handle[2]) <= 0.06


def is_pulled(now: Signals, start: Start) -> bool:
    return distance(now.obj2_pos, start.goal_pos) <= SUCCESS_DISTANCE and is_inserted(now.stick_end, now.obj2_pos)


def score_pull_v2(now: Signals, start: Start, effort: float) -> Score:
    """Cage and lift the stick, bring it behind the handle, then both to the goal; 10 there.

    The caging's margins use the thermos's frame, not the stick's start; the grasp's height too. As published.
    """
    stick, goal = now.obj_pos, start.goal_pos
    behind, behind_start = offset(now.obj2_pos, BEHIND_HANDLE), offset(start.obj_pos, BEHIND_HANDLE)
    to_tcp, to_goal = distance(stick, now.arm.tcp_pos), distance(now.obj2_pos, goal)
    insertion_margin = scaled_distance(start.stick_pos, behind_start, INSERTION_SCALE)
    inserting = long_tail(scaled_distance(stick, behind, INSERTION_SCALE), 0.0, 0.05, insertion_margin)
    is_carried = to_tcp < 0.02 and now.arm.opening > 0.0 and stick[2] - 0.01 > start.stick_pos[2]
    if is_carried:
        grasp = 1.0
    else:
        caged = caging(now.arm, stick, start.obj_pos, start.tcp_pos, object_radius=0.014, pad_margin=0.05, xz_margin=0.01)
        grasp = dense_grasp(caged, effort)
    reward = hamacher(grasp, inserting)
    if is_carried and is_inserted(now.stick_end, now.obj2_pos):
        stick_in_place = long_tail(distance(stick, goal), 0.0, 0.05, distance(start.stick_pos, goal))
        thermos_in_place = long_tail(distance(behind, goal), 0.0, 0.05, distance(start.obj_pos, goal))
        reward = 10.0 if to_goal <= SUCCESS_DISTANCE else reward + 6.0 + 2.0 * stick_in_place + thermos_in_place
    elif is_carried:
        reward += 1.0 + 5.0 * inserting
    grasped = is_grasped(now, 0.02, start.obj_pos[2])
    return Score(
        reward,
        is_pulled(now, start),
        near_object=float(to_tcp <= 0.03),
        grasp_success=float(grasped),
        grasp_reward=grasp,
        in_place_reward=inserting,
        obj_to_target=to_goal,
    )


def score_pull_v1(now: Signals, start: Start, effort: float) -> Score:
    reward, to_goal = reward_v1(now, start, effort, goal_width=0.01)
    return Score(reward, is_pulled(now, start), near_object=1.0, obj_to_target=to_goal)


def pull_the_thermos(obs: Observation) -> Action:
    """Grasp and lift the stick, put it through the handle, then take the thermos along: the fingers push the handle, the stick pulls it."""
    stick, tcp, goal = expert.obj_pos(obs), expert.tcp_pos(obs), expert.goal_pos(obs)
    handle = expert.obj2_pos(obs)
    to_y, to_z = handle[1] + MIDDLE_OF_HANDLE - stick[1], handle[2] - stick[2]
    if stick[0] + HALF_LENGTH > handle[0] + 0.01:
        target = (tcp[0] + 2.0 * (goal[0] - handle[0]), tcp[1] + 2.0 * (goal[1] - handle[1]), tcp[2] + to_z)
    else:
        is_ready = abs(to_y) < 0.02 and abs(to_z) < 0.02
        target = (tcp[0] + (0.1 if is_ready else 0.0), tcp[1] + to_y, tcp[2] + to_z)
    return grasp_and_carry(obs, target, gripped_opening=0.6, slack=0.03)


STICK_PUSH = TaskDef(
    name="stick-push",
    sentence="Pick up the stick and push the thermos with it.",
    family="tool",
    skills=("grasp", "push"),
    objects=("stick", "thermos"),
    difficulty="very_hard",
    scene=SCENE,
    signals=Signals,
    reads={
        "obj_pos": body_pos("stick"),
        "obj_quat": quat_xyzw("stick"),
        "obj2_pos": site_pos("insertion", HANDLE_TO_AXIS),
        "stick_end": site_pos("stick_end"),
        "is_held": touch("objGeom"),
    },
    random_low=(-0.08, 0.58, 0.0, 0.399, 0.55, 0.1319),
    random_high=(-0.03, 0.62, 0.001, 0.401, 0.6, 0.1321),
    accept=apart(0.1),
    goal_low=(0.399, 0.55, 0.1319),
    goal_high=(0.401, 0.6, 0.1321),
    place=place_push,
    begin=begin_push,
    scores={"v2": score_push_v2, "v1": score_push_v1},
    expert=push_the_thermos,
)

STICK_PULL = replace(
    STICK_PUSH,
    name="stick-pull",
    sentence="Put the stick through the thermos's handle and pull the thermos with it.",
    skills=("grasp", "insert", "pull"),
    reads={**STICK_PUSH.reads, "obj2_pos": site_pos("insertion")},
    hand_low=(-0.5, 0.35, 0.05),
    random_low=(-0.1, 0.55, 0.0, 0.35, 0.45, 0.0199),
    random_high=(0.0, 0.65, 0.001, 0.45, 0.55, 0.0201),
    goal_low=(0.35, 0.45, 0.0199),
    goal_high=(0.45, 0.55, 0.0201),
    place=place_pull,
    begin=begin_pull,
    scores={"v2": score_pull_v2, "v1": score_pull_v1},
    expert=pull_the_thermos,
)
