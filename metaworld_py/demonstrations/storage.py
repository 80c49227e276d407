"""A recording's folder: `recording.json`, and `unfinished/` with one file per episode until the data set is put together.

Every file is written under another name and moved into place when complete, so that whatever has its final name is whole.
"""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from metaworld_py import files
from metaworld_py._version import installed_versions
from metaworld_py.demonstrations.config import Attempt, RecordingConfig, attempts
from metaworld_py.demonstrations.episode import Demonstration
from metaworld_py.evaluation.intervals import independent_episodes, rate_interval
from metaworld_py.files import install_hint, write_json, written_whole
from metaworld_py.folder_lock import FolderLock
from metaworld_py.instances.task import INSTANCES_PER_TASK
from metaworld_py.tasks import find_task

SCHEMA = "metaworld_py.demonstrations/1"
RECORDING_FILE = "recording.json"
UNFINISHED = "unfinished"
PART_SUFFIX = files.PART  # of files that are being written
_NUMBERS_OF = ("metaworld_py", "mujoco")  # packages whose versions decide what an episode looks like
_ARRAYS = ("observations", "actions", "expert_actions", "rewards", "successes")
_PICTURE_PREFIX = "picture_"


def require(module: str) -> Any:
    """Import an optional module.

    Raises:
      ImportError: not installed; names the extra.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"demonstrations need the package {module.partition('.')[0]}: {install_hint('demos')}") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
      ValueError: no such file, or not a JSON object.
    """
    try:
        return files.read_json(path)
    except FileNotFoundError as error:
        raise ValueError(f"cannot read {path}: {error}") from error


@dataclass(frozen=True)
class TaskSummary:
    """What became of one task's attempts."""

    task: str
    attempts: int
    successes: int  # attempts with success at any step
    episodes: int  # attempts that are in the data set
    steps: int  # control steps in the data set
    independent_attempts: float | None = None  # as many tell as much of the success rate; None in files of older versions

    @property
    def success_rate(self) -> float:
        """Share of attempts with success at any step."""
        return self.successes / self.attempts

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of `success_rate`, over instances: attempts at the same one that are alike count once."""
        attempts = self.attempts if self.independent_attempts is None else self.independent_attempts
        return rate_interval(self.success_rate * attempts, attempts)


@dataclass(frozen=True)
class Recording:
    """What `recording.json` says: settings, versions, and the summary once all is recorded. `print` shows a table."""

    config: RecordingConfig
    versions: dict[str, str]
    tasks: tuple[TaskSummary, ...] = ()  # empty while episodes are missing

    @property
    def is_complete(self) -> bool:
        """Whether the data set has been put together."""
        return bool(self.tasks)

    def __str__(self) -> str:
        head = f"{'task':28s} {'success':>8s}  {'95 % interval':>15s} {'attempts':>9s} {'recorded':>9s} {'steps':>9s}"
        lines = [head, "─" * len(head)]
        for task in self.tasks:
            low, high = task.interval
            rates = f"{task.success_rate:8.1%}  {low:6.1%} – {high:6.1%}"
            lines.append(f"{task.task:28s} {rates} {task.attempts:9d} {task.episodes:9d} {task.steps:9d}")
        episodes, steps = sum(task.episodes for task in self.tasks), sum(task.steps for task in self.tasks)
        lines += ["─" * len(head), f"{self.config.format}: {episodes} episodes, {steps} steps, seed {self.config.seed}"]
        return "\n".join(lines)

    def save(self, folder: Path) -> None:
        """Write `recording.json`."""
        write_json(folder / RECORDING_FILE, {"schema": SCHEMA, **asdict(self)})

    @classmethod
    def load(cls, folder: Path) -> Recording:
        """Read `recording.json`.

        Raises:
          ValueError: none there, or not one of ours.
        """
        path = folder / RECORDING_FILE
        if not path.is_file():
            raise ValueError(f"{folder} holds no recording ({RECORDING_FILE} is missing): give the --out folder of `metaworld-py record`")
        content = read_json(path)
        if content.get("schema") != SCHEMA:
            raise ValueError(f"{path} is of schema {content.get('schema')!r}, this version reads {SCHEMA!r}")
        try:
            config = RecordingConfig(**content["config"])
            return cls(config, dict(content["versions"]), tuple(TaskSummary(**task) for task in content["tasks"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} does not have the fields of {SCHEMA}: {error}") from error


def is_part(path: Path) -> bool:
    """Whether a file is what an interrupted run left of one."""
    return PART_SUFFIX in path.suffixes


def tidy(folder: Path) -> None:
    """Delete what a complete recording no longer needs: staged episodes, and what killed processes left half-written."""
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
    for left in folder.rglob(f"*-[0-9]*{PART_SUFFIX}"):
        left.unlink(missing_ok=True)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make the folder if there is none, and keep other processes from recording into it.

    Raises:
      ValueError: it is a file, or another process holds it.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: give a folder")
    folder.mkdir(parents=True, exist_ok=True)
    lock = FolderLock(folder, "records into")
    try:
        yield
    finally:
        lock.release()


def begin(folder: Path, config: RecordingConfig) -> Recording:
    """Start a recording in an empty folder, or take up the one that is there; one that has kept no episode gives way to another.

    Raises:
      ValueError: the folder holds something else: other files, other settings, or episodes of other versions.
    """
    if not (folder / RECORDING_FILE).exists():
        if any(not is_part(path) for path in folder.iterdir()):
            raise ValueError(f"{folder} is not empty and holds no recording: give another folder")
        recording = Recording(config, installed_versions())
        recording.save(folder)
        return recording
    recording = Recording.load(folder)
    differences = [
        f"{field.name} is {getattr(recording.config, field.name)!r} there, {getattr(config, field.name)!r} here"
        for field in fields(config)
        if getattr(recording.config, field.name) != getattr(config, field.name)
    ]
    if differences and not recording.is_complete and not _has_kept_any(folder, recording.config):
        tidy(folder)
        recording = Recording(config, installed_versions())
        recording.save(folder)
        return recording
    if differences:
        raise ValueError(f"{folder} holds another recording: {'; '.join(differences)}. Give another folder, or delete this one")
    versions = installed_versions()
    others = [f"{name} {recording.versions.get(name)}, here {versions[name]}" for name in _NUMBERS_OF]
    if not recording.is_complete and any(recording.versions.get(name) != versions[name] for name in _NUMBERS_OF):
        raise ValueError(
            f"{folder} was begun with {'; '.join(others)}: episodes of different versions do not mix. "
            "Finish it with those versions, or give another folder"
        )
    return recording


def _has_kept_any(folder: Path, config: RecordingConfig) -> bool:
    over = (attempt for attempt in attempts(config) if staged_path(folder, attempt).exists())
    return any(staged_outcome(folder, attempt).is_kept for attempt in over)


class StagedEpisode(NamedTuple):
    """A recorded episode that waits for the data set to be put together."""

    attempt: Attempt
    demonstration: Demonstration  # without pixels
    pictures: dict[str, NDArray[Any]]  # what the format keeps of them


class Outcome(NamedTuple):
    """What became of an attempt."""

    is_success: bool
    is_kept: bool
    steps: int


def staged_path(folder: Path, attempt: Attempt) -> Path:
    """Where an attempt is kept; the file exists once the attempt is over."""
    return folder / UNFINISHED / f"{attempt.index:06d}.npz"


def stage(folder: Path, episode: StagedEpisode, *, is_kept: bool) -> None:
    """Keep an attempt; of one that is not to be in the data set only the outcome."""
    demonstration = episode.demonstration
    content: dict[str, Any] = {"outcome": np.array([demonstration.is_success, is_kept, demonstration.steps])}
    if is_kept:
        content |= {name: getattr(demonstration, name) for name in _ARRAYS}
        content |= {"is_terminated": np.array(demonstration.is_terminated)}
        content |= {_PICTURE_PREFIX + name: array for name, array in episode.pictures.items()}
    with written_whole(staged_path(folder, episode.attempt)) as part, part.open("wb") as file:
        np.savez(file, **content)


def staged_outcome(folder: Path, attempt: Attempt) -> Outcome:
    """What became of an attempt that is over."""
    path = staged_path(folder, attempt)
    with (
        files.reading(path, "an episode of this recording (delete it, and it is recorded again)"),
        np.load(staged_path(folder, attempt), allow_pickle=False) as file,
    ):
        is_success, is_kept, steps = (int(value) for value in file["outcome"])
    return Outcome(bool(is_success), bool(is_kept), steps)


def read_staged(folder: Path, attempt: Attempt) -> StagedEpisode:
    """Read an attempt that was kept."""
    path = staged_path(folder, attempt)
    with files.reading(path, "an episode of this recording (delete it, and it is recorded again)"):
        return _staged(path, attempt)


def _staged(path: Path, attempt: Attempt) -> StagedEpisode:
    with np.load(path, allow_pickle=False) as file:
        content = dict(file)
    demonstration = Demonstration(
        task=attempt.task,
        instruction=find_task(attempt.task).sentence,
        instance=attempt.instance,
        instance_index=attempt.instance_index,
        is_terminated=bool(content["is_terminated"]),
        agent=attempt.agent,
        noise_std=attempt.noise_std,
        **{name: content[name] for name in _ARRAYS},
    )
    pictures = {name.removeprefix(_PICTURE_PREFIX): array for name, array in content.items() if name.startswith(_PICTURE_PREFIX)}
    return StagedEpisode(attempt, demonstration, pictures)


def summary(folder: Path, config: RecordingConfig, all_attempts: list[Attempt]) -> tuple[TaskSummary, ...]:
    """Counts per task, once all attempts are over."""
    result = []
    for task_index, task in enumerate(config.tasks):
        outcomes = [staged_outcome(folder, attempt) for attempt in all_attempts if attempt.task_index == task_index]
        kept = [outcome for outcome in outcomes if outcome.is_kept]
        successes = [outcome.is_success for outcome in outcomes]
        steps = sum(outcome.steps for outcome in kept)
        result.append(TaskSummary(task, len(outcomes), sum(successes), len(kept), steps, independent_attempts(successes)))
    return tuple(result)


def independent_attempts(successes: list[bool]) -> float:
    """How many independent attempts tell as much about a success rate as these, of which attempt i plays instance i mod 50.

    See `independent_episodes`; what an unfinished round over the instances adds is left out.
    """
    rounds = len(successes) // INSTANCES_PER_TASK
    return float(len(successes)) if rounds == 0 else independent_episodes(successes[: rounds * INSTANCES_PER_TASK], rounds)
