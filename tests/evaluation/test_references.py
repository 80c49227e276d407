"""Reference returns, scores between them, and the worst tasks of a set."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ALL_TASKS

from metaworld_py.evaluation import EvaluationResult, TaskResult, normalized_score, reference_returns
from metaworld_py.evaluation.references import read_references, reference_settings
from metaworld_py.tasks.common.definition import HORIZON

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "fidelity"))
from make_reference_returns import references


def result(returns, *, successes=None, **changes):
    tasks = tuple(
        TaskResult(task, (successes[task],) if successes else (True,), (True,), (1,), (value,)) for task, value in returns.items()
    )
    settings = {"seed": 0, "episodes_per_instance": 1, "max_episode_steps": HORIZON, "reward_function_version": "v2", "versions": {}}
    return EvaluationResult(agent="x", benchmark="MT50", tasks=tasks, **{**settings, **changes})


@pytest.mark.parametrize("task", ALL_TASKS)
def test_every_task_has_references_and_the_expert_s_is_far_above_the_random_one(task):
    low, high = reference_returns(task)
    assert 0.0 <= 2.0 * low < high <= 10.0 * HORIZON


def test_scores_are_0_for_random_100_for_the_expert_and_go_on_beyond():
    low, high = reference_returns("push")
    assert [normalized_score("push", value) for value in (low, high, 2 * high - low)] == pytest.approx([0.0, 100.0, 200.0])
    assert normalized_score("push-v3", low) == 0.0


def test_results_score_only_what_the_references_are_of():
    low, high = reference_returns("push")
    scored = result({"push": (low + high) / 2, "reach": reference_returns("reach").expert})
    assert [scored.score(task) for task in scored.tasks] == pytest.approx([50.0, 100.0])
    assert scored.mean_score == pytest.approx(75.0) and " 75.0 " in str(scored)
    for changes in ({"max_episode_steps": 200}, {"reward_function_version": "v1"}):
        other = replace(scored, **changes)
        assert other.score(other.tasks[0]) is None and other.mean_score is None


def test_the_file_says_what_its_numbers_belong_to():
    settings = reference_settings()
    assert settings["max_episode_steps"] == HORIZON and settings["reward_function_version"] == "v2" and settings["versions"]["mujoco"]


def test_references_are_made_of_two_evaluations_that_belong_together(tmp_path):
    random, expert = result(dict.fromkeys(ALL_TASKS, 10.0)), result(dict.fromkeys(ALL_TASKS, 4000.0))
    content = references(random, expert)
    assert content["returns"]["push"] == {"random": 10.0, "expert": 4000.0} and len(content["returns"]) == 50
    (tmp_path / "made.json").write_text(json.dumps(content))
    assert read_references(tmp_path / "made.json") == content
    for other, message in (
        (replace(expert, seed=1), "seed differ"),
        (replace(expert, tasks=expert.tasks[:3]), "tasks differ"),
    ):
        with pytest.raises(ValueError, match=message):
            references(random, other)
    with pytest.raises(ValueError, match="500 steps"):
        references(*(replace(one, max_episode_steps=100) for one in (random, expert)))


def test_damaged_references_are_refused_by_name(tmp_path):
    (tmp_path / "odd.json").write_text('{"schema": "other", "returns": {}}')
    with pytest.raises(ValueError, match=r"odd\.json"):
        read_references(tmp_path / "odd.json")


def test_tables_name_the_worst_tasks_of_larger_sets():
    successes = {task: index >= 3 for index, task in enumerate(ALL_TASKS[:12])}
    returns = {task: 100.0 - index for index, task in enumerate(successes)}
    table = result(returns, successes=successes)
    worst = [task.task for task in table.worst_tasks()]
    assert worst[:3] == [ALL_TASKS[2], ALL_TASKS[1], ALL_TASKS[0]], "failed ones first, the least return before others"
    assert table.worst_success_rate() == pytest.approx(2 / 5)
    assert f"mean over the 5 worst           40.0%  {ALL_TASKS[2]} 0.0%" in str(table)
    assert "worst" not in str(result(dict.fromkeys(ALL_TASKS[:9], 1.0)))
