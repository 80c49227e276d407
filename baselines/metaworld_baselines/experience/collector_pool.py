"""Collecting in several processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

import jax
import numpy as np

from metaworld_baselines.experience.off_policy import Chunk, Collector

LEARNERS_CORES = 2  # not given to collectors' processes


class CollectorPool:
    """Collectors in processes of their own, each with its share of every task's environments; to be used like one collector.

    Python is not held up by what another collector does there, and an actor's small products are computed on a process's own cores.

    Args:
      makers: each makes a collector; they must pickle, as a new interpreter calls them.
    """

    def __init__(self, makers: Sequence[Callable[[], Collector]]) -> None:
        context = multiprocessing.get_context("spawn")
        self._connections: list[Connection] = []
        self._processes = []
        for cores, make in zip(shares_of_cores(len(makers)), makers, strict=True):
            here, there = context.Pipe()
            process = context.Process(target=serve, args=(make, there, cores), daemon=True)
            process.start()
            there.close()
            self._connections.append(here)
            self._processes.append(process)
        self._is_ready = False  # whoever made this has other things to compile meanwhile

    def _wait_until_ready(self) -> None:
        if not self._is_ready:
            self._answers()
            self._is_ready = True

    def begin(self, actor: Any, chunk_index: int) -> None:
        """Begin a chunk in every process; see `Collector.begin`."""
        self._wait_until_ready()
        self._tell(("collect", actor, chunk_index))

    def finish(self) -> Chunk:
        """Wait for all chunks, and join them."""
        chunks: list[Chunk] = self._answers()
        returns, successes = (sum((getattr(chunk, name) for chunk in chunks), ()) for name in ("returns", "successes"))
        rows = np.concatenate([chunk.rows for chunk in chunks], axis=1)
        measured = [chunk.largest_returns for chunk in chunks if chunk.largest_returns is not None]
        return Chunk(rows, returns, successes, max(chunk.seconds for chunk in chunks), np.max(measured, axis=0) if measured else None)

    def get_state(self) -> str:
        """States of all collectors, as text."""
        self._wait_until_ready()
        self._tell(("get_state",))
        return json.dumps(self._answers())

    def set_state(self, state: str) -> None:
        """Go on from states of `get_state`."""
        self._wait_until_ready()
        for connection, one in zip(self._connections, json.loads(state), strict=True):
            connection.send_bytes(pickle.dumps(("set_state", one)))
        self._answers()

    def close(self) -> None:
        """End the processes."""
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            process.join()

    def _tell(self, message: tuple[Any, ...]) -> None:
        pickled = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)  # once for all
        for connection in self._connections:
            connection.send_bytes(pickled)

    def _answers(self) -> list[Any]:
        answers = []
        for connection in self._connections:
            try:
                answer, error = connection.recv()
            except EOFError as end:
                raise RuntimeError("a process that collects experience has ended; its last words stand above") from end
            if error is not None:
                raise error
            answers.append(answer)
        return answers


def serve(make: Callable[[], Collector], connection: Connection, cores: Sequence[int]) -> None:
    """In a process of a pool: make a collector, then do what is asked for, until the connection is closed."""
    for name in ("SIGINT", "SIGHUP"):  # which a terminal sends here, too: the other side decides when this ends
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    jax.config.update("jax_platforms", "cpu")
    collector: Collector | None = None
    message: tuple[Any, ...] = ("make",)
    try:
        while True:
            try:
                if collector is None:
                    collector, answer = make(), None
                elif message[0] == "collect":
                    collector.begin(*message[1:])
                    answer = collector.finish()
                else:
                    answer = getattr(collector, message[0])(*message[1:])
                connection.send((answer, None))
            except Exception as error:  # whatever it is, the other side raises it
                connection.send((None, error))
            message = pickle.loads(connection.recv_bytes())
    except (EOFError, BrokenPipeError):
        if collector is not None:
            collector.close()


def shares_of_cores(number: int) -> list[list[int]]:
    """Which cores each of so many processes gets; none of those that the learner needs, where there are enough. Empty: any."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    each = (len(cores) - LEARNERS_CORES) // number
    if each < 1:
        return [[] for _ in range(number)]
    last = cores[len(cores) - each * number :]
    return [last[index * each : (index + 1) * each] for index in range(number)]
