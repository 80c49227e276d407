"""A policy that acts on what its memory says of the hidden instance."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.gaussian import Gaussian, bounded, gaussian_of
from metaworld_baselines.networks.gru import unrolled
from metaworld_py import ACTION_SIZE

LOG_STD_RANGE = (-3.0, 1.0)  # of beliefs, in the units of the instances
OF_MEMORY = frozenset({"first", "second", "cell", "belief"})  # the layers that learn to infer, rather than to act


class InferringPolicy(nn.Module):
    """Two tanh layers, a GRU and a belief read from it by a linear layer; two more tanh layers on inputs and belief give the actions.

    The belief is a normal distribution of the hidden instance. No gradient of the actions goes through it: the memory learns to infer, by
    itself, and the rest to act on what is inferred.
    """

    width: int
    memory: int
    instance_size: int
    initial_std: float
    min_std: float
    max_std: float | None
    has_clipped_densities: bool = False  # of actions, see `ClippedGaussian`

    def setup(self) -> None:
        """The layers."""
        self.first, self.second = nn.Dense(self.width), nn.Dense(self.width)
        self.cell = nn.GRUCell(self.memory, recurrent_kernel_init=nn.initializers.orthogonal())
        self.belief = nn.Dense(2 * self.instance_size)
        self.third, self.fourth = nn.Dense(self.width), nn.Dense(self.width)
        self.mean = nn.Dense(ACTION_SIZE, kernel_init=nn.initializers.orthogonal(0.01))
        log_std = nn.initializers.constant(np.log(self.initial_std))
        self.log_std = nn.Dense(ACTION_SIZE, kernel_init=nn.initializers.orthogonal(0.01), bias_init=log_std)

    def __call__(
        self, memory: Float[Array, "*batch memory"], inputs: Float[Array, "*batch inputs"]
    ) -> tuple[Float[Array, "*batch memory"], Gaussian]:
        """One step: the memory after it, and the distribution of its action."""
        memory = self.remember(memory, self.encode(inputs))
        return memory, self.act(inputs, self.infer(memory))

    def encode(self, inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch width"]:
        """Inputs as the memory takes them."""
        return nn.tanh(self.second(nn.tanh(self.first(inputs))))

    def remember(self, memory: Float[Array, "*batch memory"], encoded: Float[Array, "*batch width"]) -> Float[Array, "*batch memory"]:
        """The memory after a step."""
        return self.cell(memory, encoded)[0]

    def unroll(
        self, memory: Float[Array, "*batch memory"], encoded: Float[Array, "step *batch width"]
    ) -> Float[Array, "step *batch memory"]:
        """The memory after each of many steps."""
        return unrolled(self.cell.variables["params"], memory, encoded)

    def infer(self, memory: Float[Array, "*batch memory"]) -> Gaussian:
        """The belief (…, instance), in units of the instances."""
        mean, log_std = jnp.split(self.belief(memory), 2, axis=-1)
        return Gaussian(mean, jnp.clip(log_std, *LOG_STD_RANGE))

    def act(self, inputs: Float[Array, "*batch inputs"], belief: Gaussian) -> Gaussian:
        """Distribution of actions (…, 4)."""
        belief = jax.lax.stop_gradient(belief)
        known = jnp.concatenate([inputs, belief.mean, jnp.exp(belief.log_std)], axis=-1)
        known = nn.tanh(self.fourth(nn.tanh(self.third(known))))
        log_std = bounded(self.log_std(known), self.min_std, self.max_std, self.initial_std)
        return gaussian_of(clipped=self.has_clipped_densities)(self.mean(known), log_std)
