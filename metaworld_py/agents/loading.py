"""Agents by name: the built-in ones, trained ones that come with the baselines, checkpoints of training runs, and a user's own."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path

from metaworld_py.agents import cards
from metaworld_py.agents.built_in import BUILT_IN, Agent, ExpertAgent, RandomAgent, as_agent


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
