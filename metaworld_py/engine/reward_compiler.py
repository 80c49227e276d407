"""Rewards of task pages as compiled functions: the very functions that run as plain Python elsewhere (Numba, extra `fast`).

They are compiled once per machine and kept in `cache_folder()`.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import threading
import types as python_types
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from metaworld_py.engine.batch import N_SCORES
from metaworld_py.engine.layout import FRAME_SIZE
from metaworld_py.engine.rewriting import Rewriter
from metaworld_py.files import user_cache
from metaworld_py.tasks.common.definition import TaskDef

_SCORE_TYPE = types.void(
    types.CPointer(types.float64),  # row
    types.CPointer(types.float64),  # start, flat; rewritten after the first step where a task asks for it
    types.float64,  # effort
    types.boolean,  # whether this was the first step
    types.CPointer(types.float64),  # out: score, then frame
)

_FOR_PROCESSORS = Rewriter(njit)


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


@intrinsic  # type: ignore[untyped-decorator]
def call_score(typing_context: Any, function: Any, row: Any, start: Any, effort: Any, is_first: Any, out: Any) -> Any:
    """Call a compiled score function at an address, from compiled code; arrays by their addresses."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        doubles, double, byte = ir.DoubleType().as_pointer(), ir.DoubleType(), ir.IntType(8)
        function_type = ir.FunctionType(ir.VoidType(), [doubles, doubles, double, byte, doubles])
        address, row, start, effort, is_first, out = arguments
        builder.call(
            builder.inttoptr(address, function_type.as_pointer()),
            [
                builder.inttoptr(row, doubles),
                builder.inttoptr(start, doubles),
                effort,
                builder.zext(is_first, byte),
                builder.inttoptr(out, doubles),
            ],
        )
        return context.get_dummy_value()

    return types.void(types.uintp, types.uintp, types.uintp, types.float64, types.boolean, types.uintp), generate


def score_body(task: TaskDef, version: str, start: Any, rewriter: Rewriter) -> tuple[dict[str, Any], list[str]]:
    """Statements that turn a row of signals into score and frame, the same for every compiler, and what they refer to.

    They read the row `s`, the start `c`, `effort` and `is_first`, and write score and frame to `o`; where the task asks for it, the start.

    Args:
      task: the task.
      version: of the reward.
      start: any start tuple of the task, for its structure.
      rewriter: of the compiler.
    """
    names: dict[str, Any] = {name: rewriter(value) for name, value in task.reader.names.items()}
    names["score"] = rewriter(task.scores[version])
    lines = [f"now = {task.reader.read_expression}", f"begun = {_expression(start, iter(range(10**6)), names)}"]
    if task.after_first_step is not None:
        names["after_first_step"] = rewriter(task.after_first_step)
        lines += ["if is_first:", "    begun = after_first_step(now, begun)"]
        lines += [f"    c[{index}] = begun{path}" for index, path in enumerate(_paths(start))]
    lines += [f"frame = {task.reader.frame_expression}", *(f"o[{N_SCORES + index}] = frame[{index}]" for index in range(FRAME_SIZE))]
    lines += ["found = score(now, begun, effort)", *(f"o[{index}] = found[{index}]" for index in range(N_SCORES))]
    return names, lines


def _compile(task: TaskDef, version: str, start: Any) -> Any:
    names, body = score_body(task, version, start, _FOR_PROCESSORS)
    names["carray"] = numba.carray
    lines = [
        "def score_row(row, start, effort, is_first, out):",
        f"    s, c = carray(row, {task.reader.row_size}), carray(start, {len(list(_numbers(start)))})",
        f"    o = carray(out, {N_SCORES + FRAME_SIZE})",
        *(f"    {line}" for line in body),
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
    """Where compiled rewards are kept: by version of everything that goes into them, so that none is ever stale."""
    return user_cache(source_digest("tasks/**/*.py", "sim/*.py", "engine/rewriting.py", "engine/reward_compiler.py"))


def source_digest(*patterns: str) -> str:
    """Digest of the package's files that go into compiled code, and of what compiles it; part of the name under which the code is kept."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256(f"{numba.__version__} {sys.version} {platform.machine()}".encode())
    for path in sorted(path for pattern in patterns for path in package.glob(pattern)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


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
