"""Train agents: `python -m metaworld_baselines.train pcgrad-sac --benchmark MT10 --seed 1`.

`--config runs/sac-reach-seed1/config.json` repeats a run, of any algorithm; what is said besides varies it.
`ppo --config published` starts from the published settings, where the defaults are others.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, make_dataclass
from pathlib import Path
from typing import Any

from metaworld_py.files import install_hint, reading, write_json
from metaworld_py.rendering import RenderingError

try:
    import tyro

    from metaworld_baselines.algorithms.registry import Algorithm, algorithms, find_algorithm
    from metaworld_baselines.runs.parallel import Teller, Work, run_here
    from metaworld_baselines.runs.rl_run import RlRun, TooSlowError
    from metaworld_baselines.runs.run_files import check_place, read_description
    from metaworld_baselines.runs.stopping import stop_on_signals
except ModuleNotFoundError as error:
    raise ImportError(f"training needs the package {error.name}: {install_hint('baselines')}") from error

PUBLISHED = "published"  # instead of a file behind --config


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    seed: tuple[int, ...] = (1,)  # one run each
    parallel: int = 1  # seeds at a time, in processes of their own, each on a core of its own
    seeds_at_once: int = 1  # seeds that learn in one compiled call, where the algorithm can: on a GPU three take little longer than one
    out: Path = Path("runs")  # of the runs' folders, ALGORITHM-BENCHMARK-seedN; a run that stopped there goes on
    allow_slow: bool = False  # without a GPU, go on even if the run takes longer than a day


def command_of(config: Any, **options: Any) -> Any:
    """The command with the settings of a configuration, which are the defaults, beside its own options."""
    kind: Any = type(config)
    wanted: Any = tyro.conf.OmitArgPrefixes[kind]  # its fields without a prefix
    made = make_dataclass(f"{kind.__name__}Command", [("config", wanted)], bases=(Command,), frozen=True, kw_only=True)
    return made(config=getattr(config, "as_said", config), **options)


def read_config(path: Path) -> tuple[Algorithm, Any, int]:
    """Algorithm, configuration and seed of a run, from its `config.json`.

    Raises:
      OSError: no such file.
      ValueError: another kind of file, an unknown algorithm or field.
    """
    described = read_description(path)
    with reading(path, "the configuration of an algorithm that is installed"):
        algorithm = find_algorithm(described["algorithm"])
        return algorithm, algorithm.config_from(described["config"]), described["config"]["seed"]


def named_config(name: str, words: list[str]) -> tuple[Algorithm, Any, int]:
    """What `--config NAME` stands for beside the other words of the command line: settings of the algorithm, or those of a run's file.

    Raises:
      OSError, ValueError: see `read_config`; or an unknown algorithm.
    """
    if name != PUBLISHED:
        if not Path(name).exists():
            raise FileNotFoundError(f"--config: there is no file {name}; give the config.json of a run, or {PUBLISHED!r}")
        return read_config(Path(name))
    algorithm = find_algorithm(words[0] if words else "")
    return algorithm, algorithm.published or algorithm.config, Command.seed[0]


def parse(arguments: list[str]) -> tuple[str, Any]:
    """Name of the algorithm and the command, from the words of the command line.

    Raises:
      OSError, ValueError: see `read_config`; or the file is of another algorithm than the one named.
    """
    commands = {name: (algorithm.description, command_of(algorithm.config)) for name, algorithm in algorithms().items()}
    arguments = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--config=") else (word,))]
    if "--config" in arguments[:-1]:
        place = arguments.index("--config")
        name = arguments[place + 1]
        del arguments[place : place + 2]
        algorithm, config, seed = named_config(name, arguments)
        if arguments[:1] and arguments[0] in commands and arguments.pop(0) != algorithm.name:
            raise ValueError(f"--config is of a run of {algorithm.name}")
        arguments.insert(0, algorithm.name)
        commands[algorithm.name] = (algorithm.description, command_of(config, seed=(seed,)))
    command = tyro.extras.overridable_config_cli(commands, prog="python -m metaworld_baselines.train", args=arguments)
    return next(argument for argument in arguments if argument in commands), command


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; returns the exit status."""
    try:
        name, command = parse(list(sys.argv[1:] if arguments is None else arguments))
        check_place(command.out)
        check_number_of_seeds(name, command)
        if command.parallel > 1 and len(command.seed) > 1:
            return train_together(name, command)
        for first in range(0, len(command.seed), command.seeds_at_once):
            train_here(name, command, command.seed[first : first + command.seeds_at_once])
    except (TooSlowError, RenderingError, ImportError, ValueError, OSError, FloatingPointError) as error:
        print(f"metaworld_baselines.train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmetaworld_baselines.train: interrupted; the same command goes on from the last save", file=sys.stderr)
        return 130
    return 0


def folder_name(algorithm: str, config: Any, seed: int) -> str:
    """Name of a run's folder."""
    title = getattr(config, "title", config.benchmark).replace(",", "+")
    return f"{algorithm}-{title}-seed{seed}"


def work(algorithm: str, config: Any, seed: int, out: Path, *, allow_slow: bool) -> Work:
    """The command that makes a run in its folder in `out`, or goes on with it; what it says goes to `log.txt` there."""
    folder = out / folder_name(algorithm, config, seed)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "settings.json"  # config.json tells of the run that is there, which may be another
    write_json(path, {"algorithm": algorithm, "config": {**asdict(config), "seed": seed}})
    words = ["--config", str(path), "--out", str(out), "--seed", str(seed)] + ["--allow-slow"] * allow_slow
    return Work(str(folder), tuple(words), folder / "log.txt")


def train_together(name: str, command: Any) -> int:
    """A run for each seed, so many at a time; returns the exit status."""
    works = [work(name, command.config, seed, command.out, allow_slow=command.allow_slow) for seed in command.seed]
    teller = Teller(works)
    run_here(works, command.parallel, teller.ended, teller.beat)
    return 1 if teller.failed else 0


def check_number_of_seeds(name: str, command: Any) -> None:
    """Refuse what cannot be done with this command's seeds.

    Raises:
      ValueError: numbers below 1, both ways at once, the same seed twice, or an algorithm that learns one seed at a time.
    """
    for option, number in (("--parallel", command.parallel), ("--seeds-at-once", command.seeds_at_once)):
        if number < 1:
            raise ValueError(f"{option} must be at least 1, got {number}")
    if command.seeds_at_once > 1 and command.parallel > 1:
        raise ValueError("--seeds-at-once and --parallel are two ways to the same end: take one of them")
    find_algorithm(name).check_seeds(command.seed, command.seeds_at_once)


def train_here(name: str, command: Any, seeds: Sequence[int]) -> None:
    """Runs of these seeds in this process, all at once."""
    config, algorithm, runs = command.config, find_algorithm(name), dict[int, RlRun]()
    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signals())
        for seed in seeds:
            folder, settings = command.out / folder_name(name, config, seed), {**asdict(config), "seed": seed}
            run = runs[seed] = RlRun(
                folder,
                name,
                settings,
                config.total_env_steps,
                allow_slow=command.allow_slow,
                is_one_of_several=len(seeds) > 1,
                whole=algorithm.whole,
                stop=stop,
            )
            stack.callback(run.close)
        algorithm.train_all(config, runs)
        for run in runs.values():
            success = f"success {run.curve[-1]['success']:.1%}" if run.curve else "not evaluated"
            run.say(f"{run.folder}: {run.env_steps:,} steps in {run.seconds / 3600:.2f} h, {success}")


if __name__ == "__main__":
    sys.exit(main())
