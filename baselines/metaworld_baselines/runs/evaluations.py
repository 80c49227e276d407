"""Evaluations beside training: in a thread of their own, so that the learner does not wait for them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from metaworld_baselines.runs.rl_run import RlRun
from metaworld_py.evaluation import EvaluationResult, evaluate


def evaluate_all_goals(agent: Any, config: Any, seed: int) -> EvaluationResult:
    """The published protocol: every goal of every task of a configuration once."""
    return evaluate(
        agent,
        config.tasks,
        seed=seed,
        instances_per_task=config.eval_instances,
        max_episode_steps=config.max_episode_steps,
        reward_function_version=config.reward_version,
    )


class Pending(NamedTuple):
    """An evaluation that goes on."""

    env_steps: int  # of the run when it began
    actor: Any
    result: Future[EvaluationResult]


class Evaluations:
    """Evaluates actors, one at a time, and keeps the last and the best of them.

    Nothing that is learned depends on when an evaluation ends, and its numbers only on the actor.

    Args:
      run: where the results go.
      evaluate: from an actor as it stands in files, on the host.
    """

    def __init__(self, run: RlRun, evaluate: Callable[[Any], EvaluationResult]) -> None:
        self._run, self._evaluate = run, evaluate
        self._thread = ThreadPoolExecutor(1)
        self._pending: Pending | None = None

    def begin(self, actor: Any) -> None:
        """Evaluate this actor (which nobody may change), once the evaluation before is done."""
        self.finish()
        self._pending = Pending(self._run.env_steps, actor, self._thread.submit(self._evaluate, actor))

    def keep_what_is_done(self) -> None:
        """Keep the result if there is one by now."""
        if self._pending is not None and self._pending.result.done():
            self.finish()

    def finish(self) -> None:
        """Wait for the evaluation that goes on, and keep its result."""
        if self._pending is None:
            return
        (env_steps, actor, result), self._pending = self._pending, None
        is_best = self._run.evaluated(result.result(), env_steps)
        self._run.keep_actor(actor, is_best=is_best, env_steps=env_steps)

    def settle(self) -> bool:
        """Before the run is saved: whether it owes an evaluation of this very moment. Older ones are waited for."""
        if self._pending is not None and self._pending.env_steps < self._run.env_steps:
            self.finish()
        return self._pending is not None

    def close(self) -> None:
        """Wait for the last one."""
        self.finish()
        self._thread.shutdown()
