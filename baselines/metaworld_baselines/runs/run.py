"""A training run's folder and its voice: CSV and TensorBoard logs, progress bar, evaluations, checkpoints, and what a resumed run needs.

config.json         configuration, seed, versions, hardware
progress.csv        losses, success while training, speed
curve.csv           evaluations by the published protocol: success per task
conflict.csv        gradient diagnostics, where asked for
tensorboard/        the same numbers
last, best, resume  see `checkpoints`
"""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import jax
from tensorboardX import SummaryWriter
from tqdm import tqdm

from metaworld_baselines.experience.off_policy import Chunk
from metaworld_baselines.runs import checkpoints
from metaworld_py.engine import machine
from metaworld_py.evaluation import EvaluationResult
from metaworld_py.evaluation.adaptation import AdaptationResult

DAY_S = 86_400.0
TABLES = ("progress", "curve", "conflict")
MAY_CHANGE = {"total_env_steps"}  # of the configuration, between a run and its continuation


class TooSlowError(RuntimeError):
    """The run would take longer than a day on this machine."""


class Run:
    """One seed's training.

    Args:
      folder: made if missing. A run that stopped there goes on.
      algorithm: for the files.
      config: plain values.
      total_env_steps: over all tasks.
      allow_slow: go on where there is no GPU and the run will take longer than a day.
      minutes: end as at the end of the budget after so much wall time, evaluated and saved; None for no limit.
      is_on_tensorboard: write its files, too.

    Raises:
      ValueError: the folder holds a run of another configuration.
    """

    def __init__(
        self,
        folder: Path,
        algorithm: str,
        config: Mapping[str, Any],
        total_env_steps: int,
        *,
        allow_slow: bool = False,
        minutes: float | None = None,
        is_on_tensorboard: bool = True,
    ) -> None:
        self.folder, self.algorithm, self.total_env_steps = folder, algorithm, total_env_steps
        self.config: dict[str, Any] = json.loads(json.dumps(config))  # as it comes back from a file
        folder.mkdir(parents=True, exist_ok=True)
        self.curve: list[dict[str, Any]] = []
        self.env_steps, self._env_steps_before = 0, 0
        self._allow_slow = allow_slow
        self.is_resumed = (folder / checkpoints.RESUME).is_file()
        self.owes_evaluation = False  # saved while the actor of that moment was being evaluated
        self._seconds_before = 0.0
        if self.is_resumed:
            self._read_resume()
        for name in TABLES:  # a run that stopped before its first save left rows, too
            cut_table(folder / f"{name}.csv", self.env_steps - (name == "curve" and self.owes_evaluation))
        description = {"algorithm": algorithm, "config": self.config, "versions": checkpoints.versions(), "hardware": hardware()}
        (folder / "config.json").write_text(json.dumps(description, indent=1) + "\n")
        self._tables: dict[str, Table] = {}
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=self.env_steps) if is_on_tensorboard else None
        self._bar = tqdm(total=total_env_steps, initial=self.env_steps, unit=" steps", unit_scale=True, desc=folder.name, disable=None)
        self._began = time.perf_counter()
        self._deadline = math.inf if minutes is None else self._began + 60.0 * minutes
        self.is_over = self.env_steps >= total_env_steps

    def _read_resume(self) -> None:
        header = checkpoints.read_header(self.folder / checkpoints.RESUME)
        then, now = {"algorithm": header["algorithm"], **header["config"]}, {"algorithm": self.algorithm, **self.config}
        names = [name for name in now if name not in MAY_CHANGE and then.get(name) != now[name]]
        if names:
            changed = "; ".join(f"{name}: {then.get(name)!r} then, {now[name]!r} now" for name in names)
            raise ValueError(
                f"{self.folder} holds a run of another configuration ({changed}): give this one another --out, or remove that folder"
            )
        self.curve, self.env_steps, self._seconds_before = header["curve"], header["env_steps"], header["seconds"]
        self.owes_evaluation = header.get("owes_evaluation", False)

    @property
    def seconds(self) -> float:
        """Wall time spent on this run, all its parts together."""
        return self._seconds_before + time.perf_counter() - self._began

    def restore(self, like: Any) -> tuple[Any, str] | None:
        """What `save_all` wrote, as (arrays in the shape of `like`, the environments' state); None in a new run."""
        if not self.is_resumed:
            return None
        path = self.folder / checkpoints.RESUME
        return checkpoints.restore(path, like), checkpoints.read_header(path)["envs"]

    def resume_with(self, new: Any, collector: Any) -> Any:
        """What learns as it was when this run was last saved, the collector's environments with it; `new` in a new run."""
        saved = self.restore(new)
        if saved is None:
            return new
        collector.set_state(saved[1])
        return jax.device_put(saved[0])

    def save_all(self, arrays: Any, envs: str, *, owes_evaluation: bool = False) -> None:
        """Everything needed to go on exactly here."""
        header = self._header(self.env_steps) | {"envs": envs, "owes_evaluation": owes_evaluation}
        checkpoints.save(self.folder / checkpoints.RESUME, arrays, header)

    def save_actor(self, name: str, actor: Any, env_steps: int | None = None) -> None:
        """An actor to evaluate; as it was after so many steps, or now."""
        checkpoints.save(self.folder / name, actor, self._header(self.env_steps if env_steps is None else env_steps))

    def _header(self, env_steps: int) -> dict[str, Any]:
        numbers = {"env_steps": env_steps, "seconds": self.seconds, "curve": self.curve}
        return {"algorithm": self.algorithm, "config": self.config, **numbers}

    def advance(self, env_steps: int) -> None:
        """Count environment steps."""
        self._env_steps_before = self.env_steps
        self.env_steps += env_steps
        self.is_over = self.env_steps >= self.total_env_steps or time.perf_counter() >= self._deadline
        self._bar.update(env_steps)

    def is_due(self, every: int) -> bool:
        """Whether the last advance reached a multiple of `every` environment steps, or the end of the run; never for 0."""
        return every > 0 and (self.is_over or self.env_steps // every > self._env_steps_before // every)

    def log(self, table: str, numbers: Mapping[str, float], env_steps: int | None = None) -> None:
        """One row of a table, and the same to TensorBoard; of so many steps, or of now."""
        env_steps = self.env_steps if env_steps is None else env_steps
        row = {"env_steps": env_steps, "seconds": round(self.seconds, 1), **numbers}
        if table not in self._tables:
            self._tables[table] = Table(self.folder / f"{table}.csv")
        self._tables[table].write(row)
        for name, value in numbers.items():
            if self._board is not None and math.isfinite(value):
                self._board.add_scalar(f"{table}/{name}", value, env_steps)

    def show_and_check(self, speed: Speed, steps_per_turn: int) -> Speed:
        """Speed and training success beside the progress bar; returns the next stretch's speed.

        Raises:
          TooSlowError: see `check_speed`; not from a stretch in which something was compiled.
        """
        numbers = speed.numbers(steps_per_turn)
        text = (
            f"{numbers['updates_per_s']:.0f} updates/s, waiting {numbers['waiting_for_envs']:.0%} for environments, "
            f"{numbers['waiting_for_learner']:.0%} for the learner; training success {numbers['training_success']:.0%}"
        )
        self._bar.set_postfix_str(text)
        if self._bar.disable:  # no terminal: a log wants lines
            self.say(f"{self.env_steps:>10,} steps after {self.seconds:.0f} s: {numbers['steps_per_s']:.0f} steps/s, {text}")
        if speed.is_warm:
            self.check_speed(numbers["steps_per_s"], numbers["updates_per_s"])
        return Speed(is_warm=True)

    def say(self, text: str) -> None:
        """A line above the progress bar."""
        self._bar.write(text)

    def evaluated(self, result: EvaluationResult, env_steps: int | None = None) -> bool:
        """Keep an evaluation, of the agent after so many steps or now; True if it is the best so far (or as good, but later)."""
        env_steps = self.env_steps if env_steps is None else env_steps
        row = {"success": result.success_rate, "return": mean_return(result)}
        self.say(f"{env_steps:>10,} steps: success {row['success']:6.1%}, return {row['return']:.0f}")
        return self._add_point(row, result, "success", env_steps)

    def adapted(self, test: AdaptationResult, train: AdaptationResult) -> bool:
        """Keep an evaluation of a meta-learner, on held-out and on training goals, before and after adaptation.

        True if success on *training* goals is the highest so far (or as high, but later).
        """
        row = {"success": test.after.success_rate, "return": mean_return(test.after)}
        row |= {"success_before": test.before.success_rate, "return_before": mean_return(test.before)}
        row |= {"train_success": train.after.success_rate, "train_return": mean_return(train.after)}
        row |= {"train_success_before": train.before.success_rate, "train_return_before": mean_return(train.before)}
        self.say(
            f"{self.env_steps:>10,} steps: held-out goals: success {row['success_before']:6.1%} → {row['success']:6.1%}, "
            f"return {row['return_before']:.0f} → {row['return']:.0f}; "
            f"training goals: {row['train_success_before']:6.1%} → {row['train_success']:6.1%}, "
            f"{row['train_return_before']:.0f} → {row['train_return']:.0f}"
        )
        return self._add_point(row, test.after, "train_success", self.env_steps)

    def _add_point(self, row: dict[str, float], result: EvaluationResult, chosen_by: str, env_steps: int) -> bool:
        rates = {task.task: task.success_rate for task in result.tasks}
        best = max((point[chosen_by] for point in self.curve), default=-1.0)
        self.curve.append({"env_steps": env_steps, **row, "tasks": rates})
        self.log("curve", row | {f"success/{name}": rate for name, rate in rates.items()}, env_steps)
        return row[chosen_by] >= best

    def check_speed(self, steps_per_s: float, updates_per_s: float) -> None:
        """Refuse what would take longer than a day without a GPU.

        Raises:
          TooSlowError: it would; says what to do.
        """
        remaining = (self.total_env_steps - self.env_steps) / max(steps_per_s, 1e-9)
        if remaining > DAY_S and jax.default_backend() == "cpu" and not self._allow_slow:
            raise TooSlowError(slow_message(remaining, steps_per_s, updates_per_s))

    def close(self) -> None:
        """End the logs."""
        self._bar.close()
        if self._board is not None:
            self._board.close()
        for table in self._tables.values():
            table.close()


def mean_return(result: EvaluationResult) -> float:
    """Over tasks."""
    return sum(task.mean_return for task in result.tasks) / len(result.tasks)


def slow_message(remaining_s: float, steps_per_s: float, updates_per_s: float) -> str:
    """What to do where there is no GPU and the run would take days."""
    return (
        f"there is no GPU, and at the measured {steps_per_s:,.0f} environment steps/s and {updates_per_s:,.1f} updates/s the rest of this "
        f"run takes {remaining_s / DAY_S:.1f} days. Use a machine with a GPU (pip install 'jax[cuda12]'), ask for less "
        "(--total-env-steps, --batch-per-task, --width), or go on anyway with --allow-slow; nothing that was saved is lost"
    )


def hardware() -> str:
    """Processor, cores and accelerator."""
    cores = machine.available_cores()
    return f"{machine.processor_name()}, {cores} core{'s' * (cores > 1)}, JAX on {jax.devices()[0].device_kind}"


@dataclass
class Speed:
    """How fast a stretch of training was, and which side waited for the other."""

    is_warm: bool = False  # nothing was compiled in this stretch
    seconds: float = 0.0
    turns: int = 0
    updates: int = 0
    waiting_for_envs_s: float = 0.0
    waiting_for_learner_s: float = 0.0
    episodes: list[tuple[float, bool]] = field(default_factory=list)  # returns and successes while training

    def count(self, chunk: Chunk, learner_s: float, turn_s: float, updates: int) -> None:
        """Add one turn of learner and environments."""
        self.seconds += turn_s
        self.turns += 1
        self.updates += updates
        self.waiting_for_envs_s += turn_s - learner_s
        self.waiting_for_learner_s += max(turn_s - chunk.seconds, 0.0)
        self.episodes += zip(chunk.returns, chunk.successes, strict=True)

    def numbers(self, steps_per_turn: int) -> dict[str, float]:
        """Rates, shares of waiting in [0, 1], and how training episodes went (NaN where none ended)."""
        returns, successes = zip(*self.episodes, strict=True) if self.episodes else ((math.nan,), (math.nan,))
        return {
            "steps_per_s": self.turns * steps_per_turn / self.seconds,
            "updates_per_s": self.updates / self.seconds,
            "waiting_for_envs": self.waiting_for_envs_s / self.seconds,
            "waiting_for_learner": self.waiting_for_learner_s / self.seconds,
            "training_return": sum(returns) / len(returns),
            "training_success": sum(successes) / len(successes),
        }


class Table:
    """A CSV file that grows by a row at a time; its columns are those of the first row."""

    def __init__(self, path: Path) -> None:
        columns = path.read_text().splitlines()[:1] if path.is_file() else []
        self._columns = columns[0].split(",") if columns else []
        self._file: TextIO = path.open("a", newline="")

    def write(self, row: Mapping[str, Any]) -> None:
        """Append a row.

        Raises:
          ValueError: other columns than before.
        """
        writer = csv.DictWriter(self._file, self._columns or list(row), lineterminator="\n")
        if not self._columns:
            self._columns = list(row)
            writer.writeheader()
        writer.writerow(row)
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def cut_table(path: Path, env_steps: int) -> None:
    """Drop what was logged behind the point from which a run goes on, and the file if nothing is left."""
    if not path.is_file():
        return
    head, *rows = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")] or [""]
    rows = [row for row in rows if int(row.split(",")[0]) <= env_steps]
    if rows:
        path.write_text(head + "".join(rows))
    else:
        path.unlink()
