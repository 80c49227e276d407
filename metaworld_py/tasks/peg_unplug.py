"""Peg-unplug: pull a plug sideways (+x) out of a wall socket. Task: peg-unplug-side.

The observed object is a point on the plug's handle.
"""

from __future__ import annotations

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Vec3, quat_wxyz, site_pos
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
    vec3,
)
from metaworld_py.tasks.common.free_objects import grasp_and_carry
from metaworld_py.tasks.common.shaping import approach_bonus, caging, dense_grasp, distance, distance_xy, long_tail, offset, reach_v1

SUCCESS_DISTANCE = 0.07  # m between plug and goal; along the table only in v1
FULL_EFFORT = 0.8
PULL_LEAD = 0.02  # m that the expert asks the tcp to move at once
SOCKET_TO_PLUG: Vec3 = (0.044, 0.0, 0.131)
PLUG_TO_END: Vec3 = (0.04, 0.0, 0.0)
PLUG_TO_GOAL: Vec3 = (0.15, 0.0, 0.0)


def plug_start(rand_vec: RandVec) -> Vec3:
    return offset(vec3(rand_vec), SOCKET_TO_PLUG)


def place(rand_vec: RandVec, settled: ObjectSignals) -> Placement:
    # The plug keeps the turning speed that settling left it, as published.
    return Placement((FreeBody("plugjoint", plug_start(rand_vec), quat_wxyz=(1.0, 0.0, 0.0, 0.0), zeroed_velocities=3),))


def begin(rand_vec: RandVec, settled: ObjectSignals, placed: ObjectSignals) -> Start:
    plug = plug_start(rand_vec)
    return Start(settled.arm.tcp_pos, offset(plug, PLUG_TO_END), offset(plug, PLUG_TO_GOAL))


def score_v2(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Cage the plug (2); once it is out a little, closeness to the goal; 10 within 5 cm of it."""
    to_goal, to_tcp = distance(now.obj_pos, start.goal_pos), distance(now.obj_pos, now.arm.tcp_pos)
    caged = caging(now.arm, now.obj_pos, start.obj_pos, start.tcp_pos, object_radius=0.025, pad_margin=0.05, xz_margin=0.005)
    grasp = dense_grasp(caged, effort, FULL_EFFORT)
    in_place = long_tail(to_goal, 0.0, 0.05, margin=distance(start.obj_pos, start.goal_pos))
    is_out = now.arm.opening > 0.5 and now.obj_pos[0] - start.obj_pos[0] > 0.015
    reward = 2.0 * grasp
    if is_out and to_tcp < 0.035:
        reward += 1.0 + 5.0 * in_place
    if to_goal <= 0.05:
        reward = 10.0
    return Score(
        reward,
        to_goal <= SUCCESS_DISTANCE,
        near_object=float(to_tcp <= 0.03),
        grasp_success=float(is_out),
        grasp_reward=grasp,
        in_place_reward=in_place,
        obj_to_target=to_goal,
    )


def score_v1(now: ObjectSignals, start: Start, effort: float) -> Score:
    """Reach, then pull; the pull pays while the tcp is near. Height is measured from the commanded hand start, as published."""
    to_goal = distance_xy(now.obj_pos, start.goal_pos)
    to_tcp = distance(now.obj_pos, now.arm.tcp_pos)
    lag = 2.0 * abs(now.arm.tcp_pos[2] - HAND_START[2])
    reward = reach_v1(to_tcp, distance_xy(now.obj_pos, now.arm.tcp_pos), effort, lag)
    if to_tcp < 0.05:
        reward += max(approach_bonus(to_goal, distance(start.goal_pos, start.obj_pos)), 0.0)
    return Score(reward, to_goal <= SUCCESS_DISTANCE, near_object=1.0, obj_to_target=to_goal)


def unplug(obs: Observation) -> Action:
    """Grasp the plug and pull it to the goal: gently, for it leaves the socket with a jump."""
    plug, goal, tcp = expert.obj_pos(obs), expert.goal_pos(obs), expert.tcp_pos(obs)
    target = (tcp[0] + min(goal[0] - plug[0], PULL_LEAD), tcp[1] + goal[1] - plug[1], tcp[2] + goal[2] - plug[2])
    return grasp_and_carry(obs, target, gripped_opening=0.88, slack=0.06, depth=0.02, aligned=0.01)


PEG_UNPLUG_SIDE = TaskDef(
    name="peg-unplug-side",
    sentence="Pull the plug out of the socket.",
    family="peg",
    skills=("grasp", "pull"),
    objects=("plug",),
    scene=Scene(
        props=(Prop("plug", "plug1", (-0.252, 0.6, 0.131)), Prop("socket", "box", (-0.3, 0.6, 0.0))),
        goal_rgba=(0.8, 0.0, 0.0, 1.0),
        goal_radius=0.01,
    ),
    signals=ObjectSignals,
    reads={"obj_pos": site_pos("pegEnd"), "obj_quat": quat_wxyz("plug1")},
    random_low=(-0.25, 0.6, -0.001),
    random_high=(-0.15, 0.8, 0.001),
    goal_low=(-0.056, 0.6, 0.13),
    goal_high=(0.044, 0.8, 0.132),
    fixtures={"box": vec3},
    settles_per_instance=True,  # the plug drops beside the wall or wedges in it, and keeps its turning speed
    place=place,
    begin=begin,
    scores={"v2": score_v2, "v1": score_v1},
    expert=unplug,
)
