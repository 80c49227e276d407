"""Infos of vector environments, in Gymnasium's form: an array for each number, and a mask under its name with an underscore."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaworld_py.engine.episode import NO_SCORE
from metaworld_py.envs.env import step_info

_FIELDS = tuple(step_info(NO_SCORE))


def step_infos(scores: NDArray[np.float64], mask: NDArray[np.bool_] | None, unstable: NDArray[np.bool_]) -> dict[str, Any]:
    """Each field's numbers (n,), and for which environments they count.

    Args:
      scores: (7, n), as batches give them.
      mask: (n,), which environments were stepped; None for all.
      unstable: (n,), whose physics blew up.
    """
    mask = np.ones(scores.shape[1], dtype=bool) if mask is None else mask
    infos: dict[str, Any] = {}
    for name, values in zip(_FIELDS, (*scores[1:], scores[0]), strict=True):
        infos[name] = values
        infos[f"_{name}"] = mask
    if unstable.any():
        infos["is_unstable"] = unstable.copy()
        infos["_is_unstable"] = unstable.copy()
    return infos


def episode_statistics(
    over: NDArray[np.bool_], returns: NDArray[np.float64], lengths: NDArray[np.int_], start_times: NDArray[np.float64]
) -> dict[str, Any]:
    """Return, length and seconds of the episodes that ended, as Gymnasium's RecordEpisodeStatistics names them."""
    numbers = {"r": returns, "l": lengths, "t": np.round(time.perf_counter() - start_times, 6)}
    episode: dict[str, Any] = {name: np.where(over, values, 0) for name, values in numbers.items()}
    episode |= {f"_{name}": over.copy() for name in numbers}
    return {"episode": episode, "_episode": over.copy()}


def final_infos(infos: dict[str, Any], observations: NDArray[np.float64], over: NDArray[np.bool_]) -> dict[str, Any]:
    """What same-step autoreset adds: the last observations and infos of finished environments."""
    final_obs = np.full(len(over), None, dtype=object)
    for env in np.flatnonzero(over).tolist():
        final_obs[env] = observations[env].copy()
    final_info = {name: value if isinstance(value, dict) else np.where(over, value, np.zeros_like(value)) for name, value in infos.items()}
    return {"final_obs": final_obs, "_final_obs": over.copy(), "final_info": final_info, "_final_info": over.copy()}


def leave_to_final_info(infos: dict[str, Any], over: NDArray[np.bool_]) -> None:
    """Leave what is of the episodes that ended to `final_info`: the masks of a step's own infos keep to those that go on.

    The numbers stay under the names: `infos["success"]` read without its mask is of every environment's step.
    """
    for name in (*_FIELDS, "is_unstable"):
        if f"_{name}" in infos:
            infos[f"_{name}"] = infos[f"_{name}"] & ~over
    infos.pop("episode", None), infos.pop("_episode", None)
