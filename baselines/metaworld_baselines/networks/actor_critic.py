"""Networks of the SAC family: a tanh-Gaussian actor and twin critics, of any architecture."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.architectures import MLP, task_outputs
from metaworld_py import ACTION_SIZE

LOG_STD_RANGE = (-20.0, 2.0)  # published bounds of the policy's log standard deviation


class Sized(nn.Module):
    """What actors and critics are made of."""

    num_tasks: int
    width: int
    depth: int
    architecture: str  # see architectures.py
    dtype: Any = None  # see `Torso`
    torso: str = MLP


class ActionDistribution(Sized):
    """Mean and log standard deviation of the Gaussian that tanh squashes."""

    @nn.compact
    def __call__(
        self, obs: Float[Array, "*batch obs"], task_id: Float[Array, "*ids task"], embedding: Array | None = None
    ) -> tuple[Float[Array, "*batch action"], Float[Array, "*batch action"]]:
        """Mean and log standard deviation (…, 4), before tanh."""
        size = self.num_tasks, self.width, self.depth
        outputs = task_outputs(self.architecture, *size, 2 * ACTION_SIZE, obs, task_id, embedding, torso=self.torso, dtype=self.dtype)
        mean, log_std = jnp.split(outputs, 2, axis=-1)
        return mean, jnp.clip(log_std, *LOG_STD_RANGE)


class ActionValue(Sized):
    """One estimate of Q: a number, or logits over bins."""

    bins: int = 0  # 0: a number

    @nn.compact
    def __call__(self, obs: Array, action: Array, task_id: Array, embedding: Array | None = None) -> Array:
        """Q (…), or logits (…, bins)."""
        inputs, size = jnp.concatenate([obs, action], axis=-1), (self.num_tasks, self.width, self.depth, max(self.bins, 1))
        outputs = task_outputs(self.architecture, *size, inputs, task_id, embedding, torso=self.torso, dtype=self.dtype)
        return outputs if self.bins else outputs[..., 0]


def twin(num_tasks: int, width: int, depth: int, architecture: str, dtype: Any = None, *, torso: str = MLP, bins: int = 0) -> nn.Module:
    """Two independent estimates of Q, as one module with outputs (2, …)."""
    twins = nn.vmap(ActionValue, variable_axes={"params": 0}, split_rngs={"params": True}, in_axes=None, axis_size=2)
    return twins(num_tasks, width, depth, architecture, dtype, torso, bins)


def squash(
    mean: Float[Array, "*batch action"], log_std: Float[Array, "*batch action"], noise: Float[Array, "*batch action"]
) -> tuple[Float[Array, "*batch action"], Float[Array, "*batch"]]:
    """The action tanh(mean + std · noise) and its log density, for standard normal noise (Haarnoja et al. 2018, appendix C).

    log(1 − tanh² u) is written as 2 (log 2 − u − softplus(−2u)), which does not overflow where tanh saturates.
    """
    u = mean + jnp.exp(log_std) * noise
    log_gaussian = -0.5 * noise**2 - log_std - 0.5 * jnp.log(2.0 * jnp.pi)
    log_slope = 2.0 * (jnp.log(2.0) - u - jax.nn.softplus(-2.0 * u))
    return jnp.tanh(u), (log_gaussian - log_slope).sum(axis=-1)
