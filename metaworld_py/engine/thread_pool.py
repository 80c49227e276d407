"""A thread pool: threads that share one job. They wait in the interpreter and work outside it, in native or compiled code."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
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
            for helper in helpers:
                helper.start(job)
            try:
                job()
            finally:
                errors = [helper.wait() for helper in helpers]
            for error in errors:
                if error is not None:
                    raise error
        finally:
            self._lock.release()


class _Helper:
    """One thread that runs a job each time it is told to."""

    def __init__(self) -> None:
        self._job: Job | None = None
        self._error: BaseException | None = None
        self._has_job, self._is_done = threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self._work, name="metaworld_py", daemon=True).start()

    def start(self, job: Job) -> None:
        self._job = job
        self._has_job.release()

    def wait(self) -> BaseException | None:
        self._is_done.acquire()
        return self._error

    def _work(self) -> None:
        while True:
            self._has_job.acquire()
            assert self._job is not None
            self._error = None
            try:
                self._job()
            except BaseException as error:  # handed to the caller
                self._error = error
            self._job = None
            self._is_done.release()


@lru_cache(maxsize=8)
def thread_pool(n_threads: int) -> ThreadPool:
    """The process's pool of this many threads; 0 for as many as there are cores."""
    return ThreadPool(n_threads) if n_threads else thread_pool(available_cores())
