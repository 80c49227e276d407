"""Shelf-place: pick up the cube and put it on the middle board of a shelf. Task: shelf-place."""

from __future__ import annotations

from metaworld_py.sim.scene import Prop
from metaworld_py.sim.signals import Vec3
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import HAND_START, Action, Observation, RandVec, Score, Start, TaskDef, apart, float32
from metaworld_py.tasks.common.free_objects import HELD_READS, HeldSignals, grasp_and_carry, place_as_settled, puck_scene
from metaworld_py.tasks.common.shaping import caging, clip, distance, grip, hamacher
from metaworld_py.tasks.pick_place import closeness, finish_held, score_v1

BOARD_HEIGHT = 0.24  # m, middle of the board
GOAL_HEIGHT = 0.3  # m above the shelf's foot
APPROACH = 0.15  # m in front of the goal
HALF_WIDTH = 0.15  # m, wider than the shelf, as published
IN_FRONT = 0.2  # m before the goal at which the expert lifts the cube


def shelf_pos(rand_vec: RandVec) -> Vec3:
    """Where an instance puts the shelf: its goal is at v[3:6]."""
    return (float(rand_vec[3]), float(rand_vec[4]), float(rand_vec[5]) - GOAL_HEIGHT)


def begin(rand_vec: RandVec, settled: HeldSignals, placed: HeldSignals) -> Start:
    x, y, z = shelf_pos(rand_vec)
    return Start(settled.arm.tcp_pos, (rand_vec[0], rand_vec[1], settled.obj_pos[2]), (x, y, GOAL_HEIGHT + z))


def unobstructed(in_place: float, obj: Vec3, goal: Vec3) -> float:
    """Closeness, lowered in front of and below the board, and 0 below it behind the goal."""
    x, y, z = obj
    if not (0.0 < z < BOARD_HEIGHT and abs(x - goal[0]) < HALF_WIDTH):
        return in_place
    if goal[1] - APPROACH < y < goal[1]:
        below = (BOARD_HEIGHT - z) / BOARD_HEIGHT
        forward = (y - (goal[1] - APPROACH)) / APPROACH
        return clip(in_place - hamacher(forward, below), 0.0, 1.0)
    return 0.0 if y > goal[1] else in_place


def score_v2(now: HeldSignals, start: Start, effort: float) -> Score:
    """Grip, lift, carry; 10 within 5 cm of the goal."""
    closeness_to_goal = closeness(now, start)
    caged = caging(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.02, pad_margin=0.05, xz_margin=0.01)
    grasp = grip(caged, effort)
    reward = hamacher(grasp, closeness_to_goal)
    in_place = unobstructed(closeness_to_goal, now.obj_pos, start.goal_pos)
    if distance(now.obj_pos, now.arm.tcp_pos) < 0.025 and now.arm.opening > 0.0 and now.obj_pos[2] - 0.01 > start.obj_pos[2]:
        reward += 1.0 + 5.0 * in_place
    return finish_held(reward, now, start, grasp, in_place)


def carry_onto_the_board(obs: Observation) -> Action:
    """Lift the cube in front of the shelf, then bring it in level."""
    _, y, z = expert.obj_pos(obs)
    goal = expert.goal_pos(obs)
    is_low = z < goal[2] - 0.02
    return grasp_and_carry(obs, (goal[0], min(y, goal[1] - IN_FRONT) if is_low else goal[1], goal[2] + 0.01))


SHELF_PLACE = TaskDef(
    name="shelf-place",
    sentence="Put the cube on the shelf.",
    family="pick-place",
    skills=("grasp", "place"),
    objects=("cube",),
    difficulty="very_hard",
    scene=puck_scene((0.0, 0.8, 0.0, 1.0), Prop("shelf", "shelf", (0.0, 0.8, 0.0)), part="cube_grippy"),
    signals=HeldSignals,
    reads=HELD_READS,
    hand_start=float32(HAND_START),
    random_low=(-0.1, 0.5, 0.019, -0.1, 0.8, 0.299),
    random_high=(0.1, 0.6, 0.021, 0.1, 0.9, 0.301),
    accept=apart(0.1),
    goal_low=(-0.1, 0.8, 0.299),
    goal_high=(0.1, 0.9, 0.301),
    fixtures={"shelf": shelf_pos},
    place=place_as_settled,
    begin=begin,
    scores={"v2": score_v2, "v1": score_v1},
    expert=carry_onto_the_board,
)
