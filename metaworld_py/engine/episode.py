"""An episode: where a `TaskDef` meets a simulation. The Gymnasium classes only wire episodes together; the numbers are made here."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray

from metaworld_py.sim.signals import Vec3
from metaworld_py.sim.simulation import SETTLE_PHYSICS_STEPS, Simulation
from metaworld_py.tasks.common.definition import FreeBody, Placement, RandVec, Score, ScoreFunction, TaskDef

ACTION_SIZE = 4
FRAME_SIZE = 18  # hand 3, opening 1, object 3 + 4, second object 3 + 4; an observation holds two frames and the goal
OBSERVATION_SIZE = 39
NOW, BEFORE, GOAL = slice(0, FRAME_SIZE), slice(FRAME_SIZE, 2 * FRAME_SIZE), slice(2 * FRAME_SIZE, OBSERVATION_SIZE)
MAX_DISPLACEMENT = 1.0 / 100  # m the mocap target moves per control step for an action component of 1
REWARD_VERSIONS = ("v2", "v1")

# Everything observed stays within a few metres: an object beyond this (m), or NaN, means that the simulation blew up. The published
# space leaves the object slots unbounded, of which Gymnasium's checker warns; with this bound no healthy observation is refused.
OBJECT_BOUND = 100.0
SIGNAL_SUM_BOUND = 1e5  # of all signals together, contact forces (N) included
_UNSTABLE_FRAME = (2.0 * OBJECT_BOUND,) * FRAME_SIZE
UNSTABLE_SCORE = Score(0.0, False, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class EpisodeState:
    """A complete episode, bit for bit: restore it and the same actions give the same future."""

    task: str
    rand_vec: tuple[float, ...]
    is_goal_hidden: bool
    is_first_step: bool
    physics: NDArray[np.float64]  # (n_state,)
    start: Any  # the task's start tuple
    observation: NDArray[np.float64]  # (39,)


class Episode:
    """One episode of one task; `reset` makes it another one.

    Around the native calls of a step, numbers are read and written as plain floats, because for one environment the overhead of array
    operations would be half of the physics.

    Attributes:
      observation: (39,) now; written in place.
      start: the task's start tuple, None before the first reset.
      rand_vec, is_goal_hidden: the instance.
      is_first_step: whether no step was taken yet.
      is_unstable: whether the last step's physics blew up; such an episode must be reset.

    Args:
      task: what is played.
      reward_version: "v2" or "v1".
      observation: memory (39,) to keep the observation in, e.g. a row of many.

    Raises:
      ValueError: unknown reward version.
    """

    def __init__(self, task: TaskDef, *, reward_version: str = "v2", observation: NDArray[np.float64] | None = None) -> None:
        if reward_version not in REWARD_VERSIONS:
            raise ValueError(f"reward_function_version must be one of {REWARD_VERSIONS}, got {reward_version!r}")
        self.task = task
        self.simulation = new_simulation(task)
        self.observation = np.zeros(OBSERVATION_SIZE) if observation is None else observation
        self.start: Any = None
        self.rand_vec: tuple[float, ...] = ()
        self.is_goal_hidden = False
        self.is_first_step = True
        self.is_unstable = False
        self._read: Callable[[list[float]], Any] = task.reader.read
        self._frame: Callable[[Any], Sequence[float]] = task.reader.frame
        self._score: ScoreFunction = task.scores[reward_version]
        self._row: Callable[[], list[float]] = self.simulation.row.tolist
        self._now, self._before = self.observation[NOW], self.observation[BEFORE]
        # Views of single numbers: faster to read and write than arrays.
        target: Any = self.simulation.mocap_pos
        fingers: Any = self.simulation.ctrl
        self._target: Any = memoryview(target)
        self._fingers: Any = memoryview(fingers)

    def reset(self, rand_vec: RandVec, *, hide_goal: bool) -> None:
        """Start a new episode of an instance."""
        begun = beginning(self.task, tuple(rand_vec))
        if self.is_unstable:  # leave nothing of a blown-up simulation behind
            mujoco.mj_resetData(self.simulation.model, self.simulation.data)
        self.simulation.place_fixtures(begun.fixtures)
        self.simulation.set_state(begun.physics)
        self.start = begun.start
        self.rand_vec = tuple(rand_vec)
        self.is_goal_hidden = hide_goal
        self.observation[:] = begun.observation
        if hide_goal:
            self.observation[GOAL] = 0.0
        self.is_first_step = True
        self.is_unstable = False

    def step(self, displacement: Sequence[float], effort: float) -> Score:
        """Advance by one control step.

        Args:
          displacement: of the hand's target (m), see `displacements`.
          effort: of the gripper, as the action has it.
        """
        low, high, (x, y, z) = self.task.hand_low, self.task.hand_high, self._target
        x = min(max(x + displacement[0], low[0]), high[0])
        y = min(max(y + displacement[1], low[1]), high[1])
        z = min(max(z + displacement[2], low[2]), high[2])
        self.command((x, y, z), effort)
        self.simulation.control_step()
        score, frame = self.sense(effort)
        self._before[:] = self._now
        if max(frame) > OBJECT_BOUND or min(frame) < -OBJECT_BOUND:
            self.is_unstable = True
            return UNSTABLE_SCORE
        self._now[:] = frame
        return score

    def command(self, target: Sequence[float], effort: float) -> None:
        """Set the hand's target (m, world) and the fingers' controls for the next control step."""
        at, fingers = self._target, self._fingers
        at[0], at[1], at[2] = target
        fingers[0], fingers[1] = effort, -effort

    def sense(self, effort: float) -> tuple[Score, Sequence[float]]:
        """Score and frame (18,) after a control step. Numbers beyond `OBJECT_BOUND` in the frame: the simulation blew up."""
        row = self._row()
        if not -SIGNAL_SUM_BOUND < sum(row) < SIGNAL_SUM_BOUND:  # false for NaN, too
            return UNSTABLE_SCORE, _UNSTABLE_FRAME
        signals = self._read(row)
        if self.is_first_step:
            self.is_first_step = False
            if self.task.after_first_step is not None:
                self.start = self.task.after_first_step(signals, self.start)
        return self._score(signals, self.start, effort), self._frame(signals)

    @property
    def observed_goal(self) -> Vec3:
        """The goal slots of an observation with visible goal: the goal clipped to the task's goal box."""
        return observed_goal(self.task, self.start)

    def snapshot(self) -> EpisodeState:
        """The complete episode as a value of its own."""
        return EpisodeState(
            task=self.task.name,
            rand_vec=self.rand_vec,
            is_goal_hidden=self.is_goal_hidden,
            is_first_step=self.is_first_step,
            physics=self.simulation.get_state(),
            start=self.start,
            observation=self.observation.copy(),
        )

    def restore(self, state: EpisodeState) -> None:
        """Continue from a snapshot of any episode of the same task.

        Raises:
          ValueError: the snapshot is of another task, or of a scene with another state size.
        """
        if state.task != self.task.name:
            raise ValueError(f"cannot restore an episode of {state.task!r} in an environment of {self.task.name!r}")
        self.simulation.set_state(state.physics)
        self.simulation.place_fixtures(self.task.fixture_positions(state.rand_vec))
        self.start, self.rand_vec, self.is_goal_hidden = state.start, state.rand_vec, state.is_goal_hidden
        self.observation[:] = state.observation
        self.is_first_step = state.is_first_step
        self.is_unstable = False


_THREE_FLOATS = struct.Struct("3f")
_FLOAT32_DISPLACEMENT = float(np.float32(MAX_DISPLACEMENT))


def displacement(action: NDArray[np.floating[Any]]) -> tuple[float, ...]:
    """How far (m) one action (4,) moves the hand's target: the same as a row of `displacements`, without array operations."""
    x, y, z, _ = action.tolist()
    if action.dtype == np.float32:
        # Two float32 factors multiply exactly in float64; packing rounds as a float32 product does.
        packed = _THREE_FLOATS.pack(*[min(max(part, -1.0), 1.0) * _FLOAT32_DISPLACEMENT for part in (x, y, z)])
        return _THREE_FLOATS.unpack(packed)
    return tuple([min(max(part, -1.0), 1.0) * MAX_DISPLACEMENT for part in (x, y, z)])


def displacements(actions: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """How far (m) actions (n, 4) move the hands' targets, (n, 3). Computed in the actions' own precision, as published."""
    scale = actions.dtype.type(MAX_DISPLACEMENT)
    moved: NDArray[np.float64] = (np.clip(actions[:, :3], -1, 1) * scale).astype(np.float64)
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
