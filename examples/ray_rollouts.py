"""Rollouts on many machines with Ray: each actor holds a vector environment of some of the environments, the numbers are those of one.

    pip install -e '.[ray]'
    python examples/ray_rollouts.py --tasks MT10 --copies 2 --actors 2               # on this machine
    python examples/ray_rollouts.py --tasks MT50 --copies 20 --actors 64 --address auto   # on a Ray cluster, from one of its machines

Environment i draws its instances and its noise from generators of its own, whichever actor it lives in: the same seed gives the same
rollouts, to the last bit, for any number of actors and threads. (Put a network in the place of the experts and its matrix products may
round differently with the number of rows; what the environments do stays the same.)
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from metaworld_py import CustomMT, MetaWorldVectorEnv, find_task
from metaworld_py.evaluation import task_names

NOISE_STD = 0.3  # of the experts' actions

Rollout = dict[str, NDArray[Any]]


@ray.remote
class RolloutActor:
    """Some of the environments, stepped natively in one process.

    Args:
      tasks: task name of each environment here.
      indices: which of all environments these are.
      seed: of the whole collection.
      n_threads: native threads; ask Ray for as many processors.
    """

    def __init__(self, tasks: Sequence[str], indices: Sequence[int], seed: int, n_threads: int) -> None:
        names = list(dict.fromkeys(tasks))
        # Instances of one task at a time: what a task's instances are must not depend on which other tasks this actor has.
        played = {name: list(CustomMT([name], seed).instances_of(name)) for name in names}
        self._envs = MetaWorldVectorEnv([played[name] for name in tasks], n_threads=n_threads)
        self._experts = [find_task(name).expert for name in tasks]
        self._rngs = [np.random.default_rng([seed, index]) for index in indices]
        self._observations, _ = self._envs.reset(seed=[seed + index for index in indices])

    def collect(self, num_steps: int) -> Rollout:
        """The next steps of all environments here; episodes go on from one call to the next.

        Returns:
          observations (num_steps, n, 39), actions (num_steps, n, 4), rewards, successes and truncations (num_steps, n).
        """
        steps = []
        for _ in range(num_steps):
            actions = np.array(
                [
                    np.add(expert(observation), rng.normal(0.0, NOISE_STD, 4))
                    for expert, observation, rng in zip(self._experts, self._observations.tolist(), self._rngs, strict=True)
                ]
            )
            actions = np.clip(actions, -1.0, 1.0).astype(np.float32)
            before = self._observations.copy()
            self._observations, rewards, _, truncations, infos = self._envs.step(actions)
            successes = infos["success"] > 0.0
            steps.append((before, actions, rewards.copy(), successes, truncations.copy()))
        names = ("observations", "actions", "rewards", "successes", "truncations")
        return {name: np.stack(values) for name, values in zip(names, zip(*steps, strict=True), strict=True)}


def connect(address: str | None, num_cores: int) -> None:
    """Start Ray on this machine, or join a cluster.

    Raises:
      ValueError: the cluster has fewer cores, so that some actors would wait for ever.
    """
    if address is None:
        # "local": also where an environment variable or an earlier `ray start` names a cluster.
        ray.init(address="local", num_cpus=num_cores, include_dashboard=False, log_to_driver=False)
        return
    ray.init(address=address, log_to_driver=False)
    available = int(ray.cluster_resources().get("CPU", 0))
    if num_cores > available:
        raise ValueError(f"the cluster has {available} cores, these actors need {num_cores}: take fewer actors or threads")


def start_actors(tasks: Sequence[str], num_actors: int, seed: int, threads_per_actor: int) -> list[Any]:
    """Actors that share the environments out among them, in order.

    Raises:
      ValueError: more actors than environments.
    """
    if not 1 <= num_actors <= len(tasks):
        raise ValueError(f"--actors must lie in 1…{len(tasks)}, the number of environments, got {num_actors}")
    actor = RolloutActor.options(num_cpus=threads_per_actor)
    shares = np.array_split(np.arange(len(tasks)), num_actors)
    return [actor.remote([tasks[index] for index in share], share.tolist(), seed, threads_per_actor) for share in shares]


def collect(actors: Sequence[Any], num_steps: int) -> Rollout:
    """The next steps of all environments, in their order."""
    parts = ray.get([actor.collect.remote(num_steps) for actor in actors])
    return {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}


def main() -> None:
    """Collect, and print what was collected."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default="MT10", help="a task set or a task")
    parser.add_argument("--copies", type=int, default=1, help="environments per task")
    parser.add_argument("--actors", type=int, default=2)
    parser.add_argument("--threads-per-actor", type=int, default=1)
    parser.add_argument("--steps", type=int, default=500, help="of each environment, in each of the rounds")
    parser.add_argument("--rounds", type=int, default=2, help="a learner would update its policy between them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--address", help="of a Ray cluster; by default Ray is started on this machine")
    parser.add_argument("--out", type=Path, metavar="FILE", help="save the last round's arrays as .npz")
    options = parser.parse_args()
    tasks = [name for name in task_names(options.tasks) for _ in range(options.copies)]
    connect(options.address, options.actors * options.threads_per_actor)
    try:
        actors = start_actors(tasks, options.actors, options.seed, options.threads_per_actor)
        for number in range(options.rounds):
            start = time.perf_counter()
            rollout = collect(actors, options.steps)
            rate = rollout["rewards"].size / (time.perf_counter() - start)
            rates = rollout["successes"].any(axis=0).reshape(-1, options.copies).mean(axis=1)
            print(f"round {number}: {rollout['rewards'].size} steps, {rate:.0f} steps/s, success {rates.mean():.0%}", flush=True)
    finally:
        ray.shutdown()
    if options.out is not None:
        np.savez(options.out, **rollout)


if __name__ == "__main__":
    main()
