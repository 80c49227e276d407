"""Few-shot evaluation of meta-learners: new goals, some episodes to adapt on, then episodes that count; before and after side by side.

The published protocol (`metalearning_evaluation` plays it on a vector environment of the caller's making), as an evaluation with intervals:
goals are hidden, adaptation explores, what counts is played with the most likely actions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from metaworld_py._version import installed_versions
from metaworld_py.benchmarks import ML1, draw_split
from metaworld_py.envs.options import ObservationOptions
from metaworld_py.envs.playing import play
from metaworld_py.envs.vector_env import MetaWorldVectorEnv
from metaworld_py.envs.vector_wrappers import TransformedVectorEnv
from metaworld_py.evaluation.per_instance import PlayedEpisodes, Progress
from metaworld_py.evaluation.published import MetaLearningAgent, Timestep
from metaworld_py.evaluation.results import EvaluationResult, TaskResult
from metaworld_py.instances.task import INSTANCES_PER_TASK, Task
from metaworld_py.instances.task_sets import task_names
from metaworld_py.tasks.common.definition import HORIZON

GOALS_PER_TASK = 40  # published


@dataclass(frozen=True)
class AdaptationResult:
    """The same goals played before and after adapting to them."""

    before: EvaluationResult
    after: EvaluationResult

    def __str__(self) -> str:
        return f"before adaptation\n{self.before}\n\nafter adaptation\n{self.after}"


def is_meta_learner(agent: Any) -> bool:
    """Whether an agent has what `evaluate_adaptation` needs."""
    return all(callable(getattr(agent, name, None)) for name in ("init", "adapt_action", "step", "adapt", "eval_action"))


def _check(agent: Any, counts: dict[str, int], instances_per_task: int) -> None:
    if not is_meta_learner(agent):
        raise TypeError(f"a meta-learner needs init, adapt_action, step, adapt and eval_action (see MetaLearningAgent), got {agent!r}")
    if getattr(agent, "inputs", None):
        raise ValueError("meta-learners observe the state: take `inputs` off, or evaluate what was adapted by `evaluate`")
    for what, count in counts.items():
        if count < 1:
            raise ValueError(f"{what} must be at least 1, got {count}")
    if not 1 <= instances_per_task <= INSTANCES_PER_TASK:
        raise ValueError(f"instances_per_task must lie in 1…{INSTANCES_PER_TASK}, got {instances_per_task}")


def _before_and_after(
    envs: Any, agent: MetaLearningAgent, name: str, counts: dict[str, int], progress: Progress | None
) -> tuple[TaskResult, TaskResult]:
    before = _play(envs, agent, name, counts["evaluation_episodes"], progress, forgets=True)
    agent.init()
    for _ in range(counts["adaptation_steps"]):
        _adapt(envs, agent, name, counts["adaptation_episodes"], progress)
    return before, _play(envs, agent, name, counts["evaluation_episodes"], progress)


def evaluate_adaptation(
    agent: MetaLearningAgent,
    benchmark: str | Sequence[str] = "ML10-test",
    *,
    seed: int = 0,
    instances_per_task: int = GOALS_PER_TASK,
    adaptation_episodes: int = 10,
    adaptation_steps: int = 1,
    evaluation_episodes: int = 3,
    max_episode_steps: int = HORIZON,
    reward_function_version: str = "v2",
    held_out: bool = True,
    agent_name: str | None = None,
    progress: Progress | None = None,
) -> AdaptationResult:
    """Let a meta-learner adapt to each of a number of hidden goals, and play it before and after.

    Args:
      agent: see `metaworld_py.evaluation.MetaLearningAgent`. With a true attribute `reads_recurrent_info`, its observations end in the
        previous action, reward / 10 and end of episode, as with `recurrent_info_in_obs`.
      benchmark: "ML10-test", "ML10-train", …, or one task: then ML1's goals.
      seed: of the goals; the one that the agent was trained with gives the goals that belong together.
      instances_per_task: goals (published: 40).
      adaptation_episodes: of each round, none ended by success (published: 10).
      adaptation_steps: rounds (published: 1).
      evaluation_episodes: that count, of each goal (published: 3).
      max_episode_steps: control steps of an episode.
      reward_function_version: "v2" or "v1".
      held_out: for one task: ML1's test goals rather than its training goals.
      agent_name: for the table.
      progress: called with (task name, control steps done since the last call).

    Raises:
      ValueError: unknown tasks, counts out of range.
      TypeError: an agent that cannot adapt.
    """
    counts = {"adaptation_episodes": adaptation_episodes, "adaptation_steps": adaptation_steps, "evaluation_episodes": evaluation_episodes}
    _check(agent, counts, instances_per_task)
    begin = time.monotonic()
    before: list[TaskResult] = []
    after: list[TaskResult] = []
    for name, instances in hidden_goals(benchmark, seed, held_out=held_out):
        envs = _make_envs(instances[:instances_per_task], agent, max_episode_steps, reward_function_version)
        for found, result in zip((before, after), _before_and_after(envs, agent, name, counts, progress), strict=True):
            found.append(result)
        envs.close()

    settings: dict[str, Any] = {
        "agent": agent_name or type(agent).__name__,
        "benchmark": benchmark if isinstance(benchmark, str) else ", ".join(benchmark),
        "seed": seed,
        "episodes_per_instance": evaluation_episodes,
        "max_episode_steps": max_episode_steps,
        "reward_function_version": reward_function_version,
        "versions": installed_versions(),
        "finished_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "wall_time_s": round(time.monotonic() - begin, 1),
    }
    return AdaptationResult(EvaluationResult(tasks=tuple(before), **settings), EvaluationResult(tasks=tuple(after), **settings))


def hidden_goals(benchmark: str | Sequence[str], seed: int, *, held_out: bool = True) -> Iterator[tuple[str, list[Task]]]:
    """Task names with their instances, goals hidden.

    Raises:
      ValueError: unknown tasks.
    """
    names = task_names(benchmark)
    if len(names) == 1:
        ml1 = ML1(names[0], seed)
        yield names[0], ml1.test_tasks if held_out else ml1.train_tasks
        return
    instances = draw_split(names, seed, is_goal_hidden=True, per_task=INSTANCES_PER_TASK).instances
    for index, name in enumerate(names):
        yield name, instances[index * INSTANCES_PER_TASK : (index + 1) * INSTANCES_PER_TASK]


def _make_envs(instances: list[Task], agent: Any, max_episode_steps: int, reward_version: str) -> Any:
    """One environment a goal, with recurrent inputs for those who read them."""
    envs = MetaWorldVectorEnv(
        [[task] for task in instances],
        max_episode_steps=max_episode_steps,
        reward_function_version=reward_version,
        autoreset_mode=AutoresetMode.NEXT_STEP,
    )
    return TransformedVectorEnv.wrap(envs, ObservationOptions(recurrent_info_in_obs=getattr(agent, "reads_recurrent_info", False)))


def _play(envs: Any, agent: MetaLearningAgent, name: str, rounds: int, progress: Progress | None, *, forgets: bool = False) -> TaskResult:
    """Episodes that count. Where nothing shall have been adapted to, agents that adapt while they play forget each episode."""
    played = PlayedEpisodes(envs.num_envs, envs.unwrapped.max_episode_steps, rounds)
    for _ in range(rounds):
        if forgets:
            agent.init()
        played.play(envs, agent.eval_action, agent.reset, name, progress)
    return played.result(name)


def _adapt(envs: Any, agent: MetaLearningAgent, name: str, rounds: int, progress: Progress | None) -> None:
    """Episodes to adapt on."""
    for _ in range(rounds):
        steps = play(envs, agent.adapt_action, lambda: agent.reset(np.ones(envs.num_envs, dtype=bool)))
        for step in islice(steps, envs.unwrapped.max_episode_steps):
            agent.step(Timestep(step.observation, step.action, step.reward, step.terminated, step.truncated, step.aux))
            if progress is not None:
                progress(name, envs.num_envs)
    agent.adapt()
