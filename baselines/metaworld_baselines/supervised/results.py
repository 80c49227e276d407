"""What finished runs came to, in one small file: `baselines/results/supervised.json`, from which the page is made.

`python -m metaworld_baselines.supervised.results runs/sinusoid-*` adds runs to it; a run of the same configuration and seed is replaced.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from metaworld_baselines.places import RESULTS
from metaworld_baselines.runs.run_files import CONFIG, find_runs, read_description, read_table
from metaworld_baselines.supervised.settings import NUM_TASKS, MetaConfig, MultiTaskConfig
from metaworld_py.files import read_json, reading, write_json

FILE = RESULTS / "supervised.json"
SCHEMA = "metaworld_py.supervised/1"


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    folders: tyro.conf.Positional[tuple[Path, ...]]
    file: Path = FILE


@dataclass(frozen=True)
class Result:
    """A finished run."""

    config: MetaConfig | MultiTaskConfig
    seed: int
    numbers: dict[str, float]  # of its last evaluation


def config_of(settings: Mapping[str, Any]) -> MetaConfig | MultiTaskConfig:
    """The configuration that has these settings.

    Raises:
      TypeError, ValueError: none has.
    """
    return MultiTaskConfig(**settings) if settings["problem"] in NUM_TASKS else MetaConfig(**settings)


def read_run(folder: Path) -> dict[str, Any]:
    """A finished run as the file has it: settings, seed, last evaluation, versions.

    Raises:
      OSError, ValueError: no run of these, or one that has not finished.
    """
    described = read_description(folder / CONFIG)
    with reading(folder / CONFIG, "the config.json of a supervised run"):
        settings = {name: value for name, value in described["config"].items() if name != "seed"}
        config = config_of(settings)
    last = read_table(folder / "curve.csv")[-1]
    if last["steps"] < config.total_steps:
        raise ValueError(f"{folder} has {last['steps']:,.0f} of {config.total_steps:,} updates: the command that began it goes on with it")
    numbers = {name: float(f"{value:.5g}") for name, value in last.items()}
    return {"settings": settings, "seed": described["config"]["seed"], "numbers": numbers, "versions": described["versions"]}


def add(folders: Iterable[Path], file: Path) -> int:
    """Add runs to a file of results; returns how many it holds then.

    Raises:
      OSError, ValueError: see `read_run`.
    """
    kept = {_identity(run): run for run in (read_json(file)["runs"] if file.is_file() else ())}
    for folder in folders:
        run = read_run(folder)
        kept[_identity(run)] = run
    write_json(file, {"schema": SCHEMA, "runs": sorted(kept.values(), key=lambda run: f"{sorted(run['settings'].items())} {run['seed']}")})
    return len(kept)


def _identity(run: dict[str, Any]) -> str:
    return f"{config_of(run['settings'])} {run['seed']}"  # files of older runs lack newer settings


def read_results(file: Path = FILE) -> list[Result]:
    """All runs of a file of results.

    Raises:
      OSError, ValueError: no such file.
    """
    content = read_json(file)
    with reading(file, "a file of supervised results"):
        if content["schema"] != SCHEMA:
            raise ValueError(f"its schema is {content['schema']!r}")
        return [Result(config_of(run["settings"]), run["seed"], run["numbers"]) for run in content["runs"]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Add runs; returns the exit status."""
    command = tyro.cli(Command, prog="python -m metaworld_baselines.supervised.results", args=arguments)
    try:
        print(f"{command.file}: {add(find_runs(command.folders, with_labels=True), command.file)} runs")
    except (OSError, ValueError) as error:
        print(f"metaworld_baselines.supervised.results: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
