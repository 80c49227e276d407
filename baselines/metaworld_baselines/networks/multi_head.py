"""One network for all tasks, with one linear head for all of them or one for each; and networks whose parameters are one vector.

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
from jaxtyping import Bool, Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.layers import TaskTorso
from metaworld_baselines.networks.products import dense_options

PARAMS_MULTIPLE = 2048  # XLA then splits long products among a GPU's processors without copying them into padded arrays
HEAD_SCALE = 1e-3  # first outputs close to zero: actions start centred, with a standard deviation of about one


class Torso(TaskTorso):
    """ReLU layers over observation and task id.

    The first computes in float32 in any case: bfloat16 would round positions to millimetres.
    """

    @nn.compact
    def __call__(
        self, inputs: Float[Array, "*batch inputs"], task_id: Float[Array, "*ids task"], embedding: Array | None = None
    ) -> Float[Array, "*batch width"]:
        """Features (…, width)."""
        inputs = with_task(inputs, jnp.broadcast_to(task_id, (*inputs.shape[:-1], self.num_tasks)), embedding)
        for layer in range(self.depth):
            dtype = self.dtype if layer else None
            inputs = nn.Dense(self.width, kernel_init=nn.initializers.he_uniform(), **dense_options(dtype))(inputs)
            inputs = nn.relu(nn.LayerNorm()(inputs) if self.has_layer_norm else inputs)
        return inputs


class Heads(nn.Module):
    """A linear layer, one for all tasks or one per task, chosen by the one-hot id."""

    num_heads: int
    features: int
    dtype: Any = None  # of the product's inputs; its outputs are float32

    @nn.compact
    def __call__(self, torso: Float[Array, "*batch width"], task_id: Float[Array, "*ids task"]) -> Float[Array, "*batch features"]:
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
        task_id = jnp.broadcast_to(task_id, outputs.shape[:-1])
        return jnp.einsum("...t,...tf->...f", task_id, outputs, precision=jax.lax.Precision.HIGHEST)


class Network:
    """A module whose parameters are one vector, filled up with zeros to a multiple of `PARAMS_MULTIPLE`.

    Args:
      module: with inputs that may have any leading axes.
      like: one input of each.
    """

    def __init__(self, module: nn.Module, *like: Array | None) -> None:
        self.module, self._like = module, like
        named, self._structure = jax.tree_util.tree_flatten_with_path(jax.eval_shape(module.init, jax.random.PRNGKey(0), *like))
        leaves = [leaf for _, leaf in named]
        self._is_head = ["Head" in jax.tree_util.keystr(path) for path, _ in named]
        self._shapes = [leaf.shape for leaf in leaves]
        self._ends = np.cumsum([leaf.size for leaf in leaves]).tolist()
        self._filling = -self._ends[-1] % PARAMS_MULTIPLE

    @property
    def is_torso(self) -> Bool[np.ndarray, " params"]:
        """Which parameters all tasks share: all but those of heads."""
        sizes = np.diff([0, *self._ends, self._ends[-1] + self._filling])
        return np.repeat([*(not is_head for is_head in self._is_head), False], sizes)

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
    inputs: Float[Array, "*batch inputs"], task_id: Float[Array, "*batch task"], embedding: Float[Array, "*ids embedding"] | None = None
) -> Array:
    """Inputs with what tells the task appended: an embedding of it, or else its id, where there is more than one task."""
    if embedding is not None:
        return jnp.concatenate([inputs, jnp.broadcast_to(embedding, (*inputs.shape[:-1], embedding.shape[-1]))], axis=-1)
    return jnp.concatenate([inputs, task_id], axis=-1) if task_id.shape[-1] > 1 else inputs


def num_params(params: object) -> int:
    """How many numbers a network has."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
