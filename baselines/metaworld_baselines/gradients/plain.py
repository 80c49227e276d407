"""Weights that no gradient decides: mean, sum, and weights of the user's own, tuned beforehand.

Sceptics (Kurin et al. 2022, Xin et al. 2022) found plain weights as good as any method of this room: every comparison needs them as a row.
"""

from __future__ import annotations

import jax.numpy as jnp

from metaworld_baselines.gradients.weighting import Weighting


def fixed(num_tasks: int, weights: tuple[float, ...]) -> Weighting:
    """Tuned weights.

    Raises:
      ValueError: not one positive weight for each task.
    """
    if len(weights) != num_tasks or min(weights) < 0.0 or max(weights) <= 0.0:
        raise ValueError(f"weights must be {num_tasks} numbers, one for each task, none negative, not all zero; got {weights}")
    return Weighting(lambda gram, losses, state, noise: (jnp.asarray(weights, float), state), needs_gram=False)


def mean(num_tasks: int) -> Weighting:
    """Equal weights, 1 / T."""
    return fixed(num_tasks, (1.0 / num_tasks,) * num_tasks)


def total(num_tasks: int) -> Weighting:
    """One for each task: the sum."""
    return fixed(num_tasks, (1.0,) * num_tasks)
