"""A thread pool: threads that share one job. They wait in the interpreter and work outside it, in native or compiled code."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache

from metaworld_py.engine.machine import available_cores

Job = Callable[[], None]


class ThreadPool:
    """`n_threads` threads, the caller's among them. Others start when first needed, and anew in a forked process."""

    def __init__(self, n_threads: int) -> None:
        self.n_threads = n_threads
        self._lock = threading.Lock()
        self._pid = 0
        self._helpers: list[_Helper] = []

    def run(self, job: Job, n_parts: int) -> None:
        """Run the same job in as many threads as there are parts and threads, and wait for all. Jobs share out the parts themselves.

        Raises:
          BaseException: whatever one of them raised.
        """
        n_helpers = min(self.n_threads, n_parts) - 1
        # If another thread's job is under way, the cores are busy already.
        if n_helpers < 1 or not self._lock.acquire(blocking=False):
            job()
            return
        try:
            if self._pid != os.getpid():
                self._helpers, self._pid = [], os.getpid()
            while len(self._helpers) < n_helpers:
                self._helpers.append(_Helper())
            helpers = self._helpers[:n_helpers]
            try:
                for helper in helpers:
                    helper.start(job)
                job()
            finally:
                errors = _errors_once_done(helpers)
            for error in errors:
                if error is not None:
                    raise error
        finally:
            self._lock.release()


class _Helper:
    """One thread that runs a job each time it is told to. What it has to do is a state, not a count: nothing can be left over of a job."""

    def __init__(self) -> None:
        self._job: Job | None = None  # None once it is done
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        threading.Thread(target=self._work, name="metaworld_py", daemon=True).start()

    def start(self, job: Job) -> None:
        with self._changed:
            self._job = job
            self._changed.notify_all()

    def wait(self) -> BaseException | None:
        """What the job raised, once it is done; at once where it was never told of one. Waiting again does no harm."""
        with self._changed:
            self._changed.notify_all()  # an interrupt may have come between the job and its announcement
            while self._job is not None:
                self._changed.wait()
            return self._error

    def _work(self) -> None:
        while True:
            with self._changed:
                while self._job is None:
                    self._changed.wait()
                job = self._job
            error: BaseException | None = None
            try:
                job()
            except BaseException as raised:  # handed to the caller
                error = raised
            with self._changed:
                self._job, self._error = None, error
                self._changed.notify_all()
            del job, error  # what a job holds must not live until the next one


def _errors_once_done(helpers: Sequence[_Helper]) -> list[BaseException | None]:
    """What each helper's job raised. An interrupt waits for them, too: a helper still at work would take part in a later step.

    Raises:
      BaseException: the interrupt.
    """
    interrupt: BaseException | None = None
    while True:
        try:
            errors = [helper.wait() for helper in helpers]
        except BaseException as raised:  # whatever a signal's handler raises; the wait is of milliseconds
            interrupt = raised
            continue
        if interrupt is not None:
            raise interrupt
        return errors


@lru_cache(maxsize=8)
def thread_pool(n_threads: int) -> ThreadPool:
    """The process's pool of this many threads; 0 for as many as there are cores."""
    return ThreadPool(n_threads) if n_threads else thread_pool(available_cores())
