"""Write `metaworld_py/evaluation/reference_returns.json` from two saved evaluations of all tasks, the random agent's and the expert's.

metaworld-py evaluate MT50 --agent random --episodes 50 --save random.json
metaworld-py evaluate MT50 --agent expert --episodes 50 --save expert.json
python tools/fidelity/make_reference_returns.py random.json expert.json
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from metaworld_py.evaluation import EvaluationResult
from metaworld_py.evaluation.references import REFERENCES_FILE, SCHEMA
from metaworld_py.files import write_json
from metaworld_py.tasks import TASKS
from metaworld_py.tasks.common.definition import HORIZON

_SAME = ("benchmark", "seed", "instances_per_task", "max_episode_steps", "reward_function_version")


def references(random: EvaluationResult, expert: EvaluationResult) -> dict[str, Any]:
    """What the file says.

    Raises:
      ValueError: two evaluations that do not belong together, or not of all tasks, 500 steps and reward version 2.
    """
    differing = [name for name in _SAME if getattr(random, name) != getattr(expert, name)]
    if differing or {task.task for task in expert.tasks} != set(TASKS):
        raise ValueError(f"give two evaluations of MT50 that differ in the agent alone; {', '.join(differing) or 'tasks'} differ")
    if (expert.max_episode_steps, expert.reward_function_version) != (HORIZON, "v2"):
        raise ValueError(f"references are of {HORIZON} steps and reward v2")
    returns = {
        low.task: {"random": round(low.mean_return, 2), "expert": round(high.mean_return, 2)}
        for low, high in zip(random.tasks, expert.tasks, strict=True)
    }
    return {"schema": SCHEMA, **{name: getattr(expert, name) for name in _SAME}, "versions": expert.versions, "returns": returns}


if __name__ == "__main__":
    write_json(REFERENCES_FILE, references(*(EvaluationResult.load(path) for path in sys.argv[1:])))
    print(f"wrote {REFERENCES_FILE}")
