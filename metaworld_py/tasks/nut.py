"""Nut: a flat ring with a handle and an upright peg. Tasks: assembly (ring onto the peg), disassemble (ring off the peg).

The observed object is a point on the handle, 13 cm from the ring's centre; the rewards call the ring's centre at reset the object's start.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Arm, Quat, Vec3, body_pos, quat_wxyz, site_pos
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import (
    HAND_START,
    HAND_START_NEAR,
    Action,
    FreeBody,
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
    alignment,
    approach_bonus,
    caging,
    dense_grasp,
    distance,
    distance_xy,
    funnel_floor,
    grip,
    lift_v1,
    long_tail,
    offset,
    reach_v1,
    reaching_grasp,
    scaled_distance,
    snapped_to_hand,
)

SCENE = Scene(props=(Prop("nut", "RoundNut", (0.1, 0.6, 0.02)), Prop("nut_peg", "peg", (0.1, 0.8, 0.05))), goal_radius=0.005)
LYING: Quat = (0.707, 0.0, 0.0, 0.707)  # the handle along +x
OFF_TABLE = 0.02  # m, ring height above which it counts as lifted; it rests there already
ON_PEG_RADIUS = 0.02  # m between ring centre and peg axis, where the ring is over the peg
PICK_HEIGHT_V1 = 0.1  # m, assembly
UNPLUG_HEIGHT_V1 = 0.05  # m, disassemble
HANDLE_LENGTH = 0.13  # m from the ring's centre to the handle's point
GRASPABLE = 0.8  # sine of the largest angle between handle and x axis at which the fingers, which close along y, can grasp it
READY_HEIGHT = 0.045  # m of the ring over the peg's top while it is carried


class Signals(NamedTuple):
    arm: Arm
    obj_pos: Vec3
    obj_quat: Quat
    ring_pos: Vec3


class AssemblyStart(NamedTuple):
    tcp_pos: Vec3
    obj_pos: Vec3  # the ring's centre
    goal_pos: Vec3
    handle_z: float


def place(rand_vec: RandVec, settled: Signals) -> Placement:
    return Placement((FreeBody("nutjoint", vec3(rand_vec)),))


def handle_caging(now: Signals, start: AssemblyStart | Start) -> tuple[float, Vec3]:
    """Caging of the handle, and the point on it. The margins use the ring's centre, 13 cm away, as published."""
    point = snapped_to_hand(now.obj_pos, now.arm.hand_pos, within=0.01)
    return caging(now.arm, point, start.obj_pos, start.tcp_pos, object_radius=0.015, pad_margin=0.02, xz_margin=0.01), point


def finish_v2(now: Signals, grasp: float, in_place: float, success: bool) -> Score:
    """Grasp (2) and ring in place (6), both only while the nut lies flat; 10 on success."""
    flat = alignment(now.obj_quat, LYING, tolerance=0.4)
    reward = 10.0 if success else (2.0 * grasp + 6.0 * in_place) * flat
    return Score(reward, success, near_object=flat, grasp_success=float(grasp >= 0.5), grasp_reward=grasp, in_place_reward=in_place)


def ring_to_handle(obs: Observation) -> Vec3:
    """Unit vector from the ring's centre to the handle, from the observed orientation."""
    w, x, y, z = obs[7:11]
    return (2.0 * (w * z - x * y), 2.0 * (x * x + z * z) - 1.0, -2.0 * (y * z + w * x))  # the body's −y axis


# assembly


def begin_assembly(rand_vec: RandVec, settled: Signals, placed: Signals) -> AssemblyStart:
    return AssemblyStart(settled.arm.tcp_pos, vec3(rand_vec), vec3(rand_vec, 3), placed.obj_pos[2])


def ring_over_peg(ring: Vec3, goal: Vec3) -> tuple[float, bool]:
    """How well the ring is placed, having come over the peg from above, and whether it is threaded on it."""
    off_xy = distance_xy(ring, goal)
    is_threaded = off_xy < ON_PEG_RADIUS and goal[2] - ring[2] > 0.0
    rim = 0.02 if is_threaded else 0.01
    floor = funnel_floor(off_xy, rim=rim, steepness=0.02, height=0.2)
    is_lifted = ring[2] > OFF_TABLE or off_xy < rim
    to_goal = scaled_distance((goal[0], goal[1], floor), ring, (1.0, 1.0, 3.0))
    return 0.1 * is_lifted + 0.9 * long_tail(to_goal, 0.0, 0.02, margin=0.4), is_threaded


def score_assembly_v2(now: Signals, start: AssemblyStart, effort: float) -> Score:
    caged, point = handle_caging(now, start)
    grasp = reaching_grasp(grip(caged, effort), point, now.arm.tcp_pos, start.obj_pos, start.tcp_pos, radius=0.01)
    in_place, is_threaded = ring_over_peg(now.ring_pos, start.goal_pos)
    return finish_v2(now, grasp, in_place, is_threaded)


def thread_v1(depth_left: float, picked_z: float) -> float:
    """What the ring's way down the peg adds to the original reward."""
    return approach_bonus(depth_left, picked_z, weight=2000.0, near_weight=2000.0, width=0.003)


def score_assembly_v1(now: Signals, start: AssemblyStart, effort: float) -> Score:
    """Reach, pick, place over the peg, thread. (The published package raises an error here; this is what it means.)"""
    handle, ring, goal = now.obj_pos, now.ring_pos, start.goal_pos
    to_tcp, to_goal_xy = distance(handle, now.arm.tcp_pos), distance_xy(ring, goal)
    picked_z = start.handle_z + PICK_HEIGHT_V1
    is_picked = ring[2] >= picked_z - 0.01 and to_tcp < 0.03
    is_placed = abs(ring[0] - goal[0]) < 0.03 and abs(ring[1] - goal[1]) < 0.03
    depth_left = abs(ring[2] - start.handle_z)

    lag = abs(now.arm.tcp_pos[2] - start.tcp_pos[2])
    reward = reach_v1(to_tcp, distance_xy(handle, now.arm.tcp_pos), effort, lag, near=0.04, above=0.04)
    reward += lift_v1(ring[2], start.handle_z, picked_z, is_done=is_placed or is_picked, is_near=to_tcp < 0.04)
    if is_placed or is_picked:
        way = distance((start.obj_pos[0], start.obj_pos[1], picked_z), goal) + picked_z
        place_v1 = approach_bonus(to_goal_xy, way)
        if is_placed:
            place_v1 += thread_v1(depth_left, picked_z)
        reward += max(place_v1, 0.0)
    return Score(reward, is_placed and depth_left <= 0.04)


# disassemble


def begin_disassemble(rand_vec: RandVec, settled: Signals, placed: Signals) -> Start:
    nut_pos = vec3(rand_vec)
    return Start(settled.arm.tcp_pos, nut_pos, offset(nut_pos, (0.0, 0.0, 0.15)))


def is_lifted_off(now: Signals, start: Start) -> bool:
    return now.obj_pos[2] > start.goal_pos[2]  # the handle, not the ring: tilting it up counts


def score_disassemble_v2(now: Signals, start: Start, effort: float) -> Score:
    caged, _ = handle_caging(now, start)
    above_goal = offset(start.goal_pos, (0.0, 0.0, 0.1))
    is_lifted = now.ring_pos[2] > OFF_TABLE
    in_place = 0.1 * is_lifted + 0.9 * long_tail(distance(above_goal, now.ring_pos), 0.0, 0.02, margin=0.2)
    return finish_v2(now, dense_grasp(caged, effort), in_place, is_lifted_off(now, start))


def score_disassemble_v1(now: Signals, start: Start, effort: float) -> Score:
    """Reach, pick, place. Once the ring has left the peg sideways, reaching costs nothing and picking pays in full."""
    handle, peg = now.obj_pos, start.obj_pos
    to_tcp, to_goal = distance(handle, now.arm.tcp_pos), distance(handle, start.goal_pos)
    picked_z = start.obj_pos[2] + UNPLUG_HEIGHT_V1
    is_picked = handle[2] >= picked_z - 0.01 and to_tcp < 0.04

    if abs(now.ring_pos[0] - peg[0]) > 0.05 or abs(now.ring_pos[1] - peg[1]) > 0.05:
        reward = 100.0 * picked_z
    else:
        lag = 2.0 * abs(now.arm.tcp_pos[2] - start.tcp_pos[2])
        reward = reach_v1(to_tcp, distance_xy(handle, now.arm.tcp_pos), effort, lag, near=0.04, above=0.04)
        reward += lift_v1(handle[2], start.obj_pos[2], picked_z, is_done=is_picked, is_near=to_tcp < 0.04)
    if is_picked and to_tcp < 0.03:
        way = distance((start.obj_pos[0], start.obj_pos[1], picked_z), start.goal_pos) + picked_z
        reward += max(approach_bonus(to_goal, way), 0.0)
    return Score(reward, is_lifted_off(now, start))


def thread_onto_peg(obs: Observation) -> Action:
    """Grasp the handle, lift, bring the ring over the peg, lower it."""
    handle, along, goal, tcp = expert.obj_pos(obs), ring_to_handle(obs), expert.goal_pos(obs), expert.tcp_pos(obs)
    ring = (handle[0] - HANDLE_LENGTH * along[0], handle[1] - HANDLE_LENGTH * along[1], handle[2] - HANDLE_LENGTH * along[2])
    off_xy = distance_xy(ring, goal)
    carry_z = goal[2] + READY_HEIGHT
    to_x, to_y = goal[0] - ring[0], goal[1] - ring[1]
    if off_xy < 0.008:
        target = (tcp[0] + to_x, tcp[1] + to_y, tcp[2] - 0.05)
    elif ring[2] > carry_z - 0.02:
        target = (tcp[0] + to_x, tcp[1] + to_y, tcp[2] + carry_z - ring[2])
    else:
        target = (tcp[0], tcp[1], tcp[2] + 0.1)
    return grasp_and_carry(obs, target, gripped_opening=0.55, slack=0.03)


def turn_around_peg(obs: Observation) -> Action:
    """Push the handle sideways with shut fingers, towards +x: the fingers, which close along y, cannot grasp a handle that lies along y."""
    handle, along, tcp = expert.obj_pos(obs), ring_to_handle(obs), expert.tcp_pos(obs)
    turn = 1.0 if along[1] > 0.0 else -1.0
    forward = (turn * along[1], -turn * along[0])
    is_behind = (tcp[0] - handle[0]) * forward[0] + (tcp[1] - handle[1]) * forward[1] < -0.02
    if tcp[2] > handle[2] + 0.01 or not is_behind:
        return expert.approach_from_above(obs, (handle[0] - 0.06 * forward[0], handle[1] - 0.06 * forward[1], handle[2]), expert.CLOSE)
    return expert.move_tcp(obs, (handle[0] + 0.05 * forward[0], handle[1] + 0.05 * forward[1], handle[2]), expert.CLOSE)


def lift_off_peg(obs: Observation) -> Action:
    """Grasp the handle and lift, having turned it if need be."""
    if abs(ring_to_handle(obs)[1]) > GRASPABLE:
        return turn_around_peg(obs)
    x, y, _ = expert.tcp_pos(obs)
    return grasp_and_carry(obs, (x, y, 0.4), gripped_opening=0.55, slack=0.03)


ASSEMBLY = TaskDef(
    name="assembly",
    sentence="Pick up the nut and put it onto the peg.",
    family="nut",
    skills=("grasp", "insert"),
    objects=("nut",),
    difficulty="hard",
    scene=SCENE,
    signals=Signals,
    reads={"obj_pos": site_pos("RoundNut-8"), "obj_quat": quat_wxyz("RoundNut"), "ring_pos": body_pos("RoundNut")},
    hand_start=float32(HAND_START),
    random_low=(0.0, 0.6, 0.02, -0.1, 0.75, 0.1),
    random_high=(0.0, 0.6, 0.02, 0.1, 0.85, 0.1),
    accept=apart(0.1),
    goal_low=(-0.1, 0.75, 0.1),
    goal_high=(0.1, 0.85, 0.1),
    fixtures={"peg": lambda rand_vec: offset(vec3(rand_vec, 3), (0.0, 0.0, -0.05))},
    place=place,
    begin=begin_assembly,
    scores={"v2": score_assembly_v2, "v1": score_assembly_v1},
    expert=thread_onto_peg,
)

DISASSEMBLE = replace(
    ASSEMBLY,
    name="disassemble",
    sentence="Lift the nut off the peg.",
    skills=("grasp", "lift"),
    difficulty="very_hard",
    hand_start=float32(HAND_START_NEAR),
    random_low=(0.0, 0.6, 0.025, -0.1, 0.6, 0.1699),
    random_high=(0.1, 0.75, 0.02501, 0.1, 0.75, 0.1701),
    goal_low=(-0.1, 0.6, 0.1749),
    goal_high=(0.1, 0.75, 0.1751),
    fixtures={"peg": lambda rand_vec: offset(vec3(rand_vec), (0.0, 0.0, 0.03))},
    settles_per_instance=True,  # the nut settles against the peg where they overlap, and keeps the turn
    begin=begin_disassemble,
    scores={"v2": score_disassemble_v2, "v1": score_disassemble_v1},
    expert=lift_off_peg,
)
