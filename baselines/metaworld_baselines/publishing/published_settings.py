"""What published runs did: their budgets and settings, where these were published."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from metaworld_baselines.algorithms.cloning_config import CloningConfig
from metaworld_baselines.algorithms.meta import PUBLISHED, MetaConfig
from metaworld_baselines.algorithms.registry import find_algorithm

PUBLISHED_EPISODES = 10, 3  # of meta-learners on each goal: to adapt, and those that count (Meta-World)
STEPS_PER_TASK = 2_000_000  # of multi-task runs (Meta-World+)
MULTI_TASK = ("MT10", "MT25", "MT50")  # the sets that they were on
SINGLE_TASK_STEPS = {"sac": 10_000_000, "ppo": 20_000_000}  # (Meta-World, appendix)
SINGLE_TASK: dict[str, dict[str, Any]] = {  # settings of single tasks, where they differ from those of many (Meta-World, appendix)
    "sac": {"width": 256, "depth": 2},
    "ppo": {"width": 128, "depth": 2, "trace": 0.95, "learning_rate": 5e-4, "min_std": 0.5, "max_std": 1.5},
}


def published_steps(algorithm: str, config: Any) -> int | None:
    """The environment steps of published runs on such a benchmark, over all tasks; None: there are none."""
    if isinstance(config, MetaConfig):
        return PUBLISHED[config.benchmark][0]
    if isinstance(config, CloningConfig):
        return None
    if len(config.tasks) == 1:
        return SINGLE_TASK_STEPS.get(algorithm)
    return STEPS_PER_TASK * len(config.tasks) if config.benchmark.upper() in MULTI_TASK else None


def published_config(algorithm: str, config: Any) -> Any:
    """The published settings for the benchmark of a configuration."""
    published = find_algorithm(algorithm).published or type(config)()
    if isinstance(config, MetaConfig):
        return replace(published.as_said, benchmark=config.benchmark, task=config.task)
    return replace(published, **SINGLE_TASK.get(algorithm, {})) if len(config.tasks) == 1 else published
