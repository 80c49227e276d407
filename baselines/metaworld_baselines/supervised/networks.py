"""Networks of the meta-learners: an encoder, which may be regularised, and a head that adapts or is told a summary of the examples."""

from __future__ import annotations

from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array


class Layers(nn.Module):
    """ReLU layers of these widths, and a linear one."""

    widths: Sequence[int]
    outputs: int

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch outputs"]:
        """Outputs (…, outputs)."""
        for width in self.widths:
            inputs = nn.relu(nn.Dense(width)(inputs))
        return nn.Dense(self.outputs)(inputs)


class Convolutions(nn.Module):
    """3 × 3 convolutions, each halving the picture, normalised over the examples at hand; then a linear layer."""

    channels: Sequence[int]
    outputs: int

    @nn.compact
    def __call__(self, pictures: Float[Array, "point height width channel"]) -> Float[Array, "point outputs"]:
        """Outputs (point, outputs)."""
        for channels in self.channels:
            pictures = nn.Conv(channels, (3, 3), strides=(2, 2))(pictures)
            pictures = nn.relu(normalized(pictures))
        return nn.Dense(self.outputs)(pictures.reshape(len(pictures), -1))


class PictureEncoder(nn.Module):
    """From a picture to one of half the size, one channel: what may be passed on of it."""

    channels: int

    @nn.compact
    def __call__(self, pictures: Float[Array, "point height width channel"]) -> Float[Array, "point half_height half_width channel"]:
        """Pictures of half the size, `channels` in number."""
        return nn.Conv(self.channels, (3, 3), strides=(2, 2))(pictures)


def normalized(pictures: Float[Array, "point height width channel"]) -> Float[Array, "point height width channel"]:
    """Each channel with mean 0 and variance 1 over points and places: batch normalisation without anything learned."""
    mean = pictures.mean(axis=(0, 1, 2), keepdims=True)
    variance = pictures.var(axis=(0, 1, 2), keepdims=True)
    return (pictures - mean) / jnp.sqrt(variance + 1e-5)
