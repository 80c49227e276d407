"""Gradients of means over many samples, part by part on a CPU: what a part's layers leave for the gradient stays in a core's cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

LEAST, MOST = 250, 700  # samples of a part, whose layers of 400 fit into a megabyte each; of fewer the products are slow


def num_parts(samples: int) -> int:
    """Into how many equal parts so many samples are cut: one, where no fitting size divides them, or where there is no CPU's cache."""
    if jax.default_backend() != "cpu":
        return 1
    return next((samples // size for size in range(MOST, LEAST - 1, -1) if samples % size == 0), 1)


def grad_by_parts(loss: Callable[[Any, Any], tuple[Any, Any]], params: Any, batch: Any) -> tuple[Any, Any]:
    """The gradient of a loss that is a mean over samples, and its metrics, likewise: to rounding those of `jax.grad`.

    Args:
      loss: of parameters and samples, with metrics.
      params: where.
      batch: samples (sample, …).
    """
    parts = num_parts(len(jax.tree.leaves(batch)[0]))
    grad = jax.grad(loss, has_aux=True)
    if parts == 1:
        return grad(params, batch)

    def add(total: Any, part: Any) -> tuple[Any, Any]:
        of_part, metrics = grad(params, part)
        return jax.tree.map(lambda total, new: total + new / parts, total, of_part), metrics

    cut = jax.tree.map(lambda x: x.reshape(parts, -1, *x.shape[1:]), batch)
    total, metrics = jax.lax.scan(add, jax.tree.map(jnp.zeros_like, params), cut)
    return total, jax.tree.map(lambda of_parts: of_parts.mean(axis=0), metrics)
