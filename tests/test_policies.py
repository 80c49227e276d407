"""Published names of the scripted experts."""

import pickle

import numpy as np
import pytest
from conftest import ALL_TASKS

from metaworld_py import MT1, policies
from metaworld_py.engine.episode import Episode
from metaworld_py.envs.env import env_class
from metaworld_py.instances import draw_instances
from metaworld_py.policies import ENV_POLICY_MAP, policy_name
from metaworld_py.tasks import TASKS

# Class names as users of the published package import them, by task: the irregular one, and those that a naive rule gets wrong.
PUBLISHED_NAMES = {
    "reach": "SawyerReachV3Policy",
    "door-open": "SawyerDoorOpenV3Policy",
    "peg-insert-side": "SawyerPegInsertionSideV3Policy",
    "peg-unplug-side": "SawyerPegUnplugSideV3Policy",
    "pick-out-of-hole": "SawyerPickOutOfHoleV3Policy",
    "sweep-into": "SawyerSweepIntoV3Policy",
    "button-press-topdown-wall": "SawyerButtonPressTopdownWallV3Policy",
    "plate-slide-back-side": "SawyerPlateSlideBackSideV3Policy",
}


def first_observation(task, *, is_goal_hidden=False):
    episode = Episode(TASKS[task])
    (instance,) = draw_instances([task], 5, partially_observable=False, per_task=1)
    episode.reset(instance.rand_vec, hide_goal=is_goal_hidden)
    return episode.observation


@pytest.mark.parametrize(("task", "name"), PUBLISHED_NAMES.items())
def test_classes_have_their_published_names(task, name):
    assert getattr(policies, name) is ENV_POLICY_MAP[f"{task}-v3"]
    assert policy_name(task) == name


def test_the_map_lists_each_task_once_under_its_published_name():
    assert list(ENV_POLICY_MAP) == [f"{task}-v3" for task in ALL_TASKS]
    assert len(ENV_POLICY_MAP) == len(set(ENV_POLICY_MAP.values())) == len(ALL_TASKS)


def test_the_map_also_finds_names_without_version():
    assert "door-open" in ENV_POLICY_MAP
    assert ENV_POLICY_MAP["door-open"] is ENV_POLICY_MAP["door-open-v3"]


def test_a_misspelt_task_names_the_nearest():
    assert ENV_POLICY_MAP.get("door-opn-v3") is None
    with pytest.raises(KeyError, match="door-open"):
        ENV_POLICY_MAP["door-opn-v3"]


def test_a_star_import_brings_the_classes():
    assert set(PUBLISHED_NAMES.values()) <= set(policies.__all__)
    assert all(hasattr(policies, name) for name in policies.__all__)


@pytest.mark.parametrize("task", ALL_TASKS)
def test_actions_are_the_expert_s_as_float32(task):
    observation = first_observation(task)
    action = ENV_POLICY_MAP[task]().get_action(observation)
    assert action.dtype == np.float32
    np.testing.assert_array_equal(action, np.float32(TASKS[task].expert(observation.tolist())))


@pytest.mark.parametrize("shape", [(38,), (49,), (1, 39), ()])
def test_an_observation_of_another_shape_is_refused_with_both_shapes(shape):
    with pytest.raises(ValueError, match=r"\(39,\), got \(" + ", ".join(map(str, shape))):
        policies.SawyerReachV3Policy().get_action(np.zeros(shape))


def test_an_expert_that_reads_the_goal_plays_for_the_middle_of_the_box_and_says_so_once(monkeypatch):
    monkeypatch.setattr(policies._HiddenGoal, "warned", set())
    hidden, policy = first_observation("reach", is_goal_hidden=True), policies.SawyerReachV3Policy()
    with pytest.warns(UserWarning, match="expert of reach reads the goal"):
        action = policy.get_action(hidden)
    middle = hidden.copy()
    middle[36:] = np.mean([TASKS["reach"].goal_low, TASKS["reach"].goal_high], axis=0)
    np.testing.assert_array_equal(action, policy.get_action(hidden))
    np.testing.assert_array_equal(action, policy.get_action(middle))


def test_an_expert_that_needs_no_goal_plays_with_a_hidden_one():
    policy = policies.SawyerDrawerCloseV3Policy()
    hidden, visible = (first_observation("drawer-close", is_goal_hidden=is_hidden) for is_hidden in (True, False))
    assert not hidden[36:].any() and visible[36:].any()
    np.testing.assert_array_equal(policy.get_action(hidden), policy.get_action(visible))


def test_only_indices_and_slices_that_touch_the_goal_count_as_reading_it(monkeypatch):
    hidden = policies._HiddenGoal(range(39), TASKS["hammer"])
    assert hidden[7:11] == [7, 8, 9, 10]
    for index in (36, -1, slice(30, 37), slice(36, 39), slice(None)):
        monkeypatch.setattr(policies._HiddenGoal, "warned", set())
        with pytest.warns(UserWarning, match="hammer"):
            hidden[index]


@pytest.mark.parametrize("task", ALL_TASKS)
def test_no_visible_goal_looks_like_a_hidden_one(task):
    assert first_observation(task)[36:].any()


def test_a_policy_solves_its_task_in_the_environment():
    env = env_class("reach")()
    env.set_task(MT1("reach", 1).train_tasks[0])
    observation, _ = env.reset()
    policy = policies.SawyerReachV3Policy()
    for _ in range(60):
        observation, _, _, _, info = env.step(policy.get_action(observation))
    assert info["success"]


def test_policies_can_be_pickled():
    copy = pickle.loads(pickle.dumps(policies.SawyerDoorOpenV3Policy()))
    assert type(copy) is policies.SawyerDoorOpenV3Policy
