"""Soft actor-critic (Haarnoja et al. 2018, with a learned temperature) for one task or many.

With several tasks: one network told the task by a one-hot id, a replay buffer and a temperature for each task, equally many transitions of
each in a batch; with a head per task (`multi_head`) the published MTMH-SAC. Each update, in the paper's order:

    critics      y = r + γ (1 − terminated) (min Q'(s', a') − α log π(a'|s')),   a' ~ π(·|s')          (eq. 5, 6)
    actor        minimise α log π(a|s) − min Q(s, a),   a ~ π(·|s)                                       (eq. 7, 9)
    temperature  minimise −log α (log π(a|s) + target entropy), for each task by itself                  (eq. 18)
    target       Q' ← (1 − τ) Q' + τ Q

What is easily got wrong: a' is drawn at the *next* observation; a time limit is no end of the problem, so `terminated` alone cuts the
bootstrap, and the successor of an episode's last step is its final observation rather than the first of the next episode.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from baselines import conflict, replay
from baselines.evaluations import Evaluations
from baselines.multitask import AVERAGE, DrawOrders, Gradients, MultiTask
from baselines.networks import ActionDistribution, Network, squash, twin
from baselines.policies import TaskPolicy
from baselines.replay import Buffer, Transition
from baselines.rollouts import Collector, Crew, make_envs
from baselines.runs import Run, Speed
from metaworld_py.episodes import ACTION_SIZE, OBSERVATION_SIZE
from metaworld_py.evaluation import EvaluationResult, evaluate, task_names

SEEDS_APART = 1_000_003  # of the collectors' actions
FLOAT32, TENSORFLOAT32, BFLOAT16 = PRECISIONS = "float32", "tensorfloat32", "bfloat16"


@dataclass(frozen=True, kw_only=True)
class SacConfig:
    """Settings; defaults are the published ones of the multi-task runs (Meta-World+), where published.

    A vector step is one step of every environment.
    """

    benchmark: str = "MT10"  # a task set, a task, or tasks joined by commas
    total_env_steps: int = 20_000_000  # over all tasks together: published 2·10⁶ times the number of tasks
    reward_version: str = "v2"  # unscaled, 0…10
    max_episode_steps: int = 500
    envs_per_task: int = 1
    multi_head: bool = False  # a linear head per task, in actor and critics
    width: int = 400
    depth: int = 3  # hidden layers
    discount: float = 0.99
    batch_per_task: int = 128
    buffer_per_task: int = 100_000  # transitions
    updates_per_vector_step: float = 1.0
    warmup_vector_steps: int = 4_000  # of uniform actions, without updates
    learning_rate: float = 3e-4  # Adam, for everything
    adam_eps: float = 1e-5
    max_grad_norm: float = 1.0  # global, of actor and of critics; temperatures are not clipped
    precision: str = TENSORFLOAT32  # of products while learning: "float32", "tensorfloat32" (on GPUs), "bfloat16" (but for first layers)
    target_rate: float = 0.005  # τ
    initial_temperature: float = 1.0
    target_entropy: float = -4.0  # minus the number of action dimensions
    chunk_vector_steps: int = 50  # collected at a time, while the learner makes as many steps' updates in one compiled call
    collectors: int = 1  # processes that act and step, each with its share of every task's environments; 1: a thread of this process
    overlap: bool = True  # collect while learning; no number depends on it
    eval_every_env_steps: int = 1_000_000
    eval_instances: int = 50  # per task, one episode each: the training goals, as published
    save_every_env_steps: int = 1_000_000
    save_buffer: bool = True  # with it (400 MB for MT10) a run goes on exactly; without, it goes on from networks and optimizers
    log_every_env_steps: int = 20_000
    diagnose_every_env_steps: int = 0  # gradient conflicts, see conflict.py; 0: never

    def __post_init__(self) -> None:
        if not 0.0 < self.discount < 1.0:
            raise ValueError(f"discount must lie in (0, 1), got {self.discount}")
        for name in ("total_env_steps", "envs_per_task", "batch_per_task", "chunk_vector_steps", "warmup_vector_steps", "width", "depth"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.collectors < 1 or self.envs_per_task % self.collectors:
            raise ValueError(f"collectors must divide envs_per_task ({self.envs_per_task}), got {self.collectors}")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {self.precision!r}")
        if self.updates_per_chunk < 1 or self.updates_per_chunk != self.chunk_vector_steps * self.updates_per_vector_step:
            raise ValueError(
                f"chunk_vector_steps · updates_per_vector_step must be a whole number of at least 1, got "
                f"{self.chunk_vector_steps} · {self.updates_per_vector_step}"
            )

    @property
    def tasks(self) -> list[str]:
        """Names in order."""
        return task_names(self.benchmark.split(",") if "," in self.benchmark else self.benchmark)

    @property
    def updates_per_chunk(self) -> int:
        """Gradient updates in one compiled call."""
        return round(self.chunk_vector_steps * self.updates_per_vector_step)

    @property
    def rows_per_chunk(self) -> int:
        """Transitions per task in a chunk."""
        return self.chunk_vector_steps * self.envs_per_task

    @property
    def env_steps_per_chunk(self) -> int:
        """Over all tasks."""
        return self.rows_per_chunk * len(self.tasks)

    @property
    def random_chunks(self) -> int:
        """Chunks of uniform actions: enough for the warm-up."""
        return -(-self.warmup_vector_steps // self.chunk_vector_steps)

    @property
    def capacity(self) -> int:
        """Rows of the buffer per task: whole chunks."""
        return -(-self.buffer_per_task // self.rows_per_chunk) * self.rows_per_chunk

    def rows_after(self, env_steps: int) -> int:
        """Rows of the buffer per task that are filled then."""
        return min(env_steps // len(self.tasks), self.capacity)


# Networks, optimizers, state ----------------------------------------------------------------------


class Sac(NamedTuple):
    """Everything that learns, with its optimizers' states.

    A network's parameters are one vector: clipping, Adam and the target's step are one operation each instead of one per layer, and the
    Gram matrix of gradient surgery is one product.
    """

    actor: Float[Array, " actor_params"]
    critic: Float[Array, " critic_params"]  # both
    target_critic: Float[Array, " critic_params"]
    log_temperature: Float[Array, " task"]
    actor_opt: Any
    critic_opt: Any
    temperature_opt: Any


@dataclass(frozen=True)
class Parts:
    """What stays the same during a run."""

    config: SacConfig
    num_tasks: int
    policy: ActionDistribution  # the actor as it plays: on the host, in float32
    actor: Network
    critic: Network  # twin
    gradients: Gradients
    draw_orders: DrawOrders
    actor_opt: optax.GradientTransformationExtraArgs
    critic_opt: optax.GradientTransformationExtraArgs
    temperature_opt: optax.GradientTransformation

    @property
    def task_ids(self) -> Float[Array, "task 1 task"]:
        """One-hot ids, to broadcast over batches (task, batch, …)."""
        return jnp.eye(self.num_tasks)[:, None, :]


def make_parts(config: SacConfig, seed: int, method: MultiTask = AVERAGE) -> Parts:
    """Networks and optimizers for a configuration."""
    num_tasks = len(config.tasks)
    size = (num_tasks, config.width, config.depth, config.multi_head and num_tasks > 1)
    dtype = jnp.bfloat16 if config.precision == BFLOAT16 else None
    obs, action, task_id = jnp.zeros(OBSERVATION_SIZE), jnp.zeros(ACTION_SIZE), jnp.zeros(num_tasks)

    def optimizer(seed: int) -> optax.GradientTransformationExtraArgs:
        clip, adam = optax.clip_by_global_norm(config.max_grad_norm), optax.adam(config.learning_rate, eps=config.adam_eps)
        return optax.with_extra_args_support(optax.chain(method.transformation(seed), clip, adam))

    return Parts(
        config=config,
        num_tasks=num_tasks,
        policy=ActionDistribution(*size),
        actor=Network(ActionDistribution(*size, dtype), obs, task_id),
        critic=Network(twin(*size, dtype), obs, action, task_id),
        gradients=method.gradients,
        draw_orders=method.draw_orders,
        actor_opt=optimizer(2 * seed),
        critic_opt=optimizer(2 * seed + 1),
        temperature_opt=optax.adam(config.learning_rate, eps=config.adam_eps),
    )


def init(parts: Parts, seed: int) -> Sac:
    """Networks at the start of a run."""

    @jax.jit  # one compilation instead of one for each of its many small operations
    def at_start(key: Array) -> Sac:
        actor_key, critic_key = jax.random.split(key)
        actor, critic = parts.actor.init(actor_key), parts.critic.init(critic_key)
        log_temperature = jnp.full(parts.num_tasks, jnp.log(parts.config.initial_temperature))
        opt_states = parts.actor_opt.init(actor), parts.critic_opt.init(critic), parts.temperature_opt.init(log_temperature)
        return Sac(actor, critic, jnp.copy(critic), log_temperature, *opt_states)

    return at_start(jax.random.PRNGKey(seed))


# Losses, each (task,) -----------------------------------------------------------------------------


def td_target(
    reward: Float[Array, "*batch"], terminated: Float[Array, "*batch"], next_value: Float[Array, "*batch"], discount: float
) -> Float[Array, "*batch"]:
    """One-step target. A time limit (truncated) is not an end: only `terminated` cuts the bootstrap."""
    return reward + discount * (1.0 - terminated) * next_value


def critic_targets(parts: Parts, agent: Sac, batch: Transition, noise: Float[Array, "task batch action"]) -> Float[Array, "task batch"]:
    """What both critics are drawn to; the next action is the current actor's at the next observation."""
    mean, log_std = parts.actor.apply(agent.actor, batch.next_obs, parts.task_ids)
    next_action, log_prob = squash(mean, log_std, noise)
    next_q = parts.critic.apply(agent.target_critic, batch.next_obs, next_action, parts.task_ids).min(axis=0)
    next_value = next_q - jnp.exp(agent.log_temperature)[:, None] * log_prob
    return td_target(batch.reward, batch.terminated, next_value, parts.config.discount)


def critic_losses(
    parts: Parts, critic: Any, batch: Transition, task_ids: Float[Array, "task 1 task"], targets: Float[Array, "task batch"]
) -> tuple[Float[Array, " task"], Float[Array, " task"]]:
    """Squared errors of both critics, summed; also their mean Q."""
    q = parts.critic.apply(critic, batch.obs, batch.action, task_ids)
    return ((q - targets) ** 2).mean(axis=-1).sum(axis=0), q.mean(axis=(0, -1))


def actor_losses(
    parts: Parts,
    critic: Any,
    actor: Any,
    obs: Float[Array, "task batch obs"],
    task_ids: Float[Array, "task 1 task"],
    log_temperature: Float[Array, " task"],
    noise: Float[Array, "task batch action"],
) -> tuple[Float[Array, " task"], Float[Array, " task"]]:
    """Temperature-weighted log density minus the smaller Q, at actions of the actor; also the mean log density."""
    action, log_prob = squash(*parts.actor.apply(actor, obs, task_ids), noise)
    q = parts.critic.apply(critic, obs, action, task_ids).min(axis=0)
    return (jnp.exp(log_temperature)[:, None] * log_prob - q).mean(axis=-1), log_prob.mean(axis=-1)


def temperature_gradient(log_prob: Float[Array, " task"], target_entropy: float) -> Float[Array, " task"]:
    """Of −log α (log π + target entropy): a task's temperature falls while its policy is more random than it should be."""
    return -(log_prob + target_entropy)


# Update -------------------------------------------------------------------------------------------


class Draws(NamedTuple):
    """The random numbers of an update."""

    index: Int[Array, "task batch"]  # rows of the buffer
    next_noise: Float[Array, "task batch action"]  # of the target's actions
    noise: Float[Array, "task batch action"]  # of the actor's
    critic_orders: Any  # of gradient surgery, or None
    actor_orders: Any


def draw(parts: Parts, buffer: Buffer, key: Array) -> Draws:
    """For one update."""
    sample_key, noise_key = jax.random.split(key)
    index = replay.draw(buffer, sample_key, parts.config.batch_per_task)
    next_noise, noise = jax.random.normal(noise_key, (2, *index.shape, ACTION_SIZE))
    order_keys = jax.random.split(jax.random.fold_in(key, 1))
    return Draws(index, next_noise, noise, *(parts.draw_orders(order_key, parts.num_tasks) for order_key in order_keys))


def update(parts: Parts, agent: Sac, batch: Transition, draws: Draws) -> Sac:
    """One update of everything, from a batch (task, batch, …)."""
    targets = critic_targets(parts, agent, batch, draws.next_noise)
    grads, _ = parts.gradients(partial(critic_losses, parts), agent.critic, batch, parts.task_ids, targets)
    steps, critic_opt = parts.critic_opt.update(grads, agent.critic_opt, agent.critic, orders=draws.critic_orders)
    critic = optax.apply_updates(agent.critic, steps)

    losses = partial(actor_losses, parts, critic)
    grads, (_, log_prob) = parts.gradients(losses, agent.actor, batch.obs, parts.task_ids, agent.log_temperature, draws.noise)
    steps, actor_opt = parts.actor_opt.update(grads, agent.actor_opt, agent.actor, orders=draws.actor_orders)
    actor = optax.apply_updates(agent.actor, steps)

    grads = temperature_gradient(log_prob, parts.config.target_entropy)
    steps, temperature_opt = parts.temperature_opt.update(grads, agent.temperature_opt, agent.log_temperature)
    log_temperature = optax.apply_updates(agent.log_temperature, steps)

    target_critic = optax.incremental_update(critic, agent.target_critic, parts.config.target_rate)
    return Sac(actor, critic, target_critic, log_temperature, actor_opt, critic_opt, temperature_opt)


def update_often(parts: Parts, agent: Sac, buffer: Buffer, key: Array, turn: int) -> Sac:
    """A chunk's worth of updates in one compiled call; `turn` counts the calls.

    What is random is drawn before the first of them: on a GPU an update's time is its number of kernels.
    """

    def once(agent: Sac, draws: Draws) -> tuple[Sac, None]:
        return update(parts, agent, replay.batch_of(buffer, draws.index), draws), None

    keys = jax.random.split(jax.random.fold_in(key, turn), parts.config.updates_per_chunk)
    draws = jax.vmap(partial(draw, parts, buffer))(keys)
    with jax.default_matmul_precision(FLOAT32 if parts.config.precision == FLOAT32 else TENSORFLOAT32):
        return jax.lax.scan(once, agent, draws)[0]


def compiled_updates(parts: Parts) -> Any:
    """`update_often` for these parts, compiled; the agent that it is given is used up."""
    agent = jax.eval_shape(partial(init, parts), 0)
    buffer = jax.eval_shape(partial(replay.empty, parts.num_tasks, parts.config.capacity))
    updates = jax.jit(partial(update_often, parts), donate_argnums=0)
    return updates.lower(agent, buffer, jax.random.PRNGKey(0), np.int32(0)).compile()


def look(parts: Parts, agent: Sac, buffer: Buffer, key: Array, turn: int) -> dict[str, Float[Array, " task"]]:
    """Losses, values and entropies on a fresh batch, per task."""
    draws = draw(parts, buffer, jax.random.fold_in(key, turn))
    batch = replay.batch_of(buffer, draws.index)
    targets = critic_targets(parts, agent, batch, draws.next_noise)
    critic_loss, q = critic_losses(parts, agent.critic, batch, parts.task_ids, targets)
    actor_loss, log_prob = actor_losses(parts, agent.critic, agent.actor, batch.obs, parts.task_ids, agent.log_temperature, draws.noise)
    temperature = jnp.exp(agent.log_temperature)
    return {"critic_loss": critic_loss, "actor_loss": actor_loss, "q": q, "entropy": -log_prob, "temperature": temperature}


def diagnose(parts: Parts, agent: Sac, buffer: Buffer, key: Array, turn: int) -> dict[str, conflict.Conflict]:
    """Gradient conflicts of critics and actor, on a fresh batch."""
    draw_key, power_key = jax.random.split(jax.random.fold_in(key, turn))
    draws = draw(parts, buffer, draw_key)
    batch = replay.batch_of(buffer, draws.index)
    targets = critic_targets(parts, agent, batch, draws.next_noise)
    arguments = batch.obs, parts.task_ids, agent.log_temperature, draws.noise
    looks = {
        "critic": (lambda critic: critic_losses(parts, critic, batch, parts.task_ids, targets)[0], agent.critic),
        "actor": (lambda actor: actor_losses(parts, agent.critic, actor, *arguments)[0], agent.actor),
    }
    return {name: conflict.diagnose(losses, params, parts.config.learning_rate, power_key) for name, (losses, params) in looks.items()}


# Training -----------------------------------------------------------------------------------------


def make_act(parts: Parts, envs_per_task: int) -> Callable[[Any, Any, Any], Array]:
    """Random actions of an actor, for all environments."""
    task_ids = np.repeat(np.eye(parts.num_tasks, dtype=np.float32), envs_per_task, axis=0)

    @jax.jit
    def act(actor: Any, obs: Float[Array, "env obs"], seed_and_step: Array) -> Float[Array, "env action"]:
        key = jax.random.fold_in(jax.random.PRNGKey(seed_and_step[0]), seed_and_step[1])
        mean, log_std = parts.policy.apply(actor, obs, task_ids)
        return squash(mean, log_std, jax.random.normal(key, mean.shape))[0]

    return act


def train(config: SacConfig, seed: int, run: Run, method: MultiTask = AVERAGE) -> Sac:
    """Train, or go on training, until the budget or the run's time is spent.

    Raises:
      TooSlowError: see `Run.check_speed`.
      FloatingPointError: the run has diverged.
    """
    parts = make_parts(config, seed, method)
    collector = make_collectors(config, seed)
    learn = compiled_updates(parts)
    measure, look_for_conflict = jax.jit(partial(look, parts)), jax.jit(partial(diagnose, parts))
    add = jax.jit(replay.add, donate_argnums=0)
    learn_key, look_key = jax.random.split(jax.random.PRNGKey(seed + 1_000_000))  # apart from the networks' and the actions'
    evaluations = Evaluations(run, partial(evaluate_actor, parts, seed))
    agent, buffer, learns_from = start_or_resume(parts, seed, run, collector)
    if run.owes_evaluation:
        evaluations.begin(actor_tree(parts, agent))
    speed = Speed()
    while not run.is_over:
        turn = run.env_steps // config.env_steps_per_chunk
        learns = turn >= learns_from
        began = time.perf_counter()
        actor = actor_tree(parts, agent)
        if learns:
            agent = learn(agent, buffer, learn_key, np.int32(turn))  # goes on while the actor is handed over
        collector.begin(actor, turn)
        jax.block_until_ready(agent)
        learned = time.perf_counter()
        chunk = collector.finish()
        buffer = add(buffer, chunk.rows)
        speed.count(chunk, learned - began, time.perf_counter() - began, config.updates_per_chunk if learns else 0)
        run.advance(config.env_steps_per_chunk)

        if learns and run.is_due(config.log_every_env_steps):
            figures = per_task(measure(agent, buffer, look_key, turn), config.tasks)
            check_finite(figures, run)
            run.log("progress", speed.numbers(config.env_steps_per_chunk) | figures)
            speed = run.show_and_check(speed, config.env_steps_per_chunk)
        if learns and parts.num_tasks > 1 and run.is_due(config.diagnose_every_env_steps):
            run.log("conflict", named_numbers(look_for_conflict(agent, buffer, look_key, turn)))
        evaluations.keep_what_is_done()
        if run.is_due(config.eval_every_env_steps):
            evaluations.begin(actor_tree(parts, agent))
        if run.is_due(config.save_every_env_steps):
            save(parts, run, evaluations, (agent, buffer), collector)
            if run.is_over:
                evaluations.finish()
                save(parts, run, evaluations, (agent, buffer), collector)
    evaluations.close()
    collector.close()
    return agent


def make_collector(config: SacConfig, seed: int, index: int = 0) -> Collector:
    """The environments of a run, or of one of its `collectors`, and who steps them."""
    parts = make_parts(config, seed)
    lengths = {"max_episode_steps": config.max_episode_steps, "reward_version": config.reward_version}
    envs_per_task = config.envs_per_task // config.collectors
    first = index * envs_per_task * parts.num_tasks
    return Collector(
        make_envs(config.tasks, seed, envs_per_task, **lengths, first=first),
        make_act(parts, envs_per_task),
        steps=config.chunk_vector_steps,
        random_chunks=config.random_chunks,
        seed=seed + SEEDS_APART * index,
        overlap=config.overlap and config.collectors == 1,
    )


def make_collectors(config: SacConfig, seed: int) -> Collector | Crew:
    """All of a run's."""
    if config.collectors == 1:
        return make_collector(config, seed)
    return Crew([partial(make_collector, config, seed, index) for index in range(config.collectors)])


def start_or_resume(parts: Parts, seed: int, run: Run, collector: Collector | Crew) -> tuple[Sac, Buffer, int]:
    """Networks and buffer as they were when this run was last saved, the environments with them; new ones in a new run.

    Also from which turn on there are updates. A run that was saved without its buffer fills a new one first, with its own actions.
    """
    config = parts.config
    agent, buffer = init(parts, seed), replay.empty(parts.num_tasks, config.capacity)
    if not run.is_resumed:
        return agent, buffer, config.random_chunks
    if not config.save_buffer:
        agent, envs_state = run.restore(agent)
        collector.set_state(envs_state)
        turn = run.env_steps // config.env_steps_per_chunk
        return jax.device_put(agent), buffer, max(turn, config.random_chunks) + config.random_chunks * (turn > 0)
    (agent, small), envs_state = run.restore((agent, replay.trimmed(buffer, config.rows_after(run.env_steps))))
    collector.set_state(envs_state)
    return jax.device_put(agent), replay.extended(small, config.capacity), config.random_chunks


def save(parts: Parts, run: Run, evaluations: Evaluations, agent_and_buffer: tuple[Sac, Buffer], collector: Collector | Crew) -> None:
    """What a resumed run needs."""
    agent, buffer = agent_and_buffer
    rows = replay.trimmed(buffer, parts.config.rows_after(run.env_steps))
    arrays = (agent, rows) if parts.config.save_buffer else agent
    run.save_all(arrays, collector.get_state(), owes_evaluation=evaluations.settle())


def evaluate_actor(parts: Parts, seed: int, actor: Any) -> EvaluationResult:
    """The published protocol: most likely actions, every training goal of every task once."""
    config = parts.config
    return evaluate(
        as_agent(parts, actor),
        config.tasks,
        seed=seed,
        instances_per_task=config.eval_instances,
        max_episode_steps=config.max_episode_steps,
        reward_function_version=config.reward_version,
    )


def actor_tree(parts: Parts, agent: Sac) -> Any:
    """A copy of the actor on the host, as it stands in files."""
    return parts.actor.tree(np.array(agent.actor))


def as_agent(parts: Parts, actor: Any) -> TaskPolicy:
    """An actor for `metaworld_py.evaluation`."""
    return TaskPolicy(parts.config.tasks, lambda params, obs, ids: jnp.tanh(parts.policy.apply(params, obs, ids)[0]), actor)


def per_task(figures: dict[str, Float[Array, " task"]], names: list[str]) -> dict[str, float]:
    """Means over tasks, and each task's temperature."""
    means = {name: float(values.mean()) for name, values in figures.items()}
    return means | {f"temperature/{name}": float(value) for name, value in zip(names, figures["temperature"], strict=True)}


def check_finite(figures: dict[str, float], run: Run) -> None:
    """Stop what has gone wrong for good.

    Raises:
      FloatingPointError: some figure is not a finite number.
    """
    wrong = [name for name, value in figures.items() if not np.isfinite(value)]
    if wrong:
        raise FloatingPointError(
            f"{', '.join(wrong)} not finite after {run.env_steps:,} steps: the run has diverged; what was saved stands"
        )


def named_numbers(looks: dict[str, conflict.Conflict]) -> dict[str, float]:
    """Diagnostics as plain numbers."""
    return {f"{of}/{name}": float(value) for of, seen in looks.items() for name, value in seen._asdict().items()}
