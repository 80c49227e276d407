"""PaCo (Sun et al. 2022, *Parameter-Compositional Multi-Task RL*): each task's whole network is a weighted sum of K shared ones.

    θ_τ = Φ w_τ,   Φ (parameter, K) shared, w_τ (K,) the task's own

The id chooses w_τ and nothing else; the last layer is composed too, so there are no heads. Published: K = 5 for ten tasks, 20 for fifty.
"""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.layers import MixedDense

SMALL_SETS = 10  # tasks


class Paco(nn.Module):
    """A composed network, from observation to outputs."""

    num_tasks: int
    width: int
    depth: int
    outputs: int
    has_layer_norm: bool = False
    dtype: Any = None  # products are in float32 here
    num_sets: int | None = None  # K

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"], task_id: Float[Array, "*ids task"]) -> Float[Array, "*batch outputs"]:
        """Outputs (…, outputs)."""
        count = self.num_sets or (5 if self.num_tasks <= SMALL_SETS else 20)
        table = self.param("compositions", lambda key: nn.softmax(jax.random.normal(key, (self.num_tasks, count))))
        weights = task_id @ table
        for _ in range(self.depth):
            inputs = MixedDense(count, self.width)(inputs, weights)
            inputs = nn.relu(nn.LayerNorm()(inputs) if self.has_layer_norm else inputs)
        return 0.01 * MixedDense(count, self.outputs)(inputs, weights)  # first outputs close to zero
