"""Success rates by a fixed number of episodes per task instance, with intervals, as a value that prints, saves and loads.

Never "the first episodes to finish": those are the successful ones, and a mean over them is too high.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from itertools import islice
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from metaworld_py._version import installed_versions
from metaworld_py.agents.built_in import Agent, as_agent
from metaworld_py.agents.inputs import AgentInputs, Player
from metaworld_py.envs.options import checked_count
from metaworld_py.envs.pixels import PixelOptions
from metaworld_py.envs.playing import PlayedStep, play
from metaworld_py.envs.vector_env import MetaWorldVectorEnv
from metaworld_py.evaluation.results import EvaluationResult, TaskResult
from metaworld_py.evaluation.reward_curves import RewardMeter
from metaworld_py.instances.task import INSTANCES_PER_TASK, Task, checked_seed, draw_instances
from metaworld_py.instances.task_sets import task_names
from metaworld_py.rendering.cameras import Camera
from metaworld_py.rendering.renderer import choose_gl
from metaworld_py.tasks import find_task
from metaworld_py.tasks.common.definition import HORIZON

Progress = Callable[[str, int], None]
META_LEARNING_METHODS = ("init", "adapt_action", "step", "adapt", "eval_action")


def evaluate(
    agent: Any,
    benchmark: str | Sequence[str] = "MT10",
    *,
    seed: int | None = 0,
    instances_per_task: int = INSTANCES_PER_TASK,
    episodes_per_instance: int = 1,
    max_episode_steps: int = HORIZON,
    reward_function_version: str = "v2",
    use_one_hot: bool = False,
    agent_name: str | None = None,
    progress: Progress | None = None,
) -> EvaluationResult:
    """Play every instance of every task a fixed number of times, each episode to its full length.

    Args:
      agent: see `metaworld_py.agents.Agent`; or a function of observations. What it declares as `inputs` (pixels, stacked frames, …; see
        `metaworld_py.agents.inputs`) it is shown: goals, too, of ML sets as well, unless it declares `goal_visible=False`.
      benchmark: a task set such as "MT10" or "ML45-test", a task name, or a sequence of task names.
      seed: seeds the instances, one stream through the tasks in order (as the benchmark classes do); None draws one, which the result has.
      instances_per_task: of the published 50, how many to play.
      episodes_per_instance: more than one is for stochastic agents.
      max_episode_steps: control steps of an episode.
      reward_function_version: "v2" or "v1"; matters for the returns only.
      use_one_hot: append the task's one-hot id to observations, as multi-task agents expect.
      agent_name: name for the table; by default made from the agent.
      progress: called with (task name, control steps done since the last call).

    Raises:
      ValueError: unknown tasks, counts that are not whole or below 1, inputs that contradict themselves.
      TypeError: something that is no agent.
    """
    names, begin, seed = task_names(benchmark), time.monotonic(), checked_seed(seed)
    instances_per_task = checked_count("instances_per_task", instances_per_task)
    episodes_per_instance = checked_count("episodes_per_instance", episodes_per_instance)
    max_episode_steps = checked_count("max_episode_steps", max_episode_steps)
    player = _checked(agent)
    inputs = AgentInputs.of(player, use_one_hot=use_one_hot)
    one_hots = [inputs.one_hot(name, names) for name in names]  # refuses tasks without an id before anything is played
    if inputs.pixels is not None:
        choose_gl()
    drawn = instances_by_task(names, seed, instances_per_task)
    results = []
    for name, one_hot in zip(names, one_hots, strict=True):
        envs = _make_envs(drawn[name][:instances_per_task] * episodes_per_instance, inputs, max_episode_steps, reward_function_version)
        results.append(_evaluate_task(player, name, envs, inputs, one_hot, progress))
    return EvaluationResult(
        agent=agent_name or str(getattr(agent, "__name__", type(agent).__name__)),
        benchmark=benchmark if isinstance(benchmark, str) else ", ".join(names),
        seed=seed,
        episodes_per_instance=episodes_per_instance,
        max_episode_steps=max_episode_steps,
        reward_function_version=reward_function_version,
        tasks=tuple(results),
        versions=installed_versions(),
        use_one_hot=inputs.observation.use_one_hot,
        goal_visible=inputs.is_goal_visible,
        finished_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        wall_time_s=round(time.monotonic() - begin, 1),
    )


def _checked(agent: Any) -> Agent:
    """The agent; says what one lacks that looks as if it wanted to adapt: played as it is, it sees goals unless it hides them."""
    player = as_agent(agent)
    missing = [name for name in META_LEARNING_METHODS if not callable(getattr(player, name, None))]
    if missing and (hasattr(player, "adapt_action") or hasattr(player, "adapt")):
        warnings.warn(
            f"{type(player).__name__} has methods of a meta-learner but no {' and no '.join(missing)}: it is evaluated as an agent that "
            "does not adapt, and sees goals unless it hides them",
            stacklevel=3,
        )
    return player


def _make_envs(instances: list[Task], inputs: AgentInputs, max_episode_steps: int, reward_version: str) -> MetaWorldVectorEnv:
    """One environment per episode, goals shown or hidden as the agent asks."""
    return MetaWorldVectorEnv(
        [[inputs.instance(task)] for task in instances],
        reward_function_version=reward_version,
        max_episode_steps=max_episode_steps,
        autoreset_mode=AutoresetMode.NEXT_STEP,
        show_goal=inputs.own.show_goal,
    )


def _evaluate_task(
    agent: Any, name: str, envs: MetaWorldVectorEnv, inputs: AgentInputs, one_hot: np.ndarray, progress: Progress | None
) -> TaskResult:
    """All episodes of one task at once, one environment per episode."""
    if callable(getattr(agent, "start_task", None)):
        agent.start_task(name)

    def draw(env: int, cameras: list[int | Camera], pixels: PixelOptions) -> list[dict[str, Any]]:
        return envs.pictures(env, cameras, **pixels.drawn)

    player = Player(agent, name, inputs, one_hot, draw)
    played = PlayedEpisodes(envs.num_envs, envs.max_episode_steps)
    played.play(envs, player.act, lambda mask: player.begin(len(mask)), name, progress)
    envs.close()
    return played.result(name)


class PlayedEpisodes:
    """Episodes of one task, played side by side in rounds: each environment plays one episode a round.

    Args:
      num_envs: environments, with next-step autoreset and at most one instance each.
      max_steps: control steps of an episode.
      num_rounds: how often `play` will be called.
    """

    def __init__(self, num_envs: int, max_steps: int, num_rounds: int = 1) -> None:
        self._num_envs, self._max_steps, self._round = num_envs, max_steps, 0
        episodes = num_envs * num_rounds
        self._is_unstable, self._last_success = np.zeros(episodes, dtype=bool), np.zeros(episodes, dtype=bool)
        self._first_success = np.full(episodes, -1)
        self._meter = RewardMeter(episodes, max_steps)

    def play(
        self,
        envs: Any,
        act: Callable[[np.ndarray], Any],
        begin: Callable[[np.ndarray], None] | None = None,
        name: str = "",
        progress: Progress | None = None,
        on_step: Callable[[PlayedStep], None] | None = None,
    ) -> None:
        """Play one episode in every environment.

        Args:
          envs: the environments.
          act: actions (n, 4) for observations, or those and what it wants back with the step.
          begin: called with all-true (n,) when the episodes have begun.
          name: what is being played.
          progress: see `evaluate`.
          on_step: called with each step.
        """
        n_envs, now = self._num_envs, slice(self._round * self._num_envs, (self._round + 1) * self._num_envs)
        self._round += 1
        is_running, everywhere = np.ones(n_envs, dtype=bool), np.zeros(len(self._first_success), dtype=bool)
        rewards_everywhere = np.zeros(len(everywhere))
        first, last, unstable = self._first_success[now], self._last_success[now], self._is_unstable[now]  # views
        begun = (lambda: begin(np.ones(n_envs, dtype=bool))) if callable(begin) else None
        for step in islice(play(envs, act, begun), self._max_steps):
            success = step.info["success"] > 0.0
            everywhere[now], rewards_everywhere[now] = is_running, step.reward
            self._meter.add(step.number - 1, rewards_everywhere, everywhere)
            last[is_running] = success[is_running]
            first[is_running & success & (first < 0)] = step.number
            unstable |= is_running & step.info.get("is_unstable", np.zeros(n_envs, dtype=bool))
            is_running &= ~step.truncated
            if on_step is not None:
                on_step(step)
            if progress is not None:
                progress(name, n_envs)

    def result(self, name: str) -> TaskResult:
        """Result of all episodes played so far."""
        return TaskResult(
            task=name,
            successes=tuple((self._first_success >= 0).tolist()),
            last_step_successes=tuple(self._last_success.tolist()),
            steps_to_success=tuple(step if step >= 0 else None for step in self._first_success.tolist()),
            returns=tuple(self._meter.returns.tolist()),
            unstable_episodes=int(self._is_unstable.sum()),
            curves=self._meter.curves(),
        )


def instances_by_task(names: Sequence[str], seed: int, instances_per_task: int = INSTANCES_PER_TASK) -> dict[str, list[Task]]:
    """The instances that an evaluation of these tasks draws, 50 or more of each; those of a set differ from those of its tasks alone."""
    drawn = draw_instances(names, seed, partially_observable=False, per_task=max(instances_per_task, INSTANCES_PER_TASK))
    return {name: [task for task in drawn if task.env_name == find_task(name).id] for name in names}
