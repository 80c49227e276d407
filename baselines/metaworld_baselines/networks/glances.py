"""Glances at a demonstration: a policy's attention to what an expert did, after Duan et al. 2017 (One-Shot Imitation Learning).

    readout_j(s) = Σ_t softmax_t( q_j(s) · k_j(frame_t, t) ) frame_t,   j = 1 … heads

What is read out is the demonstration's own numbers, mixed over time and not transformed: where the hand was, where an object ended. So a
goal that no demonstration in training had is read out as exactly as any other, and what has to generalise is where to look.
"""

from __future__ import annotations

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.layers import MLPTorso


class GlancingPolicy(nn.Module):
    """Actions from an observation and a demonstration of what is to be done."""

    width: int
    depth: int
    heads: int  # glances at a time
    key_size: int
    actions: int

    @nn.compact
    def __call__(
        self, obs: Float[Array, "*batch obs"], demonstration: Float[Array, "*demos frame features"]
    ) -> Float[Array, "*batch actions"]:
        """Actions (…, 4); demonstrations have the batch's leading axes, or 1 where many observations share one."""
        frames = demonstration.shape[-2]
        time = jnp.broadcast_to(jnp.linspace(-1.0, 1.0, frames)[:, None], (*demonstration.shape[:-1], 1))
        keys = MLPTorso(self.width // 2, 1)(jnp.concatenate([demonstration, time], axis=-1))
        keys = nn.Dense(self.heads * self.key_size)(keys).reshape(*demonstration.shape[:-1], self.heads, self.key_size)
        queries = nn.Dense(self.heads * self.key_size)(MLPTorso(self.width // 2, 1)(obs))
        queries = queries.reshape(*obs.shape[:-1], self.heads, self.key_size)
        scores = jnp.einsum("...hk,...fhk->...hf", queries, keys) / jnp.sqrt(float(self.key_size))
        readouts = jnp.einsum("...hf,...fd->...hd", nn.softmax(scores), demonstration)
        inputs = jnp.concatenate([obs, readouts.reshape(*obs.shape[:-1], -1)], axis=-1)
        return nn.Dense(self.actions)(MLPTorso(self.width, self.depth)(inputs))
