"""Peg-insert: grasp a peg lying on the table and push it sideways into a hole in a block. Task: peg-insert-side.

The observed object is the peg's grasp point; the goal is where the peg's head shall be.
"""

from __future__ import annotations

from typing import NamedTuple

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Arm, Quat, Vec3, quat_xyzw, site_pos
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import Action, FreeBody, Observation, Placement, RandVec, Score, Start, TaskDef, apart, vec3
from metaworld_py.tasks.common.free_objects import grasp_and_carry
from metaworld_py.tasks.common.shaping import (
    caging,
    dense_grasp,
    distance,
    hamacher,
    long_tail,
    offset,
    pick_and_place_v1,
    prism,
    scaled_distance,
)

SUCCESS_DISTANCE = 0.07  # m, scaled, between peg head and goal
ACROSS_SCALE: Vec3 = (1.0, 2.0, 2.0)  # misses across the hole count twice
BLOCK_TO_GOAL: Vec3 = (0.03, 0.0, 0.13)
LIFTED = 0.01  # m above the peg's start; the grasp point rests 5 mm above it already
LIFT_HEIGHT_V1 = 0.11  # m
GRASP_TO_HEAD: Vec3 = (-0.13, 0.0, -0.01)
MOUTH_DISTANCE = 0.12  # m in x from the goal to a head whose tip just clears the block
ALIGNED = 0.012  # m across the hole; the clearance is 15 mm
# The reward's margin uses the head of a peg settled at its model pose, not of the placed one. The published engine settles it here; newer
# engines differ by 1e-4 m, which would change rewards by 5e-4.
SETTLED_HEAD: Vec3 = (-0.1, 0.6, 0.01478468)


class Signals(NamedTuple):
    """The peg's grasp point and head, and the corners of two no-go boxes in front of the hole."""

    arm: Arm
    obj_pos: Vec3
    obj_quat: Quat
    head_pos: Vec3
    low_box_near: Vec3
    low_box_far: Vec3
    high_box_near: Vec3
    high_box_far: Vec3


def place(rand_vec: RandVec, settled: Signals) -> Placement:
    return Placement((FreeBody("pegjoint", vec3(rand_vec)),))


def begin(rand_vec: RandVec, settled: Signals, placed: Signals) -> Start:
    return Start(settled.arm.tcp_pos, vec3(rand_vec), offset(vec3(rand_vec, 3), BLOCK_TO_GOAL))


def collision_factor(now: Signals) -> float:
    """1 outside both no-go boxes, falling to 0 towards their near corners."""
    high = prism(now.head_pos, zero=now.high_box_near, one=now.high_box_far)
    low = prism(now.head_pos, zero=now.low_box_near, one=now.low_box_far)
    return hamacher(high, low)


def score_v2(now: Signals, start: Start, effort: float) -> Score:
    """Cage, lift, insert; 10 once the head is in."""
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    to_goal = scaled_distance(now.head_pos, start.goal_pos, ACROSS_SCALE)
    margin = scaled_distance(SETTLED_HEAD, start.goal_pos, ACROSS_SCALE)
    in_place = hamacher(long_tail(to_goal, 0.0, SUCCESS_DISTANCE, margin), collision_factor(now))
    is_lifted = now.arm.opening > 0.0 and now.obj_pos[2] - LIFTED > start.obj_pos[2]
    is_carried = to_tcp < 0.08 and is_lifted
    if is_carried:
        grasp = 1.0
    else:
        caged = caging(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.0075, pad_margin=0.03, xz_margin=0.005)
        grasp = dense_grasp(caged, effort)
    reward = hamacher(grasp, in_place)
    if is_carried:
        reward += 1.0 + 5.0 * in_place
    success = to_goal <= SUCCESS_DISTANCE
    if success:
        reward = 10.0
    return Score(
        reward,
        success,
        near_object=float(to_tcp <= 0.03),
        grasp_success=float(to_tcp < 0.02 and is_lifted),
        grasp_reward=grasp,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def score_v1(now: Signals, start: Start, effort: float) -> Score:
    """Reach, pick, place. Success asks for the grasp point itself at the goal: a far deeper insertion than v2's."""
    grasp_to_goal = distance(now.obj_pos, start.goal_pos)
    head_to_goal = distance(now.head_pos, start.goal_pos)
    reward = pick_and_place_v1(
        now.arm.tcp_pos,
        now.obj_pos,
        effort,
        tcp_pos_start=start.tcp_pos,
        obj_pos_start=start.obj_pos,
        goal_pos=start.goal_pos,
        lift_height=LIFT_HEIGHT_V1,
        lag_weight=1.0,
        to_goal=grasp_to_goal,
        place_distance=grasp_to_goal if head_to_goal <= 0.05 else head_to_goal,
    )
    return Score(reward, grasp_to_goal <= SUCCESS_DISTANCE, near_object=1.0, obj_to_target=grasp_to_goal)


def carry_and_insert(obs: Observation) -> Action:
    """Grasp, lift in front of the hole, align across it, then push in. Steers by the head: the peg slips a little in the fingers."""
    peg, goal, tcp = expert.obj_pos(obs), expert.goal_pos(obs), expert.tcp_pos(obs)
    head = offset(peg, GRASP_TO_HEAD)
    off_across = max(abs(head[1] - goal[1]), abs(head[2] - goal[2]))
    is_at_mouth = head[0] < goal[0] + MOUTH_DISTANCE
    head_x = head[0] - 0.06 if off_across < ALIGNED or is_at_mouth else goal[0] + MOUTH_DISTANCE + 0.03
    target = (tcp[0] + head_x - head[0], tcp[1] + goal[1] - head[1], tcp[2] + goal[2] - head[2])
    return grasp_and_carry(obs, target, gripped_opening=0.4, slack=0.03, depth=0.02, carry_gain=8.0)


PEG_INSERT_SIDE = TaskDef(
    name="peg-insert-side",
    sentence="Insert the peg sideways into the hole.",
    family="peg",
    skills=("grasp", "insert"),
    objects=("peg",),
    difficulty="medium",
    scene=Scene(
        props=(Prop("peg", "peg", (0.0, 0.6, 0.03)), Prop("peg_box", "box", (-0.3, 0.6, 0.0))),
        goal_rgba=(0.8, 0.0, 0.0, 1.0),
        goal_radius=0.01,
    ),
    signals=Signals,
    reads={
        "obj_pos": site_pos("pegGrasp"),
        "obj_quat": quat_xyzw("pegGrasp", "site"),
        "head_pos": site_pos("pegHead"),
        "low_box_near": site_pos("bottom_right_corner_collision_box_1"),
        "low_box_far": site_pos("top_left_corner_collision_box_1"),
        "high_box_near": site_pos("bottom_right_corner_collision_box_2"),
        "high_box_far": site_pos("top_left_corner_collision_box_2"),
    },
    random_low=(0.0, 0.5, 0.02, -0.35, 0.4, -0.001),
    random_high=(0.2, 0.7, 0.02, -0.25, 0.7, 0.001),
    accept=apart(0.1),
    goal_low=(-0.32, 0.4, 0.129),
    goal_high=(-0.22, 0.7, 0.131),
    fixtures={"box": lambda rand_vec: vec3(rand_vec, 3)},
    place=place,
    begin=begin,
    scores={"v2": score_v2, "v1": score_v1},
    expert=carry_and_insert,
)
