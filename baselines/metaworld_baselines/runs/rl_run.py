"""A run of reinforcement learning: counts environment steps, and knows of evaluations, throughput and how long training will take."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax

from metaworld_baselines.runs import checkpoints
from metaworld_baselines.runs.run import Run
from metaworld_baselines.runs.stopping import Stop
from metaworld_baselines.runs.throughput import Throughput
from metaworld_py.evaluation import EvaluationResult
from metaworld_py.evaluation.adaptation import AdaptationResult

DAY_S = 86_400.0
TABLES = ("progress", "curve", "trials", "conflict")


class TooSlowError(RuntimeError):
    """The run would take longer than a day on this machine."""


class RlRun(Run):
    """One seed's training in environments.

    Besides what every run has, `curve.csv` holds evaluations by the published protocol (success per task), `trials.csv` those of
    meta-learners episode by episode, `conflict.csv` gradient diagnostics, where asked for.

    Args:
      folder, algorithm, config, minutes, is_on_tensorboard, is_one_of_several, whole, stop: see `Run`.
      total_env_steps: over all tasks.
      allow_slow: go on where there is no GPU and the run will take longer than a day.

    Raises:
      ValueError: the folder holds a run of another configuration.
    """

    def __init__(
        self,
        folder: Path,
        algorithm: str,
        config: Mapping[str, Any],
        total_env_steps: int,
        *,
        allow_slow: bool = False,
        minutes: float | None = None,
        is_on_tensorboard: bool = True,
        is_one_of_several: bool = False,
        whole: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
        stop: Stop | None = None,
    ) -> None:
        self._allow_slow = allow_slow
        self.curve: list[dict[str, Any]] = []
        self.owes_evaluation = False  # saved while the actor of that moment was being evaluated
        super().__init__(
            folder,
            algorithm,
            config,
            total_env_steps,
            unit="env_steps",
            tables=TABLES,
            minutes=minutes,
            is_on_tensorboard=is_on_tensorboard,
            is_one_of_several=is_one_of_several,
            whole=whole,
            stop=stop,
        )

    @property
    def env_steps(self) -> int:
        """Environment steps so far, over all tasks."""
        return self.steps

    @property
    def total_env_steps(self) -> int:
        """Environment steps of the budget."""
        return self.total_steps

    def _take_up(self, header: dict[str, Any]) -> None:
        self.curve, self.owes_evaluation = header["curve"], header.get("owes_evaluation", False)

    def _steps_to_keep(self, table: str) -> int:
        return self.steps - (table == "curve" and self.owes_evaluation)

    def _header(self, steps: int) -> dict[str, Any]:
        return super()._header(steps) | {"curve": self.curve}

    def save_all(self, arrays: Any, state: str, *, owes_evaluation: bool = False) -> None:
        """Everything needed to go on exactly here; see `Run.save_all`."""
        self._write_resume(arrays, {"envs": state, "owes_evaluation": owes_evaluation})

    def show_and_check(self, throughput: Throughput, steps_per_iteration: int) -> Throughput:
        """Throughput and training success beside the progress bar; returns the next interval's throughput.

        Raises:
          TooSlowError: see `check_throughput`; not from an interval in which something was compiled.
        """
        numbers = throughput.numbers(steps_per_iteration)
        success = numbers["training_success"]
        told = "none ended" if math.isnan(success) else f"{success:.0%}"
        text = (
            f"{numbers['updates_per_s']:.0f} updates/s, waiting {numbers['waiting_for_envs']:.0%} for environments, "
            f"{numbers['waiting_for_learner']:.0%} for the learner; training success {told}"
        )
        self._bar.set_postfix_str(text)
        if self._bar.disable:  # no terminal: a log wants lines
            self.say(f"{self.env_steps:>10,} steps after {self.seconds:.0f} s: {numbers['steps_per_s']:.0f} steps/s, {text}")
        if throughput.is_warm:
            self.check_throughput(numbers["steps_per_s"], numbers["updates_per_s"])
        return Throughput(is_warm=True)

    def evaluated(self, result: EvaluationResult, env_steps: int | None = None) -> bool:
        """Keep an evaluation, of the agent after so many steps or now; True if it is the best so far (or as good, but later)."""
        env_steps = self.env_steps if env_steps is None else env_steps
        row = {"success": result.success_rate, "return": mean_return(result)}
        self.say(f"{env_steps:>10,} steps: success {row['success']:6.1%}, return {row['return']:.0f}")
        return self._add_point(row, result, "success", env_steps)

    def keep_actor(self, actor: Any, *, is_best: bool, env_steps: int | None = None) -> None:
        """Keep the actor that was evaluated as the last one, and as the best if it is; as it was after so many steps, or is now."""
        self.save_actor(checkpoints.LAST, actor, env_steps)
        if is_best:
            self.save_actor(checkpoints.BEST, actor, env_steps)

    def adapted(self, test: AdaptationResult, train: AdaptationResult) -> bool:
        """Keep an evaluation of a meta-learner, on held-out and on training goals, before and after adaptation.

        True if success on *training* goals is the highest so far (or as high, but later).
        """
        row = {"success": test.after.success_rate, "return": mean_return(test.after)}
        row |= {"success_before": test.before.success_rate, "return_before": mean_return(test.before)}
        row |= {"train_success": train.after.success_rate, "train_return": mean_return(train.after)}
        row |= {"train_success_before": train.before.success_rate, "train_return_before": mean_return(train.before)}
        self.say(
            f"{self.env_steps:>10,} steps: held-out goals: success {row['success_before']:6.1%} → {row['success']:6.1%}, "
            f"return {row['return_before']:.0f} → {row['return']:.0f}; "
            f"training goals: {row['train_success_before']:6.1%} → {row['train_success']:6.1%}, "
            f"{row['train_return_before']:.0f} → {row['train_return']:.0f}"
        )
        self.log("trials", by_episode(test, "") | by_episode(train, "train_"))
        return self._add_point(row, test.after, "train_success", self.env_steps)

    def _add_point(self, row: dict[str, float], result: EvaluationResult, chosen_by: str, env_steps: int) -> bool:
        rates = {task.task: task.success_rate for task in result.tasks}
        best = max((point[chosen_by] for point in self.curve), default=-1.0)
        self.curve.append({"env_steps": env_steps, **row, "tasks": rates})
        self.log("curve", row | {f"success/{name}": rate for name, rate in rates.items()}, env_steps)
        return row[chosen_by] >= best

    def check_throughput(self, steps_per_s: float, updates_per_s: float) -> None:
        """Refuse what would take longer than a day without a GPU; not what has been quick enough before, and was held up since.

        Raises:
          TooSlowError: it would; says what to do.
        """
        remaining = (self.total_env_steps - self.env_steps) / max(steps_per_s, 1e-9)
        if remaining > DAY_S and jax.default_backend() == "cpu" and not self._allow_slow:
            raise TooSlowError(slow_message(remaining, steps_per_s, updates_per_s))
        self._allow_slow |= updates_per_s > 0.0  # before the first update all are quick


def by_episode(result: AdaptationResult, side: str) -> dict[str, float]:
    """Successes on goals of a side: of each task before adaptation; in each episode of it, with what explores; in each one after it."""
    row = {f"{side}before/{task.task}": task.success_rate for task in result.before.tasks}
    for what, rates in (("while_adapting", result.success_while_adapting), ("once_adapted", result.success_once_adapted)):
        row |= {f"{side}{what}/{number}": rate for number, rate in enumerate(rates, start=1)}
    return row


def mean_return(result: EvaluationResult) -> float:
    """Mean return over tasks."""
    return sum(task.mean_return for task in result.tasks) / len(result.tasks)


def slow_message(remaining_s: float, steps_per_s: float, updates_per_s: float) -> str:
    """What to do where there is no GPU and the run would take days."""
    return (
        f"there is no GPU, and at the measured {steps_per_s:,.0f} environment steps/s and {updates_per_s:,.1f} updates/s the rest of this "
        f"run takes {remaining_s / DAY_S:.1f} days. Use a machine with a GPU (pip install 'jax[cuda12]'), ask for less "
        "(--total-env-steps, --batch-per-task, --width), or go on anyway with --allow-slow; nothing that was saved is lost"
    )
