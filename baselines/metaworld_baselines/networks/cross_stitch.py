"""Cross-stitch networks (Misra et al. 2016): a network for each task, whose layers exchange features by learned shares.

    h_i ← Σ_j α_ij h_j   after every hidden layer, α (task, task)

They start close to the identity. Every input passes through all T networks, so cost and parameters grow with the number of tasks.
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.layers import Hidden, TaskTorso, several

OWN_SHARE = 0.9  # at the start, of a task's own features


class CrossStitchTorso(TaskTorso):
    """One column of layers per task, stitched together."""

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"], task_id: Float[Array, "*ids task"]) -> Float[Array, "*batch width"]:
        """Features (…, width) of each row's own task."""
        count = self.num_tasks
        features = jnp.broadcast_to(inputs[..., None, :], (*inputs.shape[:-1], count, inputs.shape[-1]))
        for layer in range(self.depth):
            columns = several(Hidden, count, share_inputs=False)
            features = columns(self.width, self.has_layer_norm, self.dtype if layer else None)(features)
            shares = self.param(f"shares_{layer}", lambda _: stitches(count))
            features = jnp.einsum("ij,...jf->...if", shares, features)
        return jnp.einsum("...t,...tf->...f", task_id, features, precision=jax.lax.Precision.HIGHEST)


def stitches(num_tasks: int) -> Float[Array, "task task"]:
    """Shares at the start."""
    if num_tasks == 1:
        return jnp.ones((1, 1))
    other = (1.0 - OWN_SHARE) / (num_tasks - 1)
    return jnp.full((num_tasks, num_tasks), other) + (OWN_SHARE - other) * jnp.eye(num_tasks)
