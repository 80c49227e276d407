"""The Gram matrix K = G Gᵀ of the tasks' gradients: T × T numbers that most methods need, whatever the size of the network."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array

TINY = 1e-30  # keeps quotients of zero gradients finite


def gram_matrix(task_grads: Any) -> Float[Array, "task task"]:
    """Inner products of the tasks' gradients, over all leaves (task, …)."""
    rows = [leaf.reshape(len(leaf), -1) for leaf in jax.tree.leaves(task_grads)]
    return sum(row @ row.T for row in rows)


def combine(weights: Float[Array, " task"], task_grads: Any) -> Any:
    """Σ_j weights_j g_j, with leaves (…)."""
    return jax.tree.map(lambda leaf: jnp.tensordot(weights, leaf, axes=1, precision=jax.lax.Precision.HIGHEST), task_grads)


def lengths(gram: Float[Array, "task task"]) -> Float[Array, " task"]:
    """Norms of the gradients."""
    return jnp.sqrt(jnp.maximum(jnp.diagonal(gram), 0.0))


def cosines(gram: Float[Array, "task task"]) -> Float[Array, "task task"]:
    """Cosines of the angles between the gradients that have this Gram matrix."""
    norms = lengths(gram)
    return gram / jnp.maximum(norms[:, None] * norms[None, :], TINY)


def mean_square(gram: Float[Array, "task task"]) -> Float[Array, ""]:
    """Mean squared length of the gradients, never zero: the unit that makes solvers indifferent to the losses' scale."""
    return jnp.maximum(jnp.trace(gram) / len(gram), TINY)


def rounding(gram: Float[Array, "task task"]) -> Float[Array, ""]:
    """What of a Gram matrix's eigenvalues is rounding: a ridge of this size makes it safely positive definite."""
    return 4 * jnp.finfo(gram.dtype).eps * len(gram) * mean_square(gram)
