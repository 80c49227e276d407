"""Pick-place: grasp the puck and carry it to a point in the air. Tasks: pick-place, pick-place-wall (over a wall)."""

from __future__ import annotations

from dataclasses import replace

from metaworld_py.sim.signals import Vec3
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import Action, Observation, Score, Start, TaskDef, apart
from metaworld_py.tasks.common.free_objects import (
    HELD_READS,
    WALL,
    HeldSignals,
    begin_as_drawn,
    grasp_and_carry,
    is_lifted,
    place_as_drawn,
    puck_scene,
)
from metaworld_py.tasks.common.shaping import (
    caging,
    dense_grasp,
    distance,
    grip,
    hamacher,
    long_tail,
    pick_and_place_v1,
    scaled_distance,
    signed_caging,
)

SUCCESS_DISTANCE = 0.07  # m between puck and goal
LIFT_HEIGHT_V1 = 0.04  # m above its start at which the original reward calls the puck picked
WAYPOINT_YZ = (0.77, 0.25)  # m, above the wall
WAYPOINT_SCALE: Vec3 = (1.0, 1.0, 3.0)
CROSSING_HEIGHT = 0.2  # m at which the expert carries the puck over the wall


def closeness(now: HeldSignals, start: Start) -> float:
    """1 within 5 cm of the goal, 0.1 as far as at the start."""
    return long_tail(distance(now.obj_pos, start.goal_pos), 0.0, 0.05, margin=distance(start.obj_pos, start.goal_pos))


def finish_held(reward: float, now: HeldSignals, start: Start, grasp: float, in_place: float) -> Score:
    """The score of all v2 rewards of this kind: 10 within 5 cm of the goal, whatever the terms say."""
    to_goal = distance(now.obj_pos, start.goal_pos)
    if to_goal < 0.05:
        reward = 10.0
    near = distance(now.obj_pos, now.arm.tcp_pos) <= 0.03
    return Score(
        reward,
        to_goal <= SUCCESS_DISTANCE,
        near_object=float(near),
        grasp_success=float(is_lifted(now, start)),
        grasp_reward=grasp,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def score_v1(now: HeldSignals, start: Start, effort: float, *, lift_height: float = LIFT_HEIGHT_V1) -> Score:
    """Reach, pick, place: three terms."""
    to_goal = distance(now.obj_pos, start.goal_pos)
    reward = pick_and_place_v1(
        now.arm.tcp_pos,
        now.obj_pos,
        effort,
        tcp_pos_start=start.tcp_pos,
        obj_pos_start=start.obj_pos,
        goal_pos=start.goal_pos,
        lift_height=lift_height,
        lag_weight=2.0,
        to_goal=to_goal,
        place_distance=to_goal,
    )
    return Score(reward, to_goal <= SUCCESS_DISTANCE, near_object=1.0, obj_to_target=to_goal)


# pick-place


def score_v2(now: HeldSignals, start: Start, effort: float) -> Score:
    """Cage, lift and carry; 10 within 5 cm of the goal."""
    in_place = closeness(now, start)
    caged = signed_caging(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.015, xz_margin=0.005)
    grasp = dense_grasp(caged, effort)
    reward = hamacher(grasp, in_place)
    if distance(now.obj_pos, now.arm.tcp_pos) < 0.02 and now.arm.opening > 0.0 and now.obj_pos[2] - 0.01 > start.obj_pos[2]:
        reward += 1.0 + 5.0 * in_place
    return finish_held(reward, now, start, grasp, in_place)


def carry_the_puck(obs: Observation) -> Action:
    return grasp_and_carry(obs, expert.goal_pos(obs))


# pick-place-wall


def score_wall_v2(now: HeldSignals, start: Start, effort: float) -> Score:
    """Grip, lift to a way-point above the wall, carry on to the goal; 10 within 5 cm of it. Exactly 0 until the puck is gripped."""
    waypoint = (start.goal_pos[0], *WAYPOINT_YZ)
    margin = scaled_distance(start.obj_pos, waypoint, WAYPOINT_SCALE)
    at_waypoint = long_tail(scaled_distance(now.obj_pos, waypoint, WAYPOINT_SCALE), 0.0, 0.05, margin)
    in_place = closeness(now, start)
    caged = caging(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.015, pad_margin=0.05, xz_margin=0.005)
    grasp = grip(caged, effort)
    reward = hamacher(grasp, at_waypoint)
    if distance(now.obj_pos, now.arm.tcp_pos) < 0.02 and now.arm.opening > 0.0 and now.obj_pos[2] - 0.015 > start.obj_pos[2]:
        is_past_wall = now.obj_pos[1] > 0.75
        reward += 1.0 + (4.0 + 3.0 * in_place if is_past_wall else 4.0 * at_waypoint)
    return finish_held(reward, now, start, grasp, in_place)


def carry_over_the_wall(obs: Observation) -> Action:
    """Lift the puck, cross the wall, then go to the goal."""
    x, y, z = expert.obj_pos(obs)
    goal = expert.goal_pos(obs)
    if y > 0.82:
        return grasp_and_carry(obs, goal)
    height = max(goal[2], CROSSING_HEIGHT)
    return grasp_and_carry(obs, (x, y, height) if z < CROSSING_HEIGHT - 0.04 and y < 0.7 else (goal[0], goal[1], height))


PICK_PLACE = TaskDef(
    name="pick-place",
    sentence="Pick up the puck and carry it to a goal in the air.",
    family="pick-place",
    skills=("grasp", "place"),
    objects=("puck",),
    difficulty="hard",
    scene=puck_scene(goal_rgba=(0.0, 0.0, 0.8, 1.0)),
    signals=HeldSignals,
    reads=HELD_READS,
    random_low=(-0.1, 0.6, 0.02, -0.1, 0.8, 0.05),
    random_high=(0.1, 0.7, 0.02, 0.1, 0.9, 0.3),
    accept=apart(0.15),
    goal_low=(-0.1, 0.8, 0.05),
    goal_high=(0.1, 0.9, 0.3),
    place=place_as_drawn,
    begin=begin_as_drawn,
    scores={"v2": score_v2, "v1": score_v1},
    expert=carry_the_puck,
)

PICK_PLACE_WALL = replace(
    PICK_PLACE,
    name="pick-place-wall",
    sentence="Pick up the puck and carry it over the wall to a goal in the air.",
    skills=("grasp", "place", "avoid"),
    difficulty="very_hard",
    scene=puck_scene((0.0, 0.0, 0.8, 1.0), WALL),
    random_low=(-0.05, 0.6, 0.015, -0.05, 0.85, 0.05),
    random_high=(0.05, 0.65, 0.015, 0.05, 0.9, 0.3),
    goal_low=(-0.05, 0.85, 0.05),
    goal_high=(0.05, 0.9, 0.3),
    scores={"v2": score_wall_v2, "v1": score_v1},
    expert=carry_over_the_wall,
)
