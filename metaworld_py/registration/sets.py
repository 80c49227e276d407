"""What the ids of sets of tasks construct, by `gymnasium.make_vec`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
from gymnasium.error import Error
from gymnasium.vector import AutoresetMode

from metaworld_py import benchmarks
from metaworld_py.benchmarks import Benchmark
from metaworld_py.envs.options import Options, check_keyword
from metaworld_py.envs.published_classes import EnvClasses
from metaworld_py.instances import task_sets
from metaworld_py.instances.selection import PSEUDORANDOM, RANDOM, Selector, TaskSelector
from metaworld_py.instances.task import INSTANCES_PER_TASK
from metaworld_py.registration.strategies import NATIVE, checked, make_vector_env
from metaworld_py.tasks import find_task

META_BATCH_SIZE = 20  # environments of an ML set, rounded to the same number for each task


def make_mt(
    names: Sequence[str],
    num_envs: int = 1,
    seed: int | None = None,
    num_tasks: int = INSTANCES_PER_TASK,
    num_goals: int | None = None,
    task_select: str = RANDOM,
    vector_strategy: str = NATIVE,
    autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    **keywords: Any,
) -> Any:
    """A multi-task set, by `gymnasium.make_vec`: its tasks side by side, each with its instances of `seed`, goals visible.

    Args:
      names: task names.
      num_envs: a multiple of the number of tasks; Gymnasium's default of 1 means one environment per task.
      seed: seeds the instances; environment i's choice among them gets seed + i.
      num_tasks: instances per task; `num_goals` is the same under the published name.
      task_select: "random" or "pseudorandom".
      vector_strategy: "native", "sync" or "async".
      autoreset_mode: how a finished environment starts anew.
      keywords: see `Options`.

    Raises:
      ValueError: num_envs is no multiple of the number of tasks, or bad options.
    """
    options = Options.of(keywords)
    num_envs, num_tasks, num_goals = checked(num_envs=num_envs or 1, num_tasks=num_tasks, num_goals=num_goals)
    if not names:
        raise ValueError("give at least one task")
    if num_envs != 1 and num_envs % len(names):
        raise ValueError(
            f"num_envs of this set must be a multiple of {len(names)} (one environment per task is the default), got {num_envs}"
        )
    instances = benchmarks.CustomMT(list(dict.fromkeys(find_task(name).id for name in names)), seed, per_task=num_goals or num_tasks)
    selectors = [
        TaskSelector(list(instances.instances_of(name)), task_select) for name in names for _ in range(max(num_envs // len(names), 1))
    ]
    return make_vector_env(selectors, options, vector_strategy=vector_strategy, autoreset_mode=autoreset_mode, seed=seed)


def make_mt10(**keywords: Any) -> Any:
    """Make `Meta-World/MT10`: ten tasks, goals visible."""
    return make_mt(task_sets.MT10, **keywords)


def make_mt25(**keywords: Any) -> Any:
    """Make `Meta-World/MT25`: twenty-five tasks, goals visible."""
    return make_mt(task_sets.MT25, **keywords)


def make_mt50(**keywords: Any) -> Any:
    """Make `Meta-World/MT50`: all fifty tasks, goals visible."""
    return make_mt(task_sets.MT50, **keywords)


def make_custom_mt(envs_list: Sequence[str], **keywords: Any) -> Any:
    """Make `Meta-World/custom-mt-envs`: the tasks of `envs_list`, goals visible; a task named several times has several environments."""
    return make_mt(task_sets.listed("envs_list", envs_list), **keywords)


def make_ml(
    benchmark: Benchmark,
    split: str,
    seed: int | None,
    num_envs: int = 1,
    meta_batch_size: int | None = None,
    total_tasks_per_cls: int | None = None,
    task_select: str = PSEUDORANDOM,
    vector_strategy: str = NATIVE,
    autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    **keywords: Any,
) -> Any:
    """One side of a meta-learning set, by `gymnasium.make_vec`, goals hidden.

    Each task's instances are dealt out to its environments; an environment keeps its instance until `envs.call("sample_tasks")`, as
    published, so that a learner can adapt to it over several episodes. `task_select="random"` takes a new one at each reset.

    Args:
      benchmark: the set.
      split: "train" or "test".
      seed: environment i's generator gets seed + i.
      num_envs: Gymnasium's argument; other than 1 it stands for `meta_batch_size`.
      meta_batch_size: environments, a multiple of the number of tasks. By default as near to 20 as that allows.
      total_tasks_per_cls: how many of each task's instances to use; all by default.
      task_select: "pseudorandom" or "random".
      vector_strategy: "native", "sync" or "async".
      autoreset_mode: how a finished environment starts anew.
      keywords: see `Options`. Test sides end an episode at its first success unless told otherwise, as published.

    Raises:
      ValueError: sizes that do not fit, or bad options.
    """
    options = Options.of({"terminate_on_success": split == "test", **keywords})
    num_envs, meta_batch_size, total_tasks_per_cls = checked(
        num_envs=num_envs or 1, meta_batch_size=meta_batch_size, total_tasks_per_cls=total_tasks_per_cls
    )
    classes: EnvClasses = benchmark.train_classes if split == "train" else benchmark.test_classes
    if meta_batch_size and num_envs not in (1, meta_batch_size):
        raise ValueError(f"num_envs is {num_envs} and meta_batch_size {meta_batch_size}, which mean the same: give one of them")
    size = meta_batch_size or (num_envs if num_envs != 1 else len(classes) * max(1, META_BATCH_SIZE // len(classes)))
    if size % len(classes):
        raise ValueError(f"meta_batch_size must be a multiple of the {len(classes)} tasks of this side, got {size}")
    per_task = size // len(classes)
    selectors: list[Selector] = []
    for name in classes:
        instances = list(benchmark.instances_of(name, split))
        wanted = total_tasks_per_cls or len(instances)
        if per_task > len(instances):
            most = len(classes) * len(instances)
            raise ValueError(f"meta_batch_size may be {most} at most, an environment for each instance, got {size}")
        if not per_task <= wanted <= len(instances):
            raise ValueError(
                f"total_tasks_per_cls must lie between {per_task} (environments per task) and {len(instances)} (instances), got {wanted}"
            )
        selectors += [
            TaskSelector(instances[index:wanted:per_task], task_select, sample_on_reset=task_select == RANDOM) for index in range(per_task)
        ]
    return make_vector_env(selectors, options, vector_strategy=vector_strategy, autoreset_mode=autoreset_mode, seed=seed)


def make_ml1(split: str, env_name: str, seed: int | None = None, **keywords: Any) -> Any:
    """`Meta-World/ML1-train` and `-test`: one task; the test side has its own instances."""
    return make_ml(benchmarks.ML1(env_name, seed), split, seed, **keywords)


def make_ml10(split: str, seed: int | None = None, **keywords: Any) -> Any:
    """Make `Meta-World/ML10-train` or `-test`: ten or five tasks, goals hidden."""
    return make_ml(benchmarks.ML10(seed), split, seed, **keywords)


def make_ml25(split: str, seed: int | None = None, corrected: bool = False, **keywords: Any) -> Any:
    """`Meta-World/ML25-train` and `-test`; `corrected=True` leaves basketball, a training task, out of the test side."""
    return make_ml(benchmarks.ML25(seed, corrected=check_keyword("corrected", corrected)), split, seed, **keywords)


def make_ml45(split: str, seed: int | None = None, **keywords: Any) -> Any:
    """Make `Meta-World/ML45-train` or `-test`: forty-five or five tasks, goals hidden."""
    return make_ml(benchmarks.ML45(seed), split, seed, **keywords)


def make_custom_ml(
    train_envs: Sequence[str], test_envs: Sequence[str], split: str = "train", seed: int | None = None, **keywords: Any
) -> Any:
    """`Meta-World/custom-ml-envs`: one side (`split`) of a set of one's own."""
    if split not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")
    (allow_overlap,) = checked(allow_overlap=keywords.pop("allow_overlap", False))
    return make_ml(benchmarks.CustomML(train_envs, test_envs, seed, allow_overlap=allow_overlap), split, seed, **keywords)


def refuse_single_env(**_: Any) -> gymnasium.Env[Any, Any]:
    """What `gymnasium.make` gets for an id that stands for several environments."""
    raise Error("this id is a set of tasks: use gymnasium.make_vec(...), or gymnasium.make('Meta-World/MT1', env_name=...) for one task")
