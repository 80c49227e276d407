"""What a finished run left in its folder, read back."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from statistics import median
from typing import Any

from metaworld_baselines.algorithms.registry import find_algorithm


def read_run(folder: Path) -> tuple[str, Any, int, dict[str, Any]]:
    """Algorithm, configuration, seed, and the rest of what a run says of itself.

    Raises:
      OSError: no run there.
    """
    described = json.loads((folder / "config.json").read_text())
    algorithm = described["algorithm"]
    return algorithm, find_algorithm(algorithm).config_from(described["config"]), described["config"]["seed"], described


def read_curve(folder: Path) -> list[dict[str, float]]:
    """The evaluations of a run, in order.

    Raises:
      OSError: none there.
    """
    with (folder / "curve.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def read_trials(folder: Path) -> list[dict[str, float]]:
    """The evaluations of a meta-learner episode by episode, in order; nothing of older runs."""
    path = folder / "trials.csv"
    if not path.is_file():
        return []
    with path.open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def read_throughput(folder: Path) -> tuple[float, float]:
    """Environment steps and gradient updates per second of wall time, medians over training.

    Raises:
      OSError: no record there.
    """
    with (folder / "progress.csv").open() as file:
        rows = list(csv.DictReader(file))
    steps, updates = ([float(row[name]) for row in rows] for name in ("steps_per_s", "updates_per_s"))
    return round(median(steps), 1), round(median(updates), 2)
