"""Reach: bring the tool centre point to a goal in the air; the puck on the table only distracts. Task: reach."""

from __future__ import annotations

from metaworld_py.tasks import expert
from metaworld_py.tasks.definition import (
    HAND_START,
    Action,
    FreeBody,
    ObjectSignals,
    Observation,
    Placement,
    RandVec,
    Score,
    Start,
    TaskDef,
    apart,
    vec3,
)
from metaworld_py.tasks.puck import PUCK_JOINT, PUCK_READS, puck_scene
from metaworld_py.tasks.shaping import approach_bonus, distance, long_tail

SUCCESS_DISTANCE = 0.05  # m between tcp and goal


def place(rand_vec: RandVec, settled: ObjectSignals) -> Placement:
    return Placement((FreeBody(PUCK_JOINT, vec3(rand_vec)),))


def begin(rand_vec: RandVec, settled: ObjectSignals, placed: ObjectSignals) -> Start:
    return Start(tcp_pos=settled.arm.tcp_pos, obj_pos=vec3(rand_vec), goal_pos=vec3(rand_vec, 3))


def _score(reward: float, to_goal: float, in_place: float) -> Score:
    # The distance itself stands in near_object and grasp_reward, as published.
    return Score(reward, to_goal <= SUCCESS_DISTANCE, to_goal, 1.0, to_goal, in_place, to_goal)


def score_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """10 · closeness of the tcp, in [0, 10]."""
    to_goal = distance(now.arm.tcp_pos, start.goal_pos)
    # The margin starts at the commanded hand position, about 5 cm above the tcp, as published.
    in_place = long_tail(to_goal, 0.0, SUCCESS_DISTANCE, margin=distance(HAND_START, start.goal_pos))
    return _score(10.0 * in_place, to_goal, in_place)


def score_v1(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Progress towards the goal plus a bonus near it."""
    to_goal = distance(now.arm.tcp_pos, start.goal_pos)
    return _score(max(approach_bonus(to_goal, distance(start.tcp_pos, start.goal_pos)), 0.0), to_goal, 0.0)


def reach_the_goal(obs: Observation) -> Action:
    return expert.move_tcp(obs, expert.goal_pos(obs), expert.HOLD)


REACH = TaskDef(
    name="reach",
    sentence="Reach a goal position with the gripper.",
    scene=puck_scene(goal_rgba=(0.8, 0.0, 0.0, 1.0)),
    signals=ObjectSignals,
    reads=PUCK_READS,
    random_low=(-0.1, 0.6, 0.02, -0.1, 0.8, 0.05),
    random_high=(0.1, 0.7, 0.02, 0.1, 0.9, 0.3),
    accept=apart(0.15),
    goal_low=(-0.1, 0.8, 0.05),
    goal_high=(0.1, 0.9, 0.3),
    place=place,
    begin=begin,
    scores={"v2": score_v2, "v1": score_v1},
    expert=reach_the_goal,
)
