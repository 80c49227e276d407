"""Memorise or adapt: figures and tables of docs/memorise_or_adapt.md, ours beside the published ones.

`python -m metaworld_baselines.publishing.memorization_page` draws and writes them anew, from `baselines/results/supervised.json`.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean, stdev

import tyro
from matplotlib.figure import Figure

from metaworld_baselines.publishing.field_page import with_tables
from metaworld_baselines.publishing.many_tasks_table import FIGURE, draw_overlaid, overlaid_table, scenes_table
from metaworld_baselines.publishing.plot import save_figure
from metaworld_baselines.supervised.results import Result, read_results
from metaworld_baselines.supervised.settings import LEARNERS, MetaConfig, find_config
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
# Section 6.3 there: Omniglot, 20 ways, by shots: accuracy on unseen tasks, and on training tasks before their examples, in %.
PUBLISHED_CLASSES = {
    ("maml", 1): ("7.8 (0.2)", "99.2"),
    ("mr-maml-w", 1): ("83.3 (0.8)", "5.0"),
    ("maml", 5): ("50.7 (22.9)", "45.1"),
    ("mr-maml-w", 5): ("94.1 (0.1)", "5.0"),
}
# Section 6.2 there: squared error on unseen objects.
PUBLISHED_POSE = {"maml": 5.39, "mr-maml-w": 2.26, "cnp": 8.48, "mr-cnp-w": 2.89}
HEAD_LINES = 2  # of a table
NO_RUNS = "*Not run yet: the commands below are what to run.*"
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
    """Runs that differ in the seed, and in how often they were evaluated and saved, only."""
    found = defaultdict(list)
    for result in read_results():
        if isinstance(result.config, MetaConfig):
            found[recipe(result.config)].append(result)
    return dict(found)


def recipe(config: MetaConfig) -> MetaConfig:
    """A configuration without what training does not depend on."""
    return replace(config, eval_every_steps=MetaConfig.eval_every_steps, save_every_steps=MetaConfig.save_every_steps)


def usual(learner: str, shots: int) -> list[Result]:
    """Runs of a learner on the non-exclusive sinusoid with its own settings."""
    return groups().get(recipe(replace(find_config("sinusoid", learner), shots=shots)), [])


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Mean and, in brackets, standard deviation."""
    return f"{fmean(values):.{digits}f}" + (f" ({stdev(values):.{digits}f})" if len(values) > 1 else "")


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


def glyph_runs() -> dict[MetaConfig, list[Result]]:
    """Runs on glyphs by configuration: fewer letters first, then fewer shots, then tasks that are not exclusive, then learners."""
    learners = list(LEARNERS)
    found = [config for config in groups() if config.problem == "glyphs"]
    places = {config: (learners.index(config.learner), config.beta, config.total_steps) for config in found}
    found.sort(key=lambda config: (config.train_classes or math.inf, config.shots, config.mutually_exclusive, places[config]))
    return {config: groups()[config] for config in found}


def letters(config: MetaConfig) -> str:
    """How many letters there are to train on."""
    return f"{config.train_classes or 'all'} letters"


def named(config: MetaConfig) -> str:
    """A learner, and β where it has one."""
    return f"{config.learner}, β = {config.beta:g}" if config.beta else config.learner


def kind(config: MetaConfig) -> str:
    """Whether the picture alone tells the label."""
    return "exclusive" if config.mutually_exclusive else "not exclusive"


def accuracies(runs: Iterable[Result], error: str) -> list[float]:
    """Shares of right answers in %, from the name of their error."""
    return [100.0 * (1.0 - run.numbers[error]) for run in runs]


def glyph_table() -> list[str]:
    """Accuracy on unseen tasks and what was learned by heart, 20 ways."""
    head = (
        "learner",
        "shots",
        "tasks",
        "trained on",
        "updates",
        "unseen tasks, %",
        "published",
        "training tasks, %",
        "training tasks, before, %",
        "published",
        "seeds",
    )
    rows = []
    for config, runs in glyph_runs().items():
        unseen, after, before = (spread(accuracies(runs, name), digits=1) for name in ("error", "train_error", "train_error_before"))
        published = ("", "") if config.mutually_exclusive else PUBLISHED_CLASSES.get((config.learner, config.shots), ("", ""))
        setting = (named(config), str(config.shots), kind(config), letters(config), f"{config.total_steps:,}")
        rows.append((*setting, unseen, published[0], after, before, published[1], str(len(runs))))
    return table(head, rows)


def pose_table() -> list[str]:
    """Error on unseen objects, and its ratio to that of the learner without regulariser after as many updates."""
    head = (
        "learner",
        "updates",
        "unseen objects",
        "ratio",
        "published",
        "ratio, published",
        "training objects, before",
        "training objects",
        "seeds",
    )
    found = {config: runs for config, runs in groups().items() if config.problem == "pose" and config.learner in PUBLISHED_POSE}
    plain = {(config.adaptation, config.total_steps): runs for config, runs in found.items() if not config.beta}
    rows = []
    for config in sorted(found, key=lambda config: (list(PUBLISHED_POSE).index(config.learner), config.total_steps, config.beta)):
        errors, before, after = ([run.numbers[name] for run in found[config]] for name in ("error", "train_error_before", "train_error"))
        published, plain_runs = PUBLISHED_POSE[config.learner], plain.get((config.adaptation, config.total_steps), [])
        ratios = ("", "")
        if config.beta and plain_runs:
            ratio = fmean(errors) / fmean(run.numbers["error"] for run in plain_runs)
            ratios = (f"{ratio:.2f}", f"{published / PUBLISHED_POSE[config.adaptation]:.2f}")
        measured = (spread(errors), ratios[0], f"{published:.2f}", ratios[1], spread(before), spread(after), str(len(errors)))
        rows.append((named(config), f"{config.total_steps:,}", *measured))
    return table(head, rows)


def betas() -> dict[float, list[Result]]:
    """Runs of MR-CNP (A) that differ from its own settings in β only, by β."""
    own = recipe(find_config("sinusoid", "mr-cnp-a"))
    found = {
        config.beta: runs for config, runs in groups().items() if config.learner == own.learner and replace(config, beta=own.beta) == own
    }
    return dict(sorted(found.items()))


PARTS: dict[str, Callable[[], list[str]]] = {
    "sinusoid": sinusoid_table,
    "bound": bound_table,
    "glyphs": glyph_table,
    "pose": pose_table,
    "overlaid": overlaid_table,
    "scenes": scenes_table,
}


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
    learners = {learner: usual(learner, 5) for learner, shots in PUBLISHED if shots == 5 and usual(learner, 5)}
    means = {name: [fmean(run.numbers[name] for run in runs) for runs in learners.values()] for name in MEASURES}
    return _bars(list(learners), means, yscale="log", ylabel="squared error", title="Sinusoid, 5 shots, tasks not mutually exclusive")


def draw_glyphs() -> Figure:
    """Accuracy before and after the examples, on training and on unseen tasks, of each learner."""
    found = glyph_runs()
    means = {name: [fmean(accuracies(runs, name)) for runs in found.values()] for name in MEASURES}
    places = [f"{config.learner}\n{config.shots} shot{'s' * (config.shots > 1)}\n{kind(config)}\n{letters(config)}" for config in found]
    return _bars(places, means, ylabel="accuracy, %", title="Glyphs, 20 ways")


def _bars(places: Sequence[str], means: Mapping[str, Sequence[float]], **settings: str) -> Figure:
    """A group of bars at each place, one for each of `MEASURES`."""
    figure = Figure(figsize=(max(9.0, 1.3 * len(places)), 3.6), layout="constrained")
    axis, width = figure.subplots(), 0.8 / len(MEASURES)
    for index, (name, label) in enumerate(MEASURES.items()):
        axis.bar([place + (index - 1.5) * width for place in range(len(places))], means[name], width, label=label, color=f"C{index}")
    axis.set_xticks(range(len(places)), places, fontsize="small")
    axis.set(**settings)
    axis.grid(axis="y", alpha=0.3)
    figure.legend(loc="outside lower center", fontsize="small", ncols=len(MEASURES), frameon=False)
    return figure


FIGURES = {
    "memorization_before": draw_before,
    "memorization_beta": draw_betas,
    "memorization_glyphs": draw_glyphs,
    FIGURE: draw_overlaid,
}


def written(page: str) -> str:
    """A page with its tables made anew; a part without runs says so."""
    return with_tables(page, {name: partial(_lines, make) for name, make in PARTS.items()})


def _lines(make: Callable[[], list[str]]) -> list[str]:
    lines = make()
    return lines if len(lines) > HEAD_LINES else [NO_RUNS]


def make(page: Path, images: Path) -> Iterable[Path]:
    """Write the tables, and draw the figures that the page then shows; yields what was written."""
    text = written(page.read_text())
    write_text(page, text)
    yield page
    for name, draw in FIGURES.items():
        if f"images/{name}.png" in text:
            save_figure(draw(), images / f"{name}.png", dpi=90)
            yield images / f"{name}.png"


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
