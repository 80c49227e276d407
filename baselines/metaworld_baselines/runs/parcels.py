"""Runs of several seeds as few files, for machines from which few come back: of each what it goes on from, and one archive of all else."""

from __future__ import annotations

import shutil
import threading
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from metaworld_baselines.runs import checkpoints
from metaworld_py.files import PART, reading, written_whole

REST = "rest.zip"
WHOLE = REST, checkpoints.RESUME  # of a parcel; all else is in the archive
PACK_EVERY_S = 15.0


def pack(run: Path, parcel: Path) -> None:
    """Make a run's parcel, or bring it up to date; whatever moment it is taken from the machine, it is whole."""
    parcel.mkdir(parents=True, exist_ok=True)
    kept = [path for path in sorted(run.iterdir()) if path.is_file() and path.name not in WHOLE and PART not in path.suffixes]
    with written_whole(parcel / REST) as part, zipfile.ZipFile(part, "w") as archive:
        for path in kept:
            archive.write(path, path.name)
    for path in kept:  # where the run was laid out in its parcel before: older now, and files lying there come before the archive
        (parcel / path.name).unlink(missing_ok=True)
    resume = run / checkpoints.RESUME
    if resume.is_file():
        with written_whole(parcel / checkpoints.RESUME) as part:
            shutil.copyfile(resume, part)


def unpack(parcel: Path, run: Path) -> None:
    """Lay out a run's files from its parcel, or from a run's folder itself; files that are there already stay.

    A parcel that is laid out in itself is a run's folder from then on.

    Raises:
      ValueError: an archive that is none.
    """
    run.mkdir(parents=True, exist_ok=True)
    for path in parcel.iterdir():
        if path.is_file() and path.name != REST and not (run / path.name).exists():
            shutil.copy2(path, run / path.name)
    if (parcel / REST).is_file():
        with reading(parcel / REST, "what a run has left"), zipfile.ZipFile(parcel / REST) as archive:
            for name in archive.namelist():
                if not (run / name).exists():
                    archive.extract(name, run)
        if run == parcel:  # it would be older than the run that goes on
            (parcel / REST).unlink()


class Packing:
    """Packs runs again and again in a thread of its own, and a last time at the end.

    Args:
      runs: their folders.
      out: where their parcels go, by the runs' names.
    """

    def __init__(self, runs: Sequence[Path], out: Path) -> None:
        self._runs, self._out = runs, out
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def _work(self) -> None:
        packed: dict[Path, float] = {}
        while not self._is_over.wait(PACK_EVERY_S):
            for run in self._runs:
                resume = run / checkpoints.RESUME
                changed = resume.stat().st_mtime if resume.is_file() else 0.0
                if changed and packed.get(run) != changed:
                    with suppress(FileNotFoundError):  # a file that was moved into place meanwhile: the next round has it
                        pack(run, self._out / run.name)
                        packed[run] = changed

    def __enter__(self) -> Packing:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._is_over.set()
        self._thread.join()
        for run in self._runs:
            pack(run, self._out / run.name)
