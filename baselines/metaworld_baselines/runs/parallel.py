"""Several training commands at once, in processes of their own, each kept on a free core where there is one and the system can do that."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from metaworld_baselines.runs.stopping import interrupted_by_signals
from metaworld_py.folder_lock import FolderLock

LOOK_EVERY_S = 0.5
SHOW_EVERY_S = 60.0


@dataclass(frozen=True)
class Work:
    """One run, as the words behind `python -m metaworld_baselines.train`."""

    name: str
    arguments: tuple[str, ...]
    log: Path  # where all that it says goes


def run_here(works: Sequence[Work], parallel: int, ended: Callable[[Work, int], None], beat: Callable[[], None] = lambda: None) -> None:
    """Run all, so many at a time. An error, an interrupt or a signal to end ends them, too, each once it is saved.

    Args:
      works: in the order in which they start.
      parallel: at a time.
      ended: told of each, with its exit status.
      beat: called about twice a second.
    """
    waiting, running = deque(works), dict[int, tuple[Work, subprocess.Popen[bytes]]]()
    with ExitStack() as held, interrupted_by_signals():
        cores = [held.enter_context(free_core()) for _ in range(min(parallel, len(works)))]
        try:
            while waiting or running:
                for slot in sorted(set(range(len(cores))) - running.keys())[: len(waiting)]:
                    work = waiting.popleft()
                    running[slot] = work, start(work, cores[slot])
                time.sleep(LOOK_EVERY_S)
                beat()
                for slot in [slot for slot, (_, process) in running.items() if process.poll() is not None]:
                    work, process = running.pop(slot)
                    ended(work, process.returncode)
        finally:
            end([process for _, process in running.values()])


def end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Let runs save themselves and end; at once at a second interrupt, after which they go on from their last saves."""
    for process in processes:
        process.terminate()
    try:
        for process in processes:
            process.wait()
    except KeyboardInterrupt:
        for process in processes:
            process.kill()
        raise


def run_on_a_free_core(work: Work) -> int:
    """Make a run where others may be running that know nothing of it, as workers of a cluster; returns its exit status."""
    with free_core() as cores:
        return start(work, cores).wait()


@contextmanager
def free_core() -> Iterator[list[int]]:
    """A core that nobody else holds by this, until the end of the block or of the process; empty if there is none, or no such thing."""
    for core in sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else ():
        place = Path(tempfile.gettempdir()) / f"metaworld_baselines_{os.getuid()}_core_{core}"
        place.mkdir(exist_ok=True)
        try:
            lock = FolderLock(place, "trains in")
        except ValueError:
            continue
        try:
            yield [core]
        finally:
            lock.release()
        return
    yield []


def start(work: Work, cores: Sequence[int]) -> subprocess.Popen[bytes]:
    """The process of a run, on these cores if any are named; it counts them when it decides how many threads it wants."""
    work.log.parent.mkdir(parents=True, exist_ok=True)
    with work.log.open("ab") as log:
        process = subprocess.Popen(command(work), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    if cores:
        os.sched_setaffinity(process.pid, cores)
    return process


def command(work: Work) -> list[str]:
    """The command line of a run."""
    return [sys.executable, "-m", "metaworld_baselines.train", *work.arguments]


def last_line(log: Path) -> str:
    """What a run said last; nothing if it has said nothing yet."""
    if not log.is_file():
        return ""
    with log.open("rb") as file:
        file.seek(max(log.stat().st_size - 2000, 0))
        lines = file.read().decode(errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


class Teller:
    """Says now and then what is new of runs under way, and how each ended.

    Attributes:
      works: of these runs.
      failed: names of those that ended with an error.
    """

    def __init__(self, works: Sequence[Work]) -> None:
        self.works, self.failed = list(works), list[str]()
        self._said, self._told_at = dict[str, str](), time.monotonic()

    def beat(self) -> None:
        """Show the last line of each run that has a new one, once a minute."""
        if time.monotonic() - self._told_at < SHOW_EVERY_S:
            return
        self._told_at = time.monotonic()
        for work in self.works:
            line = last_line(work.log)
            if line != self._said.setdefault(work.name, ""):
                self._said[work.name] = line
                print(f"{work.name}: {line}", flush=True)

    def ended(self, work: Work, exit_status: int) -> None:
        """Count it, and show its last words."""
        self._said[work.name] = line = last_line(work.log)
        if exit_status:
            self.failed.append(work.name)
        print(f"{'done' if exit_status == 0 else f'failed with exit status {exit_status}'}: {work.name}: {line}", flush=True)
