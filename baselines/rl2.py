"""RL² (Duan et al. 2016): a recurrent policy whose memory is the adaptation, trained by PPO over whole trials.

A trial is several episodes of one hidden goal. The memory lives through the ends of its episodes and is empty at its start. The policy
reads the observation, its previous action and reward, and whether an episode has just ended, so that it can find out what the goal is and
use it. Advantages run across the episodes of a trial: exploring in the first pays in the later ones.
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

from baselines.gaussian import MIN_STD, Gaussian
from baselines.meta import Instances, MetaConfig, evaluate_and_keep, make_train_envs
from baselines.on_policy import OnPolicyCollector, Stretch, linear_advantages, standardized
from baselines.ppo import clipped_surrogate
from baselines.runs import Run, Speed
from metaworld_py.episodes import ACTION_SIZE, OBSERVATION_SIZE
from metaworld_py.evaluation import Timestep

PREVIOUS_SIZE = ACTION_SIZE + 2  # action, reward / 10, end of an episode


@dataclass(frozen=True, kw_only=True)
class Rl2Config(MetaConfig):
    """Settings; defaults are the published ones (Meta-World+), where published."""

    width: int = 256  # of the two tanh layers before the memory
    memory: int = 256  # GRU
    discount: float = 0.99
    trace: float = 0.95  # λ
    epochs: int = 10
    bptt_steps: int = 250  # gradients flow back over so many steps; 0: over the whole trial
    minibatches: int = 20  # gradient steps of an epoch, each on an equal share of the stretches of `bptt_steps`
    clip: float = 0.2
    entropy_bonus: float = 5e-3
    learning_rate: float = 5e-4  # Adam
    adam_eps: float = 1e-5
    max_grad_norm: float = 1.0
    normalize_advantages: bool = False  # over the meta-batch
    forgetful: bool = False  # for comparison: a policy that sees no previous step and remembers nothing, so that it cannot adapt

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bptt_steps < 0 or (self.bptt_steps and self.trial_steps % self.bptt_steps):
            raise ValueError(f"bptt_steps must divide the {self.trial_steps} steps of a trial, or be 0, got {self.bptt_steps}")
        if self.minibatches < 1 or self.num_sequences % self.minibatches:
            raise ValueError(f"minibatches must divide the {self.num_sequences} stretches of an iteration, got {self.minibatches}")

    @property
    def trial_steps(self) -> int:
        """Control steps of a trial."""
        return self.episodes * self.max_episode_steps

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

    def setup(self) -> None:
        """The layers."""
        self.first, self.second = nn.Dense(self.width), nn.Dense(self.width)
        self.cell = nn.GRUCell(self.memory, recurrent_kernel_init=nn.initializers.orthogonal())
        self.mean = nn.Dense(ACTION_SIZE, kernel_init=nn.initializers.orthogonal(0.01))
        self.log_std = nn.Dense(ACTION_SIZE, kernel_init=nn.initializers.orthogonal(0.01))

    def __call__(
        self, memory: Float[Array, "*batch memory"], inputs: Float[Array, "*batch inputs"]
    ) -> tuple[Float[Array, "*batch memory"], Gaussian]:
        """One step: the memory after it, and the distribution of its action."""
        memory = self.remember(memory, self.encode(inputs))
        return memory, self.act(memory)

    def encode(self, inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch width"]:
        """Inputs as the memory takes them."""
        if self.is_forgetful:
            inputs = inputs.at[..., OBSERVATION_SIZE:].set(0.0)
        return nn.tanh(self.second(nn.tanh(self.first(inputs))))

    def remember(self, memory: Float[Array, "*batch memory"], encoded: Float[Array, "*batch width"]) -> Float[Array, "*batch memory"]:
        """The memory after a step."""
        return self.cell(jnp.zeros_like(memory) if self.is_forgetful else memory, encoded)[0]

    def act(self, memory: Float[Array, "*batch memory"]) -> Gaussian:
        """Distribution of actions (…, 4)."""
        return Gaussian(self.mean(memory), jnp.maximum(self.log_std(memory), jnp.log(MIN_STD)))


def over_time(
    policy: RecurrentPolicy, params: Any, memory: Float[Array, "env memory"], inputs: Float[Array, "env step inputs"]
) -> Gaussian:
    """Distributions (env, step, 4) along sequences that start with this memory; only the memory itself goes step by step."""
    encoded = policy.apply(params, inputs, method="encode")

    def step(memory: Array, now: Array) -> tuple[Array, Array]:
        memory = policy.apply(params, memory, now, method="remember")
        return memory, memory

    memories = jax.lax.scan(step, memory, encoded.swapaxes(0, 1))[1].swapaxes(0, 1)
    return policy.apply(params, memories, method="act")


class Rl2(NamedTuple):
    """What learns, with its optimizer's state."""

    policy: Any
    opt: Any


@dataclass(frozen=True)
class Parts:
    """What stays the same during a run."""

    config: Rl2Config
    policy: RecurrentPolicy
    optimizer: optax.GradientTransformation


def make_parts(config: Rl2Config) -> Parts:
    """Network and optimizer for a configuration."""
    clip, adam = optax.clip_by_global_norm(config.max_grad_norm), optax.adam(config.learning_rate, eps=config.adam_eps)
    return Parts(config, RecurrentPolicy(config.width, config.memory, config.forgetful), optax.chain(clip, adam))


def init(parts: Parts, seed: int) -> Rl2:
    """The network at the start of a run."""

    @jax.jit
    def at_start(key: Array) -> Rl2:
        policy = parts.policy.init(key, jnp.zeros(parts.config.memory), jnp.zeros(OBSERVATION_SIZE + PREVIOUS_SIZE))
        return Rl2(policy, parts.optimizer.init(policy))

    return at_start(jax.random.PRNGKey(seed))


# Learning -----------------------------------------------------------------------------------------


class Sequences(NamedTuple):
    """Stretches of trials (sequence, step, …), each with the memory at its start as it was then."""

    memory: Float[Array, "sequence memory"]
    inputs: Float[Array, "sequence step inputs"]
    action: Float[Array, "sequence step action"]
    log_prob: Float[Array, "sequence step"]
    advantage: Float[Array, "sequence step"]


def make_sequences(config: Rl2Config, stretch: Stretch, memories: NDArray[Any]) -> Sequences:
    """Cut trials into stretches over which gradients flow. `memories` (part, env, memory) are those at their starts."""
    advantage = linear_advantages(stretch, config.discount, config.trace, across_episodes=True)
    if config.normalize_advantages:
        advantage = standardized(advantage)
    inputs = np.concatenate([stretch.obs, stretch.previous], axis=-1)

    def cut(x: NDArray[Any]) -> Any:
        return x.reshape(-1, config.sequence_steps, *x.shape[2:])

    memory = memories.swapaxes(0, 1).reshape(-1, memories.shape[-1])
    return Sequences(memory, cut(inputs), cut(stretch.action), cut(stretch.log_prob), cut(advantage))


def loss(parts: Parts, policy: Any, batch: Sequences) -> tuple[Array, dict[str, Array]]:
    """PPO's clipped surrogate and entropy bonus, to be minimised."""
    distribution = over_time(parts.policy, policy, batch.memory, batch.inputs)
    log_prob, entropy = distribution.log_prob(batch.action), distribution.entropy().mean()
    surrogate = clipped_surrogate(log_prob, batch.log_prob, batch.advantage, parts.config.clip).mean()
    kl = (batch.log_prob - log_prob).mean()
    return -surrogate - parts.config.entropy_bonus * entropy, {"surrogate": surrogate, "entropy": entropy, "kl": kl}


def learn(parts: Parts, agent: Rl2, sequences: Sequences, key: Array, iteration: int) -> tuple[Rl2, dict[str, Array]]:
    """All gradient steps of an iteration in one compiled call; also mean figures."""
    config = parts.config

    def step(agent: Rl2, chosen: Array) -> tuple[Rl2, dict[str, Array]]:
        batch = jax.tree.map(lambda x: x[chosen], sequences)
        grads, figures = jax.grad(partial(loss, parts), has_aux=True)(agent.policy, batch)
        updates, opt = parts.optimizer.update(grads, agent.opt)
        return Rl2(optax.apply_updates(agent.policy, updates), opt), figures

    keys = jax.random.split(jax.random.fold_in(key, iteration), config.epochs)
    orders = jax.vmap(lambda one: jax.random.permutation(one, config.num_sequences))(keys)
    agent, figures = jax.lax.scan(step, agent, orders.reshape(config.epochs * config.minibatches, -1))
    return agent, jax.tree.map(lambda values: values.mean(), figures)


# Training -----------------------------------------------------------------------------------------


def make_act(parts: Parts) -> Any:
    """Random actions of a policy, and the memory after them."""

    @jax.jit
    def act(policy: Any, memory: Array, obs: Array, previous: Array, seed_and_step: Array) -> tuple[Array, Array, Array]:
        key = jax.random.fold_in(jax.random.PRNGKey(seed_and_step[0]), seed_and_step[1])
        memory, distribution = parts.policy.apply(policy, memory, jnp.concatenate([obs, previous], axis=-1))
        action = distribution.sample(key)
        return action, distribution.log_prob(action), memory

    return act


def train(config: Rl2Config, seed: int, run: Run) -> Rl2:
    """Train, or go on training, until the budget is spent.

    Raises:
      TooSlowError: see `Run.check_speed`.
    """
    parts = make_parts(config)
    compiled = jax.jit(partial(learn, parts))
    collector = OnPolicyCollector(make_train_envs(config, seed), make_act(parts), seed=seed)
    agent, speed, instances = run.resume_with(init(parts, seed), collector), Speed(), Instances(config, seed)
    key = jax.random.PRNGKey(seed + 1_000_000)  # apart from the network's and the actions'
    while run.env_steps < config.total_env_steps:
        iteration = run.env_steps // config.env_steps_per_iteration
        began = time.perf_counter()
        collector.restart(instances.of_iteration(iteration))
        stretch, chunk, memories = collector.collect(
            agent.policy,
            config.trial_steps,
            iteration * config.trial_steps,
            memory=np.zeros((config.meta_batch, config.memory), np.float32),
            keep_memory_every=config.sequence_steps,
        )
        collected = time.perf_counter()
        agent, figures = jax.block_until_ready(compiled(agent, make_sequences(config, stretch, np.stack(memories)), key, iteration))
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
            memory, distribution = parts.policy.apply(params, memory, jnp.concatenate([obs, previous], axis=-1))
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
        if observations.shape[1] != OBSERVATION_SIZE + PREVIOUS_SIZE:
            raise ValueError(
                f"RL² reads {OBSERVATION_SIZE + PREVIOUS_SIZE} numbers, got {observations.shape[1]}: "
                "make the environments with recurrent_info_in_obs=True"
            )
        obs, previous = np.split(np.asarray(observations, np.float32), [OBSERVATION_SIZE], axis=1)
        previous[:, -1] = self._has_ended
        self._has_ended = np.zeros(len(previous), dtype=bool)
        return obs, previous


def as_agent(parts: Parts, params: Any, seed: int = 0) -> Rl2Agent:
    """A policy for evaluation."""
    return Rl2Agent(parts, params, seed)
