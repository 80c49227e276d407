"""RL² (Duan et al. 2016): a recurrent policy whose memory is the adaptation, trained by PPO over whole trials.

A trial is several episodes of one hidden goal. The memory lives through the ends of its episodes and is empty at its start. The policy
reads the observation, its previous action and reward, and whether an episode has just ended, so that it can find out what the goal is and
use it. Advantages run across the episodes of a trial: exploring in the first pays in the later ones.

What an action was worth is judged by a linear baseline, fitted to each trial by itself, as published; or, with `baseline="critic"`,
by a value network that is told the hidden instance (an asymmetric critic: Pinto et al. 2018). The policy never is. Short trials need
the latter: a fit to a few hundred steps explains their returns so well that it leaves little to learn from.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Float, Int

from metaworld_baselines.algorithms import meta_regularization
from metaworld_baselines.algorithms.augmentation import make_augmented_act, observation_offsets
from metaworld_baselines.algorithms.meta import Instances, evaluate_and_keep, make_train_envs
from metaworld_baselines.algorithms.ppo import clipped_surrogate, divergence, followed, next_noise, stepped
from metaworld_baselines.algorithms.privileged_critic import CRITIC, instance_inputs
from metaworld_baselines.algorithms.recurrent_agent import RECURRENT_SIZE, Memory, RecurrentAgent
from metaworld_baselines.algorithms.rl2_config import Rl2Config
from metaworld_baselines.algorithms.trials import Sequences, play_and_learn
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.on_policy import OnPolicyCollector
from metaworld_baselines.gradients.accumulation import accumulated_grad
from metaworld_baselines.gradients.combination import MultiTaskOptimizer, by_task
from metaworld_baselines.gradients.methods import find_method
from metaworld_baselines.networks.falling_std import with_std_below
from metaworld_baselines.networks.gaussian import MLP, Gaussian
from metaworld_baselines.networks.products import hidden_dtype
from metaworld_baselines.networks.recurrent import RecurrentPolicy
from metaworld_baselines.networks.scaling import Scale, new_scale, rescaled, updated_scale
from metaworld_baselines.networks.values import two_hot
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_baselines.runs.throughput import Throughput
from metaworld_py import OBSERVATION_SIZE

ENCODER = {"first": True, "second": True}  # layers between the inputs and the memory, whose weights have a price with `information_weight`

# Network ------------------------------------------------------------------------------------------


class Policy(NamedTuple):
    """What acts."""

    weights: Any
    scale: Scale  # of the inputs; mean 0 and variance 1 unless these are normalised


class Rl2(NamedTuple):
    """What learns, with its optimizers' states."""

    policy: Policy
    critic: Any
    policy_opt: Any
    critic_opt: Any
    critic_scale: Scale  # of the critic's inputs
    target_scale: Scale  # of what it learns: of each task, or one for all
    rate_factor: Float[Array, ""]  # of the policy's learning rate


@dataclass(frozen=True)
class Learner:
    """What stays the same during a run."""

    config: Rl2Config
    policy: RecurrentPolicy
    critic: MLP
    policy_optimizer: optax.GradientTransformation | MultiTaskOptimizer
    critic_optimizer: optax.GradientTransformation


def make_learner(config: Rl2Config, seed: int = 0) -> Learner:
    """Networks and optimizers for a configuration; the seed is of what combinations of gradients draw."""

    def optimizer(rate: float) -> optax.GradientTransformation:
        return optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.adam(rate, eps=config.adam_eps))

    dtype = hidden_dtype(config.precision)
    policy = RecurrentPolicy(
        config.width,
        config.memory,
        config.forgetful,
        config.initial_std,
        config.skip,
        min_std=config.min_std,
        max_std=config.max_std,
        has_tanh_mean=config.tanh_mean,
        head=config.head,
        head_width=config.head_width,
        has_state_dependent_std=config.state_dependent_std,
        is_blind_to_action=not config.reads_last_action,
        has_clipped_densities=config.clipped_densities,
        dtype=dtype,
    )
    critic = MLP(config.critic_width, 2, max(config.critic_bins, 1), "tanh", dtype=dtype)
    policy_optimizer: Any = optimizer(config.learning_rate)
    if config.combination is not None:
        method = find_method(config.combination, len(config.tasks), may_be_negative=True)
        policy_optimizer = MultiTaskOptimizer(method, policy_optimizer, seed)
    return Learner(config, policy, critic, policy_optimizer, optimizer(config.critic_learning_rate))


def init(learner: Learner, seed: int) -> Rl2:
    """Networks at the start of a run."""
    critic_size = OBSERVATION_SIZE + instance_inputs(learner.config, []).shape[-1] + 2

    @jax.jit
    def at_start(key: Array) -> Rl2:
        weights = learner.policy.init(key, jnp.zeros(learner.config.memory), jnp.zeros(RECURRENT_SIZE))
        if learner.config.information_weight:
            weights = meta_regularization.with_deviations(weights, ENCODER, learner.config.information_std)
        critic = learner.critic.init(jax.random.fold_in(key, 1), jnp.zeros(critic_size))
        opts = learner.policy_optimizer.init(weights), learner.critic_optimizer.init(critic)
        return Rl2(
            Policy(weights, new_scale(RECURRENT_SIZE)),
            critic,
            *opts,
            new_scale(critic_size),
            new_scale(learner.config.value_scales),
            jnp.ones(()),
        )

    return at_start(jax.random.PRNGKey(seed))


def seen(learner: Any, policy: Policy, inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch inputs"]:
    """Inputs as the network takes them."""
    config = learner.config
    return rescaled(policy.scale, inputs, config.min_input_std) if config.normalize_inputs else inputs


def one_step(
    learner: Any, policy: Policy, memory: Float[Array, "*batch memory"], inputs: Float[Array, "*batch inputs"]
) -> tuple[Float[Array, "*batch memory"], Gaussian]:
    """The memory after a step, and the distribution of its action."""
    return learner.policy.apply(policy.weights, memory, seen(learner, policy, inputs))


def over_time(learner: Learner, policy: Policy, memory: Float[Array, "env memory"], inputs: Float[Array, "env step inputs"]) -> Gaussian:
    """Distributions (env, step, 4) along sequences that start with this memory; only the memory itself goes step by step."""
    encoded, memories = remembered(learner, policy, memory, inputs)
    return learner.policy.apply(policy.weights, memories, encoded, method="act")


def remembered(
    learner: Any, policy: Policy, memory: Float[Array, "env memory"], inputs: Float[Array, "env step inputs"]
) -> tuple[Float[Array, "env step width"], Float[Array, "env step memory"]]:
    """Encoded inputs, and the memory after each step."""
    network, weights = learner.policy, policy.weights
    encoded = network.apply(weights, seen(learner, policy, inputs.swapaxes(0, 1)), method="encode")
    return encoded.swapaxes(0, 1), network.apply(weights, memory, encoded, method="unroll").swapaxes(0, 1)


def acting(learner: Learner, policy: Policy, key: Array) -> Policy:
    """What plays a rollout: the policy, or with meta-regularisation one drawn from it by that rollout's key."""
    if not learner.config.information_weight:
        return policy
    key = jax.random.fold_in(key, 1_000_000)  # apart from the orders of minibatches
    return policy._replace(weights=meta_regularization.drawn(policy.weights, key))


def refreshed(learner: Learner, policy: Policy, sequences: Sequences) -> Sequences:
    """The sequences with the memories at their starts as this policy would have them (Kapturowski et al. 2019), but for the first ones."""
    trials = learner.config.meta_batch
    inputs = sequences.inputs.reshape(trials, -1, RECURRENT_SIZE)
    first = sequences.memory.reshape(trials, -1, learner.config.memory)[:, 0]
    memories = remembered(learner, policy, first, inputs)[1]
    ends = memories[:, learner.config.sequence_steps - 1 :: learner.config.sequence_steps]  # a sequence starts where one ends
    starts = jnp.concatenate([first[:, None], ends[:, :-1]], axis=1)
    return sequences._replace(memory=starts.reshape(sequences.memory.shape))


# Learning -----------------------------------------------------------------------------------------


def loss(learner: Learner, weights: Any, scale: Scale, batch: Sequences, key: Array) -> tuple[Array, dict[str, Array]]:
    """PPO's clipped surrogate, entropy bonus and the price of information in the weights, to be minimised; the key is the rollout's."""
    config = learner.config
    distribution = over_time(learner, acting(learner, Policy(weights, scale), key), batch.memory, batch.inputs)
    log_prob, entropy = distribution.log_prob(batch.action), distribution.entropy().mean()
    surrogate = clipped_surrogate(log_prob, batch.log_prob, batch.advantage, config.clip).mean()
    kl = divergence(log_prob, batch.log_prob).mean()
    metrics = {"surrogate": surrogate, "entropy": entropy, "kl": kl}
    if not config.information_weight:
        return -surrogate - config.entropy_bonus * entropy, metrics
    information = meta_regularization.nats(weights)
    metrics |= {"nats": information, "weights_std": meta_regularization.mean_std(weights)}
    return -surrogate - config.entropy_bonus * entropy + config.information_weight * information, metrics


def critic_loss(learner: Any, critic: Any, inputs: Float[Array, "*batch inputs"], target: Float[Array, "*batch"]) -> Array:
    """Squared error, in the units of the targets; or the cross entropy to these as bins."""
    outputs, config = learner.critic.apply(critic, inputs), learner.config
    if config.critic_bins:
        return -(two_hot(target, config.critic_bins, config.critic_range) * jax.nn.log_softmax(outputs)).sum(axis=-1).mean()
    return ((outputs[..., 0] - target) ** 2).mean()


def critic_grad(learner: Any, critic: Any, batch: Any) -> tuple[Any, Array]:
    """The gradient of `critic_loss`, and the loss, on all steps of a batch."""

    def loss(critic: Any, samples: tuple[Array, Array]) -> tuple[Array, Array]:
        error = critic_loss(learner, critic, *samples)
        return error, error

    inputs = batch.critic_inputs.reshape(-1, batch.critic_inputs.shape[-1])
    return accumulated_grad(loss, critic, (inputs, batch.target.ravel()))


def policy_step(learner: Learner, policy: Policy, opt: Any, batch: Sequences, key: Array) -> tuple[Any, Any, dict[str, Array]]:
    """Changes of the weights, the optimizer's next state, metrics; of a batch (task, sequence, …) where tasks' gradients are combined."""
    if isinstance(learner.policy_optimizer, MultiTaskOptimizer):
        losses = by_task(lambda weights, of_task: loss(learner, weights, policy.scale, of_task, key))
        updates, opt, (_, metrics), conflict = learner.policy_optimizer.measured_update(losses, policy.weights, opt, batch)
        return updates, opt, jax.tree.map(jnp.mean, metrics) | conflict

    def of_sequences(weights: Any, batch: Sequences) -> tuple[Array, dict[str, Array]]:
        return loss(learner, weights, policy.scale, batch, key)

    grads, metrics = accumulated_grad(of_sequences, policy.weights, batch, learner.config.sequence_steps)
    updates, opt = learner.policy_optimizer.update(grads, opt)
    return updates, opt, metrics


def minibatch_order(config: Rl2Config, key: Array) -> Int[Array, "*sequence"]:
    """An epoch's sequences in random order (minibatch, …); to combine tasks' gradients, equally many of each (minibatch, task, …)."""
    if config.combination is None:
        return jax.random.permutation(key, config.num_sequences).reshape(config.minibatches, -1)
    tasks = len(config.tasks)
    orders = jax.vmap(jax.random.permutation)(jax.random.split(key, tasks), jnp.arange(config.num_sequences).reshape(tasks, -1))
    return jnp.moveaxis(orders.reshape(tasks, config.minibatches, -1), 1, 0)


def learn(learner: Learner, agent: Rl2, sequences: Sequences, key: Array, iteration: int | Array) -> tuple[Rl2, dict[str, Array]]:
    """All gradient steps of an iteration in one compiled call; also mean metrics."""
    config, rollout_key, rate_share = learner.config, jax.random.fold_in(key, iteration), learner.config.rate_share_at(iteration)

    def step(sequences: Sequences, agent_and_is_near: tuple[Rl2, Array], chosen: Array) -> tuple[tuple[Rl2, Array], dict[str, Array]]:
        agent, is_near = agent_and_is_near
        batch, (weights, scale) = jax.tree.map(lambda x: x[chosen], sequences), agent.policy
        updates, policy_opt, metrics = policy_step(learner, agent.policy, agent.policy_opt, batch, rollout_key)
        is_near &= (config.max_kl == 0.0) | (metrics["kl"] <= config.max_kl)
        rate_factor = agent.rate_factor
        if config.target_kl:
            rate_factor = followed(rate_factor, metrics["kl"], config.target_kl)
            metrics |= {"rate_factor": rate_factor}
        new = agent._replace(policy=Policy(stepped(weights, updates, rate_share * rate_factor), scale), policy_opt=policy_opt)
        agent = jax.tree.map(lambda new, old: jnp.where(is_near, new, old), new, agent)._replace(rate_factor=rate_factor)
        if config.baseline == CRITIC:
            if config.combination is not None:
                batch = jax.tree.map(lambda x: x[chosen.ravel()], sequences)  # the critic takes all tasks alike
            grads, error = critic_grad(learner, agent.critic, batch)
            updates, critic_opt = learner.critic_optimizer.update(grads, agent.critic_opt)
            agent = agent._replace(critic=optax.apply_updates(agent.critic, updates), critic_opt=critic_opt)
            metrics |= {"critic_loss": error}
        return (agent, is_near), metrics | {"policy_steps": is_near.astype(jnp.float32)}

    def epoch(agent_and_is_near: tuple[Rl2, Array], order: Array) -> tuple[tuple[Rl2, Array], dict[str, Array]]:
        policy = acting(learner, agent_and_is_near[0].policy, rollout_key)
        fresh = refreshed(learner, policy, sequences) if config.refresh_memory else sequences
        return jax.lax.scan(partial(step, fresh), agent_and_is_near, order)

    keys = jax.random.split(rollout_key, config.epochs)
    orders = jax.vmap(partial(minibatch_order, config))(keys)
    (agent, _), metrics = jax.lax.scan(epoch, (agent, jnp.array(True)), orders)
    if config.normalize_inputs:  # only now: the densities of these actions belong to the scale that they were drawn with
        inputs = sequences.inputs
        if config.augmentation:  # which is in units of this scale, so that it would widen what it is measured by
            inputs = inputs.at[..., :OBSERVATION_SIZE].add(-sequences.offset[:, None])
        scale = updated_scale(agent.policy.scale, inputs.reshape(-1, RECURRENT_SIZE).T)
        agent = agent._replace(policy=agent.policy._replace(scale=scale))
    if config.final_max_std is not None:
        weights, env_steps = agent.policy.weights, (iteration + config.steps_at_once) * config.meta_batch
        weights = {**weights, "params": with_std_below(config, weights["params"], env_steps)}
        agent = agent._replace(policy=agent.policy._replace(weights=weights))
    return agent, jax.tree.map(lambda values: values.mean(), metrics)


# Training -----------------------------------------------------------------------------------------


def make_act(learner: Any) -> Any:
    """Random actions of a policy, and the memory after them."""

    @jax.jit
    def act(policy: Any, memory: Memory, obs: Array, previous: Array, seed_and_step: Array) -> tuple[Array, Array, Memory]:
        key = jax.random.fold_in(jax.random.PRNGKey(seed_and_step[0]), seed_and_step[1])
        state, distribution = one_step(learner, policy, memory.state, jnp.concatenate([obs, previous], axis=-1))
        noise = next_noise(memory.noise, jax.random.normal(key, distribution.mean.shape), learner.config.noise_correlation)
        action = distribution.at(noise)
        return action, distribution.log_prob(action), Memory(state, noise)

    return act


def train(config: Rl2Config, seed: int, run: RlRun) -> Rl2:
    """Train, or go on training, until the budget is spent.

    Raises:
      TooSlowError: see `RlRun.check_throughput`.
    """
    learner = make_learner(config, seed)
    compiled = jax.jit(partial(learn, learner))
    collector = OnPolicyCollector(make_train_envs(config, seed), make_augmented_act(make_act(learner)), seed=seed)
    agent, speed, instances = run.resume_with(init(learner, seed), collector), Throughput(), Instances(config, seed)
    key = jax.random.PRNGKey(seed + 1_000_000)  # apart from the network's and the actions'
    while run.goes_on():
        iteration = run.env_steps // config.env_steps_per_iteration
        began = time.perf_counter()
        tasks = instances.of_iteration(iteration)
        collector.restart(tasks)
        offset = observation_offsets(config, agent.policy.scale, seed, iteration)
        agent, chunk, learning, metrics = play_and_learn(
            learner, collector, agent, compiled, instance_inputs(config, tasks), key, iteration, offset, partial(acting, learner)
        )
        speed.count(chunk, learning, time.perf_counter() - began, config.updates_per_iteration)
        run.advance(config.env_steps_per_iteration)

        run.log("progress", speed.numbers(config.env_steps_per_iteration) | metrics)
        speed = run.show_and_check(speed, config.env_steps_per_iteration)
        if run.is_due(config.eval_every_env_steps):
            evaluate_and_keep(config, seed, run, as_agent(learner, agent.policy, seed), agent.policy)
        if run.is_save_due(config.save_every_env_steps):
            run.save_all(agent, collector.get_state())
    collector.close()
    return agent


# Agent --------------------------------------------------------------------------------------------


def as_agent(learner: Any, params: Any, seed: int = 0) -> RecurrentAgent:
    """A policy for evaluation."""

    @jax.jit
    def likeliest(params: Any, memory: Array, obs: Array, previous: Array) -> tuple[Array, Array]:
        memory, distribution = one_step(learner, params, memory, jnp.concatenate([obs, previous], axis=-1))
        return distribution.mean, memory

    config, act = learner.config, make_act(learner)
    trial_episodes = (config.trial_episodes or config.episodes) if config.rehearses else 0
    return RecurrentAgent(act, likeliest, params, config.memory, seed, trial_episodes=trial_episodes)
