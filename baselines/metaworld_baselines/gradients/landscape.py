"""The tragic triad in two dimensions (Yu et al. 2020, figure 1): two tasks whose gradients conflict, differ in length, and curve.

    L_1 = 20 log max(|½ θ_1 + tanh θ_2|, 5·10⁻⁶),   L_2 = 25 log max(|½ θ_1 − tanh θ_2 + 2|, 5·10⁻⁶)

From (½, −3), Adam with a rate of 10⁻³ for 500 000 steps, as published.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.combination import combination
from metaworld_baselines.gradients.methods import find_method

START, LEARNING_RATE, STEPS = (0.5, -3.0), 1e-3, 500_000
FLOOR = 5e-6


def losses(point: Float[Array, " axis"]) -> Float[Array, " task"]:
    """Both tasks' losses."""
    first = 20.0 * jnp.log(jnp.maximum(jnp.abs(0.5 * point[0] + jnp.tanh(point[1])), FLOOR))
    second = 25.0 * jnp.log(jnp.maximum(jnp.abs(0.5 * point[0] - jnp.tanh(point[1]) + 2.0), FLOOR))
    return jnp.stack([first, second])


def trajectory(method: str, steps: int = STEPS, points: int = 500) -> Float[Array, "point axis"]:
    """Where Adam goes with a method, at evenly spaced steps from the start on.

    Raises:
      ValueError: steps that are no multiple of the points.
    """
    if steps < points or steps % points:
        raise ValueError(f"steps must be a multiple of {points}, got {steps}")
    optimizer = optax.chain(combination(find_method(method, 2, may_be_negative=True)), optax.adam(LEARNING_RATE))

    def step(carry: tuple[Array, Any], _: None) -> tuple[tuple[Array, Any], None]:
        point, state = carry
        updates, state = optimizer.update(jax.jacrev(losses)(point), state, point)
        return (optax.apply_updates(point, updates), state), None

    def some(carry: tuple[Array, Any], _: None) -> tuple[tuple[Array, Any], Array]:
        return jax.lax.scan(step, carry, None, length=steps // points)[0], carry[0]

    start = jnp.array(START)
    return jax.jit(lambda: jax.lax.scan(some, (start, optimizer.init(start)), None, length=points)[1])()
