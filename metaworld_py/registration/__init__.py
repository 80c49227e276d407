"""Gymnasium ids and what they construct: one explicit function per kind of id. Entry points are texts, so all of them stand here."""

from __future__ import annotations

import copy
from typing import Any

from gymnasium.envs.registration import EnvSpec, WrapperSpec, register, registry

from metaworld_py.registration.layers import StandardWrappers, make_env
from metaworld_py.registration.sets import (
    make_custom_ml,
    make_custom_mt,
    make_ml,
    make_ml1,
    make_ml10,
    make_ml25,
    make_ml45,
    make_mt,
    make_mt10,
    make_mt25,
    make_mt50,
    refuse_single_env,
)
from metaworld_py.registration.single import (
    make_fresh_vector,
    make_goal_hidden,
    make_goal_hidden_alone,
    make_goal_hidden_vector,
    make_goal_observable,
    make_goal_observable_alone,
    make_goal_observable_vector,
    make_mt1,
    make_mt1_alone,
    make_mt1_vector,
)
from metaworld_py.registration.strategies import ASYNC, NATIVE, STRATEGIES, SYNC, make_vector_env
from metaworld_py.tasks.common.definition import HORIZON

__all__ = [
    "ASYNC",
    "NATIVE",
    "SINGLE_IDS",
    "STRATEGIES",
    "SYNC",
    "VECTOR_IDS",
    "SingleTaskSpec",
    "StandardWrappers",
    "make_custom_ml",
    "make_custom_mt",
    "make_env",
    "make_fresh_vector",
    "make_goal_hidden",
    "make_goal_hidden_alone",
    "make_goal_hidden_vector",
    "make_goal_observable",
    "make_goal_observable_alone",
    "make_goal_observable_vector",
    "make_ml",
    "make_ml1",
    "make_ml10",
    "make_ml25",
    "make_ml45",
    "make_mt",
    "make_mt1",
    "make_mt1_alone",
    "make_mt1_vector",
    "make_mt10",
    "make_mt25",
    "make_mt50",
    "make_vector_env",
    "refuse_single_env",
    "register_envs",
]

_NAMESPACE = "Meta-World"


class SingleTaskSpec(EnvSpec):
    """Spec of an id that is one environment by `gymnasium.make` and our vector environment by `gymnasium.make_vec`.

    `make_vec` refuses the wrappers of a spec, which `make` needs to put ours outside its TimeLimit; but it works on a copy of the spec, and
    copies have none: their entry point puts them on.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> EnvSpec:
        return EnvSpec(
            id=self.id,
            entry_point=f"{self.entry_point}_alone",
            max_episode_steps=self.max_episode_steps,
            kwargs=copy.deepcopy(self.kwargs),
            vector_entry_point=self.vector_entry_point,
        )


SINGLE_IDS = {"MT1": "make_mt1", "goal_observable": "make_goal_observable", "goal_hidden": "make_goal_hidden"}
VECTOR_IDS: dict[str, tuple[str, dict[str, Any]]] = {
    "MT10": ("make_mt10", {}),
    "MT25": ("make_mt25", {}),
    "MT50": ("make_mt50", {}),
    "custom-mt-envs": ("make_custom_mt", {}),
    "custom-ml-envs": ("make_custom_ml", {}),
    **{
        f"{name}-{split}": (maker, {"split": split})
        for name, maker in (("ML1", "make_ml1"), ("ML10", "make_ml10"), ("ML25", "make_ml25"), ("ML45", "make_ml45"))
        for split in ("train", "test")
    },
}


def register_envs() -> None:
    """Register all ids; done once when `metaworld_py` is imported. Entry points are texts, so that specs are JSON."""
    for name, maker in SINGLE_IDS.items():
        if f"{_NAMESPACE}/{name}" not in registry:
            registry[f"{_NAMESPACE}/{name}"] = SingleTaskSpec(
                f"{_NAMESPACE}/{name}",
                entry_point=f"{__name__}:{maker}",
                vector_entry_point=f"{__name__}:{maker}_vector",
                max_episode_steps=HORIZON,
                additional_wrappers=(WrapperSpec("StandardWrappers", f"{StandardWrappers.__module__}:StandardWrappers", {"env_id": None}),),
            )
    for name, (maker, keywords) in VECTOR_IDS.items():
        if f"{_NAMESPACE}/{name}" not in registry:
            register(
                f"{_NAMESPACE}/{name}",
                entry_point=f"{__name__}:refuse_single_env",
                vector_entry_point=f"{__name__}:{maker}",
                kwargs=keywords,
            )
