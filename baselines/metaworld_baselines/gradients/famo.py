"""FAMO (Liu et al. 2023, *Fast Adaptive Multitask Optimization*): the same relative progress for all losses, without any task's gradient.

    z = softmax(ξ),   w_i = c z_i / L_i,   c = 1 / Σ_j z_j / L_j                                        (algorithm 1)
    ξ takes a step of Adam down  z ⊙ (δ − z · δ) + γ ξ,   δ_i = log L_i before − log L_i after the update

Tasks that improved most lose weight. The paper looks at δ on the same batch, with one more forward pass; here "after" is the next update's
batch, so δ is noisier and free.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Bool, Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.gram import TINY
from metaworld_baselines.gradients.weighting import Weighting


class FamoState(NamedTuple):
    """Logits ξ, and the losses of the update before."""

    logits: Float[Array, " task"]
    log_losses: Float[Array, " task"]
    has_begun: Bool[Array, ""]
    opt: Any


def famo(num_tasks: int, learning_rate: float = 0.025, decay: float = 1e-3) -> Weighting:
    """Weights from losses alone.

    Args:
      num_tasks: T.
      learning_rate: of the logits.
      decay: γ.

    Raises:
      ValueError: negative ones.
    """
    if min(learning_rate, decay) < 0.0:
        raise ValueError(f"learning_rate and decay must not be negative, got {learning_rate} and {decay}")
    adam, zeros = optax.adam(learning_rate), jnp.zeros(num_tasks)

    def weigh(gram: Any, losses: Any, state: FamoState, noise: Any) -> tuple[Array, FamoState]:
        log_losses = jnp.log(jnp.maximum(losses, TINY))
        progress = jnp.where(state.has_begun, state.log_losses - log_losses, 0.0)
        shares = jax.nn.softmax(state.logits)
        slopes = shares * (progress - shares @ progress) + decay * state.logits
        steps, opt = adam.update(slopes, state.opt)
        logits = optax.apply_updates(state.logits, steps)
        return jax.nn.softmax(jax.nn.log_softmax(logits) - log_losses), FamoState(logits, log_losses, jnp.asarray(True), opt)

    return Weighting(weigh, FamoState(zeros, zeros, jnp.asarray(False), adam.init(zeros)), needs_gram=False, needs_losses=True)
