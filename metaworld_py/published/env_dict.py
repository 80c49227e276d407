"""Task sets as dictionaries of environment classes, under their published names."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from metaworld_py.envs.env import MetaWorldEnv
from metaworld_py.envs.published_classes import (
    ALL_V3_ENVIRONMENTS,
    ALL_V3_ENVIRONMENTS_GOAL_HIDDEN,
    ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE,
    EnvClasses,
)
from metaworld_py.instances import task_sets
from metaworld_py.tasks import TASKS

EnvDict = dict[str, type[MetaWorldEnv]]
TrainTestEnvDict = dict[str, EnvDict]
EnvArgsKwargsDict = dict[str, dict[str, Any]]

ENV_CLS_MAP: EnvDict = EnvClasses(TASKS)
_IDS = {name: index for index, name in enumerate(ENV_CLS_MAP)}


def _split(train: Iterable[str], test: Iterable[str]) -> TrainTestEnvDict:
    return OrderedDict(train=EnvClasses(train), test=EnvClasses(test))


def _arguments(classes: EnvDict) -> EnvArgsKwargsDict:
    return {name: {"args": [], "kwargs": {"task_id": _IDS[name]}} for name in classes}


def _split_arguments(sides: TrainTestEnvDict) -> dict[str, EnvArgsKwargsDict]:
    return {side: _arguments(classes) for side, classes in sides.items()}


MT10_V3, MT25_V3, MT50_V3 = (EnvClasses(names) for names in (task_sets.MT10, task_sets.MT25, task_sets.MT50))
ML1_V3 = _split(TASKS, TASKS)
ML10_V3 = _split(task_sets.ML10_TRAIN, task_sets.ML10_TEST)
ML25_V3 = _split(task_sets.ML25_TRAIN, task_sets.ML25_TEST)
ML45_V3 = _split(task_sets.ML45_TRAIN, task_sets.ML45_TEST)
MT10_V3_ARGS_KWARGS, MT25_V3_ARGS_KWARGS, MT50_V3_ARGS_KWARGS = (_arguments(classes) for classes in (MT10_V3, MT25_V3, MT50_V3))
ML1_ARGS_KWARGS = _arguments(ENV_CLS_MAP)
ML10_ARGS_KWARGS, ML25_ARGS_KWARGS, ML45_ARGS_KWARGS = (_split_arguments(sides) for sides in (ML10_V3, ML25_V3, ML45_V3))

__all__ = [
    "ALL_V3_ENVIRONMENTS",
    "ALL_V3_ENVIRONMENTS_GOAL_HIDDEN",
    "ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE",
    "ENV_CLS_MAP",
    "ML1_ARGS_KWARGS",
    "ML1_V3",
    "ML10_ARGS_KWARGS",
    "ML10_V3",
    "ML25_ARGS_KWARGS",
    "ML25_V3",
    "ML45_ARGS_KWARGS",
    "ML45_V3",
    "MT10_V3",
    "MT10_V3_ARGS_KWARGS",
    "MT25_V3",
    "MT25_V3_ARGS_KWARGS",
    "MT50_V3",
    "MT50_V3_ARGS_KWARGS",
    "EnvArgsKwargsDict",
    "EnvDict",
    "TrainTestEnvDict",
]
