"""Rewards in units of each task: so that values fit bins (BRC: Nauman et al. 2025), or so that tasks pay alike (ARS: Cho et al. 2025).

The replay buffer holds rewards as they were paid; what is learned from them is scaled when it is drawn.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array

MIN_MEAN_REWARD = 0.01  # of a task, when its factor is found


class RewardScaling(NamedTuple):
    """What rewards are multiplied by, and what that is found from."""

    largest_return: Float[Array, " task"]  # |discounted return| of whole episodes, so far
    factor: Float[Array, " task"]


def new_scaling(num_tasks: int) -> RewardScaling:
    """Before anything is known."""
    return RewardScaling(jnp.zeros(num_tasks), jnp.ones(num_tasks))


def return_scale(
    largest_return: Float[Array, " task"],
    temperature: Float[Array, " task"],
    *,
    target_entropy: float,
    discount: float,
    value_range: float,
) -> Float[Array, " task"]:
    """Brings the largest return, with the entropy's bonus over half of the horizon 1 / (1 − γ), to `value_range`."""
    bonus = -temperature * target_entropy * 0.5 / (1.0 - discount)
    return value_range / (largest_return + bonus)


def reward_factors(mean_reward: Float[Array, " task"]) -> Float[Array, " task"]:
    """What makes every task's mean reward that of the task that pays most."""
    return mean_reward.max() / jnp.maximum(mean_reward, MIN_MEAN_REWARD)
