"""Push: bring a puck or cube to a goal on the table. Tasks: push, push-wall (around a wall), push-back (towards the robot)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from metaworld_py.sim.signals import Vec3
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import HAND_START, Action, Observation, RandVec, Score, Start, TaskDef, apart, float32
from metaworld_py.tasks.common.free_objects import HELD_READS, WALL, HeldSignals, grasp_and_carry, is_lifted, place_as_settled, puck_scene
from metaworld_py.tasks.common.shaping import (
    approach_bonus,
    caging,
    dense_grasp,
    distance,
    distance_xy,
    effortless_grasp,
    hamacher,
    long_tail,
    scaled_distance,
)

SUCCESS_DISTANCE = 0.05  # m between puck and goal; in push-wall and push-back only the full reward asks for this
LOOSE_SUCCESS_DISTANCE = 0.07  # m, success of push-wall and push-back
WALL_END = (-0.05, 0.77)  # m, x and y of the way-point beside the wall
WAYPOINT_SCALE: Vec3 = (3.0, 1.0, 1.0)


def begin(rand_vec: RandVec, settled: HeldSignals, placed: HeldSignals) -> Start:
    # The drawn heights are not used: puck and goal lie at the height at which the puck settled.
    settled_z = settled.obj_pos[2]
    return Start(settled.arm.tcp_pos, (rand_vec[0], rand_vec[1], settled_z), (rand_vec[3], rand_vec[4], settled_z))


def closeness(now: HeldSignals, start: Start) -> float:
    """1 within `SUCCESS_DISTANCE` of the goal, 0.1 as far as at the start."""
    return long_tail(distance(now.obj_pos, start.goal_pos), 0.0, SUCCESS_DISTANCE, margin=distance(start.obj_pos, start.goal_pos))


def caged_grasp(now: HeldSignals, start: Start, effort: float) -> float:
    """Caging and grip of push and push-wall."""
    caged = caging(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.015, pad_margin=0.05, xz_margin=0.005)
    return dense_grasp(caged, effort)


def finish_push(reward: float, now: HeldSignals, start: Start, grasp: float, in_place: float, success_distance: float) -> Score:
    to_goal = distance(now.obj_pos, start.goal_pos)
    if to_goal < SUCCESS_DISTANCE:
        reward = 10.0
    near = distance(now.obj_pos, now.arm.tcp_pos) <= 0.03
    return Score(
        reward,
        to_goal <= success_distance,
        near_object=float(near),
        grasp_success=float(is_lifted(now, start)),
        grasp_reward=grasp,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def score_v1(now: HeldSignals, start: Start, effort: float, *, success_distance: float = SUCCESS_DISTANCE) -> Score:
    """Reach the puck; progress along the table pays while the tcp is near it."""
    to_goal = distance_xy(now.obj_pos, start.goal_pos)
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    push = max(approach_bonus(to_goal, distance_xy(start.obj_pos, start.goal_pos)), 0.0) if to_tcp < 0.05 else 0.0
    return Score(-to_tcp + push, to_goal <= success_distance, near_object=1.0, obj_to_target=to_goal)


def drag_the_puck(obs: Observation) -> Action:
    return grasp_and_carry(obs, expert.goal_pos(obs))


# push


def score_v2(now: HeldSignals, start: Start, effort: float) -> Score:
    """Cage the puck, then bring it to the goal; 10 at the goal."""
    in_place = closeness(now, start)
    grasp = caged_grasp(now, start, effort)
    reward = 2.0 * grasp
    if distance(now.obj_pos, now.arm.tcp_pos) < 0.02 and now.arm.opening > 0.0:
        reward = 4.0 * grasp + 1.0 + 5.0 * in_place
    return finish_push(reward, now, start, grasp, in_place, SUCCESS_DISTANCE)


# push-wall


def score_wall_v2(now: HeldSignals, start: Start, effort: float) -> Score:
    """Cage the puck, bring it to a way-point beside the wall, then to the goal; 10 at the goal."""
    waypoint = (*WALL_END, now.obj_pos[2])  # follows the puck's height, as published
    margin = scaled_distance(start.obj_pos, waypoint, WAYPOINT_SCALE)
    at_waypoint = long_tail(scaled_distance(now.obj_pos, waypoint, WAYPOINT_SCALE), 0.0, 0.05, margin)
    in_place = closeness(now, start)
    grasp = caged_grasp(now, start, effort)
    reward = 2.0 * grasp
    if distance(now.obj_pos, now.arm.tcp_pos) < 0.02 and now.arm.opening > 0.0:
        is_past_wall = now.obj_pos[1] > 0.75
        reward += 1.0 + (4.0 + 3.0 * in_place if is_past_wall else 4.0 * at_waypoint)
    return finish_push(reward, now, start, grasp, in_place, LOOSE_SUCCESS_DISTANCE)


def drag_around_the_wall(obs: Observation) -> Action:
    """Drag the puck sideways, then past the wall's end, then to the goal."""
    _, y, z = expert.obj_pos(obs)
    goal = expert.goal_pos(obs)
    if y > 0.82:
        return grasp_and_carry(obs, goal)
    is_beside = expert.obj_pos(obs)[0] < -0.09
    return grasp_and_carry(obs, (-0.1, 0.85 if is_beside else min(y, 0.65), z))


# push-back


def score_back_v2(now: HeldSignals, start: Start, effort: float) -> Score:
    """Cage the cube; once gripped and moved, closeness to the goal; 10 at the goal. The action is not used."""
    to_goal = distance(now.obj_pos, start.goal_pos)
    in_place = closeness(now, start)
    grasp = effortless_grasp(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.007, grip_margin=0.003, xz_margin=0.01)
    reward = hamacher(grasp, in_place)
    has_moved = distance(start.obj_pos, start.goal_pos) - to_goal > 0.01
    if distance(now.obj_pos, now.arm.tcp_pos) < 0.01 and 0.0 < now.arm.opening < 0.55 and has_moved:
        reward += 1.0 + 5.0 * in_place
    return finish_push(reward, now, start, grasp, in_place, LOOSE_SUCCESS_DISTANCE)


PUSH = TaskDef(
    name="push",
    sentence="Push the puck to a goal on the table.",
    family="push",
    skills=("push",),
    objects=("puck",),
    difficulty="hard",
    scene=puck_scene(goal_rgba=(0.0, 0.8, 0.0, 1.0)),
    signals=HeldSignals,
    reads=HELD_READS,
    random_low=(-0.1, 0.6, 0.02, -0.1, 0.8, 0.01),
    random_high=(0.1, 0.7, 0.02, 0.1, 0.9, 0.02),
    accept=apart(0.15),
    goal_low=(-0.1, 0.8, 0.01),
    goal_high=(0.1, 0.9, 0.02),
    place=place_as_settled,
    begin=begin,
    scores={"v2": score_v2, "v1": score_v1},
    expert=drag_the_puck,
)

PUSH_WALL = replace(
    PUSH,
    name="push-wall",
    sentence="Push the puck around the wall to a goal behind it.",
    skills=("push", "avoid"),
    difficulty="medium",
    scene=puck_scene((0.0, 0.8, 0.0, 1.0), WALL),
    random_low=(-0.05, 0.6, 0.015, -0.05, 0.85, 0.01),
    random_high=(0.05, 0.65, 0.015, 0.05, 0.9, 0.02),
    goal_low=(-0.05, 0.85, 0.01),
    goal_high=(0.05, 0.9, 0.02),
    scores={"v2": score_wall_v2, "v1": partial(score_v1, success_distance=LOOSE_SUCCESS_DISTANCE)},
    expert=drag_around_the_wall,
)

PUSH_BACK = replace(
    PUSH,
    name="push-back",
    sentence="Pull the cube back to a goal on the table.",
    skills=("pull",),
    objects=("cube",),
    scene=puck_scene((0.0, 0.8, 0.0, 1.0), part="cube_heavy"),
    hand_start=float32(HAND_START),
    random_low=(-0.1, 0.8, 0.02, -0.1, 0.6, 0.0199),
    random_high=(0.1, 0.85, 0.02, 0.1, 0.7, 0.0201),
    goal_low=(-0.1, 0.6, 0.0199),
    goal_high=(0.1, 0.7, 0.0201),
    scores={"v2": score_back_v2, "v1": partial(score_v1, success_distance=LOOSE_SUCCESS_DISTANCE)},
)
