r"""The leaderboard, `baselines/results.json`.

`python -m metaworld_baselines.publishing.leaderboard` prints it; with `add` it grows by a row.

Every row stands on result files, one per seed, as `metaworld-py evaluate … --save result.json` writes them: success and interval are
computed from these, never typed. `python -m metaworld_baselines.publishing.leaderboard check` (and a test) compares all rows with their
files, and the whole with `results.schema.json`.

    python -m metaworld_baselines.publishing.leaderboard add result-seed1.json result-seed2.json \
        --algorithm "My method" --env-steps 20_000_000 --by "Name" --source https://…
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from jsonschema import Draft202012Validator

from metaworld_baselines.places import HERE
from metaworld_baselines.publishing import aggregation
from metaworld_py.checks.bench import table
from metaworld_py.evaluation import EvaluationResult, mean_rate_interval
from metaworld_py.files import read_json, write_json, write_text

FILE, SCHEMA_FILE = "results.json", "results.schema.json"
SCHEMA = "metaworld_py.leaderboard/1"
HEAD = ("", "algorithm", "success", "95 % interval", "seeds", "steps", "after adaptation", "rewards", "episode", "by")
HIDDEN = ", hidden goals"
LIMIT_BYTES = 500_000  # of a result file
DIGITS = 6  # of rates: what is shown is rounded once more, and with four 73.65 % could become either neighbour


@dataclass(frozen=True, kw_only=True)
class Show:
    """Print the leaderboard, best first."""

    benchmark: str = ""  # only this one


@dataclass(frozen=True, kw_only=True)
class Check:
    """Compare all rows with their result files."""


@dataclass(frozen=True, kw_only=True)
class Add:
    """Add a row; result files are copied beside the leaderboard."""

    files: tyro.conf.Positional[tuple[Path, ...]]  # one per training seed
    algorithm: str
    env_steps: int  # of training, over all tasks
    by: str  # who trained it
    source: str  # where code or weights are: an address, or a folder of baselines/agents
    adaptation_episodes: int = 0  # of meta-learners, on each goal, before what counts; only for older result files, which do not say it
    note: str = ""


def read(folder: Path = HERE) -> dict[str, Any]:
    """The leaderboard.

    Raises:
      ValueError: it does not fit the schema; says where.
    """
    board = read_json(folder / FILE, "the leaderboard")
    validator = Draft202012Validator(json.loads((HERE / SCHEMA_FILE).read_text()), format_checker=Draft202012Validator.FORMAT_CHECKER)
    for error in validator.iter_errors(board):
        raise ValueError(f"{FILE} at {error.json_path}: {error.message}")
    return board


def numbers(results: Sequence[EvaluationResult]) -> dict[str, Any]:
    """What a row says of its result files.

    Mean over seeds and tasks. Three seeds and more: with its interval over runs, or over goals where that is wider. Fewer: over goals.

    Raises:
      ValueError: the files are of different benchmarks or protocols, of a seed twice, or of goals that were trained on.
    """
    first = results[0]
    for name in ("benchmark", "max_episode_steps", "reward_function_version", "instances_per_task", "episodes_per_instance", "adaptation"):
        if len({getattr(result, name) for result in results}) > 1:
            raise ValueError(f"the result files differ in {name}: {', '.join(str(getattr(result, name)) for result in results)}")
    if {True, False} <= {result.goal_visible for result in results}:  # older files do not say it
        raise ValueError("the result files differ in goal_visible: some agents saw the goals, others did not")
    seeds = [result.seed for result in results]
    if len(set(seeds)) < len(seeds):
        raise ValueError(
            f"one file for each seed, got seeds {', '.join(map(str, seeds))}: evaluate each agent with the seed of its training"
        )
    adaptation = first.adaptation
    if adaptation is not None and not adaptation.held_out and len(first.tasks) == 1:  # of task sets the name says it
        raise ValueError(f"the result files are of {first.benchmark}'s training goals: evaluate meta-learners on held-out ones")
    scores = np.array([[task.success_rate for task in result.tasks] for result in results])
    over_goals = mean_rate_interval([task.independent_counts for result in results for task in result.tasks])
    interval = aggregation.interval_over_runs_or_goals(scores, over_goals)
    return {
        "benchmark": first.benchmark,
        "seeds": seeds,
        "success": round(float(scores.mean()), DIGITS),
        "interval": [round(end, DIGITS) for end in interval],
        "max_episode_steps": first.max_episode_steps,
        "reward_version": first.reward_function_version,
        "episodes_per_task": first.tasks[0].episodes,
        "versions": first.versions,
        **({} if adaptation is None else {"adaptation_episodes": adaptation.adaptation_episodes}),
    }


def check(folder: Path = HERE) -> list[str]:
    """What is wrong with the leaderboard, in words; nothing if all is well."""
    problems = []
    for row in read(folder)["rows"]:
        name = f"{row['algorithm']} on {row['benchmark']}"
        try:
            found = numbers([EvaluationResult.load(folder / file) for file in row["results"]])
        except (OSError, ValueError) as error:
            problems.append(f"{name}: {error}")
            continue
        problems += [f"{name}: {key} is {row[key]!r}, its files say {value!r}" for key, value in found.items() if row[key] != value]
    return problems


def add(command: Add, folder: Path = HERE) -> dict[str, Any]:
    """A new row from result files; returns it.

    Raises:
      OSError: a file is missing.
      ValueError: the files do not belong together, say otherwise, are too large, or the row does not fit the schema.
    """
    results = [EvaluationResult.load(path) for path in command.files]
    found = numbers(results)
    told = found.setdefault("adaptation_episodes", command.adaptation_episodes)
    if command.adaptation_episodes not in (0, told):
        raise ValueError(f"--adaptation-episodes is {command.adaptation_episodes}, the result files say {told}")
    for path in command.files:
        if path.stat().st_size > LIMIT_BYTES:
            raise ValueError(f"{path} has {path.stat().st_size:,} bytes, more than {LIMIT_BYTES:,}: is it a result file?")
    board = read(folder)
    kept = []
    for path, result in zip(command.files, results, strict=True):
        inside = any(path.resolve().is_relative_to((folder / place).resolve()) for place in ("agents", "results"))
        name = f"{command.algorithm}-{found['benchmark']}-seed{result.seed}"
        name = re.sub(r"[^a-z0-9]+", "-", name.lower())
        place = path.resolve().relative_to(folder.resolve()) if inside else Path("results/leaderboard") / f"{name}.json"
        if not inside:
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            if (folder / place).exists():
                raise ValueError(f"{place} is there already: give the algorithm another name")
        kept.append(place)
    row = {"algorithm": command.algorithm, **found, "env_steps": command.env_steps}
    row |= {"results": [place.as_posix() for place in kept], "by": command.by, "source": command.source, "note": command.note}
    row |= {"date": date.today().isoformat()}
    before = (folder / FILE).read_text()
    board["rows"].append(row)
    write(board, folder)
    try:
        read(folder)
    except ValueError:
        write_text(folder / FILE, before)
        raise
    for path, place in zip(command.files, kept, strict=True):
        if path.resolve() != (folder / place).resolve():
            shutil.copyfile(path, folder / place)
    return row


def write(board: dict[str, Any], folder: Path) -> None:
    """Best first within a benchmark."""
    board["rows"].sort(key=lambda row: (title(row), -row["success"], row["algorithm"]))
    write_json(folder / FILE, board)


def title(row: dict[str, Any]) -> str:
    """Title of the table to which a row belongs: agents that see the goal are not ranked with those that find it out."""
    return row["benchmark"] + HIDDEN * (row["adaptation_episodes"] > 0)


def lines(board: dict[str, Any], benchmark: str = "") -> list[str]:
    """The leaderboard as tables, one for each benchmark.

    Raises:
      ValueError: no row of that benchmark.
    """
    known = list(dict.fromkeys(title(row) for row in board["rows"]))
    chosen = [name for name in known if not benchmark or benchmark.lower() in (name.lower(), name.lower().split(HIDDEN)[0])]
    if not chosen:
        raise ValueError(f"no row of {benchmark or 'any benchmark'}; there are {', '.join(known) or 'none'}")
    shown = []
    for name in chosen:
        rows = [row for row in board["rows"] if title(row) == name]
        cells = [
            (
                str(place),
                row["algorithm"],
                f"{row['success']:.1%}",
                "{:.1%} – {:.1%}".format(*row["interval"]) + (" (seeds)" if len(row["seeds"]) >= aggregation.SEEDS else " (goals)"),
                str(len(row["seeds"])),
                f"{row['env_steps']:,}",
                f"{row['adaptation_episodes']} episodes" if row["adaptation_episodes"] else "",
                row["reward_version"],
                f"{row['max_episode_steps']} steps",
                row["by"],
            )
            for place, row in enumerate(rows, start=1)
        ]
        shown += [f"## {name}", "", *table(HEAD, cells), ""]
    return shown


def main(arguments: Sequence[str] | None = None) -> int:
    """Print, check or add; returns the exit status."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or (arguments[0].startswith("--") and arguments[0] not in ("--help", "-h")):
        arguments = ["show", *arguments]
    command = tyro.cli(
        Annotated[Show, tyro.conf.subcommand("show")]
        | Annotated[Check, tyro.conf.subcommand("check")]
        | Annotated[Add, tyro.conf.subcommand("add")],
        prog="python -m metaworld_baselines.publishing.leaderboard",
        args=arguments,
    )
    try:
        if isinstance(command, Check):
            problems = check()
            print("\n".join(problems) or "all rows agree with their result files")
            return 1 if problems else 0
        if isinstance(command, Add):
            row = add(command)
            print(f"added: {row['algorithm']} on {row['benchmark']}, {row['success']:.1%}")
            return 0
        print("\n".join(lines(read(), command.benchmark)))
    except (OSError, ValueError) as error:
        print(f"metaworld_baselines.publishing.leaderboard: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
