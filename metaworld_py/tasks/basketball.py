"""Basketball: pick up a ball and drop it through a hoop. Task: basketball."""

from __future__ import annotations

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Vec3, body_pos, quat_wxyz
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import (
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
    float32,
    vec3,
)
from metaworld_py.tasks.common.free_objects import grasp_and_carry
from metaworld_py.tasks.common.shaping import (
    caging,
    dense_grasp,
    distance,
    distance_xy,
    hamacher,
    long_tail,
    offset,
    pick_and_place_v1,
    scaled_distance,
)

SUCCESS_DISTANCE = 0.08  # m, scaled in v2, between ball and target
TARGET_Z = 0.3  # m: v2 measures to a point 5 cm above the hoop
HEIGHT_SCALE: Vec3 = (1.0, 1.0, 2.0)
BASKET_TO_GOAL: Vec3 = (0.0, -0.083, 0.25)  # the hoop's centre
BALL_Z = float32((0.0, 0.0, 0.03))[2]  # m; the drawn height is not used
LIFT_HEIGHT_V1 = 0.3  # m
CLEAR_OF_HOOP = 0.125  # m in y before the hoop's centre where the palm passes the rim


def ball_start(rand_vec: RandVec) -> Vec3:
    return (rand_vec[0], rand_vec[1], BALL_Z)


def place(rand_vec: RandVec, settled: ObjectSignals) -> Placement:
    return Placement((FreeBody("balljoint", ball_start(rand_vec)),))


def begin(rand_vec: RandVec, settled: ObjectSignals, placed: ObjectSignals) -> Start:
    return Start(settled.arm.tcp_pos, ball_start(rand_vec), offset(vec3(rand_vec, 3), BASKET_TO_GOAL))


def score_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Cage, lift and bring the ball above the hoop; 10 there."""
    target = (start.goal_pos[0], start.goal_pos[1], TARGET_Z)
    to_target = scaled_distance(now.obj_pos, target, HEIGHT_SCALE)
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    is_open = now.arm.opening > 0.0
    in_place = long_tail(to_target, 0.0, SUCCESS_DISTANCE, margin=scaled_distance(start.obj_pos, target, HEIGHT_SCALE))
    is_held = to_tcp < 0.035 and is_open and now.obj_pos[2] - 0.01 > start.obj_pos[2]
    if is_held:
        grasp = 1.0
    else:
        caged = caging(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.025, pad_margin=0.06, xz_margin=0.005)
        grasp = dense_grasp(caged, effort)
    reward = hamacher(grasp, in_place)
    if is_held:
        reward += 1.0 + 5.0 * in_place
    if to_target < SUCCESS_DISTANCE:
        reward = 10.0
    is_grasped = is_open and now.obj_pos[2] - 0.03 > start.obj_pos[2]
    return Score(
        reward,
        to_target <= SUCCESS_DISTANCE,
        near_object=float(to_tcp <= 0.05),
        grasp_success=float(is_grasped),
        grasp_reward=grasp,
        in_place_reward=in_place,
        obj_to_target=to_target,
    )


def score_v1(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Reach, pick, place. Measures to the hoop itself."""
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
    return Score(reward, to_goal <= SUCCESS_DISTANCE, near_object=1.0, obj_to_target=to_goal)


def slide_under_the_hoop(obs: Observation) -> Action:
    """Come down beside the ball, on the far side from the hoop, and slide along x until the open fingers stand around it."""
    ball, goal, tcp = expert.obj_pos(obs), expert.goal_pos(obs), expert.tcp_pos(obs)
    side = 0.1 if ball[0] > goal[0] else -0.1
    if tcp[2] > ball[2] + 0.02:
        return expert.approach_from_above(obs, (ball[0] + side, ball[1], ball[2]), expert.OPEN)
    return expert.move_tcp(obs, ball, expert.OPEN)


def carry_to_the_hoop(obs: Observation) -> Action:
    """Grasp the ball, lift it before the hoop, then carry it over."""
    ball, goal, tcp = expert.obj_pos(obs), expert.goal_pos(obs), expert.tcp_pos(obs)
    is_under_hoop = ball[1] > goal[1] - CLEAR_OF_HOOP
    if is_under_hoop and ball[2] < 0.05 and distance_xy(tcp, ball) > 0.015:
        return slide_under_the_hoop(obs)
    if ball[2] > TARGET_Z - 0.05:
        target = (goal[0], goal[1], TARGET_Z + 0.03)
    elif is_under_hoop:
        target = (ball[0], ball[1] - 0.1, 0.04)
    else:
        target = (goal[0], min(ball[1], goal[1] - CLEAR_OF_HOOP - 0.02), TARGET_Z + 0.03)
    return grasp_and_carry(obs, target, gripped_opening=0.75)


BASKETBALL = TaskDef(
    name="basketball",
    sentence="Drop the ball into the basket.",
    family="ball",
    skills=("grasp", "place"),
    objects=("ball",),
    difficulty="medium",
    scene=Scene(
        props=(Prop("basketball", "bsktball", (0.0, 0.6, 0.03)), Prop("hoop", "basket_goal", (0.0, 0.9, 0.0))),
        goal_rgba=(1.0, 0.0, 0.0, 1.0),
        goal_radius=0.01,
    ),
    signals=ObjectSignals,
    reads={"obj_pos": body_pos("bsktball"), "obj_quat": quat_wxyz("bsktball")},
    hand_start=float32(HAND_START),
    random_low=(-0.1, 0.6, 0.0299, -0.1, 0.85, 0.0),
    random_high=(0.1, 0.7, 0.0301, 0.1, 0.9 + 1e-7, 0.0),
    accept=apart(0.15),
    goal_low=(-0.1, 0.85 - 0.083, 0.2499),
    goal_high=(0.1, 0.9 + 1e-7 - 0.083, 0.2501),
    fixtures={"basket_goal": lambda rand_vec: vec3(rand_vec, 3)},
    place=place,
    begin=begin,
    scores={"v2": score_v2, "v1": score_v1},
    expert=carry_to_the_hoop,
)
