"""Soft actor-critic (Haarnoja et al. 2018, with a learned temperature) for one task or many.

With several tasks: one network told the task by a one-hot id, a replay buffer and a temperature for each task, equally many transitions of
each in a batch; with a head per task (`architecture`) the published MTMH-SAC. Each update, in the paper's order:

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
from jaxtyping import Float, Int

from metaworld_baselines.algorithms.task_policy import TaskPolicy
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience import replay
from metaworld_baselines.experience.off_policy import Collector, CollectorPool, make_envs
from metaworld_baselines.experience.replay import Buffer, Transition
from metaworld_baselines.gradients import conflict
from metaworld_baselines.gradients.combination import MultiTaskOptimizer
from metaworld_baselines.gradients.methods import MEAN, find_method
from metaworld_baselines.gradients.weighting import Weighting, projections_of
from metaworld_baselines.networks.actor_critic import ActionDistribution, squash, twin
from metaworld_baselines.networks.architectures import MULTI_HEAD, ONE_HOT, check_architecture
from metaworld_baselines.networks.multi_head import Network
from metaworld_baselines.runs.evaluations import Evaluations
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_baselines.runs.throughput import Throughput
from metaworld_py import ACTION_SIZE, OBSERVATION_SIZE
from metaworld_py.evaluation import EvaluationResult, evaluate, task_names

SEEDS_APART = 1_000_003  # of the collectors' actions
ALL, TORSO = COMBINED_PARAMS = "all", "torso"
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
    architecture: str = ONE_HOT  # a name of networks/architectures.py, of actor and critics
    actor_combination: str = MEAN  # of the tasks' gradients: a name of gradients/methods.py, such as "pcgrad" or "cagrad:c=0.5"
    critic_combination: str = MEAN  # likewise
    combined_params: str = ALL  # what methods see and combine: "all", or the shared "torso" (heads then take the mean)
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
        if self.combined_params not in COMBINED_PARAMS:
            raise ValueError(f"combined_params must be one of {', '.join(COMBINED_PARAMS)}, got {self.combined_params!r}")
        check_architecture(self.architecture, len(self.tasks))
        find_method(self.actor_combination, len(self.tasks), may_be_negative=True)
        find_method(self.critic_combination, len(self.tasks))
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
        """Environment steps of a chunk, over all tasks."""
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


def renamed_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of an older file by today's names: `multi_head` was an architecture, `gradient_method` one for actor and critics."""
    settings = dict(settings)
    if (multi_head := settings.pop("multi_head", None)) is not None:
        settings["architecture"] = MULTI_HEAD if multi_head else ONE_HOT
    if (method := settings.pop("gradient_method", None)) is not None:
        settings["actor_combination"] = settings["critic_combination"] = MEAN if method == "average" else method
    return settings


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


class Networks(NamedTuple):
    """What a run can go on from, if need be: the rest is the work of some thousand updates."""

    actor: Float[Array, " actor_params"]
    critic: Float[Array, " critic_params"]
    log_temperature: Float[Array, " task"]


@dataclass(frozen=True)
class Learner:
    """What stays the same during a run."""

    config: SacConfig
    num_tasks: int
    policy: ActionDistribution  # the actor as it plays: on the host, in float32
    actor: Network
    critic: Network  # twin
    actor_opt: MultiTaskOptimizer
    critic_opt: MultiTaskOptimizer
    temperature_opt: optax.GradientTransformation

    @property
    def task_ids(self) -> Float[Array, "task 1 id"]:
        """One-hot ids, to broadcast over batches (task, batch, …)."""
        return jnp.eye(self.num_tasks)[:, None, :]


def make_learner(config: SacConfig, seed: int) -> Learner:
    """Networks and optimizers for a configuration."""
    num_tasks = len(config.tasks)
    size = (num_tasks, config.width, config.depth, config.architecture)
    dtype = jnp.bfloat16 if config.precision == BFLOAT16 else None
    obs, action, task_id = jnp.zeros(OBSERVATION_SIZE), jnp.zeros(ACTION_SIZE), jnp.zeros(num_tasks)

    def optimizer(combination: str, network: Network, seed: int) -> MultiTaskOptimizer:
        clip, adam = optax.clip_by_global_norm(config.max_grad_norm), optax.adam(config.learning_rate, eps=config.adam_eps)
        shared = None if config.combined_params == ALL else lambda _: network.is_torso
        return MultiTaskOptimizer(find_method(combination, num_tasks), optax.chain(clip, adam), seed, shared)

    actor, critic = Network(ActionDistribution(*size, dtype), obs, task_id), Network(twin(*size, dtype), obs, action, task_id)
    return Learner(
        config=config,
        num_tasks=num_tasks,
        policy=ActionDistribution(*size),
        actor=actor,
        critic=critic,
        actor_opt=optimizer(config.actor_combination, actor, 2 * seed),
        critic_opt=optimizer(config.critic_combination, critic, 2 * seed + 1),
        temperature_opt=optax.adam(config.learning_rate, eps=config.adam_eps),
    )


def init(learner: Learner, seed: int) -> Sac:
    """Networks at the start of a run."""

    @jax.jit  # one compilation instead of one for each of its many small operations
    def at_start(key: Array) -> Sac:
        actor_key, critic_key = jax.random.split(key)
        actor, critic = learner.actor.init(actor_key), learner.critic.init(critic_key)
        log_temperature = jnp.full(learner.num_tasks, jnp.log(learner.config.initial_temperature))
        opt_states = learner.actor_opt.init(actor), learner.critic_opt.init(critic), learner.temperature_opt.init(log_temperature)
        return Sac(actor, critic, jnp.copy(critic), log_temperature, *opt_states)

    return at_start(jax.random.PRNGKey(seed))


# Losses, each (task,) -----------------------------------------------------------------------------


def td_target(
    reward: Float[Array, "*batch"], terminated: Float[Array, "*batch"], next_value: Float[Array, "*batch"], discount: float
) -> Float[Array, "*batch"]:
    """One-step target. A time limit (truncated) is not an end: only `terminated` cuts the bootstrap."""
    return reward + discount * (1.0 - terminated) * next_value


def critic_targets(learner: Learner, agent: Sac, batch: Transition, noise: Float[Array, "task batch action"]) -> Float[Array, "task batch"]:
    """What both critics are drawn to; the next action is the current actor's at the next observation."""
    mean, log_std = learner.actor.apply(agent.actor, batch.next_obs, learner.task_ids)
    next_action, log_prob = squash(mean, log_std, noise)
    next_q = learner.critic.apply(agent.target_critic, batch.next_obs, next_action, learner.task_ids).min(axis=0)
    next_value = next_q - jnp.exp(agent.log_temperature)[:, None] * log_prob
    return td_target(batch.reward, batch.terminated, next_value, learner.config.discount)


def critic_losses(
    learner: Learner, critic: Any, batch: Transition, task_ids: Float[Array, "task 1 id"], targets: Float[Array, "task batch"]
) -> tuple[Float[Array, " task"], Float[Array, " task"]]:
    """Squared errors of both critics, summed; also their mean Q."""
    q = learner.critic.apply(critic, batch.obs, batch.action, task_ids)
    return ((q - targets) ** 2).mean(axis=-1).sum(axis=0), q.mean(axis=(0, -1))


def actor_losses(
    learner: Learner,
    critic: Any,
    actor: Any,
    obs: Float[Array, "task batch obs"],
    task_ids: Float[Array, "task 1 id"],
    log_temperature: Float[Array, " task"],
    noise: Float[Array, "task batch action"],
) -> tuple[Float[Array, " task"], Float[Array, " task"]]:
    """Temperature-weighted log density minus the smaller Q, at actions of the actor; also the mean log density."""
    mean, log_std = learner.actor.apply(actor, obs, task_ids)
    action, log_prob = squash(mean, log_std, noise)
    q = learner.critic.apply(critic, obs, action, task_ids).min(axis=0)
    return (jnp.exp(log_temperature)[:, None] * log_prob - q).mean(axis=-1), log_prob.mean(axis=-1)


def temperature_gradient(log_prob: Float[Array, " task"], target_entropy: float) -> Float[Array, " task"]:
    """Gradient of −log α (log π + target entropy): a task's temperature falls while its policy is more random than it should be."""
    return -(log_prob + target_entropy)


# Update -------------------------------------------------------------------------------------------


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
    arrays = batch.obs, learner.task_ids, agent.log_temperature, draws.noise
    steps, actor_opt, (_, log_prob) = learner.actor_opt.update(losses, agent.actor, agent.actor_opt, *arrays, noise=draws.actor_method)
    actor = optax.apply_updates(agent.actor, steps)

    grads = temperature_gradient(log_prob, learner.config.target_entropy)
    steps, temperature_opt = learner.temperature_opt.update(grads, agent.temperature_opt, agent.log_temperature)
    log_temperature = optax.apply_updates(agent.log_temperature, steps)

    target_critic = optax.incremental_update(critic, agent.target_critic, learner.config.target_rate)
    return Sac(actor, critic, target_critic, log_temperature, actor_opt, critic_opt, temperature_opt)


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


def compiled_updates(learner: Learner) -> Any:
    """`update_often` of this learner, compiled; the agent that it is given is used up."""
    agent = jax.eval_shape(lambda: init(learner, 0))
    buffer = jax.eval_shape(partial(replay.empty, learner.num_tasks, learner.config.capacity))
    updates = jax.jit(partial(update_often, learner), donate_argnums=0)
    return updates.lower(agent, buffer, jax.random.PRNGKey(0), np.int32(0)).compile()


def look(learner: Learner, agent: Sac, buffer: Buffer, key: Array, iteration: int | Array) -> dict[str, Float[Array, " task"]]:
    """Losses, values and entropies on a fresh batch, per task."""
    draws = draw(learner, buffer, jax.random.fold_in(key, iteration))
    batch = replay.batch_of(buffer, draws.index)
    targets = critic_targets(learner, agent, batch, draws.next_noise)
    critic_loss, q = critic_losses(learner, agent.critic, batch, learner.task_ids, targets)
    actor_loss, log_prob = actor_losses(learner, agent.critic, agent.actor, batch.obs, learner.task_ids, agent.log_temperature, draws.noise)
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
        arguments = batch.obs, learner.task_ids, agent.log_temperature, draws.noise
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


# Training -----------------------------------------------------------------------------------------


def make_act(learner: Learner, envs_per_task: int) -> Callable[[Any, Any, Any], Array]:
    """Random actions of an actor, for all environments."""
    task_ids = np.repeat(np.eye(learner.num_tasks, dtype=np.float32), envs_per_task, axis=0)

    @jax.jit
    def act(actor: Any, obs: Float[Array, "env obs"], seed_and_step: Array) -> Float[Array, "env action"]:
        key = jax.random.fold_in(jax.random.PRNGKey(seed_and_step[0]), seed_and_step[1])
        mean, log_std = learner.policy.apply(actor, obs, task_ids)
        return squash(mean, log_std, jax.random.normal(key, mean.shape))[0]

    return act


def train(config: SacConfig, seed: int, run: RlRun) -> Sac:
    """Train, or go on training, until the budget or the run's time is spent.

    Raises:
      TooSlowError: see `RlRun.check_throughput`.
      FloatingPointError: the run has diverged.
    """
    learner = make_learner(config, seed)
    collector = make_collectors(config, seed)
    learn = compiled_updates(learner)
    measure, look_for_conflict = jax.jit(partial(look, learner)), jax.jit(partial(diagnose, learner))
    add = jax.jit(replay.add, donate_argnums=0)
    learn_key, look_key = jax.random.split(jax.random.PRNGKey(seed + 1_000_000))  # apart from the networks' and the actions'
    evaluations = Evaluations(run, partial(evaluate_actor, learner, seed))
    agent, buffer, learns_from = start_or_resume(learner, seed, run, collector)
    if run.owes_evaluation:
        evaluations.begin(actor_tree(learner, agent))
    speed = Throughput()
    while not run.is_over:
        iteration = run.env_steps // config.env_steps_per_chunk
        learns = iteration >= learns_from
        began = time.perf_counter()
        actor = actor_tree(learner, agent)
        if learns:
            agent = learn(agent, buffer, learn_key, np.int32(iteration))  # goes on while the actor is handed over
        collector.begin(actor, iteration)
        jax.block_until_ready(agent)
        learned = time.perf_counter()
        chunk = collector.finish()
        buffer = add(buffer, chunk.rows)
        speed.count(chunk, learned - began, time.perf_counter() - began, config.updates_per_chunk if learns else 0)
        run.advance(config.env_steps_per_chunk)

        if learns and run.is_due(config.log_every_env_steps):
            metrics = per_task(measure(agent, buffer, look_key, iteration), config.tasks)
            check_finite(metrics, run)
            run.log("progress", speed.numbers(config.env_steps_per_chunk) | metrics)
            speed = run.show_and_check(speed, config.env_steps_per_chunk)
        if learns and learner.num_tasks > 1 and run.is_due(config.diagnose_every_env_steps):
            run.log("conflict", named_numbers(look_for_conflict(agent, buffer, look_key, iteration)))
        evaluations.keep_what_is_done()
        if run.is_due(config.eval_every_env_steps):
            evaluations.begin(actor_tree(learner, agent))
        if run.is_due(config.save_every_env_steps):
            save(learner, run, evaluations, (agent, buffer), collector)
            if run.is_over:
                evaluations.finish()
                save(learner, run, evaluations, (agent, buffer), collector)
    evaluations.close()
    collector.close()
    return agent


def make_collector(config: SacConfig, seed: int, index: int = 0) -> Collector:
    """The environments of a run, or of one of its `collectors`, and who steps them."""
    learner = make_learner(config, seed)
    envs_per_task = config.envs_per_task // config.collectors
    envs = make_envs(
        config.tasks,
        seed,
        envs_per_task,
        max_episode_steps=config.max_episode_steps,
        reward_version=config.reward_version,
        first=index * envs_per_task * learner.num_tasks,
    )
    return Collector(
        envs,
        make_act(learner, envs_per_task),
        steps=config.chunk_vector_steps,
        random_chunks=config.random_chunks,
        seed=seed + SEEDS_APART * index,
        overlap=config.overlap and config.collectors == 1,
    )


def make_collectors(config: SacConfig, seed: int) -> Collector | CollectorPool:
    """All collectors of a run: one in this process, or some in processes of their own."""
    if config.collectors == 1:
        return make_collector(config, seed)
    return CollectorPool([partial(make_collector, config, seed, index) for index in range(config.collectors)])


def start_or_resume(learner: Learner, seed: int, run: RlRun, collector: Collector | CollectorPool) -> tuple[Sac, Buffer, int]:
    """Networks and buffer as they were when this run was last saved, the environments with them; new ones in a new run.

    Also from which iteration on there are updates. A run that was saved without its buffer fills a new one first, with its own actions;
    of one that was saved without optimizers these begin anew.
    """
    config = learner.config
    agent, buffer = init(learner, seed), replay.empty(learner.num_tasks, config.capacity)
    like: Any = (agent, replay.trimmed(buffer, config.rows_after(run.env_steps))) if config.save_buffer else agent
    if run.has_networks_only:
        like = Networks(agent.actor, agent.critic, agent.log_temperature)
    saved = run.restore(like)
    if saved is None:
        return agent, buffer, config.random_chunks
    arrays, envs_state = saved
    collector.set_state(envs_state)
    if isinstance(arrays, Networks):
        arrays = agent._replace(**arrays._asdict(), target_critic=arrays.critic.copy())
    if run.has_networks_only or not config.save_buffer:
        iteration = run.env_steps // config.env_steps_per_chunk
        return jax.device_put(arrays), buffer, max(iteration, config.random_chunks) + config.random_chunks * (iteration > 0)
    agent, small = arrays
    return jax.device_put(agent), replay.extended(small, config.capacity), config.random_chunks


def save(
    learner: Learner, run: RlRun, evaluations: Evaluations, agent_and_buffer: tuple[Sac, Buffer], collector: Collector | CollectorPool
) -> None:
    """What a resumed run needs."""
    agent, buffer = agent_and_buffer
    rows = replay.trimmed(buffer, learner.config.rows_after(run.env_steps))
    arrays = (agent, rows) if learner.config.save_buffer else agent
    run.save_all(arrays, collector.get_state(), owes_evaluation=evaluations.settle())


def evaluate_actor(learner: Learner, seed: int, actor: Any) -> EvaluationResult:
    """The published protocol: most likely actions, every training goal of every task once."""
    config = learner.config
    return evaluate(
        as_agent(learner, actor),
        config.tasks,
        seed=seed,
        instances_per_task=config.eval_instances,
        max_episode_steps=config.max_episode_steps,
        reward_function_version=config.reward_version,
    )


def actor_tree(learner: Learner, agent: Sac) -> Any:
    """A copy of the actor on the host, as it stands in files."""
    return learner.actor.tree(np.array(agent.actor))


def as_agent(learner: Learner, actor: Any) -> TaskPolicy:
    """An actor for `metaworld_py.evaluation`."""
    return TaskPolicy(learner.config.tasks, lambda params, obs, ids: jnp.tanh(learner.policy.apply(params, obs, ids)[0]), actor)


def per_task(metrics: dict[str, Float[Array, " task"]], names: list[str]) -> dict[str, float]:
    """Means over tasks, and each task's temperature."""
    means = {name: float(values.mean()) for name, values in metrics.items()}
    return means | {f"temperature/{name}": float(value) for name, value in zip(names, metrics["temperature"], strict=True)}


def check_finite(metrics: dict[str, float], run: RlRun) -> None:
    """Stop what has gone wrong for good.

    Raises:
      FloatingPointError: some figure is not a finite number.
    """
    wrong = [name for name, value in metrics.items() if not np.isfinite(value)]
    if wrong:
        raise FloatingPointError(
            f"{', '.join(wrong)} not finite after {run.env_steps:,} steps: the run has diverged; what was saved stands"
        )


def named_numbers(looks: dict[str, Any]) -> dict[str, float]:
    """Diagnostics as plain numbers."""
    return {f"{of}/{name}": float(value) for of, seen in looks.items() for name, value in seen._asdict().items()}
