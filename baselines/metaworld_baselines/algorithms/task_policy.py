"""Trained policies as agents for `metaworld_py.evaluation` and `metaworld-py evaluate --agent baselines:PATH`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from metaworld_baselines.arrays import Array
from metaworld_py import OBSERVATION_SIZE, find_task


class TaskPolicy:
    """The most likely actions of a policy for one or several tasks.

    Which task it is, `start_task` says, or else a one-hot id behind the observations.

    Args:
      names: the tasks that the policy was trained on, in order.
      action: from (parameters, observations (n, 39), one-hot ids (n, tasks)) to actions (n, 4).
      params: its weights.
    """

    def __init__(self, names: Sequence[str], action: Callable[[Any, Array, Array], Array], params: Any) -> None:
        self.names = list(names)
        self._task: int | None = 0 if len(self.names) == 1 else None
        # Evaluation is many small batches: the processor is where they are quickest.
        self._params = jax.device_put(jax.tree.map(np.array, params), jax.devices("cpu")[0])
        self._act = jax.jit(lambda params, obs, ids: jnp.clip(action(params, obs, ids), -1.0, 1.0))

    def start_task(self, name: str) -> None:
        """Play this task from now on.

        Raises:
          ValueError: the policy was not trained on it.
        """
        name = find_task(name).name
        if name not in self.names:
            raise ValueError(f"this agent was trained on {', '.join(self.names)}, not on {name}")
        self._task = self.names.index(name)

    def eval_action(self, observations: NDArray[Any]) -> NDArray[np.float32]:
        """Actions (n, 4) for observations (n, 39) or, with one-hot ids, (n, 39 + tasks).

        Raises:
          ValueError: several tasks, and nothing says which.
        """
        obs, ids = np.split(np.asarray(observations, np.float32), [OBSERVATION_SIZE], axis=-1)
        return np.asarray(self._act(self._params, obs, self._codes(ids)))

    def _codes(self, ids: NDArray[np.float32]) -> Array:
        """What tells the task (n, tasks): ids of the task that was started, or else these from behind the observations."""
        if self._task is not None:
            return np.tile(np.eye(len(self.names), dtype=np.float32)[self._task], (len(ids), 1))
        if ids.shape[-1] != len(self.names):
            raise ValueError(f"call start_task(name) first, or append one-hot ids of {len(self.names)} tasks to the observations")
        return ids

    def reset(self, env_mask: NDArray[np.bool_]) -> None:
        """Nothing to forget between episodes."""
