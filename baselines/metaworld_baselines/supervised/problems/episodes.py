"""Episodes: a few labelled examples of a task, and queries on the same task. A problem is where they come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Float

from metaworld_baselines.arrays import Array


class Episode(NamedTuple):
    """Examples to adapt to, and queries that count."""

    support_x: Array  # (support, …) float
    support_y: Array  # (support, outputs) float, or (support,) whole numbers of classes
    query_x: Array  # (query, …)
    query_y: Array  # (query, outputs) or (query,)


@dataclass(frozen=True)
class Problem:
    """A distribution of tasks for training, and one for testing."""

    train_episode: Callable[[Any, Array], Episode]  # from data and a key to an episode of a training task
    test_episode: Callable[[Any, Array], Episode]  # of an unseen one
    num_train_tasks: int
    outputs: int  # components of a label, or classes
    is_image: bool
    data: Any = ()  # arrays; an argument of compiled functions, since compilers take minutes over large constants

    def draw_train(self, key: Array) -> Episode:
        """An episode of a training task."""
        return self.train_episode(self.data, key)

    def draw_test(self, key: Array) -> Episode:
        """An episode of an unseen task."""
        return self.test_episode(self.data, key)


def losses(outputs: Float[Array, "point outputs"], labels: Array) -> Float[Array, " point"]:
    """What is minimised: squared error of labels that are vectors, cross entropy of classes."""
    if jnp.issubdtype(labels.dtype, jnp.integer):
        return optax.softmax_cross_entropy_with_integer_labels(outputs, labels)
    return ((outputs - labels) ** 2).mean(axis=-1)


def errors(outputs: Float[Array, "point outputs"], labels: Array) -> Float[Array, " point"]:
    """What is reported: squared error, or 1 where the class is wrong."""
    if jnp.issubdtype(labels.dtype, jnp.integer):
        return (outputs.argmax(axis=-1) != labels).astype(outputs.dtype)
    return losses(outputs, labels)


def draw_many(draw: Callable[[Array], Episode], key: Array, number: int) -> Episode:
    """Several tasks' episodes, leaves (task, …)."""
    return jax.vmap(draw)(jax.random.split(key, number))
