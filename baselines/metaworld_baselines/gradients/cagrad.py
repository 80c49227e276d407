"""CAGrad (Liu et al. 2021, *Conflict-Averse Gradient Descent*): what helps the worst-off task most, near the mean gradient g₀.

    d = argmax min_i g_i · d   over   ‖d − g₀‖ ≤ c ‖g₀‖                                                  (eq. 3)
      = g₀ + √φ g_w / ‖g_w‖,   g_w = Σ_j w_j g_j,   φ = c² ‖g₀‖²,
    w = argmin g_w · g₀ + √φ ‖g_w‖   over   w ≥ 0, Σ w = 1                                               (eq. 4)

With c = 0 it is the mean; towards 1 it turns to MGDA's direction. It may still oppose a task, where helping all would leave the ball.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.gram import TINY, rounding
from metaworld_baselines.gradients.simplex import least_on_simplex, solve_free
from metaworld_baselines.gradients.weighting import Weighting, of_gram

STATIONARY = 1e-4  # a shorter g_w, relative to all gradients together, is zero but for rounding: no direction helps all tasks


def cagrad(num_tasks: int, c: float = 0.4) -> Weighting:
    """The conflict-averse direction.

    Args:
      num_tasks: T.
      c: radius, relative to the mean gradient.

    Raises:
      ValueError: c outside [0, 1), where the method is not proven to find a minimum of the mean.
    """
    if not 0.0 <= c < 1.0:
        raise ValueError(f"c must lie in [0, 1), got {c}")
    return of_gram(lambda gram: conflict_averse_weights(gram, c))


def conflict_averse_weights(gram: Float[Array, "task task"], c: float) -> Float[Array, " task"]:
    """Weights of d: 1 / T + v with v = √φ w / ‖g_w‖; zero where no direction helps all tasks."""
    ones = jnp.ones(len(gram), gram.dtype)
    matrix = (gram + jnp.diag(rounding(gram) * ones)) / jnp.maximum(jnp.trace(gram), TINY)
    mean = matrix.mean(axis=1)  # g_i · g₀
    radius = c * jnp.sqrt(mean.mean())

    def norm(w: Float[Array, " task"]) -> Float[Array, ""]:
        return jnp.sqrt(jnp.maximum(w @ matrix @ w, TINY))

    def gradient(w: Float[Array, " task"]) -> Float[Array, " task"]:
        return mean + radius * matrix @ w / norm(w)

    def hessian(w: Float[Array, " task"]) -> Float[Array, "task task"]:
        products = matrix @ w / norm(w)
        return radius / norm(w) * (matrix - jnp.outer(products, products) * (1.0 - 1e-6))  # the rest keeps it positive definite

    w, free = least_on_simplex(gradient, hessian, ones / len(gram))
    v = radius * w / norm(w)
    # Given which weights are not zero, v is linear in the worst task's τ = g_i · d, v = τ p − q, and its length a quadratic equation for τ.
    p, q = solve_free(matrix, jnp.stack([ones, mean], axis=1), free).T
    root = q.sum() ** 2 - p.sum() * (mean @ q - radius**2)
    exact = p * (q.sum() + jnp.sqrt(jnp.maximum(root, 0.0))) / jnp.maximum(p.sum(), TINY) - q
    slack = 1e-3 * jnp.abs(v).max()  # where the two differ by more, it was wrong about which are zero
    v = jnp.where((exact >= 0.0).all() & (root >= 0.0) & (jnp.abs(exact - v) <= slack).all(), exact, v)
    return ones / len(gram) + jnp.where(norm(w) < STATIONARY, 0.0, v)
