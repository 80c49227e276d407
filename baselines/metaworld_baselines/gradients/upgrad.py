"""UPGrad (Quinton and Rey 2024, *Jacobian Descent for Multi-Objective Optimization*): the mean of the gradients, each made conflict-free.

Each gradient is projected onto the cone of directions that no task's gradient opposes,

    g̃_i = argmin ‖x − g_i‖   over   x with g_j · x ≥ 0 for all j,

so that the update opposes no task, and still grows in proportion with each gradient. By duality x = Σ_j v_j g_j with
v = argmin vᵀ K v over v ≥ e_i: T small quadratic programs. They are solved in units of the gradients' lengths, u_j = v_j ‖g_j‖ / ‖g_i‖,
where K is the matrix of cosines: with a ridge on K itself the update opposes gradients that are much shorter than others.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.gram import cosines, lengths
from metaworld_baselines.gradients.quadratic import nonnegative_minimum
from metaworld_baselines.gradients.weighting import Weighting, of_projections


def upgrad(num_tasks: int, ridge: float = 1e-4) -> Weighting:
    """The mean of projections onto the dual cone.

    Args:
      num_tasks: T.
      ridge: on the diagonal of the cosines, as a share of their trace: what keeps weights bounded where gradients oppose one another.
        TorchJD's, which has it on K; of gradients of like lengths the two are the same.

    Raises:
      ValueError: ridge ≤ 0, with which gradients that depend on one another have no weights.
    """
    if ridge <= 0.0:
        raise ValueError(f"ridge must be positive, got {ridge}")

    def projections(gram: Float[Array, "task task"], state: Any, noise: Any) -> Float[Array, "task task"]:
        identity, norms = jnp.eye(num_tasks, dtype=gram.dtype), lengths(gram)
        matrix = cosines(gram) / num_tasks + ridge * identity
        added = jax.vmap(lambda row: nonnegative_minimum(matrix, -row))(matrix)  # to u, beside what u ≥ e_i asks for
        ratios = norms[:, None] / jnp.where(norms > 0.0, norms, 1.0)[None, :]
        return identity + added * ratios

    return of_projections(projections)
