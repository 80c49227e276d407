"""Meta-regularisation of a policy with a memory (Yin et al. 2020, by weights): what its encoder knows by heart costs β nats each.

A recurrent policy adapts by its memory; its weights know what they learned from the training instances. So the weights that take in
observations are drawn from normal distributions, once for each rollout, and their divergence from a standard normal is a price:

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

ENCODER = ("first", "second")  # layers, between the inputs and the memory
DEVIATIONS = "log_std"  # beside a network's "params"


def with_deviations(weights: Any, initial_std: float) -> Any:
    """A network's weights, with standard deviations of the encoder's beside them."""
    encoder = {name: weights["params"][name] for name in ENCODER}
    return {**weights, DEVIATIONS: gaussian_weights(encoder, initial_std).log_std}


def drawn(weights: Any, key: Array) -> Any:
    """Weights to act with: the encoder's from their distributions, all others as they are."""
    return {"params": {**weights["params"], **draw_weights(_encoder(weights), key)}}


def nats(weights: Any) -> Float[Array, ""]:
    """Divergence of the encoder's weights from a standard normal, all of them together."""
    return weights_kl(_encoder(weights))


def mean_std(weights: Any) -> Float[Array, ""]:
    """Standard deviation of the encoder's weights, on average."""
    return jnp.exp(jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(weights[DEVIATIONS])])).mean()


def _encoder(weights: Any) -> GaussianWeights:
    return GaussianWeights({name: weights["params"][name] for name in weights[DEVIATIONS]}, weights[DEVIATIONS])
