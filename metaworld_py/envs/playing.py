"""One loop for everything that plays: evaluation, adaptation, pictures, windows, demonstrations."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import gymnasium


class PlayedStep(NamedTuple):
    """One step, of one environment or of many.

    Attributes:
      number: steps so far, this one included.
      observation: before the action.
      action: what was played.
      aux: what else the actor told, None if nothing.
      next_observation, reward, terminated, truncated, info: what the environment answered.
    """

    number: int
    observation: Any
    action: Any
    aux: Any
    next_observation: Any
    reward: Any
    terminated: Any
    truncated: Any
    info: dict[str, Any]


def play(envs: Any, act: Callable[[Any], Any], begin: Callable[[], None] | None = None, *, seed: int | None = None) -> Iterator[PlayedStep]:
    """Reset and play: one environment until its episode is over, several for as long as the caller goes on.

    Args:
      envs: a Gymnasium environment, or a vector environment that starts episodes anew by itself.
      act: from observations to actions, or to a pair of actions and what shall stand in `aux`.
      begin: called between the reset and the first action.
      seed: of the reset.
    """
    is_one = isinstance(envs, gymnasium.Env)
    observation, _ = envs.reset(seed=seed)
    if begin is not None:
        begin()
    for number in itertools.count(1):
        answer = act(observation)
        action, aux = answer if isinstance(answer, tuple) else (answer, None)
        answered = envs.step(action)
        yield PlayedStep(number, observation, action, aux, *answered)
        if is_one and (answered[2] or answered[3]):
            return
        observation = answered[0]
