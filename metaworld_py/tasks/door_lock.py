"""Door lock: a lever on a safe's door that turns about y. Tasks: door-lock (level to hanging), door-unlock (hanging to level).

Joint value 0 is level to +x, 1.57 hangs down. The observed object is a point at the lever's tip. In about a third of the instances the left
finger comes down on the lever while the hand settles.
"""

from __future__ import annotations

import math
from dataclasses import replace

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Vec3, quat_wxyz, site_pos
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import (
    HAND_START,
    LOW_HAND_BOX,
    Action,
    JointValue,
    ObjectSignals,
    Observation,
    Placement,
    RandVec,
    Score,
    Start,
    TaskDef,
    float32,
    vec3,
)
from metaworld_py.tasks.common.shaping import approach_bonus, distance, hamacher, long_tail, offset, scaled_distance

ARRIVED = 0.015  # m along z between tip and goal at which the expert stops pressing
SUCCESS_DISTANCE = 0.02  # m between tip and goal: along z to lock, along x to unlock
SAFE_TO_LOCK: Vec3 = (0.0, -0.118, 0.061)  # the lever's hinge
LOCK_TO_GOAL: Vec3 = (0.0, -0.04, -0.1)
UNLOCK_TO_GOAL: Vec3 = (0.1, -0.04, 0.0)
HANGING = 1.5708  # rad, a hair beyond the range, as published
LEVER_SCALE: Vec3 = (0.25, 1.0, 0.5)
HAND_TO_LEVER: Vec3 = (0.0, 0.055, 0.07)
FINGER_Y = 0.016 - 0.05  # m, from the tip's point to a tcp whose open left finger is at the lever's middle
FRONT_Y = -0.003 - 0.053  # m, from the tip's point to a tcp whose open left finger touches the lever's front
SCENE = Scene(props=(Prop("door_lock", "door", (0.0, 0.9, 0.15)),))


def progress_v1(now: ObjectSignals, start: Start) -> tuple[float, float]:
    """The original reward of both tasks and the distance left: reach, then progress while the tcp is near.

    The whole way is taken from the lever's hinge, not from its tip, as published.
    """
    to_tcp, to_goal = distance(now.obj_pos, now.arm.tcp_pos), distance(now.obj_pos, start.goal_pos)
    turn = max(approach_bonus(to_goal, distance(start.goal_pos, start.obj_pos)), 0.0) if to_tcp < 0.05 else 0.0
    return -to_tcp + turn, to_goal


def score_v1(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Reach, then turn."""
    reward, to_goal = progress_v1(now, start)
    return Score(reward, to_goal <= SUCCESS_DISTANCE, near_object=1.0, obj_to_target=to_goal)


def turned(to_goal: float) -> float:
    return long_tail(to_goal, 0.0, 0.005, margin=0.1)


# door-lock


def place_as_settled(rand_vec: RandVec, settled: ObjectSignals) -> Placement:
    return Placement(refresh=False, physics_steps=5)


def begin_lock(rand_vec: RandVec, settled: ObjectSignals, placed: ObjectSignals) -> Start:
    lock = offset(vec3(rand_vec), SAFE_TO_LOCK)
    return Start(settled.arm.tcp_pos, lock, offset(lock, LOCK_TO_GOAL))


def score_lock_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Open gripper with its left pad at the lever (2), lever down (8)."""
    to_goal = abs(start.goal_pos[2] - now.obj_pos[2])
    to_pad = scaled_distance(now.obj_pos, now.arm.left_pad_pos, LEVER_SCALE)
    near = long_tail(to_pad, 0.0, 0.01, margin=to_pad)  # the margin is the current distance itself, as published
    in_place = turned(to_goal)
    reward = 2.0 * hamacher(now.arm.opening, near) + 8.0 * in_place
    success = to_goal <= SUCCESS_DISTANCE
    return Score(
        reward,
        success,
        near_object=float(to_pad <= 0.05),
        grasp_success=float(now.arm.opening > 0.0),
        grasp_reward=near,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def press_lever_down(obs: Observation) -> Action:
    """Go over the lever with open fingers, push it down with the left one, the palm clear of the safe, and stop."""
    tip = expert.obj_pos(obs)
    if abs(tip[2] - expert.goal_pos(obs)[2]) < ARRIVED:
        return expert.stay(expert.OPEN)
    above = (tip[0] - 0.01, tip[1] + FINGER_Y, tip[2] - 0.08)
    return expert.approach_from_above(obs, above, expert.OPEN, clearance=0.18, aligned=0.03)


# door-unlock


def place_hanging(rand_vec: RandVec, settled: ObjectSignals) -> Placement:
    return Placement((JointValue("lock_hinge", HANGING, velocity=0.0),))


def begin_unlock(rand_vec: RandVec, settled: ObjectSignals, placed: ObjectSignals) -> Start:
    lock = offset(vec3(rand_vec), SAFE_TO_LOCK)
    return Start(settled.arm.tcp_pos, lock, offset(lock, UNLOCK_TO_GOAL))


def score_unlock_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Hand at the lever (2), lever level (8)."""
    to_goal = abs(start.goal_pos[0] - now.obj_pos[0])
    off_hand = scaled_distance(offset(now.arm.hand_pos, HAND_TO_LEVER), now.obj_pos, LEVER_SCALE)
    # The margin starts from the tcp and the hinge, the running distance from the hand and the tip, as published.
    near = long_tail(off_hand, 0.0, 0.02, scaled_distance(offset(start.tcp_pos, HAND_TO_LEVER), start.obj_pos, LEVER_SCALE))
    in_place = turned(to_goal)
    success = to_goal <= SUCCESS_DISTANCE
    return Score(
        2.0 * near + 8.0 * in_place,
        success,
        near_object=float(off_hand <= 0.05),
        grasp_success=float(now.arm.opening > 0.0),
        grasp_reward=near,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def drag_lever_up(obs: Observation) -> Action:
    """Press the open left finger on the front of the hanging lever, near its tip, and drag the tip along its circle, right and up.

    Pushing from the left would not turn it: finger and palm lie flat along the whole lever and press on its hinge.
    """
    tip, goal, tcp = expert.obj_pos(obs), expert.goal_pos(obs), expert.tcp_pos(obs)
    arm_x, arm_z = tip[0] - (goal[0] - UNLOCK_TO_GOAL[0]), tip[2] - goal[2]
    length = math.hypot(arm_x, arm_z)
    swing_x, swing_z = -arm_z / length, arm_x / length
    x, y, z = tip[0], tip[1] + FRONT_Y, tip[2] - 0.06
    off = math.hypot(tcp[0] - x, tcp[2] - z)
    if tcp[1] < y - 0.01:  # in front of the lever
        return expert.move_tcp(obs, (x, y + (0.02 if off < 0.02 else -0.03), z), expert.OPEN)
    if off > 0.04:  # beside it
        return expert.move_tcp(obs, (tcp[0], y - 0.03, tcp[2]), expert.OPEN)
    return expert.move_tcp(obs, (x + 0.04 * swing_x, y + 0.01, z + 0.04 * swing_z), expert.OPEN)


DOOR_LOCK = TaskDef(
    name="door-lock",
    sentence="Lock the door by turning its lock down.",
    family="door",
    skills=("turn",),
    objects=("lock",),
    scene=SCENE,
    signals=ObjectSignals,
    reads={"obj_pos": site_pos("lockStartLock"), "obj_quat": quat_wxyz("door_link")},
    hand_start=float32(HAND_START),
    hand_low=LOW_HAND_BOX[0],
    hand_high=LOW_HAND_BOX[1],
    random_low=(-0.1, 0.8, 0.15),
    random_high=(0.1, 0.85, 0.15),
    goal_low=LOW_HAND_BOX[0],
    goal_high=LOW_HAND_BOX[1],
    fixtures={"door": vec3},
    settles_per_instance=True,
    place=place_as_settled,
    begin=begin_lock,
    scores={"v2": score_lock_v2, "v1": score_v1},
    expert=press_lever_down,
)

DOOR_UNLOCK = replace(
    DOOR_LOCK,
    name="door-unlock",
    sentence="Unlock the door by turning its lock up.",
    reads={"obj_pos": site_pos("lockStartUnlock"), "obj_quat": quat_wxyz("door_link")},
    goal_low=(0.0, 0.64, 0.2100),
    goal_high=(0.2, 0.7, 0.2111),
    place=place_hanging,
    begin=begin_unlock,
    scores={"v2": score_unlock_v2, "v1": score_v1},
    expert=drag_lever_up,
)
