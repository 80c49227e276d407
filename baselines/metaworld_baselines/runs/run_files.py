"""What a run's folder holds besides checkpoints, read with errors that name the file: `config.json`, and tables of numbers."""

from __future__ import annotations

import csv
import dataclasses
import math
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from metaworld_baselines.runs.checkpoints import RESUME
from metaworld_py.files import read_json, reading

CONFIG = "config.json"
CURVE = "curve.csv"
DEMONSTRATIONS = "demonstrations.json"  # of imitation: what was learned from


def check_place(out: Path) -> None:
    """Refuse the folder of a run as the place of new ones: they would begin at zero inside of it, where who gave it wants to go on.

    Raises:
      ValueError: says which folder to give.
    """
    if (out / CONFIG).is_file() or (out / RESUME).is_file():
        raise ValueError(f"{out} is the folder of a run: give the one that it is in, --out {out.parent}, to go on with it")


def find_runs(places: Sequence[Path], *, with_labels: bool = False) -> list[Path]:
    """Folders of runs that were evaluated: those given, and all below a folder that is none itself, as `runs` or a sweep's.

    Says on stderr which were not evaluated yet.

    Args:
      places: folders; files are left out, so that a shell may write `runs/*`.
      with_labels: runs that learn from labels (`metaworld_baselines.supervised`), which the others leave out, and not those of agents.

    Raises:
      FileNotFoundError: no such folder, or no run of that kind.
      ValueError: a damaged one.
    """
    found = list[Path]()
    for place in places:
        if place.is_file():
            continue
        runs = [place] if (place / CONFIG).is_file() else sorted(path.parent for path in place.rglob(CONFIG))
        if not runs:
            raise FileNotFoundError(f"{place}: no {CONFIG} of a training run there, nor below it")
        for run in runs:
            if ("problem" in read_description(run / CONFIG)["config"]) != with_labels:
                continue
            if (run / CURVE).is_file():
                found.append(run)
            else:
                print(f"{run}: not evaluated yet, left out", file=sys.stderr)
    if places and not found:
        kind = "learns from labels and" if with_labels else "trained an agent and"
        raise FileNotFoundError(f"no run that {kind} was evaluated in {', '.join(map(str, places))}")
    return found


def run_names(folders: Sequence[Path]) -> list[str]:
    """What to call runs in a table or a figure: as their folders, and where a name comes twice, as in a sweep, as the folder above, too."""
    names = [folder.name for folder in folders]
    above = [folder.resolve().parent.name for folder in folders]
    return [name if names.count(name) == 1 else f"{place}/{name}" for place, name in zip(above, names, strict=True)]


def read_description(path: Path) -> dict[str, Any]:
    """What a run says of itself: "algorithm", "config" with a "seed", "versions", "hardware".

    Raises:
      FileNotFoundError: no such file.
      ValueError: another kind of file.
    """
    wanted = "the config.json of a training run"
    described = read_json(path, wanted)
    with reading(path, wanted):
        if not isinstance(described["algorithm"], str) or not isinstance(described["config"]["seed"], int):
            raise TypeError("algorithm must be a name and seed a whole number")
    return described


def read_table(path: Path) -> list[dict[str, float]]:
    """The rows of a table of numbers.

    Raises:
      FileNotFoundError: no such file.
      ValueError: no rows, or rows that are not numbers.
    """
    with reading(path, "a table of a training run"), path.open(newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
        if not rows:
            raise ValueError("it has no rows")
    return rows


def checked_fields(config: Any, plain: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a configuration as a file has them, if they are its fields and of their kinds.

    Args:
      config: a dataclass.
      plain: values by name.

    Raises:
      ValueError: says which is not.
    """
    kinds = typing.get_type_hints(type(config))
    names = [field.name for field in dataclasses.fields(config)]
    for name, value in plain.items():
        if name not in names:
            raise ValueError(f"{type(config).__name__} has no field {name!r}")
        if not _is_of(value, kinds[name]):
            raise ValueError(f"{name} of {type(config).__name__} cannot be {value!r}")
    return dict(plain)


def _is_of(value: Any, kind: Any) -> bool:
    if isinstance(kind, types.UnionType):
        return any(_is_of(value, one) for one in typing.get_args(kind))
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind) if kind in (bool, str, type(None)) else True
