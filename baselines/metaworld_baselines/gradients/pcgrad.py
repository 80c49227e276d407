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
from jaxtyping import Array, Float, Int

EXACT = jax.lax.Precision.HIGHEST  # signs of small inner products matter: no reduced precision on GPUs


class PCGradState(NamedTuple):
    """The generator of the projection orders."""

    key: Array


def pcgrad(seed: int, reduction: str = "mean") -> optax.GradientTransformation:
    """From gradients with leaves (task, …) to one conflict-free gradient with leaves (…).

    Args:
      seed: of the random projection orders, drawn anew for each task at each update, as published.
      reduction: "mean" of the projected gradients, or "sum" as in the paper. Adam makes little difference between the two.

    Raises:
      ValueError: another reduction.
    """
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction must be 'mean' or 'sum', got {reduction!r}")

    def init(params: Any) -> PCGradState:
        del params
        return PCGradState(jax.random.PRNGKey(seed))

    def update(task_grads: Any, state: PCGradState, params: Any = None) -> tuple[Any, PCGradState]:
        del params
        key, order_key = jax.random.split(state.key)
        gram = gram_matrix(task_grads)
        weights = surgery(gram, random_orders(order_key, len(gram))).sum(axis=0)
        return combine(weights / len(gram) if reduction == "mean" else weights, task_grads), PCGradState(key)

    return optax.GradientTransformation(init, update)


def gram_matrix(task_grads: Any) -> Float[Array, "task task"]:
    """Inner products of the tasks' gradients, over all leaves (task, …)."""
    rows = [leaf.reshape(len(leaf), -1) for leaf in jax.tree.leaves(task_grads)]
    return sum(jnp.matmul(row, row.T, precision=EXACT) for row in rows)


def random_orders(key: Array, num_tasks: int) -> Int[Array, "task task"]:
    """For each task a random order of all tasks; its own place in it means nothing."""
    return jax.vmap(lambda one: jax.random.permutation(one, num_tasks))(jax.random.split(key, num_tasks))


def surgery(gram: Float[Array, "task task"], orders: Int[Array, "task task"]) -> Float[Array, "task task"]:
    """Coefficients C of the projected gradients, g̃_i = Σ_j C_ij g_j.

    Row i starts as g_i and meets the others in the order `orders[i]`. Where its inner product with the original g_j is negative, its
    component along g_j is taken out. A task without gradient (a zero on the diagonal) conflicts with none.
    """

    def project_one(start: Float[Array, " task"], order: Int[Array, " task"], i: Int[Array, ""]) -> Float[Array, " task"]:
        def meet(row: Float[Array, " task"], j: Int[Array, ""]) -> tuple[Float[Array, " task"], None]:
            product = jnp.dot(row, gram[:, j], precision=EXACT)
            squared_norm = gram[j, j]
            is_conflict = (product < 0.0) & (j != i) & (squared_norm > 0.0)
            share = product / jnp.where(squared_norm > 0.0, squared_norm, 1.0)
            return row.at[j].add(jnp.where(is_conflict, -share, 0.0)), None

        return jax.lax.scan(meet, start, order)[0]

    num_tasks = len(gram)
    return jax.vmap(project_one)(jnp.eye(num_tasks, dtype=gram.dtype), orders, jnp.arange(num_tasks))


def combine(weights: Float[Array, " task"], task_grads: Any) -> Any:
    """Σ_j weights_j g_j, with leaves (…)."""
    return jax.tree.map(lambda leaf: jnp.tensordot(weights, leaf, axes=1, precision=EXACT), task_grads)
