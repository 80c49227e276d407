"""The command that repeats an evaluation."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import Any

from metaworld_py.agents.built_in import BUILT_IN
from metaworld_py.agents.cards import known_card
from metaworld_py.evaluation.results import EvaluationResult
from metaworld_py.instances.task import INSTANCES_PER_TASK
from metaworld_py.instances.task_sets import TASK_SETS
from metaworld_py.tasks.common.definition import HORIZON

_ONLY_IN_PYTHON = {"adaptation_steps": 1, "first_draw": 0, "is_sampled": False, "held_out": True}  # and what the command line does


def shell_command(result: EvaluationResult) -> str | None:
    """The command line that repeats an evaluation; None if its agent has no name there, or if that cannot play the same."""
    is_loadable = result.agent in BUILT_IN or ":" in result.agent or known_card(result.agent) is not None
    counts = _counts(result)
    if not is_loadable or counts is None:
        return None
    words = ["metaworld-py", "evaluate", *_benchmark(result), "--agent", result.agent, "--seed", str(result.seed), *counts]
    if result.max_episode_steps != HORIZON:
        words += ["--max-episode-steps", str(result.max_episode_steps)]
    if result.reward_function_version != "v2":
        words += ["--reward-function-version", result.reward_function_version]
    if result.use_one_hot:
        words.append("--use-one-hot")
    return shlex.join(words)


def python_call(result: EvaluationResult) -> str:
    """The call that repeats an evaluation, with the agent's name in place of the agent where it may be that of a class."""
    names, has_class = _benchmark(result), result.agent.isidentifier() and result.agent not in BUILT_IN
    arguments = [f"{result.agent}()" if has_class else "agent", repr(names[0] if len(names) == 1 else names)]
    module, function = ("adaptation", "evaluate_adaptation") if _adapts(result) else ("per_instance", "evaluate")
    arguments += [f"{name}={value!r}" for name, value in _keywords(result).items()]
    unknown = "    # and how it adapted, which the saved result does not say\n" * (_adapts(result) and result.adaptation is None)
    return (
        f"from metaworld_py.evaluation.{module} import {function}\n\n{function}(\n"
        + "".join(f"    {argument},\n" for argument in arguments)
        + f"{unknown})"
    )


def _adapts(result: EvaluationResult) -> bool:
    """Whether a meta-learner was evaluated: by what the result says, or in files of older versions by the agent's card."""
    card = known_card(result.agent)
    return result.adaptation is not None or (card is not None and card.adapts)


def _counts(result: EvaluationResult) -> list[str] | None:
    """How much was played, as options; None where there are none for it."""
    goals, rounds, adaptation = result.instances_per_task, result.episodes_per_instance, result.adaptation
    if goals > INSTANCES_PER_TASK:
        return None
    if adaptation is None:
        is_known = not _adapts(result) and (rounds == 1 or goals == INSTANCES_PER_TASK)
        return ["--episodes", str(goals * rounds)] if is_known else None
    if any(getattr(adaptation, name) != value for name, value in _ONLY_IN_PYTHON.items()):
        return None
    counts = {
        "--episodes": goals,
        "--adaptation-episodes": adaptation.adaptation_episodes,
        "--adaptation-draws": adaptation.draws,
        "--evaluation-episodes": adaptation.evaluation_episodes,
    }
    return [word for name, count in counts.items() for word in (name, str(count))]


def _keywords(result: EvaluationResult) -> dict[str, Any]:
    """Keywords of the call."""
    names = ["seed", "instances_per_task", "max_episode_steps", "reward_function_version"]
    if not _adapts(result):
        names += ["episodes_per_instance", "use_one_hot"]
    adapted = {} if result.adaptation is None else asdict(result.adaptation)
    return {name: getattr(result, name) for name in names} | adapted


def _benchmark(result: EvaluationResult) -> list[str]:
    return [result.benchmark] if result.benchmark in TASK_SETS else [task.task for task in result.tasks]
