"""The step of trust region policy optimisation (Schulman et al. 2015) on plain vectors: natural gradient, then a line search."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float, Int

from metaworld_baselines.arrays import Array

Vector = Float[Array, " n"]
Product = Callable[[Vector], Vector]


class TrustRegionStep(NamedTuple):
    """Where a step ended, and how."""

    params: Vector
    is_accepted: Bool[Array, ""]
    backtracks: Int[Array, ""]
    loss: Float[Array, ""]  # there
    kl: Float[Array, ""]  # from the start to there


def conjugate_gradient(product: Product, right: Vector, iterations: int, tolerance: float = 1e-10) -> Vector:
    """Solve A x = right for a positive definite A that is only known by its products."""

    def step(state: tuple[Vector, Vector, Vector, Array], _: None) -> tuple[tuple[Vector, Vector, Vector, Array], None]:
        x, residual, direction, squared = state
        image = product(direction)
        # Once solved, further directions are zero: then nothing shall move.
        length = jnp.where(squared > tolerance, squared / jnp.maximum(direction @ image, 1e-30), 0.0)
        x, residual = x + length * direction, residual - length * image
        new = residual @ residual
        return (x, residual, residual + jnp.where(squared > tolerance, new / jnp.maximum(squared, 1e-30), 0.0) * direction, new), None

    start = (jnp.zeros_like(right), right, right, right @ right)
    return jax.lax.scan(step, start, None, length=iterations)[0][0]


def hessian_product(function: Callable[[Vector], Array], at: Vector, damping: float = 0.0) -> Product:
    """V ↦ (∇²f + damping · I) v, forward over reverse; of a KL divergence at its minimum this is the Fisher matrix."""
    return lambda v: jax.jvp(jax.grad(function), (at,), (v,))[1] + damping * v


def trust_region_step(
    loss: Callable[[Vector], Array],
    kl: Callable[[Vector], Array],
    params: Vector,
    *,
    max_kl: float,
    cg_iterations: int = 10,
    damping: float = 1e-5,
    backtrack: float = 0.8,
    max_backtracks: int = 15,
    gradient: Vector | None = None,
) -> TrustRegionStep:
    """Lower the loss within a KL divergence of the old policy; where no step does, stay.

    Args:
      loss: to be lowered.
      kl: from the policy at `params` to that of other parameters; zero at `params`.
      params: the old ones.
      max_kl: bound, which the new parameters satisfy.
      cg_iterations, damping: of the natural gradient.
      backtrack, max_backtracks: steps are shortened by this factor at most so often.
      gradient: to follow instead of the loss's own, such as a combination of several losses' gradients.
    """
    if gradient is None:
        before, gradient = jax.value_and_grad(loss)(params)
    else:
        before = loss(params)
    fisher = hessian_product(kl, params, damping)
    direction = conjugate_gradient(fisher, gradient, cg_iterations)
    curvature = direction @ fisher(direction)
    longest = jnp.sqrt(2.0 * max_kl / jnp.maximum(curvature, 1e-30)) * direction

    def attempt(tries: Array) -> tuple[Array, Array, Array, Array]:
        there = params - backtrack**tries * longest
        loss_there, kl_there = loss(there), kl(there)
        return tries, (loss_there < before) & (kl_there <= max_kl), loss_there, kl_there

    tries, is_accepted, loss_there, kl_there = jax.lax.while_loop(
        lambda state: ~state[1] & (state[0] < max_backtracks), lambda state: attempt(state[0] + 1), attempt(jnp.zeros((), jnp.int32))
    )
    return TrustRegionStep(
        params=jnp.where(is_accepted, params - backtrack**tries * longest, params),
        is_accepted=is_accepted,
        backtracks=tries,
        loss=jnp.where(is_accepted, loss_there, before),
        kl=jnp.where(is_accepted, kl_there, 0.0),
    )
