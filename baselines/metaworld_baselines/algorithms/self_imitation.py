"""Self-imitation (Oh et al. 2018): what went better once than the critic now expects is made more likely.

    maximise  E[ f min((R − V(s))⁺ / σ, 1) log π(a|s) ]   over the steps of kept episodes,

where R are the discounted rewards from that step to the end of the episode, and what the critic expects behind it (a time limit is no end
of the problem), σ is the spread of the task's returns, and f its failure rate. What a policy has learned to do as well or better has no
weight left. On-policy gradients forget what noise finds once: by the time that its worth is known, the policy no longer does it.

Ours: only episodes with success are kept (`experience/successes.py`), the newest of each task, and weigh by how often it fails, since noise
alone makes half of all steps better than expected; the critic learns from the policy's own steps alone, and the standard deviation by
policy gradients alone: one's own actions are always close to one's mean, and imitating them would end exploration.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.on_policy import gae
from metaworld_baselines.experience.successes import Episodes

# From observations (…, obs) and their tasks' ids (…, task) to values in units of rewards.
Values = Callable[[Array, Array], Array]


def weights(episodes: Episodes, values: Values, spread: Float[Array, " task"], discount: float) -> Float[Array, "task kept step"]:
    """How much each step of the kept episodes is to be imitated, between 0 and 1; places that are empty yet: not at all."""
    num_tasks, kept, steps = episodes.reward.shape
    ends = jnp.broadcast_to(jnp.arange(steps) == steps - 1, (kept, steps))

    def of_task(task: tuple[Array, ...]) -> Array:
        obs, reward, last_obs, num_added, failure_rate, spread, one_hot = task
        value = values(obs, jnp.broadcast_to(one_hot, (kept, steps, num_tasks)))
        last_value = values(last_obs, jnp.broadcast_to(one_hot, (kept, num_tasks)))
        next_value = jnp.concatenate([value[:, 1:], last_value[:, None]], axis=1)
        better = gae(reward, value, next_value, ends, discount, 1.0) / spread
        is_full = jnp.arange(kept)[:, None] < num_added
        return failure_rate * jnp.clip(better, 0.0, 1.0) * is_full

    # One after the other: the layers of one task's episodes take tens of megabytes.
    columns = episodes.obs, episodes.reward, episodes.last_obs, episodes.num_added, episodes.failure_rate, spread, jnp.eye(num_tasks)
    return jax.lax.map(of_task, tuple(map(jnp.asarray, columns)))


def mean_weight(weight: Float[Array, "task kept step"], episodes: Episodes) -> Float[Array, ""]:
    """Over the steps of all kept episodes, empty places apart; 0 before the first success."""
    _, kept, steps = weight.shape
    return weight.sum() / jnp.maximum(jnp.minimum(episodes.num_added, kept).sum() * steps, 1)


def draw(weight: Float[Array, " step"], number: int, key: Array) -> Int[Array, " drawn"]:
    """Steps at random, in proportion to their weights; where none has any, whichever."""
    cumulated = jnp.cumsum(weight)
    at = jnp.searchsorted(cumulated, jax.random.uniform(key, (number,)) * cumulated[-1], side="right")
    return jnp.minimum(at, len(cumulated) - 1)
