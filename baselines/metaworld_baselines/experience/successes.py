"""Successful episodes, the newest of each task, kept so that they can be imitated (see algorithms/self_imitation.py).

On the host, in place: what each environment has seen since its running episode began, and, where that ends whole and with success, a copy
of it in its task's ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from metaworld_baselines.experience.on_policy import Rollout
from metaworld_py import ACTION_SIZE, OBSERVATION_SIZE

RATE_MEMORY = 20  # episodes that a failure rate remembers, exponentially


class Episodes(NamedTuple):
    """Whole episodes with success, in rings that fill from the front, and how often their tasks fail."""

    obs: Float[Any, "task kept step obs"]
    action: Float[Any, "task kept step action"]  # as drawn, before the environment clips it
    reward: Float[Any, "task kept step"]
    last_obs: Float[Any, "task kept obs"]  # the true successor of the last step
    num_added: Int[Any, " task"]  # ever
    failure_rate: Float[Any, " task"]  # of the newest episodes, whole or not; 1 at first


class Running(NamedTuple):
    """What environments have seen since their episodes began."""

    obs: Float[Any, "env step obs"]
    action: Float[Any, "env step action"]
    reward: Float[Any, "env step"]
    length: Int[Any, " env"]


class Successes:
    """Takes in rollouts, keeps whole episodes with success.

    Args:
      num_tasks: each with a ring.
      num_envs: of all tasks, however they are shared out.
      kept: episodes of a ring.
      steps: of a whole episode; shorter ones are dropped, as are those that were cut because environments were made anew.
    """

    def __init__(self, num_tasks: int, num_envs: int, kept: int, steps: int) -> None:
        self.episodes = Episodes(
            np.zeros((num_tasks, kept, steps, OBSERVATION_SIZE), np.float32),
            np.zeros((num_tasks, kept, steps, ACTION_SIZE), np.float32),
            np.zeros((num_tasks, kept, steps), np.float32),
            np.zeros((num_tasks, kept, OBSERVATION_SIZE), np.float32),
            np.zeros(num_tasks, np.int32),
            np.ones(num_tasks, np.float32),
        )
        self.running = Running(
            np.zeros((num_envs, steps, OBSERVATION_SIZE), np.float32),
            np.zeros((num_envs, steps, ACTION_SIZE), np.float32),
            np.zeros((num_envs, steps), np.float32),
            np.zeros(num_envs, np.int32),
        )

    def add(self, rollout: Rollout, successes: Sequence[bool], task_numbers: Int[np.ndarray, " env"]) -> None:
        """Take in a stretch of steps.

        Args:
          rollout: of environments that went on from the last stretch, or are new.
          successes: of the episodes that ended in it, step by step, as `Chunk` has them.
          task_numbers: each environment's task.
        """
        self.running.length[rollout.time[:, 0] == 0.0] = 0  # environments made anew, whose episodes before never ended
        starts = [0] * len(task_numbers)
        for (step, env), is_success in zip(np.argwhere(rollout.is_end.T).tolist(), successes, strict=True):
            length, task = self._copy(rollout, env, starts[env], step + 1), int(task_numbers[env])
            self.episodes.failure_rate[task] += (1.0 - is_success - self.episodes.failure_rate[task]) / RATE_MEMORY
            if is_success and length == self.running.reward.shape[1]:
                self._keep(task, env, rollout.next_obs[env, step])
            self.running.length[env], starts[env] = 0, step + 1
        for env, start in enumerate(starts):
            self._copy(rollout, env, start, rollout.reward.shape[1])

    def _copy(self, rollout: Rollout, env: int, start: int, end: int) -> int:
        """Steps of an environment behind what it has seen of the running episode; returns how many that are now."""
        at = int(self.running.length[env])
        now = at + end - start
        for seen, new in zip(self.running[:3], (rollout.obs, rollout.action, rollout.reward), strict=True):
            seen[env, at:now] = new[env, start:end]
        self.running.length[env] = now
        return now

    def _keep(self, task: int, env: int, last_obs: Float[np.ndarray, " obs"]) -> None:
        kept = self.episodes
        at = kept.num_added[task] % kept.reward.shape[1]
        for ring, seen in zip(kept[:3], self.running[:3], strict=True):
            ring[task, at] = seen[env]
        kept.last_obs[task, at] = last_obs
        kept.num_added[task] += 1

    @property
    def arrays(self) -> tuple[Episodes, Running]:
        """All that decides what comes next."""
        return self.episodes, self.running

    def restore(self, arrays: tuple[Episodes, Running]) -> None:
        """Go on exactly with what `arrays` were."""
        self.episodes, self.running = Episodes(*map(np.array, arrays[0])), Running(*map(np.array, arrays[1]))
