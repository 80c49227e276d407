"""A value network that is told the hidden instance (an asymmetric critic: Pinto et al. 2018). The policy never is.

Short trials need it: a linear fit to a few hundred steps explains their returns so well that it leaves little to learn from.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.on_policy import Rollout, gae, linear_advantages
from metaworld_baselines.networks.scaling import rescaled, updated_scale
from metaworld_baselines.networks.values import expected
from metaworld_py.instances import Task

PLACE_SIZE, LONGEST = 3, 9  # of a place, and of the longest random vector: places in the scene, mostly first an object's, then the goal
INSTANCE_SIZE = LONGEST + PLACE_SIZE  # with the way from the first place to the second
LINEAR, CRITIC = "linear", "critic"  # baselines: the published one, and this


def instance_inputs(config: Any, tasks: list[Task]) -> NDArray[np.float32]:
    """Privileged inputs of the critic (env, …): random vectors of instances, ways from first places to second ones, tasks one-hot."""
    names, found = config.tasks, np.zeros((len(tasks), INSTANCE_SIZE + len(config.tasks)), np.float32)
    for row, task in zip(found, tasks, strict=True):
        row[: len(task.rand_vec)] = task.rand_vec
        row[LONGEST:INSTANCE_SIZE] = row[PLACE_SIZE : 2 * PLACE_SIZE] - row[:PLACE_SIZE]
        row[INSTANCE_SIZE + names.index(task.env_name)] = 1.0
    return found


class Place(NamedTuple):
    """Where a rollout lies in its trials, and what comes next there."""

    first_step: int
    next_obs: Float[Array, "env obs"]  # of the next episode where one has ended
    next_time: Float[Array, " env"]


def place_at_start(rollout: Rollout) -> Place:
    """Place of a rollout that is its trials' beginning or whole, with the last steps' own successors behind it."""
    return Place(0, rollout.next_obs[:, -1], rollout.time[:, -1] + 1.0)


def with_instances(config: Any, rollout: Rollout, instances: NDArray[Any], place: Place | None = None) -> tuple[NDArray[Any], NDArray[Any]]:
    """The critic's inputs (env, step, …) at each step and at the one after: observation, instance, time of the episode and of the trial."""
    place = place or place_at_start(rollout)
    obs = np.concatenate([rollout.obs, place.next_obs[:, None]], axis=1)  # beyond the end of an episode lies the beginning of the next one
    time = np.concatenate([rollout.time, place.next_time[:, None]], axis=1)
    in_trial = np.arange(place.first_step, place.first_step + obs.shape[1], dtype=np.float32) / config.trial_steps
    told = np.broadcast_to(instances[:, None], (*time.shape, instances.shape[-1]))
    clocks = np.stack([time / config.max_episode_steps, np.broadcast_to(in_trial, time.shape)], axis=-1, dtype=np.float32)
    inputs = np.concatenate([obs, told, clocks], axis=-1)
    return inputs[:, :-1], inputs[:, 1:]


def estimate_advantages(
    learner: Any, agent: Any, rollout: Rollout, instances: NDArray[Any], place: Place | None = None
) -> tuple[Any, NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Advantages, the critic's inputs and its targets; first the agent with its scales brought up to date. Nothing follows a trial.

    Args:
      learner, agent: that played.
      rollout: a part of each trial, or the whole.
      instances: what the critic is privileged, see `instance_inputs`.
      place: of the rollout in its trials; None: it is the whole of them.
    """
    config = learner.config
    if config.baseline == LINEAR:
        advantage = linear_advantages(rollout, config.discount, config.trace, across_episodes=True)
        nothing = np.zeros((*advantage.shape, agent.critic_scale.mean.size), np.float32)
        return agent, advantage, nothing, np.zeros_like(advantage)
    at, after = with_instances(config, rollout, instances, place)
    is_over = place is None or place.first_step + rollout.reward.shape[1] == config.trial_steps
    return jax.device_get(_estimate_advantages(learner, agent, rollout.reward, at, after, is_over))


@partial(jax.jit, static_argnums=0)
def _estimate_advantages(
    learner: Any, agent: Any, reward: Array, at: Array, after: Array, is_over: Array
) -> tuple[Any, Array, Array, Array]:
    config, is_new, trials = learner.config, agent.critic_scale.count == 0.0, len(reward)
    fresh = updated_scale(agent.critic_scale, at.reshape(-1, at.shape[-1]).T)
    scale = jax.tree.map(lambda new, old: jnp.where(is_new, new, old), fresh, agent.critic_scale)  # the one that the critic learned with

    def by_trial(of_task: Array) -> Array:
        """Numbers of tasks, or one for all, for each trial (trial, 1); a task's trials stand in a row."""
        return jnp.repeat(of_task, trials // len(of_task))[:, None]

    def values(inputs: Array) -> Array:
        outputs = learner.critic.apply(agent.critic, rescaled(scale, inputs))
        value = expected(outputs, config.critic_range) if config.critic_bins else outputs[..., 0]
        return value * by_trial(jnp.sqrt(agent.target_scale.var)) + by_trial(agent.target_scale.mean)

    is_last = jnp.broadcast_to(jnp.arange(reward.shape[1]) == reward.shape[1] - 1, reward.shape)
    value, next_value = values(at), jnp.where(is_last & is_over, 0.0, values(after))
    advantage = gae(reward, value, next_value, is_last, config.discount, config.critic_trace)
    target = advantage + value
    target_scale = updated_scale(agent.target_scale, target.reshape(len(agent.target_scale.mean), -1))
    target = (target - by_trial(target_scale.mean)) / by_trial(jnp.sqrt(target_scale.var))
    return agent._replace(critic_scale=fresh, target_scale=target_scale), advantage, rescaled(fresh, at), target
