"""Critics of the SAC family: two estimates of Q, told the task by its one-hot id or by an embedding that they learn."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.multi_head import MLP, Heads, make_torso, with_task


class ActionValue(nn.Module):
    """One estimate of Q: a number, or logits over bins."""

    num_tasks: int
    width: int
    depth: int
    is_multi_head: bool
    dtype: Any = None  # see `multi_head.Torso`
    torso: str = MLP
    bins: int = 0  # 0: a number

    @nn.compact
    def __call__(self, obs: Array, action: Array, task_id: Array, task_features: Array | None = None) -> Array:
        """Q (…), or logits (…, bins)."""
        task_id = jnp.broadcast_to(task_id, (*obs.shape[:-1], self.num_tasks))
        inputs = with_task(jnp.concatenate([obs, action], axis=-1), task_id, task_features)
        features = make_torso(self.torso, self.width, self.depth, self.dtype)(inputs)
        outputs = Heads(self.num_tasks if self.is_multi_head else 1, max(self.bins, 1), self.dtype)(features, task_id)
        return outputs if self.bins else outputs[..., 0]


def twin(num_tasks: int, width: int, depth: int, is_multi_head: bool, dtype: Any = None, *, torso: str = MLP, bins: int = 0) -> nn.Module:
    """Two independent estimates of Q, as one module with outputs (2, …)."""
    twins = nn.vmap(ActionValue, variable_axes={"params": 0}, split_rngs={"params": True}, in_axes=None, axis_size=2)
    return twins(num_tasks, width, depth, is_multi_head, dtype, torso, bins)


class TaskEmbedding(nn.Module):
    """A learned vector of length 1 for each task."""

    num_tasks: int
    size: int

    @nn.compact
    def __call__(self, task_id: Float[Array, "*ids task"]) -> Float[Array, "*ids embedding"]:
        """Embeddings of one-hot ids."""
        table = self.param("table", nn.initializers.normal(1.0), (self.num_tasks, self.size))
        table = table / jnp.linalg.norm(table, axis=-1, keepdims=True)
        return jnp.matmul(task_id, table, precision=jax.lax.Precision.HIGHEST)


class EmbeddedCritics(nn.Module):
    """Two estimates of Q that share one embedding of the tasks.

    The critics alone learn it; actors read it from them (`embed`), so that what a task is worth says which tasks are alike.
    """

    critics: nn.Module  # twin
    embed: TaskEmbedding

    def __call__(self, obs: Array, action: Array, task_id: Array) -> Array:
        """Outputs (2, …)."""
        return self.critics(obs, action, task_id, self.embed(task_id))

    def task_features(self, task_id: Float[Array, "*ids task"]) -> Float[Array, "*ids embedding"]:
        """Embeddings of one-hot ids."""
        return self.embed(task_id)
