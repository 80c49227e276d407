"""How fast training goes, and which side waits for the other."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from metaworld_baselines.experience.off_policy import Chunk


@dataclass
class Throughput:
    """How fast a rollout of training was, and which side waited for the other."""

    is_warm: bool = False  # nothing was compiled in this rollout
    seconds: float = 0.0
    iterations: int = 0
    updates: int = 0
    waiting_for_envs_s: float = 0.0
    waiting_for_learner_s: float = 0.0
    episodes: list[tuple[float, bool]] = field(default_factory=list)  # returns and successes while training

    def count(self, chunk: Chunk, learner_s: float, iteration_s: float, updates: int) -> None:
        """Add one iteration of learner and environments."""
        self.seconds += iteration_s
        self.iterations += 1
        self.updates += updates
        self.waiting_for_envs_s += iteration_s - learner_s
        self.waiting_for_learner_s += max(iteration_s - chunk.seconds, 0.0)
        self.episodes += zip(chunk.returns, chunk.successes, strict=True)

    def numbers(self, steps_per_iteration: int) -> dict[str, float]:
        """Rates, shares of waiting in [0, 1], and how training episodes went (NaN where none ended)."""
        returns, successes = zip(*self.episodes, strict=True) if self.episodes else ((math.nan,), (math.nan,))
        return {
            "steps_per_s": self.iterations * steps_per_iteration / self.seconds,
            "updates_per_s": self.updates / self.seconds,
            "waiting_for_envs": self.waiting_for_envs_s / self.seconds,
            "waiting_for_learner": self.waiting_for_learner_s / self.seconds,
            "training_return": sum(returns) / len(returns),
            "training_success": sum(successes) / len(successes),
        }
