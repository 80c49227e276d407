"""Running means and variances, and inputs in units of them."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array

MIN_VARIANCE = 1e-4  # of inputs: what hardly ever changes is not blown up
INPUT_RANGE = 5.0  # normalised inputs are clipped to ±


class Scale(NamedTuple):
    """Running mean and variance of value targets, per task."""

    count: Float[Array, ""]
    mean: Float[Array, " task"]
    var: Float[Array, " task"]


def updated_scale(scale: Scale, targets: Float[Array, "task sample"]) -> Scale:
    """With a batch's targets taken in (Chan et al.'s parallel variance)."""
    count, new = scale.count + targets.shape[1], targets.shape[1]
    delta = targets.mean(axis=1) - scale.mean
    mean = scale.mean + delta * new / count
    spread = scale.var * scale.count + targets.var(axis=1) * new + delta**2 * scale.count * new / count
    return Scale(count, mean, jnp.maximum(spread / count, 1e-8))


def new_scale(size: int) -> Scale:
    """Running statistics before any data: mean 0, variance 1."""
    return Scale(jnp.zeros(()), jnp.zeros(size), jnp.ones(size))


def rescaled(scale: Scale, inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch inputs"]:
    """Inputs in units of their standard deviations, without outliers."""
    std = jnp.sqrt(jnp.maximum(scale.var, MIN_VARIANCE))
    return jnp.clip((inputs - scale.mean) / std, -INPUT_RANGE, INPUT_RANGE)
