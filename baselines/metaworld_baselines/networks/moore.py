"""MOORE (Hendawy et al. 2024, *Multi-Task RL with Mixture of Orthogonal Experts*): experts whose features cannot repeat one another.

    V = Gram–Schmidt(e_1(s), …, e_k(s)),   features = Σ_k w_τk V_k                                       (eq. 4, 5)

Orthonormal features span as much as k experts can; each task weighs them, and has a head of its own. Published: four experts for ten tasks,
six for fifty.
"""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.layers import MLPTorso, TaskTorso, several

SMALL_SETS = 10  # tasks


class MooreTorso(TaskTorso):
    """Orthonormal experts, mixed by the task's weights."""

    num_experts: int | None = None

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"], task_id: Float[Array, "*ids task"]) -> Float[Array, "*batch width"]:
        """Features (…, width)."""
        count = self.num_experts or (4 if self.num_tasks <= SMALL_SETS else 6)
        experts = several(MLPTorso, count)(self.width, self.depth, self.has_layer_norm, self.dtype, name="experts")(inputs)
        weights = nn.Dense(count, use_bias=False, name="weights")(task_id)
        features = (weights[..., None] * orthonormal(experts.astype(jnp.float32))).sum(axis=-2)
        # Unit vectors have features of size 1/√width; heads expect them of size one, as ReLU layers leave them.
        return jnp.tanh(features * jnp.sqrt(self.width))


def orthonormal(vectors: Float[Array, "*batch k width"]) -> Float[Array, "*batch k width"]:
    """Gram–Schmidt, each vector in turn; one that the earlier ones span becomes zero."""
    found: list[Array] = []
    for index in range(vectors.shape[-2]):
        vector = vectors[..., index, :]
        for other in found:
            vector = vector - (vector * other).sum(axis=-1, keepdims=True) * other
        found.append(vector / jnp.sqrt((vector**2).sum(axis=-1, keepdims=True) + 1e-12))
    return jnp.stack(found, axis=-2)
