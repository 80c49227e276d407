"""Dial: turn a knob by pushing its bar. Task: dial-turn. The observed object is a point on the knob's rim that turns with it."""

from __future__ import annotations

import math

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Vec3, quat_wxyz, site_pos
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import (
    HAND_START,
    Action,
    ObjectSignals,
    Observation,
    RandVec,
    Score,
    Start,
    TaskDef,
    float32,
    leave_as_settled,
    vec3,
)
from metaworld_py.tasks.common.shaping import approach_bonus, clip, distance, gaussian, hamacher, long_tail, offset

SUCCESS_DISTANCE = 0.07  # m between the rim's point and the goal
REACH_RADIUS = 0.005  # m
DIAL_TO_GOAL: Vec3 = (0.0, 0.03, 0.03)
DIAL_TO_POINT: Vec3 = (0.0, -0.05, 0.0)  # at joint value 0, where every episode starts
POINT_TO_PUSH: Vec3 = (0.05, 0.02, 0.09)  # where the reward wants the tcp


def begin(rand_vec: RandVec, settled: ObjectSignals, placed: ObjectSignals) -> Start:
    return Start(settled.arm.tcp_pos, vec3(rand_vec), offset(vec3(rand_vec), DIAL_TO_GOAL))


def score_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Reach with closing fingers, joined with the dial's turn: 10 · H."""
    push_start = offset(offset(start.obj_pos, DIAL_TO_POINT), POINT_TO_PUSH)
    to_goal = distance(now.obj_pos, start.goal_pos)
    in_place = long_tail(to_goal, 0.0, SUCCESS_DISTANCE, abs(distance(push_start, start.goal_pos) - SUCCESS_DISTANCE))
    to_tcp = distance(offset(now.obj_pos, POINT_TO_PUSH), now.arm.tcp_pos)
    reach = gaussian(to_tcp, 0.0, REACH_RADIUS, abs(distance(push_start, start.tcp_pos) - REACH_RADIUS))
    grasp = hamacher(reach, clip(effort, 0.0, 1.0))
    success = to_goal <= SUCCESS_DISTANCE
    return Score(
        10.0 * hamacher(grasp, in_place),
        success,
        near_object=float(to_tcp <= 0.01),
        grasp_success=1.0,
        grasp_reward=grasp,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def score_v1(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Reach, then turn; distances along y."""
    to_tcp, to_goal = distance(now.obj_pos, now.arm.tcp_pos), abs(now.obj_pos[1] - start.goal_pos[1])
    turn = max(approach_bonus(to_goal, abs(start.goal_pos[1] - start.obj_pos[1]), width=0.001), 0.0) if to_tcp < 0.05 else 0.0
    return Score(-to_tcp + turn, to_goal <= SUCCESS_DISTANCE, near_object=1.0, grasp_success=1.0, obj_to_target=to_goal)


def push_bar(obs: Observation) -> Action:
    """Come down to the right of the bar's near end and push it around clockwise, seen from above."""
    point, goal, tcp = expert.obj_pos(obs), expert.goal_pos(obs), expert.tcp_pos(obs)
    arm_x, arm_y = point[0] - (goal[0] - DIAL_TO_GOAL[0]), point[1] - (goal[1] - DIAL_TO_GOAL[1])
    length = math.hypot(arm_x, arm_y)
    swing_x, swing_y = arm_y / length, -arm_x / length
    z = point[2] + 0.05
    ahead = (tcp[0] - point[0]) * swing_x + (tcp[1] - point[1]) * swing_y
    if tcp[2] - z > 0.02 or ahead > 0.0:
        return expert.approach_from_above(obs, (point[0] - 0.045 * swing_x, point[1] - 0.045 * swing_y, z), expert.CLOSE)
    return expert.move_tcp(obs, (point[0] + 0.06 * swing_x, point[1] + 0.06 * swing_y, z), expert.CLOSE)


DIAL_TURN = TaskDef(
    name="dial-turn",
    sentence="Turn the dial.",
    family="dial",
    skills=("turn",),
    objects=("dial",),
    scene=Scene(props=(Prop("dial", "dial", (0.0, 0.7, 0.0)),), goal_rgba=(0.8, 0.0, 0.0, 1.0)),
    signals=ObjectSignals,
    reads={"obj_pos": site_pos("dialPoint"), "obj_quat": quat_wxyz("dial")},
    hand_start=float32(HAND_START),
    random_low=(-0.1, 0.7, 0.0),
    random_high=(0.1, 0.8, 0.0),
    goal_low=(-0.1, 0.73, 0.0299),
    goal_high=(0.1, 0.83, 0.0301),
    fixtures={"dial": vec3},
    place=leave_as_settled,
    begin=begin,
    scores={"v2": score_v2, "v1": score_v1},
    expert=push_bar,
)
