"""Button: press a spring-loaded button into its box. Tasks: button-press (box facing the robot), button-press-topdown (facing up), and both
with a wall in the way.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Vec3, body_pos, quat_wxyz
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import (
    HAND_BOX,
    HAND_START_NEAR,
    Action,
    JointValue,
    ObjectSignals,
    Observation,
    Placement,
    RandVec,
    Score,
    ScoreFunction,
    Start,
    TaskDef,
    float32,
    vec3,
)
from metaworld_py.tasks.common.shaping import approach_bonus, distance, hamacher, long_tail, offset

FACE_UP = -1.57  # rad about x: a little short of a quarter turn, as published
HOLE_Y, BUTTON_Y = -0.1, -0.1935  # m, sites of the box: the hole's rim, and the button's face at joint value 0


class Facing(NamedTuple):
    """Which way the box faces, and what follows from it."""

    axis: int  # world axis along which the button travels
    euler: Vec3  # rad, of the box
    box_to_hole: Vec3  # m, world
    travel: float  # m along the axis from the button's face to the hole
    button_to_observed: Vec3  # m, world, from the button's body to the observed point


TO_ROBOT = Facing(1, (0.0, 0.0, 0.0), (0.0, HOLE_Y, 0.0), HOLE_Y - BUTTON_Y, (0.0, -0.193, 0.0))
UPWARDS = Facing(
    2,
    (FACE_UP, 0.0, 0.0),
    (0.0, HOLE_Y * math.cos(FACE_UP), HOLE_Y * math.sin(FACE_UP)),
    (HOLE_Y - BUTTON_Y) * math.sin(-FACE_UP),
    (0.0, 0.0, 0.193),
)


def begin(facing: Facing) -> Callable[[RandVec, ObjectSignals, ObjectSignals], Start]:
    def begin_press(rand_vec: RandVec, settled: ObjectSignals, placed: ObjectSignals) -> Start:
        return Start(settled.arm.tcp_pos, vec3(rand_vec), offset(vec3(rand_vec), facing.box_to_hole))

    return begin_press


def place_as_settled(rand_vec: RandVec, settled: ObjectSignals) -> Placement:
    return Placement()


def place_out(rand_vec: RandVec, settled: ObjectSignals) -> Placement:
    return Placement((JointValue("btnbox_joint", 0.0, velocity=0.0),))


def shut(opening: float) -> float:
    return 1.0 - opening


def open_(opening: float) -> float:
    return opening


def make_score_v2(
    facing: Facing,
    success_distance: float,
    *,
    near_radius: float,
    fingers: Callable[[float], float],
    weights: tuple[float, float],
    press_within: float,
) -> ScoreFunction:
    """Fingers as wanted near the button, joined; and, paid only near it, the button pressed.

    Args:
      facing: of the box.
      success_distance: m between button and hole.
      near_radius: m, tcp distance that counts as at the button.
      fingers: `shut` or `open_`.
      weights: of reaching and of pressing.
      press_within: m, tcp distance within which pressing pays.
    """

    def score(now: ObjectSignals, start: Start, effort: float) -> Score:
        to_tcp, to_goal, near, pressed = progress(facing, now, start, near_radius)
        reward = weights[0] * hamacher(fingers(now.arm.opening), near)
        if to_tcp <= press_within:
            reward += weights[1] * pressed
        return finish_press(reward, to_goal <= success_distance, now, to_tcp, to_goal, near, pressed)

    return score


def score_wall_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Shut fingers on the way over the wall (2), open ones at the button (2 + 4), button pressed (4)."""
    to_tcp, to_goal, near, pressed = progress(TO_ROBOT, now, start, 0.01)
    opening = now.arm.opening
    reward = 2.0 * hamacher(shut(opening) / 2.0, near) if to_tcp > 0.07 else 2.0 + 2.0 * (1.0 + opening) + 4.0 * pressed**2
    return finish_press(reward, to_goal <= WALL_SUCCESS_DISTANCE, now, to_tcp, to_goal, near, pressed)


def progress(facing: Facing, now: ObjectSignals, start: Start, near_radius: float) -> tuple[float, float, float, float]:
    """Distances button to tcp and button to hole, and both as closeness in [0, 1]."""
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    to_goal = abs(start.goal_pos[facing.axis] - now.obj_pos[facing.axis])
    # The margin follows the button as it moves: current object against the tcp at reset.
    near = long_tail(to_tcp, 0.0, near_radius, margin=distance(now.obj_pos, start.tcp_pos))
    return to_tcp, to_goal, near, long_tail(to_goal, 0.0, 0.005, margin=facing.travel)


def finish_press(reward: float, success: bool, now: ObjectSignals, to_tcp: float, to_goal: float, near: float, pressed: float) -> Score:
    return Score(
        reward,
        success,
        near_object=float(to_tcp <= 0.05),
        grasp_success=float(now.arm.opening > 0.0),
        grasp_reward=near,
        in_place_reward=pressed,
        obj_to_target=to_goal,
    )


def make_score_v1(facing: Facing, success_distance: float, *, way: float) -> ScoreFunction:
    """Reach, then press. `way` is what the bonus counts from; boxes that face the robot look at the left finger tip alone."""

    def score(now: ObjectSignals, start: Start, effort: float) -> Score:
        to_hand = distance(now.obj_pos, now.arm.tcp_pos if facing.axis == UPWARDS.axis else now.arm.left_tip_pos)
        to_goal = abs(start.goal_pos[facing.axis] - now.obj_pos[facing.axis])
        press = max(approach_bonus(to_goal, way), 0.0) if to_hand < 0.05 else 0.0
        return Score(-to_hand + press, to_goal <= success_distance, near_object=1.0, obj_to_target=to_goal)

    return score


def press_down(obs: Observation) -> Action:
    """Go over the button with shut fingers and push down past it."""
    button = expert.obj_pos(obs)
    return expert.approach_from_above(obs, (button[0], button[1], button[2] - 0.1), expert.CLOSE, clearance=0.18)


def press_in(obs: Observation) -> Action:
    """Come down before the button with shut fingers, clear of a wall, and push it in."""
    button, tcp = expert.obj_pos(obs), expert.tcp_pos(obs)
    z = button[2] - 0.02
    if tcp[2] - z > 0.03 and tcp[1] < button[1] + 0.01:
        return expert.approach_from_above(obs, (button[0], button[1] - 0.035, z), expert.CLOSE, clearance=0.16)
    return expert.move_tcp(obs, (button[0], button[1] + 0.1, z), expert.CLOSE)


SUCCESS_DISTANCE, TOPDOWN_SUCCESS_DISTANCE, WALL_SUCCESS_DISTANCE = 0.02, 0.024, 0.03  # m


def press_task(
    name: str,
    sentence: str,
    facing: Facing,
    wall_pos: Vec3 | None,
    random_box: tuple[Vec3, Vec3],
    scores: dict[str, ScoreFunction],
) -> TaskDef:
    """One of the four button tasks, from what differs between them."""
    box = Prop("button", "box", (0.0, 0.9 if facing is TO_ROBOT else 0.85, 0.12), euler=facing.euler)
    walls = (Prop("wall_tall", "wall", wall_pos),) if wall_pos else ()
    return TaskDef(
        name=name,
        sentence=sentence,
        family="button",
        skills=("press", "avoid") if wall_pos else ("press",),
        objects=("button",),
        scene=Scene(props=(box, *walls)),
        signals=ObjectSignals,
        reads={"obj_pos": body_pos("button", facing.button_to_observed), "obj_quat": quat_wxyz("button")},
        hand_start=float32(HAND_START_NEAR),
        random_low=random_box[0],
        random_high=random_box[1],
        goal_low=HAND_BOX[0],
        goal_high=HAND_BOX[1],
        fixtures={"box": vec3},
        place=place_out if facing is TO_ROBOT else place_as_settled,
        begin=begin(facing),
        scores=scores,
        expert=press_in if facing is TO_ROBOT else press_down,
    )


def make_topdown_scores(fingers: Callable[[float], float]) -> dict[str, ScoreFunction]:
    v2 = make_score_v2(UPWARDS, TOPDOWN_SUCCESS_DISTANCE, near_radius=0.01, fingers=fingers, weights=(5.0, 5.0), press_within=0.03)
    return {"v2": v2, "v1": make_score_v1(UPWARDS, TOPDOWN_SUCCESS_DISTANCE, way=UPWARDS.travel)}


BUTTON_PRESS = press_task(
    "button-press",
    "Press the button on the front of the box.",
    TO_ROBOT,
    None,
    ((-0.1, 0.85, 0.115), (0.1, 0.9, 0.115)),
    {
        "v2": make_score_v2(TO_ROBOT, SUCCESS_DISTANCE, near_radius=0.05, fingers=open_, weights=(2.0, 8.0), press_within=0.05),
        "v1": make_score_v1(TO_ROBOT, SUCCESS_DISTANCE, way=TO_ROBOT.travel),
    },
)
BUTTON_PRESS_WALL = press_task(
    "button-press-wall",
    "Reach over the wall and press the button on the front of the box.",
    TO_ROBOT,
    (0.1, 0.6, 0.0),
    ((-0.05, 0.85, 0.1149), (0.05, 0.9, 0.1151)),
    # Version 1 takes the way along z, where it is 0, as published.
    {"v2": score_wall_v2, "v1": make_score_v1(TO_ROBOT, WALL_SUCCESS_DISTANCE, way=0.0)},
)
BUTTON_PRESS_TOPDOWN = press_task(
    "button-press-topdown",
    "Press the button on top of the box.",
    UPWARDS,
    None,
    ((-0.1, 0.8, 0.115), (0.1, 0.9, 0.115)),
    make_topdown_scores(shut),
)
BUTTON_PRESS_TOPDOWN_WALL = press_task(
    "button-press-topdown-wall",
    "Reach over the wall and press the button on top of the box.",
    UPWARDS,
    (0.1, 0.7, 0.0),
    ((-0.1, 0.8, 0.115), (0.1, 0.9, 0.115)),
    make_topdown_scores(open_),
)
