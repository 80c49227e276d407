"""Collectors of the SAC family: the environments of a run, and random actions of its actor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from metaworld_baselines.algorithms.sac_config import SacConfig
from metaworld_baselines.algorithms.sac_learner import Learner, distribution, make_learner
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.collector_pool import CollectorPool
from metaworld_baselines.experience.off_policy import Collector, make_envs
from metaworld_baselines.networks.actor_critic import squash

SEEDS_APART = 1_000_003  # of the collectors' actions


def make_act(learner: Learner, envs_per_task: int) -> Callable[[Any, Any, Any], Array]:
    """Random actions of an actor, for all environments."""
    task_ids = np.repeat(np.eye(learner.num_tasks, dtype=np.float32), envs_per_task, axis=0)

    @jax.jit
    def act(actor: Any, obs: Float[Array, "env obs"], seed_and_step: Array) -> Float[Array, "env action"]:
        key = jax.random.fold_in(jax.random.PRNGKey(seed_and_step[0]), seed_and_step[1])
        mean, log_std = distribution(learner, actor, obs, task_ids)
        return squash(mean, log_std, jax.random.normal(key, mean.shape))[0]

    return act


def make_collector(config: SacConfig, seed: int, index: int = 0) -> Collector:
    """The environments of a run, or of one of its `collectors`, and who steps them."""
    learner = make_learner(config, seed)
    envs_per_task = config.envs_per_task // config.collectors
    envs = make_envs(
        config.tasks,
        seed,
        envs_per_task,
        max_episode_steps=config.max_episode_steps,
        reward_version=config.reward_version,
        first=index * envs_per_task * learner.num_tasks,
    )
    return Collector(
        envs,
        make_act(learner, envs_per_task),
        steps=config.chunk_vector_steps,
        random_chunks=config.random_chunks,
        seed=seed + SEEDS_APART * index,
        overlap=config.overlap and config.collectors == 1,
        n_steps=config.n_steps,
        discount=config.discount,
        measures_returns=config.normalize_returns,
    )


def make_collectors(config: SacConfig, seed: int) -> Collector | CollectorPool:
    """All collectors of a run: one in this process, or some in processes of their own."""
    if config.collectors == 1:
        return make_collector(config, seed)
    return CollectorPool([partial(make_collector, config, seed, index) for index in range(config.collectors)])
