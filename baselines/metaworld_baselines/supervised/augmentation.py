"""Meta-augmentation (Rajendran, Irpan and Jang 2020): labels of a task changed by a key that only its examples tell.

What one function fits, no longer does: tasks become mutually exclusive, so examples must be looked at. Support and query change alike.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from metaworld_baselines.arrays import Array
from metaworld_baselines.supervised.problems.episodes import Episode


def add_label_noise(episode: Episode, key: Array, std: float) -> Episode:
    """One number, drawn for the task, is added to all its labels."""
    shift = std * jax.random.normal(key, episode.support_y.shape[1:])
    return episode._replace(support_y=episode.support_y + shift, query_y=episode.query_y + shift)


def shuffle_labels(episode: Episode, key: Array, classes: int) -> Episode:
    """The task's classes change names, by a permutation drawn for it."""
    names = jax.random.permutation(key, jnp.arange(classes))
    return episode._replace(support_y=names[episode.support_y], query_y=names[episode.query_y])
