"""Behaviour cloning (Pomerleau 1989): a policy that does in each state what the expert would do there, for one task or many.

    minimise  mean over tasks of  |π(s, task) − a*|_p^p,   s from the demonstrations, a* the expert's action in s

What is easily got wrong: a policy meets states beside the expert's path, and who learned only from the path does not know what to do there.
Demonstrations with noise on the actions show such states, labelled with what the expert would do (DART: Laskey et al. 2017).
And an observation holds the frame before: what the expert did last can be read off it and is most often what it does next, so a policy that
sees both frames may learn to go on as before instead of looking (de Haan et al. 2019). Ours sees the present frame and the goal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

from metaworld_baselines.algorithms.augmentation import OBSERVATION_FRAME
from metaworld_baselines.algorithms.imitation import learn_from_demonstrations
from metaworld_baselines.algorithms.task_policy import TaskPolicy
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.demonstrations import Demonstrated, in_words, read_demonstrations
from metaworld_baselines.gradients.combination import MultiTaskOptimizer, by_task
from metaworld_baselines.gradients.methods import MEAN, find_method
from metaworld_baselines.networks.architectures import ONE_HOT, TaskNetwork, check_architecture
from metaworld_baselines.networks.multi_head import with_task
from metaworld_baselines.networks.scaling import Scale, new_scale, rescaled, updated_scale
from metaworld_baselines.runs.evaluations import evaluate_all_goals
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_baselines.runs.run_files import DEMONSTRATIONS
from metaworld_py import ACTION_SIZE, OBSERVATION_SIZE
from metaworld_py.evaluation import task_names
from metaworld_py.files import write_json

PRESENT = np.r_[0:OBSERVATION_FRAME, 2 * OBSERVATION_FRAME : OBSERVATION_SIZE]  # all but the frame before
POWERS = {"absolute": 1, "squared": 2}


@dataclass(frozen=True, kw_only=True)
class CloningConfig:
    """Settings."""

    benchmark: str = "MT10"  # a task set, a task, or tasks joined by commas
    demonstrations: str = ""  # folder of a recording by `metaworld-py record`, of these tasks or more
    total_env_steps: int = 3_200_000  # drawn from the demonstrations in all, over all tasks; each counts as often as it is drawn
    reward_version: str = "v2"  # of evaluations
    max_episode_steps: int = 500  # likewise
    width: int = 256
    depth: int = 3  # hidden layers
    architecture: str = ONE_HOT  # a name of networks/architectures.py
    loss: str = "absolute"  # or "squared", of each action component
    previous_frame: bool = False  # let the policy see the frame before, too
    combination: str = MEAN  # of the tasks' gradients, see gradients/methods.py
    batch_per_task: int = 64
    updates_per_iteration: int = 500
    learning_rate: float = 1e-3  # Adam; falls to 0 over the budget along a cosine
    max_grad_norm: float = 1.0
    eval_every_env_steps: int = 3_200_000
    eval_instances: int = 50  # per task, one episode each; of the run's seed, so others than those demonstrated with another seed
    save_every_env_steps: int = 3_200_000

    def __post_init__(self) -> None:
        for name in ("total_env_steps", "width", "depth", "batch_per_task", "updates_per_iteration", "eval_instances"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.loss not in POWERS:
            raise ValueError(f"loss must be one of {', '.join(POWERS)}, got {self.loss!r}")
        check_architecture(self.architecture, len(self.tasks))
        find_method(self.combination, len(self.tasks))

    @property
    def tasks(self) -> list[str]:
        """Names in order."""
        return task_names(self.benchmark.split(",") if "," in self.benchmark else self.benchmark)

    @property
    def env_steps_per_iteration(self) -> int:
        """Drawn over all tasks."""
        return self.updates_per_iteration * self.batch_per_task * len(self.tasks)

    @property
    def total_updates(self) -> int:
        """Gradient steps of the budget."""
        return -(-self.total_env_steps // self.env_steps_per_iteration) * self.updates_per_iteration


class Policy(NamedTuple):
    """What acts."""

    weights: Any
    scale: Scale  # of the observations, from the demonstrations


class Cloning(NamedTuple):
    """What learns, with its optimizer's state."""

    policy: Policy
    opt: Any


class Batch(NamedTuple):
    """Samples (…, sample, …) of a task or of many."""

    inputs: Float[Array, "*batch inputs"]
    action: Float[Array, "*batch action"]


@dataclass(frozen=True)
class Learner:
    """What stays the same during a run."""

    config: CloningConfig
    num_tasks: int
    network: TaskNetwork
    optimizer: MultiTaskOptimizer


def make_learner(config: CloningConfig) -> Learner:
    """Network and optimizer for a configuration."""
    num_tasks = len(config.tasks)
    rate = optax.cosine_decay_schedule(config.learning_rate, config.total_updates)
    adam = optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.adam(rate))
    network = TaskNetwork(config.architecture, num_tasks, config.width, config.depth, ACTION_SIZE)
    return Learner(config, num_tasks, network, MultiTaskOptimizer(find_method(config.combination, num_tasks), adam))


def init(learner: Learner, seed: int) -> Cloning:
    """The network at the start of a run."""

    @jax.jit
    def at_start(key: Array) -> Cloning:
        scale = new_scale(OBSERVATION_SIZE)
        inputs = policy_inputs(learner, scale, jnp.zeros(OBSERVATION_SIZE), jnp.zeros(learner.num_tasks))
        weights = learner.network.init(key, inputs)
        return Cloning(Policy(weights, scale), learner.optimizer.init(weights))

    return at_start(jax.random.PRNGKey(seed))


def policy_inputs(
    learner: Learner, scale: Scale, obs: Float[Array, "*batch obs"], ids: Float[Array, "*batch task"]
) -> Float[Array, "*batch inputs"]:
    """What the network reads: observations in units of their standard deviations, and the task's id."""
    seen = rescaled(scale, obs)
    return with_task(seen if learner.config.previous_frame else seen[..., PRESENT], ids)


def cloning_loss(learner: Learner, weights: Any, batch: Batch) -> tuple[Array, dict[str, Array]]:
    """Mean distance from the expert's actions; what leaves the action box counts as it is, though environments clip it."""
    error = jnp.abs(learner.network.apply(weights, batch.inputs) - batch.action)
    return (error ** POWERS[learner.config.loss]).mean(), {"absolute_error": error.mean()}


def draw_batch(learner: Learner, scale: Scale, shown: Demonstrated, key: Array) -> Batch:
    """Equally many random steps of each task (task, sample, …)."""
    ids, shape = jnp.eye(learner.num_tasks), (learner.num_tasks, learner.config.batch_per_task)
    at = jax.random.randint(key, shape, 0, shown.steps[:, None])
    obs, action = (jnp.take_along_axis(array, at[..., None], axis=1) for array in (shown.obs, shown.action))
    ids = jnp.broadcast_to(ids[:, None], (*shape, learner.num_tasks))
    return Batch(policy_inputs(learner, scale, obs, ids), action)


def learn(learner: Learner, agent: Cloning, shown: Demonstrated, key: Array, iteration: int | Array) -> tuple[Cloning, dict[str, Array]]:
    """All gradient steps of an iteration in one compiled call; also mean metrics."""
    losses = by_task(partial(cloning_loss, learner))

    def step(agent: Cloning, key: Array) -> tuple[Cloning, dict[str, Array]]:
        (weights, scale), opt = agent
        updates, opt, (values, aux) = learner.optimizer.update(losses, weights, opt, draw_batch(learner, scale, shown, key))
        metrics = {"loss": values.mean(), "largest_loss_of_a_task": values.max()} | aux
        return Cloning(Policy(optax.apply_updates(weights, updates), scale), opt), jax.tree.map(jnp.mean, metrics)

    keys = jax.random.split(jax.random.fold_in(key, iteration), learner.config.updates_per_iteration)
    agent, metrics = jax.lax.scan(step, agent, keys)
    return agent, jax.tree.map(jnp.mean, metrics)


def scale_of(shown: Demonstrated) -> Scale:
    """Mean and variance of all demonstrated observations."""
    obs = np.concatenate([of_task[:steps] for of_task, steps in zip(shown.obs, shown.steps, strict=True)])
    return updated_scale(new_scale(OBSERVATION_SIZE), obs.T)


def train(config: CloningConfig, seed: int, run: RlRun) -> Cloning:
    """Train, or go on training, until the budget is spent.

    Raises:
      ValueError: see `read_demonstrations`; or the run began with other demonstrations.
      TooSlowError: see `RlRun.check_throughput`.
    """
    learner = make_learner(config)
    shown, recording = read_demonstrations(config.demonstrations, config.tasks)
    agent, digest = init(learner, seed), shown.digest
    saved = run.restore(agent)
    if saved is None:
        agent = agent._replace(policy=agent.policy._replace(scale=scale_of(shown)))
    elif saved[1] != digest:
        raise ValueError(f"{run.folder} began with other demonstrations than are in {config.demonstrations} now: give another --out")
    else:
        agent = jax.device_put(saved[0])
    told = {"who": in_words(recording, config.tasks), "steps": int(shown.steps.sum()), "seed": recording.config.seed, "digest": digest}
    write_json(run.folder / DEMONSTRATIONS, told)
    compiled, key = jax.jit(partial(learn, learner)), jax.random.PRNGKey(seed + 1_000_000)  # apart from the network's
    on_device = jax.device_put(shown)
    return learn_from_demonstrations(
        config,
        run,
        agent,
        lambda agent, iteration: compiled(agent, on_device, key, iteration),
        partial(evaluate_and_keep, learner, seed, run),
        digest,
    )


def evaluate_and_keep(learner: Learner, seed: int, run: RlRun, policy: Policy) -> None:
    """Every goal of every task once; keeps the last and the best policy."""
    is_best = run.evaluated(evaluate_all_goals(as_agent(learner, policy), learner.config, seed))
    run.keep_actor(policy, is_best=is_best)


def as_agent(learner: Learner, policy: Policy) -> TaskPolicy:
    """A policy for `metaworld_py.evaluation`."""

    def act(policy: Policy, obs: Array, ids: Array) -> Array:
        return learner.network.apply(policy.weights, policy_inputs(learner, policy.scale, obs, ids))

    return TaskPolicy(learner.config.tasks, act, policy)
