"""Drawer: a case with a drawer that slides out towards the robot (−y). Tasks: drawer-open, drawer-close.

Joint value 0 is shut, negative is pulled out. The observed object is a point at the handle, fixed to the drawer.
"""

from __future__ import annotations

from dataclasses import replace

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Vec3, body_pos, quat_wxyz
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import (
    HAND_BOX,
    HAND_START,
    Action,
    FixtureSignals,
    JointValue,
    ObjectSignals,
    Observation,
    Placement,
    RandVec,
    Score,
    Start,
    TaskDef,
    float32,
    leave_as_settled,
    vec3,
)
from metaworld_py.tasks.common.shaping import approach_bonus, clip, distance, gaussian, hamacher, long_tail, offset, scaled_distance

SCENE = Scene(props=(Prop("drawer", "drawer", (0.0, 0.9, 0.0)),))
SLIDE = "goal_slidey"

OPEN_SUCCESS_DISTANCE = 0.03  # m between handle and goal
OPEN_DRAWER_TO_GOAL: Vec3 = (0.0, -0.36, 0.09)
HOLD_DISTANCE = 0.018  # m before the goal, where the expert holds the handle: the stop, 3 cm before the goal, gives way like a spring
HOLD_DEPTH = 0.02  # m of the fingers below the handle, for they bend and slip off its top otherwise
PULL_DISTANCE = 0.2  # m from the shut handle to the goal, as the rewards have it
CLOSE_SUCCESS_DISTANCE = 0.065  # m between handle point and goal
CLOSE_DRAWER_TO_GOAL: Vec3 = (0.0, -0.16, 0.09)
PULLED_OUT = -0.15  # m, the slide at reset
HANDLE_SCALE: Vec3 = (3.0, 3.0, 1.0)  # sideways misses count three times


def progress_v1(tcp: Vec3, obj: Vec3, goal: Vec3, way: float) -> tuple[float, float]:
    """The original reward of both tasks and the distance left along y: reach, then progress while the tcp is near."""
    to_tcp, to_goal = distance(obj, tcp), abs(obj[1] - goal[1])
    slide = max(approach_bonus(to_goal, way), 0.0) if to_tcp < 0.05 else 0.0
    return -to_tcp + slide, to_goal


# drawer-open


def begin_open(rand_vec: RandVec, settled: ObjectSignals, placed: ObjectSignals) -> Start:
    drawer_pos = vec3(rand_vec)
    return Start(settled.arm.tcp_pos, drawer_pos, offset(drawer_pos, OPEN_DRAWER_TO_GOAL))


def score_open_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Hand at the handle (5) and drawer open (5)."""
    to_goal = distance(now.obj_pos, start.goal_pos)
    opened = long_tail(to_goal, 0.0, 0.02, margin=PULL_DISTANCE)
    # The margin takes goal + 0.2 as the handle's start and compares with the tcp; the argument uses the hand. As published.
    margin = scaled_distance(offset(start.goal_pos, (0.0, PULL_DISTANCE, 0.0)), start.tcp_pos, HANDLE_SCALE)
    caged = long_tail(scaled_distance(now.obj_pos, now.arm.hand_pos, HANDLE_SCALE), 0.0, 0.01, margin)
    near = distance(now.obj_pos, now.arm.hand_pos) <= 0.03
    return Score(
        5.0 * (caged + opened),
        to_goal <= OPEN_SUCCESS_DISTANCE,
        near_object=float(near),
        grasp_success=float(now.arm.opening > 0.0),
        grasp_reward=caged,
        in_place_reward=opened,
        obj_to_target=to_goal,
    )


def score_open_v1(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Reach, then pull."""
    reward, to_goal = progress_v1(now.arm.tcp_pos, now.obj_pos, start.goal_pos, PULL_DISTANCE)
    return Score(reward, to_goal <= OPEN_SUCCESS_DISTANCE, near_object=1.0, obj_to_target=to_goal)


def straddle_and_pull(obs: Observation) -> Action:
    """Come down with open fingers on both sides of the bow, pull past the stop, and hold."""
    handle, tcp = expert.obj_pos(obs), expert.tcp_pos(obs)
    has_slipped = handle[1] - tcp[1] > 0.06
    if tcp[2] - handle[2] > 0.02 or abs(tcp[0] - handle[0]) > 0.03 or has_slipped:
        return expert.approach_from_above(obs, handle, expert.OPEN)
    pull = clip(3.0 * (handle[1] - expert.goal_pos(obs)[1] - HOLD_DISTANCE), -0.02, 0.1)
    return expert.move_tcp(obs, (handle[0], tcp[1] - pull, handle[2] - HOLD_DEPTH), expert.OPEN)


# drawer-close


def place_pulled_out(rand_vec: RandVec, settled: FixtureSignals) -> Placement:
    return Placement((JointValue(SLIDE, PULLED_OUT),))


def begin_close(rand_vec: RandVec, settled: FixtureSignals, placed: FixtureSignals) -> Start:
    return Start(settled.arm.tcp_pos, placed.obj_pos, offset(vec3(rand_vec), CLOSE_DRAWER_TO_GOAL))


def score_close_v2(now: FixtureSignals, start: Start, effort: float) -> Score:
    """Reach with closing fingers, joined with the drawer's closeness; 10 on success."""
    to_goal = distance(now.obj_pos, start.goal_pos)
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    in_place = long_tail(to_goal, 0.0, 0.05, margin=abs(distance(start.obj_pos, start.goal_pos) - 0.05))
    reach = gaussian(to_tcp, 0.0, 0.005, margin=abs(distance(start.obj_pos, start.tcp_pos) - 0.005))
    grasp = hamacher(reach, clip(effort, 0.0, 1.0))
    success = to_goal <= CLOSE_SUCCESS_DISTANCE
    reward = 10.0 if success else 10.0 * hamacher(grasp, in_place)
    return Score(
        reward,
        success,
        near_object=float(to_tcp <= 0.01),
        grasp_success=1.0,
        grasp_reward=grasp,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def score_close_v1(now: FixtureSignals, start: Start, effort: float) -> Score:
    """Reach, then push."""
    reward, to_goal = progress_v1(now.arm.tcp_pos, now.obj_pos, start.goal_pos, -PULLED_OUT)
    return Score(reward, to_goal <= CLOSE_SUCCESS_DISTANCE, near_object=1.0, grasp_success=1.0, obj_to_target=to_goal)


def push_shut(obs: Observation) -> Action:
    """Come down in front of the bow with shut fingers, then push."""
    point, tcp = expert.obj_pos(obs), expert.tcp_pos(obs)
    handle_z = point[2] - 0.05
    if tcp[2] - handle_z > 0.03 and tcp[1] < point[1] + 0.02:
        return expert.approach_from_above(obs, (point[0], point[1] - 0.05, handle_z), expert.CLOSE)
    return expert.move_tcp(obs, (point[0], point[1] + 0.1, handle_z), expert.CLOSE)


DRAWER_OPEN = TaskDef(
    name="drawer-open",
    sentence="Open the drawer.",
    family="drawer",
    skills=("pull",),
    objects=("drawer handle",),
    scene=SCENE,
    signals=ObjectSignals,
    reads={"obj_pos": body_pos("drawer_link", (0.0, -0.16, 0.0)), "obj_quat": quat_wxyz("drawer_link")},
    hand_start=float32(HAND_START),
    random_low=(-0.1, 0.9, 0.0),
    random_high=(0.1, 0.9, 0.0),
    goal_low=HAND_BOX[0],
    goal_high=HAND_BOX[1],
    fixtures={"drawer": vec3},
    place=leave_as_settled,
    begin=begin_open,
    scores={"v2": score_open_v2, "v1": score_open_v1},
    expert=straddle_and_pull,
)

DRAWER_CLOSE = replace(
    DRAWER_OPEN,
    name="drawer-close",
    sentence="Push the drawer shut.",
    skills=("push",),
    signals=FixtureSignals,
    reads={"obj_pos": body_pos("drawer_link", (0.0, -0.16, 0.05))},
    place=place_pulled_out,
    begin=begin_close,
    scores={"v2": score_close_v2, "v1": score_close_v1},
    expert=push_shut,
)
