"""Environments in the middle of their episodes as values, and those values as plain ones for JSON, exact to the last bit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaworld_py.engine.episode import EpisodeState
from metaworld_py.envs.checkpoints import episode_from_plain, episode_to_plain, from_plain, selector_from_plain, selector_to_plain, to_plain
from metaworld_py.instances.selection import Selector
from metaworld_py.instances.task import Task
from metaworld_py.sim.signals import Vec3

Edits = dict[str, Any]  # what was changed of the physics through `model` and `data`, by field
Layers = tuple[tuple[str, dict[str, Any]], ...]  # of each wrapper, outermost first: its class and its attributes as plain values


@dataclass(frozen=True)
class EnvState:
    """A complete environment in the middle of an episode, its generator and choice of instances included.

    `layers` are the wrappers inside of the `CheckpointWrapper` around it, as environments from `gymnasium.make` have them: what they count
    and remember belongs to the episode.
    """

    episode: EpisodeState | None
    task: Task | None
    steps: int
    is_over: str | None
    selector: Selector | None
    selector_state: dict[str, Any] | None
    terminate_on_success: bool
    rng_state: dict[str, Any]
    hand_start: Vec3
    edits: Edits = field(default_factory=dict)
    layers: Layers = ()

    def to_plain(self) -> dict[str, Any]:
        """The state as values that JSON takes."""
        return {
            "episode": episode_to_plain(self.episode),
            "task": to_plain(self.task),
            "steps": self.steps,
            "is_over": self.is_over,
            "selector": selector_to_plain(self.selector, self.selector_state),
            "terminate_on_success": self.terminate_on_success,
            "rng_state": to_plain(self.rng_state),
            "hand_start": list(self.hand_start),
            "edits": to_plain(self.edits),
            "layers": [list(layer) for layer in self.layers],
        }

    @classmethod
    def from_plain(cls, saved: dict[str, Any]) -> EnvState:
        """Inverse of `to_plain`."""
        selector, selector_state = selector_from_plain(saved["selector"])
        return cls(
            episode=episode_from_plain(saved["episode"]),
            task=from_plain(saved["task"]),
            steps=int(saved["steps"]),
            is_over=saved["is_over"],
            selector=selector,
            selector_state=selector_state,
            terminate_on_success=bool(saved["terminate_on_success"]),
            rng_state=from_plain(saved["rng_state"]),
            hand_start=_vec3(saved["hand_start"]),
            edits=from_plain(saved["edits"]),
            layers=tuple((name, attributes) for name, attributes in saved["layers"]),
        )


@dataclass(frozen=True)
class VectorEnvState:
    """A complete vector environment in the middle of its episodes, generators and choices of instances included."""

    episodes: tuple[EpisodeState | None, ...]
    tasks: tuple[Task | None, ...]
    steps: NDArray[np.int_]
    returns: NDArray[np.float64]
    lengths: NDArray[np.int_]
    is_over: NDArray[np.bool_]
    was_reset: bool
    selectors: tuple[Selector, ...]
    selector_states: tuple[dict[str, Any], ...]
    rng_states: tuple[dict[str, Any], ...]
    is_terminating: bool
    hand_starts: tuple[Vec3, ...]
    edits: tuple[Edits, ...]

    def to_plain(self, env: int) -> dict[str, Any]:
        """One environment's part of the state as values that JSON takes."""
        return {
            "episode": episode_to_plain(self.episodes[env]),
            "task": to_plain(self.tasks[env]),
            "steps": int(self.steps[env]),
            "return": float(self.returns[env]),
            "length": int(self.lengths[env]),
            "is_over": bool(self.is_over[env]),
            "was_reset": self.was_reset,
            "selector": selector_to_plain(self.selectors[env], self.selector_states[env]),
            "rng_state": to_plain(self.rng_states[env]),
            "terminate_on_success": self.is_terminating,
            "hand_start": list(self.hand_starts[env]),
            "edits": to_plain(self.edits[env]),
        }

    @classmethod
    def from_plain(cls, saved: list[dict[str, Any]]) -> VectorEnvState:
        """The state whose parts `to_plain` made."""
        selectors = [selector_from_plain(one["selector"]) for one in saved]
        return cls(
            episodes=tuple(episode_from_plain(one["episode"]) for one in saved),
            tasks=tuple(from_plain(one["task"]) for one in saved),
            steps=np.array([one["steps"] for one in saved]),
            returns=np.array([one["return"] for one in saved], dtype=float),
            lengths=np.array([one["length"] for one in saved]),
            is_over=np.array([one["is_over"] for one in saved]),
            was_reset=all(one["was_reset"] for one in saved),
            selectors=tuple(selector for selector, _ in selectors if selector is not None),
            selector_states=tuple(state for _, state in selectors if state is not None),
            rng_states=tuple(from_plain(one["rng_state"]) for one in saved),
            is_terminating=bool(saved[0]["terminate_on_success"]),
            hand_starts=tuple(_vec3(one["hand_start"]) for one in saved),
            edits=tuple(from_plain(one["edits"]) for one in saved),
        )


def _vec3(saved: list[float]) -> Vec3:
    x, y, z = saved
    return (x, y, z)
