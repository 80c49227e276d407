"""Proximal policy optimisation (Schulman et al. 2017) for one task or many, told apart by a one-hot id.

Each iteration takes a stretch of steps of every environment with one policy, then several epochs over it in random minibatches:

    policy   maximise  min(r A, clip(r, 1 − ε, 1 + ε) A) + c H,   r = π(a|s) / π_old(a|s)                  (eq. 7, 9)
    value    minimise  (V(s) − (A + V_old(s)))²

With `self_imitation` the policy also imitates successful episodes that went better than the critic now expects (self_imitation.py).

Neither a time limit nor the end of a stretch is an end of the problem: the advantage of the last step counts the value of its successor.

Settings stand in `ppo_config`. Steps are taken by environments on the processor, or by worlds of the GPU engine, whose arrays never leave
the device; all else is the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Int

from metaworld_baselines.algorithms import self_imitation
from metaworld_baselines.algorithms.ppo_config import PpoConfig
from metaworld_baselines.algorithms.task_policy import TaskPolicy
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.active_sampling import ActiveCollector
from metaworld_baselines.experience.device_collector import DeviceCollector, make_worlds
from metaworld_baselines.experience.off_policy import make_envs
from metaworld_baselines.experience.on_policy import OnPolicyCollector, Rollout, gae, staggered
from metaworld_baselines.experience.successes import Episodes, Successes
from metaworld_baselines.gradients.accumulation import accumulated_grad
from metaworld_baselines.gradients.combination import MultiTaskOptimizer
from metaworld_baselines.gradients.methods import find_method
from metaworld_baselines.networks.architectures import ONE_HOT, TaskValues
from metaworld_baselines.networks.falling_std import with_std_below
from metaworld_baselines.networks.gaussian import MLP, Gaussian, GaussianPolicy
from metaworld_baselines.networks.multi_head import with_task
from metaworld_baselines.networks.products import hidden_dtype
from metaworld_baselines.networks.scaling import Scale, merged_scale, new_scale, rescaled, rescaled_head, updated_scale
from metaworld_baselines.runs.evaluations import evaluate_all_goals
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_baselines.runs.throughput import Throughput
from metaworld_py import OBSERVATION_SIZE

RATE_STEP, RATE_RANGE = 1.2, (0.01, 10.0)  # of the factor that follows the divergence


# Networks, optimizers, state ----------------------------------------------------------------------


class Ppo(NamedTuple):
    """Everything that learns, with its optimizers' states."""

    policy: Any
    value: Any
    policy_opt: Any
    value_opt: Any
    scale: Scale  # of the values
    rate_factor: Array  # of the policy's learning rate; 1 unless it follows the divergence
    obs_scale: Scale  # mean 0 and variance 1 unless observations are normalised


@dataclass(frozen=True)
class Learner:
    """What stays the same during a run."""

    config: PpoConfig
    num_tasks: int
    policy: GaussianPolicy
    value: MLP | TaskValues
    policy_optimizer: optax.GradientTransformation | MultiTaskOptimizer
    value_optimizer: optax.GradientTransformation | MultiTaskOptimizer


def make_learner(config: PpoConfig, seed: int = 0) -> Learner:
    """Networks and optimizers for a configuration; the seed is of what combinations of gradients draw."""
    num_tasks = len(config.tasks)
    dtype = hidden_dtype(config.precision)
    policy = GaussianPolicy(
        config.width,
        config.depth,
        initial_std=config.initial_std,
        has_state_dependent_std=config.state_dependent_std,
        min_std=config.min_std,
        max_std=config.max_std,
        has_task_std=config.task_std,
        architecture=config.architecture,
        num_tasks=num_tasks,
        has_clipped_densities=config.clipped_densities,
        dtype=dtype,
    )
    values = num_tasks if config.value_heads else 1
    value: MLP | TaskValues = MLP(config.width, config.depth, values, has_layer_norm=config.critic_layer_norm, dtype=dtype)
    if config.architecture != ONE_HOT:
        value = TaskValues(config.architecture, num_tasks, config.width, config.depth, values, config.critic_layer_norm, dtype)

    def optimizer(combination: str | None, seed: int) -> optax.GradientTransformation | MultiTaskOptimizer:
        # At a rate of one: `learn` multiplies its steps by the iteration's.
        adam = optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.adam(1.0, eps=config.adam_eps))
        return adam if combination is None else MultiTaskOptimizer(find_method(combination, num_tasks), adam, seed)

    optimizers = optimizer(config.actor_combination, 2 * seed), optimizer(config.critic_combination, 2 * seed + 1)
    return Learner(config, num_tasks, policy, value, *optimizers)


def init(learner: Learner, seed: int) -> Ppo:
    """Networks at the start of a run."""

    @jax.jit
    def at_start(key: Array) -> Ppo:
        policy_key, value_key = jax.random.split(key)
        inputs = with_task(jnp.zeros(OBSERVATION_SIZE), jnp.zeros(learner.num_tasks))
        policy, value = learner.policy.init(policy_key, inputs), learner.value.init(value_key, inputs)
        opts = learner.policy_optimizer.init(policy), learner.value_optimizer.init(value)
        return Ppo(policy, value, *opts, new_scale(learner.num_tasks), jnp.ones(()), new_scale(OBSERVATION_SIZE))

    return at_start(jax.random.PRNGKey(seed))


def acting(learner: Learner, agent: Ppo) -> Any:
    """What acts, as it stands in files: the policy's weights, and beside them the scale of the observations where these are normalised."""
    return {**agent.policy, "obs_scale": agent.obs_scale} if learner.config.normalize_observations else agent.policy


def distribution(learner: Learner, actor: Any, obs: Array, ids: Array) -> Gaussian:
    """Distribution of the actions of what acts."""
    scale = actor.get("obs_scale")
    inputs = with_task(obs if scale is None else rescaled(scale, obs), ids)
    return learner.policy.apply({"params": actor["params"]}, inputs)


def task_values(learner: Learner, value: Any, inputs: Float[Array, "*batch inputs"], *, by_task: bool = False) -> Float[Array, "*batch"]:
    """Values in each task's units, from the output of that task where it has its own; for `by_task` see `split_task`."""
    options = {"by_task": by_task} if isinstance(learner.value, TaskValues) else {}
    outputs = learner.value.apply(value, inputs, **options)
    if outputs.shape[-1] > 1:
        outputs = (outputs * inputs[..., OBSERVATION_SIZE:]).sum(axis=-1, keepdims=True)
    return outputs[..., 0]


# Losses -------------------------------------------------------------------------------------------


def clipped_surrogate(
    log_prob: Float[Array, "*batch"], old_log_prob: Float[Array, "*batch"] | float, advantage: Float[Array, "*batch"], clip: float
) -> Float[Array, "*batch"]:
    """What the policy is to maximise, per sample: it gains nothing by leaving the neighbourhood of the old policy."""
    ratio = jnp.exp(log_prob - old_log_prob)
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1.0 - clip, 1.0 + clip) * advantage)


def divergence(log_prob: Float[Array, "*batch"], old_log_prob: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """Estimate of KL(old ‖ new) from each sample of the old policy: without bias in the mean, and never negative (Schulman 2020)."""
    log_ratio = log_prob - old_log_prob
    return jnp.exp(log_ratio) - 1.0 - log_ratio


def policy_loss(learner: Learner, policy: Any, batch: Batch, entropy_bonus: float | Array) -> tuple[Array, dict[str, Array]]:
    """Clipped surrogate and entropy bonus, to be minimised; of samples (task, sample, …) those of each task."""
    actions: Gaussian = learner.policy.apply(policy, batch.inputs, by_task=batch.is_by_task)
    log_prob, entropy = actions.log_prob(batch.action), actions.entropy().mean(axis=-1)
    surrogate = clipped_surrogate(log_prob, batch.log_prob, batch.advantage, learner.config.clip).mean(axis=-1)
    kl = divergence(log_prob, batch.log_prob).mean(axis=-1)
    return -surrogate - entropy_bonus * entropy, {"surrogate": surrogate, "entropy": entropy, "kl": kl}


def value_loss(learner: Learner, value: Any, batch: Batch) -> tuple[Array, dict[str, Array]]:
    """Squared error, in the units of the targets; of samples (task, sample, …) that of each task."""
    loss = ((task_values(learner, value, batch.inputs, by_task=batch.is_by_task) - batch.target) ** 2).mean(axis=-1)
    return loss, {"value_loss": loss}


# An iteration -------------------------------------------------------------------------------------


class Batch(NamedTuple):
    """Samples (sample, …) of an iteration."""

    inputs: Float[Array, "sample inputs"]
    action: Float[Array, "sample action"]
    log_prob: Float[Array, " sample"]
    advantage: Float[Array, " sample"]
    target: Float[Array, " sample"]  # of the value function, in its units

    @property
    def is_by_task(self) -> bool:
        """Whether they are (task, sample, …)."""
        return self.advantage.ndim > 1


def task_numbers(config: PpoConfig) -> Int[np.ndarray, " env"]:
    """Each environment's task where all tasks have equally many, in a row."""
    return np.repeat(np.arange(len(config.tasks)), config.envs_per_task)


def moments(
    values: Float[Array, "env step"], numbers: Int[Array, " env"], num_tasks: int
) -> tuple[Float[Array, " task"], Float[Array, " task"]]:
    """Mean and variance of each task's samples."""
    total = partial(jax.ops.segment_sum, segment_ids=numbers, num_segments=num_tasks)
    samples = total(jnp.full(len(values), float(values.shape[1])))
    mean = total(values.sum(axis=1)) / samples
    return mean, total(((values - mean[numbers][:, None]) ** 2).sum(axis=1)) / samples


def inputs_of(learner: Learner, agent: Ppo, obs: Float[Array, "*batch obs"], ids: Float[Array, "*batch task"]) -> Array:
    """What both networks read of observations."""
    return with_task(rescaled(agent.obs_scale, obs) if learner.config.normalize_observations else obs, ids)


def values_of(learner: Learner, agent: Ppo, obs: Float[Array, "*batch obs"], ids: Float[Array, "*batch task"], **options: Any) -> Array:
    """Values in units of rewards; for options see `task_values`."""
    values = task_values(learner, agent.value, inputs_of(learner, agent, obs, ids), **options)
    std, mean = ((ids * x).sum(axis=-1) for x in (jnp.sqrt(agent.scale.var), agent.scale.mean))
    return values * std + mean


def make_batch(learner: Learner, agent: Ppo, rollout: Rollout, numbers: Int[Array, " env"] | None = None) -> tuple[Batch, Scale]:
    """Advantages and value targets of an iteration's experience, and the targets' new scale, in whose units they are."""
    config = learner.config
    if numbers is None:
        numbers = jnp.asarray(task_numbers(config))
    ids = jnp.broadcast_to(jnp.eye(learner.num_tasks)[numbers][:, None], (*rollout.reward.shape, learner.num_tasks))
    value, next_value = (values_of(learner, agent, obs, ids, by_task=not config.sampling_share) for obs in (rollout.obs, rollout.next_obs))
    advantage = gae(rollout.reward, value, next_value, rollout.is_end, config.discount, config.trace)
    target = advantage + value
    scale, per_task = agent.scale, config.env_steps_per_iteration / learner.num_tasks  # iterations count alike, however many samples
    if config.normalize_values:
        memory = config.value_memory_iterations * per_task or math.inf
        scale = merged_scale(scale, *moments(target, numbers, learner.num_tasks), per_task, memory)
    mean, std = (x[numbers][:, None] for x in (scale.mean, jnp.sqrt(scale.var)))
    if config.normalize_advantages:
        center, spread = (x[numbers][:, None] for x in moments(advantage, numbers, learner.num_tasks))
        advantage = (advantage - center) / (jnp.sqrt(spread) + 1e-8)
    batch = Batch(inputs_of(learner, agent, rollout.obs, ids), rollout.action, rollout.log_prob, advantage, (target - mean) / std)
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), batch), scale


def followed(factor: float | Array, kl: float | Array, target: float) -> Array:
    """The factor of a learning rate that follows a divergence towards a target, after one more measurement of it.

    As the penalty of Schulman et al. 2017, section 4, adapts from update to update, but with every minibatch: the divergence from the
    policy that played begins anew at 0 with each iteration, so the factor rises first and falls once it is reached.
    """
    change = jnp.where(kl > 2.0 * target, 1.0 / RATE_STEP, jnp.where(kl < 0.5 * target, RATE_STEP, 1.0))
    return jnp.clip(factor * change, *RATE_RANGE)


def minibatches(config: PpoConfig, key: Array, size: int) -> Int[Array, "update sample"]:
    """An epoch's samples in random order; where tasks' gradients are combined, each minibatch has as many of every task, task by task."""
    if not config.combines_tasks:
        return jax.random.permutation(key, size).reshape(config.minibatches, -1)
    num_tasks = len(config.tasks)
    samples = jnp.arange(size).reshape(num_tasks, -1)
    orders = jax.vmap(jax.random.permutation)(jax.random.split(key, num_tasks), samples)
    return jnp.moveaxis(orders.reshape(num_tasks, config.minibatches, -1), 1, 0).reshape(config.minibatches, -1)


def stepped(params: Any, updates: Any, rate: float | Array) -> Any:
    """Parameters after a step of an optimizer at a rate of one."""
    return optax.apply_updates(params, jax.tree.map(lambda update: rate * update, updates))


class Imitated(NamedTuple):
    """What successful episodes give a policy to imitate."""

    inputs: Float[Array, "step inputs"]
    action: Float[Array, "step action"]
    weight: Float[Array, " step"]
    mean_weight: Float[Array, ""]


def make_imitated(learner: Learner, agent: Ppo, episodes: Episodes) -> Imitated:
    """Steps of successful episodes, with weights by the critic as it is."""
    tasks = learner.num_tasks
    weight = self_imitation.weights(episodes, partial(values_of, learner, agent), jnp.sqrt(agent.scale.var), learner.config.discount)
    ids = jnp.broadcast_to(jnp.eye(tasks)[:, None, None], (*weight.shape, tasks))
    inputs = inputs_of(learner, agent, jnp.asarray(episodes.obs), ids)
    inputs, action, flat_weight = (x.reshape(-1, *x.shape[3:]) for x in (inputs, jnp.asarray(episodes.action), weight))
    return Imitated(inputs, action, flat_weight, self_imitation.mean_weight(weight, episodes))


def imitation_gradient(learner: Learner, policy: Any, imitated: Imitated, key: Array) -> Any:
    """Gradient of the loss of self-imitation, by some steps at random."""
    config = learner.config
    chosen = self_imitation.draw(imitated.weight, config.self_imitation_samples, key)

    def loss(policy: Any) -> Array:
        actions: Gaussian = learner.policy.apply(policy, imitated.inputs[chosen])
        actions = actions._replace(log_std=jax.lax.stop_gradient(actions.log_std))
        return -config.imitation_weight * imitated.mean_weight * actions.log_prob(imitated.action[chosen]).mean()

    return jax.grad(loss)(policy)


def updates_of(optimizer: Any, loss: Any, params: Any, opt: Any, mini: Batch, more: Any = None) -> tuple[Any, Any, dict[str, Array]]:
    """An optimizer's step at a rate of one by a minibatch, its state, and metrics; `more` is added to the gradient."""
    if isinstance(optimizer, MultiTaskOptimizer):
        updates, opt, (_, of_tasks) = optimizer.update(loss, params, opt, mini)
        return updates, opt, jax.tree.map(lambda values: values.mean(), of_tasks)
    if mini.is_by_task:  # for the other side, which combines
        mini = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), mini)
    grads, metrics = accumulated_grad(loss, params, mini)
    if more is not None:
        grads = jax.tree.map(jnp.add, grads, more)
    updates, opt = optimizer.update(grads, opt)
    return updates, opt, metrics


def learn(
    learner: Learner,
    agent: Ppo,
    rollout: Rollout,
    key: Array,
    iteration: int | Array,
    numbers: Int[Array, " env"] | None = None,
    episodes: Episodes | None = None,
) -> tuple[Ppo, dict[str, Array]]:
    """All gradient steps of an iteration in one compiled call; also mean metrics.

    Args:
      learner, agent: before.
      rollout: experience.
      key: of the minibatches' order, with the iteration.
      iteration: its number.
      numbers: each environment's task; None: equally many of each, in a row.
      episodes: successful ones, to be imitated; None: nothing is.
    """
    config = learner.config
    batch, scale = make_batch(learner, agent, rollout, numbers)
    size, (rate, entropy_bonus) = len(batch.advantage), config.rates_at(iteration)
    imitated = None if episodes is None else make_imitated(learner, agent, episodes)
    if config.value_heads:
        weights, last = agent.value["params"], learner.value.last_layer
        agent = agent._replace(value={"params": {**weights, last: rescaled_head(weights[last], agent.scale, scale)}})

    def step(agent: Ppo, drawn: tuple[Array, Array]) -> tuple[Ppo, dict[str, Array]]:
        chosen, key = drawn
        mini = jax.tree.map(lambda x: x[chosen], batch)
        loss = partial(policy_loss, learner, entropy_bonus=entropy_bonus)
        more = None if imitated is None else imitation_gradient(learner, agent.policy, imitated, key)
        updates, policy_opt, metrics = updates_of(learner.policy_optimizer, loss, agent.policy, agent.policy_opt, mini, more)
        factor = agent.rate_factor
        if config.target_kl:
            factor = followed(factor, metrics["kl"], config.target_kl)
            metrics |= {"rate_factor": factor}
        policy = stepped(agent.policy, updates, rate * factor * (iteration >= config.waiting_iterations))
        loss = partial(value_loss, learner)
        updates, value_opt, of_value = updates_of(learner.value_optimizer, loss, agent.value, agent.value_opt, mini)
        value = stepped(agent.value, updates, rate)
        agent = agent._replace(policy=policy, value=value, policy_opt=policy_opt, value_opt=value_opt, rate_factor=factor)
        return agent, metrics | of_value

    keys = jax.random.split(jax.random.fold_in(key, iteration), config.epochs)
    orders = jax.vmap(lambda one: minibatches(config, one, size))(keys).reshape(config.updates_per_iteration, -1)
    if config.combines_tasks:
        orders = orders.reshape(config.updates_per_iteration, learner.num_tasks, -1)
    drawn = orders, jax.random.split(jax.random.fold_in(keys[0], 1), len(orders))
    agent, metrics = jax.lax.scan(step, agent._replace(scale=scale), drawn)
    if imitated is not None:
        metrics |= {"imitation": imitated.mean_weight}
    if config.final_max_std is not None:
        env_steps = (iteration + 1) * config.env_steps_per_iteration
        agent = agent._replace(policy={**agent.policy, "params": with_std_below(config, agent.policy["params"], env_steps)})
    if config.normalize_observations:  # for the next iteration: acting and learning see the same inputs in this one
        obs_scale = updated_scale(agent.obs_scale, rollout.obs.reshape(-1, OBSERVATION_SIZE).T)
        agent = agent._replace(obs_scale=obs_scale)
    return agent, jax.tree.map(lambda values: values.mean(), metrics)


# Training -----------------------------------------------------------------------------------------


def next_noise(before: Array | None, white: Float[Array, "env action"], correlation: float | Array) -> Float[Array, "env action"]:
    """Standard normal noise that goes on from the last step's (an AR(1) process); the iteration's first step has white noise.

    Independent steps undo one another: an arm that takes hundreds of small ones hardly moves by them. Correlated noise explores further at
    the same standard deviation (Hollenstein et al. 2024).
    """
    return white if before is None else correlation * before + (1.0 - correlation**2) ** 0.5 * white


def make_act(learner: Learner) -> Any:
    """Random actions of a policy, for environments of which each has a one-hot id, the first argument."""
    config = learner.config
    remembers_noise = bool(config.noise_correlation or config.final_noise_correlation)

    @jax.jit
    def act(ids: Array, actor: Any, noise: Any, obs: Array, previous: Array | None, seed_and_step: Array) -> tuple[Array, Array, Any]:
        key = jax.random.fold_in(jax.random.PRNGKey(seed_and_step[0]), seed_and_step[1])
        actions = distribution(learner, actor, obs, ids)
        white = jax.random.normal(key, actions.mean.shape)
        noise = next_noise(noise, white, config.noise_correlation_at(seed_and_step[1]))
        action = actions.at(noise)
        return action, actions.log_prob(action), noise if remembers_noise else None

    return act


def make_collector(config: PpoConfig, act: Any, seed: int) -> OnPolicyCollector | ActiveCollector | DeviceCollector:
    """What takes the steps: environments on the processor, of which tasks that fail may have more, or worlds of the GPU engine."""
    sizes: dict[str, Any] = {"max_episode_steps": config.max_episode_steps, "reward_version": config.reward_version}
    num_tasks = len(config.tasks)
    num_envs = num_tasks * config.envs_per_task

    def elapsed(counts: Sequence[int]) -> Any:
        return staggered(counts, config.max_episode_steps) if config.staggered_starts else None

    def ids(counts: Sequence[int]) -> Any:
        return np.repeat(np.eye(num_tasks, dtype=np.float32), counts, axis=0)

    def make(counts: Sequence[int], times_before: int) -> OnPolicyCollector:
        envs = make_envs(config.tasks, seed, counts, first=times_before * num_envs, **sizes)
        return OnPolicyCollector(envs, partial(act, ids(counts)), seed=seed, elapsed_steps=elapsed(counts))

    equal = [config.envs_per_task] * num_tasks
    if config.gpu_engine is not None:
        worlds = make_worlds(config.tasks, seed, config.envs_per_task, device=config.gpu_engine, **sizes)
        return DeviceCollector(worlds, partial(act, jnp.asarray(ids(equal))), seed=seed, elapsed_steps=elapsed(equal))
    if not config.sampling_share:
        return make(equal, 0)
    return ActiveCollector(make, num_tasks, num_envs, share=config.sampling_share, every=config.active_sampling_iterations)


def train(config: PpoConfig, seed: int, run: RlRun) -> Ppo:
    """Train, or go on training, until the budget is spent.

    Raises:
      TooSlowError: see `RlRun.check_throughput`.
      ImportError, ValueError: no GPU engine here, see `make_worlds`.
    """
    learner = make_learner(config, seed)
    compiled = jax.jit(partial(learn, learner))
    collector = make_collector(config, make_act(learner), seed)
    successes = make_successes(config)
    agent, speed = resumed(run, init(learner, seed), collector, successes), Throughput()
    key = jax.random.PRNGKey(seed + 1_000_000)  # apart from the networks' and the actions'
    while run.goes_on():
        iteration = run.env_steps // config.env_steps_per_iteration
        began = time.perf_counter()
        rollout, chunk, _ = collector.collect(acting(learner, agent), config.rollout_steps, iteration * config.rollout_steps)
        collected = time.perf_counter()
        numbers = collector.task_numbers if isinstance(collector, ActiveCollector) else task_numbers(config)
        if successes is not None:
            successes.add(rollout, chunk.successes, numbers)
        episodes = None if successes is None else successes.episodes
        agent, metrics = jax.block_until_ready(compiled(agent, rollout, key, iteration, numbers, episodes))
        speed.count(chunk, time.perf_counter() - collected, time.perf_counter() - began, config.updates_per_iteration)
        run.advance(config.env_steps_per_iteration)

        if run.is_due(config.log_every_env_steps):
            told = speed.numbers(config.env_steps_per_iteration) | {name: float(value) for name, value in metrics.items()}
            if isinstance(collector, ActiveCollector):
                told |= {f"envs/{task}": count for task, count in zip(config.tasks, collector.counts, strict=True)}
            run.log("progress", told | collector.counters)
            speed = run.show_and_check(speed, config.env_steps_per_iteration)
        if run.is_due(config.eval_every_env_steps):
            evaluate_and_keep(learner, seed, run, acting(learner, agent))
        if run.is_save_due(config.save_every_env_steps):
            run.save_all(agent if successes is None else (agent, successes.arrays), collector.get_state())
    collector.close()
    return agent


def make_successes(config: PpoConfig) -> Successes | None:
    """What keeps successful episodes, where the settings want them imitated."""
    if not config.imitation_weight:
        return None
    num_tasks = len(config.tasks)
    return Successes(num_tasks, num_tasks * config.envs_per_task, config.self_imitation_episodes, config.max_episode_steps)


def resumed(run: RlRun, new: Ppo, collector: Any, successes: Successes | None) -> Ppo:
    """The agent to go on with, and collector and successes as they were beside it."""
    if successes is None:
        return run.resume_with(new, collector)
    agent, arrays = run.resume_with((new, successes.arrays), collector)
    successes.restore(arrays)
    return agent


def evaluate_and_keep(learner: Learner, seed: int, run: RlRun, actor: Any) -> None:
    """The published protocol: most likely actions, every training goal of every task once; keeps the last and the best policy."""
    is_best = run.evaluated(evaluate_all_goals(as_agent(learner, actor), learner.config, seed))
    run.keep_actor(actor, is_best=is_best)


def as_agent(learner: Learner, actor: Any) -> TaskPolicy:
    """What acts, for `metaworld_py.evaluation`."""
    return TaskPolicy(learner.config.tasks, lambda params, obs, ids: distribution(learner, params, obs, ids).mean, actor)
