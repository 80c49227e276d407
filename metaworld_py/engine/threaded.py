"""Episodes stepped by threads for the physics, and rewards one after the other; needs nothing but MuJoCo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metaworld_py.engine.batch import N_SCORES, HostBatch, Ids
from metaworld_py.engine.thread_pool import thread_pool
from metaworld_py.tasks.common.definition import TaskDef


class ThreadedBatch(HostBatch):
    """An `EpisodeBatch` in plain Python.

    Rewards beside the physics would be no faster: threads that want the interpreter's lock at every turn wait for one another longer than
    rewards take (docs/decisions/0002).

    Args:
      tasks, reward_version, action_repeat: see `HostBatch`.
      n_threads: 0 for as many as there are cores.
    """

    def __init__(self, tasks: Sequence[TaskDef], *, reward_version: str = "v2", action_repeat: int = 1, n_threads: int = 0) -> None:
        super().__init__(tasks, reward_version=reward_version, action_repeat=action_repeat)
        self._threads = thread_pool(n_threads)

    def _control_step(self, ids: Ids, displacements: NDArray[np.float64], efforts: NDArray[np.float64]) -> None:
        playing = [self._episodes[env] for env in ids.tolist()]
        forces = efforts[ids].tolist()
        for episode, displacement, effort in zip(playing, displacements[ids].tolist(), forces, strict=True):
            episode.begin_step(displacement, effort)
        left = iter([episode.simulation for episode in playing])  # shared: taking the next one is atomic

        def work() -> None:
            for simulation in left:
                simulation.control_step()

        self._threads.run(work, len(playing))
        scores = [episode.finish_step(effort) for episode, effort in zip(playing, forces, strict=True)]
        self._scores[:, ids] = np.array(scores, dtype=np.float64).reshape(-1, N_SCORES).T
        self._unstable[ids] = [episode.is_unstable for episode in playing]
