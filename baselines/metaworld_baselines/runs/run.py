"""A training run's folder and its voice: CSV and TensorBoard logs, progress bar, checkpoints, and what a resumed run needs.

It counts its steps, whatever these are: of environments (`rl_run`), or of an optimizer on a supervised problem.

config.json         configuration, seed, versions, hardware
progress.csv        losses and whatever else training tells; further tables as runs want them
tensorboard/        the same numbers
last, best, resume  see `checkpoints`
"""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import jax
from tqdm import tqdm

from metaworld_baselines.runs import checkpoints
from metaworld_baselines.runs.board import Board
from metaworld_baselines.runs.run_files import CONFIG
from metaworld_baselines.runs.stopping import Stop
from metaworld_py.engine import machine
from metaworld_py.files import PART, reading, write_json, write_text
from metaworld_py.folder_lock import FolderLock

MAY_CHANGE = {"total_env_steps", "total_steps"}  # of the configuration, between a run and its continuation


class Run:
    """One seed's training.

    Args:
      folder: made if missing. A run that stopped there goes on.
      algorithm: for the files.
      config: plain values.
      total_steps: of the budget.
      unit: what the run counts, for the files.
      tables: that it logs, by name.
      minutes: end as at the end of the budget after so much wall time, evaluated and saved; None for no limit.
      is_on_tensorboard: write its files, too.
      is_one_of_several: that say things side by side.
      whole: from a configuration as an older file may have it to one with all of today's fields.
      stop: that may be asked for.

    Raises:
      ValueError: the folder holds a run of another configuration, or another process trains there.
    """

    def __init__(
        self,
        folder: Path,
        algorithm: str,
        config: Mapping[str, Any],
        total_steps: int,
        *,
        unit: str = "steps",
        tables: Sequence[str] = ("progress",),
        minutes: float | None = None,
        is_on_tensorboard: bool = True,
        is_one_of_several: bool = False,
        whole: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
        stop: Stop | None = None,
    ) -> None:
        self.folder, self.algorithm, self.total_steps, self.unit = folder, algorithm, total_steps, unit
        self.is_one_of_several = is_one_of_several
        self.config = as_in_files(config)
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = FolderLock(folder, "trains in")
        self._stop = stop or Stop()
        self.steps, self._steps_before, self._saved_at = 0, 0, -1
        self.is_resumed = (folder / checkpoints.RESUME).is_file()
        self.has_networks_only = False  # what it goes on from is without optimizers, see `checkpoints.lighten`
        self._seconds_before = 0.0
        with ExitStack() as stack:
            stack.callback(self._lock.release)
            for left in folder.glob(f"*{PART}"):  # half of a file, by a process that was killed
                left.unlink()
            if self.is_resumed:
                self._read_resume(whole)
            for name in tables:  # a run that stopped before its first save left rows, too
                cut_table(folder / f"{name}.csv", self._steps_to_keep(name))
            description = {"algorithm": algorithm, "config": self.config, "versions": checkpoints.versions(), "hardware": hardware()}
            write_json(folder / CONFIG, description)
            stack.pop_all()  # it could begin, and holds the folder until it is closed
        self._tables: dict[str, Table] = {}
        self._board = Board(folder / "tensorboard", self.steps) if is_on_tensorboard else None
        self._bar = tqdm(total=total_steps, initial=self.steps, unit=" steps", unit_scale=True, desc=folder.name, disable=None)
        self._began = time.perf_counter()
        self._deadline = math.inf if minutes is None else self._began + 60.0 * minutes
        self.is_over = self.steps >= total_steps

    def _read_resume(self, whole: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
        path = self.folder / checkpoints.RESUME
        header = checkpoints.read_header(path)
        with reading(path, f"what {self.algorithm} goes on from"):
            changed = changed_settings(header, self.algorithm, self.config, whole)
        if changed:
            raise ValueError(
                f"{self.folder} holds a run of another configuration ({changed}): give this one another --out, or remove that folder"
            )
        with reading(path, "what a training run goes on from"):
            self.steps, self._seconds_before = int(header[self.unit]), float(header["seconds"])
            self.has_networks_only = bool(header.get(checkpoints.NETWORKS_ONLY, False))
            self._take_up(header)

    def _take_up(self, header: dict[str, Any]) -> None:
        """Go on from what a subclass put into the header."""

    def _steps_to_keep(self, table: str) -> int:
        """Steps up to which a table's rows belong to the run that goes on."""
        return self.steps

    @property
    def seconds(self) -> float:
        """Wall time spent on this run, all its visits together."""
        return self._seconds_before + time.perf_counter() - self._began

    def restore(self, like: Any) -> tuple[Any, str] | None:
        """What `save_all` wrote, as (arrays in the shape of `like`, the environments' state); None in a new run."""
        if not self.is_resumed:
            return None
        path = self.folder / checkpoints.RESUME
        header = checkpoints.read_header(path)
        if not isinstance(header.get("envs"), str):
            raise ValueError(f"{path} holds no state of environments")
        return checkpoints.restore(path, like), header["envs"]

    def resume_with(self, new: Any, collector: Any) -> Any:
        """What learns as it was when this run was last saved, the collector's environments with it; `new` in a new run."""
        saved = self.restore(new)
        if saved is None:
            return new
        collector.set_state(saved[1])
        return jax.device_put(saved[0])

    def save_all(self, arrays: Any, state: str) -> None:
        """Everything needed to go on exactly here.

        Args:
          arrays: what learns.
          state: of where data come from (environments, a data set), as text.
        """
        self._write_resume(arrays, {"envs": state})

    def _write_resume(self, arrays: Any, more: dict[str, Any]) -> None:
        checkpoints.save(self.folder / checkpoints.RESUME, arrays, self._header(self.steps) | more)
        self._saved_at = self.steps

    def save_actor(self, name: str, actor: Any, steps: int | None = None) -> None:
        """An actor to evaluate; as it was after so many steps, or now."""
        checkpoints.save(self.folder / name, actor, self._header(self.steps if steps is None else steps))

    def _header(self, steps: int) -> dict[str, Any]:
        return {"algorithm": self.algorithm, "config": self.config, self.unit: steps, "seconds": self.seconds}

    def advance(self, steps: int) -> None:
        """Count steps."""
        self._steps_before = self.steps
        self.steps += steps
        self.is_over = self.steps >= self.total_steps or time.perf_counter() >= self._deadline
        self._bar.update(steps)

    def goes_on(self) -> bool:
        """Whether there is something left to do.

        Raises:
          KeyboardInterrupt: the run is to stop, and can go on from here.
        """
        if not self.is_over and self._stop.is_asked and self._saved_at == self.steps:
            raise KeyboardInterrupt
        return not self.is_over

    def end(self) -> None:
        """Let the last advance have been the end."""
        self.is_over = True

    def is_due(self, every: int) -> bool:
        """Whether the last advance reached a multiple of `every` steps, or the end of the run; never for 0."""
        return every > 0 and (self.is_over or self.steps // every > self._steps_before // every)

    def is_save_due(self, every: int) -> bool:
        """Whether to save everything now: it is due, see there, or the run is to stop."""
        return self._stop.is_asked or self.is_due(every)

    def log(self, table: str, numbers: Mapping[str, float], steps: int | None = None) -> None:
        """One row of a table, and the same to TensorBoard; of so many steps, or of now."""
        steps = self.steps if steps is None else steps
        row = {self.unit: steps, "seconds": round(self.seconds, 1), **numbers}
        if table not in self._tables:
            self._tables[table] = Table(self.folder / f"{table}.csv")
        self._tables[table].write(row)
        if self._board is not None:
            try:
                self._board.write(steps, {f"{table}/{name}": value for name, value in numbers.items()})
            except OSError as error:  # the tables have the same numbers
                self._board = None
                self.say(f"TensorBoard's file could not be written ({error}): this run goes on without it")

    def say(self, text: str) -> None:
        """A line above the progress bar, with the run's name where it is not the only one."""
        self._bar.write(f"{self.folder.name}: {text}" if self.is_one_of_several else text)

    def close(self) -> None:
        """End the logs, and leave the folder to others."""
        self._lock.release()
        self._bar.close()
        for table in self._tables.values():
            table.close()


def changed_settings(
    header: Mapping[str, Any], algorithm: str, config: Mapping[str, Any], whole: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict
) -> str:
    """In what the run of a checkpoint's header is another than the one of these settings, in words; "" where it can go on as that.

    Raises:
      ValueError: its settings are none of the algorithm's.
    """
    settings = as_in_files(whole(header["config"])) if header["algorithm"] == algorithm else header["config"]
    then, now = {"algorithm": header["algorithm"], **settings}, {"algorithm": algorithm, **as_in_files(config)}
    names = [name for name in now if name not in MAY_CHANGE and then.get(name, now[name]) != now[name]]
    return "; ".join(f"{name}: {then.get(name)!r} then, {now[name]!r} now" for name in names)


def as_in_files(config: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values as they come back from a JSON file."""
    plain: dict[str, Any] = json.loads(json.dumps(config))
    return plain


def hardware() -> str:
    """Processor, cores and accelerator."""
    cores = machine.available_cores()
    return f"{machine.processor_name()}, {cores} core{'s' * (cores > 1)}, JAX on {jax.devices()[0].device_kind}"


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


def cut_table(path: Path, steps: int) -> None:
    """Drop what was logged behind the point from which a run goes on, and the file if nothing is left."""
    if not path.is_file():
        return
    with reading(path, "a table of a training run"):
        head, *rows = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")] or [""]
        rows = [row for row in rows if int(row.split(",")[0]) <= steps]
    if rows:
        write_text(path, head + "".join(rows))
    else:
        path.unlink()
