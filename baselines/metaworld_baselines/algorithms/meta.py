"""What the meta-learners share: hidden-goal training environments, and few-shot evaluation on training and on held-out goals."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from metaworld_baselines.algorithms.ranges import check_ranges
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_py import ML1, ML10, ML25, ML45, MetaWorldVectorEnv
from metaworld_py.evaluation.adaptation import AdaptationResult, evaluate_adaptation
from metaworld_py.instances import Task
from metaworld_py.tasks import find_task

BENCHMARKS = {"ML10": ML10, "ML25": ML25, "ML45": ML45}
PUBLISHED = {"ML1": (2_000_000, 10), "ML10": (20_000_000, 20), "ML25": (50_000_000, 50), "ML45": (90_000_000, 45)}  # steps, meta-batch


@dataclass(frozen=True, kw_only=True)
class MetaConfig:
    """Settings of every meta-learner."""

    adapts_while_playing: ClassVar[bool] = False  # rather than between episodes
    benchmark: str = "ML10"  # ML1, ML10, ML25 or ML45
    task: str = ""  # of ML1
    total_env_steps: int = 0  # 0: as published, 2 million for ML1, 20 for ML10, 50 for ML25, 90 for ML45
    reward_version: str = "v2"
    max_episode_steps: int = 500
    meta_batch: int = 0  # instances of an iteration, equally many of each task; 0: as published, 10 for ML1, 20, 50, 45
    meta_batch_up_to: int = 0  # instead of the published one: so many of each task that it stays at or below this
    episodes: int = 10  # of each, to adapt on
    eval_every_env_steps: int = 1_000_000
    eval_goals: int = 40  # per task (published)
    eval_train_goals: int = 10  # per training task: what the held-out success is compared with
    eval_episodes: int = 3  # that count, of each goal, after `episodes` of adaptation (published)
    save_every_env_steps: int = 1_000_000

    def __post_init__(self) -> None:
        if self.benchmark not in ("ML1", *BENCHMARKS):
            raise ValueError(f"benchmark must be ML1, {', '.join(BENCHMARKS)}, got {self.benchmark!r}")
        if (self.benchmark == "ML1") != bool(self.task):
            raise ValueError("ML1 wants a task, as in --benchmark ML1 --task reach; the other sets have their own")
        if self.task:
            object.__setattr__(self, "task", find_task(self.task).name)  # "reach-v3" is "reach", one folder; unknown ones are refused
        for name, value in self._of_benchmark.items():
            object.__setattr__(self, name, getattr(self, name) or value)  # resolved once, so that files say what was meant
        check_ranges(self)
        if self.meta_batch % len(self.tasks):
            raise ValueError(f"meta_batch must be a multiple of the {len(self.tasks)} training tasks, got {self.meta_batch}")

    @property
    def _of_benchmark(self) -> dict[str, int]:
        """What fields that are 0 stand for."""
        total_env_steps, meta_batch = PUBLISHED[self.benchmark]
        if self.meta_batch_up_to:
            tasks = len(self.tasks)
            meta_batch = max(self.meta_batch_up_to // tasks, 1) * tasks
        return {"total_env_steps": total_env_steps, "meta_batch": meta_batch}

    @property
    def as_said(self) -> MetaConfig:
        """Configuration to be varied, with 0 again where the benchmark decides: with another benchmark that one does."""
        said = copy.copy(self)
        for name, value in self._of_benchmark.items():
            if getattr(said, name) == value:
                object.__setattr__(said, name, 0)
        return said

    @property
    def tasks(self) -> list[str]:
        """Training tasks in order."""
        return list(benchmark_of(self, seed=0).train_classes)

    @property
    def adaptation_rounds(self) -> int:
        """How often an agent adapts in an evaluation."""
        return 1

    @property
    def title(self) -> str:
        """For names of folders."""
        return f"ML1-{self.task}" if self.task else self.benchmark


def benchmark_of(config: MetaConfig, seed: int) -> Any:
    """Training and held-out instances of a seed."""
    if config.task:
        return ML1(config.task, seed)
    return ML25(seed, corrected=True) if config.benchmark == "ML25" else BENCHMARKS[config.benchmark](seed)


class Instances:
    """Deals out training instances: every instance of a task once, in random order, before any comes again."""

    def __init__(self, config: MetaConfig, seed: int) -> None:
        benchmark, self._seed = benchmark_of(config, seed), seed
        self._of_task = [list(benchmark.instances_of(name)) for name in config.tasks]
        self._per_task = config.meta_batch // len(self._of_task)

    @property
    def all(self) -> list[Task]:
        """Every training instance, tasks in a row."""
        return [task for instances in self._of_task for task in instances]

    def of_iteration(self, iteration: int) -> list[Task]:
        """The meta-batch of an iteration, tasks in a row; depends on nothing else."""
        return [task for index in range(len(self._of_task)) for task in self._draw(index, iteration)]

    def _draw(self, index: int, iteration: int) -> Iterator[Task]:
        instances = self._of_task[index]
        for place in range(iteration * self._per_task, (iteration + 1) * self._per_task):
            cycle, at = divmod(place, len(instances))
            yield instances[np.random.default_rng([self._seed, index, cycle]).permutation(len(instances))[at]]


def make_train_envs(config: MetaConfig, seed: int, copies: int = 1) -> MetaWorldVectorEnv:
    """Environments for a meta-batch, `copies` in a row for each of its instances."""
    batch = Instances(config, seed).of_iteration(0)
    return MetaWorldVectorEnv(
        [[task] for task in batch for _ in range(copies)],
        max_episode_steps=config.max_episode_steps,
        reward_function_version=config.reward_version,
        seed=seed,
    )


def evaluate_and_keep(config: MetaConfig, seed: int, run: RlRun, agent: Any, params: Any) -> None:
    """The published protocol on held-out goals, and the same on training goals; keeps the last and the best parameters.

    The best are those with most success on *training* goals: choosing by held-out ones would make the latter training goals.
    """
    test, train = few_shot(config, seed, agent, held_out=True), few_shot(config, seed, agent, held_out=False)
    is_best = run.adapted(test, train)
    run.keep_actor(params, is_best=is_best)


def few_shot(config: MetaConfig, seed: int, agent: Any, *, held_out: bool) -> AdaptationResult:
    """Before and after adaptation, on held-out goals (and tasks) or on training ones."""
    side = "test" if held_out else "train"
    return evaluate_adaptation(
        agent,
        config.task or f"{config.benchmark}-{side}",
        seed=seed,
        instances_per_task=config.eval_goals if held_out else config.eval_train_goals,
        adaptation_episodes=config.episodes,
        adaptation_steps=config.adaptation_rounds,
        evaluation_episodes=config.eval_episodes,
        max_episode_steps=config.max_episode_steps,
        reward_function_version=config.reward_version,
        held_out=held_out,
    )
