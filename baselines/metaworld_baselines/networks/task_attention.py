"""Multi-task attention (MTAN; Liu et al. 2019, *End-to-End Multi-Task Learning with Attention*): each task masks the shared features.

    a_l = sigmoid(V_τ ReLU(U_τ [p_l, a_(l−1)])) ⊙ p_l,   p_l the shared features of layer l

The shared layers do not know the task; its mask picks what it needs at every depth.
"""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.layers import Hidden, MixedDense, TaskTorso

NARROWER = 8  # the attention's hidden layer has the width divided by this


class TaskAttentionTorso(TaskTorso):
    """Shared layers under masks of the task."""

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"], task_id: Float[Array, "*ids task"]) -> Float[Array, "*batch width"]:
        """Attended features (…, width) of the last layer."""
        shared, attended = inputs, None
        for layer in range(self.depth):
            shared = Hidden(self.width, self.has_layer_norm, self.dtype if layer else None)(shared)
            seen = shared if attended is None else jnp.concatenate([shared, attended], axis=-1)
            hidden = nn.relu(MixedDense(self.num_tasks, max(self.width // NARROWER, 1))(seen, task_id))
            attended = nn.sigmoid(MixedDense(self.num_tasks, self.width)(hidden, task_id)) * shared
        return attended if attended is not None else shared
