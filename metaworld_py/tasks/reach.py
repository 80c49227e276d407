"""Reach: bring the tool centre point to a goal in the air; the puck on the table only distracts. Tasks: reach, reach-wall."""

from __future__ import annotations

from dataclasses import replace

from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import HAND_START, Action, ObjectSignals, Observation, Score, Start, TaskDef, apart
from metaworld_py.tasks.common.free_objects import PUCK_READS, WALL, begin_as_drawn, place_as_drawn, puck_scene
from metaworld_py.tasks.common.shaping import approach_bonus, distance, long_tail

SUCCESS_DISTANCE = 0.05  # m between tcp and goal
CROSSING_HEIGHT = 0.2  # m at which the expert's tcp crosses the wall


def closeness(to_goal: float, start: Start) -> float:
    # The margin starts at the commanded hand position, about 5 cm above the tcp, as published.
    return long_tail(to_goal, 0.0, SUCCESS_DISTANCE, margin=distance(HAND_START, start.goal_pos))


def progress(to_goal: float, start: Start) -> float:
    """The original reward: progress towards the goal plus a bonus near it."""
    return max(approach_bonus(to_goal, distance(start.tcp_pos, start.goal_pos)), 0.0)


# reach


def finish_reach(reward: float, to_goal: float, in_place: float) -> Score:
    # The distance itself stands in near_object and grasp_reward, as published.
    return Score(
        reward,
        to_goal <= SUCCESS_DISTANCE,
        near_object=to_goal,
        grasp_success=1.0,
        grasp_reward=to_goal,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def score_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """10 · closeness of the tcp, in [0, 10]."""
    to_goal = distance(now.arm.tcp_pos, start.goal_pos)
    in_place = closeness(to_goal, start)
    return finish_reach(10.0 * in_place, to_goal, in_place)


def score_v1(now: ObjectSignals, start: Start, effort: float) -> Score:
    to_goal = distance(now.arm.tcp_pos, start.goal_pos)
    return finish_reach(progress(to_goal, start), to_goal, 0.0)


def reach_the_goal(obs: Observation) -> Action:
    return expert.move_tcp(obs, expert.goal_pos(obs), expert.HOLD)


# reach-wall


def finish_wall(reward: float, to_goal: float, in_place: float) -> Score:
    return Score(reward, to_goal <= SUCCESS_DISTANCE, in_place_reward=in_place, obj_to_target=to_goal)


def score_wall_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """As reach: the wall plays no part in the reward."""
    to_goal = distance(now.arm.tcp_pos, start.goal_pos)
    in_place = closeness(to_goal, start)
    return finish_wall(10.0 * in_place, to_goal, in_place)


def score_wall_v1(now: ObjectSignals, start: Start, effort: float) -> Score:
    to_goal = distance(now.arm.tcp_pos, start.goal_pos)
    return finish_wall(progress(to_goal, start), to_goal, 0.0)


def reach_over_the_wall(obs: Observation) -> Action:
    """Cross the wall high enough, then go to the goal."""
    x, y, z = expert.goal_pos(obs)
    height = max(z, CROSSING_HEIGHT) if expert.tcp_pos(obs)[1] < y - 0.04 else z
    return expert.move_tcp(obs, (x, y, height), expert.HOLD)


REACH = TaskDef(
    name="reach",
    sentence="Reach a goal position with the gripper.",
    family="reach",
    skills=("reach",),
    objects=("puck",),
    scene=puck_scene(goal_rgba=(0.8, 0.0, 0.0, 1.0)),
    signals=ObjectSignals,
    reads=PUCK_READS,
    random_low=(-0.1, 0.6, 0.02, -0.1, 0.8, 0.05),
    random_high=(0.1, 0.7, 0.02, 0.1, 0.9, 0.3),
    accept=apart(0.15),
    goal_low=(-0.1, 0.8, 0.05),
    goal_high=(0.1, 0.9, 0.3),
    place=place_as_drawn,
    begin=begin_as_drawn,
    scores={"v2": score_v2, "v1": score_v1},
    expert=reach_the_goal,
)

REACH_WALL = replace(
    REACH,
    name="reach-wall",
    sentence="Reach a goal position behind the wall with the gripper.",
    skills=("reach", "avoid"),
    scene=puck_scene((0.8, 0.0, 0.0, 1.0), WALL, part="puck_flat"),
    random_low=(-0.05, 0.6, 0.015, -0.05, 0.85, 0.05),
    random_high=(0.05, 0.65, 0.015, 0.05, 0.9, 0.3),
    goal_low=(-0.05, 0.85, 0.05),
    goal_high=(0.05, 0.9, 0.3),
    scores={"v2": score_wall_v2, "v1": score_wall_v1},
    expert=reach_over_the_wall,
)
