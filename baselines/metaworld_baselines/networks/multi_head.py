"""Networks of the SAC family: torsos, heads (one for all tasks or one for each), and the tanh-Gaussian actor.

The task is told by a one-hot id behind the observation. With several heads the id also chooses the head; the shared torso still sees it,
as in the published multi-head networks (their parameter count, 517 k for MT50 at 3 × 400, is met only so). A single task has no id.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.residual import ResidualTorso
from metaworld_py import ACTION_SIZE

LOG_STD_RANGE = (-20.0, 2.0)  # published bounds of the policy's log standard deviation
PARAMS_MULTIPLE = 2048  # XLA then splits long products among a GPU's processors without copying them into padded arrays
MLP, RESIDUAL = TORSOS = "mlp", "residual"
HEAD_SCALE = 1e-3  # first outputs close to zero: actions start centred, with a standard deviation of about one


class Torso(nn.Module):
    """ReLU layers over observation and task id.

    The first computes in float32 in any case: bfloat16 would round positions to millimetres.
    """

    width: int
    depth: int
    dtype: Any = None  # of the products behind the first layer; None: as the parameters

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch width"]:
        """Features (…, width)."""
        for layer in range(self.depth):
            inputs = nn.relu(nn.Dense(self.width, kernel_init=nn.initializers.he_uniform(), dtype=self.dtype if layer else None)(inputs))
        return inputs


def make_torso(kind: str, width: int, depth: int, dtype: Any = None) -> nn.Module:
    """A torso by its name."""
    return {MLP: Torso, RESIDUAL: ResidualTorso}[kind](width, depth, dtype)


class Heads(nn.Module):
    """A linear layer, one for all tasks or one per task, chosen by the one-hot id."""

    num_heads: int
    features: int
    dtype: Any = None  # of the product's inputs; its outputs are float32

    @nn.compact
    def __call__(self, torso: Float[Array, "*batch width"], task_id: Float[Array, "*batch task"]) -> Float[Array, "*batch features"]:
        """Outputs (…, features) of each row's head."""
        small = nn.initializers.uniform(2 * HEAD_SCALE)
        outputs = nn.Dense(
            self.num_heads * self.features,
            kernel_init=lambda *of: small(*of) - HEAD_SCALE,
            dtype=self.dtype,
            dot_general=partial(jax.lax.dot_general, preferred_element_type=jnp.float32),
        )(torso)
        if self.num_heads == 1:
            return outputs
        outputs = outputs.reshape(*outputs.shape[:-1], self.num_heads, self.features)
        return jnp.einsum("...t,...tf->...f", task_id, outputs, precision=jax.lax.Precision.HIGHEST)


class ActionDistribution(nn.Module):
    """Mean and log standard deviation of the Gaussian that tanh squashes."""

    num_tasks: int
    width: int
    depth: int
    is_multi_head: bool
    dtype: Any = None  # see `Torso`
    torso: str = MLP

    @nn.compact
    def __call__(
        self, obs: Float[Array, "*batch obs"], task_id: Float[Array, "*ids task"], task_features: Array | None = None
    ) -> tuple[Float[Array, "*batch action"], Float[Array, "*batch action"]]:
        """Mean and log standard deviation (…, 4), before tanh."""
        task_id = jnp.broadcast_to(task_id, (*obs.shape[:-1], self.num_tasks))
        features = make_torso(self.torso, self.width, self.depth, self.dtype)(with_task(obs, task_id, task_features))
        heads = Heads(self.num_tasks if self.is_multi_head else 1, 2 * ACTION_SIZE, self.dtype)
        mean, log_std = jnp.split(heads(features, task_id), 2, axis=-1)
        return mean, jnp.clip(log_std, *LOG_STD_RANGE)


class Network:
    """A module whose parameters are one vector, filled up with zeros to a multiple of `PARAMS_MULTIPLE`.

    Args:
      module: with inputs that may have any leading axes.
      like: one input of each.
    """

    def __init__(self, module: nn.Module, *like: Array | None) -> None:
        self.module, self._like = module, like
        leaves, self._structure = jax.tree.flatten(jax.eval_shape(module.init, jax.random.PRNGKey(0), *like))
        self._shapes = [leaf.shape for leaf in leaves]
        self._ends = np.cumsum([leaf.size for leaf in leaves]).tolist()
        self._filling = -self._ends[-1] % PARAMS_MULTIPLE

    def init(self, key: Array) -> Float[Array, " params"]:
        """Parameters at the start."""
        leaves = [leaf.ravel() for leaf in jax.tree.leaves(self.module.init(key, *self._like))]
        return jnp.concatenate([*leaves, jnp.zeros(self._filling)])

    def apply(self, params: Float[Array, " params"], *inputs: Array | None, method: str | None = None) -> Any:
        """The module's outputs, or those of another of its methods."""
        return self.module.apply(self.tree(params), *inputs, method=method)

    def tree(self, params: Any) -> Any:
        """The parameters by layers, as they stand in files; of arrays of NumPy or JAX."""
        split = np.split if isinstance(params, np.ndarray) else jnp.split
        *leaves, _ = split(params, self._ends)
        leaves = [leaf.reshape(shape) for leaf, shape in zip(leaves, self._shapes, strict=True)]
        return jax.tree.unflatten(self._structure, leaves)


def with_task(
    inputs: Float[Array, "*batch inputs"], task_id: Float[Array, "*batch task"], task_features: Float[Array, "*ids features"] | None = None
) -> Array:
    """Inputs with what tells the task appended: features of it, or else its id, where there is more than one task."""
    if task_features is not None:
        task_features = jnp.broadcast_to(task_features, (*inputs.shape[:-1], task_features.shape[-1]))
        return jnp.concatenate([inputs, task_features], axis=-1)
    return jnp.concatenate([inputs, task_id], axis=-1) if task_id.shape[-1] > 1 else inputs


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


def num_params(params: object) -> int:
    """How many numbers a network has."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
