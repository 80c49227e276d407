"""What learners from demonstrations share: the loop over gradient steps, without environments."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import jax

from metaworld_baselines.runs.rl_run import RlRun


def learn_from_demonstrations(
    config: Any,
    run: RlRun,
    agent: Any,
    learn: Callable[[Any, int], tuple[Any, dict[str, Any]]],
    evaluate: Callable[[Any], None],
    state: str = "",
) -> Any:
    """Learn until the budget is spent.

    Args:
      config: of the run, with `updates_per_iteration`, `env_steps_per_iteration` (drawn from the demonstrations),
        `eval_every_env_steps` and `save_every_env_steps`.
      run: where numbers and files go.
      agent: what learns.
      learn: from it and the number of an iteration to it after that iteration's gradient steps, and mean metrics.
      evaluate: keeps an evaluation of its policy.
      state: of the demonstrations, kept with each save.

    Raises:
      TooSlowError: see `RlRun.check_throughput`.
      FloatingPointError: the run has diverged.
    """
    if run.owes_evaluation:  # stopped while it was evaluated
        evaluate(agent.policy)
        run.save_all(agent, state)
    samples_per_update, is_warm = config.env_steps_per_iteration / config.updates_per_iteration, False
    while run.goes_on():
        began = time.perf_counter()
        agent, metrics = jax.block_until_ready(learn(agent, run.env_steps // config.env_steps_per_iteration))
        run.advance(config.env_steps_per_iteration)
        updates_per_s = config.updates_per_iteration / (time.perf_counter() - began)
        rates = {"steps_per_s": updates_per_s * samples_per_update, "updates_per_s": updates_per_s}
        metrics = {name: float(value) for name, value in metrics.items()}
        run.log("progress", rates | metrics)
        if wrong := [name for name, value in metrics.items() if not math.isfinite(value)]:
            raise FloatingPointError(
                f"{run.folder}: {', '.join(wrong)} not finite after {run.env_steps:,} steps: the run has diverged; what was saved stands; "
                "try a smaller --learning-rate"
            )
        if is_warm:  # the first iteration compiles
            run.check_throughput(rates["steps_per_s"], updates_per_s)
        is_warm = True
        is_evaluated, is_saved = run.is_due(config.eval_every_env_steps), run.is_save_due(config.save_every_env_steps)
        if is_saved:  # first, so that an interrupt costs the evaluation and nothing that was learned
            run.save_all(agent, state, owes_evaluation=is_evaluated)
        if is_evaluated:
            evaluate(agent.policy)
        if is_evaluated and is_saved:
            run.save_all(agent, state)
    return agent
