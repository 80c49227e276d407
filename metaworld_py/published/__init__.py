"""Modules under the names that published code imports: thin, and only here.

`metaworld_py.env_dict` is `metaworld_py.published.env_dict`, and so on; `metaworld_py.policies.sawyer_reach_v3_policy` and
`metaworld_py.envs.sawyer_reach_v3` hold one class each. `install` finds them for the import system, under an alias of the package as well:

    import metaworld_py, sys
    sys.modules["metaworld"] = metaworld_py      # now `from metaworld.env_dict import MT10_V3` works, with the very same modules
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from metaworld_py.envs.env import env_class
from metaworld_py.envs.published_classes import published_class_name, published_module_name
from metaworld_py.policies import ENV_POLICY_MAP
from metaworld_py.tasks import TASKS

_PACKAGE = __name__.partition(".")[0]
MODULES = {
    f"{_PACKAGE}.{name}": f"{__name__}.{module}"
    for name, module in (
        ("env_dict", "env_dict"),
        ("sawyer_xyz_env", "sawyer_xyz_env"),
        ("types", "types"),
        ("utils", "shaping_package"),
        ("utils.reward_utils", "shaping"),
        ("policies.policy", "policy"),
        ("policies.action", "action"),
    )
}
_ATTRIBUTES = ("env_dict", "types", "utils", "sawyer_xyz_env", "evaluation")  # of the package itself, after a plain import of it


def published_module(name: str) -> ModuleType:
    """A published module that is an attribute of the package, imported when asked for.

    Raises:
      AttributeError: there is none of that name.
    """
    if name not in _ATTRIBUTES:
        raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}")
    return importlib.import_module(f"{_PACKAGE}.{name}")


def _policy_module(task: str) -> str:
    stem = "peg-insertion-side" if task == "peg-insert-side" else task
    return f"{_PACKAGE}.policies.sawyer_{stem.replace('-', '_')}_v3_policy"


@cache
def class_modules() -> dict[str, dict[str, type]]:
    """Published modules that hold one class: by module the class by name."""
    environments = {f"{_PACKAGE}.envs.{published_module_name(task)}": {published_class_name(task): env_class(task)} for task in TASKS}
    policies = {_policy_module(task): {ENV_POLICY_MAP[task].__name__: ENV_POLICY_MAP[task]} for task in TASKS}
    return {**environments, **policies}


class _Loader(Loader):
    """Hands out a module of ours under another name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        if self._name in class_modules():
            module = ModuleType(self._name, "One class under its published name.")
            vars(module).update(class_modules()[self._name])
            return module
        module = importlib.import_module(MODULES.get(self._name, self._name))
        self._own = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        if self._name not in class_modules():
            module.__spec__ = self._own  # it keeps its own name, whatever it was asked for by


class _Finder(MetaPathFinder):
    """Finds published modules in this package, and all its modules under an alias of it."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        parent, _, last = fullname.rpartition(".")
        above = sys.modules.get(parent)
        own = getattr(above, "__name__", "")
        if own.partition(".")[0] != _PACKAGE:
            return None
        name = next((published for published, module in MODULES.items() if module == own), own) + f".{last}"
        if name in MODULES or name in class_modules():
            return ModuleSpec(fullname, _Loader(name), is_package=name == f"{_PACKAGE}.utils")
        return ModuleSpec(fullname, _Loader(name)) if parent != own and importlib.util.find_spec(name) else None


def install() -> None:
    """Let the import system find them; once."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
