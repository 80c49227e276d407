"""Success by the number of episodes that a meta-learner adapted on, with most likely and with random actions: protocols side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from metaworld_py.evaluation.adaptation import AdaptationResult, evaluate_adaptation
from metaworld_py.evaluation.published import MetaLearningAgent
from metaworld_py.files import read_json, reading, write_json

SHOTS = (0, 1, 2, 3, 10)
SCHEMA = "metaworld_py.shots/1"


@dataclass(frozen=True)
class Shot:
    """What was found after so many episodes of adaptation."""

    episodes: int  # to adapt on; 0: before adaptation
    is_sampled: bool  # whether what counts was played with random actions rather than with the most likely ones
    success: float  # mean over tasks
    interval: tuple[float, float]  # 95 %, over goals
    spread: float  # between draws of adaptation, standard deviation; 0 for a single one
    tasks: dict[str, float]  # success of each

    @property
    def protocol(self) -> str:
        """In words."""
        return f"{self.episodes} episodes, {'random' if self.is_sampled else 'most likely'} actions"


def evaluate_shots(
    agent: MetaLearningAgent, benchmark: str | Sequence[str] = "ML10-test", *, shots: Sequence[int] = SHOTS, **settings: Any
) -> tuple[Shot, ...]:
    """Success after each of several numbers of episodes, with most likely actions, then with random ones.

    Args:
      agent, benchmark: see `evaluate_adaptation`.
      shots: numbers of episodes to adapt on, ascending; 0 is before adaptation.
      settings: see `evaluate_adaptation`.

    Raises:
      ValueError: shots that are not ascending, or hold nothing above 0; and see `evaluate_adaptation`.
      TypeError: an agent that cannot adapt.
    """
    if list(shots) != sorted(set(shots)) or not shots or shots[0] < 0 or shots[-1] == 0:
        raise ValueError(f"shots must be ascending numbers of episodes, one of them at least 1, got {tuple(shots)}")
    found = []
    for is_sampled in (False, True):
        for episodes in [number for number in shots if number]:
            result = evaluate_adaptation(agent, benchmark, adaptation_episodes=episodes, is_sampled=is_sampled, **settings)
            if shots[0] == 0 and episodes == shots[1]:
                found.append(_shot(result, 0, is_sampled=is_sampled))
            found.append(_shot(result, episodes, is_sampled=is_sampled))
    return tuple(found)


def _shot(result: AdaptationResult, episodes: int, *, is_sampled: bool) -> Shot:
    of, spread = (result.after, result.spread) if episodes else (result.before, 0.0)
    return Shot(episodes, is_sampled, of.success_rate, of.interval, spread, {task.task: task.success_rate for task in of.tasks})


def save_shots(shots: Sequence[Shot], path: Path) -> None:
    """Write to a JSON file."""
    write_json(path, {"schema": SCHEMA, "shots": [asdict(shot) for shot in shots]})


def load_shots(path: Path) -> tuple[Shot, ...]:
    """Read what `save_shots` wrote.

    Raises:
      ValueError: not such a file.
    """
    wanted = f"successes by episodes of adaptation ({SCHEMA})"
    content = read_json(path, wanted)
    if content.get("schema") != SCHEMA:
        raise ValueError(f"{path} is not {wanted}")
    with reading(path, wanted):
        return tuple(Shot(**{**fields, "interval": tuple(fields["interval"])}) for fields in content["shots"])
