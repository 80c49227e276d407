"""Learning curves of runs as a picture.

`python -m metaworld_baselines.publishing.plot runs/sac-reach-seed1 runs/sac-reach-seed2 --out reach.png` draws it.
Runs that differ in nothing but the seed are drawn in one colour.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from metaworld_baselines.runs.run_files import find_runs, read_table, run_names
from metaworld_py.files import written_whole

LINES = {  # (prefix, suffix) of columns -> how they are drawn
    ("", ""): ("-", ", held-out goals, adapted"),
    ("train_", ""): ("--", ", training goals, adapted"),
    ("", "_before"): (":", ", held-out goals, before"),
}


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
    names = [re.sub(r"-seed\d+$", "", name) for name in run_names(folders)]
    colours = {name: f"C{index}" for index, name in enumerate(dict.fromkeys(names))}
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots(1, 2)
    labelled = set()
    for folder, name in zip(folders, names, strict=True):
        rows = read_table(folder / "curve.csv")
        steps = [row["env_steps"] for row in rows]
        for axis, column in zip(axes, ("success", "return"), strict=True):
            for (prefix, suffix), (style, what) in LINES.items():
                if f"{prefix}{column}{suffix}" not in rows[0]:
                    continue
                values = [row[f"{prefix}{column}{suffix}"] for row in rows]
                label = f"{name}{what if 'train_success' in rows[0] else ''}"
                axis.plot(
                    steps, values, color=colours[name], linestyle=style, marker=".", label=None if (axis, label) in labelled else label
                )
                labelled.add((axis, label))
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
