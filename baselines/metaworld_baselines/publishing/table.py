"""Ours beside the published numbers: `python -m metaworld_baselines.publishing.table MT10` (MT50, ML10, ML1-reach, …), more runs after it.

Collects the trained agents, the runs of `baselines/results` and the folders given, groups those that differ in nothing but the seed, and
aggregates their last evaluations over seeds and tasks (Agarwal et al. 2021): interquartile mean, its interval over runs, and performance
profiles in the picture. Fewer than three seeds have no interval. Of meta-learners a second table has all protocols side by
side. What differs from the published runs stands below.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from jaxtyping import Float
from matplotlib.figure import Figure
from numpy.typing import NDArray

from metaworld_baselines.algorithms.cloning_config import CloningConfig
from metaworld_baselines.algorithms.meta import MetaConfig
from metaworld_baselines.places import HERE
from metaworld_baselines.publishing import aggregation, protocol_table
from metaworld_baselines.publishing.plot import COLOURS, draw_runs, save_figure
from metaworld_baselines.publishing.published_settings import PUBLISHED_EPISODES, published_config, published_steps
from metaworld_baselines.publishing.run_files import read_curve, read_demonstrated, read_run
from metaworld_baselines.runs.run_files import find_runs
from metaworld_py.agents.cards import EVALUATION
from metaworld_py.checks.bench import table
from metaworld_py.evaluation import EvaluationResult

PUBLISHED_FIGURES = Path(__file__).with_name("published.json")
PROFILE = np.linspace(0.0, 1.0, 51)  # success rates at which profiles are drawn
ROOM_FOR_NAMES = 20  # of published points, as a factor of steps
HEAD = ("algorithm", "from", "steps", "seeds", "success", "95 % interval", "statistic")


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    benchmark: tyro.conf.Positional[str]  # MT10, MT50, ML10, ML1-reach, …, or the tasks of a set of one's own, joined by commas
    folders: tyro.conf.Positional[tuple[Path, ...]] = ()  # of runs, or of folders of runs; instead of those of ours that they repeat
    out: Path | None = None  # a picture, .png


@dataclass
class Group:
    """Runs that differ in nothing but the seed: rates fall over a budget, so what has another one, or was stopped, is another recipe."""

    algorithm: str
    config: Any
    folders: list[Path] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    scores: list[list[float]] = field(default_factory=list)  # (seed, task), at the end
    best: list[float] = field(default_factory=list)  # (seed,): the mean over tasks of each task's maximum over training, as published
    env_steps: int = 0
    entry: str = ""  # what tells it from others, where several groups are of one algorithm

    @property
    def matrix(self) -> Float[NDArray[Any], "seed task"]:
        """Success rates at the end."""
        return np.array(self.scores)

    @property
    def stems(self) -> set[str]:
        """Names of the folders without the seed."""
        return {re.sub(r"-?seed\d+$", "", folder.name) for folder in self.folders}

    @property
    def imitates(self) -> bool:
        """Whether the runs learn from demonstrations."""
        return any(read_demonstrated(folder) is not None for folder in self.folders)

    @property
    def label(self) -> str:
        """For tables and legends."""
        if len(self.folders) == 1 and not self.entry:
            return self.folders[0].name
        return f"{self.entry or self.algorithm}, {len(self.folders)} seed{'s' * (len(self.folders) > 1)}"


def own_folders() -> list[Path]:
    """The repository's runs."""
    return sorted(path.parent for place in ("agents", "results") for path in (HERE / place).glob("*/curve.csv"))


# Settings that change nothing of what a run learns.
WHEN_LOOKED_AT = {f"{what}_every_env_steps" for what in ("eval", "save", "log", "diagnose")}


def collect(benchmark: str, folders: Sequence[Path], others: Sequence[Path] = ()) -> list[Group]:
    """Runs on a benchmark, in groups.

    Args:
      benchmark: as `Command` has it.
      folders: of runs.
      others: more of them, but for those whose settings and seed one of `folders` has: what was reproduced stands in for what it repeats.

    Raises:
      OSError: a folder holds no run.
      ValueError: a seed comes twice in a group.
    """
    groups: dict[str, Group] = {}
    for folder in (*folders, *others):
        algorithm, config, seed, _ = read_run(folder)
        if getattr(config, "title", config.benchmark).lower() != benchmark.lower():
            continue
        curve, demonstrated = read_curve(folder), read_demonstrated(folder)
        env_steps = round(curve[-1]["env_steps"]) if demonstrated is None else demonstrated["steps"]
        learned_by = {name: value for name, value in vars(config).items() if name not in WHEN_LOOKED_AT}
        group = groups.setdefault(json.dumps([algorithm, env_steps, learned_by], default=str), Group(algorithm, config))
        if seed in group.seeds and folder in others:
            continue
        if seed in group.seeds:
            raise ValueError(f"{folder} and {group.folders[group.seeds.index(seed)]} are the same run, seed {seed}: give one of them")
        group.folders.append(folder)
        group.seeds.append(seed)
        group.scores.append(final_scores(folder, curve[-1]))
        evaluations = [[value for name, value in point.items() if name.startswith("success/")] for point in curve]
        group.best.append(float(np.max([*evaluations, group.scores[-1]], axis=0).mean()))
        group.env_steps = env_steps
    found = list(groups.values())
    labels, recipes = Counter(group.label for group in found), Counter(group.algorithm for group in found)
    alike = [group for group in found if labels[group.label] > 1 or (len(group.seeds) > 1 and recipes[group.algorithm] > 1)]
    stems = [group.stems for group in alike]
    for group in alike:
        parents = {folder.parent.name for folder in group.folders}
        told = group.stems if stems.count(group.stems) == 1 and group.stems != {""} else parents  # by their names, or as a sweep's entry
        group.entry = told.pop() if len(told) == 1 else ""
    labels = Counter(group.label for group in found)
    for group in [group for group in found if labels[group.label] > 1]:
        group.entry = f"{group.entry or group.algorithm} after {group.env_steps:,} steps"
    return found


def final_scores(folder: Path, last: dict[str, float]) -> list[float]:
    """Success rates per task of the last weights: what an agent's card says, or the end of a run's curve."""
    if (folder / EVALUATION).is_file():
        return [task.success_rate for task in EvaluationResult.load(folder / EVALUATION).tasks]
    return [value for name, value in last.items() if name.startswith("success/")]


def shown_interval(group: Group, of: Callable[[Any], float]) -> str:
    """95 % interval of an aggregate over runs; nothing for fewer than three."""
    return "{:.1%} – {:.1%}".format(*aggregation.interval(group.matrix, of)) if len(group.seeds) >= aggregation.SEEDS else ""


def rows(benchmark: str, groups: list[Group]) -> list[tuple[str, ...]]:
    """The table: ours, then what was published."""
    found: list[tuple[str, ...]] = []
    for group in groups:
        steps, seeds = f"{group.env_steps:,}", str(len(group.seeds))
        statistics = [("final, mean", aggregation.mean)]
        if len(group.seeds) >= aggregation.SEEDS:
            statistics.insert(0, ("final, interquartile mean over seeds and tasks", aggregation.iqm))
        for statistic, of in statistics:
            found.append((group.label, "ours", steps, seeds, f"{of(group.matrix):.1%}", shown_interval(group, of), statistic))
        found.append((group.label, "ours", steps, seeds, f"{np.mean(group.best):.1%}", "", "maximum over training of each task, mean"))
    for figure in published(benchmark):
        shown = "{:.1%} – {:.1%}".format(*figure["interval"]) if figure["interval"] else ""
        steps = f"{figure['env_steps']:,}" if figure["env_steps"] else "not found"
        found.append((figure["algorithm"], figure["source"], steps, "", f"{figure['success']:.1%}", shown, figure["statistic"]))
    return found


def published(benchmark: str) -> list[dict[str, Any]]:
    """Published figures of a benchmark."""
    figures: list[dict[str, Any]] = json.loads(PUBLISHED_FIGURES.read_text())
    return [figure for figure in figures if figure["benchmark"].lower() == benchmark.lower()]


def published_points(benchmark: str) -> list[tuple[int, float, str]]:
    """Steps, success and names of published figures of known budget; such as lie on one another share a label."""
    points: list[tuple[int, float, str]] = []
    for row in sorted(published(benchmark), key=lambda row: row["success"]):
        if row["env_steps"] and points and points[-1][0] == row["env_steps"] and row["success"] - points[-1][1] < 0.03:
            points[-1] = (*points[-1][:2], f"{points[-1][2]}, {row['algorithm']}")
        elif row["env_steps"]:
            points.append((row["env_steps"], row["success"], row["algorithm"]))
    return points


def differences(benchmark: str, groups: list[Group]) -> list[str]:
    """In what our runs differ from the published ones, and the published ones from each other."""
    found = []
    for group in groups:
        config, steps, budget = group.config, group.env_steps, published_steps(group.algorithm, group.config)
        says = [f"{steps / budget:.1%} of the published {budget:,} steps" if budget else f"{steps:,} steps, none published"]
        if isinstance(config, CloningConfig):
            says = [f"imitates the experts: {steps:,} steps of demonstrations and no reward, so not comparable"]
        if len(group.seeds) < 10:
            says.append(f"{len(group.seeds)} of 10 seeds")
        if config.max_episode_steps != 500:
            says.append(f"episodes of {config.max_episode_steps} instead of 500 steps")
        if isinstance(config, MetaConfig) and (config.episodes, config.eval_episodes) != PUBLISHED_EPISODES:
            says.append(
                f"evaluated while training with {config.episodes} episodes to adapt and {config.eval_episodes} that count, not 10 and 3"
            )
        changed = changed_settings(group.algorithm, config)
        if changed:
            says.append("settings, with the published ones in brackets: " + ", ".join(changed))
        found.append(f"- {group.label}: " + "; ".join(says) + ".")
    if not groups:
        found.append(
            f"- No run of ours on {benchmark} yet: `python -m metaworld_baselines.train ALGORITHM --benchmark {benchmark}` makes one."
        )
    notes = {(figure["algorithm"], figure["note"]) for figure in published(benchmark) if figure["note"]}
    found += [f"- {algorithm}, published: {note}." for algorithm, note in sorted(notes)]
    statistics = {figure["statistic"].split(",")[0] for figure in published(benchmark)}
    if len(statistics) > 1:
        found.append(f"- Published statistics differ ({', '.join(sorted(statistics))}): a maximum over training flatters noisy learners.")
    if benchmark.startswith("ML"):
        found.append("- Success is that on held-out goals (of ML10 and larger sets: of held-out tasks), after adaptation.")
    return found


def changed_settings(algorithm: str, config: Any) -> list[str]:
    """Settings of a run that are not the published ones, with those in brackets; not how long it trains and when it is evaluated."""
    published, ignored = published_config(algorithm, config), {"benchmark", "task", "total_env_steps", "max_episode_steps", "episodes"}
    ignored |= {"architecture", "actor_combination", "critic_combination", "meta_batch_up_to", "demonstrations"}
    return [
        f"{name.replace('_', ' ')} {getattr(config, name)} ({value})"
        for name, value in vars(published).items()
        if getattr(config, name) != value and name not in ignored and not name.startswith(("eval_", "save_", "log_", "diagnose_"))
    ]


def picture(benchmark: str, groups: list[Group]) -> Figure:
    """Left: success over steps, ours and published. Right: performance profiles, the share of seeds and tasks above a success rate."""
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    groups = [group for group in groups if not group.imitates]  # whose steps are samples of what an expert did
    colours = [COLOURS[index % len(COLOURS)] for index in range(len(groups))]
    for group, colour in zip(groups, colours, strict=True):
        curves = [{point["env_steps"]: point["success"] for point in read_curve(folder)} for folder in group.folders]
        draw_runs(left, curves, group.label, color=colour)
    points = list(published_points(benchmark))
    for index, (steps, success, names) in enumerate(points):
        left.scatter(steps, success, marker="*", s=50, color="0.3", alpha=0.6, zorder=0, label=None if index else "published")
        name = textwrap.fill(names, 28)
        left.annotate(name, (steps, success), xytext=(5, 0), textcoords="offset points", va="center", fontsize=6, color="0.3")
    left.set(xscale="log", ylim=(-0.03, 1.03), xlabel="environment steps, all tasks together", ylabel="success", title=benchmark)
    if points:  # whose names stand to the right of the curves
        left.set_xlim(right=max(left.get_xlim()[1], ROOM_FOR_NAMES * max(steps for steps, _, _ in points)))
    for group, colour in zip(groups, colours, strict=True):
        shares, band = aggregation.profile(group.matrix, PROFILE)
        right.step(PROFILE, shares, where="post", color=colour, label=group.label)
        if band is not None:
            right.fill_between(PROFILE, *band, step="post", alpha=0.15, linewidth=0, color=colour)
    right.set(xlim=(0, 1), ylim=(0, 1.03), xlabel="success rate τ", ylabel="share of runs and tasks above τ", title="performance profile")
    for axis in (left, right):
        axis.grid(alpha=0.3)
    handles, labels = left.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize="x-small")
    return figure


def text(benchmark: str, groups: list[Group]) -> list[str]:
    """The table, and below it what differs."""
    meta = [group for group in groups if isinstance(group.config, MetaConfig)]
    by_protocol = [row for group in meta for row in protocol_table.protocol_rows(group.label, group.config, group.folders)]
    shown = ["", *table(protocol_table.HEAD, by_protocol)] if meta else []
    return [*table(HEAD, rows(benchmark, groups)), *shown, "", *differences(benchmark, groups)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print and draw; returns the exit status."""
    command = tyro.cli(Command, prog="python -m metaworld_baselines.publishing.table", args=arguments)
    try:
        groups = collect(command.benchmark, find_runs(command.folders), own_folders())
    except (OSError, ValueError, KeyError) as error:
        print(f"metaworld_baselines.publishing.table: {error}", file=sys.stderr)
        return 2
    if not groups and not published(command.benchmark):
        known = sorted({figure["benchmark"] for figure in json.loads(PUBLISHED_FIGURES.read_text())})
        print(
            f"metaworld_baselines.publishing.table: neither runs nor published figures of {command.benchmark}; "
            f"published: {', '.join(known)}",
            file=sys.stderr,
        )
        return 2
    print("\n".join(text(command.benchmark, groups)))
    if command.out:
        save_figure(picture(command.benchmark, groups), command.out, dpi=110)
    return 0


if __name__ == "__main__":
    sys.exit(main())
