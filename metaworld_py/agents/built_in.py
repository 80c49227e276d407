"""Agents for evaluation: the protocol, the scripted experts, a random one, and loading a user's own by name."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from metaworld_py.agents import cards
from metaworld_py.tasks import find_task

BUILT_IN = ("expert", "random")


class Agent(Protocol):
    """What `evaluate` needs: actions (n, 4) for observations (n, 39 or more).

    Two methods are optional: `start_task(name)` is called before the first episode of each task, `reset(mask)` with a boolean (n,) array
    where episodes start.
    """

    def eval_action(self, observations: NDArray[np.float64]) -> NDArray[Any]:
        """Actions (n, 4) in [−1, 1]."""
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

    def __init__(self, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)

    def eval_action(self, observations: NDArray[np.float64]) -> NDArray[np.float32]:
        """Actions (n, 4), uniform in [−1, 1]."""
        return self._rng.uniform(-1.0, 1.0, (len(observations), 4)).astype(np.float32)


class _FunctionAgent:
    def __init__(self, function: Callable[[NDArray[np.float64]], NDArray[Any]]) -> None:
        self.eval_action = function


def as_agent(agent: Any) -> Agent:
    """An object with `eval_action`, from such an object or from a plain function of observations.

    Raises:
      TypeError: neither.
    """
    if callable(getattr(agent, "eval_action", None)):
        result: Agent = agent
        return result
    if callable(agent):
        return _FunctionAgent(agent)
    raise TypeError(f"an agent needs a method eval_action(observations) or must be such a function itself, got {agent!r}")


def begin_episode(agent: Any, task: str) -> None:
    """Tell an agent that plays a single episode at a time, if it wants to know, that one of this task begins."""
    if callable(getattr(agent, "start_task", None)):
        agent.start_task(task)
    if callable(getattr(agent, "reset", None)):
        agent.reset(np.ones(1, dtype=bool))


def load_agent(name: str, *, seed: int = 0) -> Agent:
    """`expert`, `random`, a trained agent's name, `baselines:PATH` of a training run, or `module:attribute` of the user's own.

    A class is called without arguments. Modules are looked for in the working directory, too.

    Raises:
      ValueError: no such module, attribute or checkpoint; says what was tried.
    """
    if name == "expert":
        return ExpertAgent()
    if name == "random":
        return RandomAgent(seed)
    module_name, separator, attribute = name.partition(":")
    if not separator:
        return _trained_agent(_weights(name))
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    if module_name == "baselines":
        return _trained_agent(attribute)
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"cannot load agent {name!r}: {error}") from error
    return as_agent(found() if inspect.isclass(found) else found)


def _weights(name: str) -> str:
    """The file of a trained agent's name."""
    try:
        return str(cards.weights(name))
    except ValueError as error:
        raise ValueError(
            f"unknown agent {name!r}: give one of {', '.join(BUILT_IN)}, a trained agent (metaworld-py agents), baselines:PATH or "
            f"module:attribute of your own ({error})"
        ) from error


def _trained_agent(path: str) -> Agent:
    """The agent in a checkpoint of the baselines, which have requirements of their own."""
    try:
        loading = importlib.import_module("metaworld_baselines.algorithms.loading")
    except ImportError as error:
        raise ValueError(
            f"cannot load the baselines ({error}): install their requirements, pip install 'metaworld_py[baselines]'"
        ) from error
    try:
        return as_agent(loading.load_agent(path))
    except FileNotFoundError as error:
        raise ValueError(str(error)) from error
