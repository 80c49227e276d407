"""Few-shot evaluation of meta-learners: new goals, some episodes to adapt on, then episodes that count; before and after side by side.

The published protocol (`metalearning_evaluation` plays it on a vector environment of the caller's making), as an evaluation with intervals:
goals are hidden, adaptation explores, what counts is played with the most likely actions.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from metaworld_py._version import installed_versions
from metaworld_py.benchmarks import ML1, draw_split
from metaworld_py.envs.options import ObservationOptions, checked_count
from metaworld_py.envs.playing import PlayedStep
from metaworld_py.envs.vector_env import MetaWorldVectorEnv
from metaworld_py.envs.vector_wrappers import TransformedVectorEnv
from metaworld_py.evaluation.intervals import rate as in_per_cent
from metaworld_py.evaluation.intervals import repeat_interval
from metaworld_py.evaluation.per_instance import META_LEARNING_METHODS, PlayedEpisodes, Progress
from metaworld_py.evaluation.published import MetaLearningAgent, Timestep
from metaworld_py.evaluation.results import Adaptation, EvaluationResult, TaskResult
from metaworld_py.instances.task import INSTANCES_PER_TASK, Task, checked_seed
from metaworld_py.instances.task_sets import task_names
from metaworld_py.tasks.common.definition import HORIZON

GOALS_PER_TASK = 40  # published
_DRAWS = 1_000  # generators of a task; the next task has the next ones


@dataclass(frozen=True)
class AdaptationResult:
    """The same goals played before and after adapting to them.

    Episodes after adaptation come draw by draw: every goal as often as `evaluation_episodes` says, then the next draw.
    """

    before: EvaluationResult
    after: EvaluationResult
    during: EvaluationResult  # the episodes that were adapted on, with what the agent explores by
    draws: int = 1  # how often the agent adapted anew to each goal

    def __str__(self) -> str:
        spread = f"\n{self.draws_in_words}" * (self.draws > 1)
        return f"before adaptation\n{self.before}\n\nafter adaptation\n{self.after}{spread}"

    @property
    def draws_in_words(self) -> str:
        """What each draw brought, in words."""
        rates = ", ".join(in_per_cent(rate) for rate in self.success_by_draw)
        return f"{self.draws} draws of adaptation: {rates}; spread {100 * self.spread:.1f} points"

    @property
    def success_by_draw(self) -> tuple[float, ...]:
        """Mean over tasks after adaptation, of each draw."""
        return tuple(np.mean([table.mean(axis=1) for table in self._by_draw_and_goal], axis=0).tolist())

    @property
    def spread(self) -> float:
        """Standard deviation of `success_by_draw` (n − 1), 0 for a single draw."""
        return float(np.std(self.success_by_draw, ddof=1)) if self.draws > 1 else 0.0

    @property
    def repeat_interval(self) -> tuple[float, float]:
        """Where as many draws by other generators have their mean, 99 %; see `intervals.repeat_interval`."""
        return repeat_interval(self._by_draw_and_goal)

    @property
    def success_while_adapting(self) -> tuple[float, ...]:
        """Mean over tasks in each episode of adaptation, with what the agent explores by, which mostly are random actions."""
        return _by_episode(self.during, self.draws)

    @property
    def success_once_adapted(self) -> tuple[float, ...]:
        """Mean over tasks in each episode that counts."""
        return _by_episode(self.after, self.draws)

    @property
    def _by_draw_and_goal(self) -> list[NDArray[np.float64]]:
        episodes = self.after.episodes_per_instance // self.draws
        return [np.reshape(task.successes, (self.draws, episodes, -1)).mean(axis=1) for task in self.after.tasks]


def _by_episode(result: EvaluationResult, draws: int) -> tuple[float, ...]:
    episodes = result.episodes_per_instance // draws
    tables = (np.reshape(task.successes, (draws, episodes, -1)) for task in result.tasks)
    return tuple(np.mean([table.mean(axis=(0, 2)) for table in tables], axis=0).tolist())


def is_meta_learner(agent: Any) -> bool:
    """Whether an agent has what `evaluate_adaptation` needs."""
    return all(callable(getattr(agent, name, None)) for name in META_LEARNING_METHODS)


def _refuse_others(agent: Any) -> None:
    if isinstance(agent, type):
        raise TypeError(f"a meta-learner must be an object, got the class {agent.__name__}: pass an instance, {agent.__name__}(...)")
    if not is_meta_learner(agent):
        raise TypeError(f"a meta-learner needs init, adapt_action, step, adapt and eval_action (see MetaLearningAgent), got {agent!r}")
    if getattr(agent, "inputs", None):
        raise ValueError("meta-learners observe the state: take `inputs` off, or evaluate what was adapted by `evaluate`")


@dataclass(frozen=True)
class _Counts:
    """Who plays how often; `evaluate_adaptation` has the meaning of the fields.

    Raises:
      ValueError: counts out of range.
    """

    instances_per_task: int = GOALS_PER_TASK
    adaptation_episodes: int = 10
    adaptation_steps: int = 1
    evaluation_episodes: int = 3
    draws: int = 1
    first_draw: int = 0
    is_sampled: bool = False

    def __post_init__(self) -> None:
        for name in ("instances_per_task", "adaptation_episodes", "adaptation_steps", "evaluation_episodes", "draws", "first_draw"):
            least = 0 if name == "first_draw" else 1
            object.__setattr__(self, name, checked_count(name, getattr(self, name), least))
        if self.instances_per_task > INSTANCES_PER_TASK:
            raise ValueError(f"instances_per_task must lie in 1…{INSTANCES_PER_TASK}, got {self.instances_per_task}")

    def adaptation(self, *, held_out: bool) -> Adaptation:
        """What results say of it."""
        told = {name: value for name, value in vars(self).items() if name != "instances_per_task"}
        return Adaptation(**told, held_out=held_out)


def evaluate_adaptation(
    agent: MetaLearningAgent,
    benchmark: str | Sequence[str] = "ML10-test",
    *,
    seed: int | None = 0,
    instances_per_task: int = GOALS_PER_TASK,
    adaptation_episodes: int = 10,
    adaptation_steps: int = 1,
    evaluation_episodes: int = 3,
    draws: int = 1,
    first_draw: int = 0,
    is_sampled: bool = False,
    max_episode_steps: int = HORIZON,
    reward_function_version: str = "v2",
    held_out: bool = True,
    agent_name: str | None = None,
    progress: Progress | None = None,
) -> AdaptationResult:
    """Let a meta-learner adapt to each of a number of hidden goals, and play it before and after.

    Args:
      agent: see `metaworld_py.evaluation.MetaLearningAgent`. With a true attribute `reads_recurrent_info`, its observations end in the
        previous action, reward / 10 and end of episode. With a method `reseed(seed)`, every draw and task has a generator of its own.
      benchmark: "ML10-test", "ML10-train", …, or one task: then ML1's goals.
      seed: of the goals; the one that the agent was trained with (its `training_seed`, if any) gives the goals that belong together;
        None draws one, which the result has.
      instances_per_task: goals (published: 40).
      adaptation_episodes: of each round, none ended by success (published: 10).
      adaptation_steps: rounds (published: 1).
      evaluation_episodes: that count, of each goal (published: 3).
      draws: how often to adapt to each goal, each time anew and with other random actions: what adaptation brings depends on them.
      first_draw: number of the first draw; others are another sample.
      is_sampled: what counts is played with random actions, too, rather than with the most likely ones.
      held_out: for one task: ML1's test goals rather than its training goals.
      max_episode_steps, reward_function_version, agent_name, progress: see `evaluate`.

    Raises:
      ValueError: unknown tasks, counts out of range.
      TypeError: an agent that cannot adapt.
    """
    _refuse_others(agent)
    seed, max_episode_steps = checked_seed(seed), checked_count("max_episode_steps", max_episode_steps)
    counts = _Counts(instances_per_task, adaptation_episodes, adaptation_steps, evaluation_episodes, draws, first_draw, is_sampled)
    _warn_of_training_goals(agent, benchmark, seed, held_out)
    begin, found = time.monotonic(), list[_Played]()
    for index, (name, instances) in enumerate(hidden_goals(benchmark, seed, held_out=held_out)):
        envs = _make_envs(instances[: counts.instances_per_task], agent, max_episode_steps, reward_function_version)
        found.append(_play_task(envs, agent, name, index, counts, progress))
        envs.close()
    result = partial(
        EvaluationResult,
        agent=agent_name or type(agent).__name__,
        benchmark=benchmark if isinstance(benchmark, str) else ", ".join(benchmark),
        seed=seed,
        max_episode_steps=max_episode_steps,
        reward_function_version=reward_function_version,
        adaptation=counts.adaptation(held_out=held_out),
        wall_time_s=round(time.monotonic() - begin, 1),
    )
    return _result(found, counts, result)


def _result(found: Sequence[_Played], counts: _Counts, result: Callable[..., EvaluationResult]) -> AdaptationResult:
    """The episodes of all tasks, and how often each goal was played."""
    result = partial(
        result, goal_visible=False, versions=installed_versions(), finished_at=datetime.now(timezone.utc).isoformat(timespec="seconds")
    )
    before, after, during = (tuple(results) for results in zip(*found, strict=True))
    adapted_on = counts.adaptation_episodes * counts.adaptation_steps
    return AdaptationResult(
        result(tasks=before, episodes_per_instance=counts.evaluation_episodes),
        result(tasks=after, episodes_per_instance=counts.evaluation_episodes * counts.draws),
        result(tasks=during, episodes_per_instance=adapted_on * counts.draws),
        counts.draws,
    )


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


def _warn_of_training_goals(agent: Any, benchmark: str | Sequence[str], seed: int, held_out: bool) -> None:
    """Say so where what is called held out was trained on: ML1's test goals of a seed are the training goals of the next one."""
    trained_with = getattr(agent, "training_seed", None)
    if held_out and len(task_names(benchmark)) == 1 and trained_with == seed + 1:
        warnings.warn(
            f"ML1's held-out goals of seed {seed} are the training goals of seed {trained_with}, which this agent was trained with: "
            f"evaluate it with seed={trained_with}",
            stacklevel=3,
        )
    if benchmark == "ML25-test":
        overlap = ", ".join(sorted(set(task_names("ML25-train")) & set(task_names("ML25-test"))))
        warnings.warn(f"ML25 as published trains and tests on {overlap}: the mean over ML25-test counts it as held out", stacklevel=3)


def _make_envs(instances: list[Task], agent: Any, max_episode_steps: int, reward_version: str) -> Any:
    """One environment a goal, with recurrent inputs for those who read them."""
    envs = MetaWorldVectorEnv(
        [[task] for task in instances],
        max_episode_steps=max_episode_steps,
        reward_function_version=reward_version,
        autoreset_mode=AutoresetMode.NEXT_STEP,
    )
    return TransformedVectorEnv.wrap(envs, ObservationOptions(recurrent_info_in_obs=getattr(agent, "reads_recurrent_info", False)))


class _Played(NamedTuple):
    """Episodes of one task."""

    before: TaskResult
    after: TaskResult
    during: TaskResult


def _play_task(envs: Any, agent: MetaLearningAgent, name: str, index: int, counts: _Counts, progress: Progress | None) -> _Played:
    """Before adaptation once, then adaptation and what counts, draw by draw."""
    counted, n_envs, max_steps = counts.evaluation_episodes, envs.num_envs, envs.unwrapped.max_episode_steps
    act = agent.adapt_action if counts.is_sampled else agent.eval_action

    def reseed(draw: int) -> None:
        if callable(change := getattr(agent, "reseed", None)):
            change(_DRAWS * index + counts.first_draw + draw)

    reseed(0)
    before = PlayedEpisodes(n_envs, max_steps, counted)
    for _ in range(counted):
        agent.init()  # agents that adapt while they play forget each episode: nothing shall have been adapted to
        before.play(envs, act, agent.reset, name, progress)
    after = PlayedEpisodes(n_envs, max_steps, counted * counts.draws)
    during = PlayedEpisodes(n_envs, max_steps, counts.adaptation_episodes * counts.adaptation_steps * counts.draws)
    for draw in range(counts.draws):
        reseed(draw)
        agent.init()
        for _ in range(counts.adaptation_steps):
            for _ in range(counts.adaptation_episodes):
                during.play(envs, agent.adapt_action, agent.reset, name, progress, partial(_tell, agent))
            agent.adapt()
        for _ in range(counted):
            after.play(envs, act, agent.reset, name, progress)
    return _Played(before.result(name), after.result(name), during.result(name))


def _tell(agent: MetaLearningAgent, step: PlayedStep) -> None:
    agent.step(Timestep(step.observation, step.action, step.reward, step.terminated, step.truncated, step.aux))
