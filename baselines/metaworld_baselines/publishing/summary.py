"""Runs as a table: what each run reached, how long it took, and where.

`python -m metaworld_baselines.publishing.summary runs/*` prints it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from metaworld_baselines.runs.run_files import CONFIG, find_runs, read_table, run_names
from metaworld_py.checks.bench import table
from metaworld_py.files import read_json

HEAD = ("run", "steps", "hours", "success, last", "best", "return, last", "hardware")


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    folders: tyro.conf.Positional[tuple[Path, ...]]


def row(folder: Path) -> tuple[str, ...]:
    """One run. Of meta-learners success and return before → after adaptation, on held-out goals.

    Raises:
      OSError: no run there.
    """
    described, points = read_json(folder / CONFIG, "the config.json of a training run"), read_table(folder / "curve.csv")
    last = points[-1]
    success, gained = f"{last['success']:.0%}", f"{last['return']:.0f}"
    if "success_before" in last:
        success, gained = f"{last['success_before']:.0%} → {success}", f"{last['return_before']:.0f} → {gained}"
    best = max(point["success"] for point in points)
    return (
        folder.name,
        f"{last['env_steps']:,.0f}",
        f"{last['seconds'] / 3600:.2f}",
        success,
        f"{best:.0%}",
        gained,
        described["hardware"],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print; returns the exit status."""
    command = tyro.cli(Command, prog="python -m metaworld_baselines.publishing.summary", args=arguments)
    try:
        folders = find_runs(command.folders)
        rows = [(name, *row(folder)[1:]) for name, folder in zip(run_names(folders), folders, strict=True)]
        print("\n".join(table(HEAD, rows)))
    except (OSError, ValueError, KeyError) as error:
        print(f"metaworld_baselines.publishing.summary: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
