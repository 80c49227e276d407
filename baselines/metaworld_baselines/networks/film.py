"""FiLM conditioning (Perez et al. 2018): the task scales and shifts every hidden feature of a shared network.

    h ← ReLU((1 + γ_l(z)) ⊙ (W_l h + b_l) + β_l(z)),   γ_l, β_l linear in the task's id z

They start at zero, so that at first all tasks share one network.
"""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.layers import TaskTorso
from metaworld_baselines.networks.products import dense_options


class FilmTorso(TaskTorso):
    """Layers that see the task only as scales and shifts."""

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"], task_id: Float[Array, "*ids task"]) -> Float[Array, "*batch width"]:
        """Features (…, width)."""
        for layer in range(self.depth):
            dtype = self.dtype if layer else None
            inputs = nn.Dense(self.width, kernel_init=nn.initializers.he_uniform(), **dense_options(dtype))(inputs)
            inputs = nn.LayerNorm()(inputs) if self.has_layer_norm else inputs
            scale, shift = jnp.split(nn.Dense(2 * self.width, use_bias=False, kernel_init=nn.initializers.zeros)(task_id), 2, axis=-1)
            inputs = nn.relu((1.0 + scale) * inputs + shift)
        return inputs
