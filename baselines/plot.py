"""Learning curves of runs as a picture: `python -m baselines.plot runs/sac-reach-seed1 runs/sac-reach-seed2 --out reach.png`.

Runs that differ in nothing but the seed are drawn in one colour.
"""

from __future__ import annotations

import csv
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import tyro
from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    folders: tyro.conf.Positional[tuple[Path, ...]]
    out: Path = Path("curves.png")


def draw(folders: tuple[Path, ...]) -> Figure:
    """Success rate and return of evaluations over environment steps."""
    names = [re.sub(r"-seed\d+$", "", folder.name) for folder in folders]
    colours = {name: f"C{index}" for index, name in enumerate(dict.fromkeys(names))}
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots(1, 2)
    for folder, name in zip(folders, names, strict=True):
        with (folder / "curve.csv").open() as file:
            rows = list(csv.DictReader(file))
        steps = [int(row["env_steps"]) for row in rows]
        is_first = name not in {line.get_label() for line in axes[0].lines}
        for axis, column in zip(axes, ("success", "return"), strict=True):
            values = [float(row[column]) for row in rows]
            axis.plot(steps, values, color=colours[name], marker=".", label=name if is_first else None)
    for axis, title in zip(axes, ("success rate", "return"), strict=True):
        axis.set(title=title, xlabel="environment steps")
        axis.grid(alpha=0.3)
    axes[0].set_ylim(-0.03, 1.03)
    axes[0].legend(fontsize="small")
    return figure


def main() -> int:
    """Draw; returns the exit status."""
    command = tyro.cli(Command, prog="python -m baselines.plot")
    try:
        draw(command.folders).savefig(command.out, dpi=110)
    except OSError as error:
        print(f"baselines.plot: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
