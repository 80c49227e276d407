"""Attributes that published code reads and sets, on one environment and on those of native vector environments alike."""

import copy
import json
import pickle

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from metaworld_py import MT1, TASKS, MetaWorldVectorEnv, Task
from metaworld_py.envs.env import MetaWorldEnv, env_class

KINDS = ("one", "threads", "compiled")
GOAL, OBJECT, HAND = (0.05, 0.85, 0.2), (0.02, 0.65, 0.02), (0.2, 0.6, 0.3)


def actions(steps, n_envs, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (steps, n_envs, 4)).astype(np.float32)


class Played:
    """One environment, or the second of two native ones: begun, stepped and copied in the same words."""

    def __init__(self, kind, task="push", **keywords):
        if kind == "compiled":
            pytest.importorskip("numba")
        tasks = MT1(task, seed=1).train_tasks[:2]
        self.kind, self.n_envs = kind, 1 if kind == "one" else 2
        if kind == "one":
            self.outer = env_class(task)(**keywords)
            self.outer.set_task(tasks[1])
        else:
            self.outer = MetaWorldVectorEnv([[one] for one in tasks], compiled=kind == "compiled", autoreset_mode="Disabled", **keywords)
        self.first = self.reset()

    @property
    def env(self):
        return self.outer if self.kind == "one" else self.outer.envs[1]

    def reset(self):
        observation = self.outer.reset()[0]
        return observation if self.kind == "one" else observation[1]

    def step(self, actions):
        step = self.outer.step(actions[0] if self.kind == "one" else actions)
        return step[:4] if self.kind == "one" else tuple(part[1] for part in step[:4])

    def play(self, steps=10, seed=0):
        return np.array([[*step[0], step[1]] for step in map(self.step, actions(steps, 2, seed)[:, 2 - self.n_envs :])])

    def copies(self):
        yield "pickle", pickle.loads(pickle.dumps(self.outer))
        yield "deepcopy", copy.deepcopy(self.outer)
        state = self.outer.get_state()
        other = Played(self.kind, self.env.task_name).outer
        other.set_state(state)
        yield "state", other
        if self.kind != "one":
            other = Played(self.kind, self.env.task_name).outer
            other.load_checkpoint(json.loads(json.dumps(self.outer.get_checkpoint())))
            yield "checkpoint", other

    def assert_copies_go_on_alike(self):
        for how, outer in self.copies():
            twin = copy.copy(self)
            twin.outer = outer
            assert np.array_equal(twin.play(seed=5), copy_of(self).play(seed=5)), how
            assert np.array_equal(twin.reset(), copy_of(self).reset()), how


def copy_of(played):
    twin = copy.copy(played)
    twin.outer = copy.deepcopy(played.outer)
    return twin


@pytest.mark.parametrize("kind", KINDS)
def test_another_goal_counts_for_the_rest_of_the_episode(kind):
    played, plain = Played(kind, "reach"), Played(kind, "reach")
    played.env._target_pos = np.array(GOAL)
    observations, expected = played.play(), plain.play()
    assert observations[0][36:39] == pytest.approx(GOAL) and played.env._target_pos.tolist() == list(GOAL) == played.env.goal.tolist()
    assert np.array_equal(observations[:, :36], expected[:, :36]) and (observations[:, 39] != expected[:, 39]).all()
    played.assert_copies_go_on_alike()
    assert np.array_equal(played.reset(), plain.first)
    for wrong in ((1.0, 2.0), (np.nan, 0.0, 0.0), "far"):
        with pytest.raises(ValueError):
            played.env._target_pos = wrong


@pytest.mark.parametrize("kind", KINDS)
def test_a_hidden_goal_that_is_moved_stays_hidden(kind):
    played = Played(kind)
    played.env._partially_observable = True
    played.env._target_pos = GOAL
    assert not played.play()[:, 36:39].any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", ["push", "bin-picking", "door-open"])  # bin-picking measures a constant after the first step
def test_another_initial_object_position_counts_for_the_rest_of_the_episode(kind, task):
    played, plain = Played(kind, task), Played(kind, task)
    played.play(2), plain.play(2)
    played.env.obj_init_pos = OBJECT
    (ours, theirs) = played.play(), plain.play()
    assert played.env.obj_init_pos.tolist() == list(OBJECT) == played.env.init_config["obj_init_pos"].tolist()
    assert np.array_equal(ours[:, :39], theirs[:, :39])
    if task == "push":
        assert (ours[:, 39] != theirs[:, 39]).all()
    played.assert_copies_go_on_alike()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", ["push", "door-open", "box-close"])
def test_another_place_of_the_hand_counts_from_the_next_reset_on(kind, task):
    played = Played(kind, task)
    played.env.hand_init_pos = HAND
    assert np.array_equal(played.play(3), Played(kind, task).play(3))
    played.assert_copies_go_on_alike()
    moved = played.reset()
    assert moved[:3] == pytest.approx(HAND, abs=0.02) and played.env.hand_init_pos.tolist() == list(HAND)
    played.assert_copies_go_on_alike()
    played.env.hand_init_pos = TASKS[task].hand_start
    assert np.array_equal(played.reset(), played.first)


def test_a_place_of_the_hand_that_was_set_before_the_first_reset_travels():
    env = env_class("push")()
    env.set_task(MT1("push", seed=1).train_tasks[0])
    env.hand_init_pos = HAND
    assert pickle.loads(pickle.dumps(env)).reset()[0][:3] == pytest.approx(HAND, abs=0.02)
    with pytest.raises(AttributeError, match="call reset"):
        env._target_pos = GOAL


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", ["push", "peg-insert-side", "handle-press"])
def test_the_reward_of_the_state_is_that_of_the_step_that_led_to_it(kind, task):
    def now():
        return played.env.compute_reward(np.zeros(4), None)[0]

    played = Played(kind, task)
    first, moves = now(), np.zeros((5, 2, 4), np.float32)
    moves[:, :, 0] = 1.0
    rewards = [played.step(one[2 - played.n_envs :])[1] for one in moves]
    assert now() == pytest.approx(rewards[-1], abs=1e-9) == played.env.evaluate_state(None, np.zeros(4))[0]
    state = played.outer.get_state()
    played.play(15)
    assert now() != pytest.approx(rewards[-1], abs=1e-9)
    played.outer.set_state(state)
    assert now() == pytest.approx(rewards[-1], abs=1e-9)
    played.reset()
    assert now() == pytest.approx(first, abs=1e-9) != pytest.approx(rewards[-1], abs=1e-9)
    played.assert_copies_go_on_alike()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_moved_through_the_data_is_observed_and_paid_at_once(kind):
    played = Played(kind)
    before = played.env.compute_reward(np.zeros(4), None)
    played.env.data.qpos[-7] += 0.1
    assert played.env._get_obs()[4] == pytest.approx(played.first[4] + 0.1, abs=1e-3)
    assert played.env.compute_reward(np.zeros(4), None) != before


@pytest.mark.parametrize("kind", ["one", "native"])
def test_what_an_episode_has_is_refused_before_there_is_one(kind):
    env = env_class("push")() if kind == "one" else MetaWorldVectorEnv([MT1("push", seed=1).train_tasks]).envs[0]
    for name in ("_target_pos", "goal", "obj_init_pos", "init_tcp", "init_config", "_prev_obs"):
        with pytest.raises(ResetNeeded, match=r"call reset\(\) first"):
            getattr(env, name)
    for name in ("_get_obs", "_get_pos_objects"):
        with pytest.raises(ResetNeeded, match=r"call reset\(\) first"):
            getattr(env, name)()


@pytest.mark.parametrize("kind", KINDS)
def test_another_number_of_steps_brings_the_limit_nearer(kind):
    played = Played(kind)
    played.env.curr_path_length = 498
    assert [played.step(one[2 - played.n_envs :])[3] for one in actions(2, 2)] == [False, True] and played.env.curr_path_length == 500
    for wrong in (-1, 2.5, True, None):
        with pytest.raises(ValueError, match="curr_path_length must be"):
            played.env.curr_path_length = wrong


@pytest.mark.parametrize("kind", KINDS[1:])
def test_model_and_data_of_native_environments_follow_and_act(kind):
    played, plain, sync = Played(kind, "door-open"), Played(kind, "door-open"), Played("one", "door-open")
    hand = played.env.data.body("hand")
    assert np.array_equal(played.play(), plain.play()), "looking changes no number"
    sync.play()
    assert hand.xpos == pytest.approx(played.outer.envs[1]._get_obs()[:3], abs=1e-12)
    for env in (played.env, sync.env):
        env.model.body_mass[:] *= 30.0
        env.model.opt.gravity[2] = -3.0
    one, two = played.play(20, seed=1), sync.play(20, seed=1)
    np.testing.assert_allclose(one, two, atol=1e-12)
    assert not np.array_equal(one, plain.play(20, seed=1)) and played.env.model.opt.gravity[2] == -3.0
    played.assert_copies_go_on_alike()
    played.env.data.qvel[:7] = 0.5
    assert not np.array_equal(copy_of(played).play(), plain.play())
    played.reset()
    played.assert_copies_go_on_alike()
    assert played.outer.envs[0].model.opt.gravity[2] == -9.81, "its neighbour is left alone"


@pytest.mark.parametrize("kind", KINDS[1:])
def test_a_state_from_before_a_change_brings_the_old_physics_back(kind):
    played = Played(kind)
    state = played.outer.get_state()
    expected = played.play()
    played.env.model.body_mass[:] *= 30.0
    played.play()
    played.outer.set_state(state)
    assert np.array_equal(played.play(), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_every_published_attribute_can_be_read(kind, opengl):
    env = Played(kind, "pick-place").env
    attributes = """
        tasks goal goal_space init_config init_tcp obj_init_pos hand_init_pos mocap_low mocap_high hand_low hand_high curr_path_length
        max_path_length action_scale seeded_rand_vec TARGET_RADIUS sawyer_observation_space frame_skip dt tcp_center init_qpos init_qvel
        touching_main_object model data mujoco_renderer task_name observation_space action_space reward_function_version np_random
        get_endeff_pos touching_object evaluate_state seed
        _last_rand_vec _set_task_called _partially_observable _freeze_rand_vec _target_pos _prev_obs _random_reset_space"""
    called = """_get_obs _get_curr_obs_combined_no_goal _get_pos_objects _get_quat_objects _get_pos_goal state_vector""".split()  # noqa: SIM905
    for name in attributes.split():
        assert getattr(env, name) is not None
    shapes = {name: np.shape(getattr(env, name)()) for name in called}
    assert list(shapes.values()) == [(39,), (18,), (6,), (8,), (3,), (env.model.nq + env.model.nv,)]
    assert {name: len(one) for name, one in env._get_obs_dict().items()} == {
        "state_observation": 39,
        "state_desired_goal": 3,
        "state_achieved_goal": 33,
    }
    assert env.get_body_com("hand") == pytest.approx(env._get_obs()[:3], abs=1e-3) and not env.touching_object(0)
    assert len(env.compute_reward(np.zeros(4), env._get_obs())) == 7 and env.seed(3) == [3]
    assert env._random_reset_space.contains(np.array(env._last_rand_vec)) and env.mujoco_renderer.render("rgb_array").shape == (480, 480, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_the_renderer_and_the_environment_have_one_camera(kind, opengl):
    env = Played(kind, render_mode="rgb_array", width=48, height=32).env
    renderer = env.mujoco_renderer
    overview = renderer.render()
    renderer.camera_id, renderer.width = 2, 64
    assert env.camera_id == 2 and env.render().shape == (32, 64, 3) == renderer.render("rgb_array").shape
    assert renderer.render("depth_array").shape == (32, 64) and renderer.model is env.model and overview.shape == (32, 48, 3)
    with pytest.raises(ValueError, match="render_mode must be one of"):
        renderer.render("human")
    with pytest.raises(AttributeError, match="MujocoRenderer"):
        renderer._get_viewer("rgb_array")
    with pytest.raises(AttributeError, match="MujocoRenderer"):
        renderer.vopt = 1


@pytest.mark.parametrize("kind", KINDS)
def test_gymnasiums_own_renderer_may_take_its_place(kind, opengl):
    from gymnasium.envs.mujoco.mujoco_rendering import MujocoRenderer

    played = Played(kind, render_mode="rgb_array")
    env = played.env
    env.mujoco_renderer = own = MujocoRenderer(env.model, env.data, width=40, height=30, camera_id=1)
    try:
        first = env.render()
        played.play(40)
        assert env.mujoco_renderer is own and first.shape == (30, 40, 3) and (env.render() != first).any()
    finally:
        own.close()
    env.mujoco_renderer = None
    assert env.render().shape == (480, 480, 3)
    with pytest.raises(ValueError, match="must have a method render"):
        env.mujoco_renderer = "egl"


# Nothing that can be assigned is without effect


VALUES = {"render_mode": "rgb_array", "camera_name": "corner", "camera_id": 1, "height": 20, "width": 20, "render_quality": "fast"}
VALUES |= {"show_goal": False, "max_episode_steps": 3, "max_path_length": 3, "terminate_on_success": True, "copy": False}
MADE_WITH = {"reward_function_version": "v1", "action_repeat": 2, "reward_mode": "sparse"}


@pytest.mark.parametrize("cls", [MetaWorldEnv, MetaWorldVectorEnv])
def test_every_keyword_is_an_attribute_that_takes_effect_or_is_refused(cls):
    import dataclasses

    from metaworld_py.envs.options import EpisodeOptions, Option, RenderOptions

    for kind in (EpisodeOptions, RenderOptions):
        for field in dataclasses.fields(kind):
            name = "max_path_length" if cls is MetaWorldEnv and field.name == "max_episode_steps" else field.name
            assert isinstance(vars(cls)[name], Option), name
    played = Played("one" if cls is MetaWorldEnv else "threads")
    for name, value in VALUES.items():
        if isinstance(vars(cls).get(name), Option):
            setattr(played.outer, name, value)
            kept = {**vars(played.outer.episode_options), **vars(played.outer.render_options)}
            assert kept["max_episode_steps" if name == "max_path_length" else name] == value
    for name, value in MADE_WITH.items():
        if cls is MetaWorldVectorEnv or name != "reward_function_version":
            with pytest.raises(ValueError, match=r"make another one|are wrappers"):
                setattr(played.outer, name, value)


@pytest.mark.parametrize("name", ["task_names", "tasks", "envs_of_nothing"])
def test_facts_of_vector_environments_cannot_be_assigned(name):
    envs = Played("threads").outer
    if name == "envs_of_nothing":
        with pytest.raises(AttributeError, match="cannot be set"):
            envs.set_attr(name, 1)
    else:
        with pytest.raises(AttributeError):
            setattr(envs, name, [])


def test_another_way_to_start_anew_takes_effect_at_once():
    envs = gymnasium.make_vec("Meta-World/MT1", env_name="reach", num_envs=2, seed=1, max_episode_steps=2, float32_observations=True)
    envs.reset(seed=0)
    envs.autoreset_mode = "Disabled"
    assert envs.metadata["autoreset_mode"].value == "Disabled" == envs.unwrapped.autoreset_mode.value == envs.autoreset_mode.value
    steps = [envs.step(one) for one in actions(2, 2)]
    assert steps[-1][3].all() and "final_obs" not in steps[-1][4]
    with pytest.raises(ValueError, match="n_threads and compiled"):
        envs.unwrapped.stepping_options = type(envs.unwrapped.stepping_options)(n_threads=2)


def test_layers_hand_through_what_they_wrap():
    envs = gymnasium.make_vec("Meta-World/MT1", env_name="reach", num_envs=2, seed=1, normalize_observations=True, frame_stack=2)
    envs.reset(seed=0)
    assert len(envs.envs) == 2 == len(envs.tasks) and envs.task_names == ["reach"] * 2
    envs.max_episode_steps = 1
    assert envs.unwrapped.max_episode_steps == 1 and envs.step(actions(1, 2)[0])[3].all()
    with pytest.raises(AttributeError):
        envs.nonsense  # noqa: B018
    twin = pickle.loads(pickle.dumps(envs))
    assert np.array_equal(twin.step(actions(1, 2)[0])[0], envs.step(actions(1, 2)[0])[0])


# Goals shown and hidden


LAYERS = ({}, {"include_previous_frame": False, "recurrent_info_in_obs": True}, {"frame_stack": 2}, {"float32_observations": True})


@pytest.mark.parametrize("keywords", [*LAYERS, {"use_one_hot": True}])
@pytest.mark.parametrize("kind", ["make", "native"])
def test_spaces_of_all_layers_follow_a_goal_that_is_hidden_or_shown(kind, keywords):
    made = {"env_name": "push", "seed": 1, **keywords}
    if kind == "make":
        env = gymnasium.make("Meta-World/MT1", disable_env_checker=True, **made)
        env.reset(seed=0)
        hide = lambda is_hidden: setattr(env.unwrapped, "_partially_observable", is_hidden)  # noqa: E731
    else:
        env = gymnasium.make_vec("Meta-World/MT1", num_envs=2, **made)
        env.reset(seed=0)
        hide = lambda is_hidden: env.set_attr("_partially_observable", is_hidden)  # noqa: E731
    shown = env.observation_space
    for is_hidden in (True, False):
        hide(is_hidden)
        observation = env.reset()[0]
        assert env.observation_space.contains(observation) and (env.observation_space != shown) == is_hidden
        assert env.observation_space.contains(env.step(env.action_space.sample())[0])


def test_an_instance_far_outside_warns_wherever_it_is_given():
    far = Task("push-v3", (0.0, 0.6, 0.02, 5.0, 0.9, 0.2), False)
    for kind in ("one", "threads"):
        played = Played(kind)
        options = {"task": far} if kind == "one" else {"tasks": [far, far]}
        with pytest.warns(UserWarning, match="is made for random vectors from"):
            played.outer.reset(options=options)
