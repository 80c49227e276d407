"""How a policy uses what it remembers of a hidden goal: its memory sets scales and shifts (FiLM), or whole layers (a hypernetwork).

Both start so that what is remembered changes nothing (bias-HyperInit: Beck et al. 2022, Hypernetworks in Meta-Reinforcement Learning):
the kernels from the memory are zero, and the biases alone give an ordinary network. There, a hypernetwork started so took VariBAD's
success on ML1 pick-place from 4 to 43 %.
"""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array

LINEAR, FILM, HYPERNETWORK = HEADS = "linear", "film", "hypernetwork"


class FilmHead(nn.Module):
    """Features h = tanh((1 + γ(m)) ⊙ (W x + b) + β(m)), γ and β linear in the memory m and zero at first."""

    width: int

    @nn.compact
    def __call__(self, memory: Float[Array, "*batch memory"], inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch width"]:
        """Features (…, width)."""
        modulation = nn.Dense(2 * self.width, use_bias=False, kernel_init=nn.initializers.zeros)(memory)
        scale, shift = jnp.split(modulation, 2, axis=-1)
        return nn.tanh((1.0 + scale) * nn.Dense(self.width)(inputs) + shift)


class HypernetworkHead(nn.Module):
    """Features h = tanh(W(m) x + b(m)), W and b linear in the memory m and at first those of an ordinary layer, whatever m."""

    width: int

    @nn.compact
    def __call__(self, memory: Float[Array, "*batch memory"], inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch width"]:
        """Features (…, width)."""
        size = inputs.shape[-1]

        def ordinary(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
            kernel = nn.initializers.lecun_normal()(key, (size, self.width), dtype)
            return jnp.concatenate([kernel.ravel(), jnp.zeros(self.width, dtype)]).reshape(shape)

        layer = nn.Dense((size + 1) * self.width, kernel_init=nn.initializers.zeros, bias_init=ordinary)(memory)
        kernel, bias = jnp.split(layer, [size * self.width], axis=-1)
        kernel = kernel.reshape(*kernel.shape[:-1], size, self.width)
        return nn.tanh(jnp.einsum("...i,...iw->...w", inputs, kernel, precision=jax.lax.Precision.HIGHEST) + bias)


def check_head(name: str) -> None:
    """Refuse a head that there is not.

    Raises:
      ValueError: says which there are.
    """
    if name not in HEADS:
        raise ValueError(f"head must be one of {', '.join(HEADS)}, got {name!r}")
