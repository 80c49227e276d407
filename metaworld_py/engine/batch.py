"""Many episodes at once, behind one protocol: the environments know none of what steps them.

Episodes of any tasks lie side by side in a batch. `ThreadedBatch` needs nothing but MuJoCo, `CompiledBatch` steps without the interpreter;
what differs between them is how a control step is run on all cores, and nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from metaworld_py.engine.episode import Episode, EpisodeState
from metaworld_py.engine.layout import OBSERVATION_SIZE, displacements
from metaworld_py.instances.task import Task
from metaworld_py.tasks.common.definition import Score, TaskDef

N_SCORES = len(Score._fields)

Ids = NDArray[np.intp]


class BatchStep(NamedTuple):
    """What an action did to every episode of a batch. Arrays are the batch's own until its next step: copy what you keep.

    Attributes:
      observation: (n, 39) now.
      scores: (7, n), the fields of `Score`; rewards summed and success at any of the action's control steps. Zeros for others than `ids`.
      unstable: (n,) bool, whether the physics blew up; such an episode must be reset.
      control_steps: (n,) int, how many were taken.
    """

    observation: Any
    scores: Any
    unstable: Any
    control_steps: Any


class EpisodeBatch(Protocol):
    """Episodes side by side. Arrays may live on a device; those of the batches here are NumPy's."""

    @property
    def tasks(self) -> Sequence[TaskDef]:
        """Task that each episode plays."""

    @property
    def observation(self) -> Any:
        """Observations (n, 39) now, written in place by every step and reset."""

    def reset(self, ids: Sequence[int], instances: Sequence[Task]) -> None:
        """Start episodes of these instances."""

    def step(self, ids: Ids, actions: NDArray[np.floating[Any]], limits: NDArray[np.int_], *, stop_at_success: bool) -> BatchStep:
        """Play one action in the episodes `ids`.

        Args:
          ids: of the episodes to step.
          actions: (n, 4), checked; rows of other episodes are not read.
          limits: (n,), control steps that each episode has left: a repeated action ends there.
          stop_at_success: whether a repeated action ends at success, too.
        """

    def snapshot(self, env: int) -> EpisodeState:
        """A complete episode as a value."""

    def restore(self, ids: Sequence[int], states: Sequence[EpisodeState]) -> None:
        """Continue from snapshots.

        Raises:
          ValueError: a snapshot of another task.
        """

    def view(self, env: int) -> Episode:
        """An episode for reading and for pictures, up to date."""

    def take_over(self, ids: Sequence[int]) -> None:
        """Take note that episodes were reset, restored, or changed through their views."""


class HostBatch(ABC):
    """What batches in this process's memory have in common.

    Args:
      tasks: what each episode plays.
      reward_version: "v2" or "v1".
      action_repeat: control steps that an action lasts.
    """

    def __init__(self, tasks: Sequence[TaskDef], *, reward_version: str = "v2", action_repeat: int = 1) -> None:
        self.tasks = list(tasks)
        self.observation = np.zeros((len(self.tasks), OBSERVATION_SIZE))
        self._episodes = [
            Episode(task, reward_version=reward_version, observation=row) for task, row in zip(self.tasks, self.observation, strict=True)
        ]
        self._action_repeat = action_repeat
        self._scores = np.zeros((N_SCORES, len(self.tasks)))
        self._unstable = np.zeros(len(self.tasks), dtype=bool)

    @abstractmethod
    def _control_step(self, ids: Ids, displacements: NDArray[np.float64], efforts: NDArray[np.float64]) -> None:
        """Advance the episodes `ids` by one control step; writes their columns of `_scores` and entries of `_unstable`.

        Args:
          ids: of the episodes to step.
          displacements: (n, 3), of the hands' targets (m).
          efforts: (n,), of the grippers.
        """

    def take_over(self, ids: Sequence[int]) -> None:  # noqa: B027  # most batches keep nothing besides the episodes
        """Take note of changed episodes; see `EpisodeBatch.take_over`."""

    def _write_back(self, env: int) -> None:  # noqa: B027
        """Bring an episode's constants up to date in it, where they are kept elsewhere while stepping."""

    def reset(self, ids: Sequence[int], instances: Sequence[Task]) -> None:
        """Start episodes of these instances."""
        for env, instance in zip(ids, instances, strict=True):
            self._episodes[env].reset(instance.rand_vec, hide_goal=instance.partially_observable)
        self.take_over(ids)

    def step(self, ids: Ids, actions: NDArray[np.floating[Any]], limits: NDArray[np.int_], *, stop_at_success: bool) -> BatchStep:
        """Play one action in the episodes `ids`; see `EpisodeBatch.step`."""
        scores, unstable = self._scores, self._unstable
        if len(ids) < len(self.tasks):
            scores[:] = 0.0
        unstable[:] = False
        taken = np.zeros(len(self.tasks), dtype=int)
        moves, efforts = displacements(actions), actions[:, 3].astype(np.float64)
        for repeat in range(self._action_repeat):
            reward, success = scores[:2, ids] if repeat else (0.0, 0.0)  # of the control steps before
            self._control_step(ids, moves, efforts)
            taken[ids] += 1
            if repeat:
                scores[0, ids] += reward
                scores[1, ids] = np.maximum(scores[1, ids], success)
            if repeat + 1 < self._action_repeat:
                is_over = unstable[ids] | (taken[ids] >= limits[ids]) | (stop_at_success & (scores[1, ids] > 0.0))
                ids = ids[~is_over]
        return BatchStep(self.observation, scores, unstable, taken)

    def snapshot(self, env: int) -> EpisodeState:
        """Take a complete episode as a value."""
        return self.view(env).snapshot()

    def restore(self, ids: Sequence[int], states: Sequence[EpisodeState]) -> None:
        """Continue from snapshots; see `EpisodeBatch.restore`."""
        for env, state in zip(ids, states, strict=True):
            self._episodes[env].restore(state)
        self.take_over(ids)

    def view(self, env: int) -> Episode:
        """Hand out an episode for reading and for pictures, up to date."""
        self._write_back(env)
        return self._episodes[env]
