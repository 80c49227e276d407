"""Several tasks' labels of the same pictures, one network: combinations of the tasks' gradients beyond RL.

A torso is shared, each task has a linear head. `single` is a network for each task; every other learner is a name of
`gradients/methods.py`, which sees and combines the torso's gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.combination import MultiTaskOptimizer
from metaworld_baselines.gradients.methods import find_method
from metaworld_baselines.gradients.weighting import Weighting
from metaworld_baselines.runs.checkpoints import LAST
from metaworld_baselines.runs.run import Run
from metaworld_baselines.supervised.networks import HalvingConvolution
from metaworld_baselines.supervised.problems.glyphs import digits
from metaworld_baselines.supervised.problems.mnist import read_mnist
from metaworld_baselines.supervised.problems.overlaid import NUM_CLASSES, NUM_TASKS, SIDE, Batch, draw_batch
from metaworld_baselines.supervised.training import MAX_CHUNK, TEST_KEY, State, as_floats

SINGLE = "single"
OVERLAID = "overlaid-digits"


@dataclass(frozen=True, kw_only=True)
class MultiTaskConfig:
    """Settings of a multi-task network."""

    problem: str = OVERLAID
    learner: str = "mean"  # single, or a combination of gradients: pcgrad, cagrad:c=0.5, fixed:weights=0.3/0.7, …
    data: str = ""  # folder with MNIST's files; without, digits are drawn from fonts
    batch: int = 32
    learning_rate: float = 1e-3  # Adam
    channels: int = 4  # of the first convolution; the second has twice as many
    width: int = 32  # of the shared features
    test_samples: int = 2_000
    total_steps: int = 1_000
    eval_every_steps: int = 500
    save_every_steps: int = 500

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("batch", "channels", "width", "test_samples", "total_steps", "eval_every_steps", "save_every_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.learner != SINGLE:
            find_method(self.learner, NUM_TASKS)

    @property
    def title(self) -> str:
        """Name of the problem in files."""
        return self.problem


class Torso(nn.Module):
    """Two convolutions that halve the picture, and a dense layer."""

    channels: int
    width: int

    @nn.compact
    def __call__(self, pictures: Float[Array, "sample height width channel"]) -> Float[Array, "sample feature"]:
        """Features (sample, feature)."""
        for channels in (self.channels, 2 * self.channels):
            pictures = nn.relu(HalvingConvolution(channels, size=5)(pictures))
        return nn.relu(nn.Dense(self.width)(pictures.reshape(len(pictures), -1)))


def delta_m(accuracies: Sequence[float], single: Sequence[float]) -> float:
    """How much worse than single-task networks, in %, mean over tasks (Maninis et al. 2019): negative is better."""
    return 100.0 * fmean((alone - together) / alone for together, alone in zip(accuracies, single, strict=True))


def train_multitask(config: MultiTaskConfig, seed: int, run: Run) -> dict[str, float]:
    """Train, or go on; returns the last evaluation.

    Raises:
      FloatingPointError: the loss is no number any more.
    """
    init, learn, test, chunk = compiled(config)
    state = init(jax.random.PRNGKey(seed))
    saved = run.restore(state)
    if saved is not None:
        state = jax.device_put(saved[0])
    test_key = jax.random.PRNGKey(TEST_KEY + seed)
    while not run.is_over:
        state, losses = learn(state)
        progress = as_floats({f"loss/{task}": loss for task, loss in enumerate(losses)})
        if not all(map(math.isfinite, progress.values())):
            raise FloatingPointError(f"{run.folder}: losses are {progress} after {run.steps} updates: try a smaller --learning-rate")
        run.advance(chunk)
        run.log("progress", progress)
        if run.is_due(config.eval_every_steps):
            run.log("curve", _named(test(state.params, test_key)))
        if run.is_due(config.save_every_steps):
            run.save_actor(LAST, state.params)
            run.save_all(state, "")
    return _named(test(state.params, test_key))


def _named(accuracies: Float[Array, " task"]) -> dict[str, float]:
    return as_floats({f"accuracy/{task}": accuracy for task, accuracy in enumerate(accuracies)})


class Functions(NamedTuple):
    """What is compiled for a configuration."""

    init: Callable[[Array], State]
    learn: Callable[[State], tuple[State, Array]]  # `chunk` updates, and the tasks' mean losses
    test: Callable[[Any, Array], Array]  # from parameters and a key to accuracies (task,)
    chunk: int


@cache
def compiled(config: MultiTaskConfig) -> Functions:
    """Training and evaluation, compiled when first called; seeds share them."""
    networks = TaskNetworks(Torso(config.channels, config.width), nn.Dense(NUM_CLASSES), config.learner == SINGLE)
    method = find_method("sum" if networks.is_single else config.learner, NUM_TASKS)
    shared = None if networks.is_single or not isinstance(method, Weighting) else _is_torso
    optimizer = MultiTaskOptimizer(method, optax.chain(optax.adam(config.learning_rate)), shared=shared)
    chunk = math.gcd(MAX_CHUNK, config.eval_every_steps)
    train_examples, test_examples = map(jnp.asarray, read_mnist(Path(config.data)) if config.data else digits())

    @jax.jit
    def init(key: Array) -> State:
        params_key, key = jax.random.split(key)
        params = networks.init(params_key, jnp.zeros((1, SIDE, SIDE, 1)))
        return State(params, optimizer.init(params), key)

    def losses(params: Any, tasks: Array, pictures: Array, labels: Array) -> tuple[Array, None]:
        seen = networks.outputs(params, tasks, pictures)
        return optax.softmax_cross_entropy_with_integer_labels(seen, labels).mean(axis=1), None

    def update(examples: Array, state: State, _: None) -> tuple[State, Array]:
        key, data_key = jax.random.split(state.key)
        steps, opt, (values, _) = optimizer.update(losses, state.params, state.opt, *_by_task(draw_batch(examples, data_key, config.batch)))
        return State(optax.apply_updates(state.params, steps), opt, key), values

    @jax.jit
    def learn(examples: Array, state: State) -> tuple[State, Array]:
        state, values = jax.lax.scan(partial(update, examples), state, None, length=chunk)
        return state, values.mean(axis=0)

    @jax.jit
    def test(examples: Array, params: Any, key: Array) -> Float[Array, " task"]:
        tasks, pictures, labels = _by_task(draw_batch(examples, key, config.test_samples))
        return (networks.outputs(params, tasks, pictures).argmax(axis=-1) == labels).mean(axis=1)

    return Functions(init, partial(learn, train_examples), partial(test, test_examples), chunk)


@dataclass(frozen=True)
class TaskNetworks:
    """A torso that all tasks share and a head for each, or a network for each."""

    torso: nn.Module
    head: nn.Module
    is_single: bool

    def init(self, key: Array, pictures: Array) -> dict[str, Any]:
        """Parameters by part; heads, and torsos of single-task networks, with leaves (task, …)."""
        torso_key, head_key = jax.random.split(key)
        torso_keys, head_keys = (jax.random.split(one, NUM_TASKS) for one in (torso_key, head_key))
        torso = jax.vmap(self.torso.init, (0, None))(torso_keys, pictures) if self.is_single else self.torso.init(torso_key, pictures)
        features = jnp.zeros((1, self.torso.width))
        return {"torso": torso, "heads": jax.vmap(self.head.init, (0, None))(head_keys, features)}

    def outputs(self, params: dict[str, Any], tasks: Array, pictures: Array) -> Float[Array, "task sample class"]:
        """Logits of tasks, each on its pictures (task, sample, …)."""

        def of_one(task: Array, seen: Array) -> Array:
            own = jax.tree.map(lambda leaf: leaf[task], params if self.is_single else {"heads": params["heads"]})
            return self.head.apply(own["heads"], self.torso.apply((params | own)["torso"], seen))

        return jax.vmap(of_one)(tasks, pictures)


def _by_task(batch: Batch) -> tuple[Array, Array, Array]:
    return jnp.arange(NUM_TASKS), jnp.broadcast_to(batch.pictures, (NUM_TASKS, *batch.pictures.shape)), batch.labels


def _is_torso(params: Any) -> Any:
    return {part: jax.tree.map(lambda _, part=part: part == "torso", tree) for part, tree in params.items()}
