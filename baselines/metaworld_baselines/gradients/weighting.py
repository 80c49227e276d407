"""The two nouns of this room. A *weighting* turns what is known of the tasks into weights; a *combination* (combination.py) applies them.

    weights, state = weighting.weigh(gram, losses, state, noise)        # (task,): the update is Σ_j weights_j g_j

Randomness is drawn first, by `draw`, and state is a value: `weigh` is a pure function that jit and vmap take as it is. A method is a
function from the number of tasks, and its own settings, to a weighting. They average: where tasks agree, most leave the gradient as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array

Draw = Callable[[Array], Any]  # from a key to what is random in one update


@dataclass(frozen=True)
class Weighting:
    """A way to weigh tasks by their Gram matrix or their losses, as a value."""

    weigh: Callable[[Any, Any, Any, Any], tuple[Array, Any]]  # (Gram matrix | None, losses | None, state, noise) → (weights, state)
    state: Any = ()  # at the start
    draw: Draw | None = None  # None: nothing is random
    needs_gram: bool = True  # without, an update costs one backward pass, however many tasks there are
    needs_losses: bool = False  # positive ones
    projections: Callable[[Any, Any, Any], Array] | None = None  # (Gram matrix, state, noise) → C, see `projections_of`


@dataclass(frozen=True)
class Mixing:
    """A way to make one gradient out of the tasks', leaves (task, …), that needs more of them than their inner products."""

    mix: Callable[[Any, Any, Any, Any], tuple[Any, Any]]  # (gradients, losses | None, state, noise) → (gradient, state)
    init: Callable[[Any], Any] = lambda params: ()  # the state at the start
    draw: Draw | None = None
    needs_losses: bool = False


Method = Weighting | Mixing


def of_gram(weights: Callable[[Array], Array]) -> Weighting:
    """A weighting without state or chance, of the Gram matrix alone."""
    return Weighting(lambda gram, losses, state, noise: (weights(gram), state))


def of_projections(projections: Callable[[Any, Any, Any], Array], draw: Draw | None = None) -> Weighting:
    """A weighting that takes the mean of changed gradients, g̃_i = Σ_j C_ij g_j, from (Gram matrix, state, noise) to C."""
    return Weighting(
        lambda gram, losses, state, noise: (projections(gram, state, noise).mean(axis=0), state), draw=draw, projections=projections
    )


def projections_of(
    weighting: Weighting, gram: Float[Array, "task task"], losses: Float[Array, " task"] | None, state: Any, noise: Any
) -> Float[Array, "task task"]:
    """C of the changed gradients g̃_i = Σ_j C_ij g_j whose mean is the update; T w_i g_i where a method only weighs."""
    if weighting.projections is not None:
        return weighting.projections(gram, state, noise)
    return len(gram) * jnp.diag(weighting.weigh(gram, losses, state, noise)[0])
