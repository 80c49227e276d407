"""Least convex functions over convex weights, w ≥ 0 with Σ w = 1: the problem behind MGDA and CAGrad, by a primal-dual interior point.

Ten to twenty Newton steps whatever the gradients, where Frank–Wolfe takes thousands and active sets may cycle by rounding. It ends with the
weights that are zero still a little above, so callers solve once more for the others alone (`solve_free`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from metaworld_baselines.arrays import Array

MAX_STEPS = 40
NEARLY = 0.99  # of the way to the boundary in one step


class _Point(NamedTuple):
    weights: Float[Array, " n"]
    slopes: Float[Array, " n"]  # of the constraints w ≥ 0: their multipliers
    level: Float[Array, ""]  # of the constraint Σ w = 1
    gap: Float[Array, ""]
    count: Int[Array, ""]


def solve_free(matrix: Float[Array, "n n"], right: Float[Array, "n k"], free: Bool[Array, " n"]) -> Float[Array, "n k"]:
    """Solutions of the equations of the free variables alone; zero elsewhere."""
    both = free[:, None] & free[None, :]
    system = jnp.where(both, matrix, 0.0) + jnp.diag(jnp.where(free, 0.0, 1.0).astype(matrix.dtype))
    found = jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(system), True), jnp.where(free[:, None], right, 0.0))
    return jnp.where(free[:, None], found, 0.0)


def least_on_simplex(
    gradient: Callable[[Array], Array], hessian: Callable[[Array], Array], start: Float[Array, " n"]
) -> tuple[Float[Array, " n"], Bool[Array, " n"]]:
    """Convex weights where a convex function is least, and which of them are not zero.

    Args:
      gradient: of the function, at weights.
      hessian: likewise.
      start: positive weights of sum one; their type is that of all numbers.
    """
    size, eps = len(start), jnp.finfo(start.dtype).eps

    def step(now: _Point) -> _Point:
        w, y = now.weights, now.slopes
        residual = gradient(w) - y - now.level
        factor = jnp.linalg.cholesky(hessian(w) + jnp.diag(y / w)), True
        by_level = jax.scipy.linalg.cho_solve(factor, jnp.ones_like(w))

        def direction(wanted: Float[Array, " n"]) -> tuple[Array, Array, Array]:
            """Newton's step towards w ∘ y = wanted."""
            free = jax.scipy.linalg.cho_solve(factor, -residual + wanted / w - y)
            level = (1.0 - w.sum() - free.sum()) / by_level.sum()
            d_w = free + level * by_level
            return d_w, (wanted - y * d_w) / w - y, level

        def room(value: Array, change: Array) -> Array:
            return jnp.where(change < 0.0, -value / jnp.where(change < 0.0, change, 1.0), jnp.inf).min()

        d_w, d_y, _ = direction(jnp.zeros_like(w))
        ahead = jnp.minimum(1.0, jnp.minimum(room(w, d_w), room(y, d_y)))
        gap = w @ y / size
        centring = ((w + ahead * d_w) @ (y + ahead * d_y) / size / gap) ** 3
        d_w, d_y, d_level = direction(centring * gap - d_w * d_y)
        length = jnp.minimum(1.0, NEARLY * jnp.minimum(room(w, d_w), room(y, d_y)))
        moved = _Point(w + length * d_w, y + length * d_y, now.level + length * d_level, gap, now.count + 1)
        is_sound = jnp.isfinite(moved.weights).all() & jnp.isfinite(moved.slopes).all() & (moved.weights > 0.0).all()
        is_done = ~is_sound | (moved.weights @ moved.slopes <= eps * jnp.abs(moved.level + moved.slopes).max())
        kept = jax.tree.map(lambda new, old: jnp.where(is_sound, new, old), moved, now)
        return kept._replace(count=jnp.where(is_done, MAX_STEPS, kept.count))

    slopes = gradient(start)
    spread = jnp.maximum(slopes.max() - slopes.min(), eps * jnp.abs(slopes).max()) + jnp.finfo(start.dtype).tiny
    first = _Point(start, slopes - slopes.min() + spread, slopes.min() - spread, spread, jnp.asarray(0))
    last = jax.lax.while_loop(lambda now: now.count < MAX_STEPS, step, first)
    weights = last.weights / last.weights.sum()
    return weights, weights * last.slopes.max() >= last.slopes * weights.max()
