"""A replay buffer on the device: one ring per task, filled evenly, sampled evenly. All functions are pure and run under jit."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Transition(NamedTuple):
    """What the learner knows of one step; any leading axes. `next_obs` is the true successor, before autoreset."""

    obs: Float[Array, "*batch obs"]
    action: Float[Array, "*batch action"]
    reward: Float[Array, "*batch"]
    next_obs: Float[Array, "*batch obs"]
    terminated: Float[Array, "*batch"]  # 1 where the problem ended; 0 where only time ran out


class Buffer(NamedTuple):
    """Rings of transitions (task, capacity, …), all filled alike."""

    rows: Transition
    next_row: Int[Array, ""]  # where the next transitions go
    num_rows: Int[Array, ""]  # filled, per task

    @property
    def capacity(self) -> int:
        """Rows per task."""
        return self.rows.reward.shape[1]


def empty(num_tasks: int, capacity: int, obs_size: int, action_size: int) -> Buffer:
    """A buffer of zeros for `capacity` transitions per task, allocated at once."""
    shapes = Transition((obs_size,), (action_size,), (), (obs_size,), ())
    rows = Transition(*(jnp.zeros((num_tasks, capacity, *shape)) for shape in shapes))
    return Buffer(rows, jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32))


def add(buffer: Buffer, new: Transition) -> Buffer:
    """Write transitions (task, n, …) behind the newest, over the oldest. n must divide the capacity."""
    n = new.reward.shape[1]
    if buffer.capacity % n:
        raise ValueError(f"{n} transitions at a time do not divide the capacity {buffer.capacity}")

    def write(ring: Array, values: Array) -> Array:
        start = (0, buffer.next_row, *(0,) * (ring.ndim - 2))
        return jax.lax.dynamic_update_slice(ring, jnp.asarray(values, ring.dtype), start)

    rows = jax.tree.map(write, buffer.rows, new)
    return Buffer(rows, (buffer.next_row + n) % buffer.capacity, jnp.minimum(buffer.num_rows + n, buffer.capacity))


def sample(buffer: Buffer, key: Array, batch_per_task: int) -> Transition:
    """Transitions (task, batch, …), uniform with replacement among what each task has."""
    num_tasks = buffer.rows.reward.shape[0]
    index = jax.random.randint(key, (num_tasks, batch_per_task), 0, buffer.num_rows)
    return jax.tree.map(lambda ring: jax.vmap(lambda rows, of: rows[of])(ring, index), buffer.rows)


def trimmed(buffer: Buffer, num_rows: int) -> Buffer:
    """Without the rows that are still empty, to be saved."""
    return buffer._replace(rows=jax.tree.map(lambda ring: ring[:, :num_rows], buffer.rows))


def extended(buffer: Buffer, capacity: int) -> Buffer:
    """With empty rows up to the capacity: the inverse of `trimmed`."""

    def extend(ring: Array) -> Array:
        return jnp.pad(ring, [(0, 0), (0, capacity - ring.shape[1]), *[(0, 0)] * (ring.ndim - 2)])

    return buffer._replace(rows=jax.tree.map(extend, buffer.rows))
