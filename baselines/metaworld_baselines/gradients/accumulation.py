"""Gradients of means over many samples, accumulated over microbatches on a CPU: what the layers of one leave stays in a core's cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

LEAST, MOST = 250, 700  # rows of a microbatch, whose layers of 400 take a megabyte each; of fewer the products are slow


def num_microbatches(samples: int, of_each: int = 1) -> int:
    """Into how many equal ones so many samples are cut: one, where no fitting size divides them, or where there is no CPU's cache.

    Args:
      samples: how many.
      of_each: rows of a sample, where it is a batch by itself, as goals and sequences are; of those with more than `MOST` each is one.
    """
    if jax.default_backend() != "cpu":
        return 1
    sizes = range(min(max(MOST // of_each, 1), samples), 0, -1)
    return next((samples // size for size in sizes if samples % size == 0 and size * of_each >= LEAST), 1)


def accumulated_grad(loss: Callable[[Any, Any], tuple[Any, Any]], params: Any, batch: Any, of_each: int = 1) -> tuple[Any, Any]:
    """The gradient of a loss that is a mean over samples, and its metrics, likewise: to rounding those of `jax.grad`.

    Args:
      loss: of parameters and samples, with metrics.
      params: where.
      batch: samples (sample, …).
      of_each: rows of a sample, where it is a batch by itself, as goals and sequences are.
    """
    count = num_microbatches(len(jax.tree.leaves(batch)[0]), of_each)
    grad = jax.grad(loss, has_aux=True)
    if count == 1:
        return grad(params, batch)

    def add(total: Any, microbatch: Any) -> tuple[Any, Any]:
        grads, metrics = grad(params, microbatch)
        return jax.tree.map(lambda total, new: total + new / count, total, grads), metrics

    microbatches = jax.tree.map(lambda x: x.reshape(count, -1, *x.shape[1:]), batch)
    total, metrics = jax.lax.scan(add, jax.tree.map(jnp.zeros_like, params), microbatches)
    return total, jax.tree.map(lambda of_each: of_each.mean(axis=0), metrics)
