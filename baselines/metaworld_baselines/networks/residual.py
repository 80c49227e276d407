"""Residual blocks with LayerNorm, which keep wide networks stable under many updates (BRC: Nauman et al. 2025, section 4)."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.multi_head import with_task
from metaworld_baselines.networks.products import dense_options


class ResidualTorso(nn.Module):
    """A layer, then blocks x + LN(W relu(LN(W x))); LayerNorm behind every product, in float32."""

    num_tasks: int
    width: int
    depth: int  # blocks, of two products each
    dtype: Any = None  # of the blocks' products; None: as the parameters. The first product is one of float32, see `multi_head.Torso`

    @nn.compact
    def __call__(
        self, inputs: Float[Array, "*batch inputs"], task_id: Float[Array, "*ids task"], embedding: Array | None = None
    ) -> Float[Array, "*batch width"]:
        """Features (…, width)."""
        inputs = with_task(inputs, jnp.broadcast_to(task_id, (*inputs.shape[:-1], self.num_tasks)), embedding)
        stream = nn.relu(self._normalized(inputs, None))
        for _ in range(self.depth):
            stream = stream + self._normalized(nn.relu(self._normalized(stream, self.dtype)), self.dtype)
        return stream

    def _normalized(self, inputs: Array, dtype: Any) -> Array:
        return nn.LayerNorm(dtype="float32")(nn.Dense(self.width, kernel_init=nn.initializers.he_uniform(), **dense_options(dtype))(inputs))
