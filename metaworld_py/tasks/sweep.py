"""Sweep: bring a cube along the table to its far side, or into a hole. Tasks: sweep (towards +x), sweep-into."""

from __future__ import annotations

import math
from dataclasses import replace

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Vec3, quat_wxyz
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import Action, FreeBody, Observation, Placement, RandVec, Score, Start, TaskDef
from metaworld_py.tasks.common.free_objects import HELD_READS, PUCK_JOINT, HeldSignals, grasp_and_carry, place_as_settled, puck_scene
from metaworld_py.tasks.common.shaping import approach_bonus, distance, distance_xy, effortless_grasp, hamacher, long_tail

SUCCESS_DISTANCE = 0.05  # m between cube and goal
START_Z = 0.02  # m, sweep: the cube's frame is at its bottom, so it drops onto the table
SWEEP_GOAL_X, SWEEP_GOAL_Z = 0.5, 0.01
HOLE: Vec3 = (0.0, 0.84, 0.02)
FALLEN = 0.05  # m below its start
OVER_HOLE = 0.02  # m between cube and the hole's middle at which the expert lets go


def finish_v2(now: HeldSignals, start: Start, target: Vec3, *, grip_margin: float, xz_margin: float) -> Score:
    """Hold the cube (2) and bring it to the target while holding (6); 10 at the target. The action is not used."""
    to_target = distance(now.obj_pos, target)
    in_place = long_tail(to_target, 0.0, SUCCESS_DISTANCE, margin=distance(start.obj_pos, target))
    grasp = effortless_grasp(
        now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.02, grip_margin=grip_margin, xz_margin=xz_margin
    )
    reward = 10.0 if to_target < SUCCESS_DISTANCE else 2.0 * grasp + 6.0 * hamacher(grasp, in_place)
    near = distance(now.obj_pos, now.arm.tcp_pos) <= 0.03
    is_grasped = now.is_held > 0.0 and now.arm.opening > 0.0  # lifted or not
    return Score(
        reward,
        to_target <= SUCCESS_DISTANCE,
        near_object=float(near),
        grasp_success=float(is_grasped),
        grasp_reward=grasp,
        in_place_reward=in_place,
        obj_to_target=to_target,
    )


def finish_v1(now: HeldSignals, start: Start, *, has_fallen: bool) -> Score:
    """Reach the cube; progress along the table pays while the tcp is near it. A fallen cube counts as delivered."""
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    to_goal = 0.0 if has_fallen else distance_xy(now.obj_pos, start.goal_pos)
    reach = 0.0 if has_fallen else -to_tcp
    push = max(approach_bonus(to_goal, distance_xy(start.obj_pos, start.goal_pos)), 0.0) if to_tcp < 0.05 else 0.0
    return Score(reach + push, to_goal <= SUCCESS_DISTANCE, near_object=1.0, obj_to_target=to_goal)


# sweep


def place_above_table(rand_vec: RandVec, settled: HeldSignals) -> Placement:
    return Placement((FreeBody(PUCK_JOINT, (rand_vec[0], rand_vec[1], START_Z)),))


def begin_sweep(rand_vec: RandVec, settled: HeldSignals, placed: HeldSignals) -> Start:
    return Start(settled.arm.tcp_pos, (rand_vec[0], rand_vec[1], START_Z), (SWEEP_GOAL_X, rand_vec[1], SWEEP_GOAL_Z))


def score_sweep_v2(now: HeldSignals, start: Start, effort: float) -> Score:
    return finish_v2(now, start, start.goal_pos, grip_margin=0.01, xz_margin=0.005)


def score_sweep_v1(now: HeldSignals, start: Start, effort: float) -> Score:
    return finish_v1(now, start, has_fallen=now.obj_pos[2] < start.obj_pos[2] - FALLEN)


def drag_to_the_side(obs: Observation) -> Action:
    """Grasp the cube at its middle, 2 cm above the observed bottom, and drag it."""
    x, y, z = expert.goal_pos(obs)
    return grasp_and_carry(obs, (x, y, z + 0.02), depth=-0.02)


# sweep-into


def is_away_from_hole(rand_vec: RandVec) -> bool:
    # From the fixed hole: the drawn goal is used for nothing, as published.
    return math.hypot(rand_vec[0] - HOLE[0], rand_vec[1] - HOLE[1]) >= 0.15


def begin_sweep_into(rand_vec: RandVec, settled: HeldSignals, placed: HeldSignals) -> Start:
    return Start(settled.arm.tcp_pos, (rand_vec[0], rand_vec[1], settled.obj_pos[2]), HOLE)


def score_into_v2(now: HeldSignals, start: Start, effort: float) -> Score:
    """Distances in the plane only: hovering over the hole counts. The margin, from the start's height, is three-dimensional."""
    over_hole = (start.goal_pos[0], start.goal_pos[1], now.obj_pos[2])
    return finish_v2(now, start, over_hole, grip_margin=0.005, xz_margin=0.01)


def score_into_v1(now: HeldSignals, start: Start, effort: float) -> Score:
    return finish_v1(now, start, has_fallen=now.obj_pos[2] < start.obj_pos[2] - FALLEN and 0.4 < now.obj_pos[1] < 1.0)


def drop_into_the_hole(obs: Observation) -> Action:
    """Grasp the cube, drag it over the hole and let go."""
    cube, goal = expert.obj_pos(obs), expert.goal_pos(obs)
    if distance_xy(cube, goal) < OVER_HOLE:
        return expert.stay(expert.OPEN)
    return grasp_and_carry(obs, (goal[0], goal[1], cube[2]))


SWEEP = TaskDef(
    name="sweep",
    sentence="Sweep the cube to the goal at the side of the table.",
    family="sweep",
    skills=("push",),
    objects=("cube",),
    difficulty="medium",
    scene=Scene(props=(Prop("cube_bottom", "obj", (0.0, 0.6, 0.02)),), goal_rgba=(0.5, 0.5, 1.0, 1.0), goal_radius=0.01),
    signals=HeldSignals,
    reads={**HELD_READS, "obj_quat": quat_wxyz("obj")},
    random_low=(-0.1, 0.6, 0.02),
    random_high=(0.1, 0.7, 0.02),
    goal_low=(0.49, 0.6, 0.0),
    goal_high=(0.51, 0.7, 0.02),
    place=place_above_table,
    begin=begin_sweep,
    scores={"v2": score_sweep_v2, "v1": score_sweep_v1},
    expert=drag_to_the_side,
)

SWEEP_INTO = replace(
    SWEEP,
    name="sweep-into",
    sentence="Sweep the cube into the hole in the table.",
    scene=puck_scene((0.0, 0.0, 0.8, 1.0), part="cube_light", table="table_hole"),
    reads=HELD_READS,
    random_low=(-0.1, 0.6, 0.02, -0.001, 0.8399, 0.0199),
    random_high=(0.1, 0.7, 0.02, 0.001, 0.8401, 0.0201),
    accept=is_away_from_hole,
    goal_low=(-0.001, 0.8399, 0.0199),
    goal_high=(0.001, 0.8401, 0.0201),
    place=place_as_settled,
    begin=begin_sweep_into,
    scores={"v2": score_into_v2, "v1": score_into_v1},
    expert=drop_into_the_hole,
)
