"""Two overlaid digits (MultiMNIST's protocol, Sabour et al. 2017, Sener and Koltun 2018), with digits drawn from fonts: see glyphs.

28 × 28 digits stand at the upper left and the lower right of 36 × 36, each moved by up to four pixels; where both have ink the darker
counts. Two tasks: which digit is at the left, which at the right.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from metaworld_baselines.arrays import Array

SIDE, SHIFT = 36, 4  # pixels
NUM_TASKS, NUM_CLASSES = 2, 10


class Batch(NamedTuple):
    """Pictures with a label for each task."""

    pictures: Float[Array, "sample height width 1"]
    labels: Int[Array, "task sample"]


def draw_batch(examples: Array, key: Array, number: int) -> Batch:
    """Pairs of digits, composed anew.

    Args:
      examples: of each class (class, example, height, width) uint8.
      key: of the draw.
      number: of pictures.
    """
    label_key, example_key, shift_key = jax.random.split(key, 3)
    labels = jax.random.randint(label_key, (NUM_TASKS, number), 0, NUM_CLASSES)
    which = jax.random.randint(example_key, (NUM_TASKS, number), 0, examples.shape[1])
    shifts = jax.random.randint(shift_key, (NUM_TASKS, number, 2), 0, SHIFT + 1)
    drawn = examples[labels, which].astype(jnp.float32) / 255.0
    places = shifts + jnp.array([0, SHIFT])[:, None, None]
    left, right = jax.vmap(jax.vmap(_placed))(drawn, places)
    return Batch(jnp.maximum(left, right)[..., None], labels)


def _placed(digit: Float[Array, "size size"], corner: Int[Array, " 2"]) -> Float[Array, "side side"]:
    return jax.lax.dynamic_update_slice(jnp.zeros((SIDE, SIDE)), digit, tuple(corner))
