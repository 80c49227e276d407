"""Combinations: how several tasks' gradients become one, as an optax transformation; and an optimizer that takes them cheaply.

    optimizer = optax.chain(combination(pcgrad(num_tasks), seed=0), optax.clip_by_global_norm(1.0), optax.adam(3e-4))
    task_grads = jax.vmap(jax.grad(loss), in_axes=(None, 0))(params, batches)                  # leaves (task, …)
    updates, state = optimizer.update(task_grads, state, params, losses=losses)                # leaves (…)

Losses are functions of parameters and of arrays that have the tasks first; they give one number per task, and what else is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.conflict import pair_metrics
from metaworld_baselines.gradients.gram import combine, gram_matrix
from metaworld_baselines.gradients.weighting import Method, Weighting

Losses = Callable[..., tuple[Array, Any]]  # from (params, *per-task arrays) to ((task,), aux)
Mask = Callable[[Any], Any]  # from params to a tree of them, each leaf true or false, or an array of that which fits the leaf


class CombinationState(NamedTuple):
    """The generator of what is random (None where nothing is), and the method's own state."""

    key: Array | None
    method: Any


def combination(method: Method, seed: int = 0, shared: Mask | None = None) -> optax.GradientTransformationExtraArgs:
    """From gradients with leaves (task, …) to one with leaves (…).

    `update` takes the tasks' `losses` by keyword, for methods that need them, and `noise`: what `method.draw` drew beforehand; without, it
    draws itself.

    Args:
      method: see methods.py.
      seed: of what is random.
      shared: which parameters the method sees and combines; the others, such as heads, take the mean. None: all.

    Raises:
      ValueError: a mask for a method that mixes whole gradients; in `update`, a method that needs losses without any.
    """
    if shared is not None and not isinstance(method, Weighting):
        raise ValueError("this method needs all parameters' gradients; only weightings can be restricted to the shared torso")

    def init(params: Any) -> CombinationState:
        state = method.state if isinstance(method, Weighting) else method.init(params)
        return CombinationState(None if method.draw is None else jax.random.PRNGKey(seed), state)

    def update(
        task_grads: Any,
        state: CombinationState,
        params: Any = None,
        *,
        losses: Float[Array, " task"] | None = None,
        noise: Any = None,
        **_: Any,
    ) -> tuple[Any, CombinationState]:
        del params
        if method.needs_losses and losses is None:
            raise ValueError("this method weighs tasks by their losses: update(…, losses=…)")
        key = state.key
        if method.draw is not None and noise is None:
            key, noise_key = jax.random.split(key)
            noise = method.draw(noise_key)
        if not isinstance(method, Weighting):
            mixed, own = method.mix(task_grads, losses, state.method, noise)
            return mixed, CombinationState(key, own)
        mask = None if shared is None else shared(jax.tree.map(lambda leaf: leaf[0], task_grads))
        seen = task_grads if mask is None else jax.tree.map(lambda leaf, one: leaf * one, task_grads, mask)
        weights, own = method.weigh(gram_matrix(seen) if method.needs_gram else None, losses, state.method, noise)
        combined = combine(weights, task_grads)
        if mask is not None:
            means = jax.tree.map(lambda leaf: leaf.mean(axis=0), task_grads)
            combined = jax.tree.map(jnp.where, mask, combined, means)
        return combined, CombinationState(key, own)

    return optax.GradientTransformationExtraArgs(init, update)


@dataclass(frozen=True)
class MultiTaskOptimizer:
    """What becomes of several tasks' losses: their gradients combined, and what follows (clipping, Adam)."""

    method: Method
    after: optax.GradientTransformation  # a chain
    seed: int = 0
    shared: Mask | None = None  # see `combination`

    @property
    def combination(self) -> optax.GradientTransformationExtraArgs:
        """What the gradients go through first."""
        return combination(self.method, self.seed, self.shared)

    @property
    def takes_each_gradient(self) -> bool:
        """Whether a backward pass for each task is needed."""
        return not isinstance(self.method, Weighting) or self.method.needs_gram or self.shared is not None

    def init(self, params: Any) -> tuple[Any, ...]:
        """State at the start: the combination's, and those of the chain."""
        return (self.combination.init(params), *self.after.init(params))

    def draw(self, key: Array) -> Any:
        """What is random in an update, drawn beforehand: on a GPU many updates' draws cost what one does."""
        return None if self.method.draw is None else self.method.draw(key)

    def gradient(self, losses: Losses, params: Any, state: Any, *arrays: Any, noise: Any = None) -> tuple[Any, tuple[Array, Any], Any]:
        """The combined gradient, the losses (task,) with what comes with them, and the combination's next state."""
        if self.takes_each_gradient:
            task_grads, (values, aux) = task_gradients(losses, params, *arrays)
            combined, state = self.combination.update(task_grads, state, params, losses=values, noise=noise)
            return combined, (values, aux), state
        values, pull_back, aux = jax.vjp(lambda params: losses(params, *arrays), params, has_aux=True)
        key = state.key
        if self.method.draw is not None and noise is None:
            key, noise_key = jax.random.split(key)
            noise = self.method.draw(noise_key)
        weights, own = self.method.weigh(None, values, state.method, noise)  # type: ignore[union-attr]
        return pull_back(jnp.asarray(weights, values.dtype))[0], (values, aux), CombinationState(key, own)

    def update(self, losses: Losses, params: Any, state: Any, *arrays: Any, noise: Any = None) -> tuple[Any, Any, tuple[Array, Any]]:
        """Steps for `optax.apply_updates`, the next state, and the losses (task,) with what comes with them."""
        gradient, seen, first = self.gradient(losses, params, state[0], *arrays, noise=noise)
        steps, rest = self.after.update(gradient, state[1:], params)
        return steps, (first, *rest), seen

    def measured_update(
        self, losses: Losses, params: Any, state: Any, *arrays: Any
    ) -> tuple[Any, Any, tuple[Array, Any], dict[str, Array]]:
        """As `update`, and how the tasks' gradients conflict, which takes a backward pass for each."""
        task_grads, (values, aux) = task_gradients(losses, params, *arrays)
        gradient, first = self.combination.update(task_grads, state[0], params, losses=values)
        steps, rest = self.after.update(gradient, state[1:], params)
        return steps, (first, *rest), (values, aux), pair_metrics(gram_matrix(task_grads))


def by_task(loss: Callable[..., tuple[Array, Any]]) -> Losses:
    """Losses (task,) of a batch (task, sample, …), from the loss of samples (sample, …), which also gives what else is wanted."""
    return lambda params, batch: jax.vmap(partial(loss, params))(batch)


def task_gradients(losses: Losses, params: Any, *arrays: Any) -> tuple[Any, tuple[Array, Any]]:
    """Each task's gradient, leaves (task, …), with its loss and what comes with it."""

    def of_one_task(params: Any, *arrays: Any) -> tuple[Array, Any]:
        values, aux = losses(params, *jax.tree.map(lambda x: x[None], arrays))
        values, aux = jax.tree.map(lambda x: x[0], (values, aux))
        return values, (values, aux)

    return jax.vmap(jax.grad(of_one_task, has_aux=True), in_axes=(None, *(0,) * len(arrays)))(params, *arrays)
