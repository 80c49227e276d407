"""Handle: a hand press with a lever that slides up and down. Tasks: handle-press, handle-pull, and both with the press turned sideways.

Joint value 0 is up, −0.1 down; the handle stays where it is left. The gripper brushes the press while it settles, so the settled hand
depends on the instance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Vec3, site_pos
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import (
    HAND_BOX,
    Action,
    FixtureSignals,
    JointValue,
    Observation,
    Placement,
    RandVec,
    Score,
    ScoreFunction,
    Start,
    TaskDef,
    vec3,
)
from metaworld_py.tasks.common.free_objects import grasp_and_carry
from metaworld_py.tasks.common.shaping import approach_bonus, caging, dense_grasp, distance, hamacher, long_tail, offset

FRONT, SIDE = 0.0, 1.57  # rad about z: SIDE is a little short of a quarter turn, as published
UP, DOWN = -0.001, -0.1  # joint values (m) at reset
GRIP_Y, PRESS_Z, PULL_Z = -0.216, 0.075, 0.172  # m, goals in the frame of the press
PRESS_SUCCESS_DISTANCE = 0.02  # m along z
PULL_SUCCESS_DISTANCE = 0.05  # m along z
SIDE_PULL_SUCCESS_DISTANCE = 0.08  # m
ARRIVED = 0.01  # m along z between handle and goal at which the experts let go
SLIDE = "handle_slide"


def press_scene(turned: float) -> Scene:
    pos = (0.0, 0.88, 0.0) if turned == FRONT else (-0.4, 0.6, 0.0)
    return Scene(props=(Prop("handle", "box", pos, euler=(0.0, 0.0, turned)),))


def press_to_goal(turned: float, z: float) -> Vec3:
    """From the press's origin to a goal site, along the world's axes."""
    return (-math.sin(turned) * GRIP_Y, math.cos(turned) * GRIP_Y, z)


def place(value: float) -> Callable[[RandVec, FixtureSignals], Placement]:
    def place_handle(rand_vec: RandVec, settled: FixtureSignals) -> Placement:
        return Placement((JointValue(SLIDE, value, velocity=0.0),))

    return place_handle


def make_score_v1(way: float | None, success_distance: float, grasp_success: float) -> ScoreFunction:
    """Reach with the left finger tip, then move the handle along z.

    Args:
      way: m from the handle's start to the goal; None for handle-pull, which takes a height in the handle's own frame for it, as published.
      success_distance: m along z.
      grasp_success: the constant in the step info.
    """

    def score(now: FixtureSignals, start: Start, effort: float) -> Score:
        to_tip, to_goal = distance(now.obj_pos, now.arm.left_tip_pos), abs(now.obj_pos[2] - start.goal_pos[2])
        whole_way = abs(0.022 - start.goal_pos[2]) if way is None else way
        move = max(approach_bonus(to_goal, whole_way), 0.0) if to_tip < 0.05 else 0.0
        return Score(-to_tip + move, to_goal <= success_distance, near_object=1.0, grasp_success=grasp_success, obj_to_target=to_goal)

    return score


# handle-press, handle-press-side


def begin_press(turned: float) -> Callable[[RandVec, FixtureSignals, FixtureSignals], Start]:
    def begin(rand_vec: RandVec, settled: FixtureSignals, placed: FixtureSignals) -> Start:
        return Start(settled.arm.tcp_pos, vec3(rand_vec), offset(vec3(rand_vec), press_to_goal(turned, PRESS_Z)))

    return begin


def make_score_press_v2(turned: float) -> ScoreFunction:
    """Reach the handle, joined with how far it is pressed: 10 · H; 10 on success."""
    handle_z = PRESS_Z + 0.096  # at the reset's joint value

    def score(now: FixtureSignals, start: Start, effort: float) -> Score:
        handle_start = offset(start.obj_pos, press_to_goal(turned, handle_z))
        to_goal, to_tcp = abs(now.obj_pos[2] - start.goal_pos[2]), distance(now.obj_pos, now.arm.tcp_pos)
        press_margin = abs(abs(handle_start[2] - start.goal_pos[2]) - PRESS_SUCCESS_DISTANCE)
        pressed = long_tail(to_goal, 0.0, PRESS_SUCCESS_DISTANCE, press_margin)
        reach = long_tail(to_tcp, 0.0, 0.02, abs(distance(handle_start, start.tcp_pos) - 0.02))
        success = to_goal <= PRESS_SUCCESS_DISTANCE
        reward = 10.0 if success else 10.0 * hamacher(reach, pressed)
        return Score(
            reward,
            success,
            near_object=float(to_tcp <= 0.05),
            grasp_success=1.0,
            grasp_reward=reach,
            in_place_reward=pressed,
            obj_to_target=to_goal,
        )

    return score


def press_down(obs: Observation) -> Action:
    """Go over the grip with shut fingers and push down; let go once it is down, for pressed further it is no success any more."""
    handle = expert.obj_pos(obs)
    if handle[2] < PRESS_Z + 0.01:
        return expert.move_tcp(obs, (handle[0], handle[1], handle[2] + 0.1), expert.CLOSE)
    return expert.approach_from_above(obs, (handle[0], handle[1], handle[2] - 0.1), expert.CLOSE, clearance=0.18, aligned=0.03)


# handle-pull


def begin_pull(rand_vec: RandVec, settled: FixtureSignals, placed: FixtureSignals) -> Start:
    # The object's start is the press itself, not its handle, as published.
    return Start(settled.arm.tcp_pos, vec3(rand_vec), offset(vec3(rand_vec), press_to_goal(FRONT, PULL_Z)))


def score_pull_v2(now: FixtureSignals, start: Start, effort: float) -> Score:
    """Cage the grip, lift it; 10 near the top."""
    to_goal, to_tcp = abs(start.goal_pos[2] - now.obj_pos[2]), distance(now.obj_pos, now.arm.tcp_pos)
    in_place = long_tail(to_goal, 0.0, 0.05, margin=abs(start.goal_pos[2] - start.obj_pos[2]))
    caged = caging(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.022, pad_margin=0.05, xz_margin=0.01)
    grasp = dense_grasp(caged, effort)
    reward = hamacher(grasp, in_place)
    # The lift test compares y with z and therefore always holds, as published.
    if to_tcp < 0.035 and now.arm.opening > 0.0 and now.obj_pos[1] - 0.01 > start.obj_pos[2]:
        reward += 1.0 + 5.0 * in_place
    if to_goal < 0.05:
        reward = 10.0
    is_lifted = now.arm.opening > 0.0 and now.obj_pos[2] - 0.03 > start.obj_pos[2]
    return Score(
        reward,
        to_goal <= PULL_SUCCESS_DISTANCE,
        near_object=float(to_tcp <= 0.05),
        grasp_success=float(is_lifted),
        grasp_reward=grasp,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def lift_grip(obs: Observation) -> Action:
    """Grasp the bar from above, lift it, and let go at the goal's height, where it stays."""
    if abs(expert.obj_pos(obs)[2] - PULL_Z) < ARRIVED:
        return expert.stay(expert.OPEN)
    return lift(obs, gripped_opening=0.6, depth=0.055, slack=0.04)


def lift(obs: Observation, *, gripped_opening: float, depth: float, slack: float) -> Action:
    handle, tcp = expert.obj_pos(obs), expert.tcp_pos(obs)
    up = (handle[0], handle[1], tcp[2] + 0.03)
    return grasp_and_carry(obs, up, gripped_opening=gripped_opening, slack=slack, depth=depth)


# handle-pull-side


def begin_pull_side(rand_vec: RandVec, settled: FixtureSignals, placed: FixtureSignals) -> Start:
    return Start(settled.arm.tcp_pos, placed.obj_pos, offset(vec3(rand_vec), press_to_goal(SIDE, PULL_Z)))


def score_pull_side_v2(now: FixtureSignals, start: Start, effort: float) -> Score:
    """Cage the lever, lift it; 10 near the goal."""
    to_goal, to_tcp = distance(now.obj_pos, start.goal_pos), distance(now.obj_pos, now.arm.tcp_pos)
    in_place = long_tail(to_goal, 0.0, 0.05, margin=distance(start.obj_pos, start.goal_pos))
    caged = caging(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.032, pad_margin=0.06, xz_margin=0.01)
    grasp = dense_grasp(caged, effort)
    reward = hamacher(grasp, in_place)
    if to_tcp < 0.035 and now.arm.opening > 0.0 and now.obj_pos[2] - 0.01 > start.obj_pos[2]:
        reward += 1.0 + 5.0 * in_place
    if to_goal < 0.05:
        reward = 10.0
    is_lifted = now.arm.opening > 0.0 and now.obj_pos[2] - 0.03 > start.obj_pos[2]
    success = to_goal <= SIDE_PULL_SUCCESS_DISTANCE
    return Score(
        reward,
        success,
        near_object=float(to_tcp <= 0.05),
        grasp_success=float(is_lifted),
        grasp_reward=grasp,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def lift_lever(obs: Observation) -> Action:
    """Grasp the lever's arm from above, deep, for it creeps through the fingers, and lift it; open them in place before a new grasp.

    The handle stays where it is let go, so every grasp counts.
    """
    handle, tcp = expert.obj_pos(obs), expert.tcp_pos(obs)
    depth, slack = 0.045, 0.035
    if tcp[2] - (handle[2] - depth) > slack and expert.opening(obs) < 0.7:
        return expert.move_tcp(obs, tcp, expert.OPEN)
    return lift(obs, gripped_opening=0.8, depth=depth, slack=slack)


def press_task(name: str, sentence: str, turned: float, low: Vec3, high: Vec3, goal_box: tuple[Vec3, Vec3]) -> TaskDef:
    return TaskDef(
        name=name,
        sentence=sentence,
        family="handle",
        skills=("press",),
        objects=("handle",),
        scene=press_scene(turned),
        signals=FixtureSignals,
        reads={"obj_pos": site_pos("handleStart")},
        random_low=low,
        random_high=high,
        goal_low=goal_box[0],
        goal_high=goal_box[1],
        fixtures={"box": vec3},
        settles_per_instance=True,
        place=place(UP),
        begin=begin_press(turned),
        scores={"v2": make_score_press_v2(turned), "v1": make_score_v1(0.096, PRESS_SUCCESS_DISTANCE, 1.0)},
        expert=press_down,
    )


HANDLE_PRESS = press_task(
    "handle-press", "Press the handle down.", FRONT, (-0.1, 0.8, -0.001), (0.1, 0.9, 0.001), ((-0.1, 0.55, 0.04), (0.1, 0.70, 0.08))
)
HANDLE_PRESS_SIDE = press_task(
    "handle-press-side", "Press the handle on the side down.", SIDE, (-0.35, 0.65, -0.001), (-0.25, 0.75, 0.001), HAND_BOX
)

HANDLE_PULL = TaskDef(
    name="handle-pull",
    sentence="Pull the handle up.",
    family="handle",
    skills=("pull",),
    objects=("handle",),
    scene=press_scene(FRONT),
    signals=FixtureSignals,
    reads={"obj_pos": site_pos("handleRight")},
    random_low=(-0.1, 0.8, -0.001),
    random_high=(0.1, 0.9, 0.001),
    goal_low=(-0.1, 0.55, 0.04),
    goal_high=(0.1, 0.70, 0.18),
    fixtures={"box": vec3},
    settles_per_instance=True,
    place=place(DOWN),
    begin=begin_pull,
    scores={"v2": score_pull_v2, "v1": make_score_v1(None, PULL_SUCCESS_DISTANCE, 0.0)},
    expert=lift_grip,
)

HANDLE_PULL_SIDE = replace(
    HANDLE_PULL,
    name="handle-pull-side",
    sentence="Pull the handle on the side up.",
    scene=press_scene(SIDE),
    reads={"obj_pos": site_pos("handleCenter")},
    random_low=(-0.35, 0.65, 0.0),
    random_high=(-0.25, 0.75, 0.0),
    goal_low=HAND_BOX[0],
    goal_high=HAND_BOX[1],
    begin=begin_pull_side,
    scores={"v2": score_pull_side_v2, "v1": make_score_v1(0.1, SIDE_PULL_SUCCESS_DISTANCE, 0.0)},
    expert=lift_lever,
)
