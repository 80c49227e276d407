"""The field's argument on our runs: figures and tables of docs/field.md, and the tables of the baselines' README.

`python -m metaworld_baselines.publishing.field_page` draws and writes them anew.
Everything comes from the folders of `baselines/agents` and `baselines/results`: curves, gradient diagnostics, evaluations.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean, median

import numpy as np
import tyro
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from metaworld_baselines.places import HERE
from metaworld_baselines.publishing import aggregation, budget, summary
from metaworld_baselines.publishing.plot import save_figure
from metaworld_baselines.publishing.run_files import read_curve, read_run
from metaworld_baselines.publishing.table import collect, final_scores, own_folders, picture, text
from metaworld_baselines.runs.run_files import read_table
from metaworld_py.agents.cards import EVALUATION, Card, agents_folder, cards
from metaworld_py.checks.bench import table
from metaworld_py.cli import agents as cli
from metaworld_py.evaluation import EvaluationResult, task_names
from metaworld_py.files import write_text

PAGES = (Path("docs/field.md"), Path("baselines/README.md"))
IMAGES = Path("docs/images")
MT10_AGENTS = ("mt-sac-mt10", "mtmh-sac-mt10", "pcgrad-sac-mt10", "ppo-mt10")
PANELS = {
    "conflicting_pairs": "pairs of tasks in conflict",
    "mean_cosine": "mean cosine",
    "mean_magnitude_similarity": "magnitude similarity",
    "relative_curvature": "curvature along the update / ‖g‖²",
}
RECIPES = {  # folders of results/recipes, entries of recipes.toml
    "plain": "plain",
    "ars": "reward factors and two resets (ARS)",
    "brc": "BRC: bins, residual torsos, units of returns, task embeddings",
    "n-step": "8-step targets",
    "brc-n-step": "BRC and 8-step targets",
}
PART = re.compile(r"(<!-- story: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    pages: tuple[Path, ...] = PAGES
    images: Path = IMAGES


def multitask_agents() -> dict[str, Card]:
    """Those of MT10 that there are."""
    known = cards()
    return {name: known[name] for name in MT10_AGENTS if name in known}


def independent_agents() -> dict[str, Card]:
    """Single-task agents of tasks of MT10, by task."""
    members = task_names("MT10")
    return {card.benchmark: card for card in cards().values() if card.algorithm == "sac" and card.benchmark in members}


def meta_agents() -> dict[str, Card]:
    """Meta-learners."""
    return {name: card for name, card in cards().items() if card.adapts}


def rates(name: str) -> dict[str, float]:
    """Success of an agent on each of its tasks."""
    return {task.task: task.success_rate for task in EvaluationResult.load(agents_folder() / name / EVALUATION).tasks}


def success_at(name: str, task: str, env_steps: float) -> float:
    """Success on a task at the evaluation nearest to so many steps of training."""
    curve = read_curve(agents_folder() / name)
    point = min(curve, key=lambda point: abs(point["env_steps"] - env_steps))
    return point[f"success/{task}"]


# Tables -------------------------------------------------------------------------------------------


def tasks_table() -> list[str]:
    """Per task: alone at the end, alone after as many steps of the task as the multi-task agents had, and together."""
    together, alone = multitask_agents(), independent_agents()
    steps_per_task = min(card.env_steps for card in together.values()) / 10
    of = {name: rates(name) for name in together}
    head = ("task", "alone, at the end", f"alone, at its evaluation nearest to {steps_per_task / 1000:.0f}k steps", *together)
    rows = []
    for task in task_names("MT10"):
        single = alone.get(task)
        own = ("", "")
        if single:
            own = (
                f"{single.success:.0%} ({single.env_steps / 1000:.0f}k steps)",
                f"{success_at(single.name, task, steps_per_task):.0%}",
            )
        rows.append((task, *own, *(f"{of[name][task]:.0%}" for name in together)))
    rows.append(("mean", "", "", *(f"{card.success:.0%}" for card in together.values())))
    rows.append(("steps of each task", "", "", *(f"{card.env_steps / 10_000:.0f}k" for card in together.values())))
    return table(head, rows)


def conflict_table() -> list[str]:
    """Medians over training, of actor and critic, without and with surgery."""
    head = ("run", "network", *PANELS.values(), "pairs that meet Theorem 2")
    rows = []
    for name, folder in diagnosed().items():
        measured = read_conflict(folder)
        for network in ("actor", "critic"):
            columns = [[row[f"{network}/{column}"] for row in measured] for column in (*PANELS, "triad_pairs")]
            rows.append((name, network, *(f"{median(column):.3g}" for column in columns[:-1]), f"{fmean(columns[-1]):.2g}"))
    return table(head, rows)


def meta_table() -> list[str]:
    """Success and return before and after adaptation, on held-out goals, and success on training goals."""
    head = (
        "agent",
        "held-out, before",
        "held-out, adapted",
        "95 % interval",
        "training goals, adapted",
        "return before → adapted",
        "steps",
    )
    rows = []
    for name, card in meta_agents().items():
        last = read_curve(agents_folder() / name)[-1]
        rows.append(
            (
                name,
                f"{card.success_before:.1%}",
                f"{card.success:.1%}",
                "{:.1%} – {:.1%}".format(*card.interval),
                f"{last['train_success']:.1%}",
                f"{card.return_before:,.0f} → {card.mean_return:,.0f}",
                f"{card.env_steps:,}",
            )
        )
    return table(head, rows)


def controls_table() -> list[str]:
    """Runs that cannot adapt, trained like those that can."""
    head = ("run", "steps", "success before → adapted", "return before → adapted")
    rows = []
    for folder in own_folders():
        _, config, _, _ = read_run(folder)
        if not (getattr(config, "forgetful", False) or getattr(config, "inner_learning_rate", 1.0) == 0.0):
            continue
        last = read_curve(folder)[-1]
        rows.append(
            (
                folder.name,
                f"{last['env_steps']:,.0f}",
                f"{last['success_before']:.1%} → {last['success']:.1%}",
                f"{last['return_before']:,.0f} → {last['return']:,.0f}",
            )
        )
    return table(head, rows)


def agents_table() -> list[str]:
    """What `metaworld-py agents` prints, with links."""
    return table(cli.HEAD, [(f"[{card.name}](agents/{card.name}/README.md)", *cli.row(card)[1:]) for card in cards().values()])


def runs_table() -> list[str]:
    """Runs of which no agent is published: controls and further seeds."""
    return table(summary.HEAD, [summary.row(path.parent) for path in sorted((HERE / "results").glob("*/curve.csv"))])


def recipes_table() -> list[str]:
    """Runs of recipes that need fewer steps: means over seeds."""
    head, rows = ("recipe", "success", "95 % interval", "of each seed", "return", "minutes"), []
    for name, told in RECIPES.items():
        ends = {folder: read_curve(folder)[-1] for folder in sorted((HERE / "results" / "recipes" / name).iterdir())}
        scores = np.array([final_scores(folder, end) for folder, end in ends.items()])
        low, high = aggregation.interval(scores, aggregation.mean)
        seeds = ", ".join(f"{rate:.0%}" for rate in scores.mean(axis=1))
        returned, seconds = (fmean(end[column] for end in ends.values()) for column in ("return", "seconds"))
        rows.append((told, f"{aggregation.mean(scores):.0%}", f"{low:.0%} – {high:.0%}", seeds, f"{returned:.0f}", f"{seconds / 60:.1f}"))
    return table(head, rows)


def budget_table() -> list[str]:
    """What the published budgets would cost."""
    return budget.lines(json.loads(budget.FILE.read_text()))


def beside_published(benchmark: str) -> list[str]:
    """Our runs beside the published figures."""
    return text(benchmark, collect(benchmark, own_folders()))


PARTS: dict[str, Callable[[], list[str]]] = {
    "published_mt10": partial(beside_published, "MT10"),
    "published_ml10": partial(beside_published, "ML10"),
    "tasks": tasks_table,
    "conflict": conflict_table,
    "meta": meta_table,
    "controls": controls_table,
    "agents": agents_table,
    "runs": runs_table,
    "recipes": recipes_table,
    "budget": budget_table,
}


def written(page: str) -> str:
    """A page with its tables made anew."""
    return with_tables(page, PARTS)


def with_tables(page: str, parts: Mapping[str, Callable[[], list[str]]]) -> str:
    """A page with the lines between its marks made anew, by their names."""
    return PART.sub(lambda found: found[1] + "\n".join(parts[found[2]]()) + "\n" + found[3], page)


# Figures ------------------------------------------------------------------------------------------


def draw_tasks() -> Figure:
    """Bars of success for each task of MT10: alone and together."""
    together, alone, members = multitask_agents(), independent_agents(), task_names("MT10")
    series = {"alone (its own SAC)": {task: card.success for task, card in alone.items()}} | {name: rates(name) for name in together}
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    axis, width = figure.subplots(), 0.8 / len(series)
    for index, (name, success) in enumerate(series.items()):
        places = [place + (index - (len(series) - 1) / 2) * width for place, task in enumerate(members) if task in success]
        values = [success[task] for task in members if task in success]
        axis.bar(places, values, width, label=name, color="0.6" if index == 0 else f"C{index - 1}")
        axis.scatter(
            [x for x, y in zip(places, values, strict=True) if y == 0.0], [0.008] * values.count(0.0), marker="_", s=40, color="0.2"
        )
    axis.set_xticks(range(len(members)), members, rotation=30, ha="right")
    axis.set(ylim=(0, 1.03), ylabel="success", title="MT10, task by task; a dash at the bottom is a zero, no mark: not trained")
    axis.grid(axis="y", alpha=0.3)
    figure.legend(loc="outside lower center", ncols=5, fontsize="small")
    return figure


def diagnosed() -> dict[str, Path]:
    """Runs on MT10 that recorded gradient diagnostics: of agents, and those of `baselines/results`."""
    folders = [*(agents_folder() / name for name in multitask_agents()), *sorted((HERE / "results").iterdir())]
    return {folder.name: folder for folder in folders if (folder / "conflict.csv").is_file()}


def read_conflict(folder: Path) -> list[dict[str, float]]:
    """Gradient diagnostics during a run."""
    return read_table(folder / "conflict.csv")


def running_median(values: Sequence[float], around: int = 2) -> list[float]:
    """Medians of each value and up to `around` neighbours on either side."""
    return [median(values[max(place - around, 0) : place + around + 1]) for place in range(len(values))]


def draw_conflict() -> Figure:
    """Conflict, magnitudes and curvature during training on MT10, of actors and critics, and running medians of five measurements."""
    figure = Figure(figsize=(12, 5), layout="constrained")
    axes = figure.subplots(2, len(PANELS), sharex=True)
    for row, network in zip(axes, ("actor", "critic"), strict=True):
        for axis, (column, title) in zip(row, PANELS.items(), strict=True):
            for index, (name, folder) in enumerate(diagnosed().items()):
                measured = read_conflict(folder)
                steps, values = [row["env_steps"] for row in measured], [row[f"{network}/{column}"] for row in measured]
                axis.plot(steps, values, color=f"C{index}", alpha=0.25)
                label = name if axis is axes[0][0] else None
                axis.plot(steps, running_median(values), color=f"C{index}", label=label)
            axis.set_title(f"{network}: {title}", fontsize="small")
            axis.xaxis.set_major_formatter(EngFormatter(sep=""))
            axis.grid(alpha=0.3)
            if column == "relative_curvature":
                axis.set_yscale("symlog", linthresh=1.0)
                axis.yaxis.get_major_locator().set_params(numticks=6)
            if column == "mean_cosine":
                axis.axhline(0.0, color="0.3", linewidth=0.8)
    for axis in axes[-1]:
        axis.set_xlabel("environment steps", fontsize="small")
    figure.legend(loc="outside lower center", ncols=4, fontsize="small")
    return figure


def draw_meta() -> Figure:
    """Success and return of each meta-learner on held-out goals, before and after adaptation, and on training goals."""
    agents = meta_agents()
    last = {name: read_curve(agents_folder() / name)[-1] for name in agents}
    figure = Figure(figsize=(9, 0.36 * len(agents) + 1.3), layout="constrained")
    success, returned = figure.subplots(1, 2, sharey=True)
    for axis, before, adapted, training in (
        (success, "success_before", "success", "train_success"),
        (returned, "return_before", "mean_return", "train_return"),
    ):
        for place, (name, card) in enumerate(agents.items()):
            axis.plot([getattr(card, before), getattr(card, adapted)], [place, place], color="C1", linewidth=2, alpha=0.4, zorder=1)
            axis.plot(last[name][training], place, "|", color="C0", markersize=13, markeredgewidth=2)
            axis.plot(getattr(card, before), place, "o", color="C1", markerfacecolor="white", zorder=2)
            axis.plot(getattr(card, adapted), place, "o", color="C1")
        axis.grid(alpha=0.3)
    for place, card in enumerate(agents.values()):
        success.plot(card.interval, [place, place], color="0.2", linewidth=1, zorder=3)
    success.set(xlim=(-0.03, 1.03), title="success", yticks=range(len(agents)), yticklabels=agents)
    success.invert_yaxis()
    returned.set(xlim=(0.0, None), title="return")
    returned.xaxis.set_major_formatter(EngFormatter(sep=""))
    labels = "training goals, adapted", "held-out goals, before", "held-out goals, adapted; a line: 95 %, over goals"
    figure.legend(success.lines[1:4], labels, loc="outside lower center", ncols=3, fontsize="small")
    return figure


FIGURES = {"field_tasks": draw_tasks, "field_conflict": draw_conflict, "field_meta": draw_meta}


def make(pages: Iterable[Path], images: Path) -> Iterable[Path]:
    """Draw and write everything; yields what was written."""
    for name, draw in FIGURES.items():
        save_figure(draw(), images / f"{name}.png", dpi=90)
        yield images / f"{name}.png"
    for benchmark in ("MT10", "ML10"):
        path = HERE / "results" / f"{benchmark.lower()}.png"
        save_figure(picture(benchmark, collect(benchmark, own_folders())), path, dpi=90)
        yield path
    for page in pages:
        write_text(page, written(page.read_text()))
        yield page


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the figures and tables; returns the exit status."""
    command = tyro.cli(Command, prog="python -m metaworld_baselines.publishing.field_page", args=arguments)
    try:
        for path in make(command.pages, command.images):
            print(path)
    except (OSError, ValueError) as error:
        print(f"metaworld_baselines.publishing.field_page: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
