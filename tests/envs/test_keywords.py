"""Keywords at the border: every number and every yes or no is checked by name, wherever it is given."""

import dataclasses
import os

import gymnasium
import numpy as np
import pytest

from metaworld_py import MT1, MetaWorldVectorEnv, Task
from metaworld_py.engine.layout import checked_actions
from metaworld_py.envs import options
from metaworld_py.envs.env import env_class
from metaworld_py.evaluation.intervals import rate
from metaworld_py.instances import task as instances
from metaworld_py.rendering import RenderingError

NOT_YES_OR_NO = ("no", 0, 1, 1.0, np.nan, [], "True")
NOT_WHOLE = (-1, -5, 1.5, np.nan, "7", True, 2.0, [3])
KINDS = (options.EpisodeOptions, options.ObservationOptions, options.RenderOptions, options.SteppingOptions)
NEEDED = {  # by keywords that mean nothing alone
    "obs_points": {"obs_mode": "pixels", "obs_kinds": "point_cloud"},
    "obs_point_colors": {"obs_mode": "pixels", "obs_kinds": "point_cloud", "obs_points": 8},
}
FIELDS = {field.name: (kind, str(field.type)) for kind in KINDS for field in dataclasses.fields(kind)}


def test_every_keyword_that_is_a_number_or_yes_or_no_is_in_the_table():
    for name, (_, kind) in FIELDS.items():
        if kind in ("bool", "bool | None"):
            assert name in options.YES_OR_NO or name == "compiled", name
        if kind in ("int", "int | None") and name != "camera_id":
            assert name in options.LEAST, name


@pytest.mark.parametrize("name", [name for name in options.YES_OR_NO if name in FIELDS] + ["compiled"])
@pytest.mark.parametrize("value", NOT_YES_OR_NO)
def test_yes_or_no_is_true_or_false(name, value):
    with pytest.raises(ValueError, match=f"{name} must be True or False.*got"):
        FIELDS[name][0](**{name: value})
    assert getattr(FIELDS[name][0](**{name: np.bool_(True), **NEEDED.get(name, {})}), name) is True


@pytest.mark.parametrize("name", [name for name in options.LEAST if name in FIELDS])
@pytest.mark.parametrize("value", NOT_WHOLE)
def test_numbers_are_whole_and_not_too_small(name, value):
    with pytest.raises(ValueError, match=f"{name} must be at least"):
        FIELDS[name][0](**{name: value})
    if name not in ("obs_width", "obs_height"):
        assert type(getattr(FIELDS[name][0](**{name: np.int64(3), **NEEDED.get(name, {})}), name)) is int


@pytest.mark.parametrize(
    ("name", "keywords"),
    [
        ("MT10", {"num_goals": -1}),
        ("MT10", {"num_tasks": 1.5}),
        ("MT10", {"use_one_hot": "no"}),
        ("MT10", {"n_threads": -2}),
        ("MT10", {"width": 0}),
        ("ML10-train", {"meta_batch_size": -10}),
        ("ML10-train", {"total_tasks_per_cls": 2.5}),
        ("ML25-test", {"corrected": "no"}),
        ("custom-ml-envs", {"train_envs": ["reach"], "test_envs": ["push"], "allow_overlap": 1}),
        ("MT1", {"env_name": "reach", "num_envs": 2.5}),
        ("goal_hidden", {"env_name": "reach", "num_envs": -2}),
    ],
)
def test_ids_refuse_what_a_keyword_cannot_be(name, keywords):
    with pytest.raises(ValueError, match=f"{[key for key in keywords if 'env' not in key or key == 'num_envs'][-1]} must be"):
        gymnasium.make_vec(f"Meta-World/{name}", seed=1, **keywords)


def test_classes_refuse_them_too():
    with pytest.raises(ValueError, match=r"max_episode_steps must be at least 1 and whole or None, got 2\.5"):
        env_class("reach")(max_episode_steps=2.5)
    with pytest.raises(ValueError, match="use_one_hot must be True or False, got 'no'"):
        MetaWorldVectorEnv([MT1("reach", seed=1).train_tasks], use_one_hot="no")
    with pytest.raises(ValueError, match=r"autoreset_mode must be one of \['NextStep', .* got 'next'"):
        MetaWorldVectorEnv([MT1("reach", seed=1).train_tasks], autoreset_mode="next")
    env = env_class("reach")()
    with pytest.raises(ValueError, match="max_episode_steps must be at least 1"):
        env.max_path_length = np.nan


def test_full_hd_pictures_are_made(opengl):
    env = env_class("reach")(render_mode="rgb_array", width=1920, height=1080)
    env.set_task(MT1("reach", seed=1).train_tasks[0])
    env.reset(seed=0)
    assert env.render().shape == (1080, 1920, 3)


def test_complex_actions_and_words_are_refused():
    for action in (np.zeros(4, complex), np.array(["a"] * 4)):
        with pytest.raises(ValueError, match="action must be real numbers"):
            checked_actions(action, (4,))


@pytest.mark.parametrize("shape", [(4,), (1, 4)])
def test_huge_actions_are_finite_ones(shape):
    huge = np.array([1e308, 1e308, 0.0, 0.0]).reshape(shape)
    assert np.array_equal(checked_actions(huge, shape), huge), "their sum is not"
    for value in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match="action must be finite"):
            checked_actions(np.array([0.0, value, 0.0, 0.0]).reshape(shape), shape)


def test_an_instance_outside_its_box_is_named():
    with pytest.warns(UserWarning, match=r"reach-v3 is made for random vectors from .* observed goals are clipped"):
        env_class("reach")().set_task(Task("reach-v3", (0.0, 0.6, 0.02, 5.0, 0.9, 0.2), False))


def test_a_global_seed_is_answered_once(monkeypatch):
    monkeypatch.setattr(instances, "_told", set())
    state = np.random.get_state()
    try:
        np.random.seed(1)
        before = np.random.get_state()[1].copy()
        with pytest.warns(UserWarning, match=r"pass seed="):
            MT1("reach")
        MT1("reach")  # a second warning would be an error here
        assert np.array_equal(np.random.get_state()[1], before)
    finally:
        np.random.set_state(state)
    MT1("reach", seed=1)


def test_only_a_true_hundred_reads_so():
    assert [rate(share) for share in (1.0, 0.9999, 0.0, 0.0001)] == ["100.0 %", "99.9 %", "0.0 %", "0.1 %"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning", "ignore:.*fork.*:RuntimeWarning")
@pytest.mark.parametrize("is_closed", [False, True], ids=["open", "closed"])
def test_a_fork_after_drawing_says_what_to_do(opengl, is_closed):
    env = env_class("reach")(render_mode="rgb_array", width=32, height=32)
    env.set_task(MT1("reach", seed=1).train_tasks[0])
    env.reset(seed=0)
    env.render()
    if is_closed:
        env.close()
    child = os.fork()
    if child == 0:
        try:
            env.render()
        except RenderingError as error:
            os._exit(0 if "forkserver" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    env.close()


@pytest.mark.parametrize("visible", [True, False])
@pytest.mark.parametrize(
    ("env_id", "keywords"),
    [
        ("MT1", {"env_name": "reach"}),
        ("goal_hidden", {"env_name": "reach"}),
        ("goal_observable", {"env_name": "reach"}),
        ("custom-mt-envs", {"envs_list": ["reach"]}),
        ("custom-ml-envs", {"train_envs": ["reach"], "test_envs": ["push"]}),
        ("ML1-train", {"env_name": "reach"}),
    ],
)
@pytest.mark.parametrize("strategy", ["native", "sync"])
def test_goal_visible_decides_on_every_id_whether_goals_are_shown(env_id, keywords, visible, strategy):
    envs = gymnasium.make_vec(f"Meta-World/{env_id}", seed=1, goal_visible=visible, vector_strategy=strategy, **keywords)
    observations, _ = envs.reset(seed=1)
    assert bool(observations[:, 36:].any()) == visible
    assert observations in envs.observation_space
    envs.close()
    if env_id in ("MT1", "goal_hidden", "goal_observable"):
        env = gymnasium.make(f"Meta-World/{env_id}", seed=1, goal_visible=visible, **keywords)
        assert bool(env.reset(seed=1)[0][36:].any()) == visible
        assert gymnasium.make(env.spec).reset(seed=1)[0][36:].any() == visible
