"""Memorise or adapt: figures and tables of docs/memorise_or_adapt.md, ours beside the published ones.

`python -m metaworld_baselines.publishing.memorization_page` draws and writes them anew, from `baselines/results/supervised.json`.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev

import tyro
from matplotlib.figure import Figure

from metaworld_baselines.publishing.field_page import with_tables
from metaworld_baselines.publishing.plot import save_figure
from metaworld_baselines.supervised.results import Result, read_results
from metaworld_baselines.supervised.settings import MetaConfig, find_config
from metaworld_py.checks.bench import table
from metaworld_py.files import write_text

PAGE = Path("docs/memorise_or_adapt.md")
IMAGES = Path("docs/images")
# Yin et al. 2020, Table 1: test error of the non-exclusive sinusoid, mean and standard deviation of five trials.
PUBLISHED = {
    ("maml", 5): (0.46, 0.04),
    ("mr-maml-a", 5): (0.17, 0.03),
    ("mr-maml-w", 5): (0.16, 0.04),
    ("cnp", 5): (0.91, 0.10),
    ("mr-cnp-a", 5): (0.10, 0.01),
    ("mr-cnp-w", 5): (0.11, 0.02),
    ("maml", 10): (0.13, 0.01),
    ("mr-maml-a", 10): (0.07, 0.02),
    ("mr-maml-w", 10): (0.06, 0.01),
    ("cnp", 10): (0.92, 0.05),
    ("mr-cnp-a", 10): (0.09, 0.01),
    ("mr-cnp-w", 10): (0.09, 0.01),
}
MEASURES = {
    "train_error_before": "training tasks, before the examples",
    "train_error": "training tasks, after",
    "error_before": "unseen tasks, before",
    "error": "unseen tasks, after",
}


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    page: Path = PAGE
    images: Path = IMAGES


def groups() -> dict[MetaConfig, list[Result]]:
    """Runs that differ in the seed only."""
    found = defaultdict(list)
    for result in read_results():
        found[result.config].append(result)
    return dict(found)


def usual(learner: str, shots: int) -> list[Result]:
    """Runs of a learner on the non-exclusive sinusoid with its own settings."""
    return groups().get(replace(find_config("sinusoid", learner), shots=shots, eval_every_steps=4000, save_every_steps=4000), [])


def spread(values: Sequence[float]) -> str:
    """Mean and, in brackets, standard deviation."""
    return f"{fmean(values):.2f}" + (f" ({stdev(values):.2f})" if len(values) > 1 else "")


def sinusoid_table() -> list[str]:
    """Test error of each learner, ours and published."""
    head = ("learner", "shots", "ours", "published", "ours, seed by seed", "memorised: training tasks, before")
    rows = []
    for (learner, shots), (mean, std) in PUBLISHED.items():
        runs = usual(learner, shots)
        errors = [run.numbers["error"] for run in runs]
        before = spread([run.numbers["train_error_before"] for run in runs]) if runs else ""
        ours = spread(errors) if runs else "not run"
        rows.append((learner, str(shots), ours, f"{mean:.2f} ({std:.2f})", ", ".join(f"{error:.2f}" for error in errors), before))
    return table(head, rows)


def bound_table() -> list[str]:
    """KL and PAC-Bayes bound beside the error, where weights are drawn."""
    head = ("learner", "KL, nats", "error on training tasks", "bound, of a loss cut off at 1", "error on unseen tasks")
    rows = []
    for learner in ("mr-maml-w", "mr-cnp-w"):
        runs = [run.numbers for run in usual(learner, 5)]
        if runs:
            columns = [[run[name] for run in runs] for name in ("kl", "train_error", "bound", "error")]
            rows.append((learner, f"{fmean(columns[0]):.0f}", *map(spread, columns[1:])))
    return table(head, rows)


def betas() -> dict[float, list[Result]]:
    """Runs of MR-CNP (A) that differ from its own settings in β only, by β."""
    own = replace(find_config("sinusoid", "mr-cnp-a"), eval_every_steps=4000, save_every_steps=4000)
    found = {
        config.beta: runs for config, runs in groups().items() if config.learner == own.learner and replace(config, beta=own.beta) == own
    }
    return dict(sorted(found.items()))


PARTS: dict[str, Callable[[], list[str]]] = {"sinusoid": sinusoid_table, "bound": bound_table}


def draw_betas() -> Figure:
    """Errors of MR-CNP (A) over β, every seed a dot."""
    figure = Figure(figsize=(6.5, 3.6), layout="constrained")
    axis = figure.subplots()
    found = betas()
    for index, name in enumerate(("train_error", "error")):
        means = [fmean(run.numbers[name] for run in runs) for runs in found.values()]
        axis.plot(list(map(float, range(len(found)))), means, color=f"C{index}", label=MEASURES[name])
        for place, runs in enumerate(found.values()):
            axis.scatter([place] * len(runs), [run.numbers[name] for run in runs], color=f"C{index}", s=12)
    axis.set_xticks(range(len(found)), [f"{beta:g}" for beta in found])
    axis.set(yscale="log", xlabel="β", ylabel="squared error", title="MR-CNP (A), sinusoid, 5 shots")
    axis.grid(alpha=0.3)
    axis.legend(fontsize="small")
    return figure


def draw_before() -> Figure:
    """Errors before and after the examples, on training and on unseen tasks, of each learner."""
    learners = [learner for learner, shots in PUBLISHED if shots == 5 and usual(learner, 5)]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axis, width = figure.subplots(), 0.8 / len(MEASURES)
    for index, (name, label) in enumerate(MEASURES.items()):
        means = [fmean(run.numbers[name] for run in usual(learner, 5)) for learner in learners]
        axis.bar([place + (index - 1.5) * width for place in range(len(learners))], means, width, label=label, color=f"C{index}")
    axis.set_xticks(range(len(learners)), learners)
    axis.set(yscale="log", ylabel="squared error", title="Sinusoid, 5 shots, tasks not mutually exclusive")
    axis.grid(axis="y", alpha=0.3)
    axis.legend(fontsize="x-small", ncols=2)
    return figure


FIGURES = {"memorization_before": draw_before, "memorization_beta": draw_betas}


def written(page: str) -> str:
    """A page with its tables made anew."""
    return with_tables(page, PARTS)


def make(page: Path, images: Path) -> Iterable[Path]:
    """Draw and write everything; yields what was written."""
    for name, draw in FIGURES.items():
        save_figure(draw(), images / f"{name}.png", dpi=90)
        yield images / f"{name}.png"
    write_text(page, written(page.read_text()))
    yield page


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the figures and tables; returns the exit status."""
    command = tyro.cli(Command, prog="python -m metaworld_baselines.publishing.memorization_page", args=arguments)
    try:
        for path in make(command.page, command.images):
            print(path)
    except (OSError, ValueError) as error:
        print(f"metaworld_baselines.publishing.memorization_page: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
