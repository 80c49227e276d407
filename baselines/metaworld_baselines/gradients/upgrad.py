"""UPGrad (Quinton and Rey 2024, *Jacobian Descent for Multi-Objective Optimization*): the mean of the gradients, each made conflict-free.

Each gradient is projected onto the cone of directions that no task's gradient opposes,

    g̃_i = argmin ‖x − g_i‖   over   x with g_j · x ≥ 0 for all j,

so that the update opposes no task, and still grows in proportion with each gradient. By duality x = Σ_j v_j g_j with
v = argmin vᵀ K v over v ≥ e_i: T small quadratic programs.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.gram import TINY
from metaworld_baselines.gradients.quadratic import nonnegative_minimum
from metaworld_baselines.gradients.weighting import Weighting, of_projections


def upgrad(num_tasks: int, ridge: float = 1e-4) -> Weighting:
    """The mean of projections onto the dual cone.

    Args:
      num_tasks: T.
      ridge: on the diagonal, as a share of the trace: what keeps weights bounded where gradients oppose one another. TorchJD's.
    """

    def projections(gram: Float[Array, "task task"], state: Any, noise: Any) -> Float[Array, "task task"]:
        identity = jnp.eye(num_tasks, dtype=gram.dtype)
        matrix = gram / jnp.maximum(jnp.trace(gram), TINY) + ridge * identity
        return identity + jax.vmap(lambda row: nonnegative_minimum(matrix, -row))(matrix)

    return of_projections(projections)
