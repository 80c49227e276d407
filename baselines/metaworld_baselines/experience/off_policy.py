"""Collecting experience: the vector environment, stepped a chunk at a time, in a thread beside the learner if wanted.

The schedule is the same either way: chunk k is collected with the actor as it was before the learner's k-th turn. So overlapping changes
the speed and no number, and between two turns the whole state is at rest and can be saved.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

from metaworld_baselines.experience.replay import Transition, pack, unpack
from metaworld_baselines.experience.returns import LargestReturns, n_step
from metaworld_py import CustomMT, MetaWorldVectorEnv

Act = Callable[[Any, NDArray[np.float32], NDArray[np.int_]], jax.Array]  # (actor, obs (env, 39), (seed, step)) → actions (env, 4)


class Chunk(NamedTuple):
    """What a chunk of environment steps brought."""

    rows: NDArray[np.float32] | None  # transitions (task, steps · envs per task, row); none of on-policy collectors
    returns: tuple[float, ...]  # of the episodes that ended
    successes: tuple[bool, ...]  # of the same, at any step
    seconds: float
    largest_returns: NDArray[np.float64] | None = None  # (task,), see `returns.LargestReturns`; None: nobody asked

    @property
    def transitions(self) -> Transition:
        """Transitions by their fields."""
        assert self.rows is not None, "an on-policy collector keeps rollouts"
        return unpack(self.rows)


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """On-policy chunks that follow one another as one."""
    returns, successes = (sum((getattr(chunk, name) for chunk in chunks), ()) for name in ("returns", "successes"))
    return Chunk(None, returns, successes, sum(chunk.seconds for chunk in chunks))


def make_envs(
    names: Sequence[str],
    seed: int,
    envs_per_task: int | Sequence[int],
    *,
    max_episode_steps: int,
    reward_version: str,
    n_threads: int = 0,
    first: int = 0,
) -> MetaWorldVectorEnv:
    """The training environments: every task with its published instances of this seed, goals visible; a task's environments in a row.

    There are equally many for each task, or so many for each. They are those from number `first` on of a run: what they play differs from
    what earlier ones do.
    """
    benchmark = CustomMT(list(names), seed)
    counts = [envs_per_task] * len(names) if isinstance(envs_per_task, int) else envs_per_task
    return MetaWorldVectorEnv(
        [list(benchmark.instances_of(name)) for name, count in zip(names, counts, strict=True) for _ in range(count)],
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
      n_steps: of rewards in a transition.
      discount: γ.
      measures_returns: tell each task's largest discounted return.
    """

    def __init__(
        self,
        envs: MetaWorldVectorEnv,
        act: Act,
        *,
        steps: int,
        random_chunks: int,
        seed: int,
        overlap: bool,
        n_steps: int = 1,
        discount: float = 0.99,
        measures_returns: bool = False,
    ) -> None:
        self.envs = envs
        self.num_tasks = len(dict.fromkeys(envs.task_names))
        self._n_steps, self._discount = n_steps, discount
        self._largest = LargestReturns(envs.num_envs, self.num_tasks, discount) if measures_returns else None
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
        steps, ends, returns, successes = [], [], [], []
        for step in range(self._steps):
            if chunk_index < self._random_chunks:
                actions = rng.uniform(-1.0, 1.0, (self.envs.num_envs, 4)).astype(np.float32)
            else:
                actions = np.asarray(self._act(actor, self._obs, np.array([self._seed, chunk_index * self._steps + step])))
            transition, over = self._step(actions)
            steps.append(transition)
            ends.append(over)
            returns += self._returns[over].tolist()
            successes += self._has_succeeded[over].tolist()
            self._returns[over], self._has_succeeded[over] = 0.0, False
        transitions = n_step(Transition(*map(np.stack, zip(*steps, strict=True))), np.stack(ends), self._n_steps, self._discount)
        rows = by_task(pack(transitions), self.num_tasks)
        largest = None if self._largest is None else self._largest.take()
        return Chunk(rows, tuple(returns), tuple(successes), time.perf_counter() - began, largest)

    def _step(self, actions: NDArray[np.float32]) -> tuple[Transition, NDArray[np.bool_]]:
        """One vector step; also which episodes ended with it."""
        obs = self._obs
        now, rewards, terminations, truncations, infos = self.envs.step(actions)
        over = terminations | truncations
        self._obs = now.astype(np.float32)
        self._returns += rewards
        if self._largest is not None:
            self._largest.add(rewards, terminations, over)
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
                "rewards": None if self._largest is None else self._largest.get_state(),
            }
        )

    def set_state(self, state: str) -> None:
        """Go on exactly where `get_state` was called."""
        plain = json.loads(state)
        restore_envs(self.envs, plain["envs"])
        self._obs = np.array(plain["obs"], np.float32)
        self._returns, self._has_succeeded = np.array(plain["returns"]), np.array(plain["has_succeeded"])
        if self._largest is not None:
            self._largest.set_state(plain["rewards"])


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
    """The inverse of `to_plain`: plain values in the shape of a value of the same kind; fields that an older file lacks are as there."""
    if dataclasses.is_dataclass(like):
        kind: Any = type(like)
        own = {field.name: getattr(like, field.name) for field in dataclasses.fields(like)}
        return kind(**{name: from_plain(plain[name], value) if name in plain else value for name, value in own.items()})
    if isinstance(like, dict):
        return {name: from_plain(plain[name], item) for name, item in like.items()}
    if isinstance(like, tuple):
        items = [from_plain(item, one) for item, one in zip(plain, like, strict=True)]
        return type(like)(*items) if hasattr(like, "_fields") else tuple(items)
    return np.array(plain, like.dtype) if isinstance(like, np.ndarray) else plain
