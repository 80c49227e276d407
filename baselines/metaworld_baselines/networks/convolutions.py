"""Convolutions as products of matrices, which are quick on a CPU wherever they stand."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array


class Convolution(nn.Module):
    """A convolution, zeros around the picture, as one product of matrices.

    Each task of a batch may have weights of its own, and XLA's convolutions with such are slow on a CPU, derivatives most of all:
    as products, a step of MAML on 20-way glyphs takes a tenth of the time. Within a `scan` they are slow in any case: of three such
    layers on 48 pictures of 64 pixels, a gradient step of XLA's takes 1.3 s of a processor there, one of these 0.05 s.
    """

    channels: int
    size: int = 3  # pixels of the kernel's side
    stride: int = 1

    @nn.compact
    def __call__(self, pictures: Float[Array, "point height width channel"]) -> Float[Array, "point out_height out_width out"]:
        """Pictures whose sides are divided by the stride, rounded up."""
        return nn.Dense(self.channels)(patches(pictures, self.size, self.stride))


class HalvingConvolution(Convolution):
    """One that halves the picture."""

    stride: int = 2


def patches(
    pictures: Float[Array, "point height width channel"], size: int, stride: int = 2
) -> Float[Array, "point out_height out_width patch"]:
    """What lies under a kernel of that size at every `stride`-th pixel: column by column, all channels of a pixel together."""
    for axis in (1, 2):
        length = pictures.shape[axis]
        places = -(-length // stride)
        missing = max(stride * (places - 1) + size - length, 0)
        around = [(missing // 2, missing - missing // 2) if one == axis else (0, 0) for one in range(4)]
        padded = jnp.pad(pictures, around)
        shifted = [jax.lax.slice_in_dim(padded, start, start + stride * (places - 1) + 1, stride, axis) for start in range(size)]
        pictures = jnp.concatenate(shifted, axis=-1)
    return pictures
