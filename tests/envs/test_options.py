"""Keywords are fields of a value: ids, environment classes and pickles take a new one without being told of it."""

import dataclasses
import pickle

import gymnasium
import pytest

from metaworld_py import MT1, MetaWorldVectorEnv
from metaworld_py.envs.env import env_class
from metaworld_py.envs.options import (
    REWARD_MODES,
    EpisodeOptions,
    ObservationOptions,
    Options,
    RenderOptions,
    SteppingOptions,
    read_keywords,
)

CHANGED = {  # another value than the default for every keyword of environments
    "reward_function_version": "v1",
    "max_episode_steps": 7,
    "terminate_on_success": True,
    "action_repeat": 2,
    "reward_mode": "sparse",
    "render_mode": "rgb_array",
    "camera_name": "corner2",
    "camera_id": 3,
    "width": 64,
    "height": 48,
    "render_quality": "fast",
    "show_goal": False,
    "copy": False,
    "compiled": False,
    "n_threads": 1,
}
OF_ENVIRONMENTS = (EpisodeOptions, RenderOptions, SteppingOptions)
OF_ONE = {field.name for kind in (EpisodeOptions, RenderOptions) for field in dataclasses.fields(kind)} - {"action_repeat", "reward_mode"}


def test_every_keyword_is_tried():
    assert set(CHANGED) == {field.name for kind in OF_ENVIRONMENTS for field in dataclasses.fields(kind)}


def kept(env, kinds):
    return {name: value for kind in kinds for name, value in vars(getattr(env, kind)).items()}


@pytest.mark.parametrize("name", CHANGED)
def test_the_vector_environment_keeps_and_pickles_a_keyword(name):
    envs = MetaWorldVectorEnv([MT1("reach", seed=1).train_tasks], **{name: CHANGED[name]})
    for one in (envs, pickle.loads(pickle.dumps(envs))):
        assert kept(one, ("episode_options", "render_options", "stepping_options"))[name] == CHANGED[name]


@pytest.mark.parametrize("name", sorted(OF_ONE))
def test_one_environment_keeps_and_pickles_a_keyword(name):
    env = env_class("reach")(**{name: CHANGED[name]})
    for one in (env, pickle.loads(pickle.dumps(env))):
        assert kept(one, ("episode_options", "render_options"))[name] == CHANGED[name]


@pytest.mark.parametrize("name", CHANGED)
def test_ids_hand_a_keyword_on(name):
    envs = gymnasium.make_vec("Meta-World/MT10", seed=1, **{name: CHANGED[name]}).unwrapped
    assert kept(envs, ("episode_options", "render_options", "stepping_options"))[name] == CHANGED[name]


def test_no_keyword_stands_in_two_records():
    names = [field.name for kind in (*OF_ENVIRONMENTS, ObservationOptions) for field in dataclasses.fields(kind)]
    assert len(names) == len(set(names))
    assert [field.name for field in dataclasses.fields(Options)] == ["episode", "observation", "rendering", "stepping"]


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"action_repeat": 0}, "action_repeat must be at least 1"),
        ({"max_episode_steps": 0}, "max_episode_steps must be at least 1"),
        ({"reward_mode": "spars"}, r"reward_mode must be one of \('dense', 'sparse', 'success-1'\)"),
        ({"camera_name": "front", "camera_id": 1}, "not both"),
        ({"render_quality": "best"}, "render_quality must be one of"),
    ],
)
def test_values_that_are_not_allowed_are_refused_when_the_value_is_made(keywords, message):
    with pytest.raises(ValueError, match=message):
        read_keywords(keywords, *OF_ENVIRONMENTS)


def test_wrappers_keywords_of_one_environment_say_where_they_belong():
    with pytest.raises(ValueError, match=r"wrappers: gymnasium.make\(\.\.\.\) puts them on"):
        env_class("reach")(action_repeat=2)


def test_several_environments_need_a_time_limit():
    with pytest.raises(ValueError, match="must be a number"):
        MetaWorldVectorEnv([MT1("reach", seed=1).train_tasks], max_episode_steps=None)


def test_setting_an_attribute_puts_another_value_in_place_of_the_options():
    env = env_class("reach")()
    before = env.episode_options
    env.max_path_length = 9
    assert (before.max_episode_steps, env.episode_options.max_episode_steps) == (500, 9)
    with pytest.raises(ValueError, match="at least 1"):
        env.max_path_length = 0


def test_reward_modes_are_one_table():
    assert [mode(3.0, success) for mode in REWARD_MODES.values() for success in (0.0, 1.0)] == [3.0, 3.0, 0.0, 1.0, -1.0, 0.0]
