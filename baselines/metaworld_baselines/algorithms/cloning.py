"""Behaviour cloning (Pomerleau 1989): a policy that does in each state what the expert would do there, for one task or many.

    minimise  mean over tasks of  |π(s, task) − a*|_p^p,   s from the demonstrations, a* the expert's action in s

What is easily got wrong: a policy meets states beside the expert's path, and who learned only from the path does not know what to do there.
Demonstrations with noise on the actions show such states, labelled with what the expert would do (DART: Laskey et al. 2017).
And an observation holds the frame before: what the expert did last can be read off it and is most often what it does next, so a policy that
sees both frames may learn to go on as before instead of looking (de Haan et al. 2019). Ours sees the present frame and the goal.

With `pixels`, it sees pictures of a recording instead, and of the observation hand and gripper alone. With `told_by="instruction"`, a
sentence takes the place of the task's one-hot id; a sample is told by one of its task's phrasings, drawn anew each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, UInt8

from metaworld_baselines.algorithms.augmentation import HAND_SIZE, OBSERVATION_FRAME
from metaworld_baselines.algorithms.cloned_policy import ClonedPolicy
from metaworld_baselines.algorithms.cloning_config import INSTRUCTION, POWERS, CloningConfig
from metaworld_baselines.algorithms.imitation import learn_from_demonstrations
from metaworld_baselines.algorithms.random_shifts import random_shifts
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.demonstrations import Demonstrated, in_words, read_demonstrations
from metaworld_baselines.experience.phrasings import learned_phrasings
from metaworld_baselines.gradients.combination import MultiTaskOptimizer, by_task
from metaworld_baselines.gradients.methods import find_method
from metaworld_baselines.networks.architectures import TaskNetwork
from metaworld_baselines.networks.multi_head import with_task
from metaworld_baselines.networks.scaling import Scale, new_scale, rescaled, updated_scale
from metaworld_baselines.networks.sentences import sentence_features
from metaworld_baselines.networks.spatial_softmax import SeeingNetwork
from metaworld_baselines.runs.evaluations import evaluate_all_goals
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_baselines.runs.run_files import DEMONSTRATIONS
from metaworld_py import ACTION_SIZE, OBSERVATION_SIZE
from metaworld_py.evaluation import evaluate
from metaworld_py.files import write_json

PRESENT = np.r_[0:OBSERVATION_FRAME, 2 * OBSERVATION_FRAME : OBSERVATION_SIZE]  # all but the frame before
HAND = np.r_[0:HAND_SIZE]  # position and opening of the gripper: what is known without seeing


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
    pictures: UInt8[Array, "*batch height width rgb"] | None = None


@dataclass(frozen=True)
class Learner:
    """What stays the same during a run."""

    config: CloningConfig
    num_tasks: int
    network: TaskNetwork | SeeingNetwork
    optimizer: MultiTaskOptimizer
    codes: Float[np.ndarray, "task phrasing code"]  # what tells each task, in one way or several


def make_learner(config: CloningConfig, seed: int = 0) -> Learner:
    """Network and optimizer for a configuration; the seed is of what combinations of gradients draw."""
    num_tasks = len(config.tasks)
    rate = optax.cosine_decay_schedule(config.learning_rate, config.total_updates)
    adam = optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.adam(rate))
    num_ids = 1 if config.told_by == INSTRUCTION else num_tasks  # an instruction is one of the inputs
    network = TaskNetwork(config.architecture, num_ids, config.width, config.depth, ACTION_SIZE)
    seeing = network if config.pixels is None else SeeingNetwork(network, config.conv_width)
    optimizer = MultiTaskOptimizer(find_method(config.combination, num_tasks), adam, seed)
    return Learner(config, num_tasks, seeing, optimizer, task_codes(config))


def task_codes(config: CloningConfig) -> Float[np.ndarray, "task phrasing code"]:
    """What tells each task: its one-hot id, or its phrasings; of fewer than the most, the first come again."""
    if config.told_by != INSTRUCTION:
        return np.eye(len(config.tasks), dtype=np.float32)[:, None]
    phrasings = [learned_phrasings(name, paraphrases=config.paraphrases) for name in config.tasks]
    most = max(len(of_task) for of_task in phrasings)
    return np.array([[sentence_features(of_task[at % len(of_task)]) for at in range(most)] for of_task in phrasings])


def init(learner: Learner, seed: int) -> Cloning:
    """The network at the start of a run."""

    @jax.jit
    def at_start(key: Array) -> Cloning:
        scale = new_scale(OBSERVATION_SIZE)
        inputs = policy_inputs(learner, scale, jnp.zeros((1, OBSERVATION_SIZE)), learner.codes[0, :1])
        size_px = learner.config.pixels
        pictures = () if size_px is None else (jnp.zeros((1, size_px, size_px, 3), jnp.uint8),)
        weights = learner.network.init(key, inputs, *pictures)
        return Cloning(Policy(weights, scale), learner.optimizer.init(weights))

    return at_start(jax.random.PRNGKey(seed))


def policy_inputs(
    learner: Learner, scale: Scale, obs: Float[Array, "*batch obs"], codes: Float[Array, "*batch code"]
) -> Float[Array, "*batch inputs"]:
    """What the network reads beside pictures: observations in units of their standard deviations, and what tells the task."""
    config, seen = learner.config, rescaled(scale, obs)
    if config.pixels is not None:
        seen = seen[..., HAND]
    elif not config.previous_frame:
        seen = seen[..., PRESENT]
    return with_task(seen, codes)


def act(learner: Learner, weights: Any, inputs: Float[Array, "sample inputs"], pictures: Array | None) -> Float[Array, "sample action"]:
    """Actions, which may leave their box."""
    return learner.network.apply(weights, inputs, *(() if pictures is None else (pictures,)))


def cloning_loss(learner: Learner, weights: Any, batch: Batch) -> tuple[Array, dict[str, Array]]:
    """Mean distance from the expert's actions; what leaves the action box counts as it is, though environments clip it."""
    error = jnp.abs(act(learner, weights, batch.inputs, batch.pictures) - batch.action)
    return (error ** POWERS[learner.config.loss]).mean(), {"absolute_error": error.mean()}


def draw_batch(learner: Learner, scale: Scale, shown: Demonstrated, key: Array) -> Batch:
    """Equally many random steps of each task (task, sample, …), each told in one of its task's phrasings."""
    shape = learner.num_tasks, learner.config.batch_per_task
    at = jax.random.randint(key, shape, 0, shown.steps[:, None])
    obs, action = (jnp.take_along_axis(array, at[..., None], axis=1) for array in (shown.obs, shown.action))
    phrasing = jax.random.randint(jax.random.fold_in(key, 1), shape, 0, learner.codes.shape[1])
    codes = jnp.take_along_axis(jnp.asarray(learner.codes), phrasing[..., None], axis=1)
    return Batch(policy_inputs(learner, scale, obs, codes), action, draw_pictures(learner, shown, at, jax.random.fold_in(key, 2)))


def draw_pictures(learner: Learner, shown: Demonstrated, at: Array, key: Array) -> UInt8[Array, "task sample height width rgb"] | None:
    """Pictures of these steps of each task, shifted at random; they stay bytes. None where the policy sees states."""
    if shown.pictures is None:
        return None
    first = jnp.cumsum(shown.steps) - shown.steps
    pictures = jnp.take(shown.pictures, (first[:, None] + at).ravel(), axis=0)
    return random_shifts(pictures, key, learner.config.random_shift_px).reshape(*at.shape, *pictures.shape[1:])


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
      ValueError: see `read_demonstrations`; an unknown camera; or the run began with other demonstrations.
      RenderingError: pictures, and no OpenGL to evaluate with; says what to install.
      FloatingPointError: the run has diverged.
      TooSlowError: see `RlRun.check_throughput`.
    """
    learner = make_learner(config, seed)
    agent = init(learner, seed)
    if config.view is not None:
        check_drawing(learner, agent.policy)
    shown, recording = read_demonstrations(config.demonstrations, config.tasks, config.view)
    digest = shown.digest
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


def check_drawing(learner: Learner, policy: Policy) -> None:
    """Play one step, so that what cannot be drawn is known before anything is learned.

    Raises:
      ValueError: an unknown camera; names those there are.
      RenderingError: no OpenGL on this machine; says what to install.
    """
    evaluate(as_agent(learner, policy), learner.config.tasks[0], instances_per_task=1, max_episode_steps=1)


def evaluate_and_keep(learner: Learner, seed: int, run: RlRun, policy: Policy) -> None:
    """Every goal of every task once; keeps the last and the best policy."""
    is_best = run.evaluated(evaluate_all_goals(as_agent(learner, policy), learner.config, seed))
    run.keep_actor(policy, is_best=is_best)


def as_agent(learner: Learner, policy: Policy) -> ClonedPolicy:
    """A policy for `metaworld_py.evaluation`."""

    def action(policy: Policy, seen: tuple[Array, Array | None], codes: Array) -> Array:
        obs, pictures = seen
        return act(learner, policy.weights, policy_inputs(learner, policy.scale, obs, codes), pictures)

    return ClonedPolicy(learner.config, action, policy)
