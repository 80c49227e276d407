"""Hand-insert: carry a small cube into a hole in the table. Task: hand-insert."""

from __future__ import annotations

from metaworld_py.sim.signals import quat_wxyz
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import HAND_START, Action, Observation, Score, Start, TaskDef, apart, float32
from metaworld_py.tasks.common.free_objects import (
    HELD_READS,
    HeldSignals,
    begin_as_drawn,
    grasp_and_carry,
    is_lifted,
    place_as_drawn,
    puck_scene,
)
from metaworld_py.tasks.common.shaping import approach_bonus, caging, dense_grasp, distance, distance_xy, hamacher, long_tail

SUCCESS_DISTANCE = 0.05  # m between cube and goal
TABLE_TOP = 0.05  # m, world; the hole's floor is at 0
ON_FLOOR = 0.025  # m, of a cube that lies in the hole
CARRY_HEIGHT = TABLE_TOP + 0.06  # m, of the cube on its way to the hole
START = float32(HAND_START)


def score_v2(now: HeldSignals, start: Start, effort: float) -> Score:
    """Cage the cube, then bring it to the goal; 10 at the goal."""
    to_goal = distance(now.obj_pos, start.goal_pos)
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    in_place = long_tail(to_goal, 0.0, SUCCESS_DISTANCE, margin=distance(start.obj_pos, start.goal_pos))
    caged = caging(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.015, pad_margin=0.05, xz_margin=0.005)
    grasp = dense_grasp(caged, effort)
    reward = hamacher(grasp, in_place)
    if to_tcp < 0.02 and now.arm.opening > 0.0:
        reward += 1.0 + 7.0 * in_place
    if to_goal < SUCCESS_DISTANCE:
        reward = 10.0
    return Score(
        reward,
        to_goal <= SUCCESS_DISTANCE,
        near_object=float(to_tcp <= 0.03),
        grasp_success=float(is_lifted(now, start)),
        grasp_reward=grasp,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def score_v1(now: HeldSignals, start: Start, effort: float) -> Score:
    """Bring the tcp over the goal, then down to it; the cube plays no part.

    Success compares the cube's start with the goal, as published: it never comes.
    """
    off_xy = distance_xy(now.arm.tcp_pos, start.goal_pos)
    depth_left = abs(now.arm.tcp_pos[2] - start.goal_pos[2])
    insert = max(approach_bonus(depth_left, abs(START[2] - start.goal_pos[2])), 0.0) if off_xy < 0.05 else 0.0
    to_goal = distance(start.obj_pos, start.goal_pos)
    return Score(-off_xy + insert, to_goal <= SUCCESS_DISTANCE, near_object=1.0, obj_to_target=to_goal)


def carry_into_the_hole(obs: Observation) -> Action:
    """Lift the cube, carry it over the goal, lower it, and let go."""
    cube, goal = expert.obj_pos(obs), expert.goal_pos(obs)
    if cube[2] < ON_FLOOR and distance(cube, goal) < SUCCESS_DISTANCE:
        return expert.stay(expert.OPEN)
    if distance_xy(cube, goal) < 0.015 or cube[2] < TABLE_TOP:
        return grasp_and_carry(obs, goal)
    is_high = cube[2] > CARRY_HEIGHT - 0.02
    return grasp_and_carry(obs, (goal[0], goal[1], CARRY_HEIGHT) if is_high else (cube[0], cube[1], CARRY_HEIGHT))


HAND_INSERT = TaskDef(
    name="hand-insert",
    sentence="Put the cube into the hole in the table.",
    family="pick-place",
    skills=("grasp", "insert"),
    objects=("cube",),
    difficulty="hard",
    scene=puck_scene((0.0, 0.0, 0.8, 1.0), part="cube_light", table="table_hole"),
    signals=HeldSignals,
    reads={**HELD_READS, "obj_quat": quat_wxyz("obj")},
    hand_start=START,
    hand_low=(-0.5, 0.4, -0.15),
    random_low=(-0.1, 0.6, 0.05, -0.04, 0.8, -0.0201),
    random_high=(0.1, 0.7, 0.05, 0.04, 0.88, -0.0199),
    accept=apart(0.15),
    goal_low=(-0.04, 0.8, -0.0201),
    goal_high=(0.04, 0.88, -0.0199),
    place=place_as_drawn,  # sunk into the table, which pushes it out within about 20 steps, as published
    begin=begin_as_drawn,
    scores={"v2": score_v2, "v1": score_v1},
    expert=carry_into_the_hole,
)
