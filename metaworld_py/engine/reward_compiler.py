"""Rewards of task pages as compiled functions: the very functions that run as plain Python elsewhere (Numba, extra `fast`).

They are compiled once per machine and kept in `cache_folder()`.
"""

from __future__ import annotations

import builtins
import functools
import hashlib
import os
import platform
import sys
import tempfile
import threading
import types as python_types
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba
from numba import njit, types

from metaworld_py.engine.batch import N_SCORES
from metaworld_py.engine.layout import FRAME_SIZE
from metaworld_py.tasks.common.definition import TaskDef

_SCORE_TYPE = types.void(
    types.CPointer(types.float64),  # row
    types.CPointer(types.float64),  # start, flat; rewritten after the first step where a task asks for it
    types.float64,  # effort
    types.boolean,  # whether this was the first step
    types.CPointer(types.float64),  # out: score, then frame
)


@lru_cache(maxsize=256)
def _score_function(task: TaskDef, version: str) -> list[Any]:
    """Where the compiled function of a task will be kept."""
    return []


_compiling = threading.Lock()


def score_function(task: TaskDef, version: str, start: Any) -> Any:
    """The compiled function (a Numba `cfunc`) that turns a row into score and frame.

    Args:
      task: the task.
      version: of the reward.
      start: any start tuple of the task, for its structure.
    """
    with _compiling:
        kept = _score_function(task, version)
        if not kept:
            kept.append(_compile(task, version, start))
        return kept[0]


def _compile(task: TaskDef, version: str, start: Any) -> Any:
    names: dict[str, Any] = {name: _compilable(value) for name, value in task.reader.names.items()}
    names |= {"score": _compilable(task.scores[version]), "carray": numba.carray}
    start_expression = _expression(start, iter(range(10**6)), names)
    lines = [
        "def score_row(row, start, effort, is_first, out):",
        f"    s, c = carray(row, {task.reader.row_size}), carray(start, {len(list(_numbers(start)))})",
        f"    o = carray(out, {N_SCORES + FRAME_SIZE})",
        f"    now = {task.reader.read_expression}",
        f"    begun = {start_expression}",
    ]
    if task.after_first_step is not None:
        names["after_first_step"] = _compilable(task.after_first_step)
        lines += ["    if is_first:", "        begun = after_first_step(now, begun)"]
        lines += [f"        c[{index}] = begun{path}" for index, path in enumerate(_paths(start))]
    lines += [
        f"    frame = {task.reader.frame_expression}",
        f"    for i in range({FRAME_SIZE}):",
        f"        o[{N_SCORES} + i] = frame[i]",
        "    found = score(now, begun, effort)",
        *(f"    o[{index}] = found[{index}]" for index in range(N_SCORES)),
    ]
    name = f"{task.name.replace('-', '_')}_{version}"
    source = "\n".join(lines) + "\n"
    path = cache_folder() / f"{name}.py"
    if not path.exists():  # Numba keeps the compiled code beside the source
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(source)
        draft.replace(path)
    module = python_types.ModuleType(f"{__name__}.{name}")
    vars(module).update(names)
    sys.modules[module.__name__] = module  # Numba imports it by name when it loads what it kept
    exec(compile(source, str(path), "exec"), vars(module))  # written above
    return numba.cfunc(_SCORE_TYPE, cache=True)(vars(module)["score_row"])


@lru_cache(maxsize=1)
def cache_folder() -> Path:
    """Where compiled rewards are kept: by version of everything that goes into them, so that none is ever stale.

    In `METAWORLD_PY_CACHE` if that is set, else in the user's cache folder; in a temporary one if that cannot be written.
    """
    package = Path(__file__).parents[1]
    digest = hashlib.sha256(f"{numba.__version__} {sys.version} {platform.machine()}".encode())
    for path in sorted([*package.glob("tasks/**/*.py"), *package.glob("sim/*.py"), Path(__file__)]):
        digest.update(path.read_bytes())
    homes = {"win32": os.environ.get("LOCALAPPDATA", "~/AppData/Local"), "darwin": "~/Library/Caches"}
    home = homes.get(sys.platform, os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    root = Path(os.environ.get("METAWORLD_PY_CACHE") or Path(home) / "metaworld_py").expanduser()
    folder = root / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="metaworld_py_"))


@njit  # type: ignore[untyped-decorator]
def _as_float(value: Any) -> Any:
    return value * 1.0  # Numba's own float() refuses truth values


_compilables: dict[int, tuple[Any, Any]] = {}  # by identity, with the original kept alive


def _compilable(value: Any) -> Any:
    """A function of ours as Numba takes it, with all that it calls; anything else as it is.

    What Numba does not take as written is written otherwise here: functions that call plain ones, `functools.partial`, keyword-only
    arguments (it mixes them up), records with defaults and `float()` of a truth value.
    """
    if isinstance(value, functools.partial):
        return _compilable(_bound(value))
    if isinstance(value, type) and getattr(value, "_field_defaults", None):
        return _constructor(value)
    if not isinstance(value, python_types.FunctionType) or not value.__module__.startswith("metaworld_py"):
        return value
    if id(value) not in _compilables:
        _compilables[id(value)] = (value, njit(_rewritten(value)))
    return _compilables[id(value)][1]


@lru_cache(maxsize=16)
def _constructor(record: Any) -> Any:
    """A function that makes a named tuple with defaults: Numba's own way of calling one wants every field."""
    given = record._field_defaults
    parameters = ", ".join(f"{name}={given[name]!r}" if name in given else name for name in record._fields)
    names = {"record": record, "__name__": __name__}
    made: Callable[..., Any] = eval(f"lambda {parameters}: record({', '.join(record._fields)})", names)
    return njit(made)


def _rewritten(function: python_types.FunctionType) -> python_types.FunctionType:
    code = function.__code__
    used = {name: _compilable(function.__globals__[name]) for name in code.co_names if name in function.__globals__}
    used |= {"__builtins__": builtins, "__name__": function.__module__, "float": _as_float}
    closure = tuple(python_types.CellType(_compilable(cell.cell_contents)) for cell in function.__closure__ or ())
    keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    given = function.__kwdefaults__ or {}
    # Defaults belong to the last arguments: where one has none after one that has, any will do, since callers always pass it.
    first = next((index for index, keyword in enumerate(keywords) if keyword in given), len(keywords))
    added = [given.get(keyword, 0.0) for keyword in keywords[0 if function.__defaults__ else first :]]
    defaults = (*(function.__defaults__ or ()), *added)
    code = code.replace(co_argcount=code.co_argcount + len(keywords), co_kwonlyargcount=0)
    rewritten = python_types.FunctionType(code, used, function.__name__, defaults or None, closure or None)
    rewritten.__module__ = function.__module__
    return rewritten


def _bound(value: functools.partial[Any]) -> Callable[..., Any]:
    """A score function with some arguments given."""
    arguments = ", ".join(["now, start, effort", *(f"{name}={constant!r}" for name, constant in value.keywords.items())])
    names: dict[str, Any] = {"function": value.func, "__name__": __name__}
    bound: Callable[..., Any] = eval(f"lambda now, start, effort: function({arguments})", names)
    return bound


# start tuples as rows of numbers


@lru_cache(maxsize=4096)
def flat_numbers(start: Any) -> tuple[float, ...]:
    """An episode's constants in order; instances come again and again."""
    return tuple(_numbers(start))


def _numbers(value: Any) -> Iterator[float]:
    """All numbers in nested tuples, in order."""
    if isinstance(value, tuple):
        for part in value:
            yield from _numbers(part)
    else:
        yield float(value)


def _paths(value: Any, path: str = "") -> Iterator[str]:
    """How to get at each of them."""
    if isinstance(value, tuple):
        for index, part in enumerate(value):
            yield from _paths(part, f"{path}[{index}]")
    else:
        yield path


def tuple_like(value: Any, numbers: Iterator[float]) -> Any:
    """Nested tuples of the same shape with other numbers."""
    if not isinstance(value, tuple):
        return type(value)(next(numbers))
    parts = [tuple_like(part, numbers) for part in value]
    return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)


def _expression(value: Any, indices: Iterator[int], names: dict[str, Any]) -> str:
    """Python that makes such tuples from the numbers `c`; adds their types to `names`."""
    if not isinstance(value, tuple):
        number = f"c[{next(indices)}]"
        return f"{number} > 0.5" if isinstance(value, bool) else number
    parts = ", ".join(_expression(part, indices, names) for part in value)
    if not hasattr(value, "_fields"):
        return f"({parts},)"
    name = f"{type(value).__name__}_{len(names)}"
    names[name] = type(value)
    return f"{name}({parts})"
