"""The environment class under its published names."""

from __future__ import annotations

from metaworld_py.envs.env import MetaWorldEnv
from metaworld_py.instances.task import Task

SawyerXYZEnv = SawyerMocapBase = MetaWorldEnv

__all__ = ["SawyerMocapBase", "SawyerXYZEnv", "Task"]
