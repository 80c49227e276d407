"""One environment through Gymnasium: spaces, seeding, hidden goals, bad input, ends of episodes."""

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from conftest import ALL_TASKS
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

import metaworld_py
from metaworld_py import ML1, MT1

SINGLE_IDS = ("MT1", "goal_observable", "goal_hidden")


def make(name="door-open", gym_id="MT1", **kwargs):
    return gymnasium.make(f"Meta-World/{gym_id}", env_name=name, **{"seed": 1, **kwargs})


def rollout(env, seed, steps=5):
    observation, _ = env.reset(seed=seed)
    env.action_space.seed(seed)
    observations = [observation]
    for _ in range(steps):
        observations.append(env.step(env.action_space.sample())[0])
    return np.array(observations)


# Published code calls `env.seed(s)`, so it is there; the checker's only complaint is that it is.
@pytest.mark.filterwarnings("ignore:.*Official support for the `seed` function is dropped")
@pytest.mark.parametrize("gym_id", SINGLE_IDS)
@pytest.mark.parametrize("task", ALL_TASKS)
def test_gymnasiums_checker_is_silent(task, gym_id):
    check_env(make(task, gym_id).unwrapped, skip_render_check=True)


@pytest.mark.parametrize("task", ALL_TASKS)
def test_observations_lie_in_the_space_reset_included(task):
    env = make(task)
    for seed in range(5):
        for observation in rollout(env, seed):
            assert env.observation_space.contains(observation)


def test_spaces_are_the_published_ones():
    env = make("push")
    assert env.action_space == gymnasium.spaces.Box(-1, 1, (4,), np.float32)
    assert env.observation_space.shape == (39,) and env.observation_space.dtype == np.float64
    assert env.observation_space.low[36:].tolist() == [-0.1, 0.8, 0.01] and env.observation_space.high[36:].tolist() == [0.1, 0.9, 0.02]
    hidden = make("push", "goal_hidden").observation_space
    assert np.allclose(hidden.low[36:], 0) and np.allclose(hidden.high[36:], 0)


def test_reset_seed_decides_the_episode():
    env = make("reach")
    assert np.array_equal(rollout(env, seed=7), rollout(env, seed=7))
    assert np.array_equal(rollout(env, seed=7), rollout(make("reach"), seed=7))
    goals = {tuple(env.reset(seed=seed)[0][36:]) for seed in range(10)}
    assert len(goals) > 5


def test_two_processes_agree_bit_for_bit():
    code = (
        "import gymnasium, metaworld_py, numpy as np;"
        "env = gymnasium.make('Meta-World/MT1', env_name='push', seed=3); env.reset(seed=5); env.action_space.seed(5);"
        "print(np.array([env.step(env.action_space.sample())[0] for _ in range(20)]).tobytes().hex())"
    )
    outputs = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)}
    assert len(outputs) == 1


def test_without_reset_seed_episodes_differ_but_repeat_with_the_same_make_seed():
    one, two = make("reach", seed=4), make("reach", seed=4)
    goals = [[tuple(env.reset()[0][36:]) for _ in range(6)] for env in (one, two)]
    assert goals[0] == goals[1] and len(set(goals[0])) > 1


def test_mt1_plays_the_published_instances():
    env = make("reach", seed=9)
    known = set(MT1("reach", seed=9).train_tasks)
    for _ in range(5):
        env.reset()
        assert env.unwrapped.task in known


def test_goal_ids_draw_fresh_instances():
    env = make("reach", "goal_observable")
    drawn = []
    for _ in range(5):
        env.reset()
        drawn.append(env.unwrapped.task)
    assert len(set(drawn)) == 5


def test_hidden_goal_shows_zeros_but_still_pays_for_the_true_goal():
    visible, hidden = (metaworld_py.MT1("reach", 1).train_classes["reach"]() for _ in range(2))
    task = MT1("reach", seed=1).train_tasks[0]
    visible.set_task(task)
    hidden.set_task(metaworld_py.Task(task.env_name, task.rand_vec, partially_observable=True))
    visible.reset(seed=0), hidden.reset(seed=0)
    for action in np.random.default_rng(0).uniform(-1, 1, (20, 4)).astype(np.float32):
        seen, unseen = visible.step(action), hidden.step(action)
        assert not unseen[0][36:].any() and seen[0][36:].any()
        assert np.array_equal(seen[0][:36], unseen[0][:36]) and seen[1] == unseen[1]


def test_reset_option_sets_a_task():
    env = make("reach")
    task = MT1("reach", seed=33).train_tasks[5]
    observation, _ = env.reset(options={"task": task})
    assert env.unwrapped.task == task
    assert observation[36:] == pytest.approx(task.rand_vec[3:])
    env.reset()
    assert env.unwrapped.task == task


def test_ml1_instances_hide_the_goal():
    benchmark = ML1("push", seed=2)
    env = benchmark.test_classes["push-v3"]()
    env.set_task(benchmark.test_tasks[0])
    observation, _ = env.reset()
    assert not observation[36:].any() and env.observation_space.contains(observation)


def test_step_info_has_the_published_fields_as_floats():
    env = make("push")
    env.reset()
    _, reward, terminated, truncated, info = env.step(env.action_space.sample())
    assert type(reward) is float and type(terminated) is bool and type(truncated) is bool
    fields = ["success", "near_object", "grasp_success", "grasp_reward", "in_place_reward", "obj_to_target", "unscaled_reward"]
    assert list(info) == fields and all(type(value) is float for value in info.values())


def test_reward_versions_differ_and_a_bogus_one_is_refused():
    rewards = []
    for version in ("v2", "v1"):
        env = make("reach", reward_function_version=version)
        observation, _ = env.reset(seed=0)
        for _ in range(20):
            observation, reward, *_ = env.step(np.array(metaworld_py.TASKS["reach"].expert(observation), dtype=np.float32))
        rewards.append(reward)
    assert 0 < rewards[0] <= 10 < rewards[1]
    with pytest.raises(ValueError, match="reward_function_version must be one of"):
        make("reach", reward_function_version="v3")


def test_an_episode_is_truncated_after_500_steps_and_then_refuses_to_step():
    for env in (make("reach"), make("reach").unwrapped.__class__()):
        if not isinstance(env, gymnasium.Wrapper):
            env.set_tasks(MT1("reach", 1).train_tasks)
        env.reset(seed=0)
        for step in range(500):
            truncated = env.step(np.zeros(4, np.float32))[3]
            assert truncated == (step == 499)
        with pytest.raises(ResetNeeded, match="ended"):
            env.step(np.zeros(4, np.float32))


def test_max_episode_steps_of_make_is_obeyed_beyond_500():
    env = make("reach", max_episode_steps=510)
    env.reset()
    truncations = [env.step(np.zeros(4, np.float32))[3] for _ in range(510)]
    assert truncations.index(True) == 509


def test_terminate_on_success_ends_the_episode():
    env = make("reach", terminate_on_success=True)
    observation, _ = env.reset(seed=0)
    expert = metaworld_py.TASKS["reach"].expert
    for _ in range(100):
        observation, _, terminated, _, info = env.step(np.array(expert(observation), dtype=np.float32))
        assert terminated == bool(info["success"])
        if terminated:
            break
    assert terminated
    with pytest.raises(ResetNeeded):
        env.step(np.zeros(4, np.float32))


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.zeros(3), r"shape \(4,\), got \(3,\)"),
        (np.zeros((4, 1)), r"shape \(4,\), got \(4, 1\)"),
        ([0, 0, np.nan, 0], "finite"),
        ([np.inf] * 4, "finite"),
    ],
)
def test_a_bad_action_is_refused_and_moves_nothing(action, message):
    env = make("reach").unwrapped
    env.reset(seed=0)
    before = env._episode.simulation.get_state()
    with pytest.raises(ValueError, match=message):
        env.step(action)
    assert np.array_equal(before, env._episode.simulation.get_state())


def test_stepping_before_reset_is_refused():
    with pytest.raises(ResetNeeded):
        make("reach", seed=None).step(np.zeros(4, np.float32))
    env = MT1("reach", 1).train_classes["reach"]()
    with pytest.raises(ResetNeeded, match="has not been reset"):
        env.step(np.zeros(4, np.float32))


def test_a_raw_class_asks_which_instance_to_play():
    env = MT1("reach", 1).train_classes["reach"]()
    with pytest.raises(ResetNeeded, match=r"MT1\('reach-v3'\).train_tasks"):
        env.reset()


def test_wrong_names_say_what_there_is():
    with pytest.raises(ValueError, match="Did you mean 'door-open'"):
        make("door-opne")
    with pytest.raises(ValueError, match=r"unknown camera 'cornr'\. Did you mean 'corner'"):
        make("reach", camera_name="cornr")
    with pytest.raises(ValueError, match="camera_id must lie in"):
        make("reach", camera_id=99)
    with pytest.raises(ValueError, match="render_mode must be None or one of"):
        MT1("reach", 1).train_classes["reach"](render_mode="depth")
    with pytest.raises(ValueError, match="unknown reset options"):
        make("reach").reset(options={"tsk": None})
    with pytest.raises(gymnasium.error.Error, match="make_vec"):
        gymnasium.make("Meta-World/MT10")


def test_a_task_of_another_environment_is_refused():
    env = make("reach").unwrapped
    with pytest.raises(ValueError, match="plays reach-v3; the task given is an instance of push-v3"):
        env.set_task(MT1("push", 1).train_tasks[0])
    with pytest.raises(ValueError, match=r"expected metaworld_py\.Task values"):
        env.set_task("push")
    with pytest.raises(ValueError, match="instances of one task; got none"):
        env.set_tasks([])


@pytest.mark.parametrize("speed", [1e8, np.nan])
def test_a_physics_blow_up_ends_the_episode_with_a_flag(speed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    env = make("push").unwrapped
    env.reset(seed=0)
    env._episode.simulation.qvel[:] = speed
    for _ in range(20):
        observation, reward, terminated, truncated, info = env.step(np.zeros(4, np.float32))
        assert np.isfinite(observation).all() and env.observation_space.contains(observation) and np.isfinite(reward)
        if truncated:
            break
    assert truncated and not terminated and info["is_unstable"] is True
    observation, _ = env.reset(seed=0)
    assert np.array_equal(observation, make("push").unwrapped.reset(seed=0)[0])


def test_importing_changes_no_global_generator_and_is_quiet():
    code = "state = lambda: np.random.get_state()[1].tolist(); before = state(); import metaworld_py; assert state() == before"
    command = [sys.executable, "-W", "error", "-c", f"import numpy as np; {code}"]
    result = subprocess.run(command, capture_output=True, check=True, text=True)
    assert result.stdout == result.stderr == ""
