"""Behaviour level: scripted experts on today's engine."""

import pytest
from conftest import ALL_TASKS

from metaworld_py.agents import ExpertAgent
from metaworld_py.evaluation import evaluate


@pytest.mark.parametrize("task", ALL_TASKS)
def test_the_expert_solves_a_few_instances_and_leaves_them_solved(task):
    result = evaluate(ExpertAgent(), task, seed=11, instances_per_task=6, max_episode_steps=300).tasks[0]
    assert sum(result.successes) >= 5, f"{task}: {result.steps_to_success}"
    assert sum(result.last_step_successes) >= 5, f"{task}: {result.last_step_successes}"


@pytest.mark.slow
@pytest.mark.parametrize("task", ALL_TASKS)
def test_the_expert_solves_nearly_all_instances_and_leaves_them_solved(task):
    result = evaluate(ExpertAgent(), task, seed=12).tasks[0]
    assert result.success_rate >= 0.98, f"{task}: {result.steps_to_success}"
    assert result.last_step_success_rate >= 0.95, f"{task}: {result.last_step_successes}"
    assert result.unstable_episodes == 0


@pytest.mark.parametrize("task", ALL_TASKS)
def test_expert_actions_are_within_bounds(task):
    observation = [0.0, 0.6, 0.2, 1.0, *([0.1, 0.7, 0.02] + [0.0] * 11), *[0.0] * 18, 0.05, 0.85, 0.1]
    from metaworld_py.tasks import TASKS

    action = TASKS[task].expert(observation)
    assert len(action) == 4 and all(-1.0 <= component <= 1.0 for component in action)
