"""Faucet: turn a lever about the vertical. Tasks: faucet-open (towards +x), faucet-close (towards −x).

Joint value 0 points to −y. The observed object is a point at the lever's tip, on its pushed side.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import quat_wxyz, site_pos
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import (
    HAND_START_NEAR,
    LOW_HAND_BOX,
    Action,
    ObjectSignals,
    Observation,
    RandVec,
    Score,
    ScoreFunction,
    Start,
    TaskDef,
    leave_as_settled,
    vec3,
)
from metaworld_py.tasks.common.shaping import approach_bonus, distance, gaussian, long_tail, offset

SUCCESS_DISTANCE = 0.07  # m between the lever's point and the goal
REACH_RADIUS = 0.01  # m
ARRIVED = 0.015  # m that the lever's tip has left along its circle when the experts stop
SCENE = Scene(props=(Prop("faucet", "faucetBase", (0.0, 0.8, 0.0)),))
TO_GOAL = 0.175  # m along x from the base
GOAL_Z = 0.125  # m
OPENING, CLOSING = +1.0, -1.0
# In faucet-open the rewards of version 2 look at a point a fixed way off the observed one; faucet-close has none. As published.
REWARD_POINT = {OPENING: (-0.04, 0.0, 0.03), CLOSING: (0.0, 0.0, 0.0)}


def begin(direction: float) -> Callable[[RandVec, ObjectSignals, ObjectSignals], Start]:
    """All starting distances are taken from the faucet's base, not from its lever."""

    def begin_turning(rand_vec: RandVec, settled: ObjectSignals, placed: ObjectSignals) -> Start:
        base = vec3(rand_vec)
        return Start(settled.arm.tcp_pos, base, offset(base, (TO_GOAL * direction, 0.0, GOAL_Z)))

    return begin_turning


def make_score_v2(direction: float) -> ScoreFunction:
    """Reach (4) and turn (6); 10 on success."""
    shift = REWARD_POINT[direction]

    def score(now: ObjectSignals, start: Start, effort: float) -> Score:
        point = offset(now.obj_pos, shift)
        to_goal, to_tcp = distance(point, start.goal_pos), distance(point, now.arm.tcp_pos)
        turn_margin = abs(distance(start.obj_pos, start.goal_pos) - SUCCESS_DISTANCE)
        in_place = long_tail(to_goal, 0.0, SUCCESS_DISTANCE, turn_margin)
        reach = gaussian(to_tcp, 0.0, REACH_RADIUS, abs(distance(start.obj_pos, start.tcp_pos) - REACH_RADIUS))
        success = to_goal <= SUCCESS_DISTANCE
        reward = 10.0 if success else 4.0 * reach + 6.0 * in_place
        return Score(
            reward,
            success,
            near_object=float(to_tcp <= 0.01),
            grasp_success=1.0,
            grasp_reward=reach,
            in_place_reward=in_place,
            obj_to_target=to_goal,
        )

    return score


def score_v1(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Reach, then turn."""
    to_tcp, to_goal = distance(now.obj_pos, now.arm.tcp_pos), distance(now.obj_pos, start.goal_pos)
    turn = max(approach_bonus(to_goal, distance(start.goal_pos, start.obj_pos)), 0.0) if to_tcp < 0.05 else 0.0
    return Score(-to_tcp + turn, to_goal <= SUCCESS_DISTANCE, near_object=1.0, grasp_success=1.0, obj_to_target=to_goal)


def turn_lever(direction: float) -> Callable[[Observation], Action]:
    """Come down beside the lever, push its tip along its circle with shut fingers, and stop at the goal."""

    def turn(obs: Observation) -> Action:
        tip, goal, tcp = expert.obj_pos(obs), expert.goal_pos(obs), expert.tcp_pos(obs)
        arm_x, arm_y = tip[0] - (goal[0] - TO_GOAL * direction), tip[1] - goal[1]
        length = math.hypot(arm_x, arm_y)
        swing_x, swing_y = -direction * arm_y / length, direction * arm_x / length  # the tip's direction as the lever turns
        z = tip[2] - 0.02
        if (goal[0] - tip[0]) * swing_x + (goal[1] - tip[1]) * swing_y < ARRIVED:
            return expert.stay(expert.CLOSE)
        ahead = (tcp[0] - tip[0]) * swing_x + (tcp[1] - tip[1]) * swing_y
        if tcp[2] - tip[2] > 0.03 or ahead > 0.0:
            return expert.approach_from_above(obs, (tip[0] - 0.05 * swing_x, tip[1] - 0.05 * swing_y + 0.02, z), expert.CLOSE)
        return expert.move_tcp(obs, (tip[0] + 0.06 * swing_x, tip[1] + 0.06 * swing_y, z), expert.CLOSE)

    return turn


FAUCET_OPEN = TaskDef(
    name="faucet-open",
    sentence="Turn the faucet's handle to the right.",
    family="faucet",
    skills=("turn",),
    objects=("faucet handle",),
    scene=SCENE,
    signals=ObjectSignals,
    reads={"obj_pos": site_pos("handleStartOpen", (0.0, 0.0, -0.01)), "obj_quat": quat_wxyz("faucetBase")},
    hand_start=HAND_START_NEAR,
    hand_low=LOW_HAND_BOX[0],
    hand_high=LOW_HAND_BOX[1],
    random_low=(-0.05, 0.8, 0.0),
    random_high=(0.05, 0.85, 0.0),
    goal_low=LOW_HAND_BOX[0],
    goal_high=LOW_HAND_BOX[1],
    fixtures={"faucetBase": vec3},
    place=leave_as_settled,
    begin=begin(OPENING),
    scores={"v2": make_score_v2(OPENING), "v1": score_v1},
    expert=turn_lever(OPENING),
)

FAUCET_CLOSE = TaskDef(
    name="faucet-close",
    sentence="Turn the faucet's handle to the left.",
    family="faucet",
    skills=("turn",),
    objects=("faucet handle",),
    scene=SCENE,
    signals=ObjectSignals,
    reads={"obj_pos": site_pos("handleStartClose", (0.0, 0.0, -0.01)), "obj_quat": quat_wxyz("faucetBase")},
    hand_start=HAND_START_NEAR,
    hand_low=LOW_HAND_BOX[0],
    hand_high=LOW_HAND_BOX[1],
    random_low=(-0.1, 0.8, 0.0),
    random_high=(0.1, 0.85, 0.0),
    goal_low=LOW_HAND_BOX[0],
    goal_high=LOW_HAND_BOX[1],
    fixtures={"faucetBase": vec3},
    begin=begin(CLOSING),
    scores={"v2": make_score_v2(CLOSING), "v1": score_v1},
    expert=turn_lever(CLOSING),
)
