"""Copies, pickles and states of environments: the same future to the last bit."""

import copy
import pickle

import gymnasium
import numpy as np
import pytest
from conftest import ALL_TASKS

from metaworld_py import MT1, MetaWorldVectorEnv
from metaworld_py.envs.env import env_class

DUPLICATES = [copy.deepcopy, copy.copy, lambda env: pickle.loads(pickle.dumps(env))]


def actions(steps, shape=(4,), seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (steps, *shape)).astype(np.float32)


def play(env, moves):
    steps = [env.step(action) for action in moves]
    resets = [env.reset()[0] for _ in range(3)]
    return np.array([step[0] for step in steps]), np.array([step[1] for step in steps]), np.array(resets)


def assert_same(one, two):
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a, b)


def in_the_middle(task="push"):
    env = env_class(task)()
    env.set_tasks(MT1(task, seed=1).train_tasks, task_select="pseudorandom")
    env.reset(seed=3)
    for action in actions(15):
        env.step(action)
    return env


@pytest.mark.parametrize("task", ALL_TASKS)
def test_set_state_repeats_the_future(task):
    env = in_the_middle(task)
    state = env.get_state()
    first = play(env, actions(10, seed=1))
    env.set_state(state)
    assert_same(first, play(env, actions(10, seed=1)))


@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_copies_and_pickles_live_on_alike_and_apart(duplicate):
    env = in_the_middle()
    twin = duplicate(env)
    assert twin.observation_space == env.observation_space and type(twin) is type(env)
    first = play(env, actions(10, seed=1))
    assert_same(first, play(twin, actions(10, seed=1)))


def test_a_pickle_is_small_and_keeps_its_options():
    env = env_class("reach")("rgb_array", "corner2", reward_function_version="v1", max_episode_steps=77, terminate_on_success=True)
    env.set_task(MT1("reach", 1).train_tasks[0])
    data = pickle.dumps(env)
    assert len(data) < 20_000
    twin = pickle.loads(data)
    assert (twin.render_mode, twin.camera_name, twin.max_path_length, twin.terminate_on_success) == ("rgb_array", "corner2", 77, True)
    assert twin.reward_function_version == "v1"


def test_environments_made_by_gymnasium_pickle_too():
    env = gymnasium.make("Meta-World/MT1", env_name="door-open", seed=1)
    env.reset(seed=0)
    env.step(actions(1)[0])
    twin = pickle.loads(pickle.dumps(env))
    assert_same(play(env, actions(5)), play(twin, actions(5)))


def test_a_state_of_another_task_is_refused():
    with pytest.raises(ValueError, match=r"plays reach-v3; the state is of push-v3"):
        env_class("reach")().set_state(in_the_middle("push").get_state())


def test_vector_environments_repeat_their_future():
    envs = gymnasium.make_vec("Meta-World/MT10", seed=1, max_episode_steps=12)
    envs.reset(seed=5)
    for moves in actions(7, (10, 4)):
        envs.step(moves)
    state, twin, third = envs.get_state(), copy.deepcopy(envs), pickle.loads(pickle.dumps(envs))
    runs = []
    for one in (envs, twin, third):
        runs.append([one.step(moves)[:2] for moves in actions(10, (10, 4), seed=2)])
    envs.set_state(state)
    runs.append([envs.step(moves)[:2] for moves in actions(10, (10, 4), seed=2)])
    for run in runs[1:]:
        for one, two in zip(runs[0], run, strict=True):
            assert_same(one, two)
    with pytest.raises(ValueError, match="10 environments"):
        gymnasium.make_vec("Meta-World/MT10", seed=1, num_envs=20).set_state(state)


def test_published_attribute_names_are_readable():
    env = in_the_middle("reach")
    assert env._target_pos == pytest.approx(env.task.rand_vec[3:]) and env._last_rand_vec == pytest.approx(env.task.rand_vec)
    assert env.tcp_center == pytest.approx(env.data.site("rightEndEffector").xpos / 2 + env.data.site("leftEndEffector").xpos / 2)
    assert env.get_endeff_pos() == pytest.approx(env.data.body("hand").xpos)
    assert env.curr_path_length == 15 and env.mocap_low.tolist() == [-0.5, 0.4, 0.05] and env.action_scale == 0.01
    env._freeze_rand_vec = False
    drawn = set()
    for _ in range(3):
        env.reset()
        drawn.add(env.task)
    assert len(drawn) == 3 and not drawn & set(MT1("reach", 1).train_tasks)


@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_copies_draw_the_same_actions_apart(duplicate):
    """The spaces' generators travel, and so does what the environment's own was seeded with."""
    env, envs = in_the_middle("reach"), gymnasium.make_vec("Meta-World/MT1", env_name="reach", seed=1, num_envs=2)
    envs.reset(seed=4)
    for one in (env, envs):
        one.action_space.seed(0)
        one.action_space.sample()
        twin = duplicate(one)
        assert twin.np_random_seed == one.np_random_seed
        drawn = [[of.action_space.sample() for _ in range(3)] for of in (one, twin)]
        assert np.array_equal(*drawn)
    assert env.np_random_seed == 3 and envs.np_random_seed == (4, 5)


class Own(env_class("reach")):
    """A user's class, made in its own way."""

    def __init__(self, names):
        super().__init__(max_episode_steps=9)
        self.names = names
        self.itself = self


class OwnVector(MetaWorldVectorEnv):
    def __init__(self, n_envs):
        super().__init__([MT1("reach", 1).train_tasks] * n_envs)
        self.names = ["a"]


@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_copies_of_a_class_of_one_s_own_are_of_that_class_and_keep_what_it_has(duplicate):
    env = Own(["a"])
    env.set_tasks(MT1("reach", seed=1).train_tasks)
    env.reset(seed=0)
    env.note = 3
    twin = duplicate(env)
    assert type(twin) is Own and (twin.names, twin.note, twin.max_path_length) == (["a"], 3, 9)
    assert_same(play(env, actions(3)), play(twin, actions(3)))
    envs = OwnVector(2)
    envs.reset(seed=0)
    envs.note = 3
    twins = duplicate(envs)
    assert type(twins) is OwnVector and (twins.names, twins.note) == (["a"], 3)
    assert np.array_equal(envs.step(actions(1, (2, 4))[0])[0], twins.step(actions(1, (2, 4))[0])[0])


def test_what_is_on_a_deep_copy_is_its_own():
    env = Own(["a"])
    twin = copy.deepcopy(env)
    twin.names.append("b")
    assert env.names == ["a"] and twin.itself is twin
