"""Networks of the meta-learners: an encoder, which may be regularised, and a head that adapts or is told a summary of the examples."""

from __future__ import annotations

from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.convolutions import Convolution, HalvingConvolution


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
            pictures = nn.relu(normalized(HalvingConvolution(channels)(pictures)))
        return nn.Dense(self.outputs)(pictures.reshape(len(pictures), -1))


class NormalizedLayers(nn.Module):
    """A picture as one row of numbers; dense ReLU layers of these widths, all normalised over the examples at hand; then a linear layer.

    What follows random weights has no neighbouring pixels any more: convolutions would find nothing there.
    """

    widths: Sequence[int]
    outputs: int

    @nn.compact
    def __call__(self, pictures: Float[Array, "point height width channel"]) -> Float[Array, "point outputs"]:
        """Outputs (point, outputs)."""
        features = normalized(pictures.reshape(len(pictures), -1))
        for width in self.widths:
            features = nn.relu(normalized(nn.Dense(width)(features)))
        return nn.Dense(self.outputs)(features)


class PictureEncoder(nn.Module):
    """From a picture to a small one, `side` pixels square: what may be passed on of it.

    Convolutions that halve, and a dense layer, which with random weights mixes all places: what a head has learned by heart of a picture
    then does not recur. Convolutions alone, however random their weights, leave a letter where it is.
    """

    channels: Sequence[int]
    side: int
    outputs: int  # channels of the small picture
    is_normalized: bool = False  # all layers, over the examples at hand

    @nn.compact
    def __call__(self, pictures: Float[Array, "point height width channel"]) -> Float[Array, "point side side outputs"]:
        """Small pictures."""
        scaled = normalized if self.is_normalized else lambda features: features
        for channels in self.channels:
            pictures = nn.relu(scaled(HalvingConvolution(channels)(pictures)))
        codes = scaled(nn.Dense(self.side**2 * self.outputs)(pictures.reshape(len(pictures), -1)))
        return codes.reshape(len(pictures), self.side, self.side, self.outputs)


def normalized(features: Float[Array, "*batch feature"]) -> Float[Array, "*batch feature"]:
    """Each feature with mean 0 and variance 1 over points, and places of a picture: batch normalisation without anything learned."""
    axes = tuple(range(features.ndim - 1))
    mean = features.mean(axis=axes, keepdims=True)
    variance = features.var(axis=axes, keepdims=True)
    return (features - mean) / jnp.sqrt(variance + 1e-5)


class Torso(nn.Module):
    """Convolutions that halve the picture, each with twice the channels of the one before, and a dense layer: features of a picture."""

    channels: int
    width: int
    halvings: int = 2

    @nn.compact
    def __call__(self, pictures: Float[Array, "sample height width channel"]) -> Float[Array, "sample feature"]:
        """Features (sample, feature)."""
        for halving in range(self.halvings):
            pictures = nn.relu(HalvingConvolution(self.channels * 2**halving, size=5)(pictures))
        return nn.relu(nn.Dense(self.width)(pictures.reshape(len(pictures), -1)))


class PixelTorso(nn.Module):
    """A small U-Net (Ronneberger et al. 2015): convolutions that halve the picture and, on the way back, what was seen at each size."""

    channels: int
    width: int
    halvings: int = 3

    @nn.compact
    def __call__(self, pictures: Float[Array, "sample height width channel"]) -> Float[Array, "sample height width feature"]:
        """Features of every pixel."""
        seen = [pictures]
        for halving in range(self.halvings):
            seen.append(nn.relu(HalvingConvolution(self.channels * 2**halving)(seen[-1])))
        features = seen.pop()
        for halving in reversed(range(self.halvings)):
            larger = seen.pop()
            doubled = jnp.repeat(jnp.repeat(features, 2, axis=1), 2, axis=2)
            width = self.channels * 2 ** (halving - 1) if halving else self.width
            features = nn.relu(Convolution(width)(jnp.concatenate([doubled, larger], axis=-1)))
        return features
