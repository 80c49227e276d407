"""Soft Modules (Yang et al. 2020, *Multi-Task Reinforcement Learning with Soft Modularization*): the task routes between shared modules.

With state features f(s) and a task embedding h(z), layer l has n modules, and what module i of the next layer sees is a mixture of them,

    g_i^(l+1) = Σ_j p̂_ij^l ReLU(W_j^l g_j^l),   p̂_i^l = softmax_j p_ij^l                                 (eq. 4, 5)
    p^(l+1) = W_d ReLU(W_u p^l ⊙ (f(s) ⊙ h(z))),   p^1 = W_d ReLU(f(s) ⊙ h(z))                            (eq. 2, 3)
"""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.layers import Hidden, MLPTorso, TaskTorso, several

SMALL_SETS = 10  # tasks for which two modules a layer were published; four for more


class SoftModulesTorso(TaskTorso):
    """Routed modules; `depth` counts their layers, behind two layers that embed the state."""

    embedding: int | None = None  # of state and task; None: the width
    num_modules: int | None = None  # in a layer

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"], task_id: Float[Array, "*ids task"]) -> Float[Array, "*batch width"]:
        """Features (…, width): the mean of the last layer's modules."""
        count = self.num_modules or (2 if self.num_tasks <= SMALL_SETS else 4)
        size = self.embedding or self.width
        state = MLPTorso(size, 2, self.has_layer_norm, self.dtype, name="state")(inputs)
        both = state * nn.Dense(size, name="task")(task_id)
        features = jnp.broadcast_to(state[..., None, :], (*state.shape[:-1], count, size))
        routing = None
        for layer in range(self.depth):
            modules = several(Hidden, count, share_inputs=False)(self.width, self.has_layer_norm, self.dtype)(features)
            if layer == self.depth - 1:
                return modules.mean(axis=-2)
            seen = both if routing is None else nn.Dense(size, name=f"up_{layer}")(routing) * both
            routing = nn.Dense(count**2, name=f"down_{layer}")(nn.relu(seen))
            shares = nn.softmax(routing.reshape(*routing.shape[:-1], count, count), axis=-1)
            features = jnp.einsum("...ij,...jf->...if", shares, modules)
        return state
