"""Meta-World's manipulation tasks: exact, fast, and a pleasure to use.

Importing this package registers the Gymnasium ids (`Meta-World/MT1`, `Meta-World/MT10`, …) and does nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaworld_py._version import __version__
from metaworld_py.benchmarks import ML1, ML10, ML25, ML45, MT1, MT10, MT25, MT50, Benchmark, CustomML, CustomMT
from metaworld_py.engine.layout import ACTION_SIZE, OBSERVATION_SIZE
from metaworld_py.envs.env import MetaWorldEnv
from metaworld_py.envs.published_classes import ALL_V3_ENVIRONMENTS, ALL_V3_ENVIRONMENTS_GOAL_HIDDEN, ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE
from metaworld_py.envs.vector_env import MetaWorldVectorEnv
from metaworld_py.gpu import make_gpu
from metaworld_py.instances.task import Task
from metaworld_py.published import install, published_module
from metaworld_py.published.makers import make_ml_envs, make_ml_envs_test, make_ml_envs_train, make_mt_envs, register_mw_envs
from metaworld_py.published.sawyer_xyz_env import SawyerXYZEnv
from metaworld_py.registration import register_envs
from metaworld_py.rendering.cameras import Camera
from metaworld_py.tasks import TASKS, find_task

__all__ = [
    "ACTION_SIZE",
    "ALL_V3_ENVIRONMENTS",
    "ALL_V3_ENVIRONMENTS_GOAL_HIDDEN",
    "ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE",
    "ML1",
    "ML10",
    "ML25",
    "ML45",
    "MT1",
    "MT10",
    "MT25",
    "MT50",
    "OBSERVATION_SIZE",
    "TASKS",
    "Benchmark",
    "Camera",
    "CustomML",
    "CustomMT",
    "MetaWorldEnv",
    "MetaWorldVectorEnv",
    "SawyerXYZEnv",
    "Task",
    "__version__",
    "find_task",
    "make_gpu",
    "make_ml_envs",
    "make_ml_envs_test",
    "make_ml_envs_train",
    "make_mt_envs",
    "register_mw_envs",
]

if not TYPE_CHECKING:  # which would take any name for one of ours

    def __getattr__(name: str) -> object:
        """Published modules as attributes: `import metaworld; metaworld.env_dict`."""
        return published_module(name)


register_envs()
install()
