"""Meta-regularisation of policies that adapt (Yin et al. 2020, by weights): what their encoder knows by heart costs β nats each.

A recurrent policy adapts by its memory, MAML's by a gradient step; what their weights know before is of the training instances. So the
weights that take in observations are drawn from normal distributions, once for each rollout, and their divergence from a standard normal is
a price:

    −surrogate + β KL(N(θ_μ, θ_σ²) ‖ N(0, I))

What acted is what learns: the surrogate is that of the drawn weights, and its gradient reaches their means and deviations.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.regularization import GaussianWeights, draw_weights, gaussian_weights, weights_kl

DEVIATIONS = "log_std"  # beside a network's "params"; a tree of those of the encoder


def check_information(weight: float, std: float) -> None:
    """Refuse a price or a deviation that cannot be meant.

    Raises:
      ValueError: says which.
    """
    if weight < 0.0 or std <= 0.0:
        raise ValueError(f"information_weight must not be negative, and information_std positive, got {weight} and {std}")


def with_deviations(weights: Any, encoder: Any, initial_std: float) -> Any:
    """A network's weights, with standard deviations of the encoder's beside them.

    Args:
      weights: of the network.
      encoder: the layers between the inputs and what adapts: nested like the weights, down to True.
      initial_std: of each weight.
    """
    return {**weights, DEVIATIONS: gaussian_weights(_part(weights["params"], encoder), initial_std).log_std}


def drawn(weights: Any, key: Array) -> Any:
    """Weights to act with: the encoder's from their distributions, all others as they are."""
    return {"params": _replaced(weights["params"], draw_weights(_encoder(weights), key))}


def nats(weights: Any) -> Float[Array, ""]:
    """Divergence of the encoder's weights from a standard normal, all of them together."""
    return weights_kl(_encoder(weights))


def mean_std(weights: Any) -> Float[Array, ""]:
    """Standard deviation of the encoder's weights, on average."""
    return jnp.exp(jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(weights[DEVIATIONS])])).mean()


def without_encoder(weights: Any, other: Any) -> Any:
    """Another tree like the network's "params", such as a gradient, with zeros where the encoder's weights are."""
    return _replaced(other, jax.tree.map(jnp.zeros_like, _part(other, weights[DEVIATIONS])))


def _encoder(weights: Any) -> GaussianWeights:
    return GaussianWeights(_part(weights["params"], weights[DEVIATIONS]), weights[DEVIATIONS])


def _part(tree: Any, pattern: Any) -> Any:
    """What of a nested tree the pattern names."""
    return {name: _part(tree[name], of) if isinstance(of, dict) else tree[name] for name, of in pattern.items()}


def _replaced(tree: Any, part: Any) -> Any:
    """The tree with a part of it replaced."""
    return {name: _replaced(of, part[name]) if isinstance(part.get(name), dict) else part.get(name, of) for name, of in tree.items()}
