"""Episodes of one task: where a `TaskDef` meets the stepper. One or many environments run through the same code.

The Gymnasium classes in `env.py` and `vector_env.py` only wire these together; the numbers are made here.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaworld_py.sim.signals import Quat, Vec3
from metaworld_py.sim.stepper import SETTLE_PHYSICS_STEPS, Stepper
from metaworld_py.tasks.definition import FreeBody, Placement, RandVec, Score, TaskDef

ACTION_SIZE = 4
OBSERVATION_SIZE = 39
FRAME_SIZE = 18  # hand 3, opening 1, object 3 + 4, second object 3 + 4; an observation holds two frames and the goal
MAX_DISPLACEMENT = 1.0 / 100  # m the mocap target moves per control step for an action component of 1
REWARD_VERSIONS = ("v2", "v1")
_FLOAT32_DISPLACEMENT = float(np.float32(MAX_DISPLACEMENT))

# Everything observed stays within a few metres: an object beyond this (m), or NaN, means that the simulation blew up. The published
# space leaves the object slots unbounded, of which Gymnasium's checker warns; with this bound no healthy observation is refused.
OBJECT_BOUND = 100.0
_SIGNAL_SUM_BOUND = 1e5  # of all signals together, contact forces (N) included
_NO_POS: Vec3 = (0.0, 0.0, 0.0)
_NO_QUAT: Quat = (0.0, 0.0, 0.0, 0.0)
_UNSTABLE_SCORE = Score(0.0, False, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class EpisodeState:
    """A complete episode, bit for bit: restore it and the same actions give the same future."""

    task: str
    rand_vec: tuple[float, ...]
    is_goal_hidden: bool
    is_first_step: bool
    physics: NDArray[np.float64]  # (n_state,)
    start: Any  # the task's start tuple
    frame: tuple[float, ...]  # the last observation's current frame (18,)
    previous_frame: tuple[float, ...]


class TaskEpisodes:
    """`n_envs` simultaneous episodes of one task.

    A control step is one native call; around it, numbers are read and written as plain floats (through memory views), because for one
    environment the overhead of array operations would be half of the physics.

    Attributes:
      starts: each environment's start tuple.
      rand_vecs, is_goal_hidden: each environment's instance.
      is_unstable: (n_envs,) whether the last step's physics blew up; such an episode must be reset.
    """

    def __init__(self, task: TaskDef, n_envs: int = 1, *, reward_version: str = "v2", n_threads: int = 1) -> None:
        if reward_version not in REWARD_VERSIONS:
            raise ValueError(f"reward_function_version must be one of {REWARD_VERSIONS}, got {reward_version!r}")
        self.task = task
        self.n_envs = n_envs
        self.stepper = Stepper(task.model, n_envs, fixtures=tuple(task.fixtures or ()), has_touch=task.has_touch, n_threads=n_threads)
        self.starts: list[Any] = [None] * n_envs
        self.rand_vecs: list[tuple[float, ...]] = [()] * n_envs
        self.is_goal_hidden = [False] * n_envs
        self.is_unstable = [False] * n_envs
        self._frames: list[Sequence[float]] = [(0.0,) * FRAME_SIZE] * n_envs
        self._previous_frames = list(self._frames)
        self._goals: list[Vec3] = [_NO_POS] * n_envs
        self._is_first_step = [True] * n_envs
        self._reader = task.reader
        self._score = task.scores[reward_version]
        self._targets = _views(self.stepper.mocap_pos)
        self._controls = _views(self.stepper.ctrl)
        self._rows = _views(self.stepper.rows)

    @property
    def observations(self) -> NDArray[np.float64]:
        """All current observations, a new array (n_envs, 39)."""
        return np.array(
            [[*now, *before, *goal] for now, before, goal in zip(self._frames, self._previous_frames, self._goals, strict=True)]
        )

    def observation(self, env: int) -> NDArray[np.float64]:
        """One environment's current observation, a new array (39,)."""
        return np.array([*self._frames[env], *self._previous_frames[env], *self._goals[env]])

    def reset(self, ids: Sequence[int], rand_vecs: Sequence[RandVec], hide_goals: Sequence[bool]) -> None:
        """Start new episodes in the given environments."""
        stepper, task, read = self.stepper, self.task, self._reader
        begun: list[tuple[int, Any, list[float], bool]] = []
        for env, rand_vec in zip(ids, rand_vecs, strict=True):
            fixtures = task.fixture_positions(rand_vec)
            stepper.place_fixtures(env, fixtures)
            state, row = settled(task, tuple(fixtures))
            stepper.state[env] = state
            signals = read(row)
            placement = task.place(rand_vec, signals)
            if placement.physics_steps:
                stepper.physics_step([env], placement.physics_steps)
                row = self._rows[env].tolist()
            self._write(env, placement)
            begun.append((env, signals, row, placement.refresh))
        refreshed = [env for env, _, _, refresh in begun if refresh]
        if refreshed:
            stepper.refresh(None if len(refreshed) == self.n_envs else refreshed)
        for (env, signals, row, refresh), rand_vec, hidden in zip(begun, rand_vecs, hide_goals, strict=True):
            placed = read(self._rows[env].tolist() if refresh else row)
            self.starts[env] = task.begin(rand_vec, signals, placed)
            self.rand_vecs[env] = tuple(rand_vec)
            self.is_goal_hidden[env] = hidden
            self._goals[env] = _NO_POS if hidden else self.observed_goal(env)
            self._frames[env] = self._previous_frames[env] = observed_frame(placed)
            self._is_first_step[env] = True
            self.is_unstable[env] = False

    def step(self, actions: NDArray[np.floating[Any]]) -> list[Score]:
        """Advance all environments by one control step.

        Args:
          actions: (n_envs, 4), finite. The displacement is computed in the array's own dtype, as published.
        """
        low, high = self.task.hand_low, self.task.hand_high
        in_dtype_of_actions = _float32_products if actions.dtype == np.float32 else _float64_products
        commands = actions.tolist()
        for (x, y, z, effort), target, control in zip(commands, self._targets, self._controls, strict=True):
            dx, dy, dz = in_dtype_of_actions(x, y, z)
            target[0] = min(max(target[0] + dx, low[0]), high[0])
            target[1] = min(max(target[1] + dy, low[1]), high[1])
            target[2] = min(max(target[2] + dz, low[2]), high[2])
            control[0], control[1] = effort, -effort
        self.stepper.control_step()
        return [self._observe_and_score(env, command[3]) for env, command in enumerate(commands)]

    def _observe_and_score(self, env: int, effort: float) -> Score:
        row = self._rows[env].tolist()
        self._previous_frames[env] = self._frames[env]
        if not -_SIGNAL_SUM_BOUND < sum(row) < _SIGNAL_SUM_BOUND:  # false for NaN, too
            return self._blown_up(env)
        signals = self._reader(row)
        frame = observed_frame(signals)
        if max(frame) > OBJECT_BOUND or min(frame) < -OBJECT_BOUND:
            return self._blown_up(env)
        self._frames[env] = frame
        if self._is_first_step[env]:
            self._is_first_step[env] = False
            if self.task.after_first_step is not None:
                self.starts[env] = self.task.after_first_step(signals, self.starts[env])
        return self._score(signals, self.starts[env], effort)

    def _blown_up(self, env: int) -> Score:
        self.is_unstable[env] = True
        return _UNSTABLE_SCORE

    def observed_goal(self, env: int) -> Vec3:
        """The goal slots of an observation with visible goal: the goal clipped to the task's goal box."""
        goal, low, high = self.starts[env].goal_pos, self.task.goal_low, self.task.goal_high
        x, y, z = (min(max(at, least), most) for at, least, most in zip(goal, low, high, strict=True))
        return (x, y, z)

    def snapshot(self, env: int) -> EpisodeState:
        """The complete episode of one environment, as a value of its own."""
        return EpisodeState(
            task=self.task.name,
            rand_vec=self.rand_vecs[env],
            is_goal_hidden=self.is_goal_hidden[env],
            is_first_step=self._is_first_step[env],
            physics=self.stepper.state[env].copy(),
            start=self.starts[env],
            frame=tuple(self._frames[env]),
            previous_frame=tuple(self._previous_frames[env]),
        )

    def restore(self, env: int, state: EpisodeState) -> None:
        """Continue in `env` from a snapshot of any environment of the same task.

        Raises:
          ValueError: the snapshot is of another task, or of a scene with another state size.
        """
        if state.task != self.task.name or state.physics.shape != self.stepper.state[env].shape:
            raise ValueError(f"cannot restore an episode of {state.task!r} in an environment of {self.task.name!r}")
        self.stepper.place_fixtures(env, self.task.fixture_positions(state.rand_vec))
        self.stepper.state[env] = state.physics
        self.starts[env] = state.start
        self.rand_vecs[env] = state.rand_vec
        self.is_goal_hidden[env] = state.is_goal_hidden
        self._goals[env] = _NO_POS if state.is_goal_hidden else self.observed_goal(env)
        self._is_first_step[env] = state.is_first_step
        self._frames[env], self._previous_frames[env] = state.frame, state.previous_frame
        self.is_unstable[env] = False

    def _write(self, env: int, placement: Placement) -> None:
        qpos, qvel, model = self.stepper.qpos[env], self.stepper.qvel[env], self.task.model
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


def _views(array: NDArray[np.float64]) -> list[Any]:
    """One memory view per row."""
    return [memoryview(row) for row in array]


_THREE_FLOATS = struct.Struct("3f")


def _float64_products(x: float, y: float, z: float) -> Vec3:
    """Displacements (m) of three action components."""
    return (
        min(max(x, -1.0), 1.0) * MAX_DISPLACEMENT,
        min(max(y, -1.0), 1.0) * MAX_DISPLACEMENT,
        min(max(z, -1.0), 1.0) * MAX_DISPLACEMENT,
    )


def _float32_products(x: float, y: float, z: float) -> Vec3:
    """Displacements of float32 components, rounded as float32 products are: two float32 factors multiply exactly in float64."""
    x, y, z = _THREE_FLOATS.unpack(
        _THREE_FLOATS.pack(
            min(max(x, -1.0), 1.0) * _FLOAT32_DISPLACEMENT,
            min(max(y, -1.0), 1.0) * _FLOAT32_DISPLACEMENT,
            min(max(z, -1.0), 1.0) * _FLOAT32_DISPLACEMENT,
        )
    )
    return (x, y, z)


def observed_frame(signals: Any) -> list[float]:
    """The 18 numbers of one frame: what a task's signals show of hand, opening and up to two objects."""
    arm = signals.arm
    return [
        *arm.hand_pos,
        arm.opening,
        *signals.obj_pos,
        *getattr(signals, "obj_quat", _NO_QUAT),
        *getattr(signals, "obj2_pos", _NO_POS),
        *getattr(signals, "obj2_quat", _NO_QUAT),
    ]


@lru_cache(maxsize=4096)
def settled(task: TaskDef, fixtures: tuple[Vec3, ...]) -> tuple[NDArray[np.float64], list[float]]:
    """Physics state (n_state,) and sensor row after the hand has settled, with the fixtures at an instance's places. Cached.

    The row is as the last physics step computed it at its start, with kinematics one physics step old: the published reset reads it so.
    Where settling does not depend on the fixtures it is simulated once per task, and only its last step for each instance.
    """
    stepper = _scratch_stepper(task)
    if task.settles_per_instance:
        stepper.place_fixtures(0, fixtures)
        stepper.start_settling(0, task.hand_start)
        stepper.physics_step(None, SETTLE_PHYSICS_STEPS)
    else:
        stepper.state[0] = _almost_settled(task)
        stepper.place_fixtures(0, fixtures)
        stepper.physics_step(None, 1)
    state = stepper.state[0].copy()
    state.flags.writeable = False
    row: list[float] = stepper.rows[0].tolist()
    return state, row


@lru_cache(maxsize=128)
def _almost_settled(task: TaskDef) -> NDArray[np.float64]:
    """The physics state one step before the hand has settled, fixtures at the model's poses."""
    stepper = _scratch_stepper(task)
    stepper.place_fixtures(0, [tuple(task.model.body(name).pos) for name in task.fixtures or ()])
    stepper.start_settling(0, task.hand_start)
    stepper.physics_step(None, SETTLE_PHYSICS_STEPS - 1)
    state: NDArray[np.float64] = stepper.state[0].copy()
    return state


@lru_cache(maxsize=128)
def _scratch_stepper(task: TaskDef) -> Stepper:
    """A simulation of the task's scene to settle in."""
    return Stepper(task.model, 1, fixtures=tuple(task.fixtures or ()), n_threads=1)
