"""A policy with a memory."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.context_heads import FILM, HYPERNETWORK, LINEAR, FilmHead, HypernetworkHead
from metaworld_baselines.networks.gaussian import MIN_STD, Gaussian, bounded, gaussian_of
from metaworld_baselines.networks.gru import unrolled
from metaworld_baselines.networks.products import dense_options
from metaworld_py import ACTION_SIZE, OBSERVATION_SIZE


class RecurrentPolicy(nn.Module):
    """Two tanh layers, a GRU, and linear layers for mean and log standard deviation; or one standard deviation whatever is seen.

    With an upper bound the standard deviation is squashed between the bounds, as in `GaussianPolicy`; with `has_tanh_mean` the mean goes
    through a tanh. One that is blind to its last action can't tell what noise comes next where that noise is correlated in time.
    """

    width: int
    memory: int
    is_forgetful: bool = False
    initial_std: float = 1.0
    has_skip: bool = False
    min_std: float = MIN_STD
    max_std: float | None = None
    has_tanh_mean: bool = False
    head: str = LINEAR  # how actions depend on the memory, see context_heads.py; other than linear, they read the inputs in any case
    head_width: int = 32
    has_state_dependent_std: bool = True
    is_blind_to_action: bool = False
    has_clipped_densities: bool = False  # see `ClippedGaussian`
    dtype: Any = None  # of the inputs of the products between first layer and memory, see products.py

    def setup(self) -> None:
        """The layers."""
        self.first, self.second = nn.Dense(self.width), nn.Dense(self.width, **dense_options(self.dtype))
        self.cell = nn.GRUCell(self.memory, recurrent_kernel_init=nn.initializers.orthogonal())
        if self.head != LINEAR:
            heads: dict[str, Any] = {FILM: FilmHead, HYPERNETWORK: HypernetworkHead}
            self.context_head = heads[self.head](self.head_width)
        self.mean = nn.Dense(ACTION_SIZE, kernel_init=nn.initializers.orthogonal(0.01))
        log_std = nn.initializers.constant(np.log(self.initial_std))
        if self.has_state_dependent_std:
            self.log_std = nn.Dense(ACTION_SIZE, kernel_init=nn.initializers.orthogonal(0.01), bias_init=log_std)
        else:
            self.one_log_std = self.param("log_std", log_std, (ACTION_SIZE,))

    def __call__(
        self, memory: Float[Array, "*batch memory"], inputs: Float[Array, "*batch inputs"]
    ) -> tuple[Float[Array, "*batch memory"], Gaussian]:
        """One step: the memory after it, and the distribution of its action."""
        encoded = self.encode(inputs)
        memory = self.remember(memory, encoded)
        return memory, self.act(memory, encoded)

    def encode(self, inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch width"]:
        """Inputs as the memory takes them."""
        if self.is_forgetful:
            inputs = inputs.at[..., OBSERVATION_SIZE:].set(0.0)
        if self.is_blind_to_action:
            inputs = inputs.at[..., OBSERVATION_SIZE : OBSERVATION_SIZE + ACTION_SIZE].set(0.0)
        return nn.tanh(self.second(nn.tanh(self.first(inputs))))

    def remember(self, memory: Float[Array, "*batch memory"], encoded: Float[Array, "*batch width"]) -> Float[Array, "*batch memory"]:
        """The memory after a step."""
        memory = jnp.zeros_like(memory) if self.is_forgetful else memory
        if self.dtype is None or self.is_initializing():
            return self.cell(memory, encoded)[0]
        return unrolled(self.cell.variables["params"], memory, encoded[None], self.dtype)[0]

    def unroll(
        self, memory: Float[Array, "*batch memory"], encoded: Float[Array, "step *batch width"]
    ) -> Float[Array, "step *batch memory"]:
        """The memory after each of many steps."""
        if self.is_forgetful:
            return self.remember(jnp.broadcast_to(memory, (len(encoded), *memory.shape)), encoded)
        return unrolled(self.cell.variables["params"], memory, encoded, self.dtype)

    def act(self, memory: Float[Array, "*batch memory"], encoded: Float[Array, "*batch width"]) -> Gaussian:
        """Distribution of actions (…, 4)."""
        if self.head != LINEAR:
            known = self.context_head(memory, encoded)
        else:
            known = jnp.concatenate([memory, encoded], axis=-1) if self.has_skip else memory
        mean = nn.tanh(self.mean(known)) if self.has_tanh_mean else self.mean(known)
        log_std = self.log_std(known) if self.has_state_dependent_std else self.one_log_std
        log_std = bounded(log_std, self.min_std, self.max_std, self.initial_std)
        return gaussian_of(clipped=self.has_clipped_densities)(mean, jnp.broadcast_to(log_std, mean.shape))
