"""An episode: where a `TaskDef` meets a simulation. The Gymnasium classes only wire episodes together; the numbers are made here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from metaworld_py.engine.control import is_observable, is_sound, moved_target
from metaworld_py.engine.layout import BEFORE, GOAL, NOW, OBSERVATION_SIZE
from metaworld_py.engine.resets import beginning, new_simulation, observed_goal, with_hand_start
from metaworld_py.sim.signals import Vec3
from metaworld_py.tasks.common.definition import RandVec, Score, ScoreFunction, TaskDef

REWARD_VERSIONS = ("v2", "v1")
NO_SCORE = Score(0.0, False, 0.0, 0.0, 0.0, 0.0, 0.0)  # of a step whose physics blew up


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
    fixtures: NDArray[np.float64] | None = None  # (n_fixtures, 3), where they stand (m); None in older files: at the instance's places


class Episode:
    """One episode of one task; `reset` makes it another one.

    Around the native calls of a step, numbers are read and written as plain floats, because for one environment the overhead of array
    operations would be half of the physics.

    Attributes:
      observation: (39,) now; written in place.
      start: the task's start tuple, None before the first reset.
      rand_vec, is_goal_hidden: the instance.
      hand_start: where the hand's target starts at the next reset (m); the task's own unless told otherwise.
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
        self.task = task
        self.use_reward(reward_version)
        self.simulation = new_simulation(task)
        self.observation = np.zeros(OBSERVATION_SIZE) if observation is None else observation
        self.start: Any = None
        self.rand_vec: tuple[float, ...] = ()
        self.is_goal_hidden = False
        self.hand_start = task.hand_start
        self.is_first_step = True
        self.is_unstable = False
        self._read: Callable[[list[float]], Any] = task.reader.read
        self._frame: Callable[[Any], Sequence[float]] = task.reader.frame
        self._row: Callable[[], list[float]] = self.simulation.row.tolist
        self._now, self._before = self.observation[NOW], self.observation[BEFORE]
        # Views of single numbers: faster to read and write than arrays.
        target: Any = self.simulation.mocap_pos
        fingers: Any = self.simulation.ctrl
        self._target: Any = memoryview(target)
        self._fingers: Any = memoryview(fingers)

    def use_reward(self, version: str) -> None:
        """Score by this reward from now on, "v2" or "v1".

        Raises:
          ValueError: unknown reward version.
        """
        if version not in REWARD_VERSIONS:
            raise ValueError(f"reward_function_version must be one of {REWARD_VERSIONS}, got {version!r}")
        self._score: ScoreFunction = self.task.scores[version]

    def reset(self, rand_vec: RandVec, *, hide_goal: bool) -> None:
        """Start a new episode of an instance."""
        begun = beginning(with_hand_start(self.task, self.hand_start), tuple(rand_vec))
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
          displacement: of the hand's target (m), see `metaworld_py.engine.layout.displacements`.
          effort: of the gripper, as the action has it.
        """
        self.begin_step(displacement, effort)
        self.simulation.control_step()
        return self.finish_step(effort)

    def begin_step(self, displacement: Sequence[float], effort: float) -> None:
        """Command a control step: move the hand's target within its box, and set the fingers. The physics comes next."""
        task, at, fingers = self.task, self._target, self._fingers
        at[0], at[1], at[2] = moved_target(at, displacement, task.hand_low, task.hand_high)
        fingers[0], fingers[1] = effort, -effort

    def finish_step(self, effort: float) -> Score:
        """Score a control step whose physics is done, and bring the observation up to date; sees whether the physics blew up."""
        row = self._row()
        self._before[:] = self._now
        if not is_sound(sum(row)):
            self.is_unstable = True
            return NO_SCORE
        signals = self._read(row)
        if self.is_first_step:
            self.is_first_step = False
            if self.task.after_first_step is not None:
                self.start = self.task.after_first_step(signals, self.start)
        score, frame = self._score(signals, self.start, effort), self._frame(signals)
        if not is_observable(min(frame), max(frame)):
            self.is_unstable = True
            return NO_SCORE
        self._now[:] = frame
        return score

    def peek(self, effort: float) -> tuple[Score, Sequence[float]]:
        """Score and frame (18,) of the state as it stands; nothing is changed."""
        signals = self._signals_now()
        return self._score(signals, self.start, effort), self._frame(signals)

    def observe_again(self) -> None:
        """Bring the observation up to date after positions were written by hand; what cannot be observed is left to the next step."""
        frame = self._frame(self._signals_now())
        if is_observable(min(frame), max(frame)):
            self._now[:] = frame

    def _signals_now(self) -> Any:
        """Signals of the state as it stands: after a reset or a restored state the row still tells of the step before."""
        state = self.simulation.get_state()
        self.simulation.refresh(with_forces=self.simulation.has_touch)
        self.simulation.set_state(state)  # a forward pass may leave another warm start
        return self._read(self._row())

    def hide_goal(self, is_hidden: bool) -> None:
        """Hide or show the goal in the observation from now on."""
        self.is_goal_hidden = is_hidden
        self.observation[GOAL] = 0.0 if is_hidden else self.observed_goal

    def set_constants(self, **constants: Vec3) -> None:
        """Score the rest of the episode by other constants, fields of `start`; the goal slots of the observation follow."""
        self.start = self.start._replace(**constants)
        self.hide_goal(self.is_goal_hidden)

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
            fixtures=self.simulation.fixture_pos,
        )

    def restore(self, state: EpisodeState) -> None:
        """Continue from a snapshot of any episode of the same task.

        Raises:
          ValueError: the snapshot is of another task, or of a scene with another state size.
        """
        if state.task != self.task.name:
            raise ValueError(f"cannot restore an episode of {state.task!r} in an environment of {self.task.name!r}")
        self.simulation.set_state(state.physics)
        self.simulation.place_fixtures(self.task.fixture_positions(state.rand_vec) if state.fixtures is None else state.fixtures.tolist())
        self.start, self.rand_vec, self.is_goal_hidden = state.start, state.rand_vec, state.is_goal_hidden
        self.observation[:] = state.observation
        self.is_first_step = state.is_first_step
        self.is_unstable = False
