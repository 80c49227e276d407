"""An algorithm of your own, here random search over linear policies, with all that ours have: `train`, `evaluate`, `table`, `publish`.

Your package names it in its pyproject.toml; nothing of ours is edited:

    [project.entry-points."metaworld_baselines.algorithms"]
    random-search = "own_algorithm:RANDOM_SEARCH"
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from metaworld_baselines.algorithms.registry import Algorithm
from metaworld_baselines.runs import checkpoints
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_py import ACTION_SIZE, OBSERVATION_SIZE
from metaworld_py.evaluation import evaluate


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """Settings of random search."""

    benchmark: str = "reach"
    total_env_steps: int = 100_000
    max_episode_steps: int = 100
    reward_version: str = "v2"
    eval_instances: int = 5
    noise: float = 0.1  # standard deviation of a try's weights around the best ones

    @property
    def tasks(self) -> list[str]:
        """Names in order."""
        return [self.benchmark]


class LinearAgent:
    """Actions that are linear in the observation."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._weights = np.asarray(params["weights"])

    def eval_action(self, observations: np.ndarray) -> np.ndarray:
        """Actions (n, 4)."""
        return np.clip(observations @ self._weights, -1.0, 1.0).astype(np.float32)


def init(config: SearchConfig, seed: int) -> dict[str, Any]:
    """Weights at the start."""
    return {"weights": np.zeros((OBSERVATION_SIZE, ACTION_SIZE), np.float32)}


def train(config: SearchConfig, seed: int, run: RlRun) -> dict[str, Any]:
    """Keep the best of many tries."""
    rng, best, best_return = np.random.default_rng(seed), init(config, seed), -np.inf
    play = {
        "seed": seed,
        "instances_per_task": config.eval_instances,
        "max_episode_steps": config.max_episode_steps,
        "reward_function_version": config.reward_version,
    }
    while not run.is_over:
        tried = {"weights": (best["weights"] + config.noise * rng.normal(size=best["weights"].shape)).astype(np.float32)}
        found = evaluate(LinearAgent(tried), config.benchmark, **play)
        run.advance(config.eval_instances * config.max_episode_steps)
        if found.tasks[0].mean_return > best_return:
            best, best_return = tried, found.tasks[0].mean_return
        run.log("progress", {"best_return": best_return, "steps_per_s": run.env_steps / run.seconds, "updates_per_s": 0.0})
    run.evaluated(evaluate(LinearAgent(best), config.benchmark, **play))
    run.save_actor(checkpoints.LAST, best)
    return best


RANDOM_SEARCH = Algorithm(
    name="random-search",
    description="Random search over linear policies",
    config=SearchConfig(),
    make=lambda config: config,
    init=init,
    actor=lambda config, weights: weights,
    as_agent=lambda config, weights: LinearAgent(weights),
    train=train,
)
