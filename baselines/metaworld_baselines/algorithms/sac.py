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
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from metaworld_baselines.algorithms.sac_config import SacConfig
from metaworld_baselines.algorithms.sac_learner import Learner, Networks, Sac, actor_tree, as_agent, distribution, init, make_learner
from metaworld_baselines.algorithms.sac_update import compiled_updates, diagnose, look, reset, with_returns
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience import replay
from metaworld_baselines.experience.collector_pool import CollectorPool
from metaworld_baselines.experience.off_policy import Collector, make_envs
from metaworld_baselines.experience.replay import Buffer
from metaworld_baselines.networks.actor_critic import squash
from metaworld_baselines.runs.evaluations import Evaluations
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_baselines.runs.throughput import Throughput
from metaworld_py.evaluation import EvaluationResult, evaluate

SEEDS_APART = 1_000_003  # of the collectors' actions
RESETS = 2**32 - 1  # apart from the numbers of iterations


def make_act(learner: Learner, envs_per_task: int) -> Callable[[Any, Any, Any], Array]:
    """Random actions of an actor, for all environments."""
    task_ids = np.repeat(np.eye(learner.num_tasks, dtype=np.float32), envs_per_task, axis=0)

    @jax.jit
    def act(actor: Any, obs: Float[Array, "env obs"], seed_and_step: Array) -> Float[Array, "env action"]:
        key = jax.random.fold_in(jax.random.PRNGKey(seed_and_step[0]), seed_and_step[1])
        mean, log_std = distribution(learner, actor, obs, task_ids)
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
    add, begin_anew = jax.jit(replay.add, donate_argnums=0), jax.jit(partial(reset, learner), donate_argnums=0)
    learn_key, look_key = jax.random.split(jax.random.PRNGKey(seed + 1_000_000))  # apart from the networks' and the actions'
    reset_key = jax.random.fold_in(learn_key, RESETS)
    evaluations = Evaluations(run, partial(evaluate_actor, learner, seed))
    agent, buffer, learns_from = start_or_resume(learner, seed, run, collector)
    if run.owes_evaluation:
        evaluations.begin(actor_tree(learner, agent))
    speed = Throughput()
    while not run.is_over:
        iteration = run.env_steps // config.env_steps_per_chunk
        learns = iteration >= learns_from
        began = time.perf_counter()
        if learns and config.resets_before(iteration):
            key = jax.random.fold_in(reset_key, iteration)
            agent = begin_anew(agent, buffer, key)
            for call in range(config.reset_calls):
                agent = learn(agent, buffer, key, np.int32(call))
        actor = actor_tree(learner, agent)
        if learns:
            agent = learn(agent, buffer, learn_key, np.int32(iteration))  # goes on while the actor is handed over
        collector.begin(actor, iteration)
        jax.block_until_ready(agent)
        learned = time.perf_counter()
        chunk = collector.finish()
        buffer, agent = add(buffer, chunk.rows), with_returns(agent, chunk.largest_returns)
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
        n_steps=config.n_steps,
        discount=config.discount,
        measures_returns=config.normalize_returns,
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
        like = Networks(agent.actor, agent.critic, agent.log_temperature, agent.scaling)
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
