"""Losses of SAC, a number for each task, with the equations of Haarnoja et al. 2018 (see `sac`)."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.algorithms.reward_scaling import return_scale
from metaworld_baselines.algorithms.sac_learner import Learner, Sac, task_features
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.replay import Transition
from metaworld_baselines.networks.actor_critic import squash


def reward_scale(learner: Learner, agent: Sac) -> Float[Array, " task"] | float:
    """What rewards are multiplied by before anything is learned from them."""
    config, scaling = learner.config, agent.scaling
    if scaling is None:
        return 1.0
    if not config.normalize_returns:
        return scaling.factor
    settings = {"target_entropy": config.target_entropy, "discount": config.discount, "value_range": config.value_range}
    return return_scale(scaling.largest_return, jnp.exp(agent.log_temperature), **settings)


def critic_targets(
    learner: Learner, agent: Sac, batch: Transition, noise: Float[Array, "task batch action"]
) -> Float[Array, "task batch *bins"]:
    """What both critics are drawn to; the next action is the current actor's at the next observation.

    A time limit (truncated) is not an end: only `terminated` cuts the bootstrap.
    """
    mean, log_std = learner.actor.apply(agent.actor, batch.next_obs, learner.task_ids, task_features(learner, agent.critic))
    next_action, log_prob = squash(mean, log_std, noise)
    next_outputs = learner.critic.apply(agent.target_critic, batch.next_obs, next_action, learner.task_ids)
    reward = batch.reward * jnp.reshape(reward_scale(learner, agent), (-1, 1))
    bonus = -jnp.exp(agent.log_temperature)[:, None] * log_prob
    return learner.values.targets(next_outputs, reward, learner.config.discount * (1.0 - batch.terminated), bonus)


def critic_losses(
    learner: Learner, critic: Any, batch: Transition, task_ids: Float[Array, "task 1 id"], targets: Float[Array, "task batch *bins"]
) -> tuple[Float[Array, " task"], Float[Array, " task"]]:
    """Errors of both critics, summed; also their mean Q."""
    outputs = learner.critic.apply(critic, batch.obs, batch.action, task_ids)
    errors, q = learner.values.errors(outputs, targets), learner.values.estimates(outputs)
    return errors.mean(axis=-1).sum(axis=0), q.mean(axis=(0, -1))


def actor_losses(
    learner: Learner,
    critic: Any,
    actor: Any,
    obs: Float[Array, "task batch obs"],
    task_ids: Float[Array, "task 1 id"],
    features: Float[Array, "task 1 embedding"] | None,
    log_temperature: Float[Array, " task"],
    noise: Float[Array, "task batch action"],
) -> tuple[Float[Array, " task"], Float[Array, " task"]]:
    """Temperature-weighted log density minus Q, at actions of the actor; also the mean log density."""
    mean, log_std = learner.actor.apply(actor, obs, task_ids, features)
    action, log_prob = squash(mean, log_std, noise)
    q = learner.values.value(learner.critic.apply(critic, obs, action, task_ids))
    return (jnp.exp(log_temperature)[:, None] * log_prob - q).mean(axis=-1), log_prob.mean(axis=-1)


def temperature_gradient(log_prob: Float[Array, " task"], target_entropy: float) -> Float[Array, " task"]:
    """Gradient of −log α (log π + target entropy): a task's temperature falls while its policy is more random than it should be."""
    return -(log_prob + target_entropy)
