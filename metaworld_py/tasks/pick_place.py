"""Pick-place: grasp the puck and carry it to a point in the air. Task: pick-place."""

from __future__ import annotations

from metaworld_py.sim.signals import Arm, Vec3, touch
from metaworld_py.tasks import expert
from metaworld_py.tasks.definition import Action, FreeBody, Observation, Placement, RandVec, Score, Start, TaskDef, apart, vec3
from metaworld_py.tasks.puck import PUCK_GEOM, PUCK_JOINT, PUCK_READS, grasp_and_carry, puck_scene
from metaworld_py.tasks.push import LIFTED, Signals
from metaworld_py.tasks.shaping import dense_grasp, distance, distance_xz, hamacher, long_tail, pick_and_place_v1

SUCCESS_DISTANCE = 0.07  # m between puck and goal
LIFT_HEIGHT_V1 = 0.04  # m above its start at which the original reward calls the puck picked


def place(rand_vec: RandVec, settled: Signals) -> Placement:
    return Placement((FreeBody(PUCK_JOINT, vec3(rand_vec)),))


def begin(rand_vec: RandVec, settled: Signals, placed: Signals) -> Start:
    return Start(tcp_pos=settled.arm.tcp_pos, obj_pos=vec3(rand_vec), goal_pos=vec3(rand_vec, 3))


def signed_caging(arm: Arm, pos: Vec3, pos_start: Vec3, tcp_pos_start: Vec3) -> float:
    """Caging with signed pad distances and margins from the current pads and the current object, as this family has it."""
    left, right = arm.left_pad_pos[1], arm.right_pad_pos[1]
    caging_y = hamacher(
        long_tail(left - pos[1], 0.015, 0.05, abs(abs(pos[1] - left) - 0.05)),
        long_tail(pos[1] - right, 0.015, 0.05, abs(abs(pos[1] - right) - 0.05)),
    )
    margin_xz = distance_xz(pos_start, tcp_pos_start) - 0.005
    return hamacher(caging_y, long_tail(distance_xz(arm.tcp_pos, pos), 0.0, 0.005, margin_xz))


def score_v2(now: Signals, start: Start, effort: float) -> Score:
    """Cage, lift and carry; 10 within 5 cm of the goal."""
    to_goal = distance(now.obj_pos, start.goal_pos)
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    in_place = long_tail(to_goal, 0.0, 0.05, margin=distance(start.obj_pos, start.goal_pos))
    grasp = dense_grasp(signed_caging(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos), effort)
    reward = hamacher(grasp, in_place)
    if to_tcp < 0.02 and now.arm.opening > 0.0 and now.obj_pos[2] - 0.01 > start.obj_pos[2]:
        reward += 1.0 + 5.0 * in_place
    if to_goal < 0.05:
        reward = 10.0
    is_lifted = now.is_held > 0.0 and now.arm.opening > 0.0 and now.obj_pos[2] - LIFTED > start.obj_pos[2]
    return Score(reward, to_goal <= SUCCESS_DISTANCE, float(to_tcp <= 0.03), float(is_lifted), grasp, in_place, to_goal)


def score_v1(now: Signals, start: Start, effort: float) -> Score:
    """Reach, pick, place: three terms."""
    to_goal = distance(now.obj_pos, start.goal_pos)
    reward = pick_and_place_v1(
        now.arm.tcp_pos,
        now.obj_pos,
        effort,
        tcp_pos_start=start.tcp_pos,
        obj_pos_start=start.obj_pos,
        goal_pos=start.goal_pos,
        lift_height=LIFT_HEIGHT_V1,
        lag_weight=2.0,
        to_goal=to_goal,
        place_distance=to_goal,
    )
    return Score(reward, to_goal <= SUCCESS_DISTANCE, 1.0, 0.0, 0.0, 0.0, to_goal)


def carry_the_puck(obs: Observation) -> Action:
    return grasp_and_carry(obs, expert.goal_pos(obs))


PICK_PLACE = TaskDef(
    name="pick-place",
    sentence="Pick up the puck and carry it to a goal in the air.",
    scene=puck_scene(goal_rgba=(0.0, 0.0, 0.8, 1.0)),
    signals=Signals,
    reads={**PUCK_READS, "is_held": touch(PUCK_GEOM)},
    random_low=(-0.1, 0.6, 0.02, -0.1, 0.8, 0.05),
    random_high=(0.1, 0.7, 0.02, 0.1, 0.9, 0.3),
    accept=apart(0.15),
    goal_low=(-0.1, 0.8, 0.05),
    goal_high=(0.1, 0.9, 0.3),
    place=place,
    begin=begin,
    scores={"v2": score_v2, "v1": score_v1},
    expert=carry_the_puck,
)
