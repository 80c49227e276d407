"""Many episodes at once: a runner advances them by one control step on all cores. `PlainRunner` needs nothing but MuJoCo.

The compiled one (`metaworld_py.engine.compiled`) does the same without the interpreter.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from metaworld_py.engine.episode import BEFORE, FRAME_SIZE, NOW, OBJECT_BOUND, UNSTABLE_SCORE, Episode
from metaworld_py.engine.thread_pool import thread_pool
from metaworld_py.tasks.common.definition import Score

N_SCORES = len(Score._fields)

Ids = NDArray[np.intp]


class Runner(Protocol):
    """What the vector environment needs. Episodes keep their observations in rows of one array, which stepping updates in place."""

    def step(
        self,
        ids: Ids,
        displacements: NDArray[np.float64],
        efforts: NDArray[np.float64],
        scores: NDArray[np.float64],
        unstable: NDArray[np.bool_],
    ) -> None:
        """Advance the episodes `ids`.

        Args:
          ids: of the episodes to step.
          displacements: (n, 3), of the hands' targets (m); rows of other episodes are not read.
          efforts: (n,), of the grippers.
          scores: (7, n), columns `ids` are written: the fields of `Score`.
          unstable: (n,), entries `ids` are written: whether the physics blew up.
        """

    def began(self, ids: Sequence[int]) -> None:
        """Take note that episodes were reset or restored."""

    def write_back(self, ids: Sequence[int]) -> None:
        """Bring what the runner keeps of the episodes' constants up to date in them, before they are read."""


class PlainRunner:
    """Threads for the physics, then rewards one after the other.

    Rewards beside the physics would be no faster: threads that want the interpreter's lock at every turn wait for one another longer than
    rewards take (docs/decisions/0002).
    """

    def __init__(self, episodes: Sequence[Episode], observations: NDArray[np.float64], *, n_threads: int = 0) -> None:
        self._episodes = episodes
        self._observations = observations
        self._threads = thread_pool(n_threads)
        self._lows = np.array([episode.task.hand_low for episode in episodes])
        self._highs = np.array([episode.task.hand_high for episode in episodes])
        self._targets = np.zeros_like(self._lows)  # of the hands, m

    def step(
        self,
        ids: Ids,
        displacements: NDArray[np.float64],
        efforts: NDArray[np.float64],
        scores: NDArray[np.float64],
        unstable: NDArray[np.bool_],
    ) -> None:
        """See `Runner`."""
        playing = [self._episodes[env] for env in ids.tolist()]
        forces = efforts[ids].tolist()
        targets = np.clip(self._targets[ids] + displacements[ids], self._lows[ids], self._highs[ids])
        self._targets[ids] = targets
        for episode, target, effort in zip(playing, targets.tolist(), forces, strict=True):
            episode.command(target, effort)
        left = iter([episode.simulation for episode in playing])  # shared: taking the next one is atomic

        def work() -> None:
            for simulation in left:
                simulation.control_step()

        self._threads.run(work, len(playing))
        sensed = [episode.sense(effort) for episode, effort in zip(playing, forces, strict=True)]
        n = len(sensed)
        now = np.fromiter(chain.from_iterable([frame for _, frame in sensed]), np.float64, n * FRAME_SIZE).reshape(n, FRAME_SIZE)
        found = np.fromiter(chain.from_iterable([score for score, _ in sensed]), np.float64, n * N_SCORES).reshape(n, N_SCORES)
        blown_up = np.abs(now).max(axis=1) > OBJECT_BOUND
        self._observations[ids, BEFORE] = self._observations[ids, NOW]
        if blown_up.any():
            found[blown_up] = UNSTABLE_SCORE
            now[blown_up] = self._observations[ids[blown_up], NOW]
            for index in np.flatnonzero(blown_up).tolist():
                playing[index].is_unstable = True
        self._observations[ids, NOW] = now
        scores[:, ids] = found.T
        unstable[ids] = blown_up

    def began(self, ids: Sequence[int]) -> None:
        """See `Runner`."""
        for env in ids:
            self._targets[env] = self._episodes[env].simulation.mocap_pos

    def write_back(self, ids: Sequence[int]) -> None:
        """Nothing to bring up to date."""
