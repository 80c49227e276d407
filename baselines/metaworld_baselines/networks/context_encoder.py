"""A belief about a hidden goal from experience with it: PEARL's context encoder (Rakelly et al. 2019, section 4.1).

Its density is a product over transitions, which is a Gaussian again and does not depend on their order:

    q(z | c_1 … c_N) ∝ Π_n N(z; μ(c_n), σ²(c_n))
"""

from __future__ import annotations

from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.layers import MLPTorso

MIN_VARIANCE = 1e-7


class Belief(NamedTuple):
    """Independent normal distributions of the components of z."""

    mean: Float[Array, "*batch latent"]
    variance: Float[Array, "*batch latent"]

    def at(self, noise: Float[Array, "*batch latent"]) -> Float[Array, "*batch latent"]:
        """What standard normal noise stands for."""
        return self.mean + jnp.sqrt(self.variance) * noise

    def kl_to_prior(self) -> Float[Array, "*batch"]:
        """KL(self ‖ N(0, I))."""
        return 0.5 * (self.variance + self.mean**2 - 1.0 - jnp.log(self.variance)).sum(axis=-1)


def product_of_gaussians(mean: Float[Array, "*batch factor latent"], variance: Float[Array, "*batch factor latent"]) -> Belief:
    """The normalised product of normal densities: precisions add up, means are weighted by them."""
    precision = 1.0 / jnp.maximum(variance, MIN_VARIANCE)
    total = precision.sum(axis=-2)
    return Belief((precision * mean).sum(axis=-2) / total, 1.0 / total)


class ContextEncoder(nn.Module):
    """From transitions with a goal to the belief about it."""

    width: int
    depth: int
    latent: int

    @nn.compact
    def __call__(self, context: Float[Array, "*batch factor features"]) -> Belief:
        """The belief after all of these transitions."""
        outputs = nn.Dense(2 * self.latent)(MLPTorso(self.width, self.depth)(context))
        mean, spread = jnp.split(outputs, 2, axis=-1)
        return product_of_gaussians(mean, nn.softplus(spread))


def prior(*shape: int) -> Belief:
    """Standard normal: nothing is known."""
    return Belief(jnp.zeros(shape), jnp.ones(shape))
