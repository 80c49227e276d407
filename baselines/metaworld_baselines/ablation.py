"""An ablation of SAC's recipes: the runs of recipes.toml, one after another, and their table.

python -m metaworld_baselines.ablation run --seeds 1 2 3 --out runs/recipes      goes on where it stopped
python -m metaworld_baselines.ablation table --runs runs/recipes --out baselines/results/recipes.csv
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import tyro

from metaworld_baselines.algorithms.registry import find_algorithm
from metaworld_baselines.jobs import Job, read_jobs
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_py.checks.bench import table

RECIPES_FILE = Path(__file__).with_name("recipes.toml")
COMMON = "common"
COLUMNS = ("recipe", "seed", "env_steps", "seconds", "success", "return")


@dataclass(frozen=True, kw_only=True)
class RunCommand:
    """Train every recipe with every seed."""

    seeds: tuple[int, ...] = (1,)
    recipes: tuple[str, ...] = ()  # these alone; none: all
    out: Path = Path("runs/recipes")  # of the runs' folders, RECIPE-seedN


@dataclass(frozen=True, kw_only=True)
class TableCommand:
    """Collect the evaluations of all runs in one file, and print the last ones."""

    runs: Path = Path("runs/recipes")
    out: Path = Path("baselines/results/recipes.csv")


def read_recipes(path: Path = RECIPES_FILE) -> dict[str, Job]:
    """All recipes by name, each with the common settings that it does not replace."""
    jobs = read_jobs(path)
    common = jobs.pop(COMMON)
    return {name: replace(common, description=job.description, settings=common.settings | job.settings) for name, job in jobs.items()}


def run_all(command: RunCommand) -> None:
    """Seed by seed, so that whatever is done by the time somebody stops it can be compared."""
    recipes = read_recipes()
    if unknown := set(command.recipes) - recipes.keys():
        raise ValueError(f"unknown recipe {', '.join(sorted(unknown))}; there are {', '.join(recipes)}")
    for seed in command.seeds:
        for name in command.recipes or recipes:
            job = recipes[name]
            settings = {**asdict(job.config), "seed": seed}
            run = RlRun(command.out / f"{name}-seed{seed}", job.algorithm, settings, job.config.total_env_steps, allow_slow=True)
            try:
                find_algorithm(job.algorithm).train(job.config, seed, run)
            finally:
                run.close()


def collect(runs: Path) -> list[dict[str, Any]]:
    """All evaluations of all runs in a folder, by the columns of the file.

    Raises:
      ValueError: there is none.
    """
    rows = []
    for path in sorted(runs.glob("*-seed*/curve.csv")):
        name, seed = path.parent.name.rsplit("-seed", 1)
        with path.open() as file:
            rows += [{**row, "recipe": name, "seed": int(seed)} for row in csv.DictReader(file)]
    if not rows:
        raise ValueError(f"no evaluations in {runs}: begin with `run`")
    return rows


def lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """A table of each recipe at the last evaluation that all its seeds have: means over seeds, with each seed's success."""
    head = ("recipe", "steps", "seeds", "return", "success", "success by seed")
    found = []
    for name in dict.fromkeys(row["recipe"] for row in rows):
        of = [row for row in rows if row["recipe"] == name]
        seeds = sorted({row["seed"] for row in of})
        steps = min(max(int(row["env_steps"]) for row in of if row["seed"] == seed) for seed in seeds)
        last = [row for row in of if int(row["env_steps"]) == steps]
        success = [float(row["success"]) for row in last]
        by_seed = ", ".join(f"{value:.0%}" for value in success)
        gained = f"{fmean(float(row['return']) for row in last):.0f}"
        found.append((name, f"{steps:,}", ", ".join(map(str, seeds)), gained, f"{fmean(success):.0%}", by_seed))
    return table(head, found)


def write(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """One file of all evaluations."""
    tasks = [name for name in rows[0] if name.startswith("success/")]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*COLUMNS, *tasks], lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; returns the exit status."""
    commands: dict[str, Any] = {"run": RunCommand, "table": TableCommand}
    command = tyro.extras.subcommand_cli_from_dict(commands, prog="python -m metaworld_baselines.ablation", args=arguments)
    try:
        if isinstance(command, RunCommand):
            run_all(command)
        else:
            rows = collect(command.runs)
            write(rows, command.out)
            print("\n".join(lines(rows)))
    except (ValueError, OSError, FloatingPointError) as error:
        print(f"metaworld_baselines.ablation: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
