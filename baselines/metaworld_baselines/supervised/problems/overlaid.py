"""Two overlaid digits (MultiMNIST's protocol, Sabour et al. 2017, Sener and Koltun 2018), with digits drawn from fonts or MNIST's own.

28 × 28 digits stand at the upper left and the lower right of 36 × 36, each moved by up to four pixels; where both have ink the darker
counts. Two tasks: which digit is at the left, which at the right.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from metaworld_baselines.arrays import Array
from metaworld_baselines.supervised.problems.many_tasks import ManyTasks, classification, for_all_tasks

SIDE, SHIFT = 36, 4  # pixels
NUM_TASKS, NUM_CLASSES = 2, 10


def overlaid(train: NDArray[np.uint8], test: NDArray[np.uint8]) -> ManyTasks:
    """The problem, of digits (class, example, height, width) to train and to test on."""
    return classification(NUM_TASKS, NUM_CLASSES, (SIDE, SIDE, 1), jnp.asarray(train), jnp.asarray(test), draw)


def draw(examples: Array, key: Array, number: int) -> tuple[Float[Array, "task sample side side 1"], Int[Array, "task sample"]]:
    """Pairs of digits, composed anew: the same pictures for both tasks, each with its label.

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
    return for_all_tasks(jnp.maximum(left, right)[..., None], NUM_TASKS), labels


def _placed(digit: Float[Array, "size size"], corner: Int[Array, " 2"]) -> Float[Array, "side side"]:
    return jax.lax.dynamic_update_slice(jnp.zeros((SIDE, SIDE)), digit, tuple(corner))
