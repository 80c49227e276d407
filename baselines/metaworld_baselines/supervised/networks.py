"""Networks of the meta-learners: an encoder, which may be regularised, and a head that adapts or is told a summary of the examples."""

from __future__ import annotations

from collections.abc import Sequence

import flax.linen as nn
import jax
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


class HalvingConvolution(nn.Module):
    """A convolution that halves the picture, zeros around it, as one product of matrices.

    Each task of a batch may have weights of its own, and XLA's convolutions with such are slow on a CPU, derivatives most of all:
    as products, a step of MAML on 20-way glyphs takes a tenth of the time.
    """

    channels: int
    size: int = 3  # pixels of the kernel's side

    @nn.compact
    def __call__(self, pictures: Float[Array, "point height width channel"]) -> Float[Array, "point half_height half_width out"]:
        """Pictures of half the size, rounded up."""
        return nn.Dense(self.channels)(patches(pictures, self.size))


def patches(pictures: Float[Array, "point height width channel"], size: int) -> Float[Array, "point half_height half_width patch"]:
    """What lies under a kernel of that size at every second pixel: column by column, all channels of a pixel together."""
    for axis in (1, 2):
        length = pictures.shape[axis]
        half = -(-length // 2)
        missing = max(2 * (half - 1) + size - length, 0)
        around = [(missing // 2, missing - missing // 2) if one == axis else (0, 0) for one in range(4)]
        padded = jnp.pad(pictures, around)
        shifted = [jax.lax.slice_in_dim(padded, start, start + 2 * half - 1, 2, axis) for start in range(size)]
        pictures = jnp.concatenate(shifted, axis=-1)
    return pictures


class Convolutions(nn.Module):
    """3 × 3 convolutions, each halving the picture, normalised over the examples at hand; then a linear layer."""

    channels: Sequence[int]
    outputs: int

    @nn.compact
    def __call__(self, pictures: Float[Array, "point height width channel"]) -> Float[Array, "point outputs"]:
        """Outputs (point, outputs)."""
        for channels in self.channels:
            pictures = nn.relu(normalized(HalvingConvolution(channels)(pictures)))
        return nn.Dense(self.outputs)(pictures.reshape(len(pictures), -1))


class PictureEncoder(nn.Module):
    """From a picture to a small one, `side` pixels square: what may be passed on of it.

    Convolutions that halve, and a dense layer, which with random weights mixes all places: what a head has learned by heart of a picture
    then does not recur. Convolutions alone, however random their weights, leave a letter where it is.
    """

    channels: Sequence[int]
    side: int
    outputs: int  # channels of the small picture

    @nn.compact
    def __call__(self, pictures: Float[Array, "point height width channel"]) -> Float[Array, "point side side outputs"]:
        """Small pictures."""
        for channels in self.channels:
            pictures = nn.relu(HalvingConvolution(channels)(pictures))
        codes = nn.Dense(self.side**2 * self.outputs)(pictures.reshape(len(pictures), -1))
        return codes.reshape(len(pictures), self.side, self.side, self.outputs)


def normalized(pictures: Float[Array, "point height width channel"]) -> Float[Array, "point height width channel"]:
    """Each channel with mean 0 and variance 1 over points and places: batch normalisation without anything learned."""
    mean = pictures.mean(axis=(0, 1, 2), keepdims=True)
    variance = pictures.var(axis=(0, 1, 2), keepdims=True)
    return (pictures - mean) / jnp.sqrt(variance + 1e-5)
