"""Many tasks in one network: every combination of gradients beside networks of one task each, for docs/memorise_or_adapt.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean, stdev

from matplotlib.figure import Figure
from scipy import stats

from metaworld_baselines.gradients.methods import MEAN
from metaworld_baselines.supervised.problems.many_tasks import delta_m
from metaworld_baselines.supervised.problems.overlaid import NUM_TASKS
from metaworld_baselines.supervised.results import Result, read_results
from metaworld_baselines.supervised.settings import OVERLAID, SCENES, SINGLE, MultiTaskConfig, find_many_tasks_config
from metaworld_py.checks.bench import table

# Yu et al. 2020: accuracies on MultiMNIST with 60 000 pictures and a larger network.
PUBLISHED = {"mean": (96.45, 94.95), "pcgrad": (96.58, 95.50)}
FIGURE = "overlaid_digits"


def runs_by_learner(problem: str) -> dict[str, list[Result]]:
    """Runs with the settings of the command, by learner; single-task networks first."""
    found: dict[str, list[Result]] = {SINGLE: []}
    usual = find_many_tasks_config(problem, SINGLE)
    for result in read_results():
        if not isinstance(result.config, MultiTaskConfig) or result.config.problem != problem:
            continue
        if result.config == replace(usual, learner=result.config.learner):
            found.setdefault(result.config.learner, []).append(result)
    return found


def accuracies(result: Result) -> list[float]:
    """Accuracy of each task, in [0, 1]."""
    return [result.numbers[f"accuracy/{task}"] for task in range(NUM_TASKS)]


def margin(values: Sequence[float]) -> float | None:
    """Half the width of the 95 % interval of a mean over seeds (Student's); None where there is one seed."""
    return float(stats.t.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5 if len(values) > 1 else None


def mean_and_margin(values: Sequence[float]) -> str:
    """Mean over seeds, and half the width of its interval."""
    half = margin(values)
    return f"{fmean(values):.1f}" + (f" ± {half:.1f}" if half is not None else "")


def deltas(runs: Sequence[Result], single: Mapping[int, Result]) -> list[float]:
    """Δm of each seed against single-task networks of the same seed, which meet the same pictures."""
    return [delta_m(_measures(run), _measures(single[run.seed])) for run in runs if run.seed in single]


def _measures(result: Result) -> dict[str, float]:
    return {name: value for name, value in result.numbers.items() if "/" in name}


def against_single(problem: str) -> dict[str, tuple[list[Result], list[float]]]:
    """Runs and their Δm, of every learner that was run, best first."""
    found = runs_by_learner(problem)
    single = {run.seed: run for run in found[SINGLE]}
    compared = {learner: (runs, deltas(runs, single)) for learner, runs in found.items() if any(run.seed in single for run in runs)}
    return dict(sorted(compared.items(), key=lambda item: fmean(item[1][1])))


def against_mean(problem: str) -> dict[str, str]:
    """Δm of every learner less that of the mean of gradients with the same seed, which single-task networks' luck does not blur."""
    found = runs_by_learner(problem)
    single = {run.seed: run for run in found[SINGLE]}
    by_seed = {learner: {run.seed: deltas([run], single)[0] for run in runs if run.seed in single} for learner, runs in found.items()}
    mean, told = by_seed.get(MEAN, {}), {}
    for learner, delta in by_seed.items():
        apart = [delta[seed] - mean[seed] for seed in delta if seed in mean]
        told[learner] = mean_and_margin(apart) if apart and learner != MEAN else ""
    return told


def overlaid_table() -> list[str]:
    """Accuracy of each task and Δm of every learner, and the figure of them."""
    head = ("learner", "left, %", "right, %", "Δm, %", "less that of the mean, same seeds", "seeds", "published, left / right")
    rows, apart = [], against_mean(OVERLAID)
    for learner, (runs, against) in against_single(OVERLAID).items():
        sides = [mean_and_margin([100.0 * accuracies(run)[task] for run in runs]) for task in range(NUM_TASKS)]
        published = " / ".join(f"{value:.2f}" for value in PUBLISHED.get(learner, ()))
        delta = "0" if learner == SINGLE else mean_and_margin(against)
        rows.append((learner, *sides, delta, apart[learner], str(len(against)), published))
    return table(head, rows) + (["", f"![Loss against single-task networks, by combination](images/{FIGURE}.png)"] if rows else [])


def scenes_table() -> list[str]:
    """Measures of each task and Δm of every learner."""
    measures = ("segmentation: mean IoU, %", "depth: error, cm", "normals: mean error, °", "within 30°, %")
    head = ("learner", *measures, "Δm, %", "less that of the mean, same seeds", "seeds")
    shown = {"segmentation/miou": 100.0, "depth/absolute": 100.0, "normals/mean_deg": 1.0, "normals/within_30": 100.0}
    rows, apart = [], against_mean(SCENES)
    for learner, (runs, against) in against_single(SCENES).items():
        measured = [mean_and_margin([scale * run.numbers[name] for run in runs]) for name, scale in shown.items()]
        delta = "0" if learner == SINGLE else mean_and_margin(against)
        rows.append((learner, *measured, delta, apart[learner], str(len(against))))
    return table(head, rows)


def draw_overlaid() -> Figure:
    """Δm of every combination, its interval and every seed."""
    found = {learner: against for learner, (_, against) in against_single(OVERLAID).items() if learner != SINGLE}
    figure = Figure(figsize=(6.5, 3.6), layout="constrained")
    axis = figure.subplots()
    for place, against in enumerate(found.values()):
        axis.errorbar(fmean(against), place, xerr=margin(against), fmt="o", color="C0", capsize=3)
        axis.scatter(against, [place] * len(against), color="0.5", s=8, zorder=3)
    axis.axvline(0.0, color="0.2", linewidth=0.8)
    axis.set_yticks(range(len(found)), list(found))
    axis.invert_yaxis()
    axis.set(xlabel="Δm, %: how much worse than a network for each task", title="Overlaid digits")
    axis.grid(axis="x", alpha=0.3)
    return figure
