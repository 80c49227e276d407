"""Published tables of environment classes, and older names."""

import warnings

import numpy as np
import pytest

from metaworld_py import (
    ALL_V3_ENVIRONMENTS,
    ALL_V3_ENVIRONMENTS_GOAL_HIDDEN,
    ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE,
    MT1,
    find_task,
)
from metaworld_py.instances import task_sets
from metaworld_py.tasks import TASKS


def test_there_are_fifty_tasks_and_every_set_is_made_of_them():
    assert len(ALL_V3_ENVIRONMENTS) == len(TASKS) == 50
    assert set(task_sets.MT50) == set(TASKS)
    for names in task_sets.TASK_SETS.values():
        assert set(names) <= set(TASKS) and len(set(names)) == len(names)


def test_classes_play_instances():
    env = ALL_V3_ENVIRONMENTS["assembly-v3"]()
    env.set_task(MT1("assembly", 1).train_tasks[0])
    assert env.reset()[0].shape == (39,)


@pytest.mark.parametrize(
    ("table", "suffix", "is_hidden"),
    [(ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE, "goal-observable", False), (ALL_V3_ENVIRONMENTS_GOAL_HIDDEN, "goal-hidden", True)],
)
def test_goal_tables_draw_fresh_instances_by_seed(table, suffix, is_hidden):
    assert len(table) == 50 and f"door-open-v3-{suffix}" in list(table)
    one, two = table[f"door-open-v3-{suffix}"](seed=5), table["door-open"](seed=5, render_mode=None)
    for _ in range(2):
        first, second = one.reset()[0], two.reset()[0]
        assert np.array_equal(first, second) and first[36:].any() != is_hidden
    assert one.task == two.task


def test_older_versions_are_aliases_with_a_message():
    with pytest.warns(UserWarning, match="door-open-v2 plays door-open-v3"):
        assert find_task("door-open-v2") is TASKS["door-open"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        find_task("door-open-v3"), find_task("door-open")
