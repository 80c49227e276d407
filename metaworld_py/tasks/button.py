"""Button: press a spring-loaded button into its box. Task: button-press-topdown (box turned face up)."""

from __future__ import annotations

import math

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Vec3, body_pos, quat_wxyz
from metaworld_py.tasks import expert
from metaworld_py.tasks.definition import (
    HAND_BOX,
    HAND_START_NEAR,
    Action,
    ObjectSignals,
    Observation,
    RandVec,
    Score,
    Start,
    TaskDef,
    float32,
    vec3,
)
from metaworld_py.tasks.shaping import approach_bonus, distance, hamacher, long_tail, offset

FACE_UP = -1.57  # rad about x: a little short of a quarter turn, as published
SUCCESS_DISTANCE = 0.024  # m between button and hole along z
# Sites of the box, turned face up: the hole's rim, and the button's face at joint value 0.
BOX_TO_HOLE: Vec3 = (0.0, -0.1 * math.cos(FACE_UP), -0.1 * math.sin(FACE_UP))
PRESS_DISTANCE = 0.0935 * math.sin(-FACE_UP)  # m from the button's face to the hole, along z


def begin(rand_vec: RandVec, settled: ObjectSignals, placed: ObjectSignals) -> Start:
    return Start(settled.arm.tcp_pos, vec3(rand_vec), offset(vec3(rand_vec), BOX_TO_HOLE))


def score_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Shut fingers near the button (5), button pressed (5, paid only near it)."""
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    to_goal = abs(start.goal_pos[2] - now.obj_pos[2])
    # The margin follows the button as it moves: current object against the tcp at reset.
    near = long_tail(to_tcp, 0.0, 0.01, margin=distance(now.obj_pos, start.tcp_pos))
    pressed = long_tail(to_goal, 0.0, 0.005, margin=PRESS_DISTANCE)
    reward = 5.0 * hamacher(1.0 - now.arm.opening, near)
    if to_tcp <= 0.03:
        reward += 5.0 * pressed
    return Score(reward, to_goal <= SUCCESS_DISTANCE, float(to_tcp <= 0.05), float(now.arm.opening > 0.0), near, pressed, to_goal)


def score_v1(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Reach, then press."""
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    to_goal = abs(start.goal_pos[2] - now.obj_pos[2])
    press = max(approach_bonus(to_goal, PRESS_DISTANCE), 0.0) if to_tcp < 0.05 else 0.0
    return Score(-to_tcp + press, to_goal <= SUCCESS_DISTANCE, 1.0, 0.0, 0.0, 0.0, to_goal)


def press_down(obs: Observation) -> Action:
    """Go over the button with shut fingers and push down past it."""
    button = expert.obj_pos(obs)
    return expert.approach_from_above(obs, (button[0], button[1], button[2] - 0.1), expert.CLOSE, clearance=0.18)


BUTTON_PRESS_TOPDOWN = TaskDef(
    name="button-press-topdown",
    sentence="Press the button on top of the box.",
    scene=Scene(props=(Prop("button", "box", (0.0, 0.85, 0.12), euler=(FACE_UP, 0.0, 0.0)),)),
    signals=ObjectSignals,
    reads={"obj_pos": body_pos("button", (0.0, 0.0, 0.193)), "obj_quat": quat_wxyz("button")},
    hand_start=float32(HAND_START_NEAR),
    random_low=(-0.1, 0.8, 0.115),
    random_high=(0.1, 0.9, 0.115),
    goal_low=HAND_BOX[0],
    goal_high=HAND_BOX[1],
    fixtures={"box": vec3},
    begin=begin,
    scores={"v2": score_v2, "v1": score_v1},
    expert=press_down,
)
