"""The table of combinations and architectures, and its figure, for docs/gradients.md.

`python -m metaworld_baselines.publishing.combinations_page` makes both anew from `baselines/results/combinations`: a folder for each entry
of `baselines/combinations.toml`, with the runs of its seeds, and what an update costs (`perf/combinations.py`). Entries of
`baselines/combinations_off_policy.toml` have a table of their own, from `baselines/results/combinations-off-policy`.

Differences are paired: of the run with the same seed that takes the mean of the tasks' gradients, which began with the same networks in the
same instances. Three differences say next to nothing about their own spread (their interval is four times the spread of three numbers), so
intervals take the spread of all entries' runs about what entry and seed explain, which is assumed to be the same for all.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import tyro
from matplotlib.figure import Figure
from scipy import stats

from metaworld_baselines.places import HERE
from metaworld_baselines.publishing.field_page import with_tables
from metaworld_baselines.publishing.plot import save_figure
from metaworld_baselines.publishing.run_files import read_curve, read_run
from metaworld_py.checks.bench import table
from metaworld_py.files import write_text

PAGE = Path("docs/gradients.md")
IMAGE = Path("docs/images/combinations.png")
FOLDER = HERE / "results" / "combinations"
OFF_POLICY = HERE / "results" / "combinations-off-policy"
COSTS = "costs.json"
REFERENCE = "combination-mean"
COMBINATION, ARCHITECTURE = (
    "combination-",
    "architecture-",
)  # how names of entries begin; others are of settings, and stand with combinations
HEAD = ("success, % (seeds)", "against the mean, points", "worst task")
COSTS_HEAD = ("parameters", "update, ms", "memory of an update, MiB")  # left out where nothing was measured


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    folder: Path = FOLDER
    off_policy: Path = OFF_POLICY
    page: Path = PAGE
    image: Path = IMAGE


@dataclass(frozen=True)
class Entry:
    """Runs that differ in nothing but the seed: success of each task at the end, by seed."""

    name: str
    rates: dict[int, dict[str, float]]

    @property
    def label(self) -> str:
        """Without what is said by the table it stands in."""
        return self.name.removeprefix(COMBINATION).removeprefix(ARCHITECTURE)

    @property
    def success(self) -> dict[int, float]:
        """Mean over tasks in %, by seed."""
        return {seed: 100.0 * fmean(tasks.values()) for seed, tasks in sorted(self.rates.items())}

    @property
    def worst(self) -> tuple[str, float]:
        """The task with the lowest mean over seeds, and that mean in %."""
        tasks = next(iter(self.rates.values()))
        means = {task: 100.0 * fmean(rates[task] for rates in self.rates.values()) for task in tasks}
        return min(means.items(), key=lambda item: item[1])

    def against(self, other: Entry) -> list[float]:
        """Differences in points to another entry's runs of the same seeds."""
        theirs = other.success
        return [success - theirs[seed] for seed, success in self.success.items() if seed in theirs]


@dataclass(frozen=True)
class Spread:
    """How far runs lie from what their entry and their seed explain: standard deviation in points, and degrees of freedom."""

    std: float
    freedom: int

    def margin(self, pairs: int) -> float | None:
        """Half the width of the 95 % interval of a mean of paired differences (Student's); None where no entry has several seeds."""
        return float(stats.t.ppf(0.975, self.freedom)) * self.std * (2.0 / pairs) ** 0.5 if self.freedom and pairs else None


def spread_of_runs(entries: Iterable[Entry]) -> Spread:
    """The spread that all entries' runs have in common: of what is left of a least-squares fit of success to entries and seeds."""
    runs = [(entry.name, seed, success) for entry in entries for seed, success in entry.success.items()]
    names, seeds = ({value: place for place, value in enumerate(sorted(set(values)))} for values in list(zip(*runs, strict=True))[:2])
    explains = np.zeros((len(runs), len(names) + len(seeds)))
    for row, (name, seed, _) in zip(explains, runs, strict=True):
        row[[names[name], len(names) + seeds[seed]]] = 1.0
    success = np.array([run[2] for run in runs])
    fit, _, rank, _ = np.linalg.lstsq(explains, success, rcond=None)
    freedom = len(runs) - int(rank)
    return Spread(float(np.sqrt(((success - explains @ fit) ** 2).sum() / max(freedom, 1))), freedom)


def read_entries(folder: Path) -> dict[str, Entry]:
    """All entries that have runs, best first.

    Raises:
      OSError: a folder without a curve.
      ValueError: a damaged file; no runs of the reference.
    """
    found: dict[str, Entry] = {}
    for place in sorted(folder.glob("*/*/curve.csv")):
        seed, last = read_run(place.parent)[2], read_curve(place.parent)[-1]
        rates = {name.removeprefix("success/"): value for name, value in last.items() if name.startswith("success/")}
        found.setdefault(place.parent.parent.name, Entry(place.parent.parent.name, {})).rates[seed] = rates
    if REFERENCE not in found:
        raise ValueError(f"no runs of {REFERENCE} in {folder}, which all others are compared with: train its entry of baselines/*.toml")
    return dict(sorted(found.items(), key=lambda item: -fmean(item[1].success.values())))


def rows(entries: Iterable[Entry], reference: Entry, spread: Spread, costs: dict[str, dict[str, float]]) -> list[tuple[str, ...]]:
    """A row for each entry."""
    found: list[tuple[str, ...]] = []
    for entry in entries:
        success = entry.success
        seeds = ", ".join(f"{value:.0f}" for value in success.values())
        task, rate = entry.worst
        spent: tuple[str, ...] = ("",) * len(COSTS_HEAD) if costs else ()
        if entry.name in costs:
            cost = costs[entry.name]
            spent = f"{cost['parameters']:,.0f}", f"{cost['update_ms']:.1f}", f"{cost['memory_mib']:.0f}"
        against = entry.against(reference)
        half = spread.margin(len(against))
        difference = "" if entry is reference or not against else f"{fmean(against):.1f}" + (f" ± {half:.1f}" if half is not None else "")
        found.append((entry.label, f"{fmean(success.values()):.1f} ({seeds})", difference, f"{task} {rate:.0f} %", *spent))
    return found


def read_costs(folder: Path) -> dict[str, dict[str, float]]:
    """What an update of each entry costs; of none where it was not measured."""
    path = folder / COSTS
    return json.loads(path.read_text()) if path.is_file() else {}


def draw(entries: Iterable[Entry], reference: Entry, spread: Spread) -> Figure:
    """Paired differences to the mean: every seed, and the 95 % interval of their mean."""
    shown = [entry for entry in entries if entry is not reference and entry.against(reference)]
    figure = Figure(figsize=(7.5, 0.27 * len(shown) + 1.2), layout="constrained")
    axis = figure.subplots()
    for place, entry in enumerate(shown):
        against = entry.against(reference)
        color = "C1" if entry.name.startswith(ARCHITECTURE) else "C0"
        axis.errorbar(fmean(against), place, xerr=spread.margin(len(against)), fmt="o", color=color, capsize=3)
        axis.scatter(against, [place] * len(against), color="0.5", s=8, zorder=3)
    axis.axvline(0.0, color="0.2", linewidth=0.8)
    axis.set_yticks(range(len(shown)), [entry.label for entry in shown])
    axis.invert_yaxis()
    axis.set(xlabel="success on MT10 against the mean of the gradients, same seed: points", title="Combinations (blue) and architectures")
    axis.grid(axis="x", alpha=0.3)
    return figure


def off_policy_table(folder: Path) -> list[str]:
    """Success of the entries of another sweep, without costs."""
    entries = read_entries(folder)
    return table(("combination", *HEAD), rows(entries.values(), entries[REFERENCE], spread_of_runs(entries.values()), {}))


def make(command: Command) -> Iterable[Path]:
    """Write the tables, and draw the figure where the page shows it; yields what was written."""
    entries, costs = read_entries(command.folder), read_costs(command.folder)
    reference, spread = entries[REFERENCE], spread_of_runs(entries.values())
    combinations = [entry for name, entry in entries.items() if not name.startswith(ARCHITECTURE)]
    architectures = [entry for name, entry in entries.items() if name.startswith(ARCHITECTURE)]
    head = (*HEAD, *(COSTS_HEAD if costs else ()))
    parts = {
        "combinations": lambda: table(("combination", *head), rows(combinations, reference, spread, costs)),
        "architectures": lambda: table(("architecture", *head), rows(architectures, reference, spread, costs)),
        "off_policy": lambda: off_policy_table(command.off_policy),
    }
    text = with_tables(command.page.read_text(), parts)
    write_text(command.page, text)
    yield command.page
    if command.image.name in text:
        save_figure(draw([*combinations, *architectures], reference, spread), command.image, dpi=90)
        yield command.image


def main(arguments: Sequence[str] | None = None) -> int:
    """Make tables and figure; returns the exit status."""
    command = tyro.cli(Command, prog="python -m metaworld_baselines.publishing.combinations_page", args=arguments)
    try:
        for path in make(command):
            print(path)
    except (OSError, ValueError) as error:
        print(f"metaworld_baselines.publishing.combinations_page: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
