"""Collecting experience: the vector environment, stepped a chunk at a time, in a thread beside the learner if wanted.

The schedule is the same either way: chunk k is collected with the actor as it was before the learner's k-th turn. So overlapping changes
the speed and no number, and between two turns the whole state is at rest and can be saved.
"""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import pickle
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

from metaworld_baselines.experience.replay import Transition, pack, unpack
from metaworld_py import CustomMT, MetaWorldVectorEnv

Act = Callable[[Any, NDArray[np.float32], NDArray[np.int_]], jax.Array]  # (actor, obs (env, 39), (seed, step)) → actions (env, 4)


LEARNERS_CORES = 2  # not given to collectors' processes


class Chunk(NamedTuple):
    """What a chunk of environment steps brought."""

    rows: NDArray[np.float32] | None  # transitions (task, steps · envs per task, row); none of on-policy collectors
    returns: tuple[float, ...]  # of the episodes that ended
    successes: tuple[bool, ...]  # of the same, at any step
    seconds: float

    @property
    def transitions(self) -> Transition:
        """Transitions by their fields."""
        assert self.rows is not None, "an on-policy collector keeps rollouts"
        return unpack(self.rows)


def make_envs(
    names: Sequence[str],
    seed: int,
    envs_per_task: int,
    *,
    max_episode_steps: int,
    reward_version: str,
    n_threads: int = 0,
    first: int = 0,
) -> MetaWorldVectorEnv:
    """The training environments: every task with its published instances of this seed, goals visible; a task's environments in a row.

    They are those from number `first` on of a run: what they play differs from what earlier ones do.
    """
    benchmark = CustomMT(list(names), seed)
    return MetaWorldVectorEnv(
        [list(benchmark.instances_of(name)) for name in names for _ in range(envs_per_task)],
        max_episode_steps=max_episode_steps,
        reward_function_version=reward_version,
        seed=seed + first,
        n_threads=n_threads,
    )


class Collector:
    """Steps environments with an actor.

    Args:
      envs: with same-step autoreset; environments of a task in a row, equally many for each.
      act: random actions of an actor; called in the collecting thread, on the processor.
      steps: vector steps per chunk.
      random_chunks: this many first chunks take uniform actions.
      seed: of the actions.
      overlap: collect in a thread; else `finish` does it.
    """

    def __init__(self, envs: MetaWorldVectorEnv, act: Act, *, steps: int, random_chunks: int, seed: int, overlap: bool) -> None:
        self.envs = envs
        self.num_tasks = len(dict.fromkeys(envs.task_names))
        self._act, self._steps, self._random_chunks, self._seed = act, steps, random_chunks, seed
        self._thread = ThreadPoolExecutor(1) if overlap else None
        self._pending: Callable[[], Chunk] | None = None
        self._obs = envs.reset()[0].astype(np.float32)
        self._returns, self._has_succeeded = np.zeros(envs.num_envs), np.zeros(envs.num_envs, dtype=bool)

    def begin(self, actor: Any, chunk_index: int) -> None:
        """Start on a chunk with a copy of this actor."""
        # A copy of its own on the processor: the learner goes on with the original, and small batches are quicker there than on a GPU.
        copied = jax.device_put(jax.tree.map(np.array, actor), jax.devices("cpu")[0])
        if self._thread is None:
            self._pending = lambda: self._collect(copied, chunk_index)
        else:
            self._pending = self._thread.submit(self._collect, copied, chunk_index).result

    def finish(self) -> Chunk:
        """Wait for the chunk that was begun."""
        if self._pending is None:
            raise RuntimeError("call begin() before finish()")
        pending, self._pending = self._pending, None
        return pending()

    def close(self) -> None:
        """End the thread and the environments."""
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)
        self.envs.close()

    def _collect(self, actor: Any, chunk_index: int) -> Chunk:
        began = time.perf_counter()
        rng = np.random.default_rng([self._seed, chunk_index])
        rows, returns, successes = [], [], []
        for step in range(self._steps):
            if chunk_index < self._random_chunks:
                actions = rng.uniform(-1.0, 1.0, (self.envs.num_envs, 4)).astype(np.float32)
            else:
                actions = np.asarray(self._act(actor, self._obs, np.array([self._seed, chunk_index * self._steps + step])))
            transition, over = self._step(actions)
            rows.append(pack(transition))
            returns += self._returns[over].tolist()
            successes += self._has_succeeded[over].tolist()
            self._returns[over], self._has_succeeded[over] = 0.0, False
        return Chunk(by_task(np.stack(rows), self.num_tasks), tuple(returns), tuple(successes), time.perf_counter() - began)

    def _step(self, actions: NDArray[np.float32]) -> tuple[Transition, NDArray[np.bool_]]:
        """One vector step; also which episodes ended with it."""
        obs = self._obs
        now, rewards, terminations, truncations, infos = self.envs.step(actions)
        over = terminations | truncations
        self._obs = now.astype(np.float32)
        self._returns += rewards
        success = infos["success"]
        self._has_succeeded |= success > 0.0
        next_obs = self._obs
        if over.any():  # the environments start anew within the step: the true successor stands in the infos
            next_obs = next_obs.copy()
            next_obs[over] = np.stack(infos["final_obs"][over])
        return Transition(obs, actions, rewards.astype(np.float32), next_obs, terminations.astype(np.float32)), over

    def get_state(self) -> str:
        """Environments and running episodes as JSON, exactly (floats are written so that they come back equal)."""
        if self._pending is not None:
            raise RuntimeError("a chunk is being collected: finish() it first")
        return json.dumps(
            {
                "envs": plain_state(self.envs),
                "obs": self._obs.tolist(),
                "returns": self._returns.tolist(),
                "has_succeeded": self._has_succeeded.tolist(),
            }
        )

    def set_state(self, state: str) -> None:
        """Go on exactly where `get_state` was called."""
        plain = json.loads(state)
        restore_envs(self.envs, plain["envs"])
        self._obs = np.array(plain["obs"], np.float32)
        self._returns, self._has_succeeded = np.array(plain["returns"]), np.array(plain["has_succeeded"])


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
        return Chunk(rows, returns, successes, max(chunk.seconds for chunk in chunks))

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
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
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


def by_task(values: NDArray[Any], num_tasks: int) -> NDArray[Any]:
    """From (steps, envs, …), a task's environments in a row, to (task, steps · envs per task, …)."""
    steps, envs = values.shape[:2]
    tasks_first = values.reshape(steps, num_tasks, envs // num_tasks, *values.shape[2:]).swapaxes(0, 1)
    return tasks_first.reshape(num_tasks, -1, *values.shape[2:])


def plain_state(envs: MetaWorldVectorEnv) -> Any:
    """The state of environments as what JSON knows; without the instances that they choose from, which their maker knows."""
    return to_plain(dataclasses.replace(envs.get_state(), selectors=()))


def restore_envs(envs: MetaWorldVectorEnv, plain: Any) -> None:
    """Go on where `plain_state` was called, in environments made alike."""
    like = envs.get_state()
    state = from_plain({**plain, "selectors": []}, dataclasses.replace(like, selectors=()))
    envs.set_state(dataclasses.replace(state, selectors=like.selectors))


def to_plain(value: Any) -> Any:
    """Dataclasses, tuples and arrays as what JSON knows."""
    if dataclasses.is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {name: to_plain(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def from_plain(plain: Any, like: Any) -> Any:
    """The inverse of `to_plain`: plain values in the shape of a value of the same kind."""
    if dataclasses.is_dataclass(like):
        kind: Any = type(like)
        return kind(**{field.name: from_plain(plain[field.name], getattr(like, field.name)) for field in dataclasses.fields(like)})
    if isinstance(like, dict):
        return {name: from_plain(plain[name], item) for name, item in like.items()}
    if isinstance(like, tuple):
        items = [from_plain(item, one) for item, one in zip(plain, like, strict=True)]
        return type(like)(*items) if hasattr(like, "_fields") else tuple(items)
    return np.array(plain, like.dtype) if isinstance(like, np.ndarray) else plain
