"""PEARL (Rakelly et al. 2019): soft actor-critic for a hidden goal that is inferred, as a latent z, from off-policy experience with it.

For each of some goals, with a context c of its newest transitions and a batch of all of them:

    belief       z ~ q(z|c), a product of Gaussians                                                     (section 4.1)
    critics      y = r + γ (min Q'(s', a', z̄) − α log π(a'|s', z̄)),   z̄: z as a constant
    encoder      minimise the critics' errors through z, + λ KL(q(z|c) ‖ N(0, I))                       (section 5.2)
    actor        minimise α log π(a|s, z̄) − min Q(s, a, z̄)

Exploration is posterior sampling: an episode keeps one z, drawn from the prior at first and then from what is believed by now. Nothing here
ends by success, so every target looks beyond the last step. Ours: a learned temperature, and twin critics with targets instead of a value
network.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

from metaworld_baselines.algorithms.meta import Instances, evaluate_and_keep, make_train_envs
from metaworld_baselines.algorithms.pearl_agent import PearlAgent
from metaworld_baselines.algorithms.pearl_config import PearlConfig
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.goal_buffer import (
    CONTEXT_SIZE,
    GoalBuffer,
    Steps,
    add,
    context_of,
    draw_goals,
    draw_rows,
    empty,
    rows_of,
    steps_of,
)
from metaworld_baselines.experience.off_policy import Chunk
from metaworld_baselines.experience.on_policy import OnPolicyCollector
from metaworld_baselines.networks.actor_critic import ActionDistribution, squash, twin
from metaworld_baselines.networks.architectures import ONE_HOT
from metaworld_baselines.networks.context_encoder import Belief, ContextEncoder, prior
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_baselines.runs.throughput import Throughput
from metaworld_py import ACTION_SIZE, OBSERVATION_SIZE

ONE_TASK = np.ones(1, np.float32)  # the id of a network for one task, which it does not read


class Acting(NamedTuple):
    """What acts."""

    actor: Any
    encoder: Any


class Pearl(NamedTuple):
    """What learns, with its optimizers' states."""

    acting: Acting
    critic: Any
    target_critic: Any
    log_temperature: Float[Array, ""]
    actor_opt: Any
    critic_opt: Any  # of critics and encoder together
    temperature_opt: Any


@dataclass(frozen=True)
class Learner:
    """What stays the same during a run."""

    config: PearlConfig
    actor: ActionDistribution
    critic: nn.Module
    encoder: ContextEncoder
    optimizer: optax.GradientTransformation


def make_learner(config: PearlConfig) -> Learner:
    """Networks and optimizer for a configuration."""
    size = 1, config.width, config.depth, ONE_HOT
    encoder = ContextEncoder(config.encoder_width, config.encoder_depth, config.latent)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(config.learning_rate))
    return Learner(config, ActionDistribution(*size), twin(*size), encoder, optimizer)


def init(learner: Learner, seed: int) -> Pearl:
    """Networks at the start of a run."""

    @jax.jit
    def at_start(key: Array) -> Pearl:
        keys, inputs = jax.random.split(key, 3), jnp.zeros(OBSERVATION_SIZE + learner.config.latent)
        actor = learner.actor.init(keys[0], inputs, ONE_TASK)
        critic = learner.critic.init(keys[1], inputs, jnp.zeros(ACTION_SIZE), ONE_TASK)
        encoder = learner.encoder.init(keys[2], jnp.zeros((1, CONTEXT_SIZE)))
        log_temperature = jnp.log(jnp.float32(learner.config.initial_temperature))
        opts = (learner.optimizer.init(of) for of in (actor, (critic, encoder), log_temperature))
        return Pearl(Acting(actor, encoder), critic, jax.tree.map(jnp.copy, critic), log_temperature, *opts)

    return at_start(jax.random.PRNGKey(seed))


def with_latent(obs: Float[Array, "*batch obs"], z: Float[Array, "*ids latent"]) -> Float[Array, "*batch inputs"]:
    """Observations with what is believed of the goal; one z may serve many observations."""
    return jnp.concatenate([obs, jnp.broadcast_to(z, (*obs.shape[:-1], z.shape[-1]))], axis=-1)


def draw_action(learner: Learner, actor: Any, obs: Array, z: Array, noise: Array) -> tuple[Array, Array]:
    """A random action and its log density."""
    mean, log_std = learner.actor.apply(actor, with_latent(obs, z), ONE_TASK)
    return squash(mean, log_std, noise)


# Losses -------------------------------------------------------------------------------------------


class Batch(NamedTuple):
    """What an update learns from, goals first."""

    context: Float[Array, "goal transition context"]
    steps: Steps  # (goal, sample, …)


def critic_loss(learner: Learner, params: tuple[Any, Any], agent: Pearl, batch: Batch, key: Array) -> tuple[Array, tuple[Array, Any]]:
    """Errors of critics that read z, and the belief's divergence from the prior; also z, and metrics."""
    critic, encoder = params
    steps, keys = batch.steps, jax.random.split(key)
    belief: Belief = learner.encoder.apply(encoder, batch.context)
    z = belief.at(jax.random.normal(keys[0], belief.mean.shape))[:, None]
    fixed = jax.lax.stop_gradient(z)
    noise = jax.random.normal(keys[1], steps.action.shape)
    next_action, log_prob = draw_action(learner, agent.acting.actor, steps.next_obs, fixed, noise)
    next_values = learner.critic.apply(agent.target_critic, with_latent(steps.next_obs, fixed), next_action, ONE_TASK).min(axis=0)
    target = steps.reward + learner.config.discount * (next_values - jnp.exp(agent.log_temperature) * log_prob)
    values = learner.critic.apply(critic, with_latent(steps.obs, z), steps.action, ONE_TASK)
    error, kl = ((values - jax.lax.stop_gradient(target)) ** 2).mean(), belief.kl_to_prior().mean()
    metrics = {"critic_loss": error, "kl_to_prior": kl, "value": values.mean(), "belief_std": jnp.sqrt(belief.variance).mean()}
    return error + learner.config.kl_weight * kl, (fixed, metrics)


def actor_loss(learner: Learner, actor: Any, agent: Pearl, steps: Steps, z: Array, key: Array) -> tuple[Array, Array]:
    """What the actor minimises; also the mean log density of its actions."""
    action, log_prob = draw_action(learner, actor, steps.obs, z, jax.random.normal(key, steps.action.shape))
    value = learner.critic.apply(agent.critic, with_latent(steps.obs, z), action, ONE_TASK).min(axis=0)
    return (jnp.exp(agent.log_temperature) * log_prob - value).mean(), log_prob.mean()


def update(learner: Learner, agent: Pearl, batch: Batch, key: Array) -> tuple[Pearl, dict[str, Array]]:
    """One gradient step of everything."""
    keys, both = jax.random.split(key), (agent.critic, agent.acting.encoder)
    grads, (z, metrics) = jax.grad(partial(critic_loss, learner), has_aux=True)(both, agent, batch, keys[0])
    change, critic_opt = learner.optimizer.update(grads, agent.critic_opt)
    critic, encoder = optax.apply_updates(both, change)
    agent = agent._replace(acting=agent.acting._replace(encoder=encoder), critic=critic, critic_opt=critic_opt)

    of_actor = jax.value_and_grad(partial(actor_loss, learner), has_aux=True)
    (loss, log_prob), grads = of_actor(agent.acting.actor, agent, batch.steps, z, keys[1])
    change, actor_opt = learner.optimizer.update(grads, agent.actor_opt)
    actor = optax.apply_updates(agent.acting.actor, change)

    gradient = -jnp.exp(agent.log_temperature) * (log_prob + learner.config.target_entropy)
    change, temperature_opt = learner.optimizer.update(gradient, agent.temperature_opt)
    agent = agent._replace(
        acting=agent.acting._replace(actor=actor),
        target_critic=optax.incremental_update(agent.critic, agent.target_critic, learner.config.target_rate),
        log_temperature=agent.log_temperature + change,
        actor_opt=actor_opt,
        temperature_opt=temperature_opt,
    )
    return agent, metrics | {"actor_loss": loss, "entropy": -log_prob, "temperature": jnp.exp(agent.log_temperature)}


def draw_batch(config: PearlConfig, buffer: GoalBuffer, key: Array) -> Batch:
    """Random goals; of each a context of its newest experience, and a batch of all of it."""
    keys = jax.random.split(key, 3)
    goals = draw_goals(buffer, config.goals_per_update, keys[0])
    context = context_of(draw_rows(buffer, goals, config.context_size, config.steps_per_goal, keys[1]))
    return Batch(context, steps_of(draw_rows(buffer, goals, config.batch_per_goal, config.buffer_per_goal, keys[2])))


def learn(learner: Learner, agent: Pearl, buffer: GoalBuffer, key: Array, iteration: int | Array) -> tuple[Pearl, dict[str, Array]]:
    """All gradient steps of an iteration in one compiled call; also mean metrics."""

    def step(agent: Pearl, key: Array) -> tuple[Pearl, dict[str, Array]]:
        draw_key, update_key = jax.random.split(key)
        return update(learner, agent, draw_batch(learner.config, buffer, draw_key), update_key)

    keys = jax.random.split(jax.random.fold_in(key, iteration), learner.config.updates_per_iteration)
    agent, metrics = jax.lax.scan(step, agent, keys)
    return agent, jax.tree.map(jnp.mean, metrics)


# Training -----------------------------------------------------------------------------------------


def make_act(learner: Learner) -> Any:
    """Random actions for a z, which stays."""

    @jax.jit
    def act(acting: Acting, z: Array, obs: Array, previous: Array | None, seed_and_step: Array) -> tuple[Array, Array, Array]:
        key = jax.random.fold_in(jax.random.PRNGKey(seed_and_step[0]), seed_and_step[1])
        return *draw_action(learner, acting.actor, obs, z, jax.random.normal(key, (len(obs), ACTION_SIZE))), z

    return act


def collect_trials(
    learner: Learner, acting: Acting, collector: OnPolicyCollector, believe: Any, seed: int, iteration: int
) -> tuple[Array, Chunk]:
    """Episodes with z from the prior, then some with z from what these told: all as rows (env, step, …), and how the last ones went."""
    config, rng = learner.config, np.random.default_rng([seed, iteration])
    belief, first_step = prior(config.meta_batch, config.latent), iteration * config.steps_per_goal
    found, seconds = [], 0.0
    for episodes in (config.prior_episodes, config.posterior_episodes):
        z = np.asarray(belief.at(rng.normal(size=(config.meta_batch, config.latent)).astype(np.float32)))
        steps = episodes * config.max_episode_steps
        rollout, chunk, _ = collector.collect(acting, steps, first_step, memory=z)
        found.append(rows_of(rollout))
        at = rng.integers(steps, size=(config.meta_batch, config.context_size))
        belief = believe(acting, context_of(np.take_along_axis(np.asarray(found[-1]), at[..., None], axis=1)))
        first_step, seconds = first_step + steps, seconds + chunk.seconds
    return jnp.concatenate(found, axis=1), chunk._replace(seconds=seconds)


def train(config: PearlConfig, seed: int, run: RlRun) -> Pearl:
    """Train, or go on training, until the budget is spent.

    Raises:
      TooSlowError: see `RlRun.check_throughput`.
    """
    learner, instances = make_learner(config), Instances(config, seed)
    compiled, fill, believe = jax.jit(partial(learn, learner)), jax.jit(add, donate_argnums=0), make_believe(learner)
    collector = OnPolicyCollector(make_train_envs(config, seed), make_act(learner), seed=seed)
    new = init(learner, seed), empty(len(instances.all), config.buffer_per_goal)
    (agent, buffer), speed = run.resume_with(new, collector), Throughput()
    key = jax.random.PRNGKey(seed + 1_000_000)  # apart from the networks' and the actions'
    while run.goes_on():
        iteration = run.env_steps // config.env_steps_per_iteration
        began = time.perf_counter()
        tasks = instances.of_iteration(iteration)
        collector.restart(tasks)
        rows, chunk = collect_trials(learner, agent.acting, collector, believe, seed, iteration)
        buffer = fill(buffer, np.array([instances.all.index(task) for task in tasks]), rows)
        collected = time.perf_counter()
        agent, metrics = jax.block_until_ready(compiled(agent, buffer, key, iteration))
        speed.count(chunk, time.perf_counter() - collected, time.perf_counter() - began, config.updates_per_iteration)
        run.advance(config.env_steps_per_iteration)

        run.log("progress", speed.numbers(config.env_steps_per_iteration) | {name: float(value) for name, value in metrics.items()})
        speed = run.show_and_check(speed, config.env_steps_per_iteration)
        if run.is_due(config.eval_every_env_steps):
            evaluate_and_keep(config, seed, run, as_agent(learner, agent.acting, seed), agent.acting)
        if run.is_save_due(config.save_every_env_steps):
            run.save_all((agent, buffer), collector.get_state())
    collector.close()
    return agent


# Agent --------------------------------------------------------------------------------------------


def make_believe(learner: Learner) -> Any:
    """Beliefs from contexts (env, transition, …)."""
    return jax.jit(lambda acting, context: learner.encoder.apply(acting.encoder, context))


def as_agent(learner: Learner, params: Any, seed: int = 0) -> PearlAgent:
    """What acts, for evaluation."""

    @jax.jit
    def likeliest(acting: Acting, z: Array, obs: Array) -> Array:
        return jnp.tanh(learner.actor.apply(acting.actor, with_latent(obs, z), ONE_TASK)[0])

    config = learner.config
    return PearlAgent(
        make_act(learner), likeliest, make_believe(learner), params, latent=config.latent, context_size=config.context_size, seed=seed
    )
