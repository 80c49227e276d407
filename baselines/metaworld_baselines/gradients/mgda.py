"""MGDA (Désidéri 2012; for deep networks Sener and Koltun 2018): the shortest vector in the convex hull of the gradients.

    w = argmin ½ wᵀ K w   over   w ≥ 0, Σ w = 1

It decreases all losses at once, by equally much where tasks have weight, and is zero where no direction can (Pareto stationarity). Short
gradients get the weight.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.gram import TINY, mean_square, rounding
from metaworld_baselines.gradients.simplex import least_on_simplex, solve_free
from metaworld_baselines.gradients.weighting import Weighting, of_gram


def mgda(num_tasks: int) -> Weighting:
    """Weights of the min-norm point."""
    return of_gram(min_norm_weights)


def min_norm_weights(gram: Float[Array, "task task"]) -> Float[Array, " task"]:
    """Convex weights of the shortest combination; of several the most even one, by a ridge of the size of rounding."""
    ones = jnp.ones(len(gram), gram.dtype)
    matrix = (gram + jnp.diag(rounding(gram) * ones)) / mean_square(gram)
    found, free = least_on_simplex(lambda w: matrix @ w, lambda w: matrix, ones / len(gram))
    exact = solve_free(matrix, ones[:, None], free)[:, 0]
    exact = exact / jnp.maximum(exact.sum(), TINY)
    is_better = (exact >= 0.0).all() & (exact.sum() > 0.5) & (exact @ matrix @ exact <= found @ matrix @ found)
    return jnp.where(is_better, exact, found)
