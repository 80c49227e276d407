"""A value network that is told the hidden instance (an asymmetric critic: Pinto et al. 2018). The policy never is.

Short trials need it: a linear fit to a few hundred steps explains their returns so well that it leaves little to learn from.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.on_policy import Rollout, gae, linear_advantages
from metaworld_baselines.networks.scaling import rescaled, updated_scale
from metaworld_baselines.networks.values import expected
from metaworld_py.instances import Task

INSTANCE_SIZE = 9  # of the longest random vector
LINEAR, CRITIC = "linear", "critic"  # baselines: the published one, and this


def instance_inputs(config: Any, tasks: list[Task]) -> NDArray[np.float32]:
    """Privileged inputs of the critic (env, …): the random vectors of hidden instances, and of several tasks which it is."""
    names, found = config.tasks, np.zeros((len(tasks), INSTANCE_SIZE + len(config.tasks)), np.float32)
    for row, task in zip(found, tasks, strict=True):
        row[: len(task.rand_vec)] = task.rand_vec
        row[INSTANCE_SIZE + names.index(task.env_name)] = 1.0
    return found


def with_instances(rollout: Rollout, instances: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The critic's inputs (env, step, …) at each step and at the one after: observation, instance, time of the episode and of the trial."""
    steps = rollout.reward.shape[1]
    privileged = np.broadcast_to(instances[:, None], (*rollout.reward.shape, instances.shape[-1]))
    in_trial = np.broadcast_to(np.arange(steps, dtype=np.float32) / steps, rollout.reward.shape)
    length = rollout.time.max() + 1.0

    def inputs(obs: NDArray[Any], time: NDArray[Any], in_trial: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([obs, privileged, time[..., None] / length, in_trial[..., None]], axis=-1)

    # Beyond the end of an episode lies the beginning of the next one.
    at = inputs(rollout.obs, rollout.time, in_trial)
    return at, np.concatenate([at[:, 1:], inputs(rollout.next_obs, rollout.time, in_trial)[:, -1:]], axis=1)


def estimate_advantages(
    learner: Any, agent: Any, rollout: Rollout, instances: NDArray[Any]
) -> tuple[Any, NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Advantages, the critic's inputs and its targets; first the agent with its scales brought up to date. Nothing follows a trial."""
    config = learner.config
    if config.baseline == LINEAR:
        advantage = linear_advantages(rollout, config.discount, config.trace, across_episodes=True)
        nothing = np.zeros((*advantage.shape, agent.critic_scale.mean.size), np.float32)
        return agent, advantage, nothing, np.zeros_like(advantage)
    at, after = with_instances(rollout, instances)
    return jax.device_get(_estimate_advantages(learner, agent, rollout.reward, at, after))


@partial(jax.jit, static_argnums=0)
def _estimate_advantages(learner: Any, agent: Any, reward: Array, at: Array, after: Array) -> tuple[Any, Array, Array, Array]:
    config, is_new = learner.config, agent.critic_scale.count == 0.0
    fresh = updated_scale(agent.critic_scale, at.reshape(-1, at.shape[-1]).T)
    scale = jax.tree.map(lambda new, old: jnp.where(is_new, new, old), fresh, agent.critic_scale)  # the one that the critic learned with

    def values(inputs: Array) -> Array:
        outputs = learner.critic.apply(agent.critic, rescaled(scale, inputs))
        value = expected(outputs, config.critic_range) if config.critic_bins else outputs[..., 0]
        return value * jnp.sqrt(agent.target_scale.var[0]) + agent.target_scale.mean[0]

    is_last = jnp.broadcast_to(jnp.arange(reward.shape[1]) == reward.shape[1] - 1, reward.shape)
    value, next_value = values(at), jnp.where(is_last, 0.0, values(after))
    advantage = gae(reward, value, next_value, is_last, config.discount, config.trace)
    target = advantage + value
    target_scale = updated_scale(agent.target_scale, target.reshape(1, -1))
    target = (target - target_scale.mean[0]) / jnp.sqrt(target_scale.var[0])
    return agent._replace(critic_scale=fresh, target_scale=target_scale), advantage, rescaled(fresh, at), target
