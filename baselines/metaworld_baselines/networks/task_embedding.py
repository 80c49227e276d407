"""Learned embeddings that tell networks the task in the place of one-hot ids."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array


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

    critics: nn.Module  # `actor_critic.twin`
    embed: TaskEmbedding

    def __call__(self, obs: Array, action: Array, task_id: Array) -> Array:
        """Outputs (2, …)."""
        return self.critics(obs, action, task_id, self.embed(task_id))

    def task_features(self, task_id: Float[Array, "*ids task"]) -> Float[Array, "*ids embedding"]:
        """Embeddings of one-hot ids."""
        return self.embed(task_id)
