"""Least quadratics over non-negative variables, exactly: the problem behind UPGrad."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.simplex import solve_free

PATIENCE = 3  # exchanges of everything that is wrong without progress, before one variable at a time
MAX_EXCHANGES = 100  # fifteen is the most seen; rounding may make ties cycle


class _Exchange(NamedTuple):
    free: Bool[Array, " n"]  # the others are zero
    values: Float[Array, " n"]
    fewest_wrong: Int[Array, ""]
    patience: Int[Array, ""]
    count: Int[Array, ""]


def nonnegative_minimum(matrix: Float[Array, "n n"], linear: Float[Array, " n"]) -> Float[Array, " n"]:
    """The z ≥ 0 with least ½ zᵀ A z − bᵀ z, for a well-conditioned A.

    Block principal pivoting (Júdice and Pires 1994; Kim and Park 2011): solve for the variables taken to be free; free those whose slope is
    negative, fix those that came out negative; repeat. A handful of solves, and exact, where projected gradients take thousands of steps.
    """
    size = len(linear)
    tolerance = 8 * jnp.finfo(matrix.dtype).eps

    def exchange(now: _Exchange) -> _Exchange:
        values = solve_free(matrix, linear[:, None], now.free)[:, 0]
        slopes = matrix @ values - linear
        slack = tolerance * (jnp.abs(matrix) @ jnp.abs(values) + jnp.abs(linear))
        is_wrong = jnp.where(now.free, values < -tolerance * jnp.abs(values).max(), slopes < -slack)
        number = is_wrong.sum()
        is_progress = number < now.fewest_wrong
        last = jnp.arange(size) == size - 1 - jnp.argmax(is_wrong[::-1])  # Murty's rule, which always ends
        chosen = jnp.where(is_progress | (now.patience > 0), is_wrong, is_wrong & last)
        return _Exchange(
            free=now.free ^ chosen,
            values=values,
            fewest_wrong=jnp.minimum(number, now.fewest_wrong),
            patience=jnp.where(is_progress, PATIENCE, now.patience - 1),
            count=jnp.where(number == 0, MAX_EXCHANGES, now.count + 1),
        )

    start = _Exchange(linear > 0.0, jnp.zeros_like(linear), jnp.asarray(size + 1), jnp.asarray(PATIENCE), jnp.asarray(0))
    return jnp.maximum(jax.lax.while_loop(lambda now: now.count < MAX_EXCHANGES, exchange, start).values, 0.0)
