"""Meta-augmentation (Rajendran et al. 2020): an offset of its own for what each trial shows, so that goals cannot be learned by heart."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.scaling import MIN_VARIANCE, Scale
from metaworld_py import OBSERVATION_SIZE

HAND_SIZE = 4  # numbers of an observation on hand and gripper, before those on objects
OBSERVATION_FRAME = 18  # numbers of an observation; two of them and the goal make 39


def observation_offsets(config: Any, scale: Scale, seed: int, iteration: int) -> NDArray[np.float32]:
    """Offsets of each trial's observations (env, 39) in training: meta-augmentation (Rajendran et al. 2020) against memorising.

    The 50 training instances can be told apart by where their objects begin, so a policy can learn their goals by heart and need not find
    out. With an offset of its own in each trial, the same in both frames, objects tell nothing of the goal; what the policy does and earns
    does. For tasks whose objects need not be touched. In evaluations there is no offset.
    The scale must be one of observations as they were: of one that these offsets had widened they would be ever larger.
    """
    var = np.asarray(scale.var)[:OBSERVATION_FRAME]
    moves = (var > MIN_VARIANCE) & (np.asarray(scale.count) > 0.0)  # before the first iteration nothing is known of either
    noise = np.random.default_rng([seed, iteration]).normal(size=(config.meta_batch, OBSERVATION_FRAME))
    moves[:HAND_SIZE] = False
    frame = np.where(moves, config.augmentation * np.sqrt(var) * noise, 0.0)
    hidden = np.zeros((config.meta_batch, OBSERVATION_SIZE - 2 * OBSERVATION_FRAME))
    return np.concatenate([frame, frame, hidden], axis=1, dtype=np.float32)


def frame_noise(scale: Scale, number: int, key: Array) -> Float[Array, "number observation"]:
    """Random offsets of objects in observations, in units of their standard deviations: the same in both frames, none of hand and goal."""
    var = scale.var[:OBSERVATION_FRAME]
    moves = (var > MIN_VARIANCE) & (jnp.arange(OBSERVATION_FRAME) >= HAND_SIZE) & (scale.count > 0.0)
    frame = jnp.where(moves, jnp.sqrt(var), 0.0) * jax.random.normal(key, (number, OBSERVATION_FRAME))
    return jnp.concatenate([frame, frame, jnp.zeros((number, OBSERVATION_SIZE - 2 * OBSERVATION_FRAME))], axis=-1)


def make_augmented_act(act: Any) -> Any:
    """Actions of a pair of a policy and what is added to its observations."""

    def augmented(pair: tuple[Any, Array], memory: Any, obs: Array, previous: Array, seed_and_step: Array) -> tuple[Array, Array, Any]:
        policy, offset = pair
        acted: tuple[Array, Array, Any] = act(policy, memory, obs + offset, previous, seed_and_step)
        return acted

    return jax.jit(augmented)
