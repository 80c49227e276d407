"""What an evaluation found, as a value that prints, saves and loads."""

from __future__ import annotations

import csv
import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from metaworld_py.evaluation.intervals import independent_episodes, mean_rate_interval, rate_interval
from metaworld_py.evaluation.intervals import rate as in_per_cent
from metaworld_py.evaluation.references import normalized_score, reference_settings
from metaworld_py.evaluation.reward_curves import Curve, RewardCurves
from metaworld_py.files import read_json, reading, write_json, written_whole

SCHEMA = "metaworld_py.evaluation/2"
WORST = 5  # tasks that tables name; sets of fewer than twice as many name none
_READABLE_SCHEMAS = ("metaworld_py.evaluation/1", SCHEMA)  # 1 lacks the fields that have defaults


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
    episodes_per_instance: int = 1

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
        """95 % interval of `success_rate`, over instances: repeats that are alike count once."""
        return rate_interval(*self.independent_counts)

    @property
    def independent_counts(self) -> tuple[float, float]:
        """Successes and episodes, were they independent; see `independent_episodes`."""
        episodes = independent_episodes(self.successes, self.episodes_per_instance)
        return self.success_rate * episodes, episodes

    @property
    def median_steps_to_success(self) -> float:
        """Median control steps to success, over the successful episodes; NaN if there are none."""
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


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """How a meta-learner adapted, and what was played besides: keywords of `evaluate_adaptation`."""

    adaptation_episodes: int
    adaptation_steps: int
    evaluation_episodes: int
    draws: int
    first_draw: int
    is_sampled: bool
    held_out: bool


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
    goal_visible: bool | None = None  # to the agent; None in files of older versions
    adaptation: Adaptation | None = None  # of results of `evaluate_adaptation`; None in files of older versions, too
    finished_at: str = field(default="", compare=False)  # ISO 8601, UTC; "" in files of older versions
    wall_time_s: float | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        tasks = (replace(task, episodes_per_instance=self.episodes_per_instance) for task in self.tasks)
        object.__setattr__(self, "tasks", tuple(tasks))  # it is frozen

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
        return mean_rate_interval([task.independent_counts for task in self.tasks])

    def score(self, task: TaskResult) -> float | None:
        """A task's mean return on the scale from the random agent's (0) to the expert's (100); None with other rewards or horizons."""
        settings = reference_settings()
        is_comparable = all(getattr(self, name) == settings[name] for name in ("max_episode_steps", "reward_function_version"))
        return normalized_score(task.task, task.mean_return) if is_comparable else None

    @property
    def mean_score(self) -> float | None:
        """Mean over tasks of `score`."""
        scores = [score for score in map(self.score, self.tasks) if score is not None]
        return float(np.mean(scores)) if scores else None

    def worst_tasks(self, num: int = WORST) -> tuple[TaskResult, ...]:
        """The tasks with the lowest success rates, worst first; among equals those with less success at the last step, then less return."""
        return tuple(sorted(self.tasks, key=lambda task: (task.success_rate, task.last_step_success_rate, task.mean_return))[:num])

    def worst_success_rate(self, num: int = WORST) -> float:
        """Mean success rate of the `num` worst tasks: what a mean over tasks hides."""
        return float(np.mean([task.success_rate for task in self.worst_tasks(num)]))

    def __str__(self) -> str:
        head = (
            f"{'task':28s} {'success':>8s}  {'95 % interval':>15s} {'last step':>10s} {'steps':>6s} {'return':>9s} {'score':>6s} "
            f"{'episodes':>9s}"
        )
        lines = [_row(task, self.score(task)) for task in self.tasks]
        total = sum(task.episodes for task in self.tasks)
        mean = _percentages(self.success_rate, self.interval, self.last_step_success_rate)
        unstable = sum(task.unstable_episodes for task in self.tasks)
        notes = [f"{unstable} episodes were cut short by unstable physics."] if unstable else []
        goals = "" if self.goal_visible is None else f", goals {'visible' if self.goal_visible else 'hidden'}"
        packages = " · ".join(f"{name} {number}" for name, number in self.versions.items())
        return "\n".join(
            [
                f"{self.benchmark}, agent {self.agent}, seed {self.seed}, reward {self.reward_function_version}{goals}",
                head,
                "─" * len(head),
                *lines,
                "─" * len(head),
                f"{'mean over tasks':28s} {mean} {'':6s} {'':9s} {_score(self.mean_score):>6s} {total:9d}",
                *self._worst(),
                *notes,
                packages,
            ]
        )

    def _worst(self) -> list[str]:
        """The line of the worst tasks, where there are enough to choose from."""
        if len(self.tasks) < 2 * WORST:
            return []
        named = ", ".join(f"{task.task} {in_per_cent(task.success_rate).replace(' ', '')}" for task in self.worst_tasks())
        shown = in_per_cent(self.worst_success_rate()).replace(" ", "")
        return [f"{f'mean over the {WORST} worst':28s} {shown:>8s}  {named}"]

    def save(self, path: str | Path) -> Path:
        """Write to a `.json` file (complete, loadable) or a `.csv` file (one line per task).

        Raises:
          ValueError: another suffix.
        """
        path = Path(path)
        if path.suffix == ".json":
            write_json(path, {"schema": SCHEMA, **asdict(self)})
        elif path.suffix == ".csv":
            self._save_csv(path)
        else:
            raise ValueError(f"results are saved as .json or .csv, got {path.name!r}")
        return path

    def _save_csv(self, path: Path) -> None:
        with written_whole(path) as part, part.open("w", newline="", encoding="utf-8") as file:
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
            "normalized_score": self.score(task),
            "unstable_episodes": task.unstable_episodes,
            "agent": self.agent,
            "benchmark": self.benchmark,
            "seed": self.seed,
            "episodes_per_instance": self.episodes_per_instance,
            "max_episode_steps": self.max_episode_steps,
            "reward_function_version": self.reward_function_version,
            "goal_visible": self.goal_visible,
            **{f"{name}_version": number for name, number in self.versions.items()},
        }

    @classmethod
    def load(cls, path: str | Path) -> EvaluationResult:
        """Read a `.json` file that `save` wrote.

        Raises:
          ValueError: not such a file.
        """
        wanted = f"an evaluation result ({SCHEMA})"
        content = read_json(path, wanted)
        if content.pop("schema", None) not in _READABLE_SCHEMAS:
            raise ValueError(f"{path} is not {wanted}")
        with reading(path, wanted):
            adapted = content.pop("adaptation", None)
            tasks = tuple(_task_from_json(task) for task in content.pop("tasks"))
            result = cls(tasks=tasks, adaptation=None if adapted is None else Adaptation(**adapted), **content)
            if not result.tasks:
                raise ValueError("it has no tasks")
            str(result)  # reads every field
        return result


def _task_from_json(fields: dict[str, Any]) -> TaskResult:
    curves = fields.pop("curves", None)
    return TaskResult(**_tuples(fields), curves=None if curves is None else _curves_from_json(curves))


def _curves_from_json(fields: dict[str, Any]) -> RewardCurves:
    reward, returns = (Curve(**_tuples(fields[name])) for name in ("reward", "return_so_far"))
    return RewardCurves(steps=tuple(fields["steps"]), reward=reward, return_so_far=returns)


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _percentages(rate: float, interval: tuple[float, float], last: float) -> str:
    low, high = interval
    shown, lowest, highest, at_end = (in_per_cent(share).replace(" ", "") for share in (rate, low, high, last))
    return f"{shown:>8s}  {lowest:>6s} – {highest:>6s} {at_end:>10s}"


def _score(score: float | None) -> str:
    return "–" if score is None else f"{score:.1f}"


def _row(task: TaskResult, score: float | None) -> str:
    rates = _percentages(task.success_rate, task.interval, task.last_step_success_rate)
    return f"{task.task:28s} {rates} {task.median_steps_to_success:6.0f} {task.mean_return:9.1f} {_score(score):>6s} {task.episodes:9d}"
