"""Learning curves of runs as a picture.

`python -m metaworld_baselines.publishing.plot runs/sac-reach-seed1 runs/sac-reach-seed2 --out reach.png` draws it.
Runs that differ in nothing but the seed are drawn in one colour, faintly, below their mean.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import tyro
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from metaworld_baselines.runs.run_files import find_runs, read_table, run_names
from metaworld_py.files import written_whole

LINES = {  # (prefix, suffix) of columns -> how they are drawn
    ("", ""): ("-", ", held-out goals, adapted"),
    ("train_", ""): ("--", ", training goals, adapted"),
    ("", "_before"): (":", ", held-out goals, before"),
}


COLOURS = [f"C{index}" for index in range(10) if index != 7]  # without the grey, which is for what others published


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    folders: tyro.conf.Positional[tuple[Path, ...]]
    out: Path = Path("curves.png")


def draw(folders: Sequence[Path]) -> Figure:
    """Success rate and return of evaluations over environment steps.

    Of meta-learners also on training goals (dashed) and before adaptation (dotted): the distance to the dashed line is what was memorised
    rather than learned to adapt to, that to the dotted one what adaptation brings.
    """
    runs: dict[str, list[list[dict[str, float]]]] = {}
    for folder, name in zip(folders, run_names(folders), strict=True):
        runs.setdefault(re.sub(r"-seed\d+$", "", name), []).append(read_table(folder / "curve.csv"))
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, 2)
    for index, (name, seeds) in enumerate(runs.items()):
        for axis, what in zip(axes, ("success", "return"), strict=True):
            for (prefix, suffix), (style, told) in LINES.items():
                column = f"{prefix}{what}{suffix}"
                curves = [{row["env_steps"]: row[column] for row in rows} for rows in seeds if column in rows[0]]
                label = f"{name}{told if 'train_success' in seeds[0][0] else ''}"
                draw_runs(axis, curves, label, color=COLOURS[index % len(COLOURS)], linestyle=style)
    for axis, title in zip(axes, ("success rate", "return"), strict=True):
        axis.set(title=title, xlabel="environment steps")
        axis.xaxis.set_major_formatter(EngFormatter(sep=""))
        axis.grid(alpha=0.3)
    axes[0].set_ylim(-0.03, 1.03)
    handles, labels = axes[0].get_legend_handles_labels()
    columns = 3 if max(map(len, labels)) < 40 else 2
    figure.set_figheight(3.0 + 0.2 * -(-len(labels) // columns))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize="x-small")
    return figure


def draw_runs(axis: Axes, curves: Sequence[Mapping[float, float]], label: str, **style: Any) -> None:
    """Draw one run as a line; several, which differ in the seed, faintly, and their mean where all of them were evaluated.

    Args:
      axis: where to.
      curves: values by environment steps, of each run.
      label: for the legend.
      style: of the lines.
    """
    shared = sorted(set.intersection(*map(set, curves))) if len(curves) > 1 else []
    for index, curve in enumerate(curves):
        named = None if shared or index else label
        axis.plot(list(curve), list(curve.values()), marker=".", label=named, alpha=0.35 if shared else 1.0, **style)
    if shared:
        axis.plot(shared, [fmean(curve[steps] for curve in curves) for steps in shared], marker=".", linewidth=2, label=label, **style)


def save_figure(figure: Figure, path: Path, dpi: int) -> None:
    """Write a picture of a figure, whole or not at all."""
    with written_whole(path, keeps_suffix=True) as part:
        figure.savefig(part, dpi=dpi)


def main() -> int:
    """Draw; returns the exit status."""
    command = tyro.cli(Command, prog="python -m metaworld_baselines.publishing.plot")
    try:
        save_figure(draw(find_runs(command.folders)), command.out, dpi=110)
    except (OSError, ValueError) as error:
        print(f"metaworld_baselines.publishing.plot: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
