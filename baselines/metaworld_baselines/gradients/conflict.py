"""Why gradients of several tasks hinder one another: the quantities of Yu et al. 2020, section 2, and the condition of their Theorem 2.

The *tragic triad* is conflict (a negative cosine), very different magnitudes and high curvature along the update. Where all three are
strong enough, one step of PCGrad is proven to end at a lower loss than one step of plain gradient descent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.gram import TINY, combine, cosines, gram_matrix

TaskLosses = Callable[[Any], Float[Array, " task"]]  # of the parameters


class Conflict(NamedTuple):
    """One look at the tasks' gradients. Means are over pairs of different tasks."""

    conflicting_pairs: Float[Array, ""]  # share of pairs with negative cosine
    mean_cosine: Float[Array, ""]
    min_cosine: Float[Array, ""]
    mean_magnitude_similarity: Float[Array, ""]  # 1 where gradients are equally long, towards 0 where one dominates
    curvature: Float[Array, ""]  # H of the summed losses along their gradient step, see `curvature_along`
    relative_curvature: Float[Array, ""]  # H / ‖g‖²: the largest ℓ that satisfies the theorem's H ≥ ℓ‖g‖²
    smoothness: Float[Array, ""]  # largest curvature of the summed losses found: an estimate of the theorem's L
    triad_pairs: Float[Array, ""]  # share of pairs that meet the theorem's condition


class Combined(NamedTuple):
    """What a method makes of the tasks' gradients, from their Gram matrix K and its C alone. Means are over pairs of different tasks.

    The first three are those of `Conflict` for the changed gradients g̃ = C G, whose Gram matrix is C K Cᵀ.
    """

    conflicting_pairs: Float[Array, ""]
    mean_cosine: Float[Array, ""]
    mean_magnitude_similarity: Float[Array, ""]
    opposed_tasks: Float[Array, ""]  # share of tasks whose loss the update raises, to first order
    cosine_to_mean: Float[Array, ""]  # of the update with the plain mean
    length_to_mean: Float[Array, ""]  # of the update, relative to the plain mean


def combined(gram: Float[Array, "task task"], projections: Float[Array, "task task"]) -> Combined:
    """Conflict after combination.

    Args:
      gram: K, inner products of the tasks' gradients.
      projections: C, see `weighting.projections_of`.
    """
    changed = projections @ gram @ projections.T
    first, second = jnp.triu_indices(len(gram), k=1)
    cos = cosines(changed)[first, second]
    weights, mean = projections.mean(axis=0), jnp.full(len(gram), 1.0 / len(gram), gram.dtype)
    length, mean_length = (jnp.sqrt(jnp.maximum(w @ gram @ w, 0.0)) for w in (weights, mean))
    # Opposed by more than rounding: where a method makes a product zero, half of them would come out below.
    products = gram @ weights
    slack = 1e-5 * jnp.sqrt(jnp.diagonal(gram)) * length
    return Combined(
        conflicting_pairs=(cos < 0.0).mean(),
        mean_cosine=cos.mean(),
        mean_magnitude_similarity=magnitude_similarity(changed)[first, second].mean(),
        opposed_tasks=(products < -slack).mean(),
        cosine_to_mean=(weights @ gram @ mean) / jnp.maximum(length * mean_length, TINY),
        length_to_mean=length / jnp.maximum(mean_length, TINY),
    )


def pair_metrics(gram: Float[Array, "task task"]) -> dict[str, Array]:
    """The first of `Conflict` that cost no more than the gradients themselves, by name: for every step of training."""
    first, second = jnp.triu_indices(len(gram), k=1)
    cos = cosines(gram)[first, second]
    similarity = magnitude_similarity(gram)[first, second]
    return {"conflicting_pairs": (cos < 0.0).mean(), "mean_cosine": cos.mean(), "mean_magnitude_similarity": similarity.mean()}


def magnitude_similarity(gram: Float[Array, "task task"]) -> Float[Array, "task task"]:
    """Φ(g_i, g_j) = 2 ‖g_i‖ ‖g_j‖ / (‖g_i‖² + ‖g_j‖²), definition 2."""
    squares = jnp.diagonal(gram)
    return 2.0 * jnp.sqrt(squares[:, None] * squares[None, :]) / jnp.maximum(squares[:, None] + squares[None, :], TINY)


def curvature_bound(gram: Float[Array, "task task"]) -> Float[Array, "task task"]:
    """ξ(g_i, g_j) = (1 − cos² φ) ‖g_i − g_j‖² / ‖g_i + g_j‖², definition 5."""
    squares = jnp.diagonal(gram)
    sums = squares[:, None] + squares[None, :]
    return (1.0 - cosines(gram) ** 2) * (sums - 2.0 * gram) / jnp.maximum(sums + 2.0 * gram, TINY)


def curvature_along(loss: Callable[[Any], Array], params: Any, gradient: Any, step_size: float | Array) -> Float[Array, ""]:
    """H(L; θ, θ′) = ∫₀¹ gᵀ ∇²L(θ + a (θ′ − θ)) g da for the gradient step θ′ = θ − t g, definition 3.

    By Hessian-vector products at the two Gauss points, which is exact where L is of fifth degree or less along the step. The estimate from
    differences of losses, 2 [L(θ′) − L(θ) − gᵀ(θ′ − θ)] / t², drowns in float32 rounding at the step sizes of deep learning.
    """

    def at(part: Array) -> Array:
        point = jax.tree.map(lambda p, g: p - part * step_size * g, params, gradient)
        product = jax.jvp(jax.grad(loss), (point,), (gradient,))[1]
        return sum(jnp.vdot(g, h) for g, h in zip(jax.tree.leaves(gradient), jax.tree.leaves(product), strict=True))

    return jax.lax.map(at, 0.5 + jnp.array([-0.5, 0.5]) / jnp.sqrt(3.0)).mean()


def is_tragic(
    gram: Float[Array, "task task"], pair_curvature: Float[Array, "task task"], smoothness: float | Array, step_size: float | Array
) -> Bool[Array, "task task"]:
    """Whether each pair of tasks meets the sufficient condition of Theorem 2 for a gradient step of length `step_size`.

    (a) cos φ ≤ −Φ, (b) ℓ ≥ ξ L, (c) t ≥ 2 / (ℓ − ξ L).

    Args:
      gram: inner products of the tasks' gradients.
      pair_curvature: ℓ of each pair, the curvature of its summed loss along its summed gradient, relative to ‖g_i + g_j‖².
      smoothness: L, a Lipschitz constant of the gradient of every pair's loss.
      step_size: t.
    """
    excess = pair_curvature - curvature_bound(gram) * smoothness
    dominated = cosines(gram) <= -magnitude_similarity(gram)
    return dominated & (excess > 0.0) & (step_size * excess >= 2.0)


def diagnose(losses: TaskLosses, params: Any, step_size: float | Array, key: Array, mask: Any = None) -> tuple[Conflict, Array]:
    """Look at the gradients of several tasks' losses at one point; also their Gram matrix.

    Costs a gradient per task and two Hessian-vector products per pair of tasks: something for every so often.

    Args:
      losses: from parameters to one loss per task, on a fixed batch.
      params: where.
      step_size: of the plain gradient step that the theorem compares with.
      key: for the start of the power iteration.
      mask: a tree of parameters, or one that fits them, with 0 for those that are held still, such as heads; None: all may move.

    Raises:
      ValueError: fewer than two tasks.
    """
    task_grads = masked(jax.jacrev(losses)(params), mask)
    gram = gram_matrix(task_grads)
    num_tasks = len(gram)
    if num_tasks < 2:
        raise ValueError("conflict is between tasks, and there is one")

    def curvature_of(weights: Float[Array, " task"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """H of the chosen tasks' summed loss along its gradient, and the same relative to that gradient's squared norm."""
        curvature = curvature_along(lambda p: weights @ losses(p), params, combine(weights, task_grads), step_size)
        return curvature, curvature / jnp.maximum(weights @ gram @ weights, TINY)

    curvature, relative_curvature = curvature_of(jnp.ones(num_tasks))
    first, second = jnp.triu_indices(num_tasks, k=1)
    pair_weights = jax.nn.one_hot(first, num_tasks) + jax.nn.one_hot(second, num_tasks)
    of_each_pair = jnp.zeros((num_tasks, num_tasks)).at[first, second].set(jax.lax.map(curvature_of, pair_weights)[1])
    smoothness = largest_curvature(lambda p: losses(p).sum(), params, key, mask=mask)
    cos = cosines(gram)[first, second]
    seen = Conflict(
        conflicting_pairs=(cos < 0.0).mean(),
        mean_cosine=cos.mean(),
        min_cosine=cos.min(),
        mean_magnitude_similarity=magnitude_similarity(gram)[first, second].mean(),
        curvature=curvature,
        relative_curvature=relative_curvature,
        smoothness=smoothness,
        triad_pairs=is_tragic(gram, of_each_pair, smoothness, step_size)[first, second].mean(),
    )
    return seen, gram


def masked(tree: Any, mask: Any) -> Any:
    """A tree with its leaves multiplied by those of a mask, if there is one."""
    return tree if mask is None else jax.tree.map(lambda leaf, one: leaf * one, tree, mask)


def largest_curvature(loss: Callable[[Any], Array], params: Any, key: Array, iterations: int = 10, mask: Any = None) -> Float[Array, ""]:
    """The Hessian's eigenvalue of largest magnitude, as a magnitude, by power iteration (from below); in the subspace of a mask."""
    leaves, tree = jax.tree.flatten(params)
    start = tree.unflatten([jax.random.normal(k, leaf.shape) for k, leaf in zip(jax.random.split(key, len(leaves)), leaves, strict=True)])

    def norm(vector: Any) -> Array:
        return jnp.sqrt(sum(jnp.vdot(leaf, leaf) for leaf in jax.tree.leaves(vector)))

    def unit(vector: Any) -> Any:
        length = jnp.maximum(norm(vector), TINY)
        return jax.tree.map(lambda leaf: leaf / length, vector)

    def times_hessian(vector: Any, _: None) -> tuple[Any, Array]:
        product = masked(jax.jvp(jax.grad(loss), (params,), (unit(vector),))[1], mask)
        return product, norm(product)

    return jax.lax.scan(times_hessian, masked(start, mask), None, length=iterations)[1][-1]
