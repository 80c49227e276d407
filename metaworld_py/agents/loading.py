"""Agents by name: the built-in ones, trained ones that come with the baselines, checkpoints of training runs, and a user's own."""

from __future__ import annotations

import importlib
import inspect
import sys
from importlib.metadata import entry_points
from pathlib import Path

from metaworld_py.agents import cards
from metaworld_py.agents.built_in import BUILT_IN, Agent, ExpertAgent, RandomAgent, as_agent
from metaworld_py.files import install_hint

PROVIDERS = "metaworld_py.agents"  # entry points: functions from a path to an agent; their names stand before the colon


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
        path = _weights(name)
        return _provided_agent(cards.provider(), path)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    if module_name in entry_points(group=PROVIDERS).names:
        return _provided_agent(module_name, attribute)
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


def _provided_agent(provider: str, path: str) -> Agent:
    """The agent in a file or folder, from the package that knows such files; it has requirements of its own.

    Raises:
      ValueError: they are not installed, or there is no agent.
    """
    try:
        load = entry_points(group=PROVIDERS)[provider].load()
    except (ImportError, KeyError) as error:
        raise ValueError(f"cannot load the {provider} ({error}): install their requirements, {install_hint(provider)}") from error
    try:
        return as_agent(load(path))
    except FileNotFoundError as error:
        raise ValueError(str(error)) from error
