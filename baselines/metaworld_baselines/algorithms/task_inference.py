"""Meta-RL as task inference (Humplik et al. 2019): a memory is taught what is hidden, and PPO acts on what it believes.

RL² leaves it to the reward to shape its memory. Here the memory has a teacher, in training alone: of each trial it is known which instance
it hid. What infers learns from sequences of many trials, by how far its belief is from the truth; what acts reads the observation and the
belief, and learns from the newest rollout by PPO, with a critic that knows the instance. No gradient goes from one to the other.

The 50 training instances could be told apart by where their objects lie, and their goals learned by heart. So objects are moved at random
while the memory learns, anew in every update (meta-augmentation: Rajendran et al. 2020): what the hand does and earns must tell.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Float

from metaworld_baselines.algorithms import rl2
from metaworld_baselines.algorithms.augmentation import frame_noise
from metaworld_baselines.algorithms.meta import Instances, evaluate_and_keep, make_train_envs
from metaworld_baselines.algorithms.ppo import clipped_surrogate, divergence, followed, stepped
from metaworld_baselines.algorithms.privileged_critic import instance_inputs
from metaworld_baselines.algorithms.recurrent_agent import RECURRENT_SIZE
from metaworld_baselines.algorithms.rl2 import Policy, critic_grad, remembered, seen
from metaworld_baselines.algorithms.task_inference_config import TaskInferenceConfig
from metaworld_baselines.algorithms.trials import Sequences, play_and_learn
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.on_policy import OnPolicyCollector
from metaworld_baselines.experience.sequence_buffer import SequenceBuffer, add, draw, empty
from metaworld_baselines.gradients.accumulation import accumulated_grad
from metaworld_baselines.networks.gaussian import MLP, Gaussian
from metaworld_baselines.networks.inferring import OF_MEMORY, InferringPolicy
from metaworld_baselines.networks.scaling import Scale, new_scale, updated_scale
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_baselines.runs.throughput import Throughput
from metaworld_py import OBSERVATION_SIZE

# What learns ---------------------------------------------------------------------------------------


class TaskInference(NamedTuple):
    """What learns, with its optimizers' states and what the memory learns from."""

    policy: Policy
    critic: Any
    policy_opt: Any
    memory_opt: Any
    critic_opt: Any
    rate_factor: Float[Array, ""]  # of the policy's learning rate
    critic_scale: Scale  # of the critic's inputs, instances among them
    target_scale: Scale  # of what it learns, a single number
    buffer: SequenceBuffer


@dataclass(frozen=True)
class Learner:
    """What stays the same during a run."""

    config: TaskInferenceConfig
    policy: InferringPolicy
    critic: MLP
    policy_optimizer: optax.GradientTransformation
    memory_optimizer: optax.GradientTransformation
    critic_optimizer: optax.GradientTransformation


def make_learner(config: TaskInferenceConfig) -> Learner:
    """Networks and optimizers for a configuration."""

    def optimizer(rate: float) -> optax.GradientTransformation:
        return optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.adam(rate, eps=config.adam_eps))

    size = instance_inputs(config, []).shape[-1]
    policy = InferringPolicy(
        config.width, config.memory, size, config.initial_std, config.min_std, config.max_std, config.clipped_densities
    )
    rates = config.learning_rate, config.memory_learning_rate, config.critic_learning_rate
    return Learner(config, policy, MLP(config.critic_width, 2, 1, "tanh"), *map(optimizer, rates))


def init(learner: Learner, seed: int) -> TaskInference:
    """Networks at the start of a run."""
    config, instance_size = learner.config, learner.policy.instance_size
    critic_size = OBSERVATION_SIZE + instance_size + 2

    @jax.jit
    def at_start(key: Array) -> TaskInference:
        weights = learner.policy.init(key, jnp.zeros(config.memory), jnp.zeros(RECURRENT_SIZE))
        critic = learner.critic.init(jax.random.fold_in(key, 1), jnp.zeros(critic_size))
        buffer = empty(config.buffer_rollouts * config.meta_batch, config.rollout_steps, config.memory, RECURRENT_SIZE, instance_size)
        return TaskInference(
            Policy(weights, new_scale(RECURRENT_SIZE)),
            critic,
            learner.policy_optimizer.init(layers(weights, of_memory=False)),
            learner.memory_optimizer.init(layers(weights, of_memory=True)),
            learner.critic_optimizer.init(critic),
            jnp.ones(()),
            new_scale(critic_size),
            new_scale(1),
            buffer,
        )

    return at_start(jax.random.PRNGKey(seed))


def layers(weights: Any, *, of_memory: bool) -> dict[str, Any]:
    """The layers that infer, or those that act."""
    return {name: layer for name, layer in weights["params"].items() if (name in OF_MEMORY) == of_memory}


def with_layers(policy: Policy, changed: dict[str, Any]) -> Policy:
    """The policy with these layers instead of its own."""
    return policy._replace(weights={"params": {**policy.weights["params"], **changed}})


def beliefs(
    learner: Learner, policy: Policy, memory: Float[Array, "sequence memory"], inputs: Float[Array, "sequence step inputs"]
) -> Gaussian:
    """What is believed after each step (sequence, step, instance) of sequences that start with this memory."""
    return learner.policy.apply(policy.weights, remembered(learner, policy, memory, inputs)[1], method="infer")


# Learning to act ------------------------------------------------------------------------------------


class Steps(NamedTuple):
    """Steps of a rollout in any order (step, …), with what was believed then."""

    inputs: Float[Array, "step inputs"]
    belief: Gaussian
    action: Float[Array, "step action"]
    log_prob: Float[Array, " step"]
    advantage: Float[Array, " step"]
    critic_inputs: Float[Array, "step critic_inputs"]
    target: Float[Array, " step"]


def steps_of(learner: Learner, policy: Policy, sequences: Sequences) -> Steps:
    """The steps of sequences that this policy played."""
    belief = beliefs(learner, policy, sequences.memory, sequences.inputs)
    whole = Steps(
        seen(learner, policy, sequences.inputs),
        belief,
        sequences.action,
        sequences.log_prob,
        sequences.advantage,
        sequences.critic_inputs,
        sequences.target,
    )
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), whole)


def policy_loss(learner: Learner, policy: Policy, acting: dict[str, Any], batch: Steps) -> tuple[Array, dict[str, Array]]:
    """PPO's clipped surrogate and entropy bonus, to be minimised."""
    weights = with_layers(policy, acting).weights
    distribution = learner.policy.apply(weights, batch.inputs, batch.belief, method="act")
    log_prob, entropy = distribution.log_prob(batch.action), distribution.entropy().mean()
    surrogate = clipped_surrogate(log_prob, batch.log_prob, batch.advantage, learner.config.clip).mean()
    kl = divergence(log_prob, batch.log_prob).mean()
    return -surrogate - learner.config.entropy_bonus * entropy, {"surrogate": surrogate, "entropy": entropy, "kl": kl}


def learn_to_act(learner: Learner, agent: TaskInference, steps: Steps, key: Array) -> tuple[TaskInference, dict[str, Array]]:
    """Epochs of PPO on a rollout, the critic beside it."""
    config = learner.config

    def step(agent: TaskInference, chosen: Array) -> tuple[TaskInference, dict[str, Array]]:
        batch, acting = jax.tree.map(lambda x: x[chosen], steps), layers(agent.policy.weights, of_memory=False)
        grads, metrics = accumulated_grad(partial(policy_loss, learner, agent.policy), acting, batch)
        change, policy_opt = learner.policy_optimizer.update(grads, agent.policy_opt)
        grads, error = critic_grad(learner, agent.critic, batch)
        critic_change, critic_opt = learner.critic_optimizer.update(grads, agent.critic_opt)
        rate_factor = followed(agent.rate_factor, metrics["kl"], config.target_kl) if config.target_kl else agent.rate_factor
        agent = agent._replace(
            policy=with_layers(agent.policy, stepped(acting, change, rate_factor)),
            critic=optax.apply_updates(agent.critic, critic_change),
            policy_opt=policy_opt,
            critic_opt=critic_opt,
            rate_factor=rate_factor,
        )
        return agent, metrics | {"critic_loss": error, "rate_factor": rate_factor}

    def epoch(agent: TaskInference, key: Array) -> tuple[TaskInference, dict[str, Array]]:
        return jax.lax.scan(step, agent, jax.random.permutation(key, len(steps.log_prob)).reshape(config.minibatches, -1))

    return jax.lax.scan(epoch, agent, jax.random.split(key, config.epochs))


# Learning to infer ----------------------------------------------------------------------------------


def instances_of(learner: Learner, sequences: Sequences) -> Float[Array, "sequence instance"]:
    """The hidden instances as the critic is told them, in units of their standard deviations."""
    return sequences.critic_inputs[:, 0, OBSERVATION_SIZE : OBSERVATION_SIZE + learner.policy.instance_size]


def memory_loss(learner: Learner, inferring: dict[str, Any], policy: Policy, batch: tuple[Array, Array, Array]) -> tuple[Array, Array]:
    """Squared error of beliefs' means, and negative log likelihood that teaches their standard deviations alone; also that error."""
    memory, inputs, instance = batch
    belief = beliefs(learner, with_layers(policy, inferring), memory, inputs)
    truth = jnp.broadcast_to(instance[:, None], belief.mean.shape)
    error = ((belief.mean - truth) ** 2).mean()
    spread = -belief._replace(mean=jax.lax.stop_gradient(belief.mean)).log_prob(truth).mean()
    return error + learner.config.spread_weight * spread, error


def learn_to_infer(learner: Learner, agent: TaskInference, key: Array) -> tuple[TaskInference, dict[str, Array]]:
    """Updates of the memory from the buffer, objects moved at random in each."""
    config = learner.config

    def step(agent: TaskInference, key: Array) -> tuple[TaskInference, dict[str, Array]]:
        memory, inputs, instance = draw(agent.buffer, config.sequences_per_update, key)
        noise = config.augmentation * frame_noise(agent.policy.scale, len(inputs), jax.random.fold_in(key, 1))
        inferring = layers(agent.policy.weights, of_memory=True)
        moved = memory, inputs.at[..., :OBSERVATION_SIZE].add(noise[:, None]), instance
        (_, error), grads = jax.value_and_grad(partial(memory_loss, learner), has_aux=True)(inferring, agent.policy, moved)
        change, memory_opt = learner.memory_optimizer.update(grads, agent.memory_opt)
        return agent._replace(policy=with_layers(agent.policy, optax.apply_updates(inferring, change)), memory_opt=memory_opt), {
            "inference_error": error
        }

    return jax.lax.scan(step, agent, jax.random.split(key, config.memory_updates))


def learn(
    learner: Learner, agent: TaskInference, sequences: Sequences, key: Array, number: int | Array
) -> tuple[TaskInference, dict[str, Array]]:
    """All gradient steps after a rollout in one compiled call; also mean metrics."""
    act_key, infer_key = jax.random.split(jax.random.fold_in(key, number))
    agent, metrics = learn_to_act(learner, agent, steps_of(learner, agent.policy, sequences), act_key)
    agent = agent._replace(buffer=add(agent.buffer, sequences.memory, sequences.inputs, instances_of(learner, sequences)))
    agent, more = learn_to_infer(learner, agent, infer_key)
    # Only now: the densities of these actions belong to the scale that they were drawn with.
    scale = updated_scale(agent.policy.scale, sequences.inputs.reshape(-1, RECURRENT_SIZE).T)
    agent = agent._replace(policy=agent.policy._replace(scale=scale))
    return agent, jax.tree.map(jnp.mean, metrics | more)


# Training -------------------------------------------------------------------------------------------

make_act, as_agent = rl2.make_act, rl2.as_agent  # to act, a policy with a memory is all that counts


def train(config: TaskInferenceConfig, seed: int, run: RlRun) -> TaskInference:
    """Train, or go on training, until the budget is spent.

    Raises:
      TooSlowError: see `RlRun.check_throughput`.
    """
    learner = make_learner(config)
    compiled = jax.jit(partial(learn, learner))
    collector = OnPolicyCollector(make_train_envs(config, seed), make_act(learner), seed=seed)
    agent, speed, instances = run.resume_with(init(learner, seed), collector), Throughput(), Instances(config, seed)
    key = jax.random.PRNGKey(seed + 1_000_000)  # apart from the networks' and the actions'
    while run.goes_on():
        iteration = run.env_steps // config.env_steps_per_iteration
        began = time.perf_counter()
        tasks = instances.of_iteration(iteration)
        collector.restart(tasks)
        agent, chunk, learning, metrics = play_and_learn(
            learner, collector, agent, compiled, instance_inputs(config, tasks), key, iteration
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
