"""Episodes of one task: where a `TaskDef` meets the stepper. One or many environments run through the same code.

The Gymnasium classes in `env.py` and `vector_env.py` only wire these together; the numbers are made here.
"""

from __future__ import annotations

import math
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

# Everything observed stays within a few metres: an object beyond this (m), or NaN, means that the simulation blew up. The published
# space leaves the object slots unbounded, of which Gymnasium's checker warns; with this bound no healthy observation is refused.
OBJECT_BOUND = 100.0
_SIGNAL_BOUND = 1e5  # of any signal, contact forces (N) included
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
    observation: NDArray[np.float64]  # (39,)


class TaskEpisodes:
    """`n_envs` simultaneous episodes of one task.

    Attributes:
      observations: (n_envs, 39) float64, rewritten by `reset` and `step`; copy what you want to keep.
      starts: each environment's start tuple.
      is_unstable: (n_envs,) whether the last step's physics blew up; such an episode must be reset.
    """

    def __init__(self, task: TaskDef, n_envs: int = 1, *, reward_version: str = "v2", n_threads: int = 1) -> None:
        if reward_version not in REWARD_VERSIONS:
            raise ValueError(f"reward_function_version must be one of {REWARD_VERSIONS}, got {reward_version!r}")
        self.task = task
        self.n_envs = n_envs
        self.stepper = Stepper(task.model, n_envs, fixtures=tuple(task.fixtures or ()), has_touch=task.has_touch, n_threads=n_threads)
        self.observations: NDArray[np.float64] = np.zeros((n_envs, OBSERVATION_SIZE))
        self.starts: list[Any] = [None] * n_envs
        self.rand_vecs: list[tuple[float, ...]] = [()] * n_envs
        self.is_goal_hidden = [False] * n_envs
        self.is_unstable = np.zeros(n_envs, dtype=bool)
        self._is_first_step = [True] * n_envs
        self._reader = task.reader
        self._score = task.scores[reward_version]
        self._mocap_low = np.array(task.hand_low)
        self._mocap_high = np.array(task.hand_high)

    def reset(self, ids: Sequence[int], rand_vecs: Sequence[RandVec], hide_goals: Sequence[bool]) -> None:
        """Start new episodes in the given environments and write their first observations."""
        ids = list(ids)
        stepper, task, read = self.stepper, self.task, self._reader
        for env, rand_vec in zip(ids, rand_vecs, strict=True):
            fixtures = task.fixture_positions(rand_vec)
            stepper.place_fixtures(env, fixtures)
            stepper.state[env] = almost_settled(task, tuple(fixtures) if task.settles_per_instance else None)
        # The last settling step is run again, with this instance's fixtures in place: rows then show what the published reset reads.
        stepper.physics_step(ids, 1)
        settled = [read(stepper.rows[env].tolist()) for env in ids]
        placements = [task.place(rand_vec, signals) for rand_vec, signals in zip(rand_vecs, settled, strict=True)]
        for env, placement in zip(ids, placements, strict=True):
            if placement.physics_steps:
                stepper.physics_step([env], placement.physics_steps)
            self._write(env, placement)
        refreshed = [env for env, placement in zip(ids, placements, strict=True) if placement.refresh]
        if refreshed:
            stepper.refresh(refreshed)
        for env, rand_vec, hidden, signals in zip(ids, rand_vecs, hide_goals, settled, strict=True):
            placed = read(stepper.rows[env].tolist())
            self.starts[env] = task.begin(rand_vec, signals, placed)
            self.rand_vecs[env] = tuple(float(x) for x in rand_vec)
            self.is_goal_hidden[env] = hidden
            frame = observed_frame(placed)
            self.observations[env] = (*frame, *frame, *(_NO_POS if hidden else self.observed_goal(env)))
            self._is_first_step[env] = True
        self.is_unstable[ids] = False

    def step(self, actions: NDArray[np.floating[Any]]) -> list[Score]:
        """Advance all environments by one control step; returns their scores and rewrites `observations`.

        Args:
          actions: (n_envs, 4), finite. The displacement is computed in the array's own dtype, as published.
        """
        # ufuncs rather than clip(): for one environment the call's overhead is what counts
        stepper, target, efforts = self.stepper, self.stepper.mocap_pos, actions[:, 3]
        displacement = np.minimum(np.maximum(actions[:, :3], -1.0), 1.0)
        displacement *= MAX_DISPLACEMENT
        np.add(target, displacement, out=target)
        np.maximum(target, self._mocap_low, out=target)
        np.minimum(target, self._mocap_high, out=target)
        stepper.ctrl[:, 0] = efforts
        np.negative(efforts, out=stepper.ctrl[:, 1])
        stepper.control_step()
        rows = zip(stepper.rows.tolist(), efforts.tolist(), strict=True)
        return [self._observe_and_score(env, row, effort) for env, (row, effort) in enumerate(rows)]

    def _observe_and_score(self, env: int, row: list[float], effort: float) -> Score:
        observation = self.observations[env]
        observation[FRAME_SIZE : 2 * FRAME_SIZE] = observation[:FRAME_SIZE]
        if not (math.isfinite(sum(row)) and max(row) < _SIGNAL_BOUND and min(row) > -_SIGNAL_BOUND):
            return self._blown_up(env)
        signals = self._reader(row)
        frame = observed_frame(signals)
        if max(frame) > OBJECT_BOUND or min(frame) < -OBJECT_BOUND:
            return self._blown_up(env)
        observation[:FRAME_SIZE] = frame
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
            self.task.name,
            self.rand_vecs[env],
            self.is_goal_hidden[env],
            self._is_first_step[env],
            self.stepper.state[env].copy(),
            self.starts[env],
            self.observations[env].copy(),
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
        self._is_first_step[env] = state.is_first_step
        self.observations[env] = state.observation
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
def almost_settled(task: TaskDef, fixtures: tuple[Vec3, ...] | None) -> NDArray[np.float64]:
    """The physics state one physics step before the hand has settled, computed once per task and cached.

    Args:
      task: the task.
      fixtures: where the fixtures stand meanwhile, for tasks in which that matters; None leaves them at the model's poses.
    """
    stepper = Stepper(task.model, 1, fixtures=tuple(task.fixtures or ()), n_threads=1)
    stepper.start_settling(0, task.hand_start)
    if fixtures is not None:
        stepper.place_fixtures(0, fixtures)
    stepper.physics_step(None, SETTLE_PHYSICS_STEPS - 1)
    state: NDArray[np.float64] = stepper.state[0].copy()
    state.flags.writeable = False
    return state
