"""Bin-picking: pick the cube up from one bin and put it into the other. Task: bin-picking."""

from __future__ import annotations

from typing import NamedTuple

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Vec3, quat_wxyz
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import HAND_BOX, Action, ObjectSignals, Observation, RandVec, Score, TaskDef
from metaworld_py.tasks.common.free_objects import PUCK_READS, grasp_and_carry, place_as_settled
from metaworld_py.tasks.common.shaping import (
    above_funnel,
    approach_bonus,
    caging,
    clip,
    dense_grasp,
    distance,
    distance_xy,
    funnel_floor,
    hamacher,
    long_tail,
    pick_and_place_v1,
)

SUCCESS_DISTANCE = 0.05  # m between cube and goal, the middle of the other bin's floor
GOAL: Vec3 = (0.12, 0.7, 0.0)
LIFTED = 0.02  # m above its start
LIFT_HEIGHT_V1 = 0.1  # m
RELEASE_BONUS_V1 = 200.0  # for an opening effort of 1
CARRY_HEIGHT = 0.15  # m, of the cube on its way over the bins' walls
GRIPPED_OPENING = 0.54  # observed opening below which the fingers press on the cube


class Start(NamedTuple):
    tcp_pos: Vec3
    obj_pos: Vec3
    goal_pos: Vec3
    goal_distance: float  # m, after the first step, not at reset, as published


def begin(rand_vec: RandVec, settled: ObjectSignals, placed: ObjectSignals) -> Start:
    # Only the drawn place is used: the cube drops from the height at which it settled at the model's place.
    return Start(settled.arm.tcp_pos, (rand_vec[0], rand_vec[1], settled.obj_pos[2]), GOAL, distance(placed.obj_pos, GOAL))


def measure_goal_distance(now: ObjectSignals, start: Start) -> Start:
    return Start(start.tcp_pos, start.obj_pos, start.goal_pos, distance(now.obj_pos, start.goal_pos))


def score_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Cage, lift, carry; staying above two funnels over the bins pays; 10 at the goal. "Near" takes the hand, not the tcp."""
    hand = now.arm.hand_pos
    to_goal = distance(now.obj_pos, start.goal_pos)
    in_place = long_tail(to_goal, 0.0, SUCCESS_DISTANCE, margin=start.goal_distance)
    floor = min(
        funnel_floor(distance_xy(hand, start.obj_pos), rim=0.03, steepness=0.02, height=0.2),
        funnel_floor(distance_xy(hand, start.goal_pos), rim=0.03, steepness=0.02, height=0.2),
    )
    caged = caging(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.015, pad_margin=0.05, xz_margin=0.01)
    grasp = dense_grasp(caged, effort, full_effort=0.7)
    reward = hamacher(grasp, in_place)
    near = distance(now.obj_pos, hand) < 0.04
    is_grasped = near and now.obj_pos[2] - LIFTED > start.obj_pos[2] and not now.arm.opening < 0.43
    if is_grasped:
        reward += 1.0 + 5.0 * hamacher(above_funnel(hand[2], floor, margin=0.05), in_place)
    if to_goal < SUCCESS_DISTANCE:
        reward = 10.0
    return Score(
        reward,
        to_goal <= SUCCESS_DISTANCE,
        near_object=float(near),
        grasp_success=float(is_grasped),
        grasp_reward=grasp,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def score_v1(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Reach, pick, place; opening the fingers over the goal pays."""
    to_goal = distance_xy(now.obj_pos, start.goal_pos)
    release = -RELEASE_BONUS_V1 * effort
    is_over = abs(now.obj_pos[0] - start.goal_pos[0]) < 0.05 and abs(now.obj_pos[1] - start.goal_pos[1]) < 0.05
    picked_z = start.obj_pos[2] + LIFT_HEIGHT_V1
    if is_over and now.obj_pos[2] < start.obj_pos[2] + 0.05:
        way = distance_xy(start.obj_pos, start.goal_pos) + picked_z
        reward = release + max(approach_bonus(to_goal, way), 0.0)
    else:
        reward = pick_and_place_v1(
            now.arm.tcp_pos,
            now.obj_pos,
            effort,
            tcp_pos_start=start.tcp_pos,
            obj_pos_start=start.obj_pos,
            goal_pos=(start.goal_pos[0], start.goal_pos[1], picked_z),  # the way counts horizontally
            lift_height=LIFT_HEIGHT_V1,
            lag_weight=1.0,
            to_goal=to_goal,
            place_distance=to_goal,
            above=0.06,
            release_bonus=release if is_over else 0.0,
        )
    return Score(reward, to_goal <= SUCCESS_DISTANCE, obj_to_target=to_goal)


def fitting_opening(cube: Vec3) -> float:
    """The widest observed opening (up to 1) whose fingers clear the bin's walls, 9 cm off its middle along y, by 5 mm."""
    to_wall = 0.09 - abs(cube[1] - GOAL[1])
    return min((to_wall - 0.003 - 0.005) / 0.05, 1.0)  # fingers: half a thickness outside half the opening of 0.1 m


def carry_across(obs: Observation) -> Action:
    """Come down with fingers just open enough, lift the cube, carry it over the goal, then lower it."""
    cube, goal = expert.obj_pos(obs), expert.goal_pos(obs)
    if distance_xy(cube, goal) < 0.02:
        target = goal
    elif cube[2] > CARRY_HEIGHT - 0.04:
        target = (goal[0], goal[1], CARRY_HEIGHT)
    else:
        target = (cube[0], cube[1], CARRY_HEIGHT)
    too_open = expert.opening(obs) - fitting_opening(cube)
    return grasp_and_carry(
        obs,
        target,
        gripped_opening=GRIPPED_OPENING,
        come_down=clip(too_open, -1.0, 1.0),
        aligned=0.005 if abs(too_open) < 0.03 else 0.0,
    )


BIN_PICKING = TaskDef(
    name="bin-picking",
    sentence="Pick up the cube and put it into the other bin.",
    family="pick-place",
    skills=("grasp", "lift", "place"),
    objects=("cube",),
    difficulty="medium",
    scene=Scene(props=(Prop("cube_solid", "obj", (-0.12, 0.7, 0.04)), Prop("bins", "bins", (0.0, 0.7, 0.0)))),
    signals=ObjectSignals,
    reads={**PUCK_READS, "obj_quat": quat_wxyz("obj")},
    hand_low=(*HAND_BOX[0][:2], 0.07),
    random_low=(-0.21, 0.65, 0.02, 0.1199, 0.699, -0.001),
    random_high=(-0.03, 0.75, 0.02, 0.1201, 0.701, 0.001),
    goal_low=(0.1199, 0.699, -0.001),
    goal_high=(0.1201, 0.701, 0.001),
    place=place_as_settled,
    begin=begin,
    after_first_step=measure_goal_distance,
    scores={"v2": score_v2, "v1": score_v1},
    expert=carry_across,
)
