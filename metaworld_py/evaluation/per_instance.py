"""Success rates by a fixed number of episodes per task instance, with intervals, as a value that prints, saves and loads.

Never "the first episodes to finish": those are the successful ones, and a mean over them is too high.
"""

from __future__ import annotations

import csv
import json
import math
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from metaworld_py._version import __version__
from metaworld_py.agents.built_in import as_agent
from metaworld_py.envs.vector_env import MetaWorldVectorEnv
from metaworld_py.evaluation.published import MetaLearningAgent, Timestep, evaluation, metalearning_evaluation
from metaworld_py.evaluation.reward_curves import Curve, RewardCurves, RewardMeter
from metaworld_py.instances.task import INSTANCES_PER_TASK, Task, draw_instances
from metaworld_py.instances.task_sets import TASK_SETS
from metaworld_py.tasks import TASKS, find_task
from metaworld_py.tasks.common.definition import HORIZON

__all__ = [
    "EvaluationResult",
    "MetaLearningAgent",
    "TaskResult",
    "Timestep",
    "evaluate",
    "evaluation",
    "mean_rate_interval",
    "metalearning_evaluation",
    "rate_interval",
]

SCHEMA = "metaworld_py.evaluation/2"
_READABLE_SCHEMAS = ("metaworld_py.evaluation/1", SCHEMA)  # 1 lacks the fields that have defaults
_Z_95 = 1.959963984540054  # standard normal quantile of 97.5 %

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class TaskResult:
    """Episodes of one task: all instances in order, and again in that order as often as `episodes_per_instance` says."""

    task: str
    successes: tuple[bool, ...]  # success at any step of the episode
    last_step_successes: tuple[bool, ...]  # success at its last step
    steps_to_success: tuple[int | None, ...]  # control steps until the first success
    returns: tuple[float, ...]  # undiscounted sums of rewards
    unstable_episodes: int = 0  # cut short because the physics blew up
    curves: RewardCurves | None = None  # None in files of older versions

    @property
    def episodes(self) -> int:
        """Number of episodes."""
        return len(self.successes)

    @property
    def success_rate(self) -> float:
        """Share of episodes with success at any step."""
        return sum(self.successes) / self.episodes

    @property
    def last_step_success_rate(self) -> float:
        """Share of episodes with success at their last step."""
        return sum(self.last_step_successes) / self.episodes

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of `success_rate`."""
        return rate_interval(sum(self.successes), self.episodes)

    @property
    def median_steps_to_success(self) -> float:
        """Over the successful episodes; NaN if there are none."""
        steps = [steps for steps in self.steps_to_success if steps is not None]
        return float(np.median(steps)) if steps else math.nan

    @property
    def mean_return(self) -> float:
        """Mean undiscounted return."""
        return float(np.mean(self.returns))

    @property
    def worst_episode(self) -> int:
        """The failed episode with the lowest return, or where none failed the slowest one."""

        def goodness(episode: int) -> tuple[bool, float, float]:
            return self.successes[episode], -(self.steps_to_success[episode] or 0), self.returns[episode]

        return min(range(self.episodes), key=goodness)


@dataclass(frozen=True)
class EvaluationResult:
    """What one evaluation found, with everything needed to repeat it. `print` shows a table."""

    agent: str
    benchmark: str
    seed: int
    episodes_per_instance: int
    max_episode_steps: int
    reward_function_version: str
    tasks: tuple[TaskResult, ...]
    versions: dict[str, str]
    use_one_hot: bool = False
    finished_at: str = field(default="", compare=False)  # ISO 8601, UTC; "" in files of older versions
    wall_time_s: float | None = field(default=None, compare=False)

    @property
    def instances_per_task(self) -> int:
        """How many instances of each task were played."""
        return self.tasks[0].episodes // self.episodes_per_instance

    @property
    def success_rate(self) -> float:
        """Mean over tasks of their success rates (any step)."""
        return float(np.mean([task.success_rate for task in self.tasks]))

    @property
    def last_step_success_rate(self) -> float:
        """Mean over tasks of their success rates at the last step."""
        return float(np.mean([task.last_step_success_rate for task in self.tasks]))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the mean `success_rate` over this set of tasks."""
        return mean_rate_interval([(sum(task.successes), task.episodes) for task in self.tasks])

    def __str__(self) -> str:
        head = f"{'task':28s} {'success':>8s}  {'95 % interval':>15s} {'last step':>10s} {'steps':>6s} {'return':>9s} {'episodes':>9s}"
        lines = [_row(task.task, task, str(task.episodes)) for task in self.tasks]
        total = sum(task.episodes for task in self.tasks)
        mean = _percentages(self.success_rate, self.interval, self.last_step_success_rate)
        unstable = sum(task.unstable_episodes for task in self.tasks)
        notes = [f"{unstable} episodes were cut short by unstable physics."] if unstable else []
        packages = " · ".join(f"{name} {number}" for name, number in self.versions.items())
        return "\n".join(
            [
                f"{self.benchmark}, agent {self.agent}, seed {self.seed}, reward {self.reward_function_version}",
                head,
                "─" * len(head),
                *lines,
                "─" * len(head),
                f"{'mean over tasks':28s} {mean} {'':6s} {'':9s} {total:9d}",
                *notes,
                packages,
            ]
        )

    def save(self, path: str | Path) -> Path:
        """Write to a `.json` file (complete, loadable) or a `.csv` file (one line per task).

        Raises:
          ValueError: another suffix.
        """
        path = Path(path)
        if path.suffix == ".json":
            path.write_text(json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1) + "\n")
        elif path.suffix == ".csv":
            self._save_csv(path)
        else:
            raise ValueError(f"results are saved as .json or .csv, got {path.name!r}")
        return path

    def _save_csv(self, path: Path) -> None:
        with path.open("w", newline="") as file:
            rows = [self._csv_row(task) for task in self.tasks]
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def _csv_row(self, task: TaskResult) -> dict[str, Any]:
        low, high = task.interval
        return {
            "task": task.task,
            "episodes": task.episodes,
            "success_rate": task.success_rate,
            "interval_low": low,
            "interval_high": high,
            "last_step_success_rate": task.last_step_success_rate,
            "median_steps_to_success": task.median_steps_to_success,
            "mean_return": task.mean_return,
            "unstable_episodes": task.unstable_episodes,
            "agent": self.agent,
            "benchmark": self.benchmark,
            "seed": self.seed,
            "episodes_per_instance": self.episodes_per_instance,
            "max_episode_steps": self.max_episode_steps,
            "reward_function_version": self.reward_function_version,
            **{f"{name}_version": number for name, number in self.versions.items()},
        }

    @classmethod
    def load(cls, path: str | Path) -> EvaluationResult:
        """Read a `.json` file that `save` wrote.

        Raises:
          ValueError: not such a file.
        """
        content = json.loads(Path(path).read_text())
        if not isinstance(content, dict) or content.pop("schema", None) not in _READABLE_SCHEMAS:
            raise ValueError(f"{path} is not an evaluation result ({SCHEMA})")
        return cls(tasks=tuple(_task_from_json(task) for task in content.pop("tasks")), **content)


def _task_from_json(fields: dict[str, Any]) -> TaskResult:
    curves = fields.pop("curves", None)
    return TaskResult(**_tuples(fields), curves=None if curves is None else _curves_from_json(curves))


def _curves_from_json(fields: dict[str, Any]) -> RewardCurves:
    reward, returns = (Curve(**_tuples(fields[name])) for name in ("reward", "return_so_far"))
    return RewardCurves(steps=tuple(fields["steps"]), reward=reward, return_so_far=returns)


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def evaluate(
    agent: Any,
    benchmark: str | Sequence[str] = "MT10",
    *,
    seed: int = 0,
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
      agent: see `metaworld_py.agents.Agent`; or a function of observations.
      benchmark: a task set such as "MT10" or "ML45-test", a task name, or a sequence of task names.
      seed: seeds the instances, one stream through the tasks in order (as the benchmark classes do).
      instances_per_task: of the published 50, how many to play.
      episodes_per_instance: more than one is for stochastic agents.
      max_episode_steps: control steps of an episode.
      reward_function_version: "v2" or "v1"; matters for the returns only.
      use_one_hot: append the task's one-hot id to observations, as multi-task agents expect.
      agent_name: name for the table; by default made from the agent.
      progress: called with (task name, control steps done since the last call).

    Raises:
      ValueError: unknown tasks, counts below 1.
      TypeError: something that is no agent.
    """
    names, begin = task_names(benchmark), time.monotonic()
    for what, count in (("instances_per_task", instances_per_task), ("episodes_per_instance", episodes_per_instance)):
        if count < 1:
            raise ValueError(f"{what} must be at least 1, got {count}")
    player = as_agent(agent)
    drawn = instances_by_task(names, seed, instances_per_task)
    results = []
    for index, name in enumerate(names):
        instances = drawn[name][:instances_per_task]
        one_hot = np.eye(len(names))[index] if use_one_hot else np.zeros(0)
        results.append(
            _evaluate_task(player, name, instances * episodes_per_instance, one_hot, max_episode_steps, reward_function_version, progress)
        )
    return EvaluationResult(
        agent=agent_name or str(getattr(agent, "__name__", type(agent).__name__)),
        benchmark=benchmark if isinstance(benchmark, str) else ", ".join(names),
        seed=seed,
        episodes_per_instance=episodes_per_instance,
        max_episode_steps=max_episode_steps,
        reward_function_version=reward_function_version,
        tasks=tuple(results),
        versions=installed_versions(),
        use_one_hot=use_one_hot,
        finished_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        wall_time_s=round(time.monotonic() - begin, 1),
    )


def _evaluate_task(
    agent: Any, name: str, instances: list[Task], one_hot: np.ndarray, max_steps: int, reward_version: str, progress: Progress | None
) -> TaskResult:
    """All episodes of one task at once, one environment per episode."""
    if callable(getattr(agent, "start_task", None)):
        agent.start_task(name)
    n_envs = len(instances)
    envs = MetaWorldVectorEnv(
        [[task] for task in instances],
        reward_function_version=reward_version,
        max_episode_steps=max_steps,
        autoreset_mode=AutoresetMode.NEXT_STEP,
    )
    tail = np.tile(one_hot, (n_envs, 1))
    played = PlayedEpisodes(n_envs, max_steps)
    played.play(
        envs, lambda observations: agent.eval_action(np.hstack([observations, tail])), getattr(agent, "reset", None), name, progress
    )
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
        act: Callable[[np.ndarray], np.ndarray],
        begin: Callable[[np.ndarray], None] | None = None,
        name: str = "",
        progress: Progress | None = None,
    ) -> None:
        """A round.

        Args:
          envs: the environments.
          act: actions (n, 4) for observations.
          begin: called with all-true (n,) when the episodes have begun.
          name: what is being played.
          progress: see `evaluate`.
        """
        n_envs, now = self._num_envs, slice(self._round * self._num_envs, (self._round + 1) * self._num_envs)
        self._round += 1
        observations, _ = envs.reset()
        if callable(begin):
            begin(np.ones(n_envs, dtype=bool))
        is_running, everywhere = np.ones(n_envs, dtype=bool), np.zeros(len(self._first_success), dtype=bool)
        rewards_everywhere = np.zeros(len(everywhere))
        first, last, unstable = self._first_success[now], self._last_success[now], self._is_unstable[now]  # views
        for step in range(self._max_steps):
            observations, rewards, _, truncations, infos = envs.step(act(observations))
            success = infos["success"] > 0.0
            everywhere[now], rewards_everywhere[now] = is_running, rewards
            self._meter.add(step, rewards_everywhere, everywhere)
            last[is_running] = success[is_running]
            first[is_running & success & (first < 0)] = step + 1
            unstable |= is_running & infos.get("is_unstable", np.zeros(n_envs, dtype=bool))
            is_running &= ~truncations
            if progress is not None:
                progress(name, n_envs)

    def result(self, name: str) -> TaskResult:
        """Everything played so far."""
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


def task_names(benchmark: str | Sequence[str]) -> list[str]:
    """Tasks of a set, a single task, or a sequence of tasks, in order.

    Raises:
      ValueError: unknown or repeated tasks.
    """
    if isinstance(benchmark, str):
        if benchmark in TASK_SETS:
            return list(TASK_SETS[benchmark])
        if benchmark.upper() in TASK_SETS or benchmark[:2] in ("MT", "ML"):
            raise ValueError(f"unknown task set {benchmark!r}; known: {', '.join(TASK_SETS)}, and the {len(TASKS)} task names")
        return [find_task(benchmark).name]
    names = [find_task(name).name for name in benchmark]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"give at least one task and each only once, got {names}")
    return names


def rate_interval(successes: int, episodes: int, z: float = _Z_95) -> tuple[float, float]:
    """Wilson interval of a success rate, as (low, high) in [0, 1]; 95 % by default.

    Exact enough for 0 or all successes, where the normal interval collapses (Wilson 1927).

    Raises:
      ValueError: episodes < 1, or successes not in 0…episodes.
    """
    if episodes < 1 or not 0 <= successes <= episodes:
        raise ValueError(f"need 0 ≤ successes ≤ episodes and episodes ≥ 1, got {successes} of {episodes}")
    rate = successes / episodes
    shrink = 1.0 + z * z / episodes
    centre = (rate + z * z / (2 * episodes)) / shrink
    half = z * math.sqrt(rate * (1.0 - rate) / episodes + z * z / (4 * episodes**2)) / shrink
    return max(centre - half, 0.0), min(centre + half, 1.0)


def mean_rate_interval(counts: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """95 % interval of the mean of independent success rates, from their (successes, episodes).

    Recovers each rate's variance from its Wilson limits and adds them (the MOVER method, Zou & Donner 2008): the tasks are a fixed set, the
    episodes in each a sample.
    """
    rates = np.array([successes / episodes for successes, episodes in counts])
    limits = np.array([rate_interval(successes, episodes) for successes, episodes in counts])
    mean = float(rates.mean())
    low = mean - float(np.sqrt(((rates - limits[:, 0]) ** 2).sum())) / len(counts)
    high = mean + float(np.sqrt(((limits[:, 1] - rates) ** 2).sum())) / len(counts)
    return max(low, 0.0), min(high, 1.0)


def installed_versions() -> dict[str, str]:
    """Versions that a number depends on: this package, the engine, Gymnasium, NumPy, Python."""
    packages = {name: version(name) for name in ("mujoco", "gymnasium", "numpy")}
    return {"metaworld_py": __version__, **packages, "python": platform.python_version()}


def _percentages(rate: float, interval: tuple[float, float], last: float) -> str:
    low, high = interval
    return f"{rate:8.1%}  {low:6.1%} – {high:6.1%} {last:10.1%}"


def _row(label: str, task: TaskResult, episodes: str) -> str:
    rates = _percentages(task.success_rate, task.interval, task.last_step_success_rate)
    return f"{label:28s} {rates} {task.median_steps_to_success:6.0f} {task.mean_return:9.1f} {episodes:>9s}"
