"""Train supervised meta-learners and multi-task networks: `python -m metaworld_baselines.supervised sinusoid --learner mr-maml-w --seed 1`.

A run leaves a folder PROBLEM-LEARNER-seedN with its configuration, curve, progress and what the same command goes on from.
`python -m metaworld_baselines.supervised sinusoid --learner maml --help` shows every setting.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, make_dataclass
from pathlib import Path
from typing import Any

import tyro

from metaworld_baselines.gradients.methods import METHODS
from metaworld_baselines.runs.run import Run
from metaworld_baselines.runs.stopping import stop_on_signals
from metaworld_baselines.supervised.multitask import train_multitask
from metaworld_baselines.supervised.settings import (
    LEARNERS,
    NUM_TASKS,
    PROBLEMS,
    SINGLE,
    MetaConfig,
    MultiTaskConfig,
    find_config,
    find_many_tasks_config,
)
from metaworld_baselines.supervised.training import train
from metaworld_py.rendering import RenderingError

PROG = "metaworld_baselines.supervised"


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    seed: tuple[int, ...] = (1,)  # one run each, one after another
    out: Path = Path("runs")  # of the runs' folders; a run that stopped there goes on


def usage() -> str:
    """What there is to choose from."""
    return (
        f"usage: python -m {PROG} PROBLEM --learner LEARNER [--seed N …] [--out FOLDER] [settings]\n\n"
        f"problems of few shots: {', '.join(PROBLEMS)}\ntheir learners: {', '.join(LEARNERS)}\n\n"
        f"problems of many tasks: {', '.join(NUM_TASKS)}\ntheir learners: {SINGLE}, {', '.join(METHODS)}\n\n"
        f"python -m {PROG} sinusoid --learner maml --help shows all settings."
    )


def parse(arguments: Sequence[str]) -> Any:
    """The command, from the words of the command line; the learner's settings on the problem are the defaults.

    Raises:
      ValueError: unknown names, or settings that cannot be meant.
    """
    problem, *rest = arguments
    words = [part for word in rest for part in (word.split("=", 1) if word.startswith("--learner=") else [word])]
    learner = MultiTaskConfig.learner if problem in NUM_TASKS else next(iter(LEARNERS))
    if "--learner" in words[:-1]:
        place = words.index("--learner")
        learner = words[place + 1]
        del words[place : place + 2]
    config: Any = (find_many_tasks_config if problem in NUM_TASKS else find_config)(problem, learner)
    wanted: Any = tyro.conf.OmitArgPrefixes[type(config)]
    made = make_dataclass("SupervisedCommand", [("config", wanted)], bases=(Command,), frozen=True, kw_only=True)
    return tyro.cli(made, prog=f"python -m {PROG} {problem} --learner {learner}", args=words, default=made(config=config))


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help"):
        print(usage())
        return 0
    try:
        command = parse(words)
        for seed in command.seed:
            train_one(command.config, seed, command.out)
    except (ValueError, OSError, FloatingPointError, RenderingError) as error:
        print(f"{PROG}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\n{PROG}: interrupted; the same command goes on from the last save", file=sys.stderr)
        return 130
    return 0


def train_one(config: MetaConfig | MultiTaskConfig, seed: int, out: Path) -> Path:
    """One run; returns its folder."""
    folder = out / f"{config.title}-{re.sub(r'[:=/,]', '-', config.learner)}-seed{seed}"
    settings, tables = {**asdict(config), "seed": seed}, ("progress", "curve")
    with stop_on_signals() as stop, closing(Run(folder, config.learner, settings, config.total_steps, tables=tables, stop=stop)) as run:
        numbers = train_multitask(config, seed, run) if isinstance(config, MultiTaskConfig) else train(config, seed, run)
        run.say(f"{folder}: {', '.join(f'{name} {value:.3g}' for name, value in numbers.items())}")
    return folder


if __name__ == "__main__":
    sys.exit(main())
