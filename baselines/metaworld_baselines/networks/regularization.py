"""Meta-regularisation (Yin et al. 2020): what a network may know without looking at a task's examples costs β nats each.

    (W)  L + β KL(N(θ_μ, θ_σ²) ‖ N(0, I))               weights that do not adapt are drawn from a Gaussian        (eq. 5)
    (A)  L + β E KL(q(z | x) ‖ N(0, I))                 what is passed on of a query is drawn from a Gaussian      (eq. 3)

Each is a pure function of its arguments and fits any learner: weights are drawn before a network is applied, activations within it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array

NONE, ACTIVATIONS, WEIGHTS, ALL_WEIGHTS = "none", "activations", "weights", "all-weights"
KINDS = (NONE, ACTIVATIONS, WEIGHTS, ALL_WEIGHTS)
INITIAL_STD = 0.05  # of Gaussian weights: small beside their means


class GaussianWeights(NamedTuple):
    """Independent normal distributions of a network's weights: two trees of the network's shape."""

    mean: Any
    log_std: Any


def kl_to_standard(mean: Float[Array, "*shape"], log_std: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """KL(N(mean, std²) ‖ N(0, 1)) in nats, number by number: ½ (σ² + μ² − 1) − log σ."""
    return 0.5 * (jnp.exp(2.0 * log_std) + mean**2 - 1.0) - log_std


def gaussian_weights(weights: Any, initial_std: float = INITIAL_STD) -> GaussianWeights:
    """Distributions around a network's initial weights."""
    return GaussianWeights(weights, jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.log(initial_std)), weights))


def draw_weights(distribution: GaussianWeights, key: Array | None) -> Any:
    """Weights from their distributions; their means without a key."""
    if key is None:
        return distribution.mean
    means, tree = jax.tree.flatten(distribution.mean)
    stds = jax.tree.map(jnp.exp, jax.tree.leaves(distribution.log_std))
    keys = jax.random.split(key, len(means))
    drawn = [mean + std * jax.random.normal(one, mean.shape) for mean, std, one in zip(means, stds, keys, strict=True)]
    return jax.tree.unflatten(tree, drawn)


def weights_kl(distribution: GaussianWeights) -> Float[Array, ""]:
    """Nats of all weights together."""
    terms = jax.tree.map(lambda mean, log_std: kl_to_standard(mean, log_std).sum(), distribution.mean, distribution.log_std)
    return jnp.stack(jax.tree.leaves(terms)).sum()


def draw_activations(outputs: Array, key: Array | None) -> tuple[Array, Float[Array, " point"]]:
    """Latent codes (point, …) and the nats of each; means without a key.

    Args:
      outputs: of an encoder (point, …), with means before log standard deviations on the last axis, which is twice the codes'.
      key: of the draw.
    """
    mean, log_std = jnp.split(outputs, 2, axis=-1)
    noise = 0.0 if key is None else jax.random.normal(key, mean.shape)
    nats = kl_to_standard(mean, log_std)
    return mean + jnp.exp(log_std) * noise, nats.reshape(len(nats), -1).sum(axis=1)


def pac_bayes_bound(error: float | Array, kl: float | Array, num_tasks: int, num_points: int, delta: float = 0.05) -> Any:
    """What the expected error of unseen tasks stays below with probability 1 − δ (Yin et al. 2020, Theorem 2).

        error + (√(1 / 2(K − 1)) + √(1 / 2(n − 1))) √(KL + log(n (K + 1) / δ))

    Args:
      error: mean over training tasks, of a loss in [0, 1].
      kl: nats of the weights.
      num_tasks: n.
      num_points: K, labelled queries of each task.
      delta: δ.

    Raises:
      ValueError: fewer than two tasks or points.
    """
    return error + _slack(num_tasks, num_points) * jnp.sqrt(kl + jnp.log(num_tasks * (num_points + 1) / delta))


def pac_bayes_beta(num_tasks: int, num_points: int, delta: float = 0.05) -> float:
    """β with which minimising L + β KL minimises the bound, to first order in KL / log(n (K + 1) / δ).

    Raises:
      ValueError: fewer than two tasks or points.
    """
    return float(_slack(num_tasks, num_points) / (2.0 * jnp.sqrt(jnp.log(num_tasks * (num_points + 1) / delta))))


def _slack(num_tasks: int, num_points: int) -> float:
    if num_tasks < 2 or num_points < 2:
        raise ValueError(f"the bound needs two tasks and two points of each or more, got {num_tasks} and {num_points}")
    return (0.5 / (num_points - 1)) ** 0.5 + (0.5 / (num_tasks - 1)) ** 0.5
