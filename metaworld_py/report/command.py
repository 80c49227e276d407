"""The command that repeats an evaluation."""

from __future__ import annotations

import shlex

from metaworld_py.agents.built_in import BUILT_IN
from metaworld_py.agents.cards import known_card
from metaworld_py.evaluation.results import EvaluationResult
from metaworld_py.instances.task_sets import TASK_SETS
from metaworld_py.tasks.common.definition import HORIZON


def shell_command(result: EvaluationResult) -> str | None:
    """The command line that repeats an evaluation; None if its agent has no name there, or if that cannot play as many instances."""
    card = known_card(result.agent)
    is_loadable = result.agent in BUILT_IN or ":" in result.agent or (card is not None and not card.adapts)
    episodes = result.instances_per_task * result.episodes_per_instance
    if not is_loadable or (result.episodes_per_instance > 1 and result.instances_per_task != 50) or result.instances_per_task > 50:
        return None
    words = ["metaworld-py", "evaluate", *_benchmark(result), "--agent", result.agent]
    words += ["--seed", str(result.seed), "--episodes", str(episodes)]
    if result.max_episode_steps != HORIZON:
        words += ["--max-episode-steps", str(result.max_episode_steps)]
    if result.reward_function_version != "v2":
        words += ["--reward-function-version", result.reward_function_version]
    if result.use_one_hot:
        words.append("--use-one-hot")
    return shlex.join(words)


def python_call(result: EvaluationResult) -> str:
    """The call that repeats an evaluation, with the agent's name in place of the agent."""
    names = _benchmark(result)
    arguments = [f"{result.agent}()", repr(names[0] if len(names) == 1 else names)]
    for name in ("seed", "instances_per_task", "episodes_per_instance", "max_episode_steps", "reward_function_version", "use_one_hot"):
        arguments.append(f"{name}={getattr(result, name)!r}")
    return (
        "from metaworld_py.evaluation.per_instance import evaluate\n\nevaluate(\n"
        + "".join(f"    {argument},\n" for argument in arguments)
        + ")"
    )


def _benchmark(result: EvaluationResult) -> list[str]:
    return [result.benchmark] if result.benchmark in TASK_SETS else [task.task for task in result.tasks]
