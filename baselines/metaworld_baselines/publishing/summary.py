"""Runs as a table: what each run reached, how long it took, and where.

`python -m metaworld_baselines.publishing.summary runs/*` prints it.
"""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from metaworld_py.checks.bench import table

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
    described = json.loads((folder / "config.json").read_text())
    with (folder / "curve.csv").open() as file:
        points = [{name: float(value) for name, value in point.items()} for point in csv.DictReader(file)]
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


def main() -> int:
    """Print; returns the exit status."""
    command = tyro.cli(Command, prog="python -m metaworld_baselines.publishing.summary")
    try:
        print("\n".join(table(HEAD, [row(folder) for folder in command.folders if folder.is_dir()])))
    except (OSError, KeyError) as error:
        print(f"metaworld_baselines.publishing.summary: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
