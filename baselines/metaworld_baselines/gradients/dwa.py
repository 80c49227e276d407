"""DWA, dynamic weight average (Liu et al. 2019, *End-to-End Multi-Task Learning with Attention*): losses that fall slowly get weight.

    w = softmax(r / τ),   r_i = L_i(p − 1) / L_i(p − 2)                                                  (eq. 7)

of mean losses over periods p, epochs in the paper; equal weights during the first two.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.gram import TINY
from metaworld_baselines.gradients.weighting import Weighting


class DwaState(NamedTuple):
    """Updates so far; mean losses of this period so far and of the two before."""

    count: Int[Array, ""]
    now: Float[Array, " task"]
    last: Float[Array, " task"]
    before: Float[Array, " task"]


def dwa(num_tasks: int, temperature: float = 2.0, period: int = 100) -> Weighting:
    """Weights from the rates at which losses fall.

    Args:
      num_tasks: T.
      temperature: τ; large ones make weights equal.
      period: updates over which losses are averaged.

    Raises:
      ValueError: not positive.
    """
    if temperature <= 0.0 or period < 1:
        raise ValueError(f"temperature and period must be positive, got {temperature} and {period}")
    ones = jnp.ones(num_tasks)

    def weigh(gram: Any, losses: Any, state: DwaState, noise: Any) -> tuple[Array, DwaState]:
        place = state.count % period
        is_new = (place == 0) & (state.count > 0)
        last, before = jnp.where(is_new, state.now, state.last), jnp.where(is_new, state.last, state.before)
        mean = jnp.where(place == 0, 0.0, state.now)
        rates = jnp.where(state.count >= 2 * period, last / jnp.maximum(before, TINY), 1.0)
        return jax.nn.softmax(rates / temperature), DwaState(state.count + 1, mean + (losses - mean) / (place + 1), last, before)

    return Weighting(weigh, DwaState(jnp.asarray(0), ones, ones, ones), needs_gram=False, needs_losses=True)
