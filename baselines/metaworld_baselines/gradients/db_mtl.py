"""DB-MTL (Lin et al. 2023, *Dual-Balancing for Multi-Task Learning*): losses on a log scale, gradients as long as the longest.

    ĝ_i ← β_t ĝ_i + (1 − β_t) ∇ log L_i,   β_t = β / √t
    update  Σ_i (max_j ‖ĝ_j‖ / ‖ĝ_i‖) ĝ_i                                                               (algorithm 1)

The smoothed gradients are a state of T times the network's size.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Int

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.gram import TINY, combine, gram_matrix, lengths
from metaworld_baselines.gradients.weighting import Mixing


class DbMtlState(NamedTuple):
    """Updates so far, and smoothed gradients of the losses' logarithms, leaves (task, …)."""

    count: Int[Array, ""]
    smoothed: Any


def db_mtl(num_tasks: int, beta: float = 0.9) -> Mixing:
    """The mean of smoothed gradients of equal length.

    Args:
      num_tasks: T.
      beta: how much of the past counts at the first update; less and less later.

    Raises:
      ValueError: beta outside [0, 1).
    """
    if not 0.0 <= beta < 1.0:
        raise ValueError(f"beta must lie in [0, 1), got {beta}")

    def mix(task_grads: Any, losses: Any, state: DbMtlState, noise: Any) -> tuple[Any, DbMtlState]:
        count = state.count + 1
        keep = jnp.where(count == 1, 0.0, beta / jnp.sqrt(count))  # nothing is remembered yet
        inverse = 1.0 / jnp.maximum(losses, TINY)

        def smooth(before: Array, leaf: Array) -> Array:
            return keep * before + (1.0 - keep) * leaf * inverse.reshape(-1, *(1,) * (leaf.ndim - 1))

        smoothed = jax.tree.map(smooth, state.smoothed, task_grads)
        norms = lengths(gram_matrix(smoothed))
        weights = jnp.where(norms > 0.0, norms.max() / jnp.maximum(norms, TINY), 0.0) / num_tasks
        return combine(weights, smoothed), DbMtlState(count, smoothed)

    def init(params: Any) -> DbMtlState:
        return DbMtlState(jnp.asarray(0), jax.tree.map(lambda leaf: jnp.zeros((num_tasks, *leaf.shape), leaf.dtype), params))

    return Mixing(mix, init, needs_losses=True)
