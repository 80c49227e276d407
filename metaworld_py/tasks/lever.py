"""Lever: push a horizontal lever up until it points straight up, against a soft stop. Task: lever-pull.

Joint value 0 points to −y, upwards is negative. The observed object is the ball at the lever's end.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Arm, Quat, Vec3, joint, quat_xyzw, site_pos
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import (
    HAND_START_NEAR,
    LOW_HAND_BOX,
    Action,
    Observation,
    RandVec,
    Score,
    Start,
    TaskDef,
    float32,
    leave_as_settled,
    vec3,
)
from metaworld_py.tasks.common.shaping import approach_bonus, clip, distance, hamacher, long_tail, offset, scaled_distance

SUCCESS_ANGLE = math.pi / 24.0  # rad off the vertical
STAND_TO_BALL: Vec3 = (0.12, -0.2, 0.25)
STAND_TO_GOAL: Vec3 = (0.12, 0.0, 0.45)
HAND_TO_BALL: Vec3 = (0.0, 0.055, 0.07)  # from a hand that holds a finger under the ball
REACH_SCALE: Vec3 = (4.0, 1.0, 4.0)
LEVER_LENGTH = 0.2  # m
NEAR_TOP = 0.05  # m of the ball's way along y that are left when the expert begins to hold it
HOLD_GAIN = 4.0  # action per metre: each step shifts what pulls the hand, so that the force on the ball adds up


class Signals(NamedTuple):
    """The ball's frame and the lever's angle."""

    arm: Arm
    obj_pos: Vec3
    obj_quat: Quat
    lever_angle: float


def begin(rand_vec: RandVec, settled: Signals, placed: Signals) -> Start:
    return Start(settled.arm.tcp_pos, vec3(rand_vec), offset(vec3(rand_vec), STAND_TO_GOAL))


def score_v2(now: Signals, start: Start, effort: float) -> Score:
    """Hand under the ball, joined with the ball's closeness to the top: 10 · H. Success looks at the angle only."""
    ball_start = offset(start.obj_pos, STAND_TO_BALL)
    off_hand = scaled_distance(offset(now.arm.hand_pos, HAND_TO_BALL), now.obj_pos, REACH_SCALE)
    # The margin starts from the tcp, the running distance from the hand, as published.
    reach = long_tail(off_hand, 0.0, 0.02, scaled_distance(offset(start.tcp_pos, HAND_TO_BALL), ball_start, REACH_SCALE))
    angle_left = abs(-now.lever_angle - math.pi / 2.0)
    turned = long_tail(angle_left, 0.0, math.pi / 48.0, margin=math.pi / 2.0 - math.pi / 12.0)
    lifted = long_tail(distance(now.obj_pos, start.goal_pos), 0.0, 0.04, margin=distance(ball_start, start.goal_pos))
    success = angle_left <= SUCCESS_ANGLE
    return Score(
        10.0 * hamacher(reach, lifted),
        success,
        near_object=float(off_hand < 0.03),
        grasp_success=float(reach > 0.9),
        grasp_reward=reach,
        in_place_reward=turned,
        obj_to_target=off_hand,
    )


def score_v1(now: Signals, start: Start, effort: float) -> Score:
    """Reach, then pull. Success compares a distance with the angle, as published."""
    to_tcp, to_goal = distance(now.obj_pos, now.arm.tcp_pos), distance(now.obj_pos, start.goal_pos)
    pull = max(approach_bonus(to_goal, distance(start.goal_pos, start.obj_pos)), 0.0) if to_tcp < 0.05 else 0.0
    return Score(-to_tcp + pull, to_goal <= SUCCESS_ANGLE, near_object=1.0)


def lift_from_below(obs: Observation) -> Action:
    """Bring the left finger's upper end under the ball, follow the ball's circle upwards, and hold it at the top against the stop."""
    ball, goal = expert.obj_pos(obs), expert.goal_pos(obs)
    pivot_y, pivot_z = goal[1], goal[2] - LEVER_LENGTH
    swing_y, swing_z = (ball[2] - pivot_z) / LEVER_LENGTH, (pivot_y - ball[1]) / LEVER_LENGTH
    # the tcp of a hand whose left finger ends under the ball
    under = offset(ball, (0.0, -HAND_TO_BALL[1], -HAND_TO_BALL[2] + expert.HAND_TO_TCP[2]))
    tcp = expert.tcp_pos(obs)
    if abs(tcp[0] - under[0]) > 0.03 or tcp[1] < under[1] - 0.03:
        aside = 0.1 if abs(tcp[0] - under[0]) > 0.03 else 0.0
        return expert.move_tcp(obs, (under[0], under[1] - aside, under[2] - 0.02), expert.OPEN)
    if goal[1] - ball[1] < NEAR_TOP and ball[2] > pivot_z:
        _, _, to_z, effort = expert.move_tcp(obs, under, expert.OPEN)
        return (0.0, clip(HOLD_GAIN * (goal[1] - ball[1]), -1.0, 1.0), to_z, effort)
    return expert.move_tcp(obs, (under[0], under[1] + 0.08 * swing_y, under[2] + 0.08 * swing_z), expert.OPEN)


LEVER_PULL = TaskDef(
    name="lever-pull",
    sentence="Pull the lever up until it points straight up.",
    family="lever",
    skills=("pull", "turn"),
    objects=("lever",),
    scene=Scene(props=(Prop("lever", "lever", (0.0, 0.88, 0.0)),), goal_rgba=(0.8, 0.0, 0.0, 1.0)),
    signals=Signals,
    reads={"obj_pos": site_pos("leverStart"), "obj_quat": quat_xyzw("leverBall", "site"), "lever_angle": joint("LeverAxis")},
    hand_start=float32(HAND_START_NEAR),
    hand_low=LOW_HAND_BOX[0],
    hand_high=LOW_HAND_BOX[1],
    random_low=(-0.1, 0.7, 0.0),
    random_high=(0.1, 0.8, 0.0),
    goal_low=LOW_HAND_BOX[0],
    goal_high=LOW_HAND_BOX[1],
    fixtures={"lever": vec3},
    place=leave_as_settled,
    begin=begin,
    scores={"v2": score_v2, "v1": score_v1},
    expert=lift_from_below,
)
