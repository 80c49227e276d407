"""The table of tasks' metadata."""

import dataclasses

import pytest
from conftest import ALL_TASKS

from metaworld_py.instances.catalogue import SKILLS, TASK_METADATA, task_table
from metaworld_py.instances.task_sets import TASK_SETS
from metaworld_py.tasks import TASKS


def names(**filters):
    return [task.name for task in task_table(**filters)]


def test_the_whole_table_has_each_task_once_in_the_order_of_tasks():
    assert names() == ALL_TASKS == list(TASK_METADATA)


@pytest.mark.parametrize("task", ALL_TASKS)
def test_a_second_object_is_named_exactly_where_one_is_observed(task):
    has_second = "obj2_pos" in TASKS[task].signals._fields
    assert len(TASK_METADATA[task].objects) == (2 if has_second else 1)


@pytest.mark.parametrize("task", ALL_TASKS)
def test_skills_come_from_the_vocabulary_without_repetition(task):
    skills = TASK_METADATA[task].skills
    assert skills and len(set(skills)) == len(skills) and set(skills) <= set(SKILLS)


def test_every_skill_of_the_vocabulary_is_some_task_s():
    assert {skill for task in task_table() for skill in task.skills} == set(SKILLS)


def test_exactly_the_wall_tasks_avoid_something():
    assert names(skill="avoid") == [task for task in ALL_TASKS if task.endswith("-wall")]


@pytest.mark.parametrize("task_set", TASK_SETS)
def test_filtering_by_task_set_gives_its_members(task_set):
    assert sorted(names(task_set=task_set)) == sorted(TASK_SETS[task_set])


def test_filters_combine():
    assert names(skill="grasp", task_set="MT10") == ["pick-place", "peg-insert-side"]
    assert names(family="door", skill="turn", task_set="ML45-test") == ["door-lock", "door-unlock"]
    assert names(family="door", skill="insert") == []


def test_objects_are_found_as_first_and_as_second():
    assert names(observed_object="hammer") == names(observed_object="nail") == ["hammer"]


def test_instructions_are_the_tasks_own():
    assert TASK_METADATA["drawer-open"].instruction == "Open the drawer."


@pytest.mark.parametrize(("filters", "known"), [({"skill": "grab"}, "grasp"), ({"task_set": "ML10"}, "ML10-train")])
def test_an_unknown_value_names_those_there_are(filters, known):
    with pytest.raises(ValueError, match=known):
        task_table(**filters)


def test_difficulty_groups_have_their_published_sizes():
    sizes = {difficulty: len(names(difficulty=difficulty)) for difficulty in ("easy", "medium", "hard", "very_hard")}
    assert sizes == {"easy": 28, "medium": 11, "hard": 6, "very_hard": 5}


def test_difficulty_filters_with_the_others():
    assert names(difficulty="hard", task_set="MT10") == ["push", "pick-place"]


def test_rows_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TASK_METADATA["reach"].family = "push"
