"""Door: a safe whose door swings on a hinge at its left edge. Tasks: door-open, door-close.

Joint value 0 is shut, opening is negative. The observed object is the handle.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Arm, Quat, Vec3, joint, quat_xyzw, site_pos
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import Action, JointValue, Observation, Placement, RandVec, Score, TaskDef, float32, vec3
from metaworld_py.tasks.common.shaping import approach_bonus, clip, distance, distance_xy, gaussian, hamacher, long_tail, offset

SUCCESS_DISTANCE = 0.08  # m between handle and goal: along x in door-open, in space in door-close
DOOR_TO_GOAL: Vec3 = (-0.3, -0.45, 0.0)
CLOSE_DOOR_TO_GOAL: Vec3 = (0.2, -0.2, 0.0)
CLOSE_HAND_START: Vec3 = float32((-0.5, 0.6, 0.2))
WIDE_OPEN = -1.5708  # rad, the door-close joint value at reset
HANDLE_BEARING = math.atan2(-0.1071398954755, 0.3757216301497)  # rad, of the handle seen from the hinge, against the door leaf
DOOR_TO_HINGE: Vec3 = (-0.185, -0.1, 0.0)
ARRIVED = 0.03  # m between handle and goal at which the experts stop
FULLY_OPEN = 2.0 * math.pi / 3.0  # rad


class Signals(NamedTuple):
    """The handle's frame and the door's angle."""

    arm: Arm
    obj_pos: Vec3
    obj_quat: Quat
    door_angle: float


class Start(NamedTuple):
    tcp_pos: Vec3
    obj_pos: Vec3  # the safe, not the handle
    goal_pos: Vec3
    handle_pos: Vec3


def place_shut(rand_vec: RandVec, settled: Signals) -> Placement:
    return Placement((JointValue("doorjoint", 0.0, velocity=0.0),))


def begin_open(rand_vec: RandVec, settled: Signals, placed: Signals) -> Start:
    door_pos = vec3(rand_vec)
    return Start(settled.arm.tcp_pos, door_pos, offset(door_pos, DOOR_TO_GOAL), placed.obj_pos)


def is_success(now: Signals, start: Start) -> bool:
    return abs(now.obj_pos[0] - start.goal_pos[0]) <= SUCCESS_DISTANCE


def ready_to_pull(hand: Vec3, handle: Vec3) -> float:
    """Hand at the handle, having come from above: inside a funnel whose floor rises with the horizontal distance."""
    centre_xy = distance_xy(hand, offset(handle, (-0.05, 0.0, 0.0)))
    floor = 0.0 if centre_xy <= 0.12 else 0.04 * math.log(centre_xy - 0.12) + 0.4
    above_floor = 1.0 if hand[2] >= floor else long_tail(floor - hand[2], 0.0, 0.01, margin=floor / 2.0)
    in_place = long_tail(distance(hand, offset(handle, (0.0, 0.03, -0.01))), 0.0, 0.06, margin=0.5)
    return hamacher(above_floor, in_place)


def score_open_v2(now: Signals, start: Start, effort: float) -> Score:
    """Ready at the handle (2) and door open (8); 10 on success."""
    closing = (clip(effort, -1.0, 1.0) + 1.0) / 2.0
    ready = ready_to_pull(now.arm.hand_pos, now.obj_pos)
    has_moved = 1.0 if now.door_angle < -math.pi / 90.0 else 0.0
    opened = 0.2 * has_moved + 0.8 * long_tail(FULLY_OPEN + now.door_angle, 0.0, 0.5, margin=math.pi / 3.0)
    success = is_success(now, start)
    reward = 10.0 if success else 2.0 * hamacher(ready, closing) + 8.0 * opened
    return Score(reward, success, near_object=ready, grasp_success=float(closing >= 0.5), grasp_reward=closing, in_place_reward=opened)


def progress_v1(now: Signals, start: Start) -> tuple[float, float]:
    """The original reward of both tasks and the handle's horizontal distance left: reach, then progress while the tcp is near."""
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    to_goal = distance_xy(now.obj_pos, start.goal_pos)
    swing = max(approach_bonus(to_goal, distance_xy(start.handle_pos, start.goal_pos)), 0.0) if to_tcp < 0.05 else 0.0
    return -to_tcp + swing, to_goal


def score_open_v1(now: Signals, start: Start, effort: float) -> Score:
    """Reach the handle, then pull."""
    return Score(progress_v1(now, start)[0], is_success(now, start))


def hook_and_swing(obs: Observation) -> Action:
    """Put the shut fingers between handle and door, drag the handle along its circle around the hinge, and stop at the goal."""
    handle, goal = expert.obj_pos(obs), expert.goal_pos(obs)
    hinge_x, hinge_y = goal[0] + DOOR_TO_HINGE[0] - DOOR_TO_GOAL[0], goal[1] + DOOR_TO_HINGE[1] - DOOR_TO_GOAL[1]
    arm_x, arm_y = handle[0] - hinge_x, handle[1] - hinge_y
    length = math.hypot(arm_x, arm_y)
    swing_x, swing_y = arm_y / length, -arm_x / length  # the handle's direction while the door opens
    hook = (handle[0] - 0.05 * swing_x, handle[1] - 0.05 * swing_y, handle[2])
    tcp = expert.tcp_pos(obs)
    behind = (tcp[0] - handle[0]) * swing_x + (tcp[1] - handle[1]) * swing_y
    if tcp[2] - handle[2] > 0.03 or behind > 0.0:
        return expert.approach_from_above(obs, hook, expert.CLOSE)
    if abs(handle[0] - goal[0]) < ARRIVED:
        return expert.move_tcp(obs, hook, expert.CLOSE)  # lets go: a hand that goes on pulling creeps up the handle
    lead = min(0.08, 2.0 * (handle[0] - goal[0]))  # a door opened much further is no success any more
    return expert.move_tcp(obs, (handle[0] + lead * swing_x, handle[1] + lead * swing_y, handle[2]), expert.CLOSE)


# door-close


def place_open(rand_vec: RandVec, settled: Signals) -> Placement:
    return Placement((JointValue("doorjoint", WIDE_OPEN, velocity=0.0),))


def begin_close(rand_vec: RandVec, settled: Signals, placed: Signals) -> Start:
    door_pos = vec3(rand_vec)
    return Start(settled.arm.tcp_pos, door_pos, offset(door_pos, CLOSE_DOOR_TO_GOAL), placed.obj_pos)


def score_close_v2(now: Signals, start: Start, effort: float) -> Score:
    """Hand at the goal (3) and handle at the goal (6); 10 once it is within 5 cm."""
    to_goal = distance(now.obj_pos, start.goal_pos)
    shut = gaussian(to_goal, 0.0, 0.05, margin=distance(start.obj_pos, start.goal_pos))
    # The margin changes during the episode: from the fixed hand start to the current handle, as published.
    hand_margin = distance(CLOSE_HAND_START, now.obj_pos) + 0.1
    hand_in_place = gaussian(distance(now.arm.tcp_pos, start.goal_pos), 0.0, 0.0125, hand_margin)
    reward = 10.0 if to_goal < 0.05 else 3.0 * hand_in_place + 6.0 * shut
    return Score(
        reward, to_goal <= SUCCESS_DISTANCE, grasp_success=1.0, grasp_reward=1.0, in_place_reward=hand_in_place, obj_to_target=to_goal
    )


def score_close_v1(now: Signals, start: Start, effort: float) -> Score:
    """Reach the handle, then push."""
    reward, to_goal = progress_v1(now, start)
    return Score(reward, to_goal <= SUCCESS_DISTANCE, grasp_success=1.0, grasp_reward=1.0, obj_to_target=to_goal)


def push_shut(obs: Observation) -> Action:
    """Get behind the handle's bar, a little towards the hinge, push it along its circle around the hinge, and stop at the goal."""
    handle, goal, tcp = expert.obj_pos(obs), expert.goal_pos(obs), expert.tcp_pos(obs)
    if distance_xy(handle, goal) < ARRIVED:
        return expert.stay(expert.CLOSE)
    hinge_x = goal[0] - CLOSE_DOOR_TO_GOAL[0] + DOOR_TO_HINGE[0]
    hinge_y = goal[1] - CLOSE_DOOR_TO_GOAL[1] + DOOR_TO_HINGE[1]
    leaf = math.atan2(handle[1] - hinge_y, handle[0] - hinge_x) - HANDLE_BEARING  # direction of the door leaf
    push_x, push_y = -math.sin(leaf), math.cos(leaf)
    contact_x, contact_y = handle[0] - 0.04 * math.cos(leaf), handle[1] - 0.04 * math.sin(leaf)
    behind = (tcp[0] - contact_x) * push_x + (tcp[1] - contact_y) * push_y
    aside = abs((tcp[0] - contact_x) * math.cos(leaf) + (tcp[1] - contact_y) * math.sin(leaf))
    lead = -0.06 if behind > 0.0 or aside > 0.04 else 0.08
    return expert.move_tcp(obs, (contact_x + lead * push_x, contact_y + lead * push_y, handle[2]), expert.CLOSE)


SCENE = Scene(props=(Prop("door", "door", (0.0, 0.9, 0.15)),))
READS = {"obj_pos": site_pos("handle"), "obj_quat": quat_xyzw("handle", "site"), "door_angle": joint("doorjoint")}
RANDOM_LOW, RANDOM_HIGH = (0.0, 0.85, 0.15), (0.1, 0.95, 0.15)

DOOR_OPEN = TaskDef(
    name="door-open",
    sentence="Open the door by its handle.",
    family="door",
    skills=("pull",),
    objects=("door handle",),
    scene=SCENE,
    signals=Signals,
    reads=READS,
    random_low=RANDOM_LOW,
    random_high=RANDOM_HIGH,
    goal_low=(-0.3, 0.4, 0.1499),
    goal_high=(-0.2, 0.5, 0.1501),
    fixtures={"door": vec3},
    place=place_shut,
    begin=begin_open,
    scores={"v2": score_open_v2, "v1": score_open_v1},
    expert=hook_and_swing,
)

DOOR_CLOSE = replace(
    DOOR_OPEN,
    name="door-close",
    sentence="Close the door by its handle.",
    skills=("push",),
    hand_start=CLOSE_HAND_START,
    goal_low=(0.2, 0.65, 0.1499),
    goal_high=(0.3, 0.75, 0.1501),
    place=place_open,
    begin=begin_close,
    scores={"v2": score_close_v2, "v1": score_close_v1},
    expert=push_shut,
)
