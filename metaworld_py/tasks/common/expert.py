"""Building blocks of scripted experts: stateless functions from an observation (39 numbers) to an action (4 numbers in [-1, 1])."""

from __future__ import annotations

from metaworld_py.sim.signals import Vec3
from metaworld_py.tasks.common.definition import Action, Observation

HAND_TO_TCP: Vec3 = (0.0, 0.0, -0.045)  # m, the hand always points down
GAIN = 10.0  # action per metre of error: a tenth of the way to the target each control step, at most 1 cm
OPEN, HOLD, CLOSE = -1.0, 0.0, 1.0  # gripper efforts


def tcp_pos(obs: Observation) -> Vec3:
    """Tool centre point (m, world)."""
    return (obs[0] + HAND_TO_TCP[0], obs[1] + HAND_TO_TCP[1], obs[2] + HAND_TO_TCP[2])


def opening(obs: Observation) -> float:
    """Finger distance, 0 (shut) to 1."""
    return obs[3]


def obj_pos(obs: Observation) -> Vec3:
    """First object's position (m, world)."""
    return (obs[4], obs[5], obs[6])


def obj2_pos(obs: Observation) -> Vec3:
    """Second object's position (m, world)."""
    return (obs[11], obs[12], obs[13])


def goal_pos(obs: Observation) -> Vec3:
    """Goal position (m, world); zeros where the goal is hidden."""
    return (obs[36], obs[37], obs[38])


def move_tcp(obs: Observation, target: Vec3, effort: float, gain: float = GAIN) -> Action:
    """Move the tool centre point towards a target, with a gripper effort."""
    tcp = tcp_pos(obs)
    dx, dy, dz = (min(max(gain * (to - at), -1.0), 1.0) for to, at in zip(target, tcp, strict=True))
    return (dx, dy, dz, effort)


def stay(effort: float) -> Action:
    """Stand still. What is driven towards a target that it cannot reach winds up and slips: experts stop once their task is done."""
    return (0.0, 0.0, 0.0, effort)


def approach_from_above(obs: Observation, target: Vec3, effort: float, *, clearance: float = 0.1, aligned: float = 0.02) -> Action:
    """Go to a point over the target first; come down once within `aligned` (m) of it in the horizontal plane."""
    tcp = tcp_pos(obs)
    off = ((tcp[0] - target[0]) ** 2 + (tcp[1] - target[1]) ** 2) ** 0.5
    if off > aligned:
        return move_tcp(obs, (target[0], target[1], target[2] + clearance), effort)
    return move_tcp(obs, target, effort)
