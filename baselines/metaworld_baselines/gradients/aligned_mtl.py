"""Aligned-MTL (Senushkin et al. 2023, *Independent Component Alignment*): gradients made orthogonal and equally long, as near as can be.

The condition number of G is what makes training unstable: it is one after G̃ = B G with the principal components rescaled to the shortest,

    K = V Λ Vᵀ,   B = √λ_min V Λ^(−1/2) Vᵀ   over the non-zero eigenvalues,

and the update is the mean of G̃'s rows.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.weighting import Weighting, of_projections


def aligned_mtl(num_tasks: int) -> Weighting:
    """The mean of aligned gradients."""
    return of_projections(balance)


def balance(gram: Float[Array, "task task"], state: Any, noise: Any) -> Float[Array, "task task"]:
    """B."""
    values, vectors = jnp.linalg.eigh(gram)
    is_there = values > values.max() * len(gram) * jnp.finfo(gram.dtype).eps
    shortest = jnp.where(is_there, values, jnp.inf).min()
    scales = jnp.where(is_there, jnp.sqrt(shortest / jnp.where(is_there, values, 1.0)), 0.0)
    return jnp.where(is_there.any(), (vectors * jnp.where(is_there, scales, 0.0)) @ vectors.T, jnp.eye(len(gram), dtype=gram.dtype))
