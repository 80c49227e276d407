"""The table of combinations and architectures, and its figure, for docs/gradients.md.

`python -m metaworld_baselines.publishing.combinations_page` makes both anew from `baselines/results/combinations`: a folder for each entry
of `baselines/combinations.toml`, with the runs of its seeds, and what an update costs (`perf/combinations.py`). Entries of
`baselines/combinations_off_policy.toml` have a table of their own, from `baselines/results/combinations-off-policy`.

Differences are paired: of the run with the same seed that takes the mean of the tasks' gradients, which began with the same networks in the
same instances. Three differences say next to nothing about their own spread, so intervals take the spread of all entries' runs about what
entry and seed explain, which is assumed to be the same for all.

Success is measured twice: at the end, with the most likely actions of the last weights; and in the last quarter of training, with drawn
actions, which is a mean over many weights.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from statistics import fmean

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from matplotlib.figure import Figure
from scipy import stats

from metaworld_baselines.networks.actor_critic import ActionDistribution
from metaworld_baselines.networks.architectures import ARCHITECTURES
from metaworld_baselines.networks.multi_head import num_params
from metaworld_baselines.places import HERE
from metaworld_baselines.publishing.field_page import with_tables
from metaworld_baselines.publishing.plot import save_figure
from metaworld_baselines.publishing.run_files import read_curve, read_run
from metaworld_baselines.runs.run_files import read_table
from metaworld_py import OBSERVATION_SIZE
from metaworld_py.checks.bench import table
from metaworld_py.files import write_text

PAGE = Path("docs/gradients.md")
IMAGE = Path("docs/images/combinations.png")
FOLDER = HERE / "results" / "combinations"
OFF_POLICY = HERE / "results" / "combinations-off-policy"
COSTS = "costs.json"
REFERENCE = "combination-mean"
COMBINATION, ARCHITECTURE = "combination-", "architecture-"  # how names begin; other entries are of settings, and stand with combinations
LAST_SHARE = 0.25  # of training, whose success is a mean over many weights
HEAD = (
    "at the end, % (seeds)",
    "against the mean, points",
    "last quarter of training, % (seeds)",
    "against the mean, points",
    "worst task at the end",
)
# Parameters of the published actors, of MT10 and MT50 (figures of arXiv 2503.05126): 3 × 400, Soft Modules narrower.
PUBLISHED_PARAMS = {
    "multi-head": (370_000, 517_000),
    "moore": (1_380_000, 2_180_000),
    "paco": (1_700_000, 6_800_000),
    "soft-modules": (691_000, 1_610_000),
}
COSTS_HEAD = ("parameters", "update, ms", "steps/s", "memory of updates, MiB")  # left out where nothing was measured


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    folder: Path = FOLDER
    off_policy: Path = OFF_POLICY
    page: Path = PAGE
    image: Path = IMAGE


@dataclass(frozen=True)
class Entry:
    """Runs that differ in nothing but the seed: success in %, by seed."""

    name: str
    rates: dict[int, dict[str, float]] = field(default_factory=dict)  # of each task, at the end
    in_training: dict[int, float] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Without what is said by the table it stands in."""
        return self.name.removeprefix(COMBINATION).removeprefix(ARCHITECTURE)

    @property
    def at_the_end(self) -> dict[int, float]:
        """Mean over tasks."""
        return {seed: fmean(tasks.values()) for seed, tasks in sorted(self.rates.items())}

    @property
    def worst(self) -> tuple[str, float]:
        """The task with the lowest mean over seeds at the end, and that mean."""
        tasks = next(iter(self.rates.values()))
        means = {task: fmean(rates[task] for rates in self.rates.values()) for task in tasks}
        return min(means.items(), key=lambda item: item[1])


@dataclass(frozen=True)
class Spread:
    """How far runs lie from what their entry and their seed explain: standard deviation in points, and degrees of freedom."""

    std: float
    freedom: int

    def margin(self, pairs: int) -> float | None:
        """Half the width of the 95 % interval of a mean of paired differences (Student's); None where no entry has several seeds."""
        return float(stats.t.ppf(0.975, self.freedom)) * self.std * (2.0 / pairs) ** 0.5 if self.freedom and pairs else None


def spread_of_runs(success: Mapping[str, Mapping[int, float]]) -> Spread:
    """The spread that runs have in common: of what a least-squares fit of their success (by entry and seed) to entries and seeds leaves."""
    runs = [(name, seed, value) for name, by_seed in success.items() for seed, value in by_seed.items()]
    names, seeds = ({value: place for place, value in enumerate(sorted(set(values)))} for values in list(zip(*runs, strict=True))[:2])
    explains = np.zeros((len(runs), len(names) + len(seeds)))
    for row, (name, seed, _) in zip(explains, runs, strict=True):
        row[[names[name], len(names) + seeds[seed]]] = 1.0
    values = np.array([value for _, _, value in runs])
    fit, _, rank, _ = np.linalg.lstsq(explains, values, rcond=None)
    freedom = len(runs) - int(rank)
    return Spread(float(np.sqrt(((values - explains @ fit) ** 2).sum() / max(freedom, 1))), freedom)


@dataclass(frozen=True)
class Comparison:
    """One measure of success of all entries, and how far each lies from the reference."""

    success: dict[str, dict[int, float]]

    @cached_property
    def spread(self) -> Spread:
        """What the entries' runs have in common."""
        return spread_of_runs(self.success)

    def against(self, name: str) -> list[float]:
        """Differences in points to the reference's runs of the same seeds."""
        reference = self.success[REFERENCE]
        return [value - reference[seed] for seed, value in self.success[name].items() if seed in reference]

    def cells(self, name: str) -> tuple[str, str]:
        """Success with that of each seed, and the difference with its interval."""
        success, against = self.success[name], self.against(name)
        half = self.spread.margin(len(against))
        difference = "" if name == REFERENCE or not against else f"{fmean(against):.1f}" + (f" ± {half:.1f}" if half is not None else "")
        return f"{fmean(success.values()):.1f} ({', '.join(f'{value:.0f}' for value in success.values())})", difference


def comparisons(entries: Mapping[str, Entry]) -> tuple[Comparison, Comparison]:
    """At the end, and in training."""
    return (
        Comparison({name: entry.at_the_end for name, entry in entries.items()}),
        Comparison({name: entry.in_training for name, entry in entries.items()}),
    )


def read_entries(folder: Path) -> dict[str, Entry]:
    """All entries that have runs, best first.

    Raises:
      OSError: a folder without a curve or the log of training.
      ValueError: a damaged file; no runs of the reference.
    """
    found: dict[str, Entry] = {}
    for place in sorted(folder.glob("*/*/curve.csv")):
        name, seed, last = place.parent.parent.name, read_run(place.parent)[2], read_curve(place.parent)[-1]
        entry = found.setdefault(name, Entry(name))
        entry.rates[seed] = {key.removeprefix("success/"): 100.0 * value for key, value in last.items() if key.startswith("success/")}
        progress = read_table(place.parent / "progress.csv")
        late = [row["training_success"] for row in progress if row["env_steps"] > (1.0 - LAST_SHARE) * last["env_steps"]]
        if not late:
            raise ValueError(f"{place.parent / 'progress.csv'} has nothing of training's last quarter: copy it from the finished run")
        entry.in_training[seed] = 100.0 * fmean(late)
    if REFERENCE not in found:
        raise ValueError(f"no runs of {REFERENCE} in {folder}, which all others are compared with: train its entry of baselines/*.toml")
    return dict(sorted(found.items(), key=lambda item: -fmean(item[1].at_the_end.values())))


def rows(entries: Iterable[Entry], measures: Iterable[Comparison], costs: dict[str, dict[str, float]]) -> list[tuple[str, ...]]:
    """A row for each entry."""
    found: list[tuple[str, ...]] = []
    for entry in entries:
        task, rate = entry.worst
        spent: tuple[str, ...] = ("",) * len(COSTS_HEAD) if costs else ()
        if entry.name in costs:
            cost = costs[entry.name]
            spent = (
                f"{cost['parameters']:,.0f}",
                f"{cost['update_ms']:.1f}",
                f"{cost['steps_per_s']:,.0f}",
                f"{cost['memory_mib']:.0f}",
            )
        found.append((entry.label, *chain(*(measure.cells(entry.name) for measure in measures)), f"{task} {rate:.0f} %", *spent))
    return found


def read_costs(folder: Path) -> dict[str, dict[str, float]]:
    """What an update of each entry costs; of none where it was not measured."""
    path = folder / COSTS
    return json.loads(path.read_text()) if path.is_file() else {}


def draw(entries: Iterable[Entry], measures: tuple[Comparison, Comparison]) -> Figure:
    """Paired differences to the mean, at the end and in training: every seed, and the 95 % interval of their mean."""
    shown = [entry for entry in entries if entry.name != REFERENCE and measures[0].against(entry.name)]
    figure = Figure(figsize=(7.5, 0.32 * len(shown) + 1.4), layout="constrained")
    axis = figure.subplots()
    for place, entry in enumerate(shown):
        color = "C1" if entry.name.startswith(ARCHITECTURE) else "C0"
        for measure, shift, fill in zip(measures, (-0.15, 0.15), (color, "white"), strict=True):
            against = measure.against(entry.name)
            half = measure.spread.margin(len(against))
            axis.errorbar(fmean(against), place + shift, xerr=half, fmt="o", color=color, markerfacecolor=fill, capsize=2, markersize=5)
            axis.scatter(against, [place + shift] * len(against), color="0.5", s=6, zorder=3)
    axis.axvline(0.0, color="0.2", linewidth=0.8)
    axis.set_yticks(range(len(shown)), [entry.label for entry in shown])
    axis.invert_yaxis()
    axis.set(xlabel="success on MT10 against the mean of the gradients, same seed: points")
    axis.set_title("Combinations (blue) and architectures; filled: at the end, hollow: in training", fontsize="medium")
    axis.grid(axis="x", alpha=0.3)
    return figure


def off_policy_table(folder: Path) -> list[str]:
    """Success of the entries of another sweep, without costs."""
    entries = read_entries(folder)
    return table(("combination", *HEAD), rows(entries.values(), comparisons(entries), {}))


def sizes_table() -> list[str]:
    """Parameters of every architecture's actor, 3 × 400, beside the published ones."""
    rows = []
    for name in ARCHITECTURES:
        ours = (num_actor_params(name, num_tasks) for num_tasks in (10, 50))
        published = PUBLISHED_PARAMS.get(name, ())
        rows.append((name, *(f"{number:,}" for number in (*ours, *published)), *[""] * (2 - len(published))))
    return table(("actor, 3 × 400", "MT10", "MT50", "published, MT10", "published, MT50"), rows)


def num_actor_params(architecture: str, num_tasks: int) -> int:
    """Parameters of SAC's actor of the published width and depth."""
    actor = ActionDistribution(num_tasks, 400, 3, architecture)
    return num_params(jax.eval_shape(actor.init, jax.random.PRNGKey(0), jnp.ones(OBSERVATION_SIZE), jnp.ones(num_tasks)))


def make(command: Command) -> Iterable[Path]:
    """Write the tables, and draw the figure where the page shows it; yields what was written."""
    entries, costs = read_entries(command.folder), read_costs(command.folder)
    measures = comparisons(entries)
    combinations = [entry for name, entry in entries.items() if not name.startswith(ARCHITECTURE)]
    architectures = [entry for name, entry in entries.items() if name.startswith(ARCHITECTURE)]
    head = (*HEAD, *(COSTS_HEAD if costs else ()))
    parts = {
        "combinations": lambda: table(("combination", *head), rows(combinations, measures, costs)),
        "architectures": lambda: table(("architecture", *head), rows(architectures, measures, costs)),
        "sizes": sizes_table,
        "off_policy": lambda: off_policy_table(command.off_policy),
    }
    text = with_tables(command.page.read_text(), parts)
    write_text(command.page, text)
    yield command.page
    if command.image.name in text:
        save_figure(draw([*combinations, *architectures], measures), command.image, dpi=90)
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
