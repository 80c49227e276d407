"""A standard deviation of actions, the same for all observations, whose upper bound falls in the last fifth of a run.

What explores finds much that the most likely action misses: noise carries a hand that stops 6 cm from a goal within its 5 cm. Gradients
alone do not take such noise away. A bound that falls earlier takes it before much is learned, see "Meta-learners: what was tried".
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.gaussian import unsquashed

LAST_SHARE = 0.2  # of the budget, in which it falls


def check_final_max_std(config: Any, *, has_one_std: bool = True) -> None:
    """Refuse a last bound that its settings give no beginning.

    Args:
      config: with `final_max_std`, or None there, `min_std` and `max_std`.
      has_one_std: for all observations.

    Raises:
      ValueError: as said.
    """
    if config.final_max_std is None:
        return
    if not has_one_std:
        raise ValueError("final_max_std is of a standard deviation that is the same for all observations: switch state_dependent_std off")
    name = "initial_std" if config.max_std is None else "max_std"
    last, start = config.final_max_std, getattr(config, name)
    if not config.min_std < last <= start:
        raise ValueError(f"final_max_std must lie above min_std {config.min_std} and not above {name} {start}, got {last}")


def max_std_at(config: Any, env_steps: int | Array) -> Array:
    """Upper bound of the standard deviation after so many steps of a run; it falls from `max_std`, or from none by way of `initial_std`."""
    done = jnp.minimum(jnp.asarray(env_steps) / config.total_env_steps, 1.0)
    falls = jnp.maximum(1.0 - (1.0 - done) / LAST_SHARE, 0.0)
    if config.max_std is None:
        return jnp.where(falls > 0.0, config.initial_std * (config.final_max_std / config.initial_std) ** falls, jnp.inf)
    return config.max_std * (config.final_max_std / config.max_std) ** falls


def with_std_below(config: Any, params: dict[str, Any], env_steps: int | Array) -> dict[str, Any]:
    """Parameters of a policy, its `log_std` among them, with no standard deviation above the bound after so many steps."""
    if config.max_std is None:
        return {**params, "log_std": jnp.minimum(params["log_std"], jnp.log(max_std_at(config, env_steps)))}
    low, high, fixed = (jnp.log(std) for std in (config.min_std, config.max_std, config.initial_std))
    bound = jnp.minimum(jnp.log(max_std_at(config, env_steps)), high - 1e-3)  # short of the first one, which no finite parameter reaches
    return {**params, "log_std": jnp.minimum(params["log_std"], unsquashed(bound, low, high, fixed=fixed))}
