"""What the ids of one task construct, by `gymnasium.make` and `gymnasium.make_vec`."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import gymnasium
from gymnasium.vector import AutoresetMode

from metaworld_py import benchmarks
from metaworld_py.envs.env import MetaWorldEnv
from metaworld_py.envs.options import Options
from metaworld_py.envs.published_classes import GOAL_HIDDEN, GOAL_OBSERVABLE
from metaworld_py.instances.selection import RANDOM, FreshTasks, TaskSelector
from metaworld_py.instances.task import INSTANCES_PER_TASK, Task
from metaworld_py.instances.task_sets import task_names
from metaworld_py.registration.layers import base_env, wrapped_alone
from metaworld_py.registration.sets import make_mt
from metaworld_py.registration.strategies import NATIVE, SYNC, check_vector_keywords, checked, make_vector_env

Maker = TypeVar("Maker", bound=Callable[..., Any])


def _with_metadata(maker: Maker) -> Maker:
    """Tell `gymnasium.make` the render modes, which it reads off classes: without, it puts no "rgb_array_list" around an environment."""
    vars(maker)["metadata"] = MetaWorldEnv.metadata
    return maker


@_with_metadata
def make_mt1(
    env_name: str,
    seed: int | None = None,
    num_tasks: int | None = None,
    num_goals: int | None = None,
    task_select: str = RANDOM,
    env_id: int | None = None,
    benchmark: str | Sequence[str] | None = None,
    vector_strategy: str = SYNC,
    autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    num_envs: int | None = None,
    **keywords: Any,
) -> gymnasium.Env[Any, Any]:
    """`Meta-World/MT1`: one task, its instances of `seed`, one of them at random each reset, goal visible.

    Args:
      env_name: task name.
      seed: seeds the instances and their choice.
      num_tasks: instances, `num_goals` by another name; with `env_id` and one-hot ids the length of the id, as published.
      num_goals: instances.
      task_select: "random" or "pseudorandom".
      env_id: index of the task in one-hot ids.
      benchmark: the task set, or names of tasks, whose instances of this task they are; the task's own (those of MT1) by default.
      vector_strategy, autoreset_mode, num_envs: of `gymnasium.make_vec`; taken for published code, without effect on one environment.
      keywords: see `Options`.
    """
    check_vector_keywords(vector_strategy, autoreset_mode)
    num_tasks, num_goals, env_id, num_envs = checked(num_tasks=num_tasks, num_goals=num_goals, env_id=env_id, num_envs=num_envs)
    if num_envs not in (None, 1):
        warnings.warn(f"gymnasium.make gives one environment; gymnasium.make_vec gives num_envs={num_envs}", UserWarning, stacklevel=2)
    options = Options.of(keywords)
    one_hot = (0, 1)
    if options.observation.use_one_hot and (env_id is not None or num_tasks is not None):
        if env_id is None or num_tasks is None:
            raise ValueError(
                "a one-hot id needs env_id= (its index) and num_tasks= (its length) together; "
                f"num_goals= says how many instances there are. Got env_id={env_id}, num_tasks={num_tasks}"
            )
        one_hot, num_tasks = (env_id, num_tasks), None
    instances = _instances(env_name, seed, num_goals or num_tasks or INSTANCES_PER_TASK, benchmark)
    # The limit comes with the TimeLimit that gymnasium.make adds; see StandardWrappers.
    return base_env(TaskSelector(instances, task_select), options, seed, max_episode_steps=None, one_hot=one_hot)


def _instances(env_name: str, seed: int | None, per_task: int, benchmark: str | Sequence[str] | None) -> list[Task]:
    """A task's instances of a seed, as drawn for it alone or within a set."""
    if benchmark is None:
        return benchmarks.MT1(env_name, seed, per_task=per_task).train_tasks
    instances = list(benchmarks.CustomMT(task_names(benchmark), seed, per_task=per_task).instances_of(env_name))
    if not instances:
        raise ValueError(f"{env_name} is not in {benchmark}")
    return instances


@_with_metadata
def make_goal_observable(env_name: str, seed: int | None = None, **keywords: Any) -> gymnasium.Env[Any, Any]:
    """`Meta-World/goal_observable`: one task, a freshly drawn instance each reset, goal visible."""
    return base_env(fresh_tasks(env_name, is_goal_hidden=False), Options.of(keywords), seed, max_episode_steps=None)


@_with_metadata
def make_goal_hidden(env_name: str, seed: int | None = None, **keywords: Any) -> gymnasium.Env[Any, Any]:
    """`Meta-World/goal_hidden`: one task, a freshly drawn instance each reset, goal slots zero."""
    return base_env(fresh_tasks(env_name, is_goal_hidden=True), Options.of(keywords), seed, max_episode_steps=None)


def fresh_tasks(env_name: str, *, is_goal_hidden: bool) -> FreshTasks:
    """Freshly drawn instances of a task under its name or that of its goal-observable or goal-hidden variant."""
    if not isinstance(env_name, str):
        raise ValueError(f"env_name must be a task's name, got {env_name!r}")
    return FreshTasks(env_name.removesuffix(GOAL_HIDDEN if is_goal_hidden else GOAL_OBSERVABLE), is_goal_hidden=is_goal_hidden)


def make_mt1_vector(env_name: str, **keywords: Any) -> Any:
    """`Meta-World/MT1` by `gymnasium.make_vec`: `num_envs` environments of one task, with the keywords of sets."""
    return make_mt((env_name,), **keywords)


def make_goal_observable_vector(env_name: str, **keywords: Any) -> Any:
    """`Meta-World/goal_observable` by `gymnasium.make_vec`, with the keywords of sets."""
    return make_fresh_vector(fresh_tasks(env_name, is_goal_hidden=False), **keywords)


def make_goal_hidden_vector(env_name: str, **keywords: Any) -> Any:
    """`Meta-World/goal_hidden` by `gymnasium.make_vec`, with the keywords of sets."""
    return make_fresh_vector(fresh_tasks(env_name, is_goal_hidden=True), **keywords)


def make_fresh_vector(
    selector: FreshTasks,
    num_envs: int = 1,
    seed: int | None = None,
    vector_strategy: str = NATIVE,
    autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    **keywords: Any,
) -> Any:
    """Several environments that draw an instance at each reset, each from its own generator, seeded with seed + i."""
    (num_envs,) = checked(num_envs=num_envs)
    selectors = [copy.deepcopy(selector) for _ in range(num_envs or 1)]
    return make_vector_env(selectors, Options.of(keywords), vector_strategy=vector_strategy, autoreset_mode=autoreset_mode, seed=seed)


@_with_metadata
def make_mt1_alone(**keywords: Any) -> gymnasium.Env[Any, Any]:
    """`Meta-World/MT1` with its wrappers, for Gymnasium's own vector environments; see `SingleTaskSpec`."""
    return wrapped_alone(make_mt1(**keywords))


@_with_metadata
def make_goal_observable_alone(**keywords: Any) -> gymnasium.Env[Any, Any]:
    """`Meta-World/goal_observable` with its wrappers; see `SingleTaskSpec`."""
    return wrapped_alone(make_goal_observable(**keywords))


@_with_metadata
def make_goal_hidden_alone(**keywords: Any) -> gymnasium.Env[Any, Any]:
    """`Meta-World/goal_hidden` with its wrappers; see `SingleTaskSpec`."""
    return wrapped_alone(make_goal_hidden(**keywords))
