"""Proximal policy optimisation (Schulman et al. 2017) for one task or many, told apart by a one-hot id.

Each iteration takes whole episodes from every environment with one policy, then several epochs over that experience in random minibatches:

    policy   maximise  min(r A, clip(r, 1 − ε, 1 + ε) A) + c H,   r = π(a|s) / π_old(a|s)                  (eq. 7, 9)
    value    minimise  (V(s) − (A + V_old(s)))²

A time limit is no end of the problem: the advantage of an episode's last step counts the value of its final observation.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

from metaworld_baselines.algorithms.task_policy import TaskPolicy
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.off_policy import make_envs
from metaworld_baselines.experience.on_policy import OnPolicyCollector, Rollout, gae, standardized
from metaworld_baselines.networks.gaussian import MLP, Gaussian, GaussianPolicy
from metaworld_baselines.networks.multi_head import with_task
from metaworld_baselines.networks.scaling import Scale, updated_scale
from metaworld_baselines.runs import checkpoints
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_baselines.runs.throughput import Throughput
from metaworld_py import OBSERVATION_SIZE
from metaworld_py.evaluation import evaluate, task_names


@dataclass(frozen=True, kw_only=True)
class PpoConfig:
    """Settings; defaults are the published ones of the multi-task runs (Meta-World+), where published."""

    benchmark: str = "MT10"  # a task set, a task, or tasks joined by commas
    total_env_steps: int = 20_000_000  # over all tasks together
    reward_version: str = "v2"
    max_episode_steps: int = 500
    envs_per_task: int = 1
    rollout_steps: int = 10_000  # of every environment, for each iteration
    width: int = 400
    depth: int = 3  # hidden layers
    discount: float = 0.99
    trace: float = 0.97  # λ
    epochs: int = 16
    minibatches: int = 32  # gradient steps of an epoch
    clip: float = 0.2  # ε
    entropy_bonus: float = 5e-3  # c
    learning_rate: float = 3e-4  # Adam
    adam_eps: float = 1e-5
    max_grad_norm: float = 1.0  # of policy and value function, each by itself
    normalize_advantages: bool = False  # in each task by itself
    normalize_values: bool = True  # learn values in units of the returns' standard deviation, of all experience so far
    eval_every_env_steps: int = 1_000_000
    eval_instances: int = 50  # per task, one episode each: the training goals, as published
    save_every_env_steps: int = 1_000_000
    log_every_env_steps: int = 1

    def __post_init__(self) -> None:
        for name in ("total_env_steps", "envs_per_task", "rollout_steps", "width", "depth", "epochs", "minibatches"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.rollout_steps * len(self.tasks) * self.envs_per_task % self.minibatches:
            raise ValueError(
                f"minibatches must divide rollout_steps · tasks · envs_per_task = {self.env_steps_per_iteration}, got {self.minibatches}"
            )

    @property
    def tasks(self) -> list[str]:
        """Names in order."""
        return task_names(self.benchmark.split(",") if "," in self.benchmark else self.benchmark)

    @property
    def env_steps_per_iteration(self) -> int:
        """Over all tasks."""
        return self.rollout_steps * len(self.tasks) * self.envs_per_task

    @property
    def updates_per_iteration(self) -> int:
        """Gradient steps."""
        return self.epochs * self.minibatches


# Networks, optimizers, state ----------------------------------------------------------------------


class Ppo(NamedTuple):
    """Everything that learns, with its optimizers' states."""

    policy: Any
    value: Any
    policy_opt: Any
    value_opt: Any
    scale: Scale


@dataclass(frozen=True)
class Learner:
    """What stays the same during a run."""

    config: PpoConfig
    num_tasks: int
    policy: GaussianPolicy
    value: MLP
    optimizer: optax.GradientTransformation


def make_learner(config: PpoConfig) -> Learner:
    """Networks and optimizer for a configuration."""
    clip, adam = optax.clip_by_global_norm(config.max_grad_norm), optax.adam(config.learning_rate, eps=config.adam_eps)
    networks = GaussianPolicy(config.width, config.depth), MLP(config.width, config.depth, 1)
    return Learner(config, len(config.tasks), *networks, optimizer=optax.chain(clip, adam))


def init(learner: Learner, seed: int) -> Ppo:
    """Networks at the start of a run."""

    @jax.jit
    def at_start(key: Array) -> Ppo:
        policy_key, value_key = jax.random.split(key)
        inputs = with_task(jnp.zeros(OBSERVATION_SIZE), jnp.zeros(learner.num_tasks))
        policy, value = learner.policy.init(policy_key, inputs), learner.value.init(value_key, inputs)
        scale = Scale(jnp.zeros(()), jnp.zeros(learner.num_tasks), jnp.ones(learner.num_tasks))
        return Ppo(policy, value, learner.optimizer.init(policy), learner.optimizer.init(value), scale)

    return at_start(jax.random.PRNGKey(seed))


# Losses -------------------------------------------------------------------------------------------


def clipped_surrogate(
    log_prob: Float[Array, "*batch"], old_log_prob: Float[Array, "*batch"] | float, advantage: Float[Array, "*batch"], clip: float
) -> Float[Array, "*batch"]:
    """What the policy is to maximise, per sample: it gains nothing by leaving the neighbourhood of the old policy."""
    ratio = jnp.exp(log_prob - old_log_prob)
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1.0 - clip, 1.0 + clip) * advantage)


def policy_loss(learner: Learner, policy: Any, batch: Batch) -> tuple[Array, dict[str, Array]]:
    """Clipped surrogate and entropy bonus, to be minimised."""
    distribution: Gaussian = learner.policy.apply(policy, batch.inputs)
    log_prob, entropy = distribution.log_prob(batch.action), distribution.entropy().mean()
    surrogate = clipped_surrogate(log_prob, batch.log_prob, batch.advantage, learner.config.clip).mean()
    kl = (batch.log_prob - log_prob).mean()
    return -surrogate - learner.config.entropy_bonus * entropy, {"surrogate": surrogate, "entropy": entropy, "kl": kl}


def value_loss(learner: Learner, value: Any, batch: Batch) -> Array:
    """Squared error, in the units of the targets."""
    return ((learner.value.apply(value, batch.inputs)[..., 0] - batch.target) ** 2).mean()


# An iteration -------------------------------------------------------------------------------------


class Batch(NamedTuple):
    """Samples (sample, …) of an iteration."""

    inputs: Float[Array, "sample inputs"]
    action: Float[Array, "sample action"]
    log_prob: Float[Array, " sample"]
    advantage: Float[Array, " sample"]
    target: Float[Array, " sample"]  # of the value function, in its units


def task_ids(learner: Learner) -> Float[Array, "env task"]:
    """One-hot ids of the environments; a task's environments stand in a row."""
    return jnp.repeat(jnp.eye(learner.num_tasks), learner.config.envs_per_task, axis=0)


def make_batch(learner: Learner, agent: Ppo, rollout: Rollout) -> tuple[Batch, Scale]:
    """Advantages and value targets of an iteration's experience."""
    config = learner.config
    ids = jnp.broadcast_to(task_ids(learner)[:, None], (*rollout.reward.shape, learner.num_tasks))
    mean, std = (jnp.repeat(x, config.envs_per_task)[:, None] for x in (agent.scale.mean, jnp.sqrt(agent.scale.var)))

    def values(obs: Array) -> Array:
        return learner.value.apply(agent.value, with_task(obs, ids))[..., 0] * std + mean

    value = values(rollout.obs)
    advantage = gae(rollout.reward, value, values(rollout.next_obs), rollout.is_end, config.discount, config.trace)
    target = advantage + value
    by_task = target.reshape(learner.num_tasks, -1)
    scale = updated_scale(agent.scale, by_task) if config.normalize_values else agent.scale
    mean, std = (jnp.repeat(x, config.envs_per_task)[:, None] for x in (scale.mean, jnp.sqrt(scale.var)))
    if config.normalize_advantages:
        advantage = standardized(advantage.reshape(learner.num_tasks, -1), axis=1).reshape(advantage.shape)
    batch = Batch(with_task(rollout.obs, ids), rollout.action, rollout.log_prob, advantage, (target - mean) / std)
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), batch), scale


def learn(learner: Learner, agent: Ppo, rollout: Rollout, key: Array, iteration: int | Array) -> tuple[Ppo, dict[str, Array]]:
    """All gradient steps of an iteration in one compiled call; also mean metrics."""
    config = learner.config
    batch, scale = make_batch(learner, agent, rollout)
    size = len(batch.advantage)

    def step(agent: Ppo, chosen: Array) -> tuple[Ppo, dict[str, Array]]:
        mini = jax.tree.map(lambda x: x[chosen], batch)
        grads, metrics = jax.grad(partial(policy_loss, learner), has_aux=True)(agent.policy, mini)
        updates, policy_opt = learner.optimizer.update(grads, agent.policy_opt)
        policy = optax.apply_updates(agent.policy, updates)
        loss, grads = jax.value_and_grad(partial(value_loss, learner))(agent.value, mini)
        updates, value_opt = learner.optimizer.update(grads, agent.value_opt)
        value = optax.apply_updates(agent.value, updates)
        return Ppo(policy, value, policy_opt, value_opt, agent.scale), metrics | {"value_loss": loss}

    keys = jax.random.split(jax.random.fold_in(key, iteration), config.epochs)
    orders = jax.vmap(lambda one: jax.random.permutation(one, size))(keys).reshape(-1, size // config.minibatches)
    agent, metrics = jax.lax.scan(step, agent._replace(scale=scale), orders)
    return agent, jax.tree.map(lambda values: values.mean(), metrics)


# Training -----------------------------------------------------------------------------------------


def make_act(learner: Learner) -> Any:
    """Random actions of a policy, for all environments."""
    ids = np.asarray(task_ids(learner), np.float32)

    @jax.jit
    def act(policy: Any, memory: None, obs: Array, previous: Array | None, seed_and_step: Array) -> tuple[Array, Array, None]:
        key = jax.random.fold_in(jax.random.PRNGKey(seed_and_step[0]), seed_and_step[1])
        distribution: Gaussian = learner.policy.apply(policy, with_task(obs, ids))
        action = distribution.sample(key)
        return action, distribution.log_prob(action), None

    return act


def train(config: PpoConfig, seed: int, run: RlRun) -> Ppo:
    """Train, or go on training, until the budget is spent.

    Raises:
      TooSlowError: see `RlRun.check_throughput`.
    """
    learner = make_learner(config)
    compiled = jax.jit(partial(learn, learner))
    envs = make_envs(
        config.tasks, seed, config.envs_per_task, max_episode_steps=config.max_episode_steps, reward_version=config.reward_version
    )
    collector = OnPolicyCollector(envs, make_act(learner), seed=seed)
    agent, speed = run.resume_with(init(learner, seed), collector), Throughput()
    key = jax.random.PRNGKey(seed + 1_000_000)  # apart from the networks' and the actions'
    while not run.is_over:
        iteration = run.env_steps // config.env_steps_per_iteration
        began = time.perf_counter()
        rollout, chunk, _ = collector.collect(agent.policy, config.rollout_steps, iteration * config.rollout_steps)
        collected = time.perf_counter()
        agent, metrics = jax.block_until_ready(compiled(agent, rollout, key, iteration))
        speed.count(chunk, time.perf_counter() - collected, time.perf_counter() - began, config.updates_per_iteration)
        run.advance(config.env_steps_per_iteration)

        if run.is_due(config.log_every_env_steps):
            run.log("progress", speed.numbers(config.env_steps_per_iteration) | {name: float(value) for name, value in metrics.items()})
            speed = run.show_and_check(speed, config.env_steps_per_iteration)
        if run.is_due(config.eval_every_env_steps):
            evaluate_and_keep(learner, seed, run, agent.policy)
        if run.is_due(config.save_every_env_steps):
            run.save_all(agent, collector.get_state())
    collector.close()
    return agent


def evaluate_and_keep(learner: Learner, seed: int, run: RlRun, policy: Any) -> None:
    """The published protocol: most likely actions, every training goal of every task once; keeps the last and the best policy."""
    config = learner.config
    result = evaluate(
        as_agent(learner, policy),
        config.tasks,
        seed=seed,
        instances_per_task=config.eval_instances,
        max_episode_steps=config.max_episode_steps,
        reward_function_version=config.reward_version,
    )
    is_best = run.evaluated(result)
    run.save_actor(checkpoints.LAST, policy)
    if is_best:
        run.save_actor(checkpoints.BEST, policy)


def as_agent(learner: Learner, policy: Any) -> TaskPolicy:
    """A policy for `metaworld_py.evaluation`."""
    return TaskPolicy(learner.config.tasks, lambda params, obs, ids: learner.policy.apply(params, with_task(obs, ids)).mean, policy)
