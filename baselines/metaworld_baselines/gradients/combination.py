"""How the losses of several tasks become one gradient: their mean, or each task's own for gradient surgery.

Losses are functions of parameters and of arrays that have the tasks first; they give one number per task, and what else is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import optax

from metaworld_baselines.arrays import Array

# From (losses: (params, *per-task arrays) → ((task,), aux), params, *per-task arrays) to (gradients, (losses, aux)).
Gradients = Callable[..., tuple[Any, tuple[Any, Any]]]


# From (key, number of tasks) to what is random in an update's transformation of gradients, or None.
DrawOrders = Callable[[Array, int], Any]


class MultiTask(NamedTuple):
    """Gradients as an algorithm takes them, and what it does with them before clipping and Adam."""

    gradients: Gradients
    transformation: Callable[[int], optax.GradientTransformation]  # of a seed; takes `orders`, if it draws any
    draw_orders: DrawOrders


def mean_gradients(losses: Callable[..., Any], params: Any, *arrays: Any) -> tuple[Any, tuple[Any, Any]]:
    """The gradient of the mean over tasks."""

    def mean(params: Any) -> tuple[Array, Any]:
        values, aux = losses(params, *arrays)
        return values.mean(), (values, aux)

    return jax.grad(mean, has_aux=True)(params)


def task_gradients(losses: Callable[..., Any], params: Any, *arrays: Any) -> tuple[Any, tuple[Any, Any]]:
    """Each task's gradient: leaves (task, …)."""

    def of_one_task(params: Any, *arrays: Any) -> tuple[Array, Any]:
        values, aux = losses(params, *jax.tree.map(lambda x: x[None], arrays))
        values, aux = jax.tree.map(lambda x: x[0], (values, aux))
        return values, (values, aux)

    return jax.vmap(jax.grad(of_one_task, has_aux=True), in_axes=(None, *(0,) * len(arrays)))(params, *arrays)


AVERAGE = MultiTask(mean_gradients, lambda seed: optax.identity(), lambda key, num_tasks: None)
