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

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float
from numpy.typing import NDArray

from metaworld_baselines.algorithms.meta import Instances, MetaConfig, evaluate_and_keep, make_train_envs
from metaworld_baselines.algorithms.ppo import Scale, clipped_surrogate, updated_scale
from metaworld_baselines.experience.on_policy import OnPolicyCollector, Stretch, gae, linear_advantages, standardized
from metaworld_baselines.networks.gaussian import MIN_STD, MLP, Gaussian
from metaworld_baselines.runs.run import Run, Speed
from metaworld_py import ACTION_SIZE, OBSERVATION_SIZE
from metaworld_py.evaluation import Timestep
from metaworld_py.instances import Task

PREVIOUS_SIZE = ACTION_SIZE + 2  # action, reward / 10, end of an episode
INPUT_SIZE = OBSERVATION_SIZE + PREVIOUS_SIZE
HAND_SIZE = 4  # numbers of an observation on hand and gripper, before those on objects
OBSERVATION_FRAME = 18  # numbers of an observation; two of them and the goal make 39
INSTANCE_SIZE = 9  # of the longest random vector
LINEAR, CRITIC = "linear", "critic"
MIN_VARIANCE = 1e-4  # of inputs: what hardly ever changes is not blown up
INPUT_RANGE = 5.0  # normalised inputs are clipped to ±


@dataclass(frozen=True, kw_only=True)
class Rl2Config(MetaConfig):
    """Settings; defaults are the published ones (Meta-World+), where published."""

    trial_episodes: int = 0  # of a training trial; 0: `episodes`, as published. Evaluations have `episodes + eval_episodes`
    width: int = 256  # of the two tanh layers before the memory
    memory: int = 256  # GRU
    discount: float = 0.99
    trace: float = 0.95  # λ
    epochs: int = 10
    bptt_steps: int = 250  # gradients flow back over so many steps; 0: over the whole trial
    minibatches: int = 20  # gradient steps of an epoch, each on an equal share of the stretches of `bptt_steps`
    clip: float = 0.2
    max_kl: float = 0.0  # from the policy that played: beyond it, an iteration's remaining steps are left out; 0: no bound
    entropy_bonus: float = 5e-3
    learning_rate: float = 5e-4  # Adam
    adam_eps: float = 1e-5
    max_grad_norm: float = 1.0
    normalize_advantages: bool = False  # over the meta-batch
    baseline: str = LINEAR  # or "critic", a value network that knows the hidden instance
    critic_width: int = 128  # of its two layers
    critic_learning_rate: float = 1e-3
    initial_std: float = 1.0  # of actions
    normalize_inputs: bool = False  # to mean 0 and standard deviation 1, over all experience so far
    skip: bool = False  # actions depend on the inputs directly, too, and not on the memory alone
    augmentation: float = 0.0  # see `offsets`; in standard deviations
    forgetful: bool = False  # for comparison: a policy that sees no previous step and remembers nothing, so that it cannot adapt

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.baseline not in (LINEAR, CRITIC):
            raise ValueError(f"baseline must be {LINEAR} or {CRITIC}, got {self.baseline!r}")
        if self.augmentation and not self.normalize_inputs:
            raise ValueError("augmentation is in standard deviations of the inputs, which are known with normalize_inputs only")
        if self.trial_episodes < 0:
            raise ValueError(f"trial_episodes must be at least 1, or 0 for as many as `episodes`, got {self.trial_episodes}")
        if self.bptt_steps < 0 or (self.bptt_steps and self.trial_steps % self.bptt_steps):
            raise ValueError(f"bptt_steps must divide the {self.trial_steps} steps of a trial, or be 0, got {self.bptt_steps}")
        if self.minibatches < 1 or self.num_sequences % self.minibatches:
            raise ValueError(f"minibatches must divide the {self.num_sequences} stretches of an iteration, got {self.minibatches}")

    @property
    def trial_steps(self) -> int:
        """Control steps of a trial."""
        return (self.trial_episodes or self.episodes) * self.max_episode_steps

    @property
    def sequence_steps(self) -> int:
        """Over which gradients flow."""
        return self.bptt_steps or self.trial_steps

    @property
    def num_sequences(self) -> int:
        """Of an iteration."""
        return self.meta_batch * self.trial_steps // self.sequence_steps

    @property
    def env_steps_per_iteration(self) -> int:
        """Over the meta-batch."""
        return self.meta_batch * self.trial_steps


# Network ------------------------------------------------------------------------------------------


class RecurrentPolicy(nn.Module):
    """Two tanh layers, a GRU, and linear layers for mean and log standard deviation."""

    width: int
    memory: int
    is_forgetful: bool = False
    initial_std: float = 1.0
    has_skip: bool = False

    def setup(self) -> None:
        """The layers."""
        self.first, self.second = nn.Dense(self.width), nn.Dense(self.width)
        self.cell = nn.GRUCell(self.memory, recurrent_kernel_init=nn.initializers.orthogonal())
        self.mean = nn.Dense(ACTION_SIZE, kernel_init=nn.initializers.orthogonal(0.01))
        log_std = nn.initializers.constant(np.log(self.initial_std))
        self.log_std = nn.Dense(ACTION_SIZE, kernel_init=nn.initializers.orthogonal(0.01), bias_init=log_std)

    def __call__(
        self, memory: Float[Array, "*batch memory"], inputs: Float[Array, "*batch inputs"]
    ) -> tuple[Float[Array, "*batch memory"], Gaussian]:
        """One step: the memory after it, and the distribution of its action."""
        encoded = self.encode(inputs)
        memory = self.remember(memory, encoded)
        return memory, self.act(memory, encoded)

    def encode(self, inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch width"]:
        """Inputs as the memory takes them."""
        if self.is_forgetful:
            inputs = inputs.at[..., OBSERVATION_SIZE:].set(0.0)
        return nn.tanh(self.second(nn.tanh(self.first(inputs))))

    def remember(self, memory: Float[Array, "*batch memory"], encoded: Float[Array, "*batch width"]) -> Float[Array, "*batch memory"]:
        """The memory after a step."""
        return self.cell(jnp.zeros_like(memory) if self.is_forgetful else memory, encoded)[0]

    def act(self, memory: Float[Array, "*batch memory"], encoded: Float[Array, "*batch width"]) -> Gaussian:
        """Distribution of actions (…, 4)."""
        known = jnp.concatenate([memory, encoded], axis=-1) if self.has_skip else memory
        return Gaussian(self.mean(known), jnp.maximum(self.log_std(known), jnp.log(MIN_STD)))


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
    target_scale: Scale  # of what it learns, a single number


@dataclass(frozen=True)
class Parts:
    """What stays the same during a run."""

    config: Rl2Config
    policy: RecurrentPolicy
    critic: MLP
    policy_optimizer: optax.GradientTransformation
    critic_optimizer: optax.GradientTransformation


def make_parts(config: Rl2Config) -> Parts:
    """Networks and optimizers for a configuration."""

    def optimizer(rate: float) -> optax.GradientTransformation:
        return optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.adam(rate, eps=config.adam_eps))

    policy = RecurrentPolicy(config.width, config.memory, config.forgetful, config.initial_std, config.skip)
    critic = MLP(config.critic_width, 2, 1, "tanh")
    return Parts(config, policy, critic, optimizer(config.learning_rate), optimizer(config.critic_learning_rate))


def init(parts: Parts, seed: int) -> Rl2:
    """Networks at the start of a run."""
    critic_size = OBSERVATION_SIZE + instance_inputs(parts.config, []).shape[-1] + 2

    @jax.jit
    def at_start(key: Array) -> Rl2:
        weights = parts.policy.init(key, jnp.zeros(parts.config.memory), jnp.zeros(INPUT_SIZE))
        critic = parts.critic.init(jax.random.fold_in(key, 1), jnp.zeros(critic_size))
        opts = parts.policy_optimizer.init(weights), parts.critic_optimizer.init(critic)
        return Rl2(Policy(weights, new_scale(INPUT_SIZE)), critic, *opts, new_scale(critic_size), new_scale(1))

    return at_start(jax.random.PRNGKey(seed))


def new_scale(size: int) -> Scale:
    """Of nothing yet."""
    return Scale(jnp.zeros(()), jnp.zeros(size), jnp.ones(size))


def rescaled(scale: Scale, inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch inputs"]:
    """In units of their standard deviations, without outliers."""
    std = jnp.sqrt(jnp.maximum(scale.var, MIN_VARIANCE))
    return jnp.clip((inputs - scale.mean) / std, -INPUT_RANGE, INPUT_RANGE)


def seen(parts: Parts, policy: Policy, inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch inputs"]:
    """Inputs as the network takes them."""
    return rescaled(policy.scale, inputs) if parts.config.normalize_inputs else inputs


def one_step(
    parts: Parts, policy: Policy, memory: Float[Array, "*batch memory"], inputs: Float[Array, "*batch inputs"]
) -> tuple[Float[Array, "*batch memory"], Gaussian]:
    """The memory after a step, and the distribution of its action."""
    return parts.policy.apply(policy.weights, memory, seen(parts, policy, inputs))


def over_time(parts: Parts, policy: Policy, memory: Float[Array, "env memory"], inputs: Float[Array, "env step inputs"]) -> Gaussian:
    """Distributions (env, step, 4) along sequences that start with this memory; only the memory itself goes step by step."""
    network, weights = parts.policy, policy.weights
    encoded = network.apply(weights, seen(parts, policy, inputs), method="encode")

    def step(memory: Array, now: Array) -> tuple[Array, Array]:
        memory = network.apply(weights, memory, now, method="remember")
        return memory, memory

    memories = jax.lax.scan(step, memory, encoded.swapaxes(0, 1))[1].swapaxes(0, 1)
    return network.apply(weights, memories, encoded, method="act")


# Learning -----------------------------------------------------------------------------------------


class Sequences(NamedTuple):
    """Stretches of trials (sequence, step, …), each with the memory at its start as it was then."""

    memory: Float[Array, "sequence memory"]
    inputs: Float[Array, "sequence step inputs"]
    action: Float[Array, "sequence step action"]
    log_prob: Float[Array, "sequence step"]
    advantage: Float[Array, "sequence step"]
    critic_inputs: Float[Array, "sequence step critic_inputs"]
    target: Float[Array, "sequence step"]  # of the critic, in its units; zeros with the linear baseline


def instance_inputs(config: Rl2Config, tasks: list[Task]) -> NDArray[np.float32]:
    """What the critic is told of hidden instances (env, …): their random vectors, and of several tasks which it is."""
    names, found = config.tasks, np.zeros((len(tasks), INSTANCE_SIZE + len(config.tasks)), np.float32)
    for row, task in zip(found, tasks, strict=True):
        row[: len(task.rand_vec)] = task.rand_vec
        row[INSTANCE_SIZE + names.index(task.env_name)] = 1.0
    return found


def with_instances(stretch: Stretch, instances: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The critic's inputs (env, step, …) at each step and at the one after: observation, instance, time of the episode and of the trial."""
    steps = stretch.reward.shape[1]
    told = np.broadcast_to(instances[:, None], (*stretch.reward.shape, instances.shape[-1]))
    in_trial = np.broadcast_to(np.arange(steps, dtype=np.float32) / steps, stretch.reward.shape)
    length = stretch.time.max() + 1.0

    def inputs(obs: NDArray[Any], time: NDArray[Any], in_trial: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([obs, told, time[..., None] / length, in_trial[..., None]], axis=-1)

    # Beyond the end of an episode lies the beginning of the next one.
    at = inputs(stretch.obs, stretch.time, in_trial)
    return at, np.concatenate([at[:, 1:], inputs(stretch.next_obs, stretch.time, in_trial)[:, -1:]], axis=1)


def judge(parts: Parts, agent: Rl2, stretch: Stretch, instances: NDArray[Any]) -> tuple[Rl2, NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Advantages, the critic's inputs and its targets; first the agent with its scales brought up to date. Nothing follows a trial."""
    config = parts.config
    if config.baseline == LINEAR:
        advantage = linear_advantages(stretch, config.discount, config.trace, across_episodes=True)
        nothing = np.zeros((*advantage.shape, agent.critic_scale.mean.size), np.float32)
        return agent, advantage, nothing, np.zeros_like(advantage)
    at, after = with_instances(stretch, instances)
    return jax.device_get(_judge(parts, agent, stretch.reward, at, after))


@partial(jax.jit, static_argnums=0)
def _judge(parts: Parts, agent: Rl2, reward: Array, at: Array, after: Array) -> tuple[Rl2, Array, Array, Array]:
    config, is_new = parts.config, agent.critic_scale.count == 0.0
    fresh = updated_scale(agent.critic_scale, at.reshape(-1, at.shape[-1]).T)
    scale = jax.tree.map(lambda new, old: jnp.where(is_new, new, old), fresh, agent.critic_scale)  # the one that the critic learned with

    def values(inputs: Array) -> Array:
        value = parts.critic.apply(agent.critic, rescaled(scale, inputs))[..., 0]
        return value * jnp.sqrt(agent.target_scale.var[0]) + agent.target_scale.mean[0]

    is_last = jnp.broadcast_to(jnp.arange(reward.shape[1]) == reward.shape[1] - 1, reward.shape)
    value, next_value = values(at), jnp.where(is_last, 0.0, values(after))
    advantage = gae(reward, value, next_value, is_last, config.discount, config.trace)
    target = advantage + value
    target_scale = updated_scale(agent.target_scale, target.reshape(1, -1))
    target = (target - target_scale.mean[0]) / jnp.sqrt(target_scale.var[0])
    return agent._replace(critic_scale=fresh, target_scale=target_scale), advantage, rescaled(fresh, at), target


def offsets(config: Rl2Config, scale: Scale, seed: int, iteration: int) -> NDArray[np.float32]:
    """Of each trial's observations (env, 39) in training: meta-augmentation (Rajendran et al. 2020) against memorising.

    The 50 training instances can be told apart by where their objects begin, so a policy can learn their goals by heart and need not find
    out. With an offset of its own in each trial, the same in both frames, objects tell nothing of the goal; what the policy does and earns
    does. For tasks whose objects need not be touched. In evaluations there is no offset.
    """
    var = np.asarray(scale.var)[:OBSERVATION_FRAME]
    moves = (var > MIN_VARIANCE) & (np.asarray(scale.count) > 0.0)  # before the first iteration nothing is known of either
    noise = np.random.default_rng([seed, iteration]).normal(size=(config.meta_batch, OBSERVATION_FRAME))
    moves[:HAND_SIZE] = False
    frame = np.where(moves, config.augmentation * np.sqrt(var) * noise, 0.0)
    hidden = np.zeros((config.meta_batch, OBSERVATION_SIZE - 2 * OBSERVATION_FRAME))
    return np.concatenate([frame, frame, hidden], axis=1, dtype=np.float32)


def make_sequences(
    parts: Parts, agent: Rl2, stretch: Stretch, memories: NDArray[Any], instances: NDArray[Any], offset: NDArray[Any] | float = 0.0
) -> tuple[Rl2, Sequences]:
    """Cut trials into stretches over which gradients flow; also the agent with its scales brought up to date.

    Args:
      parts, agent: that played.
      stretch: whole trials.
      memories: (part, env, memory), at the starts of their parts.
      instances: what the critic is told, see `instance_inputs`.
      offset: of what the policy saw, see `offsets`.
    """
    config = parts.config
    agent, advantage, critic_inputs, target = judge(parts, agent, stretch, instances)
    if config.normalize_advantages:
        advantage = standardized(advantage)
    shown = stretch.obs + (offset[:, None] if isinstance(offset, np.ndarray) else offset)
    inputs = np.concatenate([shown, stretch.previous], axis=-1)

    def cut(x: NDArray[Any]) -> Any:
        return x.reshape(-1, config.sequence_steps, *x.shape[2:])

    memory = memories.swapaxes(0, 1).reshape(-1, memories.shape[-1])
    return agent, Sequences(memory, *map(cut, (inputs, stretch.action, stretch.log_prob, advantage, critic_inputs, target)))


def loss(parts: Parts, weights: Any, scale: Scale, batch: Sequences) -> tuple[Array, dict[str, Array]]:
    """PPO's clipped surrogate and entropy bonus, to be minimised."""
    distribution = over_time(parts, Policy(weights, scale), batch.memory, batch.inputs)
    log_prob, entropy = distribution.log_prob(batch.action), distribution.entropy().mean()
    surrogate = clipped_surrogate(log_prob, batch.log_prob, batch.advantage, parts.config.clip).mean()
    log_ratio = log_prob - batch.log_prob
    kl = (jnp.exp(log_ratio) - 1.0 - log_ratio).mean()  # without bias and never negative (Schulman 2020)
    return -surrogate - parts.config.entropy_bonus * entropy, {"surrogate": surrogate, "entropy": entropy, "kl": kl}


def critic_loss(parts: Parts, critic: Any, batch: Sequences) -> Array:
    """Squared error, in the units of the targets."""
    return ((parts.critic.apply(critic, batch.critic_inputs)[..., 0] - batch.target) ** 2).mean()


def learn(parts: Parts, agent: Rl2, sequences: Sequences, key: Array, iteration: int) -> tuple[Rl2, dict[str, Array]]:
    """All gradient steps of an iteration in one compiled call; also mean figures."""
    config = parts.config

    def step(agent_and_is_near: tuple[Rl2, Array], chosen: Array) -> tuple[tuple[Rl2, Array], dict[str, Array]]:
        agent, is_near = agent_and_is_near
        batch, (weights, scale) = jax.tree.map(lambda x: x[chosen], sequences), agent.policy
        grads, figures = jax.grad(partial(loss, parts), has_aux=True)(weights, scale, batch)
        updates, policy_opt = parts.policy_optimizer.update(grads, agent.policy_opt)
        is_near &= (config.max_kl == 0.0) | (figures["kl"] <= config.max_kl)
        new = agent._replace(policy=Policy(optax.apply_updates(weights, updates), scale), policy_opt=policy_opt)
        agent = jax.tree.map(lambda new, old: jnp.where(is_near, new, old), new, agent)
        if config.baseline == CRITIC:
            error, grads = jax.value_and_grad(partial(critic_loss, parts))(agent.critic, batch)
            updates, critic_opt = parts.critic_optimizer.update(grads, agent.critic_opt)
            agent = agent._replace(critic=optax.apply_updates(agent.critic, updates), critic_opt=critic_opt)
            figures |= {"critic_loss": error}
        return (agent, is_near), figures | {"policy_steps": is_near.astype(jnp.float32)}

    keys = jax.random.split(jax.random.fold_in(key, iteration), config.epochs)
    orders = jax.vmap(lambda one: jax.random.permutation(one, config.num_sequences))(keys)
    (agent, _), figures = jax.lax.scan(step, (agent, jnp.array(True)), orders.reshape(config.epochs * config.minibatches, -1))
    if config.normalize_inputs:  # only now: the densities of these actions belong to the scale that they were drawn with
        scale = updated_scale(agent.policy.scale, sequences.inputs.reshape(-1, INPUT_SIZE).T)
        agent = agent._replace(policy=agent.policy._replace(scale=scale))
    return agent, jax.tree.map(lambda values: values.mean(), figures)


# Training -----------------------------------------------------------------------------------------


def make_act(parts: Parts) -> Any:
    """Random actions of a policy, and the memory after them."""

    @jax.jit
    def act(policy: Any, memory: Array, obs: Array, previous: Array, seed_and_step: Array) -> tuple[Array, Array, Array]:
        key = jax.random.fold_in(jax.random.PRNGKey(seed_and_step[0]), seed_and_step[1])
        memory, distribution = one_step(parts, policy, memory, jnp.concatenate([obs, previous], axis=-1))
        action = distribution.sample(key)
        return action, distribution.log_prob(action), memory

    return act


def make_augmented_act(parts: Parts) -> Any:
    """The same for a pair of a policy and what is added to its observations."""
    act = make_act(parts)

    def augmented(
        pair: tuple[Policy, Array], memory: Array, obs: Array, previous: Array, seed_and_step: Array
    ) -> tuple[Array, Array, Array]:
        policy, offset = pair
        return act(policy, memory, obs + offset, previous, seed_and_step)

    return jax.jit(augmented)


def train(config: Rl2Config, seed: int, run: Run) -> Rl2:
    """Train, or go on training, until the budget is spent.

    Raises:
      TooSlowError: see `Run.check_speed`.
    """
    parts = make_parts(config)
    compiled = jax.jit(partial(learn, parts))
    collector = OnPolicyCollector(make_train_envs(config, seed), make_augmented_act(parts), seed=seed)
    agent, speed, instances = run.resume_with(init(parts, seed), collector), Speed(), Instances(config, seed)
    key = jax.random.PRNGKey(seed + 1_000_000)  # apart from the network's and the actions'
    while not run.is_over:
        iteration = run.env_steps // config.env_steps_per_iteration
        began = time.perf_counter()
        tasks = instances.of_iteration(iteration)
        collector.restart(tasks)
        offset = offsets(config, agent.policy.scale, seed, iteration)
        stretch, chunk, memories = collector.collect(
            (agent.policy, offset),
            config.trial_steps,
            iteration * config.trial_steps,
            memory=np.zeros((config.meta_batch, config.memory), np.float32),
            keep_memory_every=config.sequence_steps,
        )
        collected = time.perf_counter()
        agent, sequences = make_sequences(parts, agent, stretch, np.stack(memories), instance_inputs(config, tasks), offset)
        agent, figures = jax.block_until_ready(compiled(agent, sequences, key, iteration))
        updates = config.epochs * config.minibatches
        speed.count(chunk, time.perf_counter() - collected, time.perf_counter() - began, updates)
        run.advance(config.env_steps_per_iteration)

        run.log("progress", speed.numbers(config.env_steps_per_iteration) | {name: float(value) for name, value in figures.items()})
        speed = run.show_and_check(speed, config.env_steps_per_iteration)
        if run.is_due(config.eval_every_env_steps):
            evaluate_and_keep(config, seed, run, as_agent(parts, agent.policy, seed), agent.policy)
        if run.is_due(config.save_every_env_steps):
            run.save_all(agent, collector.get_state())
    collector.close()
    return agent


# Agent --------------------------------------------------------------------------------------------


class Rl2Agent:
    """A trained policy for `evaluate_adaptation` and `metalearning_evaluation`: adapts by remembering.

    Evaluation episodes go on from the memory at the end of adaptation. They give no rewards, so observations must carry the recurrent
    inputs (`recurrent_info_in_obs=True`).
    """

    reads_recurrent_info = True

    def __init__(self, parts: Parts, params: Any, seed: int = 0) -> None:
        self._parts, self._seed, self._step = parts, seed, 0
        self._params = jax.device_put(jax.tree.map(np.asarray, params), jax.devices("cpu")[0])
        self._random = make_act(parts)

        @jax.jit
        def likeliest(params: Any, memory: Array, obs: Array, previous: Array) -> tuple[Array, Array]:
            memory, distribution = one_step(parts, params, memory, jnp.concatenate([obs, previous], axis=-1))
            return distribution.mean, memory

        self._likeliest = likeliest
        self.init()

    def init(self) -> None:
        """A new trial: nothing is remembered."""
        self._memory: Any = None
        self._has_ended = np.zeros(0, dtype=bool)  # an episode, just before this one

    def reset(self, env_mask: NDArray[np.bool_]) -> None:
        """Episodes begin; what is remembered of the trial stays."""
        if self._memory is None:
            self._memory = np.zeros((len(env_mask), self._parts.config.memory), np.float32)
            self._has_ended = np.zeros(len(env_mask), dtype=bool)
        else:
            self._has_ended = np.asarray(env_mask, dtype=bool)

    def adapt_action(self, observations: NDArray[Any]) -> tuple[NDArray[np.float32], dict[str, NDArray[Any]]]:
        """Random actions (n, 4), to explore."""
        obs, previous = self._inputs(observations)
        self._step += 1
        action, _, self._memory = self._random(self._params, self._memory, obs, previous, np.array([self._seed, self._step]))
        return np.clip(np.asarray(action), -1.0, 1.0), {}

    def eval_action(self, observations: NDArray[Any]) -> NDArray[np.float32]:
        """The most likely actions (n, 4)."""
        action, self._memory = self._likeliest(self._params, self._memory, *self._inputs(observations))
        return np.clip(np.asarray(action), -1.0, 1.0)

    def step(self, timestep: Timestep) -> None:
        """Nothing to learn from but what the next observation brings."""

    def adapt(self) -> None:
        """It has: by remembering."""

    def _inputs(self, observations: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Observation and previous step as in training.

        Raises:
          ValueError: observations without the previous step.
        """
        if observations.shape[1] != INPUT_SIZE:
            raise ValueError(
                f"RL² reads {INPUT_SIZE} numbers, got {observations.shape[1]}: make the environments with recurrent_info_in_obs=True"
            )
        obs, previous = np.split(np.asarray(observations, np.float32), [OBSERVATION_SIZE], axis=1)
        previous[:, -1] = self._has_ended
        self._has_ended = np.zeros(len(previous), dtype=bool)
        return obs, previous


def as_agent(parts: Parts, params: Any, seed: int = 0) -> Rl2Agent:
    """A policy for evaluation."""
    return Rl2Agent(parts, params, seed)
