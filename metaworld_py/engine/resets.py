"""The first moment of an episode: hand settled, fixtures and objects placed. Simulated once per task or instance, then remembered."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from metaworld_py.sim.signals import Vec3
from metaworld_py.sim.simulation import SETTLE_PHYSICS_STEPS, Simulation
from metaworld_py.tasks.common.definition import FreeBody, Placement, TaskDef


@lru_cache(maxsize=128)
def with_hand_start(task: TaskDef, hand_start: Vec3) -> TaskDef:
    """The task with the hand's target starting elsewhere, in the same scene."""
    if hand_start == task.hand_start:
        return task
    moved = replace(task, hand_start=hand_start)
    vars(moved).update(reader=task.reader, model=task.model, physics_model=task.physics_model)  # compiled once
    return moved


class Beginning(NamedTuple):
    """What a reset to an instance leaves, whatever was played before."""

    physics: NDArray[np.float64]
    fixtures: tuple[Vec3, ...]
    start: Any
    observation: NDArray[np.float64]  # (39,), goal visible


_simulating = threading.RLock()  # the scratch simulations below are shared


@lru_cache(maxsize=4096)
def beginning(task: TaskDef, rand_vec: tuple[float, ...]) -> Beginning:
    """The first moment of an instance's episodes: hand settled, objects placed. Cached, about 2 kB each."""
    with _simulating:
        fixtures = tuple(task.fixture_positions(rand_vec))
        state, row = settled(task, fixtures)
        signals = task.reader.read(row)
        placement = task.place(rand_vec, signals)
        simulation = _scratch(task)
        simulation.place_fixtures(fixtures)
        simulation.set_state(state)
        simulation.row[:] = row
        if placement.physics_steps:
            simulation.physics_step(placement.physics_steps)
        _write(simulation, placement)
        if placement.refresh:
            simulation.refresh()
        placed = task.reader.read(simulation.row.tolist())
        physics, start, frame = simulation.get_state(), task.begin(rand_vec, signals, placed), task.reader.frame(placed)
        observation = np.array([*frame, *frame, *observed_goal(task, start)])
        physics.flags.writeable = observation.flags.writeable = False
        return Beginning(physics, fixtures, start, observation)


def observed_goal(task: TaskDef, start: Any) -> Vec3:
    """The goal slots of an observation with visible goal: the goal clipped to the task's goal box."""
    x, y, z = (min(max(at, least), most) for at, least, most in zip(start.goal_pos, task.goal_low, task.goal_high, strict=True))
    return (x, y, z)


@lru_cache(maxsize=1024)
def settled(task: TaskDef, fixtures: tuple[Vec3, ...]) -> tuple[NDArray[np.float64], list[float]]:
    """Physics state (n_state,) and sensor row after the hand has settled, with the fixtures at an instance's places. Cached.

    The row is as the last physics step computed it at its start, with kinematics one physics step old: the published reset reads it so.
    Where settling does not depend on the fixtures it is simulated once per task, and only its last step for each instance.
    """
    with _simulating:
        simulation = _scratch(task)
        if task.settles_per_instance:
            simulation.place_fixtures(fixtures)
            simulation.start_settling(task.hand_start)
            simulation.physics_step(SETTLE_PHYSICS_STEPS)
        else:
            simulation.set_state(_almost_settled(task))
            simulation.place_fixtures(fixtures)
            simulation.physics_step(1)
        state = simulation.get_state()
        state.flags.writeable = False
        row: list[float] = simulation.row.tolist()
        return state, row


@lru_cache(maxsize=128)
def _almost_settled(task: TaskDef) -> NDArray[np.float64]:
    """The physics state one step before the hand has settled, fixtures at the model's poses."""
    simulation = _scratch(task)
    simulation.place_fixtures([tuple(task.physics_model.body(name).pos) for name in task.fixtures or ()])
    simulation.start_settling(task.hand_start)
    simulation.physics_step(SETTLE_PHYSICS_STEPS - 1)
    return simulation.get_state()


@lru_cache(maxsize=128)
def _scratch(task: TaskDef) -> Simulation:
    """A simulation of the task's scene to settle in."""
    return new_simulation(task)


def new_simulation(task: TaskDef) -> Simulation:
    """A simulation of a task's scene."""
    return Simulation(task.physics_model, fixtures=tuple(task.fixtures or ()), has_touch=task.has_touch)


def _write(simulation: Simulation, placement: Placement) -> None:
    qpos, qvel, model = simulation.qpos, simulation.qvel, simulation.model
    for write in placement.writes:
        joint = model.joint(write.joint)
        qpos_adr, qvel_adr = joint.qposadr[0], joint.dofadr[0]
        if isinstance(write, FreeBody):
            qpos[qpos_adr : qpos_adr + 3] = write.pos
            if write.quat_wxyz is not None:
                qpos[qpos_adr + 3 : qpos_adr + 7] = write.quat_wxyz
            qvel[qvel_adr : qvel_adr + write.zeroed_velocities] = 0.0
            continue
        if write.value is not None:
            qpos[qpos_adr] = write.value
        if write.velocity is not None:
            qvel[qvel_adr] = write.velocity
