"""CARE (Sodhani et al. 2021, *Multi-Task RL with Context-based Representations*): the task's context attends to a mixture of encoders.

    c = context encoder(task),   z = Σ_k α_k e_k(s),   α = softmax(W c),   features from [z, c]

The published context is a sentence about the task, embedded by a language model. Here it is an embedding learned for each task: the
architecture without its text.
"""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.layers import MLPTorso, TaskTorso, several

NUM_ENCODERS, ENCODER_WIDTH, ENCODER_DEPTH = 6, 50, 2  # published


class CareTorso(TaskTorso):
    """Attended encoders in front of shared layers."""

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"], task_id: Float[Array, "*ids task"]) -> Float[Array, "*batch width"]:
        """Features (…, width)."""
        context = MLPTorso(ENCODER_WIDTH, ENCODER_DEPTH, name="context")(nn.Dense(ENCODER_WIDTH, use_bias=False, name="embedding")(task_id))
        encoded = several(MLPTorso, NUM_ENCODERS)(ENCODER_WIDTH, ENCODER_DEPTH, name="encoders")(inputs)
        attention = nn.softmax(nn.Dense(NUM_ENCODERS, name="attention")(context), axis=-1)
        state = (attention[..., None] * encoded).sum(axis=-2)
        context = jnp.broadcast_to(context, (*state.shape[:-1], ENCODER_WIDTH))
        return MLPTorso(self.width, self.depth, self.has_layer_norm, self.dtype, name="layers")(jnp.concatenate([state, context], axis=-1))
