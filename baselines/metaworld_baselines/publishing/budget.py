"""What the published budgets would cost on this machine: `python -m metaworld_baselines.publishing.budget`.

Trains every algorithm with its published settings for a few turns, measures environment steps/s and updates/s without the first turn, which
compiles, and extrapolates to the published number of steps. Evaluations are left out.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import tyro

from metaworld_baselines.algorithms.meta import MetaConfig
from metaworld_baselines.algorithms.registry import ALGORITHMS
from metaworld_baselines.places import RESULTS
from metaworld_baselines.publishing.published_settings import published_steps
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_baselines.runs.run import hardware
from metaworld_py.checks.bench import table
from metaworld_py.files import write_text

HEAD = ("algorithm", "benchmark", "steps/s", "updates/s", "published steps", "hours for them")
BENCHMARKS = {"mt-sac": "MT10", "mtmh-sac": "MT10", "pcgrad-sac": "MT10", "ppo": "MT10", "rl2": "ML10", "maml-trpo": "ML10"}
FILE = RESULTS / "budget.json"


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    algorithms: tyro.conf.Positional[tuple[str, ...]] = tuple(BENCHMARKS)
    turns: int = 3  # measured, after one that compiles
    out: Path = FILE  # grows by what was measured


def short(config: Any, turns: int) -> Any:
    """The configuration, for a few turns and almost no evaluation."""
    if isinstance(config, MetaConfig):
        env_steps = (turns + 1) * config.env_steps_per_iteration  # type: ignore[attr-defined]
        return replace(config, total_env_steps=env_steps, eval_goals=1, eval_train_goals=1, eval_episodes=1)
    per_turn = getattr(config, "env_steps_per_chunk", None)
    if per_turn is None:
        return replace(config, total_env_steps=(turns + 1) * config.env_steps_per_iteration, eval_instances=1)
    env_steps = (config.random_chunks + turns + 1) * per_turn
    return replace(config, total_env_steps=env_steps, eval_instances=1, log_every_env_steps=per_turn)


def measure(algorithm: str, turns: int) -> dict[str, Any]:
    """Speed with published settings, and what the published budget would take."""
    config = replace(ALGORITHMS[algorithm].published or ALGORITHMS[algorithm].config, benchmark=BENCHMARKS[algorithm])
    budget = published_steps(algorithm, config)
    assert budget, f"{config.benchmark} is among the published benchmarks"
    few = short(config, turns)
    with tempfile.TemporaryDirectory() as folder:
        run = RlRun(Path(folder), algorithm, asdict(few), few.total_env_steps, allow_slow=True)
        try:
            ALGORITHMS[algorithm].train(few, 1, run)
        finally:
            run.close()
        with (Path(folder) / "progress.csv").open() as file:
            rows = list(csv.DictReader(file))[-turns:]
    steps_per_s, updates_per_s = (median(float(row[name]) for row in rows) for name in ("steps_per_s", "updates_per_s"))
    return {
        "algorithm": algorithm,
        "benchmark": BENCHMARKS[algorithm],
        "steps_per_s": round(steps_per_s, 1),
        "updates_per_s": round(updates_per_s, 3),
        "published_env_steps": budget,
        "hours": round(budget / steps_per_s / 3600, 1),
        "hardware": hardware(),
    }


def lines(found: Sequence[dict[str, Any]]) -> list[str]:
    """As a table."""
    rows = [
        (
            row["algorithm"],
            row["benchmark"],
            f"{row['steps_per_s']:,.0f}",
            f"{row['updates_per_s']:.3g}",
            f"{row['published_env_steps']:,}",
            f"{row['hours']:,.0f}",
        )
        for row in found
    ]
    return table(HEAD, rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, keep and print; returns the exit status."""
    command = tyro.cli(Command, prog="python -m metaworld_baselines.publishing.budget", args=arguments)
    if command.turns < 1:
        print(f"metaworld_baselines.publishing.budget: --turns must be at least 1, got {command.turns}", file=sys.stderr)
        return 2
    unknown = [name for name in command.algorithms if name not in BENCHMARKS]
    if unknown:
        print(
            f"metaworld_baselines.publishing.budget: unknown algorithm {', '.join(unknown)}: one of {', '.join(BENCHMARKS)}",
            file=sys.stderr,
        )
        return 2
    known: dict[str, Any] = {row["algorithm"]: row for row in json.loads(command.out.read_text())} if command.out.is_file() else {}
    for algorithm in command.algorithms:
        known[algorithm] = measure(algorithm, command.turns)
        write_text(command.out, json.dumps(list(known.values()), indent=1) + "\n")
    print("\n".join(lines(list(known.values()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
