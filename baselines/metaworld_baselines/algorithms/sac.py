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
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from metaworld_baselines.algorithms.sac_collectors import make_collectors
from metaworld_baselines.algorithms.sac_config import SacConfig
from metaworld_baselines.algorithms.sac_learner import Learner, Networks, Sac, actor_tree, as_agent, init, make_learner
from metaworld_baselines.algorithms.sac_update import (
    BUFFERS,
    compiled_updates,
    diagnose,
    join_buffers,
    look,
    reset,
    take_buffer,
    with_returns,
)
from metaworld_baselines.algorithms.seeds import Seeds
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience import replay
from metaworld_baselines.experience.replay import Buffer
from metaworld_baselines.runs.evaluations import Evaluations, evaluate_all_goals
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_baselines.runs.throughput import Throughput
from metaworld_py.evaluation import EvaluationResult

RESETS = 2**32 - 1  # apart from the numbers of iterations


class Member:
    """What each seed of a training has for itself: files, environments, evaluations, random numbers.

    Args:
      config, seed: of the run.
      run: its files.
    """

    def __init__(self, config: SacConfig, seed: int, run: RlRun) -> None:
        self.seed, self.run = seed, run
        self.learner = make_learner(config, seed)  # differs from other seeds' in what its combinations begin with
        self.collector = make_collectors(config, seed)
        self.evaluations = Evaluations(run, partial(evaluate_actor, self.learner, seed))
        learn_key, look_key = jax.random.split(jax.random.PRNGKey(seed + 1_000_000))  # apart from the networks' and the actions'
        self.keys = learn_key, look_key, jax.random.fold_in(learn_key, RESETS)
        self.speed = Throughput()

    def save(self, agent: Sac, buffer: Buffer) -> None:
        """What a resumed run needs."""
        config = self.learner.config
        arrays: Any = (agent, replay.trimmed(buffer, config.rows_after(self.run.env_steps))) if config.save_buffer else agent
        self.run.save_all(arrays, self.collector.get_state(), owes_evaluation=self.evaluations.settle())


class Training:
    """Several seeds that learn in one loop: their updates are one compiled call, over arrays with the seeds in front.

    Args:
      config: of all.
      runs: by seed.

    Raises:
      ValueError: runs to go on with that stand at different steps.
    """

    def __init__(self, config: SacConfig, runs: Mapping[int, RlRun]) -> None:
        check_side_by_side(runs)
        self.config, self.members, self.seeds = config, [Member(config, seed, run) for seed, run in runs.items()], Seeds(len(runs))
        learner, over = self.members[0].learner, self.seeds.over
        self._learn = compiled_updates(learner, self.seeds)
        self._measure = jax.jit(over(partial(look, learner), (0, BUFFERS, 0, None)))
        self._look_for_conflict = jax.jit(over(partial(diagnose, learner), (0, BUFFERS, 0, None)))
        self._add = jax.jit(over(replay.add, (BUFFERS, 0), BUFFERS), donate_argnums=0)
        self._begin_anew = jax.jit(over(partial(reset, learner), (0, BUFFERS, 0)), donate_argnums=0)
        keys = zip(*(one.keys for one in self.members), strict=True)
        self._learn_key, self._look_key, self._reset_key = (self.seeds.join(of_seeds) for of_seeds in keys)
        agents, buffers, learns_from = zip(*(start_or_resume(one) for one in self.members), strict=True)
        self.agents, self.buffers, self._learns_from = self.seeds.join(agents), join_buffers(self.seeds, buffers), learns_from[0]
        self.evaluate(lambda one: one.run.owes_evaluation)

    @property
    def run(self) -> RlRun:
        """The first seed's, beside which the others advance."""
        return self.members[0].run

    @property
    def learns(self) -> bool:
        """Whether there are updates in this iteration: at first, experience is random."""
        return self.iteration >= self._learns_from

    @property
    def iteration(self) -> int:
        """Chunks so far."""
        return self.run.env_steps // self.config.env_steps_per_chunk

    def agent(self, index: int) -> Sac:
        """One seed's."""
        return self.seeds.take(self.agents, index)

    def actors(self) -> list[Any]:
        """All seeds' actors, for the host."""
        return [actor_tree(one.learner, self.agent(index)) for index, one in enumerate(self.members)]

    def step(self) -> None:
        """A chunk of experience of every seed, and the updates that go with it."""
        config, iteration, learns = self.config, self.iteration, self.learns
        began = time.perf_counter()
        if learns and config.resets_before(iteration):
            self._reset(iteration)
        actors = self.actors()
        if learns:  # goes on while the actors are handed over
            self.agents = self._learn(self.agents, self.buffers, self._learn_key, np.int32(iteration))
        for one, actor in zip(self.members, actors, strict=True):
            one.collector.begin(actor, iteration)
        jax.block_until_ready(self.agents)
        learner_s = time.perf_counter() - began
        chunks = [one.collector.finish() for one in self.members]
        self.buffers = self._add(self.buffers, self._joined([chunk.rows for chunk in chunks]))
        self.agents = with_returns(self.agents, self._joined([chunk.largest_returns for chunk in chunks]))
        seconds = time.perf_counter() - began
        for one, chunk in zip(self.members, chunks, strict=True):
            one.speed.count(chunk, learner_s, seconds, config.updates_per_chunk if learns else 0)
            one.run.advance(config.env_steps_per_chunk)
        if any(one.run.is_over for one in self.members):  # time may be up between two of them
            for one in self.members:
                one.run.end()

    def _reset(self, iteration: int) -> None:
        keys = self.seeds.over(jax.random.fold_in, (0, None))(self._reset_key, iteration)
        self.agents = self._begin_anew(self.agents, self.buffers, keys)
        for call in range(self.config.reset_calls):
            self.agents = self._learn(self.agents, self.buffers, keys, np.int32(call))

    def _joined(self, arrays: Sequence[NDArray[Any] | None]) -> Any:
        """Seeds' arrays on the host as one; None: nobody has any."""
        there = [array for array in arrays if array is not None]
        return (there[0] if len(arrays) == 1 else np.stack(there)) if there else None

    def log(self, iteration: int) -> None:
        """Figures of a fresh batch, throughput, what training episodes were like.

        Raises:
          FloatingPointError, TooSlowError: see `train`.
        """
        figures = self._measure(self.agents, self.buffers, self._look_key, iteration)
        for index, one in enumerate(self.members):
            metrics = per_task(self.seeds.take(figures, index), self.config.tasks)
            check_finite(metrics, one.run)
            one.run.log("progress", one.speed.numbers(self.config.env_steps_per_chunk) | metrics)
            one.speed = one.run.show_and_check(one.speed, self.config.env_steps_per_chunk)

    def diagnose(self, iteration: int) -> None:
        """Gradient conflicts."""
        looks = self._look_for_conflict(self.agents, self.buffers, self._look_key, iteration)
        for index, one in enumerate(self.members):
            one.run.log("conflict", named_numbers(self.seeds.take(looks, index)))

    def evaluate(self, wanted: Callable[[Member], bool] = lambda _: True) -> None:
        """Begin evaluations."""
        for one, actor in zip(self.members, self.actors(), strict=True):
            if wanted(one):
                one.evaluations.begin(actor)

    def save(self) -> None:
        """Everything of every seed; at the end of a run with its last evaluation."""
        for index, one in enumerate(self.members):
            buffer = take_buffer(self.seeds, self.buffers, index)
            one.save(self.agent(index), buffer)
            if one.run.is_over:
                one.evaluations.finish()
                one.save(self.agent(index), buffer)

    def close(self) -> None:
        """Wait for the last evaluations, and end the environments."""
        for one in self.members:
            one.evaluations.close()
            one.collector.close()


def train(config: SacConfig, seed: int, run: RlRun) -> Sac:
    """Train, or go on training, until the budget or the run's time is spent.

    Raises:
      TooSlowError: see `RlRun.check_throughput`.
      FloatingPointError: the run has diverged.
    """
    return train_seeds(config, {seed: run})[0]


def train_seeds(config: SacConfig, runs: Mapping[int, RlRun]) -> list[Sac]:
    """Train several seeds in one loop, or go on.

    Args:
      config: of all.
      runs: by seed.

    Raises:
      FloatingPointError, TooSlowError: see `train`.
      ValueError: runs to go on with that stand at different steps.
    """
    training = Training(config, runs)
    run = training.run
    if run.is_over and any(one.run.owes_evaluation for one in training.members):  # killed while the end was evaluated
        training.save()
    while run.goes_on():
        iteration, learns = training.iteration, training.learns
        training.step()
        if learns and run.is_due(config.log_every_env_steps):
            training.log(iteration)
        if learns and len(config.tasks) > 1 and run.is_due(config.diagnose_every_env_steps):
            training.diagnose(iteration)
        for one in training.members:
            one.evaluations.keep_what_is_done()
        if run.is_due(config.eval_every_env_steps):
            training.evaluate()
        if run.is_save_due(config.save_every_env_steps):
            training.save()
    training.close()
    return [training.agent(index) for index in range(len(runs))]


def check_side_by_side(runs: Mapping[int, RlRun]) -> None:
    """Refuse to go on with runs that cannot advance together.

    Raises:
      ValueError: they stand at different steps, or only some have all that they go on from; says what to do.
    """
    if len({(run.env_steps, run.has_networks_only) for run in runs.values()}) > 1:
        stand = ", ".join(f"seed {seed} at {run.env_steps:,} steps" for seed, run in runs.items())
        raise ValueError(f"these seeds cannot go on at once: {stand}; go on with each by itself, one --seed at a time")


def start_or_resume(member: Member) -> tuple[Sac, Buffer, int]:
    """Networks and buffer as they were when this run was last saved, the environments with them; new ones in a new run.

    Also from which iteration on there are updates. A run that was saved without its buffer fills a new one first, with its own actions;
    of one that was saved without optimizers these begin anew.
    """
    learner, run, config = member.learner, member.run, member.learner.config
    agent, buffer = init(learner, member.seed), replay.empty(learner.num_tasks, config.capacity)
    like: Any = (agent, replay.trimmed(buffer, config.rows_after(run.env_steps))) if config.save_buffer else agent
    if run.has_networks_only:
        like = Networks(agent.actor, agent.critic, agent.log_temperature, agent.scaling)
    saved = run.restore(like)
    if saved is None:
        return agent, buffer, config.random_chunks
    arrays, envs_state = saved
    member.collector.set_state(envs_state)
    if isinstance(arrays, Networks):
        arrays = agent._replace(**arrays._asdict(), target_critic=arrays.critic.copy())
    if run.has_networks_only or not config.save_buffer:
        iteration = run.env_steps // config.env_steps_per_chunk
        return jax.device_put(arrays), buffer, max(iteration, config.random_chunks) + config.random_chunks * (iteration > 0)
    agent, small = arrays
    return jax.device_put(agent), replay.extended(small, config.capacity), config.random_chunks


def evaluate_actor(learner: Learner, seed: int, actor: Any) -> EvaluationResult:
    """The published protocol: most likely actions, every training goal of every task once."""
    return evaluate_all_goals(as_agent(learner, actor), learner.config, seed)


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
            f"{run.folder}: {', '.join(wrong)} not finite after {run.env_steps:,} steps: the run has diverged; what was saved stands"
        )


def named_numbers(looks: dict[str, Any]) -> dict[str, float]:
    """Diagnostics as plain numbers."""
    return {f"{of}/{name}": float(value) for of, seen in looks.items() for name, value in seen._asdict().items()}
