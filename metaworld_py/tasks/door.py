"""Door: a safe whose door swings on a hinge at its left edge. Task: door-open.

Joint value 0 is shut, opening is negative. The observed object is the handle.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Arm, Quat, Vec3, joint, quat_xyzw, site_pos
from metaworld_py.tasks import expert
from metaworld_py.tasks.definition import Action, JointValue, Observation, Placement, RandVec, Score, TaskDef, vec3
from metaworld_py.tasks.shaping import approach_bonus, clip, distance, distance_xy, hamacher, long_tail, offset

SUCCESS_DISTANCE = 0.08  # m between handle and goal along x
DOOR_TO_GOAL: Vec3 = (-0.3, -0.45, 0.0)
DOOR_TO_HINGE: Vec3 = (-0.185, -0.1, 0.0)
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


def place(rand_vec: RandVec, settled: Signals) -> Placement:
    return Placement((JointValue("doorjoint", 0.0, velocity=0.0),))


def begin(rand_vec: RandVec, settled: Signals, placed: Signals) -> Start:
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


def score_v2(now: Signals, start: Start, effort: float) -> Score:
    """Ready at the handle (2) and door open (8); 10 on success."""
    closing = (clip(effort, -1.0, 1.0) + 1.0) / 2.0
    ready = ready_to_pull(now.arm.hand_pos, now.obj_pos)
    has_moved = 1.0 if now.door_angle < -math.pi / 90.0 else 0.0
    opened = 0.2 * has_moved + 0.8 * long_tail(FULLY_OPEN + now.door_angle, 0.0, 0.5, margin=math.pi / 3.0)
    success = is_success(now, start)
    reward = 10.0 if success else 2.0 * hamacher(ready, closing) + 8.0 * opened
    return Score(reward, success, ready, float(closing >= 0.5), closing, opened, 0.0)


def score_v1(now: Signals, start: Start, effort: float) -> Score:
    """Reach the handle; progress of the handle pays while the tcp is near it."""
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    to_goal = distance_xy(now.obj_pos, start.goal_pos)
    pull = max(approach_bonus(to_goal, distance_xy(start.handle_pos, start.goal_pos)), 0.0) if to_tcp < 0.05 else 0.0
    return Score(-to_tcp + pull, is_success(now, start), 0.0, 0.0, 0.0, 0.0, 0.0)


def hook_and_swing(obs: Observation) -> Action:
    """Put the shut fingers between handle and door, then drag the handle along its circle around the hinge."""
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
    lead = min(0.08, 2.0 * (handle[0] - goal[0]))  # a door opened much further is no success any more
    return expert.move_tcp(obs, (handle[0] + lead * swing_x, handle[1] + lead * swing_y, handle[2]), expert.CLOSE)


DOOR_OPEN = TaskDef(
    name="door-open",
    sentence="Open the door by its handle.",
    scene=Scene(props=(Prop("door", "door", (0.0, 0.9, 0.15)),)),
    signals=Signals,
    reads={"obj_pos": site_pos("handle"), "obj_quat": quat_xyzw("handle", "site"), "door_angle": joint("doorjoint")},
    random_low=(0.0, 0.85, 0.15),
    random_high=(0.1, 0.95, 0.15),
    goal_low=(-0.3, 0.4, 0.1499),
    goal_high=(-0.2, 0.5, 0.1501),
    fixtures={"door": vec3},
    place=place,
    begin=begin,
    scores={"v2": score_v2, "v1": score_v1},
    expert=hook_and_swing,
)
