"""Random shifts of pictures (DrQ: Kostrikov et al. 2020): what a policy sees, moved a little, asks for the same action.

Few demonstrations are few pictures, and what was learned by heart of a pixel is worth nothing one pixel further.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import UInt8

from metaworld_baselines.arrays import Array


def random_shifts(pictures: UInt8[Array, "sample height width rgb"], key: Array, most_px: int) -> UInt8[Array, "sample height width rgb"]:
    """Each picture moved by up to so many whole pixels along either axis; what comes into view repeats the edge."""
    around = ((0, 0), (most_px, most_px), (most_px, most_px), (0, 0))
    padded = jnp.pad(pictures, around, mode="edge")
    starts = jax.random.randint(key, (len(pictures), 2), 0, 2 * most_px + 1)

    def cropped(picture: Array, start: Array) -> Array:
        return jax.lax.dynamic_slice(picture, (start[0], start[1], 0), pictures.shape[1:])

    return jax.vmap(cropped)(padded, starts)
