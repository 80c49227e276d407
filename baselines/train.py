"""Train agents: `python -m baselines.train pcgrad-sac --benchmark MT10 --seed 1`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tyro

from baselines.algorithms import ALGORITHMS
from baselines.maml_trpo import MamlConfig
from baselines.ppo import PpoConfig
from baselines.rl2 import Rl2Config
from baselines.runs import Run, TooSlowError
from baselines.sac import SacConfig


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    seed: tuple[int, ...] = (1,)  # one run each, one after another
    out: Path = Path("runs")  # of the runs' folders, ALGORITHM-BENCHMARK-seedN; a run that stopped there goes on
    allow_slow: bool = False  # without a GPU, go on even if the run takes longer than a day


@dataclass(frozen=True, kw_only=True)
class SacCommand(Command):
    """Options of the SAC family."""

    config: tyro.conf.OmitArgPrefixes[SacConfig]


@dataclass(frozen=True, kw_only=True)
class PpoCommand(Command):
    """Options of PPO."""

    config: tyro.conf.OmitArgPrefixes[PpoConfig]


@dataclass(frozen=True, kw_only=True)
class Rl2Command(Command):
    """Options of RL²."""

    config: tyro.conf.OmitArgPrefixes[Rl2Config]


@dataclass(frozen=True, kw_only=True)
class MamlCommand(Command):
    """Options of MAML."""

    config: tyro.conf.OmitArgPrefixes[MamlConfig]


COMMANDS: dict[type, Any] = {SacConfig: SacCommand, PpoConfig: PpoCommand, Rl2Config: Rl2Command, MamlConfig: MamlCommand}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; returns the exit status."""
    commands = {
        name: (algorithm.description, COMMANDS[type(algorithm.config)](config=algorithm.config)) for name, algorithm in ALGORITHMS.items()
    }
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    command = tyro.extras.overridable_config_cli(commands, prog="python -m baselines.train", args=arguments)
    name = next(argument for argument in arguments if argument in ALGORITHMS)
    try:
        for seed in command.seed:
            train_one(name, command, seed)
    except (TooSlowError, ValueError, OSError, FloatingPointError) as error:
        print(f"baselines.train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nbaselines.train: interrupted; the same command goes on from the last save", file=sys.stderr)
        return 130
    return 0


def train_one(name: str, command: Any, seed: int) -> Path:
    """One run; returns its folder."""
    config = command.config
    title = getattr(config, "title", config.benchmark).replace(",", "+")
    folder = command.out / f"{name}-{title}-seed{seed}"
    run = Run(folder, name, {**asdict(config), "seed": seed}, config.total_env_steps, allow_slow=command.allow_slow)
    try:
        ALGORITHMS[name].train(config, seed, run)
        success = f"success {run.curve[-1]['success']:.1%}" if run.curve else "not evaluated"
        run.say(f"{folder}: {run.env_steps:,} steps in {run.seconds / 3600:.2f} h, {success}")
    finally:
        run.close()
    return folder


if __name__ == "__main__":
    sys.exit(main())
