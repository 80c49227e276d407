"""Files of a run, each one safetensors file: arrays by name, and a JSON header with configuration, versions and learning curve. No pickle.

- `last.safetensors`, `best.safetensors`: an actor to evaluate.
- `resume.safetensors`: everything that decides the future: networks, optimizers, generators, replay buffer, environments.

A file is written beside its place and moved there in one operation, so a kill at any moment leaves the old one or the new one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
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

LAST, BEST, RESUME = "last.safetensors", "best.safetensors", "resume.safetensors"
SCHEMA = "metaworld_py.baselines/1"
NETWORKS_ONLY = "networks_only"  # in a header: made by `lighten`


def versions() -> dict[str, str]:
    """Versions that a training run depends on."""
    return installed_versions() | {"jax": jax.__version__, "flax": flax.__version__, "optax": version("optax")}


def save(path: Path, arrays: Any, header: Mapping[str, Any]) -> None:
    """Write a tree of arrays and a header of plain values."""
    text = {"schema": SCHEMA, "versions": versions(), **header}
    beside = path.with_suffix(".part")
    save_file(named(arrays), beside, metadata={name: json.dumps(value) for name, value in text.items()})
    with beside.open("r+b") as file:
        os.fsync(file.fileno())
    beside.replace(path)


def lighten(path: Path, to: Path, keep: Sequence[str]) -> None:
    """Write another resume file with some of a resume file's arrays, small enough to be kept in a repository."""
    header = read_header(path)
    with safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys() if name.split("/")[0] in keep}  # noqa: SIM118  # no mapping
    save(to, arrays, {**header, NETWORKS_ONLY: True})


def read_header(path: Path) -> dict[str, Any]:
    """The header of a file that `save` wrote.

    Raises:
      FileNotFoundError: there is none.
      ValueError: another kind of file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}")
    try:
        with safe_open(path, framework="numpy") as file:
            header = {name: json.loads(value) for name, value in (file.metadata() or {}).items()}
    except (SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not a checkpoint of these baselines: {error}") from error
    if header.get("schema") != SCHEMA:
        raise ValueError(f"{path} is not a checkpoint of these baselines ({SCHEMA})")
    return header


def restore(path: Path, like: Any) -> Any:
    """The arrays of a file, in the shape of a tree of the same kind.

    Raises:
      ValueError: names or shapes differ; says the first.
    """
    with safe_open(path, framework="numpy") as file:
        stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
    wanted = named(like)
    for name in sorted(wanted.keys() | stored.keys()):
        found, need = (np.shape(of[name]) if name in of else None for of in (stored, wanted))
        if found != need:
            raise ValueError(f"{path} does not fit: {name} has shape {found} there, {need} here")
    return jax.tree.unflatten(jax.tree.structure(like), [stored[name].astype(wanted[name].dtype) for name in wanted])


def named(tree: Any) -> dict[str, NDArray[Any]]:
    """A tree's arrays on the host, by their paths, in the tree's order."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(leaf, order="C") for path, leaf in leaves}
