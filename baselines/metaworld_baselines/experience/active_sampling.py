"""Active sampling: tasks that fail more often have more environments (Sharma et al. 2018), at the same number over all tasks.

Which environments there are is decided anew between stretches of steps, by the episodes that have ended since the last time. The running
ones are cut short then, which learning does not mind: the end of a stretch is no end of the problem.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from metaworld_baselines.experience.off_policy import Chunk
from metaworld_baselines.experience.on_policy import OnPolicyCollector, Rollout

# From how many environments each task has, and how often they were shared out before, to what steps them.
Make = Callable[[Sequence[int], int], OnPolicyCollector]


def shared_out(
    ended: Float[np.ndarray, " task"], failed: Float[np.ndarray, " task"], num_envs: int, share: float
) -> Int[np.ndarray, " task"]:
    """Environments of each task: a share of them in proportion to its failures, the others as many for each; at least one.

    Args:
      ended: episodes of each task.
      failed: those without success; one more failure and one more success are added, so that few episodes do not decide alone.
      num_envs: of all tasks together, no fewer than there are tasks.
      share: 0: equally many for each.
    """
    rates = (failed + 1.0) / (ended + 2.0)
    wanted = (1.0 - share) / len(rates) + share * rates / rates.sum()
    quotas = (num_envs - len(rates)) * wanted
    counts = 1 + np.floor(quotas).astype(int)
    largest_remainders = np.argsort(np.floor(quotas) - quotas, kind="stable")
    counts[largest_remainders[: num_envs - counts.sum()]] += 1
    return counts


class ActiveCollector:
    """An `OnPolicyCollector` whose environments are shared out anew between stretches of steps.

    Args:
      make: what steps so many environments of each task; a task's stand in a row.
      num_tasks: of which each has as many environments first.
      num_envs: of all tasks.
      share: see `shared_out`.
      every: so many stretches.
    """

    def __init__(self, make: Make, num_tasks: int, num_envs: int, *, share: float, every: int) -> None:
        self._make, self._share, self._every = make, share, every
        self._ended, self._failed = np.zeros(num_tasks), np.zeros(num_tasks)
        self._stretches = 0
        self._counts = shared_out(self._ended, self._failed, num_envs, share)
        self._collector = make(self._counts.tolist(), 0)

    @property
    def counts(self) -> list[int]:
        """Environments of each task in the last stretch."""
        return self._counts.tolist()

    @property
    def task_numbers(self) -> Int[np.ndarray, " env"]:
        """Each environment's task in the last stretch."""
        return np.repeat(np.arange(len(self._counts)), self._counts)

    @property
    def counters(self) -> dict[str, int]:
        """See `OnPolicyCollector.counters`."""
        return self._collector.counters

    def collect(self, policy: Any, steps: int, first_step: int) -> tuple[Rollout, Chunk, list[NDArray[Any]]]:
        """Experience of some steps, of environments that may be others than last time; see `OnPolicyCollector.collect`."""
        if self._stretches and self._stretches % self._every == 0:
            counts = shared_out(self._ended, self._failed, int(self._counts.sum()), self._share)
            self._ended, self._failed = np.zeros(len(counts)), np.zeros(len(counts))
            self._replace(counts)
        rollout, chunk, memories = self._collector.collect(policy, steps, first_step)
        ended = self.task_numbers[np.nonzero(rollout.is_end.T)[1]]  # step by step, as the chunk tells them
        np.add.at(self._ended, ended, 1.0)
        np.add.at(self._failed, ended[~np.array(chunk.successes, dtype=bool)], 1.0)
        self._stretches += 1
        return rollout, chunk, memories

    def _replace(self, counts: Int[np.ndarray, " task"]) -> None:
        self._collector.close()
        self._counts = counts
        self._collector = self._make(counts.tolist(), self._stretches // self._every)

    def get_state(self) -> str:
        """Environments, running episodes and what has ended since they were shared out, as JSON, exactly."""
        own = {"counts": self.counts, "ended": self._ended.tolist(), "failed": self._failed.tolist(), "stretches": self._stretches}
        return json.dumps(own | {"collector": self._collector.get_state()})

    def set_state(self, state: str) -> None:
        """Go on exactly where `get_state` was called."""
        plain = json.loads(state)
        self._ended, self._failed = np.array(plain["ended"]), np.array(plain["failed"])
        self._stretches = plain["stretches"]
        self._collector.close()
        self._counts = np.array(plain["counts"])
        # Those due after the last stretch are not there yet: the next `collect` makes them.
        self._collector = self._make(self.counts, max(self._stretches - 1, 0) // self._every)
        self._collector.set_state(plain["collector"])

    def close(self) -> None:
        """End the environments."""
        self._collector.close()
