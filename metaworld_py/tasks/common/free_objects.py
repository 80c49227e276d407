"""Pucks and cubes that lie free on the table: their scene, their signals, when one counts as lifted, and how an expert grasps it.

All of them carry the same names, so that the pages of reach, push, pick-place and their relatives read them alike.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Arm, Quat, Vec3, body_pos, quat_xyzw, touch
from metaworld_py.tasks.common import expert
from metaworld_py.tasks.common.definition import Action, FreeBody, Observation, Placement, RandVec, Start, vec3

PUCK_JOINT = "objjoint"
PUCK_GEOM = "objGeom"
PUCK_READS = {"obj_pos": body_pos("obj"), "obj_quat": quat_xyzw(PUCK_GEOM, "geom")}
HELD_READS = {**PUCK_READS, "is_held": touch(PUCK_GEOM)}
WALL = Prop("wall_low", "wall", (0.1, 0.75, 0.06))  # of the wall variants; no instance moves it
LIFTED = 0.02  # m above its start
GRIPPED_OPENING = 0.6  # observed opening below which the fingers press on the puck (touching: about 0.52)


class HeldSignals(NamedTuple):
    """The puck, and whether both pads press on it."""

    arm: Arm
    obj_pos: Vec3
    obj_quat: Quat
    is_held: float


def puck_scene(goal_rgba: tuple[float, float, float, float], *fixtures: Prop, part: str = "puck", table: str = "table") -> Scene:
    """Table with the puck in its middle, and what else stands there."""
    return Scene(props=(Prop(part, "obj", (0.0, 0.6, 0.02)), *fixtures), goal_rgba=goal_rgba, table=table)


def place_as_drawn(rand_vec: RandVec, settled: Any) -> Placement:
    """The puck at v[0:3]."""
    return Placement((FreeBody(PUCK_JOINT, vec3(rand_vec)),))


def begin_as_drawn(rand_vec: RandVec, settled: Any, placed: Any) -> Start:
    """The puck's start at v[0:3], the goal at v[3:6]."""
    return Start(tcp_pos=settled.arm.tcp_pos, obj_pos=vec3(rand_vec), goal_pos=vec3(rand_vec, 3))


def place_as_settled(rand_vec: RandVec, settled: Any) -> Placement:
    """The puck at the drawn place, at the height at which it settled: the drawn height is not used."""
    return Placement((FreeBody(PUCK_JOINT, (rand_vec[0], rand_vec[1], settled.obj_pos[2])),))


def is_lifted(now: HeldSignals, start: Start) -> bool:
    """Whether the puck hangs between fingers that are not shut, above its start."""
    return now.is_held > 0.0 and now.arm.opening > 0.0 and now.obj_pos[2] - LIFTED > start.obj_pos[2]


def grasp_and_carry(
    obs: Observation,
    target: Vec3,
    *,
    gripped_opening: float = GRIPPED_OPENING,
    slack: float = 0.02,
    depth: float = 0.005,
    carry_gain: float = expert.GAIN,
    come_down: float = expert.OPEN,
    aligned: float = 0.015,
) -> Action:
    """Come down on the object from above, close the fingers, then move the hand to the target with the object in it.

    Args:
      obs: observation.
      target: where the tcp shall go once the object is gripped.
      gripped_opening: observed opening below which the fingers press on the object.
      slack: m that the object may lie off the tcp, across and below, before it is grasped anew.
      depth: m that the tcp goes below the object's point, so that the pads cover it.
      carry_gain: action per metre while carrying; gentler for what slips.
      come_down: effort of the fingers on the way to the object.
      aligned: m that the tcp may be off across when it leaves its height over the object.
    """
    tcp, obj = expert.tcp_pos(obs), expert.obj_pos(obs)
    off_xy = ((tcp[0] - obj[0]) ** 2 + (tcp[1] - obj[1]) ** 2) ** 0.5
    grasp = (obj[0], obj[1], obj[2] - depth)
    if off_xy > slack or tcp[2] - grasp[2] > slack:
        return expert.approach_from_above(obs, grasp, come_down, aligned=aligned if tcp[2] - obj[2] > 0.05 else 0.02)
    if expert.opening(obs) > gripped_opening:
        return expert.move_tcp(obs, grasp, expert.CLOSE)
    return expert.move_tcp(obs, target, expert.CLOSE, carry_gain)
