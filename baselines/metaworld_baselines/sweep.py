"""Algorithms × benchmarks × seeds from one file: `python -m metaworld_baselines.sweep baselines/tables.toml --parallel 2`.

    [ppo]                                    # a name; runs go to OUT/ppo/
    algorithm = "ppo"                        # or a list
    benchmark = ["MT10", "MT50"]             # or one; ML1-reach is ML1 on reach
    seeds = [1, 2, 3]
    config = "published"                     # settings to start from, where the algorithm's defaults are others
    settings.total_env_steps = 20_000_000    # of the algorithm, where they differ

A table [common] has what all entries share; their settings come on top of its. What has ended is left alone, what was stopped goes on: the
same command again finishes a sweep. A run whose folder holds one of other settings fails, and says which these are. `--list` shows where
everything stands, `--only NAME …` takes some entries, `--ray ADDRESS` spreads the runs over a Ray cluster whose machines share the folder
`--out`.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tyro

from metaworld_baselines.algorithms.registry import find_algorithm
from metaworld_baselines.runs import checkpoints, parallel
from metaworld_baselines.runs.parallel import Teller, Work
from metaworld_baselines.runs.run import changed_settings
from metaworld_baselines.runs.run_files import CONFIG, check_place, checked_fields
from metaworld_baselines.train import PUBLISHED, folder_name, work
from metaworld_py.files import install_hint, reading

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

COMMON = "common"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Runs that differ in algorithm, benchmark and seed only."""

    algorithm: str | list[str]
    benchmark: str | list[str]
    seeds: list[int]
    config: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    description: str = ""

    def configs(self) -> list[tuple[str, Any]]:
        """Algorithm and configuration of each run but for the seed.

        Raises:
          ValueError: unknown algorithm, benchmark, task or setting, or a value that does not fit.
        """
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or any(type(seed) is not int for seed in self.seeds):
            raise ValueError(f"seeds must be different whole numbers, at least one, got {self.seeds}")
        made = []
        for name in listed(self.algorithm):
            algorithm = find_algorithm(name)
            if self.config not in ("", PUBLISHED):
                raise ValueError(f"config must be {PUBLISHED!r} or left out, got {self.config!r}")
            config = algorithm.published or algorithm.config if self.config else algorithm.config
            unknown = self.settings.keys() - {each.name for each in dataclasses.fields(config)}
            if unknown:
                raise ValueError(f"{name} has no setting {', '.join(sorted(unknown))}")
            checked_fields(config, self.settings)
            for benchmark in listed(self.benchmark):
                head, _, task = benchmark.partition("-")
                where = {"benchmark": head, "task": task} if head == "ML1" else {"benchmark": benchmark}
                said = getattr(config, "as_said", config)  # meta-learners take the budget from the benchmark
                made.append((name, dataclasses.replace(said, **{**where, **self.settings})))
        return made


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One run of a sweep."""

    algorithm: str
    config: Any
    seed: int
    place: Path  # of the entry's runs

    @property
    def folder(self) -> Path:
        """Where the run leaves its files."""
        return self.place / folder_name(self.algorithm, self.config, self.seed)

    @property
    def header(self) -> dict[str, Any] | None:
        """What its last save says; None before the first."""
        path = self.folder / checkpoints.RESUME
        return checkpoints.read_header(path) if path.is_file() else None

    @property
    def env_steps(self) -> int:
        """How far its last save is."""
        header = self.header
        return 0 if header is None else int(header["env_steps"])

    @property
    def other_settings(self) -> str:
        """In what the run that is there differs from this one, in words; "" where it is this one, or nothing is there."""
        header = self.header
        if header is None:
            return ""
        with reading(self.folder / checkpoints.RESUME, f"what {self.algorithm} goes on from"):
            settings = {**dataclasses.asdict(self.config), "seed": self.seed}
            return changed_settings(header, self.algorithm, settings, find_algorithm(self.algorithm).whole)

    @property
    def is_over(self) -> bool:
        """Whether the budget is spent, by a run with these settings, and its end evaluated."""
        header = self.header
        if header is None or header.get("owes_evaluation", False) or self.other_settings:
            return False
        return int(header["env_steps"]) >= int(self.config.total_env_steps)

    def work(self) -> Work:
        """The command that makes it, or goes on with it."""
        return work(self.algorithm, self.config, self.seed, self.place, allow_slow=True)


def listed(value: str | list[str]) -> list[str]:
    """One or several as a list."""
    return [value] if isinstance(value, str) else value


def read_sweep(path: Path, out: Path, only: Sequence[str] = ()) -> list[Planned]:
    """All runs of a file, checked before the first one starts: the first seed of each entry, then the second, …

    So a sweep that is stopped early has something of everything.

    Raises:
      OSError, ValueError: no such file, no valid one, or an entry that cannot run; says which and why.
    """
    try:
        entries = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from error
    common = entries.pop(COMMON, {})
    check_place(out)
    if out.name in entries and any(out.glob(f"*/{CONFIG}")):
        raise ValueError(f"{out} holds the runs of [{out.name}]: give the folder that it is in, --out {out.parent}, to go on with them")
    unknown = set(only) - entries.keys()
    if unknown:
        raise ValueError(f"{path} has no entry {', '.join(sorted(unknown))}; there are {', '.join(entries)}")
    planned = []
    for name, plain in entries.items():
        if only and name not in only:
            continue
        try:
            entry = Entry(**{**common, **plain, "settings": {**common.get("settings", {}), **plain.get("settings", {})}})
            planned += [
                (turn, Planned(algorithm=algorithm, config=config, seed=seed, place=out / name))
                for algorithm, config in entry.configs()
                for turn, seed in enumerate(entry.seeds)
            ]
            folders = [run.folder for _, run in planned]
            twice = {folder.name for folder in folders if folders.count(folder) > 1}
            if twice:
                raise ValueError(f"{', '.join(sorted(twice))} stands there twice")
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}, [{name}]: {error}") from error
    return [run for _, run in sorted(planned, key=lambda item: item[0])]


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    sweep: tyro.conf.Positional[Path]  # the file
    out: Path = Path("runs")
    only: tuple[str, ...] = ()  # entries; none: all
    parallel: int = 1  # runs at a time, each on a core of its own
    ray: str | None = None  # address of a Ray cluster ("local" starts one here); it decides how many at a time
    list: bool = False  # show where everything stands, and do nothing


def status(run: Planned) -> str:
    """Where a run stands, in a line."""
    if changed := run.other_settings:
        return f"other settings  {run.folder}  {changed}"
    share = run.env_steps / run.config.total_env_steps
    return f"{'done' if run.is_over else f'{share:4.0%}'}  {run.folder}  {parallel.last_line(run.folder / 'log.txt')}"


def run_on_ray(works: Sequence[Work], address: str, ended: Callable[[Work, int], None], beat: Callable[[], None]) -> None:
    """Run all on a Ray cluster, each on a core of its own. A run whose worker is lost again and again has failed, and the others go on.

    Raises:
      ValueError: Ray is not installed.
    """
    try:
        import ray  # noqa: PLC0415  # only who asks for it needs it
    except ImportError as error:
        raise ValueError(f"--ray needs Ray on every machine of the cluster: {install_hint('ray')}") from error
    ray.init(address=address, include_dashboard=False, log_to_driver=False)  # "local" starts one, whatever else is running
    try:
        remote = ray.remote(num_cpus=1, max_retries=2)(parallel.run_on_a_free_core)
        pending = {remote.remote(work): work for work in works}
        while pending:
            done, _ = ray.wait(list(pending), num_returns=1, timeout=parallel.LOOK_EVERY_S)
            beat()
            for reference in done:
                try:
                    exit_status = ray.get(reference)
                except ray.exceptions.RayError:
                    exit_status = 1
                ended(pending.pop(reference), exit_status)
    finally:
        ray.shutdown()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sweep; returns the exit status: 1 if a run failed."""
    command = tyro.cli(Command, prog="python -m metaworld_baselines.sweep", args=arguments)
    try:
        if command.parallel < 1:
            raise ValueError(f"--parallel must be at least 1, got {command.parallel}")
        planned = read_sweep(command.sweep, command.out if command.ray is None else command.out.resolve(), command.only)
        if command.list:
            print("\n".join(status(run) for run in planned))
            return 0
        left = [run for run in planned if not run.is_over]
        print(f"{len(planned)} runs, {len(planned) - len(left)} of them done before", flush=True)
        failed = run_all(left, command)
    except (OSError, ValueError) as error:
        print(f"metaworld_baselines.sweep: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmetaworld_baselines.sweep: interrupted; the same command goes on from the last saves", file=sys.stderr)
        return 130
    return 1 if failed else 0


def run_all(left: Sequence[Planned], command: Command) -> int:
    """Run what is left, telling how it goes; returns how many runs failed."""
    teller = Teller([run.work() for run in left])
    if command.ray is not None:
        run_on_ray(teller.works, command.ray, teller.ended, teller.beat)
    else:
        parallel.run_here(teller.works, command.parallel, teller.ended, teller.beat)
    if teller.failed:
        print(f"{len(teller.failed)} failed; their log.txt says why: {', '.join(teller.failed)}", file=sys.stderr)
    return len(teller.failed)


if __name__ == "__main__":
    sys.exit(main())
