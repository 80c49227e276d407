"""Train agents: `python -m baselines.train pcgrad-sac --benchmark MT10 --seed 1`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tyro

from baselines import pcgrad_sac, sac
from baselines.runs import Run, TooSlowError
from baselines.sac import SacConfig

# Single tasks, for a processor: the original paper's network (2 × 256), and four environments for each update. The temperature starts at a
# tenth. From one, its bonus lifts all values to hundreds, and what is wrong with values of unrewarded places fades at a rate of τ (1 − γ):
# 20 000 updates, which is nothing in a run of millions and everything in a run of minutes.
SINGLE_TASK = SacConfig(
    benchmark="reach",
    total_env_steps=1_000_000,
    envs_per_task=4,
    width=256,
    depth=2,
    batch_per_task=128,
    initial_temperature=0.1,
    buffer_per_task=1_000_000,
    warmup_vector_steps=1_000,
    eval_every_env_steps=50_000,
    save_every_env_steps=50_000,
    log_every_env_steps=2_000,
)


@dataclass(frozen=True)
class Algorithm:
    """What a name on the command line stands for."""

    description: str
    config: SacConfig
    train: Callable[[SacConfig, int, Run], Any]


ALGORITHMS = {
    "sac": Algorithm("SAC on one task", SINGLE_TASK, sac.train),
    "mt-sac": Algorithm("SAC on several tasks, told apart by one-hot ids", SacConfig(), sac.train),
    "mtmh-sac": Algorithm("the same with a head per task (MTMH-SAC)", SacConfig(multi_head=True), sac.train),
    "pcgrad-sac": Algorithm("MTMH-SAC with gradient surgery (PCGrad)", SacConfig(multi_head=True), pcgrad_sac.train),
}


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    config: tyro.conf.OmitArgPrefixes[SacConfig]
    seed: tuple[int, ...] = (1,)  # one run each, one after another
    out: Path = Path("runs")  # of the runs' folders, ALGORITHM-BENCHMARK-seedN; a run that stopped there goes on
    allow_slow: bool = False  # without a GPU, go on even if the run takes longer than a day


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; returns the exit status."""
    commands = {name: (algorithm.description, Command(config=algorithm.config)) for name, algorithm in ALGORITHMS.items()}
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    command = tyro.extras.overridable_config_cli(commands, prog="python -m baselines.train", args=arguments)
    name = next(argument for argument in arguments if argument in ALGORITHMS)
    try:
        for seed in command.seed:
            train_one(name, command, seed)
    except (TooSlowError, ValueError, OSError) as error:
        print(f"baselines.train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nbaselines.train: interrupted; the same command goes on from the last save", file=sys.stderr)
        return 130
    return 0


def train_one(name: str, command: Command, seed: int) -> Path:
    """One run; returns its folder."""
    config = command.config
    folder = command.out / f"{name}-{config.benchmark.replace(',', '+')}-seed{seed}"
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
