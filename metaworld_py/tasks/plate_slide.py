"""Plate-slide: move a flat puck on two slides into a net or out of it. Tasks: plate-slide, plate-slide-side, plate-slide-back,
plate-slide-back-side.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Vec3, geom_pos, quat_xyzw
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import (
    HAND_START,
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
from metaworld_py.tasks.common.shaping import approach_bonus, distance, distance_xy, hamacher, long_tail

SUCCESS_DISTANCE = 0.07  # m between puck and goal
RADIUS = 0.05  # m, within which puck and goal, or tcp and puck, count as together
CHANNEL_POS: Vec3 = (0.0, 0.6, 0.015)  # of the puck at slide values 0
FRONT_NET, SIDE_NET = ((0.0, 0.85, 0.0), 0.0), ((-0.3, 0.6, 0.0), 1.57)  # pos, and rad about z: a little short of a quarter turn
ARRIVED = 0.015  # m that the goal lies ahead of the puck when the expert stops pushing
PUSH_DISTANCE = 0.08  # m behind the puck's middle at which shut fingers clear it


def begin(rand_vec: RandVec, settled: ObjectSignals, placed: ObjectSignals) -> Start:
    # The object's start is the nominal one of the instance, which in the back tasks is not where the puck starts. As published.
    return Start(settled.arm.tcp_pos, vec3(rand_vec), vec3(rand_vec, 3))


def closeness(now: ObjectSignals, start: Start, margin_less: float) -> tuple[float, float, float, float]:
    """Distances puck to goal and tcp to puck, and both as closeness in [0, 1]; `margin_less` (m) is taken off the margins."""
    to_goal, to_tcp = distance(now.obj_pos, start.goal_pos), distance(now.arm.tcp_pos, now.obj_pos)
    in_place = long_tail(to_goal, 0.0, RADIUS, distance(start.obj_pos, start.goal_pos) - margin_less)
    reach = long_tail(to_tcp, 0.0, RADIUS, distance(start.tcp_pos, start.obj_pos) - margin_less)
    return to_goal, to_tcp, in_place, reach


def finish_slide(reward: float, to_goal: float, to_tcp: float, in_place: float, reach: float) -> Score:
    if to_goal < RADIUS:
        reward = 10.0
    return Score(
        reward,
        to_goal <= SUCCESS_DISTANCE,
        near_object=float(to_tcp <= 0.03),
        grasp_reward=reach,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def score_joined_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Reach joined with closeness to the goal: 8 · H; 10 at the goal."""
    to_goal, to_tcp, in_place, reach = closeness(now, start, 0.0)
    return finish_slide(8.0 * hamacher(reach, in_place), to_goal, to_tcp, in_place, reach)


def score_staged_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Reach (1.5), then low at the puck, closeness to the goal (2 + 7); 10 at the goal."""
    to_goal, to_tcp, in_place, reach = closeness(now, start, RADIUS)
    is_at_puck = now.arm.tcp_pos[2] <= 0.03 and to_tcp < 0.07
    return finish_slide(2.0 + 7.0 * in_place if is_at_puck else 1.5 * reach, to_goal, to_tcp, in_place, reach)


def make_score_v1(puck_start: Vec3) -> ScoreFunction:
    """Reach, then slide; `puck_start` is where the puck really starts."""

    def score(now: ObjectSignals, start: Start, effort: float) -> Score:
        to_tcp, to_goal = distance(now.obj_pos, now.arm.tcp_pos), distance_xy(now.obj_pos, start.goal_pos)
        way = distance_xy(puck_start, start.goal_pos)
        slide = max(approach_bonus(to_goal, way), 0.0) if to_tcp < 0.05 else 0.0
        return Score(-to_tcp + slide, to_goal <= SUCCESS_DISTANCE, near_object=1.0, obj_to_target=to_goal)

    return score


def push_to_goal(obs: Observation) -> Action:
    """Come down behind the puck, seen from the goal, push it there with shut fingers, and stop."""
    puck, goal, tcp = expert.obj_pos(obs), expert.goal_pos(obs), expert.tcp_pos(obs)
    to_goal = max(math.hypot(goal[0] - puck[0], goal[1] - puck[1]), 1e-6)
    push_x, push_y = puck[0] - tcp[0], puck[1] - tcp[1]
    ahead = (goal[0] - puck[0]) * push_x + (goal[1] - puck[1]) * push_y  # of the puck as it is being pushed; it slides sideways badly
    if to_goal < SUCCESS_DISTANCE and ahead < ARRIVED * math.hypot(push_x, push_y):
        return expert.stay(expert.CLOSE)
    way_x, way_y = (goal[0] - puck[0]) / to_goal, (goal[1] - puck[1]) / to_goal
    if tcp[2] > puck[2] + 0.02:
        behind = (puck[0] - PUSH_DISTANCE * way_x, puck[1] - PUSH_DISTANCE * way_y, puck[2])
        return expert.approach_from_above(obs, behind, expert.CLOSE)
    return expert.move_tcp(obs, (puck[0] + 0.01 * way_x, puck[1] + 0.01 * way_y, puck[2]), expert.CLOSE)


def drag_to_goal(obs: Observation) -> Action:
    """Press on the puck's side towards the goal from above and drag it out of the net."""
    puck, goal, tcp = expert.obj_pos(obs), expert.goal_pos(obs), expert.tcp_pos(obs)
    to_goal = max(math.hypot(goal[0] - puck[0], goal[1] - puck[1]), 1e-6)
    lead = min(0.02, to_goal)
    on_puck = (puck[0] + lead * (goal[0] - puck[0]) / to_goal, puck[1] + lead * (goal[1] - puck[1]) / to_goal, puck[2] - 0.03)
    if tcp[2] > puck[2] + 0.025:
        return expert.approach_from_above(obs, on_puck, expert.CLOSE)
    return expert.move_tcp(obs, (tcp[0] + goal[0] - puck[0], tcp[1] + goal[1] - puck[1], puck[2] - 0.04), expert.CLOSE, 5.0)


def plate_slide_task(
    name: str,
    sentence: str,
    net: tuple[Vec3, float],
    *,
    obj_pos: Vec3,
    goal_low: Vec3,
    goal_high: Vec3,
    slides: tuple[float, float],
    net_at: Callable[[RandVec], Vec3] | None,
    score_v2: ScoreFunction,
    move: Callable[[Observation], Action],
) -> TaskDef:
    """One of the four plate-slide tasks, from what differs between them.

    Args:
      name, sentence: of the task.
      net: pose of the net in the model.
      obj_pos: the instance's nominal object position.
      goal_low, goal_high: box of goals.
      slides: joint values at reset, so that the puck starts at `CHANNEL_POS` + slides.
      net_at: where an instance moves the net to; None if it stays (the published resets of two tasks mean to move it but do not).
      score_v2: version 2 of the reward.
      move: the expert.
    """
    net_pos, turned = net
    puck_start = (CHANNEL_POS[0] + slides[0], CHANNEL_POS[1] + slides[1], CHANNEL_POS[2])

    def place(rand_vec: RandVec, settled: ObjectSignals) -> Placement:
        return Placement((JointValue("goal_slidex", slides[0]), JointValue("goal_slidey", slides[1])))

    return TaskDef(
        name=name,
        sentence=sentence,
        family="plate",
        skills=("slide",),
        objects=("plate",),
        scene=Scene(
            props=(Prop("slide_puck", "puck_channel", CHANNEL_POS), Prop("net", "puck_goal", net_pos, euler=(0.0, 0.0, turned))),
            goal_rgba=(0.8, 0.0, 0.0, 1.0),
            goal_radius=0.015,
        ),
        signals=ObjectSignals,
        reads={"obj_pos": geom_pos("puck"), "obj_quat": quat_xyzw("puck", "geom")},
        hand_start=float32(HAND_START),
        random_low=(*obj_pos, *goal_low),
        random_high=(*obj_pos, *goal_high),
        goal_low=goal_low,
        goal_high=goal_high,
        fixtures={"puck_goal": net_at} if net_at else None,
        place=place,
        begin=begin,
        scores={"v2": score_v2, "v1": make_score_v1(puck_start)},
        expert=move,
    )


PLATE_SLIDE = plate_slide_task(
    "plate-slide",
    "Slide the plate into the net.",
    FRONT_NET,
    obj_pos=(0.0, 0.6, 0.0),
    goal_low=(-0.1, 0.85, 0.0),
    goal_high=(0.1, 0.9, 0.0),
    slides=(0.0, 0.0),
    net_at=lambda rand_vec: vec3(rand_vec, 3),
    score_v2=score_joined_v2,
    move=push_to_goal,
)
PLATE_SLIDE_SIDE = plate_slide_task(
    "plate-slide-side",
    "Slide the plate sideways into the net.",
    SIDE_NET,
    obj_pos=(0.0, 0.6, 0.0),
    goal_low=(-0.3, 0.54, 0.0),
    goal_high=(-0.25, 0.66, 0.0),
    slides=(0.0, 0.0),
    net_at=None,
    score_v2=score_staged_v2,
    move=push_to_goal,
)
PLATE_SLIDE_BACK = plate_slide_task(
    "plate-slide-back",
    "Slide the plate out of the net.",
    FRONT_NET,
    obj_pos=(0.0, 0.85, 0.0),
    goal_low=(-0.1, 0.6, 0.015),
    goal_high=(0.1, 0.6, 0.015),
    slides=(0.0, 0.15),
    net_at=None,
    score_v2=score_staged_v2,
    move=drag_to_goal,
)
PLATE_SLIDE_BACK_SIDE = plate_slide_task(
    "plate-slide-back-side",
    "Slide the plate sideways out of the net.",
    SIDE_NET,
    obj_pos=(-0.25, 0.6, 0.0),
    goal_low=(-0.05, 0.6, 0.015),
    goal_high=(0.15, 0.6, 0.015),
    slides=(-0.15, 0.0),
    net_at=vec3,
    score_v2=score_staged_v2,
    move=drag_to_goal,
)
