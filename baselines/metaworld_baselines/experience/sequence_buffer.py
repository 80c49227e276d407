"""Replay of sequences, each with the memory at its start and the hidden instance behind it: what a memory learns to infer from."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from metaworld_baselines.arrays import Array


class SequenceBuffer(NamedTuple):
    """A ring of sequences."""

    memory: Float[Array, "capacity memory"]
    inputs: Float[Array, "capacity step inputs"]
    instance: Float[Array, "capacity instance"]
    num_added: Int[Array, ""]  # ever


def empty(capacity: int, steps: int, memory_size: int, input_size: int, instance_size: int) -> SequenceBuffer:
    """Before any experience."""
    return SequenceBuffer(
        jnp.zeros((capacity, memory_size)),
        jnp.zeros((capacity, steps, input_size)),
        jnp.zeros((capacity, instance_size)),
        jnp.zeros((), jnp.int32),
    )


def add(
    buffer: SequenceBuffer,
    memory: Float[Array, "sequence memory"],
    inputs: Float[Array, "sequence step inputs"],
    instance: Float[Array, "sequence instance"],
) -> SequenceBuffer:
    """With these sequences, no more than fit; the oldest make place."""
    at = (buffer.num_added + jnp.arange(len(memory))) % len(buffer.memory)
    return SequenceBuffer(
        buffer.memory.at[at].set(memory),
        buffer.inputs.at[at].set(inputs),
        buffer.instance.at[at].set(instance),
        buffer.num_added + len(memory),
    )


def draw(buffer: SequenceBuffer, number: int, key: Array) -> tuple[Array, Array, Array]:
    """So many sequences at random: memories, inputs, instances."""
    chosen = jax.random.randint(key, (number,), 0, jnp.minimum(buffer.num_added, len(buffer.memory)))
    return buffer.memory[chosen], buffer.inputs[chosen], buffer.instance[chosen]
