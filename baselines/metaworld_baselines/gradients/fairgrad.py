"""FairGrad (Ban and Ji 2024, *Fair Resource Allocation in Multi-Task Learning*): α-fair progress of the tasks' losses.

It maximises Σ_i (g_i · d)^(1−α) / (1−α) over ‖d‖ ≤ 1: α → 0 the sum of progress, 1 proportional fairness (Nash-MTL), 2 the least potential
delay, ∞ the worst task's progress. The solution d = Σ_j w_j g_j has

    K w = w^(−1/α)   component by component, w > 0,

which is where the convex f(w) = ½ wᵀKw − Σ_i w_i^(1−1/α) / (1−1/α) is least (its log for α = 1): found by Newton's method.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.gram import TINY, cosines, mean_square, rounding
from metaworld_baselines.gradients.weighting import Weighting, of_gram

MAX_STEPS = 60  # of Newton's method; five to ten are usual


class _Newton(NamedTuple):
    point: Float[Array, " task"]
    count: Int[Array, ""]


def fairgrad(num_tasks: int, alpha: float = 1.0) -> Weighting:
    """The α-fair direction.

    Raises:
      ValueError: α ≤ 0.
    """
    if alpha <= 0.0:
        raise ValueError(f"alpha must be positive, got {alpha}")
    return of_gram(lambda gram: fair_weights(gram, alpha))


def fair_weights(gram: Float[Array, "task task"], alpha: float) -> Float[Array, " task"]:
    """The w > 0 with K w = w^(−1/α); tasks without gradient get no weight."""
    unit = mean_square(gram)
    has_gradient = jnp.diagonal(gram) > TINY
    squares = jnp.where(has_gradient, jnp.diagonal(gram) / unit, 1.0)
    both = has_gradient[:, None] & has_gradient[None, :]
    ridge = rounding(cosines(gram)) * squares  # each task's in proportion with its own length: of one size it would drown the short ones
    matrix = jnp.where(both, gram / unit, 0.0) + jnp.diag(jnp.where(has_gradient, ridge, 1.0))
    # In units of what each task's weight would be alone, the solution is of order one and the system as well conditioned as cosines are.
    alone = squares ** (-alpha / (1.0 + alpha))
    found = alone * _newton(alone[:, None] * matrix * alone[None, :], alone ** (1.0 - 1.0 / alpha), alpha)
    return jnp.where(has_gradient, found * unit ** (-alpha / (1.0 + alpha)), 0.0)


def _newton(matrix: Float[Array, "task task"], scale: Float[Array, " task"], alpha: float) -> Float[Array, " task"]:
    """The y > 0 with least ½ yᵀMy − Σ_i scale_i u(y_i), u′(y) = y^(−1/α)."""
    power = 1.0 - 1.0 / alpha

    def objective(y: Float[Array, " task"]) -> Float[Array, ""]:
        positive = jnp.where(y > 0.0, y, 1.0)
        utility = jnp.log(positive) if alpha == 1.0 else positive**power / power
        return jnp.where((y > 0.0).all(), 0.5 * y @ matrix @ y - scale @ utility, jnp.inf)

    def step(now: _Newton) -> _Newton:
        y = now.point
        gradient = matrix @ y - scale * y ** (-1.0 / alpha)
        hessian = matrix + jnp.diag(scale * y ** (-1.0 / alpha - 1.0) / alpha)
        direction = -jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(hessian), True), gradient)
        decrement = -gradient @ direction
        tries = y + 0.5 ** jnp.arange(30)[:, None] * direction  # all step lengths at once
        best = tries[jnp.argmin(jax.vmap(objective)(tries))]
        # Close to the solution differences of f drown in rounding, and the full step is right.
        is_close = decrement < 1e-3 * scale.min() * jnp.minimum(1.0, jnp.abs(y).min())
        is_done = decrement <= jnp.finfo(matrix.dtype).eps ** 2 * scale.sum()
        point = jnp.where(is_close & (tries[0] > 0.0).all(), tries[0], best)
        return _Newton(point, jnp.where(is_done, MAX_STEPS, now.count + 1))

    return jax.lax.while_loop(lambda now: now.count < MAX_STEPS, step, _Newton(jnp.ones_like(scale), jnp.asarray(0))).point
