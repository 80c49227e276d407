"""The published evaluation functions for vector environments of the caller's making: `evaluation` and `metalearning_evaluation`.

Same names, arguments and results as published; every environment plays a fixed number of episodes, so that early successes count no more
than late failures. For success rates with intervals by instance use `metaworld_py.evaluation.evaluate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from metaworld_py.envs.options import checked_count
from metaworld_py.envs.playing import play

Bools = NDArray[np.bool_]


class Timestep(NamedTuple):
    """One step of all environments, as a meta-learner sees it while adapting. All arrays have the environments first."""

    observation: NDArray[Any]
    action: NDArray[Any]
    reward: NDArray[Any]
    terminated: Bools
    truncated: Bools
    aux_policy_outputs: dict[str, NDArray[Any]]


class Agent(Protocol):
    """What `evaluation` needs."""

    def eval_action(self, observations: NDArray[Any]) -> NDArray[Any]:
        """Actions (n, 4) for observations (n, d)."""
        ...

    def reset(self, env_mask: Bools) -> None:
        """Called with True where episodes begin."""
        ...


class MetaLearningAgent(Agent, Protocol):
    """What `metalearning_evaluation` needs."""

    def init(self) -> None:
        """Forget all adaptation: new tasks follow."""
        ...

    def adapt_action(self, observations: NDArray[Any]) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
        """Actions (n, 4) while adapting, and whatever the learner wants back with the step."""
        ...

    def step(self, timestep: Timestep) -> None:
        """One step of experience."""
        ...

    def adapt(self) -> None:
        """Learn from the experience since `init` or the last `adapt`."""
        ...


class Episodes(NamedTuple):
    """Finished episodes per environment, each list in order of play."""

    successes: list[list[bool]]  # success at any step
    returns: list[list[float]]


def evaluation(agent: Agent, eval_envs: Any, num_episodes: int = 50) -> tuple[float, float, dict[str, float], dict[str, list[float]]]:
    """Success and return of an agent on a vector environment.

    Args:
      agent: see `Agent`.
      eval_envs: a vector environment made by `gymnasium.make_vec("Meta-World/...")`, any strategy and autoreset mode but disabled.
      num_episodes: per task, shared equally by its environments (rounded up).

    Returns:
      Mean success over tasks, mean return over tasks, success per task, returns per task.

    Raises:
      ValueError: a count that is not whole or below 1, or an environment with autoreset disabled.
      TypeError: no vector environment.
    """
    num_episodes = checked_count("num_episodes", num_episodes)
    names = _task_names(eval_envs)
    quota = [-(-num_episodes // names.count(name)) for name in names]
    done = _play(eval_envs, quota, agent.eval_action, agent.reset)
    successes = {name: _mean_over(name, names, done.successes) for name in dict.fromkeys(names)}
    returns = {
        name: [value for at, values in zip(names, done.returns, strict=True) if at == name for value in values] for name in successes
    }
    mean_return = float(np.mean([np.mean(values) for values in returns.values()]))
    return float(np.mean(list(successes.values()))), mean_return, successes, returns


def metalearning_evaluation(
    agent: MetaLearningAgent,
    eval_envs: Any,
    num_evals: int = 10,
    adaptation_steps: int = 1,
    adaptation_episodes: int = 10,
    evaluation_episodes: int = 3,
) -> tuple[float, float, dict[str, float]]:
    """Few-shot success: new instances, some episodes to adapt on, then episodes that count.

    Args:
      agent: see `MetaLearningAgent`.
      eval_envs: a vector environment, usually of an `ML*-test` id.
      num_evals: how often new instances are taken (published: 10).
      adaptation_steps: adaptation rounds per instance.
      adaptation_episodes: episodes of each round, without termination on success.
      evaluation_episodes: episodes that count after the last round.

    Returns:
      Mean success over tasks, mean return, success per task. The environment has its settings back.

    Raises:
      ValueError: a count that is not whole or below 1, or an environment with autoreset disabled.
      TypeError: no vector environment.
    """
    num_evals, adaptation_steps = checked_count("num_evals", num_evals), checked_count("adaptation_steps", adaptation_steps)
    adaptation_episodes = checked_count("adaptation_episodes", adaptation_episodes)
    evaluation_episodes = checked_count("evaluation_episodes", evaluation_episodes)
    names = _task_names(eval_envs)
    inner = _with_methods(eval_envs)
    collected: list[Episodes] = []
    with _handed_back(inner, "terminate_on_success"), _handed_back(inner, "sample_tasks_on_reset"):
        inner.call("toggle_sample_tasks_on_reset", False)
        for _ in range(num_evals):
            inner.call("sample_tasks")
            agent.init()
            inner.call("toggle_terminate_on_success", False)
            for _ in range(adaptation_steps):
                _play(eval_envs, [adaptation_episodes] * len(names), agent.adapt_action, agent.reset, agent.step)
                agent.adapt()
            inner.call("toggle_terminate_on_success", True)
            collected.append(_play(eval_envs, [evaluation_episodes] * len(names), agent.eval_action, agent.reset))
    successes = {
        name: float(np.mean([_mean_over(name, names, episodes.successes) for episodes in collected])) for name in dict.fromkeys(names)
    }
    mean_return = float(np.mean([value for episodes in collected for values in episodes.returns for value in values]))
    return float(np.mean(list(successes.values()))), mean_return, successes


@contextmanager
def _handed_back(envs: Any, setting: str) -> Iterator[None]:
    """Put a setting of each environment back to what it was, whatever happens inside."""
    found = envs.get_attr(setting)
    try:
        yield
    finally:
        if len(set(found)) == 1:
            envs.call(f"toggle_{setting}", found[0])  # wrappers that have the setting can be told so, too
        else:
            envs.set_attr(setting, list(found))


def _play(
    envs: Any,
    quota: Sequence[int],
    act: Callable[[NDArray[Any]], Any],
    reset: Callable[[Bools], None],
    on_step: Callable[[Timestep], None] | None = None,
) -> Episodes:
    """Play until every environment has finished its quota of episodes; what an environment plays beyond that does not count.

    A step in which all environments only begin anew (next-step autoreset) is none, and `on_step` is not told of it. Where others play
    on, an environment that begins anew has a reward of 0 in it.
    """
    n_envs = len(quota)
    done = Episodes([[] for _ in quota], [[] for _ in quota])
    has_succeeded, returns = np.zeros(n_envs, dtype=bool), np.zeros(n_envs)
    autoresets, is_same_step = _autoreset_steps(envs, n_envs), _mode(envs) == AutoresetMode.SAME_STEP
    for is_first_after_end, step in zip(autoresets, play(envs, act, lambda: reset(np.ones(n_envs, dtype=bool))), strict=False):
        if on_step is not None and not is_first_after_end.all():
            on_step(Timestep(step.observation, step.action, step.reward, step.terminated, step.truncated, step.aux or {}))
        counts = ~is_first_after_end
        has_succeeded |= counts & step_success(step.info, n_envs)
        returns += np.where(counts, step.reward, 0.0)
        over = counts & (step.terminated | step.truncated)
        for env in np.flatnonzero(over).tolist():
            if len(done.successes[env]) < quota[env]:
                done.successes[env].append(bool(has_succeeded[env]))
                done.returns[env].append(float(returns[env]))
        has_succeeded[over], returns[over] = False, 0.0
        begun = over if is_same_step else is_first_after_end.copy()
        is_first_after_end[:] = over
        if begun.any():
            reset(begun)
        if all(len(successes) >= wanted for successes, wanted in zip(done.successes, quota, strict=True)):
            return done
    raise AssertionError("unreachable: environments end their episodes")


def _autoreset_steps(envs: Any, n_envs: int) -> Iterator[Bools]:
    """For ever: a mask (n,) of environments whose next step is only a reset. The caller marks those that have just ended."""
    mode = _mode(envs)
    if mode == AutoresetMode.DISABLED:
        raise ValueError("this evaluation needs an environment that resets itself: make it with autoreset_mode SAME_STEP or NEXT_STEP")
    ended = np.zeros(n_envs, dtype=bool)
    while True:
        resetting = ended if mode == AutoresetMode.NEXT_STEP else np.zeros(n_envs, dtype=bool)
        yield resetting
        ended = resetting


def _mode(envs: Any) -> AutoresetMode:
    return AutoresetMode(envs.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP))


def step_success(infos: dict[str, Any], n_envs: int) -> Bools:
    """Which environments succeeded at this step (n,), from the infos of any vector environment, final infos included."""
    success = np.zeros(n_envs, dtype=bool)
    for source, mask in ((infos, np.ones(n_envs, dtype=bool)), (infos.get("final_info", {}), infos.get("_final_info"))):
        if "success" in source and mask is not None:
            present = np.asarray(source.get("_success", mask), dtype=bool) & mask
            success[present] = np.asarray(source["success"])[present] > 0
    return success


def _with_methods(envs: Any) -> Any:
    """What answers `call` and `get_attr`: the vector environment, or the one under Gymnasium's wrappers, which do not pass them on."""
    for candidate in (envs, getattr(envs, "unwrapped", None)):
        if callable(getattr(candidate, "get_attr", None)) and callable(getattr(candidate, "call", None)):
            return candidate
    raise TypeError(f"this evaluation needs a vector environment, as gymnasium.make_vec('Meta-World/...') makes them; got {envs}")


def _task_names(envs: Any) -> list[str]:
    return [str(name) for name in _with_methods(envs).get_attr("task_name")]


def _mean_over(name: str, names: Sequence[str], values: Sequence[Sequence[bool]]) -> float:
    """Mean over all episodes of a task."""
    return float(np.mean([value for at, episodes in zip(names, values, strict=True) if at == name for value in episodes]))
