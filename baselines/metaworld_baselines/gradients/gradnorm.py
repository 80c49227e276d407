"""GradNorm (Chen et al. 2018): weights that make tasks train at similar rates, by balancing the lengths of their gradients.

A task that has come less far has a larger r_i and is to have a longer gradient. Weights take a step of Adam down

    Σ_i | w_i ‖g_i‖ − Ḡ r_i^a |,   Ḡ = mean of w_j ‖g_j‖,   r_i = (L_i / L_i(0)) / mean of L_j / L_j(0),                (eq. 1, 2)

where the aims Ḡ r_i^a count as constants, and are scaled back to sum T.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import optax
from jaxtyping import Bool, Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.gram import TINY, lengths
from metaworld_baselines.gradients.weighting import Weighting

LEAST_WEIGHT = 1e-3  # a step may not turn a task's gradient round


class GradNormState(NamedTuple):
    """What is learned, and where the losses started."""

    weights: Float[Array, " task"]
    first_losses: Float[Array, " task"]
    has_begun: Bool[Array, ""]
    opt: Any


def gradnorm(num_tasks: int, asymmetry: float = 1.5, learning_rate: float = 0.025) -> Weighting:
    """Learned weights.

    Args:
      num_tasks: T.
      asymmetry: a; larger values pull slow tasks harder.
      learning_rate: of the weights.

    Raises:
      ValueError: negative ones.
    """
    if min(asymmetry, learning_rate) < 0.0:
        raise ValueError(f"asymmetry and learning_rate must not be negative, got {asymmetry} and {learning_rate}")
    adam, ones = optax.adam(learning_rate), jnp.ones(num_tasks)

    def weigh(gram: Any, losses: Any, state: GradNormState, noise: Any) -> tuple[Array, GradNormState]:
        first = jnp.where(state.has_begun, state.first_losses, losses)
        progress = losses / jnp.maximum(first, TINY)
        norms = lengths(gram)
        weighted = state.weights * norms
        aims = weighted.mean() * (progress / jnp.maximum(progress.mean(), TINY)) ** asymmetry
        steps, opt = adam.update(jnp.sign(weighted - aims) * norms, state.opt)
        weights = jnp.maximum(optax.apply_updates(state.weights, steps), LEAST_WEIGHT)
        weights = weights * num_tasks / weights.sum()
        return state.weights / num_tasks, GradNormState(weights, first, jnp.asarray(True), opt)

    return Weighting(weigh, GradNormState(ones, ones, jnp.asarray(False), adam.init(ones)), needs_losses=True)
