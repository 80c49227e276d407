"""Uncertainty weights (Kendall, Gal and Cipolla 2018): each task's noise is learned with the network, and noisy tasks count less.

    minimise  Σ_i exp(−s_i) L_i + s_i,   s_i the log variance of task i's observations                    (eq. 7, times 2)

With the network held still, exp(s_i) = L_i: the weights become the losses' inverses.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import optax
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.weighting import Weighting


class UncertaintyState(NamedTuple):
    """Log variances, with their optimizer."""

    log_variances: Float[Array, " task"]
    opt: Any


def uncertainty(num_tasks: int, learning_rate: float = 1e-3) -> Weighting:
    """Learned weights exp(−s_i) / T.

    Args:
      num_tasks: T.
      learning_rate: of the log variances, Adam.

    Raises:
      ValueError: a negative one.
    """
    if learning_rate < 0.0:
        raise ValueError(f"learning_rate must not be negative, got {learning_rate}")
    adam, zeros = optax.adam(learning_rate), jnp.zeros(num_tasks)

    def weigh(gram: Any, losses: Any, state: UncertaintyState, noise: Any) -> tuple[Array, UncertaintyState]:
        precisions = jnp.exp(-state.log_variances)
        steps, opt = adam.update(1.0 - precisions * losses, state.opt)
        return precisions / num_tasks, UncertaintyState(optax.apply_updates(state.log_variances, steps), opt)

    return Weighting(weigh, UncertaintyState(zeros, adam.init(zeros)), needs_gram=False, needs_losses=True)
