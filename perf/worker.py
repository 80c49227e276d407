"""One contender of compare.py and step.py: makes environments in its own virtual environment and times itself on request.

    PYTHON worker.py ours|published|envpool

Reads one JSON job a line ({"job": name, arguments …}) and answers each with one line. Between jobs it waits and uses no processor.
The other packages are black boxes: only what their documentation shows is called.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np

HORIZON = 500  # control steps of an episode
PACKAGES = {"ours": "metaworld_py", "published": "metaworld", "envpool": "envpool"}


class One:
    """A single environment as a vector of one that starts anew by itself."""

    num_envs = 1

    def __init__(self, env: Any) -> None:
        self._env = env
        self._steps = 0

    def reset(self) -> None:
        self._env.reset()
        self._steps = 0

    def step(self, actions: np.ndarray) -> None:
        self._env.step(actions[0])
        self._steps += 1
        if self._steps == HORIZON:
            self.reset()


class Pools:
    """Pools of EnvPool, one per task, as a mix of tasks: all get their actions before the first is waited for."""

    def __init__(self, pools: list[Any]) -> None:
        self._pools = pools
        self._ids = np.zeros(1, dtype=np.int32)
        self.num_envs = len(pools)

    def reset(self) -> None:
        for pool in self._pools:
            pool.reset()

    def step(self, actions: np.ndarray) -> None:
        for pool, action in zip(self._pools, actions[:, np.newaxis], strict=True):
            pool.send(action, self._ids)
        results = [pool.recv() for pool in self._pools]
        for arrays in list(zip(*results, strict=True))[:4]:
            np.concatenate(arrays)


def make_ours(tasks: list[str], task_set: str | None, num_envs: int, **_: Any) -> Any:
    gymnasium, _package = importlib.import_module("gymnasium"), importlib.import_module("metaworld_py")
    if task_set:
        return gymnasium.make_vec(f"Meta-World/{task_set}", seed=1)
    if num_envs == 1:
        return One(gymnasium.make("Meta-World/MT1", env_name=tasks[0], seed=1))
    return gymnasium.make_vec("Meta-World/custom-mt-envs", envs_list=tasks, num_envs=num_envs, seed=1)


def make_published(tasks: list[str], task_set: str | None, strategy: str, **_: Any) -> Any:
    gymnasium, metaworld = importlib.import_module("gymnasium"), importlib.import_module("metaworld")
    if task_set:
        return gymnasium.make_vec(f"Meta-World/{task_set}", vector_strategy=strategy, seed=1)
    name = f"{tasks[0]}-v3"
    if strategy == "bare":  # the class without Gymnasium's wrappers, beside our class
        benchmark = metaworld.MT1(name, seed=1)
        env = benchmark.train_classes[name]()
        env.set_task(benchmark.train_tasks[0])
        return One(env)
    return One(gymnasium.make("Meta-World/MT1", env_name=name, seed=1))


def make_envpool(tasks: list[str], task_set: str | None, num_envs: int, threads: int, **_: Any) -> Any:
    make = importlib.import_module("envpool").make_gymnasium
    if task_set:
        return Pools([make(envpool_id(task), num_envs=1, num_threads=1, seed=1) for task in tasks])
    return make(envpool_id(tasks[0]), num_envs=num_envs, num_threads=min(threads, num_envs), seed=1)


def envpool_id(task: str) -> str:
    return "MetaWorld/" + "".join(part.capitalize() for part in task.split("-")) + "-v3"


MAKE = {"ours": make_ours, "published": make_published, "envpool": make_envpool}


RESETS_TO_SEE_ALL = 400  # of 50 instances, at random


class Contender:
    """Does the jobs. Answers are seconds and what was done in them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._envs: Any = None
        self._is_warm = False

    def versions(self) -> dict[str, Any]:
        installed = {}
        for package in (PACKAGES[self._name], "mujoco", "gymnasium", "numpy"):
            try:
                installed[package] = version(package)
            except importlib.metadata.PackageNotFoundError:
                continue  # EnvPool brings an engine of its own
        return installed

    def make(self, **setting: Any) -> dict[str, Any]:
        """Environments, reset once: with what is only built when it is first needed."""
        start = time.perf_counter()
        self._envs, self._is_warm = MAKE[self._name](**setting), False
        self._envs.reset()
        return {"seconds": time.perf_counter() - start, "num_envs": self._envs.num_envs}

    def steps(self, calls: int, seed: int) -> dict[str, Any]:
        """Bare steps of one episode, the reset before it not timed."""
        actions = self._actions(calls, seed)
        self._envs.reset()
        start = time.perf_counter()
        for action in actions:
            self._envs.step(action)
        return {"seconds": time.perf_counter() - start, "done": calls * self._envs.num_envs}

    def episode(self, seed: int) -> dict[str, Any]:
        """A whole episode of all environments, the automatic reset at its end included."""
        actions = self._actions(HORIZON, seed)
        # EnvPool starts anew at the call after an episode's last step, which is no control step.
        calls = HORIZON + 1 if self._name == "envpool" else HORIZON
        self._envs.reset()
        start = time.perf_counter()
        for call in range(calls):
            self._envs.step(actions[call % HORIZON])
        return {"seconds": time.perf_counter() - start, "done": HORIZON * self._envs.num_envs}

    def resets(self, calls: int) -> dict[str, Any]:
        """Resets of a process that has been at work for a while: ours has seen every instance. (Others remember nothing.)"""
        if self._name == "ours" and not self._is_warm:
            for _ in range(RESETS_TO_SEE_ALL):
                self._envs.reset()
            self._is_warm = True
        start = time.perf_counter()
        for _ in range(calls):
            self._envs.reset()
        return {"seconds": time.perf_counter() - start, "done": calls * self._envs.num_envs}

    def load(self) -> dict[str, Any]:
        """Import the package, for the first time in this process."""
        start = time.perf_counter()
        importlib.import_module(PACKAGES[self._name])
        return {"seconds": time.perf_counter() - start}

    def benchmark(self, task_set: str) -> dict[str, Any]:
        """Construct a benchmark object: its classes and task instances."""
        package = importlib.import_module(PACKAGES[self._name])
        start = time.perf_counter()
        getattr(package, task_set)(seed=1)
        return {"seconds": time.perf_counter() - start}

    def _actions(self, calls: int, seed: int) -> np.ndarray:
        return np.random.default_rng(seed).uniform(-1, 1, (calls, self._envs.num_envs, 4)).astype(np.float32)


def main(name: str) -> None:
    contender = Contender(name)
    for line in sys.stdin:
        job = json.loads(line)
        try:
            answer = getattr(contender, job.pop("job"))(**job)
        except Exception as error:  # the other process says what to do about it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":  # asynchronous environments import this file again
    main(sys.argv[1])
