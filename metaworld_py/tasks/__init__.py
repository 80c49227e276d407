"""Tasks by name: one page (module) per family, each defining one or more `TaskDef` values. A page in this folder is found by itself."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
import warnings

from metaworld_py.tasks.common.definition import TaskDef

__all__ = ["TASKS", "TaskDef", "find_task"]

CURRENT_VERSION = "v3"

# Lists show the published tasks in this order, and those of further pages after them.
_ORDER = (  # noqa: SIM905  # fifty lines otherwise
    "reach push pick-place door-open drawer-open drawer-close button-press-topdown peg-insert-side window-open window-close "
    "reach-wall push-wall push-back pick-place-wall pick-out-of-hole shelf-place sweep sweep-into hand-insert bin-picking "
    "assembly disassemble basketball soccer hammer stick-push stick-pull box-close peg-unplug-side faucet-open faucet-close "
    "handle-press handle-press-side handle-pull handle-pull-side lever-pull dial-turn plate-slide plate-slide-side "
    "plate-slide-back plate-slide-back-side door-close door-lock door-unlock button-press button-press-wall "
    "button-press-topdown-wall coffee-button coffee-pull coffee-push"
).split()


def _defined_tasks() -> dict[str, TaskDef]:
    """All tasks of all pages, by name.

    Raises:
      ValueError: two of the same name.
    """
    found: dict[str, TaskDef] = {}
    for page in sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg):
        for value in vars(importlib.import_module(f"{__name__}.{page}")).values():
            if isinstance(value, TaskDef) and found.setdefault(value.name, value) is not value:
                raise ValueError(f"two tasks are called {value.name!r}; one is on the page {page}.py")
    places = {name: place for place, name in enumerate(_ORDER)}
    return dict(sorted(found.items(), key=lambda item: places.get(item[0], len(places))))


TASKS: dict[str, TaskDef] = _defined_tasks()


def find_task(name: str) -> TaskDef:
    """The task of that name; `door-open` and `door-open-v3` name the same, and so do older versions, with a warning.

    Raises:
      ValueError: unknown name; says the nearest one.
    """
    key, version = _split_version(name)
    if key not in TASKS:
        close = difflib.get_close_matches(key, TASKS, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"unknown task {name!r}.{hint} `metaworld-py list` shows all {len(TASKS)}.")
    if version not in ("", CURRENT_VERSION):
        warnings.warn(f"{name} plays {key}-{CURRENT_VERSION}: the tasks of version 3 are the ones there are", UserWarning, stacklevel=2)
    return TASKS[key]


def _split_version(name: str) -> tuple[str, str]:
    match = re.fullmatch(r"(.*?)(?:-(v\d))?", str(name))
    assert match is not None
    return match[1], match[2] or ""
