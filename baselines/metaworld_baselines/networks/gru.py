"""A GRU over many steps, with as few and as large matrix products as there can be.

What inputs add to the gates, and what errors add to the gradients of the weights, is one product each over all steps; only the memory
itself, and its errors backwards, go step by step. JAX's derivative of a scan over Flax's cell has all of them step by step.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.products import product


class Kept(NamedTuple):
    """What a step leaves for the derivative, each of the memory's shape."""

    before: Array  # the memory before it
    reset: Array
    update: Array
    candidate: Array
    proposed: Array  # by the memory, for the candidate


def unrolled(
    params: Any, memory: Float[Array, "*batch memory"], inputs: Float[Array, "step *batch inputs"], dtype: Any = None
) -> Float[Array, "step *batch memory"]:
    """The memory after each step: to rounding what a scan over Flax's `GRUCell` gives.

    Args:
      params: of the `GRUCell`.
      memory: before the first step.
      inputs: at each step.
      dtype: of what is multiplied, in the inputs' product, see products.py; None: as the parameters.
    """
    of_inputs, biases, of_memory = (
        jnp.concatenate([params[layer + gate][what] for gate in "rzn"], axis=-1)
        for layer, what in (("i", "kernel"), ("i", "bias"), ("h", "kernel"))
    )
    return _memories(memory, product(inputs, of_inputs, dtype) + biases, of_memory, params["hn"]["bias"])


@jax.custom_vjp
def _memories(memory: Array, added: Array, weights: Array, bias: Array) -> Array:
    """The memory after each step, from what each step's inputs add to the gates."""
    return _forwards(memory, added, weights, bias)[0]


def _forwards(memory: Array, added: Array, weights: Array, bias: Array) -> tuple[Array, tuple[Kept, Array]]:
    size = memory.shape[-1]

    def step(memory: Array, added: Array) -> tuple[Array, tuple[Array, Kept]]:
        recalled = memory @ weights
        gates = jax.nn.sigmoid(added[..., : 2 * size] + recalled[..., : 2 * size])
        reset, update = gates[..., :size], gates[..., size:]
        proposed = recalled[..., 2 * size :] + bias
        candidate = jnp.tanh(added[..., 2 * size :] + reset * proposed)
        after = (1.0 - update) * candidate + update * memory
        return after, (after, Kept(memory, reset, update, candidate, proposed))

    _, (memories, kept) = jax.lax.scan(step, memory, added)
    return memories, (kept, weights)


def _backwards(kept_and_weights: tuple[Kept, Array], errors: Array) -> tuple[Array, Array, Array, Array]:
    kept, weights = kept_and_weights
    transposed = weights.T

    def step(error: Array, now: tuple[Array, Kept]) -> tuple[Array, tuple[Array, Array]]:
        of_output, (before, reset, update, candidate, proposed) = now
        error = error + of_output
        of_candidate = error * (1.0 - update) * (1.0 - candidate**2)
        of_reset = of_candidate * proposed * reset * (1.0 - reset)
        of_update = error * (before - candidate) * update * (1.0 - update)
        of_recalled = jnp.concatenate([of_reset, of_update, of_candidate * reset], axis=-1)
        return error * update + of_recalled @ transposed, (of_recalled, of_candidate)

    error, (of_recalled, of_candidate) = jax.lax.scan(step, jnp.zeros_like(errors[0]), (errors, kept), reverse=True)
    size = errors.shape[-1]
    of_added = jnp.concatenate([of_recalled[..., : 2 * size], of_candidate], axis=-1)
    of_weights = kept.before.reshape(-1, size).T @ of_recalled.reshape(-1, 3 * size)
    return error, of_added, of_weights, of_recalled[..., 2 * size :].reshape(-1, size).sum(axis=0)


_memories.defvjp(_forwards, _backwards)
