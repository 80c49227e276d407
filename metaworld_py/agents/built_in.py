"""Agents for evaluation: the protocol, the scripted experts, a random one, and loading a user's own by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from metaworld_py.tasks import find_task

BUILT_IN = ("expert", "random")


class Agent(Protocol):
    """What `evaluate` needs: actions (n, 4) for observations, by default (n, 39).

    Two methods are optional: `start_task(name)` is called before the first episode of each task, `reset(mask)` with a boolean (n,) array
    where episodes start. So are the attributes `inputs`, what the agent wants to observe (see `metaworld_py.agents.inputs`), and
    `training_seed`, of the instances that it was trained on: what the command line evaluates it on, where it is not told otherwise.
    """

    def eval_action(self, observations: NDArray[np.float64]) -> NDArray[Any]:
        """Actions (n, 4) in [−1, 1]; or a pair of those and a state of the agent's own, as Stable-Baselines3's `predict` gives it."""
        ...


class ExpertAgent:
    """The scripted expert of whichever task is being evaluated. It reads the goal slots: goals must be visible."""

    def __init__(self) -> None:
        self._expert: Callable[..., Any] | None = None

    def start_task(self, name: str) -> None:
        """Take the script of this task."""
        self._expert = find_task(name).expert

    def eval_action(self, observations: NDArray[np.float64]) -> NDArray[np.float32]:
        """Actions (n, 4) of the current task's script."""
        if self._expert is None:
            raise RuntimeError("call start_task(name) first: an expert plays one task at a time")
        return np.array([self._expert(observation) for observation in observations.tolist()], dtype=np.float32)


class RandomAgent:
    """Uniform actions from a generator of its own."""

    def __init__(self, seed: int | Sequence[int] = 0) -> None:
        self._rng = np.random.default_rng(seed)

    def eval_action(self, observations: NDArray[np.float64]) -> NDArray[np.float32]:
        """Actions (n, 4), uniform in [−1, 1]."""
        return self._rng.uniform(-1.0, 1.0, (len(observations), 4)).astype(np.float32)


class _FunctionAgent:
    def __init__(self, function: Callable[[NDArray[np.float64]], NDArray[Any]]) -> None:
        self.eval_action = function
        self.inputs = getattr(function, "inputs", {})
        self.training_seed = getattr(function, "training_seed", 0)


def as_agent(agent: Any) -> Agent:
    """An object with `eval_action`, from such an object or from a plain function of observations.

    Raises:
      TypeError: neither; says what to pass instead.
    """
    if isinstance(agent, type):
        raise TypeError(f"an agent must be an object, got the class {agent.__name__}: pass an instance, {agent.__name__}(...)")
    if callable(getattr(agent, "eval_action", None)):
        result: Agent = agent
        return result
    if callable(agent):
        return _FunctionAgent(agent)
    if callable(getattr(agent, "predict", None)):
        raise TypeError(f"an agent needs a method eval_action(observations), got {agent!r}: pass its method predict")
    raise TypeError(f"an agent needs a method eval_action(observations) or must be such a function itself, got {agent!r}")
