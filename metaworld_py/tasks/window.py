"""Window: slide the pane along x by its handle. Tasks: window-open (towards +x), window-close (towards −x).

Joint value 0 is shut, 0.2 open. The observed object is a point on the handle's pushing side.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Vec3, site_pos
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import (
    HAND_BOX,
    HAND_START_NEAR,
    Action,
    FixtureSignals,
    JointValue,
    Observation,
    Placement,
    RandVec,
    Score,
    TaskDef,
    float32,
    vec3,
)
from metaworld_py.tasks.common.shaping import approach_bonus, distance, gaussian, hamacher, long_tail, offset

SLIDE_RANGE = 0.2  # m the pane can travel
SUCCESS_DISTANCE = 0.05  # m between handle and goal along x
HANDLE_RADIUS = 0.02  # m, tcp distance at which the handle counts as reached
SCENE = Scene(props=(Prop("window", "window", (-0.1, 0.785, 0.202)),))
SLIDE = "window_slide"


class Start(NamedTuple):
    tcp_pos: Vec3
    obj_pos: Vec3  # the window's frame
    goal_pos: Vec3
    handle_pos: Vec3


def finish_v2(in_place: float, reach: float, now: FixtureSignals, to_goal: float) -> Score:
    """Reach the handle and slide it: 10 · H(reach, in place), in [0, 10]."""
    near = distance(now.obj_pos, now.arm.tcp_pos) <= 0.05
    return Score(
        10.0 * hamacher(reach, in_place),
        to_goal <= SUCCESS_DISTANCE,
        near_object=float(near),
        grasp_success=1.0,
        grasp_reward=reach,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def score_v1(now: FixtureSignals, start: Start, effort: float) -> Score:
    """Reach, then slide; the slide's term is not cut at zero."""
    to_tcp, to_goal = distance(now.obj_pos, now.arm.tcp_pos), abs(now.obj_pos[0] - start.goal_pos[0])
    slide = approach_bonus(to_goal, SLIDE_RANGE) if to_tcp < 0.05 else 0.0
    return Score(-to_tcp + slide, to_goal <= SUCCESS_DISTANCE, near_object=1.0, grasp_success=1.0, obj_to_target=to_goal)


def slide_in_place(to_goal: float, way: float) -> float:
    return long_tail(to_goal, 0.0, SUCCESS_DISTANCE, margin=abs(way - SUCCESS_DISTANCE))


def reach_margin(start: Start) -> float:
    return abs(distance(start.handle_pos, start.tcp_pos) - HANDLE_RADIUS)


def push_handle(obs: Observation, direction: float) -> Action:
    """Come at the handle from the free side, in front of the panes, and push along x with shut fingers."""
    handle, tcp = expert.obj_pos(obs), expert.tcp_pos(obs)
    side = (handle[0] - 0.03 * direction, handle[1], handle[2])
    if direction * (tcp[0] - handle[0]) > 0.0 or abs(tcp[2] - handle[2]) > 0.03:
        return expert.move_tcp(obs, (side[0] - 0.02 * direction, min(handle[1] - 0.1, tcp[1] + 0.02), handle[2]), expert.CLOSE)
    if abs(tcp[1] - handle[1]) > 0.02:
        return expert.move_tcp(obs, side, expert.CLOSE)
    return expert.move_tcp(obs, (handle[0] + 0.1 * direction, handle[1], handle[2]), expert.CLOSE)


# window-open


def place_shut(rand_vec: RandVec, settled: FixtureSignals) -> Placement:
    return Placement((JointValue(SLIDE, 0.0),), refresh=False)


def begin_open(rand_vec: RandVec, settled: FixtureSignals, placed: FixtureSignals) -> Start:
    window_pos = vec3(rand_vec)
    return Start(settled.arm.tcp_pos, window_pos, offset(window_pos, (SLIDE_RANGE, 0.0, 0.0)), settled.obj_pos)


def score_open_v2(now: FixtureSignals, start: Start, effort: float) -> Score:
    to_goal = abs(now.obj_pos[0] - start.goal_pos[0])
    in_place = slide_in_place(to_goal, abs(start.obj_pos[0] - start.goal_pos[0]))  # from the window's frame, not its handle
    reach = long_tail(distance(now.obj_pos, now.arm.tcp_pos), 0.0, HANDLE_RADIUS, reach_margin(start))
    return finish_v2(in_place, reach, now, to_goal)


# window-close


def place_open(rand_vec: RandVec, settled: FixtureSignals) -> Placement:
    # No refresh: the published reset observation still shows the pane shut.
    return Placement((JointValue(SLIDE, SLIDE_RANGE),), refresh=False)


def begin_close(rand_vec: RandVec, settled: FixtureSignals, placed: FixtureSignals) -> Start:
    window_pos = vec3(rand_vec)
    return Start(settled.arm.tcp_pos, window_pos, window_pos, offset(settled.obj_pos, (SLIDE_RANGE, 0.0, 0.0)))


def score_close_v2(now: FixtureSignals, start: Start, effort: float) -> Score:
    to_goal = abs(now.obj_pos[0] - start.goal_pos[0])
    in_place = slide_in_place(to_goal, abs(start.handle_pos[0] - start.goal_pos[0]))
    reach = gaussian(distance(now.obj_pos, now.arm.tcp_pos), 0.0, HANDLE_RADIUS, reach_margin(start))
    return finish_v2(in_place, reach, now, to_goal)


WINDOW_OPEN = TaskDef(
    name="window-open",
    sentence="Slide the window open.",
    family="window",
    skills=("slide",),
    objects=("window handle",),
    scene=SCENE,
    signals=FixtureSignals,
    reads={"obj_pos": site_pos("handleOpenStart")},
    hand_start=float32(HAND_START_NEAR),
    random_low=(-0.1, 0.7, 0.16),
    random_high=(0.1, 0.9, 0.16),
    goal_low=HAND_BOX[0],
    goal_high=HAND_BOX[1],
    fixtures={"window": vec3},
    place=place_shut,
    begin=begin_open,
    scores={"v2": score_open_v2, "v1": score_v1},
    expert=lambda obs: push_handle(obs, +1.0),
)

WINDOW_CLOSE = replace(
    WINDOW_OPEN,
    name="window-close",
    sentence="Slide the window shut.",
    reads={"obj_pos": site_pos("handleCloseStart")},
    random_low=(0.0, 0.75, 0.2),
    random_high=(0.0, 0.9, 0.2),
    place=place_open,
    begin=begin_close,
    scores={"v2": score_close_v2, "v1": score_v1},
    expert=lambda obs: push_handle(obs, -1.0),
)
