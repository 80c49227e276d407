"""GradDrop (Chen et al. 2020, *Just Pick a Sign*): every parameter follows one sign, drawn by how much of the gradient has it.

    P = ½ (1 + Σ_i g_i / Σ_i |g_i|),   U ~ uniform(0, 1), for each parameter by itself:
    where U < P the positive gradients pass, elsewhere the negative ones                                (algorithm 1)

The draw is more than noise: it comes to rest in minima that tasks share, where no sign is in doubt.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.gram import TINY
from metaworld_baselines.gradients.weighting import Mixing


def graddrop(num_tasks: int) -> Mixing:
    """The mean of the gradients of the drawn sign."""

    def mix(task_grads: Any, losses: Any, state: Any, key: Any) -> tuple[Any, Any]:
        leaves, structure = jax.tree.flatten(task_grads)
        keys = jax.random.split(key, len(leaves))
        uniform = [jax.random.uniform(one, leaf.shape[1:], leaf.dtype) for one, leaf in zip(keys, leaves, strict=True)]
        return structure.unflatten([drop(leaf, chance) for leaf, chance in zip(leaves, uniform, strict=True)]), state

    return Mixing(mix, draw=lambda key: key)


def drop(gradients: Float[Array, "task ..."], uniform: Float[Array, ...]) -> Float[Array, ...]:
    """The mean over tasks, without those of the sign that was not drawn."""
    purity = 0.5 * (1.0 + gradients.sum(axis=0) / jnp.maximum(jnp.abs(gradients).sum(axis=0), TINY))
    return jnp.where((gradients > 0.0) == (uniform < purity), gradients, 0.0).mean(axis=0)
