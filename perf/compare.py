"""Speed beside the published package and EnvPool, each in a process and virtual environment of its own, taking turns round by round.

    python perf/compare.py                                       # makes the virtual environments in .venvs/
    python perf/compare.py --published PYTHON --envpool PYTHON   # or give interpreters that have the packages

Four parts (`--parts`): `steps` without resets, whole `episodes` of 500 steps with the automatic reset at their end, `resets`, and
`construction` in fresh processes. Actions are random, the same for all. Cells are medians over rounds, ratios medians of rounds' ratios.
All contenders run on the same cores (`--threads`). EnvPool has no mixes of tasks: there it is one pool per task, all of which get their
actions before the first is waited for.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from contenders import Worker, interpreter
from tqdm import tqdm

from metaworld_py.engine.machine import available_cores
from metaworld_py.evaluation import installed_versions, task_names
from metaworld_py.instances.task_sets import TASK_SETS

OURS, ENVPOOL, SYNC, ASYNC = "metaworld_py", "EnvPool", "published, sync", "published, async"
BATCHES = (1, 16, 64)
PARTS = ("steps", "episodes", "resets", "construction")
MIN_CALLS, MAX_CALLS = 20, 400  # of a sample; the last stays within an episode

Samples = dict[str, list[float]]


def setting(what: str, num_envs: int, threads: int) -> dict[str, Any]:
    """What workers are asked to make."""
    return {"tasks": task_names(what), "task_set": what if what in TASK_SETS else None, "num_envs": num_envs, "threads": threads}


@contextmanager
def line_up(pythons: dict[str, str], what: str, num_envs: int, threads: int) -> Iterator[dict[str, Worker]]:
    """The contenders that have such environments, made and ready, by label."""
    labels = {OURS: ("ours", "native")}
    if "envpool" in pythons:
        labels[ENVPOOL] = ("envpool", "native")
    if "published" in pythons and (num_envs == 1 or what in TASK_SETS):
        labels[SYNC] = ("published", "sync")
        if what in TASK_SETS:
            labels[ASYNC] = ("published", "async")
    with ExitStack() as stack:
        workers = {}
        for label, (name, strategy) in labels.items():
            workers[label] = Worker(name, pythons[name], threads)
            stack.callback(workers[label].close)
            workers[label].ask("make", strategy=strategy, **setting(what, num_envs, threads))
        yield workers


def take_turns(workers: dict[str, Worker], rounds: int, job: str, **arguments: Any) -> Samples:
    """Things done per second, one sample per contender and round."""
    samples: Samples = {label: [] for label in workers}
    labels = list(workers)
    for turn in range(rounds):
        for label in labels[turn % len(labels) :] + labels[: turn % len(labels)]:
            seed = {} if job == "resets" else {"seed": turn}
            answer = workers[label].ask(job, **arguments, **seed)
            samples[label].append(answer["done"] / answer["seconds"])
    return samples


def rates_row(label: str, samples: Samples) -> str:
    """A line of a table of rates: medians, and how many times faster we are."""
    published = max((name for name in (SYNC, ASYNC) if name in samples), key=lambda name: np.median(samples[name]), default=None)
    cells = [f"{np.median(samples[name]):.0f}" if name in samples else "" for name in (OURS, ENVPOOL, SYNC, ASYNC)]
    for rival in (ENVPOOL, published):
        cells.append(f"{np.median(np.divide(samples[OURS], samples[rival])):.2f}" if rival in samples else "")
    return f"| {label} | " + " | ".join(cells) + " |"


def compare_rates(options: argparse.Namespace, pythons: dict[str, str]) -> dict[str, list[str]]:
    """Tables of steps, episodes and resets, as lines."""
    head = ["| environments | " + " | ".join((OURS, ENVPOOL, SYNC, ASYNC)) + " | × EnvPool | × published |", "|---" + "|--:" * 6 + "|"]
    tables = {part: list(head) for part in options.parts if part != "construction"}
    wanted = [(task, count) for task in options.tasks for count in options.batches] + [(name, 1) for name in options.sets]
    for what, count in tqdm(wanted if tables else [], desc="rates", disable=None):
        with line_up(pythons, what, count, options.threads) as workers:
            num_envs = len(task_names(what)) if what in TASK_SETS else count
            calls = int(np.clip(options.steps // num_envs, MIN_CALLS, MAX_CALLS))
            jobs: dict[str, tuple[str, int, dict[str, int]]] = {
                "steps": ("steps", options.rounds, {"calls": calls}),
                "episodes": ("episode", options.episode_rounds, {}),
                "resets": ("resets", options.rounds, {"calls": max(options.resets // num_envs, 1)}),
            }
            for part, lines in tables.items():
                job, rounds, arguments = jobs[part]
                lines.append(rates_row(f"{what} × {count}", take_turns(workers, rounds, job, **arguments)))
                tqdm.write(f"{part}: {lines[-1]}", file=sys.stderr)
    return tables


def compare_construction(options: argparse.Namespace, pythons: dict[str, str]) -> list[str]:
    """Table of seconds, each in a fresh process."""
    made = {f"{name} vector environment, reset once": name for name in options.sets}
    benchmarks = {f"`{name}(seed=1)`": name for name in options.sets}
    rows = ["import", *benchmarks, *made]
    contenders = {OURS: ("ours", "native"), ENVPOOL: ("envpool", "native"), SYNC: ("published", "sync"), ASYNC: ("published", "async")}
    samples: dict[str, Samples] = {row: {} for row in rows}
    for _ in tqdm(range(options.construction_rounds), desc="construction", disable=None):
        for row in rows:
            for label, (name, strategy) in contenders.items():
                is_absent = name not in pythons or (name == "envpool" and row in benchmarks) or (label == ASYNC and row not in made)
                if is_absent:
                    continue
                worker = Worker(name, pythons[name], options.threads)
                seconds = worker.ask("load")["seconds"]
                if row in benchmarks:
                    seconds = worker.ask("benchmark", task_set=benchmarks[row])["seconds"]
                elif row in made:
                    seconds = worker.ask("make", strategy=strategy, **setting(made[row], 1, options.threads))["seconds"]
                worker.close()
                samples[row].setdefault(label, []).append(seconds)
    lines = ["| seconds | " + " | ".join(contenders) + " | × published |", "|---" + "|--:" * 5 + "|"]
    for row in rows:
        medians = {label: float(np.median(values)) for label, values in samples[row].items()}
        published = min((medians[label] for label in (SYNC, ASYNC) if label in medians), default=None)
        cells = [f"{medians[label]:.3f}" if label in medians else "" for label in contenders]
        cells.append(f"{published / medians[OURS]:.1f}" if published else "")
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--tasks", nargs="*", default=["reach", "door-open", "pick-place"], help="single tasks")
    parser.add_argument("--batches", nargs="+", type=int, default=list(BATCHES), help="environments of a single task")
    parser.add_argument("--sets", nargs="*", default=["MT10", "MT50"], help="mixes of tasks, one environment each")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--episode-rounds", type=int, default=3)
    parser.add_argument("--construction-rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4000, help="control steps of a sample, over all environments")
    parser.add_argument("--resets", type=int, default=100, help="of a sample, over all environments")
    parser.add_argument("--threads", type=int, default=available_cores(), help="cores that each contender may use")
    parser.add_argument("--venvs", type=Path, default=Path(".venvs"), help="folder of virtual environments, made where missing")
    parser.add_argument("--published", metavar="PYTHON", help="interpreter that has metaworld 3.1.1; 'none' leaves it out")
    parser.add_argument("--envpool", metavar="PYTHON", help="interpreter that has envpool; 'none' leaves it out")
    options = parser.parse_args()

    pythons = {"ours": sys.executable}
    for name in ("published", "envpool"):
        given = getattr(options, name)
        if given != "none":
            pythons[name] = given or interpreter(name, options.venvs)
    tables = compare_rates(options, pythons)
    titles = {"steps": "Steps per second, without resets", "episodes": "Steps per second over whole episodes, resets included"}
    for part, lines in tables.items():
        print(f"\n{titles.get(part, 'Resets per second')}:\n\n" + "\n".join(lines))
    if "construction" in options.parts:
        print("\nConstruction in a fresh process, after the import:\n\n" + "\n".join(compare_construction(options, pythons)))
    print()
    for name, python in pythons.items():
        worker = Worker(name, python)
        print(f"{name}: " + " · ".join(f"{package} {number}" for package, number in worker.ask("versions").items()))
        worker.close()
    print(f"{options.threads} threads · python {installed_versions()['python']} · {sys.platform}")


if __name__ == "__main__":
    main()
