"""Several tasks in one network: combinations of the tasks' gradients beyond RL.

A torso is shared, each task has a linear head. `single` is a network for each task; every other learner is a name of
`gradients/methods.py`, which sees and combines the torso's gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.combination import MultiTaskOptimizer
from metaworld_baselines.gradients.methods import find_method
from metaworld_baselines.gradients.weighting import Weighting
from metaworld_baselines.runs.checkpoints import LAST
from metaworld_baselines.runs.run import Run
from metaworld_baselines.supervised.networks import PixelTorso, Torso
from metaworld_baselines.supervised.problems.registry import find_many_tasks
from metaworld_baselines.supervised.settings import SINGLE, MultiTaskConfig
from metaworld_baselines.supervised.training import MAX_CHUNK, TEST_KEY, State, as_floats


def train_multitask(config: MultiTaskConfig, seed: int, run: Run) -> dict[str, float]:
    """Train, or go on; returns the last evaluation.

    Raises:
      FloatingPointError: the loss is no number any more.
      ValueError: a folder of the user's with another layout than expected.
    """
    init, learn, test, chunk = compiled(config)
    state = init(jax.random.PRNGKey(seed))
    saved = run.restore(state)
    if saved is not None:
        state = jax.device_put(saved[0])
    test_key = jax.random.PRNGKey(TEST_KEY + seed)
    while run.goes_on():
        state, losses = learn(state)
        progress = as_floats({f"loss/{task}": loss for task, loss in enumerate(losses)})
        if not all(map(math.isfinite, progress.values())):
            raise FloatingPointError(f"{run.folder}: losses are {progress} after {run.steps} updates: try a smaller --learning-rate")
        run.advance(chunk)
        run.log("progress", progress)
        if run.is_due(config.eval_every_steps):
            run.log("curve", as_floats(test(state.params, test_key)))
        if run.is_save_due(config.save_every_steps):
            run.save_actor(LAST, state.params)
            run.save_all(state, "")
    return as_floats(test(state.params, test_key))


class Functions(NamedTuple):
    """What is compiled for a configuration."""

    init: Callable[[Array], State]
    learn: Callable[[State], tuple[State, Array]]  # `chunk` updates, and the tasks' mean losses
    test: Callable[[Any, Array], dict[str, Array]]  # from parameters and a key to the problem's measures
    chunk: int


@cache
def compiled(config: MultiTaskConfig) -> Functions:
    """Training and evaluation, compiled when first called; seeds share them."""
    problem = find_many_tasks(config)
    torso = (PixelTorso if problem.is_dense else Torso)(config.channels, config.width, config.halvings)
    networks = TaskNetworks(torso, nn.Dense(problem.outputs), problem.num_tasks, config.learner == SINGLE)
    method = find_method("sum" if networks.is_single else config.learner, problem.num_tasks)
    shared = None if networks.is_single or not isinstance(method, Weighting) else _is_torso
    optimizer = MultiTaskOptimizer(method, optax.chain(optax.adam(config.learning_rate)), shared=shared)
    chunk = math.gcd(MAX_CHUNK, config.eval_every_steps)
    tasks = jnp.arange(problem.num_tasks)

    @jax.jit
    def init(key: Array) -> State:
        params_key, key = jax.random.split(key)
        params = networks.init(params_key, jnp.zeros((1, *problem.shape)))
        combining, *rest = optimizer.init(params)
        if combining.key is not None:  # what combinations draw is each seed's own
            combining = combining._replace(key=jax.random.fold_in(params_key, 1))
        return State(params, (combining, *rest), key)

    def losses(params: Any, tasks: Array, pictures: Array, labels: Any) -> tuple[Array, None]:
        return jax.vmap(problem.loss)(tasks, networks.outputs(params, tasks, pictures), labels), None

    def update(data: Any, state: State, _: None) -> tuple[State, Array]:
        key, data_key = jax.random.split(state.key)
        pictures, labels = problem.draw(data, data_key, config.batch)
        steps, opt, (values, _) = optimizer.update(losses, state.params, state.opt, tasks, pictures, labels)
        return State(optax.apply_updates(state.params, steps), opt, key), values

    @jax.jit
    def learn(data: Any, state: State) -> tuple[State, Array]:
        state, values = jax.lax.scan(partial(update, data), state, None, length=chunk)
        return state, values.mean(axis=0)

    @jax.jit
    def test(data: Any, params: Any, key: Array) -> dict[str, Array]:
        pictures, labels = (problem.draw_test or problem.draw)(data, key, config.test_samples)
        return problem.measure(networks.outputs(params, tasks, pictures), labels)

    return Functions(init, partial(learn, problem.train), partial(test, problem.test), chunk)


@dataclass(frozen=True)
class TaskNetworks:
    """A torso that all tasks share and a head for each, or a network for each."""

    torso: nn.Module
    head: nn.Module
    num_tasks: int
    is_single: bool

    def init(self, key: Array, pictures: Array) -> dict[str, Any]:
        """Parameters by part; heads, and torsos of single-task networks, with leaves (task, …)."""
        torso_key, head_key = jax.random.split(key)
        torso_keys, head_keys = (jax.random.split(one, self.num_tasks) for one in (torso_key, head_key))
        torso = jax.vmap(self.torso.init, (0, None))(torso_keys, pictures) if self.is_single else self.torso.init(torso_key, pictures)
        features = jnp.zeros((1, self.torso.width))
        return {"torso": torso, "heads": jax.vmap(self.head.init, (0, None))(head_keys, features)}

    def outputs(self, params: dict[str, Any], tasks: Array, pictures: Array) -> Array:
        """Outputs of tasks, each on its pictures (task, sample, …)."""

        def of_one(task: Array, seen: Array) -> Array:
            own = jax.tree.map(lambda leaf: leaf[task], params if self.is_single else {"heads": params["heads"]})
            return self.head.apply(own["heads"], self.torso.apply((params | own)["torso"], seen))

        return jax.vmap(of_one)(tasks, pictures)


def _is_torso(params: Any) -> Any:
    return {part: jax.tree.map(lambda _, part=part: part == "torso", tree) for part, tree in params.items()}
