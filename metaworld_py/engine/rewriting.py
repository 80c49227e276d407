"""Functions of task pages as compilers take them: for a processor or a GPU, whatever the compiler's decorator."""

from __future__ import annotations

import builtins
import functools
import types as python_types
from collections.abc import Callable
from typing import Any


class Rewriter:
    """Turns a function of ours, with all that it calls, into what a compiler takes.

    What Numba does not take as written is written otherwise here: functions that call plain ones, `functools.partial`, keyword-only
    arguments (it mixes them up), records with defaults and `float()` of a truth value.

    Args:
      decorate: the compiler's decorator, e.g. `numba.njit` or `numba.cuda.jit(device=True)`.
    """

    def __init__(self, decorate: Callable[[Callable[..., Any]], Any]) -> None:
        self._decorate = decorate
        self._done: dict[int, tuple[Any, Any]] = {}  # by identity, with the original kept alive
        self._as_float = decorate(_as_float)

    def __call__(self, value: Any) -> Any:
        """The function for the compiler; anything that is no function of ours as it is."""
        if isinstance(value, functools.partial):
            return self(_bound(value))
        is_record = isinstance(value, type) and bool(getattr(value, "_field_defaults", None))
        is_ours = isinstance(value, python_types.FunctionType) and value.__module__.startswith("metaworld_py")
        if not is_record and not is_ours:
            return value
        if id(value) not in self._done:
            self._done[id(value)] = (value, self._decorate(_constructor(value) if is_record else self._rewritten(value)))
        return self._done[id(value)][1]

    def _rewritten(self, function: python_types.FunctionType) -> python_types.FunctionType:
        code = function.__code__
        used = {name: self(function.__globals__[name]) for name in code.co_names if name in function.__globals__}
        used |= {"__builtins__": builtins, "__name__": function.__module__, "float": self._as_float}
        closure = tuple(python_types.CellType(self(cell.cell_contents)) for cell in function.__closure__ or ())
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


def _as_float(value: Any) -> Any:
    return value * 1.0  # Numba's own float() refuses truth values


def _constructor(record: Any) -> Callable[..., Any]:
    """A function that makes a named tuple with defaults: Numba's own way of calling one wants every field."""
    given = record._field_defaults
    parameters = ", ".join(f"{name}={given[name]!r}" if name in given else name for name in record._fields)
    names = {"record": record, "__name__": __name__}
    made: Callable[..., Any] = eval(f"lambda {parameters}: record({', '.join(record._fields)})", names)
    return made


def _bound(value: functools.partial[Any]) -> Callable[..., Any]:
    """A score function with some arguments given."""
    arguments = ", ".join(["now, start, effort", *(f"{name}={constant!r}" for name, constant in value.keywords.items())])
    names: dict[str, Any] = {"function": value.func, "__name__": __name__}
    bound: Callable[..., Any] = eval(f"lambda now, start, effort: function({arguments})", names)
    return bound
