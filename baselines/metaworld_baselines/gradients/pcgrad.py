"""Gradient surgery (PCGrad; Yu et al. 2020, Algorithm 1) as an optax transformation over gradients with a leading task axis.

A projected gradient is always a combination of the original ones, g̃_i = Σ_j C_ij g_j, and every inner product that the algorithm asks for
is an entry of C K, where K = G Gᵀ is the Gram matrix of the task gradients. So the surgery happens on T × T numbers, whatever the size of
the network: one product for K, one for the combination, and no projected gradient is ever written out.

    optimizer = optax.chain(pcgrad(seed=0), optax.clip_by_global_norm(1.0), optax.adam(3e-4))
    task_grads = jax.vmap(jax.grad(loss), in_axes=(None, 0))(params, batches)    # leaves (task, …)
    updates, state = optimizer.update(task_grads, state, params)                 # leaves (…)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Bool, Float, Int

from metaworld_baselines.arrays import Array

WRITTEN_OUT = 16  # up to so many tasks, surgery on a GPU is one kernel


class PCGradState(NamedTuple):
    """The generator of the projection orders."""

    key: Array


def pcgrad(seed: int, reduction: str = "mean") -> optax.GradientTransformationExtraArgs:
    """From gradients with leaves (task, …) to one conflict-free gradient with leaves (…).

    Args:
      seed: of the random projection orders, drawn anew for each task at each update, as published; `update(…, orders=…)` takes others,
        drawn beforehand by `random_orders`.
      reduction: "mean" of the projected gradients, or "sum" as in the paper. Adam makes little difference between the two.

    Raises:
      ValueError: another reduction.
    """
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction must be 'mean' or 'sum', got {reduction!r}")

    def init(params: Any) -> PCGradState:
        del params
        return PCGradState(jax.random.PRNGKey(seed))

    def update(
        task_grads: Any, state: PCGradState, params: Any = None, *, orders: Int[Array, "task task"] | None = None, **_: Any
    ) -> tuple[Any, PCGradState]:
        del params
        gram = gram_matrix(task_grads)
        if orders is None:
            key, order_key = jax.random.split(state.key)
            orders, state = random_orders(order_key, len(gram)), PCGradState(key)
        weights = surgery(gram, orders).sum(axis=0)
        return combine(weights / len(gram) if reduction == "mean" else weights, task_grads), state

    return optax.GradientTransformationExtraArgs(init, update)


def gram_matrix(task_grads: Any) -> Float[Array, "task task"]:
    """Inner products of the tasks' gradients, over all leaves (task, …)."""
    rows = [leaf.reshape(len(leaf), -1) for leaf in jax.tree.leaves(task_grads)]
    return sum(row @ row.T for row in rows)


def random_orders(key: Array, num_tasks: int) -> Int[Array, "task task"]:
    """For each task a random order of all tasks; its own place in it means nothing."""
    return jax.vmap(lambda one: jax.random.permutation(one, num_tasks))(jax.random.split(key, num_tasks))


def surgery(gram: Float[Array, "task task"], orders: Int[Array, "task task"]) -> Float[Array, "task task"]:
    """Coefficients C of the projected gradients, g̃_i = Σ_j C_ij g_j.

    Row i starts as g_i and meets the others in the order `orders[i]`. Where its inner product with the original g_j is negative, its
    component along g_j is taken out. A task without gradient (a zero on the diagonal) conflicts with none.
    """
    num_tasks = len(gram)
    squares = jnp.diagonal(gram)
    may_conflict = (orders != jnp.arange(num_tasks)[:, None]) & (squares[orders] > 0.0)
    # By step: whom each row meets, the inner products of all gradients with that one, its squared length, whether the two may conflict.
    steps = orders.T, jnp.moveaxis(gram[:, orders], -1, 0), jnp.where(may_conflict, squares[orders], 1.0).T, may_conflict.T
    columns = jnp.eye(num_tasks, dtype=gram.dtype)  # Cᵀ: each holds a number of every row
    if num_tasks > WRITTEN_OUT:
        return _in_a_loop(columns, steps).T
    return jax.lax.platform_dependent(columns, steps, cpu=_in_a_loop, default=_written_out).T


Steps = tuple[Int[Array, "step i"], Float[Array, "step k i"], Float[Array, "step i"], Bool[Array, "step i"]]


def _in_a_loop(columns: Float[Array, "k i"], steps: Steps) -> Float[Array, "k i"]:
    tasks = jnp.arange(len(columns))[:, None]

    def meet(columns: Array, step: tuple[Array, ...]) -> tuple[Array, None]:
        others, products, lengths, may_conflict = step
        share = _share((columns * products).sum(axis=0), lengths, may_conflict)
        return columns - jnp.where(others == tasks, share, 0.0), None

    return jax.lax.scan(meet, columns, steps)[0]


def _written_out(columns: Float[Array, "k i"], steps: Steps) -> Float[Array, "k i"]:
    """The same without an axis to sum over: on a GPU one kernel instead of several for each step. A processor's compiler chokes on it."""
    split = list(columns)
    for others, products, lengths, may_conflict in zip(*steps, strict=True):
        share = _share(sum(column * one for column, one in zip(split, products, strict=True)), lengths, may_conflict)
        split = [column - jnp.where(others == k, share, 0.0) for k, column in enumerate(split)]
    return jnp.stack(split)


def _share(product: Float[Array, " i"], length: Float[Array, " i"], may_conflict: Bool[Array, " i"]) -> Float[Array, " i"]:
    """How much of the gradient that is met each row loses."""
    return jnp.where(may_conflict & (product < 0.0), product / length, 0.0)


def combine(weights: Float[Array, " task"], task_grads: Any) -> Any:
    """Σ_j weights_j g_j, with leaves (…)."""
    return jax.tree.map(lambda leaf: jnp.tensordot(weights, leaf, axes=1, precision=jax.lax.Precision.HIGHEST), task_grads)
