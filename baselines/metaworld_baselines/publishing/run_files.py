"""What a finished run left in its folder, read back for tables and cards."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from metaworld_baselines.algorithms.registry import find_algorithm
from metaworld_baselines.runs.checkpoints import LAST
from metaworld_baselines.runs.run_files import CONFIG, CURVE, DEMONSTRATIONS, read_description, read_table
from metaworld_py.files import read_json, reading


def read_run(folder: Path) -> tuple[str, Any, int, dict[str, Any]]:
    """Algorithm, configuration, seed, and the rest of what a run says of itself.

    Raises:
      OSError: no run there.
      ValueError: a damaged one.
    """
    path = folder / CONFIG
    described = read_description(path)
    algorithm = described["algorithm"]
    with reading(path, "the configuration of an algorithm that is installed"):
        config = find_algorithm(algorithm).config_from(described["config"])
    return algorithm, config, described["config"]["seed"], described


def read_curve(folder: Path) -> list[dict[str, float]]:
    """The evaluations of a run, in order.

    Raises:
      OSError: none there.
    """
    return read_table(folder / CURVE)


def read_trials(folder: Path) -> list[dict[str, float]]:
    """The evaluations of a meta-learner episode by episode, in order; nothing of older runs."""
    path = folder / "trials.csv"
    return read_table(path) if path.is_file() else []


def read_demonstrated(folder: Path) -> dict[str, Any] | None:
    """Who demonstrated ("who") and how many "steps", in a run of imitation; None in others.

    Raises:
      ValueError: a damaged file.
    """
    path, wanted = folder / DEMONSTRATIONS, "what a run of imitation learned from"
    if not path.is_file():
        return None
    told = read_json(path, wanted)
    with reading(path, wanted):
        if not isinstance(told["steps"], int) or not isinstance(told["who"], str):
            raise TypeError("steps must be a whole number and who a text")
    return told


def is_of_last(path: Path, folder: Path) -> bool:
    """Whether a result that is kept in a run's folder was played by its last weights, and not by those before it went on."""
    weights = folder / LAST
    return path.is_file() and not (weights.is_file() and weights.stat().st_mtime > path.stat().st_mtime)


def read_throughput(folder: Path) -> tuple[float, float]:
    """Environment steps and gradient updates per second of wall time, medians over training.

    Raises:
      OSError: no record there.
    """
    rows = read_table(folder / "progress.csv")
    steps, updates = ([row[name] for row in rows] for name in ("steps_per_s", "updates_per_s"))
    return round(median(steps), 1), round(median(updates), 2)
