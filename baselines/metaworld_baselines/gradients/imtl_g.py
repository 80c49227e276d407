"""IMTL-G (Liu et al. 2021, *Towards Impartial Multi-Task Learning*): the combination whose projections on all gradients are equal.

    (Σ_j w_j g_j) · g_i / ‖g_i‖  is the same for all i,   Σ w = 1        ⇔        K w ∝ (‖g_1‖, …, ‖g_T‖)

No task's length matters for the direction: with u_i = w_i ‖g_i‖ and the cosines C it is C u ∝ (1, …, 1), which is solved here. Weights may
be negative, and where their sum is, the update opposes every task.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.gram import cosines, lengths, mean_square, rounding
from metaworld_baselines.gradients.weighting import Weighting, of_gram


def imtl_g(num_tasks: int) -> Weighting:
    """Weights that make projections equal."""
    return of_gram(impartial_weights)


def impartial_weights(gram: Float[Array, "task task"]) -> Float[Array, " task"]:
    """w_i = (C⁺ 1)_i / ‖g_i‖, scaled to sum one; zero where it cannot be scaled so, and for a task without gradient."""
    norms, angles = lengths(gram), cosines(gram)
    has_gradient = norms > 0.0
    values, vectors = jnp.linalg.eigh(angles)
    inverse = jnp.where(values > rounding(angles), 1.0 / jnp.where(values > rounding(angles), values, 1.0), 0.0)
    found = vectors @ (inverse * (vectors.T @ has_gradient.astype(gram.dtype))) * jnp.sqrt(mean_square(gram))
    found = jnp.where(has_gradient, found / jnp.where(has_gradient, norms, 1.0), 0.0)
    is_scalable = jnp.abs(found.sum()) > jnp.finfo(gram.dtype).eps * jnp.abs(found).sum()
    return jnp.where(is_scalable, found / jnp.where(is_scalable, found.sum(), 1.0), 0.0)
