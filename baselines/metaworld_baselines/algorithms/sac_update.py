"""Updates of the SAC family, many in one compiled call; what they look like; and beginning anew."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Int

from metaworld_baselines.algorithms.reward_scaling import reward_factors
from metaworld_baselines.algorithms.sac_config import ALL, TENSORFLOAT32, TORSO
from metaworld_baselines.algorithms.sac_learner import Learner, Sac, begin, init, task_features
from metaworld_baselines.algorithms.sac_losses import actor_losses, critic_losses, critic_targets, temperature_gradient
from metaworld_baselines.algorithms.seeds import ONE, Seeds
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience import replay
from metaworld_baselines.experience.replay import Buffer, Transition
from metaworld_baselines.gradients import conflict
from metaworld_baselines.gradients.combination import MultiTaskOptimizer
from metaworld_baselines.gradients.weighting import Weighting, projections_of
from metaworld_baselines.networks.multi_head import Network
from metaworld_baselines.networks.products import FLOAT32
from metaworld_py import ACTION_SIZE

BUFFERS: Any = Buffer(0, None, None)  # axes of several seeds in their buffers, for `Seeds.over`


class Draws(NamedTuple):
    """The random numbers of an update."""

    index: Int[Array, "task batch"]  # rows of the buffer
    next_noise: Float[Array, "task batch action"]  # of the target's actions
    noise: Float[Array, "task batch action"]  # of the actor's
    critic_method: Any  # of what combines the tasks' gradients, or None
    actor_method: Any


def draw(learner: Learner, buffer: Buffer, key: Array) -> Draws:
    """For one update."""
    sample_key, noise_key = jax.random.split(key)
    index = replay.draw(buffer, sample_key, learner.config.batch_per_task)
    next_noise, noise = jax.random.normal(noise_key, (2, *index.shape, ACTION_SIZE))
    critic_key, actor_key = jax.random.split(jax.random.fold_in(key, 1))
    return Draws(index, next_noise, noise, learner.critic_opt.draw(critic_key), learner.actor_opt.draw(actor_key))


def update(learner: Learner, agent: Sac, batch: Transition, draws: Draws) -> Sac:
    """One update of everything, from a batch (task, batch, …)."""
    targets = critic_targets(learner, agent, batch, draws.next_noise)
    losses = partial(critic_losses, learner)
    arrays: tuple[Any, ...] = batch, learner.task_ids, targets
    steps, critic_opt, _ = learner.critic_opt.update(losses, agent.critic, agent.critic_opt, *arrays, noise=draws.critic_method)
    critic = optax.apply_updates(agent.critic, steps)

    losses = partial(actor_losses, learner, critic)
    arrays = batch.obs, learner.task_ids, task_features(learner, critic), agent.log_temperature, draws.noise
    steps, actor_opt, (_, log_prob) = learner.actor_opt.update(losses, agent.actor, agent.actor_opt, *arrays, noise=draws.actor_method)
    actor = optax.apply_updates(agent.actor, steps)

    grads = temperature_gradient(log_prob, learner.config.target_entropy)
    steps, temperature_opt = learner.temperature_opt.update(grads, agent.temperature_opt, agent.log_temperature)
    log_temperature = optax.apply_updates(agent.log_temperature, steps)

    target_critic = optax.incremental_update(critic, agent.target_critic, learner.config.target_rate)
    return Sac(actor, critic, target_critic, log_temperature, actor_opt, critic_opt, temperature_opt, agent.scaling)


def update_often(learner: Learner, agent: Sac, buffer: Buffer, key: Array, iteration: int | Array) -> Sac:
    """A chunk's worth of updates in one compiled call; `iteration` counts the calls.

    What is random is drawn before the first of them: on a GPU an update's time is its number of kernels.
    """

    def once(agent: Sac, draws: Draws) -> tuple[Sac, None]:
        return update(learner, agent, replay.batch_of(buffer, draws.index), draws), None

    keys = jax.random.split(jax.random.fold_in(key, iteration), learner.config.updates_per_chunk)
    draws = jax.vmap(partial(draw, learner, buffer))(keys)
    with jax.default_matmul_precision(FLOAT32 if learner.config.precision == FLOAT32 else TENSORFLOAT32):
        return jax.lax.scan(once, agent, draws)[0]


def compiled_updates(learner: Learner, seeds: Seeds = ONE) -> Any:
    """`update_often` of this learner for all seeds, compiled; the agents that it is given are used up."""

    def examples() -> Any:
        agent, buffer, key = init(learner, 0), replay.empty(learner.num_tasks, learner.config.capacity), jax.random.PRNGKey(0)
        agents, keys = (seeds.join([one] * seeds.number) for one in (agent, key))
        return agents, join_buffers(seeds, [buffer] * seeds.number), keys

    agents, buffers, keys = jax.eval_shape(examples)
    updates = jax.jit(seeds.over(partial(update_often, learner), (0, BUFFERS, 0, None)), donate_argnums=0)
    return updates.lower(agents, buffers, keys, np.int32(0)).compile()


def join_buffers(seeds: Seeds, buffers: Sequence[Buffer]) -> Buffer:
    """All seeds' buffers, which are filled alike."""
    return buffers[0]._replace(rows=seeds.join([buffer.rows for buffer in buffers]))


def take_buffer(seeds: Seeds, buffers: Buffer, index: int) -> Buffer:
    """One seed's buffer."""
    return buffers._replace(rows=seeds.take(buffers.rows, index))


def reset(learner: Learner, agent: Sac, buffer: Buffer, key: Array) -> Sac:
    """New networks and optimizers (ARS); what is known of rewards stays, and factors are found anew from the replay buffer."""
    scaling = agent.scaling
    if scaling is not None and learner.config.reward_factors:
        scaling = scaling._replace(factor=reward_factors(replay.mean_rewards(buffer)))
    return begin(learner, key)._replace(scaling=scaling)


def with_returns(agent: Sac, largest: Any) -> Sac:
    """What learns, with a chunk's largest returns taken in, of one seed or of all; None changes nothing."""
    if agent.scaling is None or largest is None:
        return agent
    largest_return = jnp.maximum(agent.scaling.largest_return, jnp.asarray(largest, jnp.float32))
    return agent._replace(scaling=agent.scaling._replace(largest_return=largest_return))


def look(learner: Learner, agent: Sac, buffer: Buffer, key: Array, iteration: int | Array) -> dict[str, Float[Array, " task"]]:
    """Losses, values and entropies on a fresh batch, per task."""
    draws = draw(learner, buffer, jax.random.fold_in(key, iteration))
    batch = replay.batch_of(buffer, draws.index)
    targets = critic_targets(learner, agent, batch, draws.next_noise)
    critic_loss, q = critic_losses(learner, agent.critic, batch, learner.task_ids, targets)
    arguments = batch.obs, learner.task_ids, task_features(learner, agent.critic), agent.log_temperature, draws.noise
    actor_loss, log_prob = actor_losses(learner, agent.critic, agent.actor, *arguments)
    temperature = jnp.exp(agent.log_temperature)
    return {"critic_loss": critic_loss, "actor_loss": actor_loss, "q": q, "entropy": -log_prob, "temperature": temperature}


def diagnose(
    learner: Learner, agent: Sac, buffer: Buffer, key: Array, iteration: int | Array
) -> dict[str, conflict.Conflict | conflict.Combined]:
    """Gradient conflicts of critics and actor on a fresh batch: of all parameters, of the torso alone, and after combination."""
    draw_key, power_key = jax.random.split(jax.random.fold_in(key, iteration))
    draws = draw(learner, buffer, draw_key)
    batch = replay.batch_of(buffer, draws.index)
    targets = critic_targets(learner, agent, batch, draws.next_noise)

    def of_critic(critic: Any) -> Float[Array, " task"]:
        return critic_losses(learner, critic, batch, learner.task_ids, targets)[0]

    def of_actor(actor: Any) -> Float[Array, " task"]:
        arguments = batch.obs, learner.task_ids, task_features(learner, agent.critic), agent.log_temperature, draws.noise
        return actor_losses(learner, agent.critic, actor, *arguments)[0]

    def looks(
        side: str, losses: conflict.TaskLosses, params: Any, network: Network, opt: MultiTaskOptimizer, state: Any, noise: Any
    ) -> Any:
        see = partial(conflict.diagnose, losses, params, learner.config.learning_rate, power_key)
        grams: dict[str, Array] = {}
        (whole, grams[ALL]), (torso, grams[TORSO]) = see(), see(mask=network.is_torso)
        found: dict[str, conflict.Conflict | conflict.Combined] = {side: whole, f"{side}_torso": torso}
        if isinstance(opt.method, Weighting):
            gram = grams[learner.config.combined_params]
            found[f"{side}_combined"] = conflict.combined(gram, projections_of(opt.method, gram, losses(params), state.method, noise))
        return found

    return {
        **looks("critic", of_critic, agent.critic, learner.critic, learner.critic_opt, agent.critic_opt[0], draws.critic_method),
        **looks("actor", of_actor, agent.actor, learner.actor, learner.actor_opt, agent.actor_opt[0], draws.actor_method),
    }
