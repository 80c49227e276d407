"""Gymnasium ids and what they construct: one explicit function per id."""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium.envs.registration import WrapperSpec, register, registry
from gymnasium.error import Error, ResetNeeded
from gymnasium.vector import AutoresetMode

from metaworld_py import task_sets
from metaworld_py.benchmarks import MT1, MT10
from metaworld_py.env import MetaWorldEnv, env_class
from metaworld_py.tasks import find_task
from metaworld_py.tasks.definition import HORIZON
from metaworld_py.vector_env import MetaWorldVectorEnv

_NAMESPACE = "Meta-World"


class StepAfterEndGuard(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Refuses to step an episode that has ended, whoever ended it: Gymnasium's own TimeLimit lets such steps through."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self._is_over = False

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Start an episode."""
        result = self.env.reset(**kwargs)
        self._is_over = False
        return result

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Advance by one control step.

        Raises:
          ResetNeeded: the episode has ended.
        """
        if self._is_over:
            raise ResetNeeded("the episode has ended: call reset() before step()")
        obs, reward, terminated, truncated, info = self.env.step(action)
        self._is_over = terminated or truncated
        return obs, reward, terminated, truncated, info


def make_mt1(env_name: str, seed: int | None = None, **options: Any) -> MetaWorldEnv:
    """`Meta-World/MT1`: one task, its 50 instances of `seed`, one of them at random each reset, goal visible."""
    return _seeded(_one_env(env_name, options), seed, MT1(env_name, seed))


def make_goal_observable(env_name: str, seed: int | None = None, **options: Any) -> MetaWorldEnv:
    """`Meta-World/goal_observable`: one task, a freshly drawn instance each reset, goal visible."""
    env = _one_env(env_name.removesuffix("-goal-observable"), options)
    env.draw_tasks(hide_goal=False)
    return _seeded(env, seed)


def make_goal_hidden(env_name: str, seed: int | None = None, **options: Any) -> MetaWorldEnv:
    """`Meta-World/goal_hidden`: one task, a freshly drawn instance each reset, goal slots zero."""
    env = _one_env(env_name.removesuffix("-goal-hidden"), options)
    env.draw_tasks(hide_goal=True)
    return _seeded(env, seed)


def make_mt10(
    num_envs: int = 1,
    seed: int | None = None,
    autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    **options: Any,
) -> MetaWorldVectorEnv:
    """`Meta-World/MT10`, by `gymnasium.make_vec`: ten tasks side by side, each with its 50 instances of `seed`.

    Args:
      num_envs: a multiple of ten; Gymnasium's default of 1 means one environment per task.
      seed: seeds the instances.
      autoreset_mode: how a finished environment starts anew.
      options: further keywords of `MetaWorldVectorEnv`.
    """
    n_tasks = len(task_sets.MT10)
    if num_envs != 1 and num_envs % n_tasks:
        raise ValueError(f"num_envs of MT10 must be a multiple of {n_tasks} (one environment per task is the default), got {num_envs}")
    copies = max(num_envs // n_tasks, 1)
    instances = MT10(seed)
    names = [name for name in task_sets.MT10 for _ in range(copies)]
    return MetaWorldVectorEnv([list(instances.instances_of(name)) for name in names], autoreset_mode=autoreset_mode, seed=seed, **options)


def refuse_single_env(**_: Any) -> gymnasium.Env[Any, Any]:
    """What `gymnasium.make` gets for an id that stands for several environments."""
    raise Error("this id is a set of tasks: use gymnasium.make_vec(...), or gymnasium.make('Meta-World/MT1', env_name=...) for one task")


def register_envs() -> None:
    """Register all ids; done once when `metaworld_py` is imported."""
    single: dict[str, Any] = {"MT1": make_mt1, "goal_observable": make_goal_observable, "goal_hidden": make_goal_hidden}
    for name, entry_point in single.items():
        if f"{_NAMESPACE}/{name}" not in registry:
            register(
                f"{_NAMESPACE}/{name}",
                entry_point=entry_point,
                max_episode_steps=HORIZON,
                additional_wrappers=(WrapperSpec("StepAfterEndGuard", f"{__name__}:StepAfterEndGuard", {}),),
            )
    if f"{_NAMESPACE}/MT10" not in registry:
        register(f"{_NAMESPACE}/MT10", entry_point=refuse_single_env, vector_entry_point=make_mt10)


def _one_env(env_name: str, options: dict[str, Any]) -> MetaWorldEnv:
    find_task(env_name)
    # The TimeLimit that gymnasium.make adds counts the steps, so that its max_episode_steps= is obeyed.
    return env_class(env_name)(max_episode_steps=None, **options)


def _seeded(env: MetaWorldEnv, seed: int | None, benchmark: MT1 | None = None) -> MetaWorldEnv:
    if benchmark is not None:
        env.set_tasks(benchmark.train_tasks)
    if seed is not None:
        env.seed_generator(seed)
    return env
