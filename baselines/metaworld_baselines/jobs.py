"""Training within a wall-clock limit, for visits to a machine lent for minutes.

    python -m metaworld_baselines.jobs run JOB --minutes 9 --out DIR

The jobs stand in jobs.toml. A job leaves in its folder what is worth carrying home, at any moment, in a few small files: the newest agent,
the learning curve, progress, speed, and what the next visit needs to go on (without the replay buffer, which then fills anew).
"""

from __future__ import annotations

import csv
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import jax
import numpy as np
import tyro

from metaworld_baselines.algorithms import sac_collectors, sac_learner, sac_update
from metaworld_baselines.algorithms.registry import find_algorithm
from metaworld_baselines.algorithms.sac_config import SacConfig
from metaworld_baselines.experience import replay
from metaworld_baselines.runs import checkpoints, parcels
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_baselines.runs.run import hardware
from metaworld_baselines.runs.run_files import check_place
from metaworld_baselines.runs.stopping import stop_on_signals
from metaworld_py.files import write_json

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

JOBS_FILE = Path(__file__).with_name("jobs.toml")
SMOKE = "smoke"
RESERVE_S = 40.0  # of a job's time, for its last evaluation and files
MOST_IMPORTS_S = 300.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to train."""

    description: str
    algorithm: str = ""
    settings: dict[str, Any] = field(default_factory=dict)  # of the algorithm, where they differ from its defaults

    @property
    def config(self) -> Any:
        """The algorithm's configuration."""
        return replace(find_algorithm(self.algorithm).config, **self.settings)

    def config_for(self, num_seeds: int) -> Any:
        """The configuration of one of several seeds: they share the machine's cores, so each has fewer collectors."""
        config = self.config
        if num_seeds == 1 or not hasattr(config, "collectors"):
            return config
        most = max(config.collectors // num_seeds, 1)
        return replace(config, collectors=max(number for number in range(1, most + 1) if config.envs_per_task % number == 0))


def read_jobs(path: Path = JOBS_FILE) -> dict[str, Job]:
    """All jobs by name, most wanted first."""
    return {name: Job(**entry) for name, entry in tomllib.loads(path.read_text()).items()}


# Training -----------------------------------------------------------------------------------------


def train(name: str, job: Job, *, minutes: float, out: Path, seeds: Sequence[int], before: Path | None) -> Path:
    """Train for so long, or to the end of the budget.

    Args:
      name: the job's.
      job: what to train.
      minutes: until everything is written, counted from the start of this process.
      out: a seed's folder is made in here, `NAME-seedN`; of several seeds, which learn at once, it holds a parcel, see `parcels`. What an
        earlier visit left there goes on.
      seeds: of the runs.
      before: what an earlier visit left elsewhere, to go on from: the folder of the one seed, or the folder of the seeds' parcels.

    Returns:
      The folder of the one seed, or that of all.

    Raises:
      ValueError: nothing to go on from in `before` or less than in `out`, too little time, or several seeds of an algorithm that learns one
        at a time.
    """
    check_place(out)
    algorithm, several = find_algorithm(job.algorithm), len(seeds) > 1
    algorithm.check_seeds(seeds, len(seeds))
    titles = {seed: f"{name}-seed{seed}" for seed in seeds}
    left = find_left(titles.values(), out, before)
    config = with_collectors(job.config_for(len(seeds)), [folders[0] for folders in left.values() if folders])
    seconds = 60.0 * minutes - process_seconds() - RESERVE_S
    if seconds <= 0.0:
        raise ValueError(f"{minutes:g} minutes are too few: {process_seconds():.0f} s are over, and the end needs {RESERVE_S:.0f}")
    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signals())
        place = Path(stack.enter_context(tempfile.TemporaryDirectory())) if several else out
        for title, folders in left.items():
            for folder in folders:
                parcels.unpack(folder, place / title)
        runs = dict[int, RlRun]()
        for seed, title in titles.items():
            settings, limit = {**asdict(config), "seed": seed}, seconds / 60.0
            runs[seed] = RlRun(
                place / title,
                job.algorithm,
                settings,
                config.total_env_steps,
                allow_slow=True,
                minutes=limit,
                is_on_tensorboard=False,
                is_one_of_several=several,
                whole=algorithm.whole,
                stop=stop,
            )
        if several:
            stack.enter_context(parcels.Packing([run.folder for run in runs.values()], out))
        began, steps_before = time.perf_counter(), [run.env_steps for run in runs.values()]
        try:
            algorithm.train_all(config, runs)
        finally:
            seconds = time.perf_counter() - began
            for run, steps in zip(runs.values(), steps_before, strict=True):
                run.close()
                report_visit(name, run, run.env_steps - steps, seconds)
    return out if several else out / titles[seeds[0]]


def find_left(titles: Collection[str], out: Path, before: Path | None) -> dict[str, list[Path]]:
    """Folders that each run goes on from, by its title: its place in `out` if something was left there, then what `before` has of it.

    Raises:
      ValueError: nothing in `before`, or more than in `out`.
    """
    left = dict[str, list[Path]]()
    for title in titles:
        left[title] = [out / title] if (out / title / checkpoints.RESUME).is_file() else []
        if before is None:
            continue
        given = before / title if len(titles) > 1 else before
        if not (given / checkpoints.RESUME).is_file():
            raise ValueError(f"--before: {given} holds no {checkpoints.RESUME}: give the folder that an earlier visit left")
        for place in left[title]:
            check_newest(given, place)
        left[title].append(given)
    return left


def check_newest(before: Path, folder: Path) -> None:
    """Refuse to go on with what lies in a visit's folder where the visit before is further.

    Raises:
      ValueError: it is; says how far both are.
    """
    then, now = (int(checkpoints.read_header(place / checkpoints.RESUME)["env_steps"]) for place in (before, folder))
    if then > now:
        raise ValueError(f"{folder} is after {now:,} steps and --before after {then:,}: remove that folder, or give another --out")


def with_collectors(config: Any, folders: Sequence[Path]) -> Any:
    """The configuration with as many collectors as these runs began with, of however many seeds: what they collect depends on it."""
    headers = [checkpoints.read_header(folder / checkpoints.RESUME) for folder in folders]
    found = {header["config"].get("collectors") for header in headers}
    if len(found) != 1 or None in found or not hasattr(config, "collectors"):
        return config
    return replace(config, collectors=found.pop())


def report_visit(name: str, run: RlRun, env_steps: int, seconds: float) -> None:
    """Leave in a run's folder what this visit was."""
    visit = {"env_steps": env_steps, "seconds": round(seconds, 1), "steps_per_s": round(env_steps / seconds, 1)}
    report = {"job": name, "hardware": hardware(), "versions": checkpoints.versions(), "visit": visit, "went_on": run.is_resumed}
    write_json(run.folder / "visit.json", report)


def process_seconds() -> float:
    """Seconds since this process began, imports included where the system tells when that was."""
    known = time.time() - IMPORTED
    try:
        began = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
        told = float(Path("/proc/uptime").read_text().split()[0]) - began
    except OSError:
        return known
    return told if known <= told <= known + MOST_IMPORTS_S else known  # in containers both clocks may have other beginnings


IMPORTED = time.time()


# Smoke --------------------------------------------------------------------------------------------


def smoke(out: Path, jobs: dict[str, Job]) -> dict[str, Any]:
    """Versions, updates/s of the SAC family, steps/s of the environments, and both together; in less than two minutes.

    What is compiled here, a job on the same machine finds in JAX's and Numba's caches. A part that fails leaves its error and the others.
    """
    pcgrad, mtmh = jobs["pcgrad-sac-mt10"], jobs["mtmh-sac-mt10"]
    stepping = subprocess.Popen([sys.executable, "-m", "metaworld_baselines.jobs", "envs"], stdout=subprocess.PIPE, text=True)
    parts: dict[str, Callable[[], Any]] = {
        "machine": lambda: {"hardware": hardware(), "versions": checkpoints.versions(), "python": platform.python_version()},
        "pcgrad-sac, TF32": lambda: updates_per_second(pcgrad.config, trace=out / "trace.json.gz"),
        "environments": lambda: json.loads(stepping.communicate()[0]),
        "pcgrad-sac, both together": lambda: both_together(pcgrad, seconds=15.0),
        "mtmh-sac, TF32": lambda: updates_per_second(mtmh.config),
        "pcgrad-sac, bfloat16": lambda: updates_per_second(replace(pcgrad.config, precision="bfloat16")),
    }
    found: dict[str, Any] = {}
    out.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        try:
            found[name] = part()
        except Exception as error:  # whatever it is: the machine is lent for minutes
            found[name] = {"error": f"{type(error).__name__}: {error}"}
        print(f"{process_seconds():5.0f} s  {name}: {json.dumps(found[name])}", flush=True)
        write_json(out / "smoke.json", found)
    return found


def both_together(job: Job, seconds: float) -> dict[str, float]:
    """Training of a job for some seconds: its last rollout's speed."""
    config = replace(job.config, warmup_vector_steps=50, eval_instances=1, log_every_env_steps=50_000)
    with tempfile.TemporaryDirectory() as folder:
        run = RlRun(Path(folder), job.algorithm, asdict(config), config.total_env_steps, minutes=seconds / 60.0, is_on_tensorboard=False)
        try:
            find_algorithm(job.algorithm).train(config, 0, run)
        finally:
            run.close()
        with (Path(folder) / "progress.csv").open() as file:
            last = list(csv.DictReader(file))[-1]
    return {name: float(last[name]) for name in ("env_steps", "steps_per_s", "updates_per_s", "waiting_for_envs", "waiting_for_learner")}


def updates_per_second(config: SacConfig, calls: int = 5, trace: Path | None = None) -> dict[str, float]:
    """Rate of the compiled updates of a chunk, on a buffer of noise; and how long compiling took.

    Args:
      config: of the run.
      calls: measured.
      trace: where a profile of one more call goes.
    """
    learner = sac_learner.make_learner(config, 0)
    buffer = replay.empty(learner.num_tasks, config.capacity)
    rows = jax.random.normal(jax.random.PRNGKey(0), buffer.rows.shape)
    buffer = buffer._replace(rows=rows, num_rows=buffer.num_rows + config.capacity)
    began = time.perf_counter()
    learn, agent, seconds = sac_update.compiled_updates(learner), sac_learner.init(learner, 0), []
    compiling = time.perf_counter() - began
    for iteration in range(calls + 1):
        began = time.perf_counter()
        agent = jax.block_until_ready(learn(agent, buffer, jax.random.PRNGKey(1), np.int32(iteration)))
        seconds.append(time.perf_counter() - began)
    if trace is not None:
        with tempfile.TemporaryDirectory() as folder:
            with jax.profiler.trace(folder):
                jax.block_until_ready(learn(agent, buffer, jax.random.PRNGKey(1), np.int32(0)))
            shutil.copy2(next(Path(folder).rglob("*.trace.json.gz")), trace)
    return {"updates_per_s": round(config.updates_per_chunk / median(seconds[1:]), 1), "compiling_s": round(compiling, 1)}


def steps_per_second(job: Job, numbers: Sequence[int], chunks: int = 4) -> dict[str, float]:
    """Rate of the untrained actor's collectors, by their number."""
    rates = {}
    for number in numbers:
        config = replace(job.config, collectors=number)
        learner = sac_learner.make_learner(config, 0)
        actor, collector = sac_learner.actor_tree(learner, sac_learner.init(learner, 0)), sac_collectors.make_collectors(config, 0)
        seconds = []
        for iteration in range(chunks + 1):
            began = time.perf_counter()
            collector.begin(actor, config.random_chunks + iteration)
            collector.finish()
            seconds.append(time.perf_counter() - began)
        collector.close()
        rates[str(number)] = round(config.env_steps_per_chunk / median(seconds[1:]), 1)
    return rates


def lighten(folder: Path, out: Path) -> None:
    """Keep of a visit's folder what the next one needs; see `LightenCommand`.

    Raises:
      FileNotFoundError: a file of it is missing.
    """
    tables = [folder / name for name in ("progress.csv", "curve.csv")]
    for path in (*tables, folder / checkpoints.RESUME):
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: give the folder of a run that a visit left")
    out.mkdir(parents=True, exist_ok=True)
    for path in tables:
        shutil.copy2(path, out / path.name)
    checkpoints.lighten(folder / checkpoints.RESUME, out / checkpoints.RESUME, sac_learner.Networks._fields)


# Command line -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RunCommand:
    """Run a job."""

    job: tyro.conf.Positional[str]
    minutes: float = 9.0  # until all is written
    total_env_steps: int | None = None  # another budget, over which rates fall: what these minutes hold, where that is less
    out: Path = Path("runs")  # the job's folder is made in here
    seed: tuple[int, ...] = (1,)  # several learn at once
    before: Path | None = None  # what an earlier visit left elsewhere, to go on from: the job's folder, or of several seeds that of theirs


@dataclass(frozen=True, kw_only=True)
class LightenCommand:
    """Keep of a visit of the SAC family what the next one needs: networks, curve, progress. In a repository, that is."""

    folder: tyro.conf.Positional[Path]
    out: Path  # the new folder


@dataclass(frozen=True, kw_only=True)
class ListCommand:
    """Tell which jobs there are."""


@dataclass(frozen=True, kw_only=True)
class EnvsCommand:
    """Measure steps/s of the environments, as JSON."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; returns the exit status."""
    commands: dict[str, Any] = {"run": RunCommand, "lighten": LightenCommand, "list": ListCommand, "envs": EnvsCommand}
    command = tyro.extras.subcommand_cli_from_dict(commands, prog="python -m metaworld_baselines.jobs", args=arguments)
    jobs = read_jobs()
    if isinstance(command, ListCommand):
        print("\n".join(f"{name:22s} {job.description}" for name, job in jobs.items()))
        return 0
    if isinstance(command, EnvsCommand):
        jax.config.update("jax_platforms", "cpu")
        job = jobs["pcgrad-sac-mt10"]
        numbers = [number for number in range(1, job.config.envs_per_task + 1) if job.config.envs_per_task % number == 0]
        print(json.dumps(steps_per_second(job, numbers)))
        return 0
    try:
        if isinstance(command, LightenCommand):
            lighten(command.folder, command.out)
        elif command.job not in jobs:
            raise ValueError(f"unknown job {command.job!r}; there are {', '.join(jobs)}")
        elif command.job == SMOKE:
            smoke(command.out, jobs)
        else:
            job = jobs[command.job]
            if command.total_env_steps is not None:
                job = replace(job, settings={**job.settings, "total_env_steps": command.total_env_steps})
            folder = train(command.job, job, minutes=command.minutes, out=command.out, seeds=command.seed, before=command.before)
            print(f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    except (ImportError, ValueError, OSError, FloatingPointError) as error:
        print(f"metaworld_baselines.jobs: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmetaworld_baselines.jobs: interrupted; the same command goes on from the last save", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
