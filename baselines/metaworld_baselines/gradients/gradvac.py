"""GradVac (Wang et al. 2021, *Gradient Vaccine*): surgery towards the angles that pairs of tasks usually have.

PCGrad acts only on conflicts and aims at right angles. GradVac keeps each pair's usual cosine φ̂_ij, an exponential mean, as its aim. Task i
meets the others in random order, and where the cosine φ_ij of its changed gradient g̃_i with g_j is below the aim,

    g̃_i ← g̃_i + ‖g̃_i‖ (φ̂ √(1 − φ²) − φ √(1 − φ̂²)) / (‖g_j‖ √(1 − φ̂²)) g_j                             (eq. 2)
    φ̂ ← (1 − β) φ̂ + β φ                                                                                (eq. 3)
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.gram import TINY, lengths
from metaworld_baselines.gradients.pcgrad import random_orders
from metaworld_baselines.gradients.weighting import Weighting

NEARLY_ONE = 1.0 - 1e-6  # gradients that point the same way have no plane to turn in


def gradvac(num_tasks: int, beta: float = 0.01) -> Weighting:
    """The mean of vaccinated gradients.

    Args:
      num_tasks: T.
      beta: how fast the aims follow.

    Raises:
      ValueError: beta outside (0, 1].
    """
    if not 0.0 < beta <= 1.0:
        raise ValueError(f"beta must lie in (0, 1], got {beta}")

    def weigh(gram: Any, losses: Any, aims: Any, orders: Any) -> tuple[Array, Array]:
        changed, aims = vaccinate(gram, aims, orders, beta)
        return changed.mean(axis=0), aims

    return Weighting(
        weigh,
        state=jnp.zeros((num_tasks, num_tasks)),
        draw=lambda key: random_orders(key, num_tasks),
        projections=lambda gram, aims, orders: vaccinate(gram, aims, orders, beta)[0],
    )


def vaccinate(
    gram: Float[Array, "task task"], aims: Float[Array, "task task"], orders: Int[Array, "task task"], beta: float
) -> tuple[Float[Array, "task task"], Float[Array, "task task"]]:
    """C of the changed gradients g̃ = C G, and the new aims φ̂."""
    norms, rows = lengths(gram), jnp.arange(len(gram))

    def meet(carry: tuple[Array, Array, Array], others: Int[Array, " i"]) -> tuple[tuple[Array, Array, Array], None]:
        changed, squares, aims = carry  # C, ‖g̃_i‖², φ̂
        product, own, other = (changed * gram[others]).sum(axis=1), jnp.sqrt(squares), norms[others]
        may_meet = (others != rows) & (own > 0.0) & (other > 0.0)
        cosine = jnp.clip(product / jnp.maximum(own * other, TINY), -1.0, 1.0)
        aim = jnp.clip(aims[rows, others], -NEARLY_ONE, NEARLY_ONE)
        sine_of_aim = jnp.sqrt(1.0 - aim**2)
        turn = own * (aim * jnp.sqrt(1.0 - cosine**2) - cosine * sine_of_aim) / jnp.maximum(other * sine_of_aim, TINY)
        turn = jnp.where(may_meet & (cosine < aim), turn, 0.0)
        changed = changed.at[rows, others].add(turn)
        squares = jnp.maximum(squares + 2.0 * turn * product + turn**2 * other**2, 0.0)
        aims = aims.at[rows, others].add(jnp.where(may_meet, beta * (cosine - aims[rows, others]), 0.0))
        return (changed, squares, aims), None

    start = jnp.eye(len(gram), dtype=gram.dtype), jnp.diagonal(gram), jnp.asarray(aims, gram.dtype)
    (changed, _, aims), _ = jax.lax.scan(meet, start, orders.T)
    return changed, aims
