"""Running means and variances, and inputs in units of them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array

MIN_INPUT_STD = 0.01  # what hardly ever changes is not blown up
MIN_VARIANCE = MIN_INPUT_STD**2
INPUT_RANGE = 5.0  # normalised inputs are clipped to ±


def check_min_input_std(min_std: float, *, normalized: bool) -> None:
    """Raises a ValueError, unless inputs can be had in units of their deviations, at least of `min_std`."""
    if min_std <= 0.0:
        raise ValueError(f"min_input_std must be positive, got {min_std}")
    if min_std != MIN_INPUT_STD and not normalized:
        raise ValueError("min_input_std is of inputs in units of their deviations: set normalize_inputs, too, or leave it out")


class Scale(NamedTuple):
    """Running mean and variance, of each task's value targets or of each component of the inputs."""

    count: Float[Array, ""]
    mean: Float[Array, " task"]
    var: Float[Array, " task"]


def updated_scale(scale: Scale, targets: Float[Array, "task sample"], memory: float = math.inf) -> Scale:
    """With a batch's targets taken in (Chan et al.'s parallel variance).

    Args:
      scale: so far.
      targets: the new ones.
      memory: samples that everything so far counts for at most. Older ones are forgotten exponentially.
    """
    return merged_scale(scale, targets.mean(axis=1), targets.var(axis=1), targets.shape[1], memory)


def merged_scale(
    scale: Scale, new_mean: Float[Array, " task"], new_var: Float[Array, " task"], new: float, memory: float = math.inf
) -> Scale:
    """With a batch taken in of which mean, variance and number of samples are known; see `updated_scale`."""
    before = jnp.minimum(scale.count, memory)
    count = before + new
    delta = new_mean - scale.mean
    mean = scale.mean + delta * new / count
    spread = scale.var * before + new_var * new + delta**2 * before * new / count
    return Scale(count, mean, jnp.maximum(spread / count, 1e-8))


def rescaled_head(head: dict[str, Any], old: Scale, new: Scale) -> dict[str, Any]:
    """A last layer, one output for each task in units of a scale, with the same values in units of another (van Hasselt et al. 2016)."""
    old_std, new_std = jnp.sqrt(old.var), jnp.sqrt(new.var)
    return {"kernel": head["kernel"] * old_std / new_std, "bias": (head["bias"] * old_std + old.mean - new.mean) / new_std}


def new_scale(size: int) -> Scale:
    """Running statistics before any data: mean 0, variance 1."""
    return Scale(jnp.zeros(()), jnp.zeros(size), jnp.ones(size))


def rescaled(scale: Scale, inputs: Float[Array, "*batch inputs"], min_std: float = MIN_INPUT_STD) -> Float[Array, "*batch inputs"]:
    """Inputs in units of their standard deviations, without outliers; what varies by less than `min_std` in units of that."""
    std = jnp.sqrt(jnp.maximum(scale.var, min_std**2))
    return jnp.clip((inputs - scale.mean) / std, -INPUT_RANGE, INPUT_RANGE)
