"""Push: bring the puck to a goal on the table. Task: push."""

from __future__ import annotations

from typing import NamedTuple

from metaworld_py.sim.signals import Arm, Quat, Vec3, touch
from metaworld_py.tasks import expert
from metaworld_py.tasks.definition import Action, FreeBody, Observation, Placement, RandVec, Score, Start, TaskDef, apart
from metaworld_py.tasks.puck import PUCK_GEOM, PUCK_JOINT, PUCK_READS, grasp_and_carry, puck_scene
from metaworld_py.tasks.shaping import approach_bonus, caging, dense_grasp, distance, distance_xy, long_tail

SUCCESS_DISTANCE = 0.05  # m between puck and goal
LIFTED = 0.02  # m above its start


class Signals(NamedTuple):
    """The puck, and whether both pads press on it."""

    arm: Arm
    obj_pos: Vec3
    obj_quat: Quat
    is_held: float


def place(rand_vec: RandVec, settled: Signals) -> Placement:
    # The drawn height is not used: puck and goal lie at the height at which the puck settled.
    return Placement((FreeBody(PUCK_JOINT, (rand_vec[0], rand_vec[1], settled.obj_pos[2])),))


def begin(rand_vec: RandVec, settled: Signals, placed: Signals) -> Start:
    settled_z = settled.obj_pos[2]
    return Start(settled.arm.tcp_pos, (rand_vec[0], rand_vec[1], settled_z), (rand_vec[3], rand_vec[4], settled_z))


def score_v2(now: Signals, start: Start, effort: float) -> Score:
    """Cage the puck, then bring it to the goal; 10 at the goal."""
    to_goal = distance(now.obj_pos, start.goal_pos)
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    in_place = long_tail(to_goal, 0.0, SUCCESS_DISTANCE, margin=distance(start.obj_pos, start.goal_pos))
    caged = caging(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.015, pad_margin=0.05, xz_margin=0.005)
    grasp = dense_grasp(caged, effort)
    reward = 2.0 * grasp
    if to_tcp < 0.02 and now.arm.opening > 0.0:
        reward = 4.0 * grasp + 1.0 + 5.0 * in_place
    if to_goal < SUCCESS_DISTANCE:
        reward = 10.0
    is_lifted = now.is_held > 0.0 and now.arm.opening > 0.0 and now.obj_pos[2] - LIFTED > start.obj_pos[2]
    return Score(reward, to_goal <= SUCCESS_DISTANCE, float(to_tcp <= 0.03), float(is_lifted), grasp, in_place, to_goal)


def score_v1(now: Signals, start: Start, effort: float) -> Score:
    """Reach the puck; progress along the table pays while the tcp is near it."""
    to_goal = distance_xy(now.obj_pos, start.goal_pos)
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    push = max(approach_bonus(to_goal, distance_xy(start.obj_pos, start.goal_pos)), 0.0) if to_tcp < 0.05 else 0.0
    return Score(-to_tcp + push, to_goal <= SUCCESS_DISTANCE, 1.0, 0.0, 0.0, 0.0, to_goal)


def drag_the_puck(obs: Observation) -> Action:
    return grasp_and_carry(obs, expert.goal_pos(obs))


PUSH = TaskDef(
    name="push",
    sentence="Push the puck to a goal on the table.",
    scene=puck_scene(goal_rgba=(0.0, 0.8, 0.0, 1.0)),
    signals=Signals,
    reads={**PUCK_READS, "is_held": touch(PUCK_GEOM)},
    random_low=(-0.1, 0.6, 0.02, -0.1, 0.8, 0.01),
    random_high=(0.1, 0.7, 0.02, 0.1, 0.9, 0.02),
    accept=apart(0.15),
    goal_low=(-0.1, 0.8, 0.01),
    goal_high=(0.1, 0.9, 0.02),
    place=place,
    begin=begin,
    scores={"v2": score_v2, "v1": score_v1},
    expert=drag_the_puck,
)
