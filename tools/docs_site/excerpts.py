"""What the code says, as text for the site: a function with all it stands on, the rule of success, the fields of a record.

Everything is read from the syntax tree of the pages in `metaworld_py/tasks`, so that the site cannot say anything that the code does not.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from types import FunctionType, ModuleType
from typing import Any

PAGES = "metaworld_py.tasks."
VOCABULARY = (f"{PAGES}common.shaping", f"{PAGES}common.expert", f"{PAGES}common.definition")


@dataclass
class Excerpt:
    """A function and what it stands on."""

    doc: str  # its docstring, or that of the function that makes it
    code: str
    settings: dict[str, str]  # values it was made with: keywords of a partial, variables of a closure
    constants: list[str] = field(default_factory=list)  # assignments with their comments
    helpers: list[str] = field(default_factory=list)  # sources of the functions of the pages that it calls
    vocabulary: list[str] = field(default_factory=list)  # what it takes from shaping


def excerpt(function: Callable[..., Any]) -> Excerpt:
    """A score, expert or condition of a task page with everything that it uses."""
    plain, settings = _plain(function)
    if plain.__name__ == "<lambda>":
        callee = next((name for name in plain.__code__.co_names if isinstance(plain.__globals__.get(name), FunctionType)), None)
        assert callee is not None, "a lambda in a page calls a function of that page"
        plain = plain.__globals__[callee]
    outer = _outer(plain)
    doc = (inspect.getdoc(plain) or inspect.getdoc(outer) or "").partition("\n\nArgs:")[0]
    result = Excerpt(doc, _source(outer), {name: _text(value) for name, value in settings.items()})
    _collect(outer, result, seen={outer})
    for value in settings.values():
        if isinstance(value, FunctionType) and value.__module__.startswith(PAGES) and value.__name__ != "<lambda>":
            _add_helper(_outer(value), result, {outer})
    return result


def _plain(function: Callable[..., Any]) -> tuple[FunctionType, dict[str, Any]]:
    """The function behind partials, and the values it was made with."""
    settings: dict[str, Any] = {}
    while isinstance(function, partial):
        settings = {**function.keywords, **settings}
        function = function.func
    assert isinstance(function, FunctionType)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        settings[name] = cell.cell_contents
    return function, settings


def _outer(function: FunctionType) -> FunctionType:
    """The function of the module that makes this one, or itself."""
    found: FunctionType = getattr(importlib.import_module(function.__module__), function.__qualname__.split(".")[0])
    return found


@cache
def _tree(module_name: str) -> tuple[ast.Module, list[str]]:
    text = inspect.getsource(importlib.import_module(module_name))
    return ast.parse(text), text.splitlines()


def _source(function: FunctionType) -> str:
    return textwrap.dedent(inspect.getsource(function)).rstrip()


def _names(text: str) -> list[str]:
    """Names that a piece of code reads, in order."""
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    return list(dict.fromkeys(node.id for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset))))


def _collect(function: FunctionType, result: Excerpt, seen: set[FunctionType]) -> None:
    module = importlib.import_module(function.__module__)
    for name in _names(_source(function)):
        value = getattr(module, name, None)
        if isinstance(value, FunctionType):
            if value.__module__ == VOCABULARY[0]:
                if name not in result.vocabulary:
                    result.vocabulary.append(name)
            elif value.__module__.startswith(PAGES) and value.__module__ not in VOCABULARY:
                _add_helper(_outer(value), result, seen)
        elif value is not None and (line := _assignment(module, name)) and line not in result.constants:
            result.constants.append(line)
            _constants_of(module, line, result)


def _add_helper(function: FunctionType, result: Excerpt, seen: set[FunctionType]) -> None:
    if function not in seen:
        seen.add(function)
        result.helpers.append(_source(function))
        _collect(function, result, seen)


def _constants_of(module: ModuleType, line: str, result: Excerpt) -> None:
    """Constants that a constant is made of."""
    for name in _names(line):
        if (found := _assignment(module, name)) and found not in result.constants:
            result.constants.append(found)
            _constants_of(module, found, result)


def _assignment(module: ModuleType, name: str) -> str | None:
    """The line that sets a module's constant, with its comment; from the module that it was imported from, if it was."""
    if not name.isupper():
        return None
    tree, lines = _tree(module.__name__)
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(part, ast.Name) and part.id == name for target in targets for part in ast.walk(target)):
            assert node.end_lineno is not None
            return "\n".join(lines[node.lineno - 1 : node.end_lineno])
        if isinstance(node, ast.ImportFrom) and node.module and any((alias.asname or alias.name) == name for alias in node.names):
            return _assignment(importlib.import_module(node.module), name)
    return None


def _text(value: Any) -> str:
    return value.__name__ if isinstance(value, FunctionType) else repr(value)


# success


def success_rule(score: Callable[..., Any]) -> str:
    """Python that says when a score's success is true: the expression, then what its names stand for."""
    plain, settings = _plain(score)
    module = importlib.import_module(plain.__module__)
    tree = _definition(plain)
    bindings = _defaults(tree)
    bindings.update({name: ast.parse(_text(value), mode="eval").body for name, value in settings.items() if _is_printable(value)})
    parts = _success(tree, module, bindings)
    assert parts is not None, f"{plain.__qualname__} returns no Score"
    expression, scopes, modules = parts
    if isinstance(expression, ast.Name) and (found := next((_local(tree, expression.id) for tree, _ in scopes), None)) is not None:
        expression = _bound(found[1], scopes[0][1]) if found[0] == expression.id else expression
    lines: list[str] = []  # what is stood on comes first; turned around at the end
    helpers: list[str] = []
    for name in _following(expression, scopes, lines, known=set()):
        if name in settings:
            lines.append(f"{name} = {_text(settings[name])}")
            continue
        where = next((one for one in modules if hasattr(one, name)), None)
        if where is not None:
            _explain(where, name, lines, helpers)
    return "\n\n\n".join(["\n".join([f"success = {ast.unparse(expression)}", *lines[::-1]]), *helpers])


def _explain(module: ModuleType, name: str, lines: list[str], helpers: list[str]) -> None:
    """Append what a name of a module stands for, unless it is part of the vocabulary: a constant's line, or a function's source."""
    value = getattr(module, name, None)
    if isinstance(value, FunctionType):
        source = _source(value)
        if value.__module__.startswith(PAGES) and value.__module__ not in VOCABULARY and source not in helpers:
            helpers.append(source)
            for inner in _names(source):
                _explain(importlib.import_module(value.__module__), inner, lines, helpers)
    elif (line := _assignment(module, name)) is not None and line not in lines:
        for inner in _names(line):
            _explain(module, inner, lines, helpers)
        lines.append(line)


def _is_printable(value: Any) -> bool:
    return isinstance(value, (int, float, str, tuple)) and "(" not in repr(value)[1:]


def _definition(function: FunctionType) -> ast.FunctionDef:
    """A function's own syntax tree, found by its line in the module."""
    tree, _ = _tree(function.__module__)
    first = function.__code__.co_firstlineno
    return next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.lineno == first)


Scopes = list[tuple[ast.FunctionDef, dict[str, ast.expr]]]


def _success(tree: ast.FunctionDef, module: ModuleType, bindings: dict[str, ast.expr]) -> tuple[ast.expr, Scopes, list[ModuleType]] | None:
    """The second argument of the Score that a function returns, itself or through a helper, with the scopes its names live in."""
    for call in _returned_calls(tree):
        if not isinstance(call.func, ast.Name):
            continue
        if call.func.id == "Score":
            return _bound(call.args[1], bindings), [(tree, bindings)], [module]
        helper = getattr(module, call.func.id, None)
        if isinstance(helper, partial):
            helper = helper.func
        if isinstance(helper, FunctionType) and helper.__module__.startswith(PAGES):
            inner_tree = _definition(helper)
            given: dict[str, ast.expr] = _defaults(inner_tree)
            given.update(zip((argument.arg for argument in inner_tree.args.args), call.args, strict=False))
            given.update({keyword.arg: keyword.value for keyword in call.keywords if keyword.arg})
            given = {name: _bound(value, bindings) for name, value in given.items()}
            found = _success(inner_tree, importlib.import_module(helper.__module__), given)
            if found is not None:
                expression, scopes, modules = found
                return expression, [*scopes, (tree, bindings)], [*modules, module]
    return None


def _returned_calls(tree: ast.FunctionDef) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and node.value is not None:
            yield from (part for part in (node.value, *ast.iter_child_nodes(node.value)) if isinstance(part, ast.Call))


def _defaults(tree: ast.FunctionDef) -> dict[str, ast.expr]:
    arguments = tree.args
    given = dict(zip([one.arg for one in arguments.args[::-1]], arguments.defaults[::-1], strict=False))
    given.update({one.arg: value for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value is not None})
    return given


class _Bind(ast.NodeTransformer):
    def __init__(self, bindings: dict[str, ast.expr]) -> None:
        self.bindings = bindings

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.bindings.get(node.id, node)


def _bound(expression: ast.expr, bindings: dict[str, ast.expr]) -> ast.expr:
    copied = ast.parse(ast.unparse(expression), mode="eval").body
    bound: ast.expr = _Bind({name: value for name, value in bindings.items() if name not in ("now", "start")}).visit(copied)
    return bound


def _following(expression: ast.expr, scopes: Scopes, lines: list[str], known: set[str]) -> Iterator[str]:
    """Append the local assignments that an expression's names come from, each after those it stands on; yield all other names."""
    for name in reversed(_names(ast.unparse(expression))):
        if name in known:
            continue
        known.add(name)
        found = next(((local, bindings) for tree, bindings in scopes if (local := _local(tree, name)) is not None), None)
        if found is None:
            yield name
            continue
        (target, value), bindings = found
        bound = _bound(value, bindings)
        yield from _following(bound, scopes, lines, known)
        line = f"{target} = {ast.unparse(bound)}"
        if line not in lines:
            lines.append(line)


def _local(tree: ast.FunctionDef, name: str) -> tuple[str, ast.expr] | None:
    """What a function assigns to a local name first."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id == name:
            return name, node.value
        if isinstance(target, ast.Tuple):
            names = [part.id if isinstance(part, ast.Name) else "" for part in target.elts]
            if name in names:
                if isinstance(node.value, ast.Tuple) and len(node.value.elts) == len(names):
                    return name, node.value.elts[names.index(name)]
                return ", ".join(names), node.value
    return None


# records


def field_comments(record: type[Any]) -> list[tuple[str, str, str, str]]:
    """Fields of a dataclass in order: name, type, default ("" without), and the comment beside it."""
    lines = textwrap.dedent(inspect.getsource(record)).splitlines()
    definition = ast.parse("\n".join(lines)).body[0]
    assert isinstance(definition, ast.ClassDef)
    rows = []
    for node in definition.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.end_lineno is not None:
            comment = lines[node.end_lineno - 1][node.end_col_offset :].partition("#")[2].strip()
            default = repr(getattr(record, node.target.id)) if node.value is not None else ""
            rows.append((node.target.id, ast.unparse(node.annotation), default, comment))
    return rows
