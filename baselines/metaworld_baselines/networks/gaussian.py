"""Gaussian policies of the on-policy algorithms, and their densities."""

from __future__ import annotations

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_py import ACTION_SIZE

MIN_STD = 1e-6  # published bound
ACTIVATIONS = {"relu": nn.relu, "tanh": nn.tanh}


class Gaussian(NamedTuple):
    """Independent normal distributions of action components; not squashed, the environment clips."""

    mean: Float[Array, "*batch action"]
    log_std: Float[Array, "*batch action"]

    def sample(self, key: Array) -> Float[Array, "*batch action"]:
        """Draw."""
        return self.mean + jnp.exp(self.log_std) * jax.random.normal(key, self.mean.shape)

    def log_prob(self, action: Float[Array, "*batch action"]) -> Float[Array, "*batch"]:
        """Log density."""
        scaled = (action - self.mean) * jnp.exp(-self.log_std)
        return (-0.5 * scaled**2 - self.log_std - 0.5 * jnp.log(2.0 * jnp.pi)).sum(axis=-1)

    def entropy(self) -> Float[Array, "*batch"]:
        """Differential entropy."""
        return (self.log_std + 0.5 * jnp.log(2.0 * jnp.pi * jnp.e)).sum(axis=-1)

    def kl_to(self, other: Gaussian) -> Float[Array, "*batch"]:
        """KL(self ‖ other)."""
        ratio = jnp.exp(2.0 * (self.log_std - other.log_std))
        distance = ((self.mean - other.mean) * jnp.exp(-other.log_std)) ** 2
        return (other.log_std - self.log_std + 0.5 * (ratio + distance - 1.0)).sum(axis=-1)


class GaussianPolicy(nn.Module):
    """A mean from a network, and a standard deviation that does not depend on the observation."""

    width: int
    depth: int
    activation: str = "relu"
    initial_std: float = 1.0

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"]) -> Gaussian:
        """Distribution of actions (…, 4)."""
        mean = MLP(self.width, self.depth, ACTION_SIZE, self.activation, last_scale=0.01)(inputs)
        log_std = self.param("log_std", lambda _: jnp.full(ACTION_SIZE, jnp.log(self.initial_std)))
        return Gaussian(mean, jnp.broadcast_to(jnp.maximum(log_std, jnp.log(MIN_STD)), mean.shape))


class MLP(nn.Module):
    """Hidden layers of one width; the last layer starts small, so that first outputs are close to zero."""

    width: int
    depth: int
    outputs: int
    activation: str = "relu"
    last_scale: float = 1.0

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch outputs"]:
        """Outputs (…, outputs)."""
        hidden = nn.initializers.orthogonal(jnp.sqrt(2.0)) if self.activation == "relu" else nn.initializers.xavier_uniform()
        for _ in range(self.depth):
            inputs = ACTIVATIONS[self.activation](nn.Dense(self.width, kernel_init=hidden)(inputs))
        return nn.Dense(self.outputs, kernel_init=nn.initializers.orthogonal(self.last_scale))(inputs)
