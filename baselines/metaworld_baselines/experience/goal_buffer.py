"""Replay of many goals, each with a ring of its own: what off-policy meta-learning draws transitions and contexts from."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.on_policy import REWARD_SCALE, Rollout
from metaworld_py import ACTION_SIZE, OBSERVATION_SIZE

CONTEXT_SIZE = OBSERVATION_SIZE + ACTION_SIZE + 1  # observation, action, reward / 10; what follows is not told, as published
ROW_SIZE = CONTEXT_SIZE + OBSERVATION_SIZE


class GoalBuffer(NamedTuple):
    """Transitions of each goal."""

    rows: Float[Array, "goal capacity row"]
    num_added: Int[Array, " goal"]  # ever


class Steps(NamedTuple):
    """Transitions (…,)."""

    obs: Float[Array, "*batch obs"]
    action: Float[Array, "*batch action"]
    reward: Float[Array, "*batch"]
    next_obs: Float[Array, "*batch obs"]


def empty(goals: int, capacity: int) -> GoalBuffer:
    """Before any experience."""
    return GoalBuffer(jnp.zeros((goals, capacity, ROW_SIZE)), jnp.zeros(goals, jnp.int32))


def rows_of(rollout: Rollout) -> Float[Array, "env step row"]:
    """Transitions as rows."""
    return jnp.concatenate(
        [rollout.obs, jnp.clip(rollout.action, -1.0, 1.0), rollout.reward[..., None] / REWARD_SCALE, rollout.next_obs], axis=-1
    )


def steps_of(rows: Float[Array, "*batch row"]) -> Steps:
    """Transitions by their fields."""
    obs, action, reward, next_obs = jnp.split(rows, [OBSERVATION_SIZE, OBSERVATION_SIZE + ACTION_SIZE, CONTEXT_SIZE], axis=-1)
    return Steps(obs, action, reward[..., 0] * REWARD_SCALE, next_obs)


def context_of(rows: Float[Array, "*batch row"]) -> Float[Array, "*batch context"]:
    """What a context encoder reads of transitions."""
    return rows[..., :CONTEXT_SIZE]


def add(buffer: GoalBuffer, goals: Int[Array, " env"], rows: Float[Array, "env step row"]) -> GoalBuffer:
    """With the transitions of environments that played these goals, of which one may come twice; the oldest make place."""

    def one(buffer: GoalBuffer, played: tuple[Array, Array]) -> tuple[GoalBuffer, None]:
        goal, new = played
        at = (buffer.num_added[goal] + jnp.arange(len(new))) % buffer.rows.shape[1]
        return GoalBuffer(buffer.rows.at[goal, at].set(new), buffer.num_added.at[goal].add(len(new))), None

    return jax.lax.scan(one, buffer, (goals, rows))[0]


def draw_goals(buffer: GoalBuffer, number: int, key: Array) -> Int[Array, " drawn"]:
    """Different goals at random, of those with experience; at least so many must have some."""
    score = jnp.where(buffer.num_added > 0, jax.random.uniform(key, buffer.num_added.shape), -1.0)
    return jax.lax.top_k(score, number)[1]


def draw_rows(buffer: GoalBuffer, goals: Int[Array, " drawn"], number: int, newest: int, key: Array) -> Float[Array, "drawn sample row"]:
    """Random transitions of each of these goals, of its newest so many."""
    capacity = buffer.rows.shape[1]
    have = jnp.minimum(buffer.num_added[goals], min(newest, capacity))
    back = jax.random.randint(key, (len(goals), number), 1, have[:, None] + 1)
    return buffer.rows[goals[:, None], (buffer.num_added[goals][:, None] - back) % capacity]
