"""Problems of many tasks: each picture has a label for every task, or each task has pictures of its own.

A task's network gives numbers for a picture, or for each of its pixels where labels are dense. What a task loses, and what is measured of
all, belongs to the problem.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Float, Int

from metaworld_baselines.arrays import Array

ERRORS = ("absolute", "relative", "mean_deg", "median_deg")  # measures of which less is better, by the last part of their names


@dataclass(frozen=True, kw_only=True)
class ManyTasks:
    """A problem of many tasks.

    Attributes:
      num_tasks: how many.
      shape: height, width and channels of a picture.
      outputs: numbers of a task's head.
      is_dense: whether a head gives them for every pixel.
      train, test: arrays, on the device.
      draw: from (arrays, key, number of pictures of each task) to pictures (task, sample, height, width, channel) in [0, 1] and labels, a
        tree with leaves (task, sample, …).
      draw_test: likewise, each picture at most once, and all where there are no more; None: pictures to test on are drawn as the others.
      loss: of one task: from (its number, outputs (sample, …), labels with leaves (sample, …)) to a number.
      measure: from (outputs (task, sample, …), labels) to numbers by name.
    """

    num_tasks: int
    shape: tuple[int, int, int]
    outputs: int
    is_dense: bool = False
    train: Any
    test: Any
    draw: Callable[[Any, Array, int], tuple[Array, Any]]
    draw_test: Callable[[Any, Array, int], tuple[Array, Any]] | None = None
    loss: Callable[[Array, Array, Any], Array]
    measure: Callable[[Array, Any], dict[str, Array]]


def classification(
    num_tasks: int, classes: int, shape: tuple[int, int, int], train: Any, test: Any, draw: Any, draw_test: Any = None
) -> ManyTasks:
    """Tasks of so many classes each."""
    settings: dict[str, Any] = {"draw": draw, "draw_test": draw_test, "loss": class_loss, "measure": accuracies}
    return ManyTasks(num_tasks=num_tasks, shape=shape, outputs=classes, train=train, test=test, **settings)


def class_loss(task: Array, outputs: Float[Array, "sample class"], labels: Int[Array, " sample"]) -> Float[Array, ""]:
    """Mean cross-entropy, of any task."""
    del task
    return optax.softmax_cross_entropy_with_integer_labels(outputs, labels).mean()


def accuracies(outputs: Float[Array, "task sample class"], labels: Int[Array, "task sample"]) -> dict[str, Array]:
    """Share of each task's pictures whose label is the likeliest: `accuracy/0`, …"""
    shares = (outputs.argmax(axis=-1) == labels).mean(axis=1)
    return {f"accuracy/{task}": shares[task] for task in range(len(shares))}


def distinct(key: Array, there_are: int, number: int) -> Int[Array, " sample"]:
    """So many of them drawn without replacement, all where there are no more."""
    return jax.random.permutation(key, there_are)[:number]


def for_all_tasks(array: Array, num_tasks: int) -> Array:
    """What all tasks share (sample, …), as (task, sample, …)."""
    return jnp.broadcast_to(array, (num_tasks, *array.shape))


def delta_m(numbers: Mapping[str, float], single: Mapping[str, float]) -> float:
    """How much worse than single-task networks, in %, mean over measures (Maninis et al. 2019): negative is better.

    Raises:
      ValueError: measures that differ.
    """
    if numbers.keys() != single.keys():
        raise ValueError(f"measures differ: {sorted(numbers.keys() ^ single.keys())}")
    signs = {name: -1.0 if name.split("/")[-1] in ERRORS else 1.0 for name in numbers}
    return 100.0 * fmean(sign * (single[name] - numbers[name]) / single[name] for name, sign in signs.items())
