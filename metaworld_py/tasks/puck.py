"""The puck that reach, push and pick-place share: its scene, its signals, and how an expert grasps it."""

from __future__ import annotations

from metaworld_py.sim.scene import Prop, Scene
from metaworld_py.sim.signals import Vec3, body_pos, quat_xyzw
from metaworld_py.tasks import expert
from metaworld_py.tasks.definition import Action, Observation

PUCK_JOINT = "objjoint"
PUCK_GEOM = "objGeom"
PUCK_READS = {"obj_pos": body_pos("obj"), "obj_quat": quat_xyzw(PUCK_GEOM, "geom")}
GRIPPED_OPENING = 0.6  # observed opening below which the fingers press on the puck (touching: about 0.52)


def puck_scene(goal_rgba: tuple[float, float, float, float]) -> Scene:
    """Table with the puck in its middle."""
    return Scene(props=(Prop("puck", "obj", (0.0, 0.6, 0.02)),), goal_rgba=goal_rgba)


def grasp_and_carry(obs: Observation, target: Vec3, *, gripped_opening: float = GRIPPED_OPENING) -> Action:
    """Come down on the object from above, close the fingers, then move to the target with the object in hand."""
    tcp, obj = expert.tcp_pos(obs), expert.obj_pos(obs)
    off_xy = ((tcp[0] - obj[0]) ** 2 + (tcp[1] - obj[1]) ** 2) ** 0.5
    if off_xy > 0.02 or tcp[2] - obj[2] > 0.02:
        return expert.approach_from_above(obs, (obj[0], obj[1], obj[2] - 0.005), expert.OPEN, aligned=0.015 if tcp[2] - obj[2] > 0.05 else 0.02)
    if expert.opening(obs) > gripped_opening:
        return expert.move_tcp(obs, obj, expert.CLOSE)
    return expert.move_tcp(obs, target, expert.CLOSE)
