"""A replay buffer on the device: one ring per task, filled evenly, sampled evenly. All functions are pure and run under jit.

A transition is one row of numbers, so that a batch is one gather and what was collected is one transfer.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from metaworld_baselines.arrays import Array
from metaworld_py import ACTION_SIZE, OBSERVATION_SIZE

ENDS = np.cumsum([OBSERVATION_SIZE, ACTION_SIZE, 1, OBSERVATION_SIZE, 1]).tolist()  # of a transition's fields in its row
ROW_SIZE = ENDS[-1]


class Transition(NamedTuple):
    """What the learner knows of one step; any leading axes. `next_obs` is the true successor, before autoreset."""

    obs: Float[Array, "*batch obs"]
    action: Float[Array, "*batch action"]
    reward: Float[Array, "*batch"]
    next_obs: Float[Array, "*batch obs"]
    terminated: Float[Array, "*batch"]  # 1 where the problem ended; 0 where only time ran out; of several steps see `returns.n_step`


class Buffer(NamedTuple):
    """Rings of transitions, all filled alike."""

    rows: Float[Array, "task capacity row"]
    next_row: Int[Array, ""]  # where the next transitions go
    num_rows: Int[Array, ""]  # filled, per task

    @property
    def capacity(self) -> int:
        """Rows per task."""
        return self.rows.shape[1]


def pack(steps: Transition) -> NDArray[np.float32]:
    """Transitions as rows (…, row), on the host."""
    columns = (steps.obs, steps.action, steps.reward[..., None], steps.next_obs, steps.terminated[..., None])
    return np.concatenate(columns, axis=-1, dtype=np.float32)


def unpack(rows: Float[Array, "*batch row"]) -> Transition:
    """Rows as transitions: the inverse of `pack`."""
    starts = [0, *ENDS[:-1]]
    obs, action, reward, next_obs, terminated = (rows[..., start:end] for start, end in zip(starts, ENDS, strict=True))
    return Transition(obs, action, reward[..., 0], next_obs, terminated[..., 0])


def empty(num_tasks: int, capacity: int) -> Buffer:
    """A buffer of zeros for `capacity` transitions per task, allocated at once."""
    return Buffer(jnp.zeros((num_tasks, capacity, ROW_SIZE)), jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32))


def add(buffer: Buffer, new: Float[Array, "task n row"]) -> Buffer:
    """Write transitions behind the newest, over the oldest. n must divide the capacity."""
    n = new.shape[1]
    if buffer.capacity % n:
        raise ValueError(f"{n} transitions at a time do not divide the capacity {buffer.capacity}")
    rows = jax.lax.dynamic_update_slice(buffer.rows, jnp.asarray(new, buffer.rows.dtype), (0, buffer.next_row, 0))
    return Buffer(rows, (buffer.next_row + n) % buffer.capacity, jnp.minimum(buffer.num_rows + n, buffer.capacity))


def draw(buffer: Buffer, key: Array, batch_per_task: int) -> Int[Array, "task batch"]:
    """Which rows make a batch: uniform with replacement among what each task has."""
    return jax.random.randint(key, (len(buffer.rows), batch_per_task), 0, buffer.num_rows)


def batch_of(buffer: Buffer, index: Int[Array, "task batch"]) -> Transition:
    """The transitions (task, batch, …) in these rows."""
    return unpack(jax.vmap(lambda ring, of: ring[of])(buffer.rows, index))


def mean_rewards(buffer: Buffer) -> Float[Array, " task"]:
    """Mean over what each task has."""
    reward = unpack(buffer.rows).reward
    return jnp.where(jnp.arange(buffer.capacity) < buffer.num_rows, reward, 0.0).sum(axis=-1) / jnp.maximum(buffer.num_rows, 1)


def trimmed(buffer: Buffer, num_rows: int) -> Buffer:
    """Without the rows that are still empty, to be saved."""
    return buffer._replace(rows=buffer.rows[:, :num_rows])


def extended(buffer: Any, capacity: int) -> Buffer:
    """With empty rows up to the capacity: the inverse of `trimmed`."""
    return buffer._replace(rows=jnp.pad(buffer.rows, [(0, 0), (0, capacity - buffer.rows.shape[1]), (0, 0)]))
