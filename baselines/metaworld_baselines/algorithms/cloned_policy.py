"""A cloned policy as an agent: what it asks to be shown, and what tells it the task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaworld_baselines.algorithms.cloning_config import INSTRUCTION, CloningConfig
from metaworld_baselines.algorithms.task_policy import TaskPolicy
from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.sentences import sentence_features
from metaworld_py import OBSERVATION_SIZE, find_task


class ClonedPolicy(TaskPolicy):
    """What a policy does, which may see pictures and may be told its task by a sentence.

    Args:
      config: of its training.
      action: from (parameters, (observations (n, 39), pictures (n, size, size, 3) or None), codes of tasks (n, code)) to actions (n, 4).
      params: its weights.

    Attributes:
      inputs: the pictures that it asks for, see `metaworld_py.agents.inputs`; empty where it sees states.
    """

    def __init__(self, config: CloningConfig, action: Callable[[Any, Any, Array], Array], params: Any) -> None:
        super().__init__(config.tasks, action, params)
        self.inputs: dict[str, Any] = {} if config.view is None else config.view.inputs
        self.is_instructed = config.told_by == INSTRUCTION
        self._instructions: NDArray[np.float32] | None = None  # (sentence, feature)
        if self.is_instructed and len(self.names) == 1:
            self.start_task(self.names[0])

    def start_task(self, name: str) -> None:
        """Play this task from now on; an instructed policy reads the task's own sentence.

        Raises:
          ValueError: an unknown task, or, of a policy that is told by ids, one that it was not trained on.
        """
        if self.is_instructed:
            self.instruct(find_task(name).sentence)
        else:
            super().start_task(name)

    def instruct(self, *sentences: str) -> None:
        """Do what a sentence says from now on: `agent.instruct("Push the puck to the goal.")`.

        Of several sentences, environment i follows the i-th, and behind the last one the first again.

        Raises:
          ValueError: no sentence, one without words, or a policy that is told its task by an id.
        """
        if not self.is_instructed:
            raise ValueError("this agent is told its task by start_task(name) and reads no sentences: train one with --told-by instruction")
        features = [sentence_features(sentence) for sentence in sentences]
        if not features or not all(one.any() for one in features):
            raise ValueError(f"an instruction is a sentence of at least one word, got {sentences!r}")
        self._instructions = np.stack(features)

    def eval_action(self, observations: Any) -> NDArray[np.float32]:
        """Actions (n, 4).

        Args:
          observations: (n, 39), behind them one-hot ids if wanted; or, where pictures were asked for, a dictionary of those as "state" and
            of "pixels" (n, size, size, 3).

        Raises:
          ValueError: nothing says which task, or there are no pictures.
        """
        states, pictures = self._seen(observations)
        obs, ids = np.split(np.asarray(states, np.float32), [OBSERVATION_SIZE], axis=-1)
        return np.asarray(self._act(self._params, (obs, pictures), self._codes(ids)))

    def _seen(self, observations: Any) -> tuple[Any, NDArray[np.uint8] | None]:
        if not self.inputs:
            return observations, None
        if not isinstance(observations, dict) or not {"state", "pixels"} <= observations.keys():
            asked = ", ".join(f"{name}={value!r}" for name, value in self.inputs.items())
            raise ValueError(f"this agent sees pictures beside the state: make its environments with {asked}")
        return observations["state"], np.asarray(observations["pixels"])

    def _codes(self, ids: NDArray[np.float32]) -> Array:
        if not self.is_instructed:
            return super()._codes(ids)
        if self._instructions is None:
            raise ValueError("call instruct(sentence) or start_task(name) first: this agent is told its task by a sentence")
        return self._instructions[np.arange(len(ids)) % len(self._instructions)]
