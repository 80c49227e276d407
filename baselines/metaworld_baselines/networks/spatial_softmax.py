"""From a picture to where things are in it: convolutions, and a softmax over places that reads out coordinates (Levine et al. 2016).

What a dense layer would have to learn, that the same thing further to the right is a larger x, is built in; and a picture becomes two
numbers for each channel, whatever its size.
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float, UInt8

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.architectures import TaskNetwork
from metaworld_baselines.networks.convolutions import Convolution, HalvingConvolution


def spatial_softmax(features: Float[Array, "sample height width channel"]) -> Float[Array, "sample places"]:
    """Where each channel is strongest (sample, 2 · channel): the mean place under a softmax over places.

    All x, then all y, each in [−1, 1], from left to right and from top to bottom.
    """
    height, width, channels = features.shape[1:]
    weights = jax.nn.softmax(features.reshape(-1, height * width, channels), axis=1).reshape(-1, height, width, channels)
    x = jnp.einsum("shwc,w->sc", weights, jnp.linspace(-1.0, 1.0, width))
    y = jnp.einsum("shwc,h->sc", weights, jnp.linspace(-1.0, 1.0, height))
    return jnp.concatenate([x, y], axis=-1)


class PlaceEncoder(nn.Module):
    """Three convolutions, of which two halve the picture, and `spatial_softmax`."""

    width: int  # channels, of the first convolution half as many

    @nn.compact
    def __call__(self, pictures: UInt8[Array, "sample height width rgb"]) -> Float[Array, "sample places"]:
        """Places (sample, 2 · width)."""
        features = pictures.astype(jnp.float32) / 255.0 - 0.5
        features = nn.relu(HalvingConvolution(-(-self.width // 2), size=5)(features))
        features = nn.relu(HalvingConvolution(self.width)(features))
        return spatial_softmax(Convolution(self.width)(features))


class SeeingNetwork(nn.Module):
    """A network that reads the places in a picture before its other inputs."""

    network: TaskNetwork
    conv_width: int

    @nn.compact
    def __call__(
        self, inputs: Float[Array, "sample inputs"], pictures: UInt8[Array, "sample height width rgb"]
    ) -> Float[Array, "sample outputs"]:
        """Outputs (sample, outputs)."""
        places = PlaceEncoder(self.conv_width)(pictures)
        return self.network(jnp.concatenate([places, inputs], axis=-1))
