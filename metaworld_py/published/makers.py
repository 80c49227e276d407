"""Functions that make environments, under their published names."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium

from metaworld_py.registration import SYNC, register_envs

SETS = ("MT10", "MT25", "MT50", "ML10", "ML25", "ML45")

register_mw_envs = register_envs


def make_mt_envs(name: str, seed: int | None = None, num_tasks: int | None = None, vector_strategy: str = SYNC, **keywords: Any) -> Any:
    """One environment of a task, or the vector environment of a multi-task set.

    Args:
      name: task name, or "MT10", "MT25", "MT50".
      seed: of the instances and their choice.
      num_tasks: length of one-hot ids of one task, with `env_id`.
      vector_strategy: of sets: "native", "sync" or "async".
      keywords: see `gymnasium.make("Meta-World/MT1")` and `gymnasium.make_vec("Meta-World/MT10")`.
    """
    if name not in SETS:
        if num_tasks is not None and keywords.get("use_one_hot"):
            keywords["num_tasks"] = num_tasks
        return gymnasium.make("Meta-World/MT1", env_name=name, seed=seed, **keywords)
    return gymnasium.make_vec(f"Meta-World/{name}", seed=seed, vector_strategy=vector_strategy, **keywords)


def make_ml_envs(name: str, seed: int | None = None, split: str = "train", vector_strategy: str = SYNC, **keywords: Any) -> Any:
    """One side of a meta-learning set, as a vector environment.

    Args:
      name: task name (ML1), or "ML10", "ML25", "ML45".
      seed: of the instances and their choice.
      split: "train" or "test".
      vector_strategy: "native", "sync" or "async".
      keywords: see `gymnasium.make_vec("Meta-World/ML10-train")`.
    """
    if split not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")
    own: dict[str, Any] = {} if name in SETS else {"env_name": name}
    return gymnasium.make_vec(
        f"Meta-World/{name if name in SETS else 'ML1'}-{split}", seed=seed, vector_strategy=vector_strategy, **own, **keywords
    )


make_ml_envs_train = partial(make_ml_envs, split="train")
make_ml_envs_test = partial(make_ml_envs, split="test")
