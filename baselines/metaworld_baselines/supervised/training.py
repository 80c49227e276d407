"""Training of a meta-learner: episodes of several tasks, one step of Adam, in compiled chunks; a state's key decides all that is random."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks import regularization as reg
from metaworld_baselines.runs.checkpoints import LAST
from metaworld_baselines.runs.run import Run
from metaworld_baselines.supervised.augmentation import add_label_noise, shuffle_labels
from metaworld_baselines.supervised.learners import Cnp, Learner, Maml, NearestNeighbour, Networks, Outcome, inequality
from metaworld_baselines.supervised.networks import Convolutions, Layers, NormalizedLayers, PictureEncoder
from metaworld_baselines.supervised.problems.episodes import Episode, Problem, draw_many
from metaworld_baselines.supervised.problems.registry import find_problem
from metaworld_baselines.supervised.settings import CNP, DENSE, NEAREST_NEIGHBOUR, MetaConfig

MAX_CHUNK = 100  # updates in a compiled call
TEST_KEY = 1_000_000  # plus the seed, of test tasks: the same at every evaluation


class State(NamedTuple):
    """All that decides the future of a run."""

    params: Any
    opt: Any
    key: Array


def make_learner(config: MetaConfig, problem: Problem) -> Learner:
    """The learner of a configuration."""
    doubled = 2 if config.regularizer == reg.ACTIVATIONS else 1
    widths = (config.width,) * 2
    if problem.is_image:
        channels, codes = (config.encoder_channels, 2 * config.encoder_channels), config.latent * doubled
        # Not where codes are distributions: their scale is what the KL of activations pays for.
        encoder = PictureEncoder(channels, config.latent_side, codes, config.normalize_encoder and doubled == 1)
        head = picture_head(config, problem.outputs)
    else:
        # Linear: what is passed on of place and number of the task may not be their product, which is the label.
        encoder = Layers((), config.latent * 2 if doubled == 2 else config.encoder_width)
        head = Layers(widths, problem.outputs)
    networks = Networks(encoder, head, config.regularizer)
    if config.adaptation == CNP:
        return Cnp(networks, Layers(widths, config.width), problem.outputs)
    kind = NearestNeighbour if config.adaptation == NEAREST_NEIGHBOUR else Maml
    head_only = config.regularizer in (reg.WEIGHTS, reg.ACTIVATIONS)
    return kind(networks, config.inner_learning_rate, config.inner_steps, config.test_inner_steps, head_only, config.first_order)


def picture_head(config: MetaConfig, outputs: int) -> nn.Module:
    """What makes outputs of a small picture, or of its numbers beside a summary of the examples."""
    if config.adaptation == CNP:
        return Layers((config.width,) * 2, outputs)
    return NormalizedLayers((config.width,), outputs) if config.head == DENSE else Convolutions((config.width,) * 3, outputs)


@dataclass(frozen=True)
class Trainer:
    """Compiled functions of a configuration; seeds share them."""

    init: Callable[[Array], State]
    learn: Callable[[State, float], tuple[State, dict[str, Array]]]  # `chunk` updates with that β, and the means of what they met
    test: Callable[[Any, Array], dict[str, Array]]  # from parameters and a key to means over tasks
    chunk: int


def train(config: MetaConfig, seed: int, run: Run) -> dict[str, float]:
    """Train, or go on; returns the last evaluation.

    Raises:
      ValueError: settings that do not fit the problem.
      FloatingPointError: the loss is no number any more.
    """
    trainer = make_trainer(replace(config, beta=0.0, total_steps=1, save_every_steps=1))  # which change nothing that is compiled
    state = trainer.init(jax.random.PRNGKey(seed))
    saved = run.restore(state)
    if saved is not None:
        state = jax.device_put(saved[0])
    while run.goes_on():
        state, seen = trainer.learn(state, config.beta)
        progress = as_floats(seen)
        if not math.isfinite(progress["loss"]):
            raise FloatingPointError(
                f"{run.folder}: the loss is {progress['loss']} after {run.steps} updates: try a smaller --learning-rate"
            )
        run.advance(trainer.chunk)
        run.log("progress", progress)
        if run.is_due(config.eval_every_steps):
            run.log("curve", as_floats(trainer.test(state.params, jax.random.PRNGKey(TEST_KEY + seed))))
        if run.is_save_due(config.save_every_steps):
            run.save_actor(LAST, state.params)
            run.save_all(state, "")  # problems have no state but the key
    return as_floats(trainer.test(state.params, jax.random.PRNGKey(TEST_KEY + seed)))


def as_floats(numbers: Mapping[str, Array]) -> dict[str, float]:
    """Numbers on the host."""
    return {name: float(value) for name, value in numbers.items()}


@cache
def make_trainer(config: MetaConfig) -> Trainer:
    """Training and evaluation, compiled when first called.

    Raises:
      ValueError: settings that do not fit the problem.
    """
    problem = find_problem(config)
    learner = make_learner(config, problem)
    optimizer = optax.adamw(config.learning_rate, weight_decay=config.weight_decay)
    chunk = math.gcd(MAX_CHUNK, config.eval_every_steps)

    @jax.jit
    def init(data: Any, key: Array) -> State:
        params_key, key = jax.random.split(key)
        params = learner.init(params_key, problem.train_episode(data, params_key))
        return State(params, optimizer.init(params), key)

    def update(problem: Problem, beta: Array, state: State, _: None) -> tuple[State, dict[str, Array]]:
        key, data_key, noise_key = jax.random.split(state.key, 3)
        episodes = draw_many(partial(_training_episode, config, problem), data_key, config.meta_batch)
        noise = jax.random.split(noise_key, config.meta_batch)

        def objective(params: Any) -> tuple[Array, Outcome]:
            seen = jax.vmap(learner.outcome, (None, 0, 0))(params, noise, episodes)
            loss = seen.loss.mean() + beta * seen.kl.mean()
            return loss + (config.taml * inequality(seen.loss_before) if config.taml else 0.0), seen

        gradient, seen = jax.grad(objective, has_aux=True)(state.params)
        steps, opt = optimizer.update(gradient, state.opt, state.params)
        return State(optax.apply_updates(state.params, steps), opt, key), _means(seen)

    @jax.jit
    def learn(data: Any, state: State, beta: Array) -> tuple[State, dict[str, Array]]:
        state, seen = jax.lax.scan(partial(update, replace(problem, data=data), beta), state, None, length=chunk)
        return state, jax.tree.map(jnp.mean, seen)

    @jax.jit
    def test(data: Any, params: Any, key: Array) -> dict[str, Array]:
        return _test(config, replace(problem, data=data), learner, params, key)

    return Trainer(partial(init, problem.data), partial(learn, problem.data), partial(test, problem.data), chunk)


def _test(config: MetaConfig, problem: Problem, learner: Learner, params: Any, key: Array) -> dict[str, Array]:
    """Errors on unseen and on training tasks, before and after adaptation; the bound where weights are drawn."""
    draws = jax.random.split(key, config.test_tasks)
    test = jax.vmap(partial(learner.outcome, is_test=True), (None, 0, 0))
    unseen = test(params, draws, draw_many(problem.draw_test, key, config.test_tasks))
    episodes = draw_many(problem.draw_train, key, config.test_tasks)
    seen = test(params, draws, episodes)
    numbers = {
        "error": unseen.error.mean(),
        "error_before": unseen.error_before.mean(),
        "train_error": seen.error.mean(),
        "train_error_before": seen.error_before.mean(),
    }
    if config.regularizer not in (reg.WEIGHTS, reg.ALL_WEIGHTS):
        return numbers
    points = episodes.query_y.shape[1]
    if min(points, problem.num_train_tasks) < 2:  # the bound says nothing of so few
        return numbers | {"kl": seen.kl.mean()}
    bound = reg.pac_bayes_bound(jnp.minimum(seen.error, 1.0).mean(), seen.kl.mean(), problem.num_train_tasks, points)
    return numbers | {"kl": seen.kl.mean(), "bound": bound}


def _training_episode(config: MetaConfig, problem: Problem, key: Array) -> Episode:
    data_key, label_key = jax.random.split(key)
    episode = problem.draw_train(data_key)
    if config.label_noise:
        episode = add_label_noise(episode, label_key, config.label_noise)
    return shuffle_labels(episode, label_key, problem.outputs) if config.label_shuffle else episode


def _means(seen: Outcome) -> dict[str, Array]:
    return {name: values.mean() for name, values in seen._asdict().items()}
