"""Files of a run, each one safetensors file: arrays by name, and a JSON header with configuration, versions and learning curve. No pickle.

- `last.safetensors`, `best.safetensors`: an actor to evaluate.
- `resume.safetensors`: everything that decides the future: networks, optimizers, generators, replay buffer, environments.

A file is written beside its place and moved there in one operation, so a kill at any moment leaves the old one or the new one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import flax
import jax
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from metaworld_py.evaluation import installed_versions
from metaworld_py.files import reading, written_whole

LAST, BEST, RESUME = "last.safetensors", "best.safetensors", "resume.safetensors"
SCHEMA = "metaworld_py.baselines/1"
AGENT = "0/"  # before the names of what learns, where the replay buffer is saved beside it
NETWORKS_ONLY = "networks_only"  # in a header: made by `lighten`


def versions() -> dict[str, str]:
    """Versions that a training run depends on."""
    return installed_versions() | {"jax": jax.__version__, "flax": flax.__version__, "optax": version("optax")}


def save(path: Path, arrays: Any, header: Mapping[str, Any]) -> None:
    """Write a tree of arrays and a header of plain values."""
    text = {"schema": SCHEMA, "versions": versions(), **header}
    with written_whole(path) as part:
        try:
            save_file(named(arrays), part, metadata={name: json.dumps(value) for name, value in text.items()})
        except SafetensorError as error:  # what a full disk raises
            raise OSError(str(error)) from error


def lighten(path: Path, to: Path, keep: Sequence[str]) -> None:
    """Write another resume file with some of a resume file's arrays, small enough to be kept in a repository.

    Raises:
      ValueError: it has none of these.
    """
    header = read_header(path)
    with safe_open(path, framework="numpy") as file:
        names = {name: name.removeprefix(AGENT) for name in file.keys()}  # noqa: SIM118  # no mapping
        arrays = {short: file.get_tensor(name) for name, short in names.items() if short.split("/")[0] in keep}
    if not arrays:
        raise ValueError(f"{path} holds none of {', '.join(keep)}")
    save(to, arrays, {**header, NETWORKS_ONLY: True})


def read_header(path: Path) -> dict[str, Any]:
    """The header of a file that `save` wrote.

    Raises:
      FileNotFoundError: there is none.
      ValueError: another kind of file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}")
    with _reading(path), safe_open(path, framework="numpy") as file:
        header = {name: json.loads(value) for name, value in (file.metadata() or {}).items()}
        if header.get("schema") != SCHEMA:
            raise ValueError(f"its schema is {header.get('schema')!r}")
        if not isinstance(header.get("algorithm"), str) or not isinstance(header.get("config"), dict):
            raise ValueError("its header names no algorithm and configuration")
    return header


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the arrays in a file, by name, without reading them.

    Raises:
      ValueError: not a checkpoint.
    """
    with _reading(path), safe_open(path, framework="numpy") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118  # no mapping


def check_fits(path: Path, wanted: Mapping[str, Any]) -> None:
    """Refuse a file whose arrays have other names or shapes than these.

    Raises:
      ValueError: says the first that differs.
    """
    stored = shapes(path)
    for name in sorted(wanted.keys() | stored.keys()):
        found, need = stored.get(name), tuple(np.shape(wanted[name])) if name in wanted else None
        if found != need:
            raise ValueError(f"{path} does not fit: {name} has shape {found} there, {need} here")


def restore(path: Path, like: Any) -> Any:
    """The arrays of a file, in the shape of a tree of the same kind, of arrays or of what has shapes and dtypes like them.

    Raises:
      ValueError: names or shapes differ; says the first.
    """
    wanted = leaves(like)
    check_fits(path, wanted)
    with _reading(path), safe_open(path, framework="numpy") as file:
        stored = {name: file.get_tensor(name) for name in wanted}
    for name, array in stored.items():
        if array.dtype != wanted[name].dtype:
            raise ValueError(f"{path} does not fit: {name} is {array.dtype} there, {wanted[name].dtype} here")
    return jax.tree.unflatten(jax.tree.structure(like), [stored[name] for name in wanted])


def check_finite(path: Path, arrays: Any) -> None:
    """Refuse weights of a file that are no numbers: a policy of them fails at its first action.

    Raises:
      ValueError: says which array.
    """
    for name, array in leaves(arrays).items():
        if not np.isfinite(array).all():
            raise ValueError(f"{path} holds weights that are not finite: {name}")


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file makes readers raise into a `ValueError` that names it."""
    with reading(path, f"a checkpoint of these baselines ({SCHEMA})"):
        try:
            yield
        except SafetensorError as error:
            raise ValueError(str(error)) from error


def named(tree: Any) -> dict[str, NDArray[Any]]:
    """A tree's arrays on the host, by their paths, in the tree's order."""
    return {name: np.asarray(leaf, order="C") for name, leaf in leaves(tree).items()}


def leaves(tree: Any) -> dict[str, Any]:
    """A tree's leaves by their paths, in the tree's order."""
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}
