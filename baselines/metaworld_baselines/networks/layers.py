"""Building blocks of multi-task architectures: hidden layers, several at once, and layers mixed out of several by a task's weights."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.products import dense_options

PER_EXPERT = nn.initializers.he_uniform(in_axis=-2, out_axis=-1, batch_axis=(0,))


class TaskTorso(nn.Module):
    """What every torso is made of that turns inputs and the task's one-hot id into features (…, width)."""

    num_tasks: int
    width: int
    depth: int
    has_layer_norm: bool = False  # before each activation
    dtype: Any = None  # of the products behind the first layer; None: as the parameters


class Hidden(nn.Module):
    """A ReLU layer, normalised before the activation if so wanted."""

    width: int
    has_layer_norm: bool = False
    dtype: Any = None

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch width"]:
        """Features (…, width)."""
        inputs = nn.Dense(self.width, kernel_init=nn.initializers.he_uniform(), **dense_options(self.dtype))(inputs)
        return nn.relu(nn.LayerNorm()(inputs) if self.has_layer_norm else inputs)


class MLPTorso(nn.Module):
    """Hidden layers of one width. The first computes in float32 in any case: bfloat16 would round positions to millimetres."""

    width: int
    depth: int
    has_layer_norm: bool = False
    dtype: Any = None

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch width"]:
        """Features (…, width)."""
        for layer in range(self.depth):
            inputs = Hidden(self.width, self.has_layer_norm, self.dtype if layer else None)(inputs)
        return inputs


def several(module: type[nn.Module], number: int, *, share_inputs: bool = True) -> Any:
    """A module that holds `number` independent ones, outputs (…, number, features).

    Inputs are the same for all (…, features), or one's own each (…, number, features).
    """
    return nn.vmap(
        module,
        variable_axes={"params": 0},
        split_rngs={"params": True},
        in_axes=None if share_inputs else -2,
        out_axes=-2,
        axis_size=number,
    )


class MixedDense(nn.Module):
    """A linear layer whose parameters are a weighted sum of several: x ↦ Σ_k w_k (x W_k + b_k)."""

    number: int
    features: int

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"], weights: Float[Array, "*ids number"]) -> Float[Array, "*batch features"]:
        """Outputs (…, features); weights may have 1 where inputs have many rows, then the parameters are mixed once for all of these."""
        kernel = self.param("kernel", PER_EXPERT, (self.number, inputs.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.number, self.features))
        if weights.ndim > 1 and weights.shape[-2] == 1:
            mixed = jnp.einsum("...sk,kif->...if", weights, kernel)
            return inputs @ mixed + weights @ bias
        outputs = jnp.einsum("...i,kif->...kf", inputs, kernel) + bias
        return jnp.einsum("...k,...kf->...f", jnp.broadcast_to(weights, (*outputs.shape[:-2], self.number)), outputs)
