"""Libraries of others, unmodified, on our environments; each is skipped where it is not installed (extra `clients`; skrl besides)."""

import sys

import gymnasium
import numpy as np
import pytest

import metaworld_py
from metaworld_py import MT10

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs


def make(**keywords):
    return gymnasium.make("Meta-World/MT1", **{"env_name": "reach", "seed": 1, "max_episode_steps": 12, **keywords})


def make_vec(name="MT1", **keywords):
    return gymnasium.make_vec(f"Meta-World/{name}", **{"seed": 1, "max_episode_steps": 12, **keywords})


# Gymnasium


@pytest.mark.parametrize("name", ["MT1", "goal_observable", "goal_hidden"])
def test_gymnasiums_checker_is_content(name):
    from gymnasium.utils.env_checker import check_env

    env = gymnasium.make(f"Meta-World/{name}", env_name="door-open", seed=1)
    check_env(env.unwrapped, skip_render_check=True)


@pytest.mark.parametrize("vector_strategy", ["native", "sync"])
def test_a_stack_of_gymnasiums_vector_wrappers_as_single_file_implementations_build_it(vector_strategy):
    wrappers = gymnasium.wrappers.vector
    envs = make_vec(
        env_name="reach", num_envs=3, vector_strategy=vector_strategy, autoreset_mode="NextStep", record_episode_statistics=False
    )
    envs = wrappers.RecordEpisodeStatistics(envs)
    envs = wrappers.ClipAction(envs)
    envs = wrappers.NormalizeObservation(envs)
    envs = wrappers.TransformObservation(envs, lambda observation: np.clip(observation, -10, 10))
    envs = wrappers.NormalizeReward(envs)
    envs.reset(seed=1)
    ends = []
    for _ in range(25):
        observations, rewards, _, truncations, infos = envs.step(envs.action_space.sample())
        assert observations.shape == (3, 39) and np.isfinite(observations).all() and np.isfinite(rewards).all()
        ends.append(bool(truncations.all()))
        if truncations.any():
            statistics = infos.get("episode", infos.get("final_info", {}).get("episode"))
            assert np.asarray(statistics["l"]).tolist() == [12, 12, 12]
    assert sum(ends) == 2
    envs.close()


def test_a_stack_of_gymnasiums_wrappers_around_one_environment():
    wrappers = gymnasium.wrappers
    env = wrappers.RecordEpisodeStatistics(make(record_episode_statistics=False))
    env = wrappers.ClipAction(wrappers.RescaleAction(env, -0.5, 0.5))
    env = wrappers.TransformReward(wrappers.NormalizeObservation(env), lambda reward: reward / 10)
    env = wrappers.TimeAwareObservation(wrappers.Autoreset(env))
    env.reset(seed=1)
    assert [env.step(env.action_space.sample())[3] for _ in range(13)] == [False] * 11 + [True, False]


# Stable-Baselines3


@pytest.fixture
def sb3():
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    return pytest.importorskip("stable_baselines3")


@pytest.mark.parametrize("name", ["PPO", "SAC"])
def test_stable_baselines3_learns_and_evaluates(sb3, name):
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.vec_env import VecNormalize

    keywords = {"env_name": "reach", "seed": 1, "max_episode_steps": 12}
    envs = VecNormalize(make_vec_env("Meta-World/MT1", n_envs=2, env_kwargs=keywords, seed=0))
    settings = {"PPO": {"n_steps": 32, "batch_size": 32, "n_epochs": 1}, "SAC": {"learning_starts": 10, "buffer_size": 500}}[name]
    model = getattr(sb3, name)("MlpPolicy", envs, policy_kwargs={"net_arch": [16]}, **settings)
    model.learn(70)
    mean, _ = evaluate_policy(model, make(), n_eval_episodes=2)
    assert np.isfinite(mean) and len(model.ep_info_buffer) >= 4 and model.ep_info_buffer[0]["l"] == 12


def test_its_vector_environments_reach_ours(sb3):
    from stable_baselines3.common.env_util import make_vec_env

    envs = make_vec_env("Meta-World/goal_hidden", n_envs=2, env_kwargs={"env_name": "push", "seed": 1, "max_episode_steps": 3}, seed=0)
    envs.reset()
    infos = [envs.step(np.zeros((2, 4)))[3] for _ in range(3)][-1]
    assert "terminal_observation" in infos[0] and infos[0]["TimeLimit.truncated"]
    assert envs.get_attr("max_path_length") == [3, 3]
    envs.env_method("toggle_terminate_on_success", True)
    assert envs.get_attr("terminate_on_success") == [True, True]


# TorchRL


def torchrl_envs():
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    return pytest.importorskip("torchrl.envs")


@pytest.mark.parametrize("keywords", [{}, {"use_one_hot": True}, {"obs_mode": "pixels+state", "obs_width": 16, "obs_height": 16}])
def test_torchrl_wraps_one_environment(keywords, opengl):
    envs = torchrl_envs()
    env = envs.GymWrapper(make(**keywords))
    envs.check_env_specs(env)
    assert env.rollout(5)["next", "reward"].shape == (5, 1)


@pytest.mark.parametrize("keywords", [{}, {"float32_observations": True}])
def test_torchrl_wraps_native_vector_environments(keywords):
    envs = torchrl_envs()
    wrapped = envs.GymWrapper(make_vec("MT10", autoreset_mode="Disabled", **keywords))
    envs.check_env_specs(wrapped)
    assert int(wrapped.rollout(25, break_when_any_done=False)["next", "done"].sum()) == 20


# skrl


@pytest.mark.parametrize("name", ["MT1", "MT10"])
def test_skrl_tells_by_itself_how_to_wrap(name):
    torch = pytest.importorskip("torch")
    skrl = pytest.importorskip("skrl.envs.wrappers.torch")
    env = skrl.wrap_env(make() if name == "MT1" else make_vec("MT10"))
    observations, _ = env.reset()
    for _ in range(12):
        assert observations.shape == (env.num_envs, 39)
        observations, rewards, _, truncated, _ = env.step(torch.zeros(env.num_envs, 4))
    assert rewards.shape == truncated.shape == (env.num_envs, 1) and truncated.all()


# Minari


def test_minari_collects_and_makes_the_environment_again(tmp_path, monkeypatch):
    minari = pytest.importorskip("minari")
    pytest.importorskip("jax")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    env = minari.DataCollector(make(max_episode_steps=5))
    for seed in range(3):
        env.reset(seed=seed)
        for _ in range(5):
            env.step(env.action_space.sample())
    dataset = env.create_dataset("metaworld/reach-v0", algorithm_name="random", code_permalink="-", author="-", author_email="-")
    again = dataset.recover_environment()
    assert (dataset.total_episodes, dataset.total_steps) == (3, 15) and again.observation_space == env.observation_space
    first = next(iter(minari.load_dataset("metaworld/reach-v0").iterate_episodes()))
    observations = [again.reset(seed=0)[0], *(again.step(action)[0] for action in first.actions)]
    np.testing.assert_array_equal(np.array(observations), first.observations)


# LeRobot


@pytest.fixture
def lerobot(monkeypatch):
    monkeypatch.setitem(sys.modules, "metaworld", metaworld_py)
    return pytest.importorskip("lerobot.envs.metaworld", exc_type=ImportError)


def test_lerobots_environment_file_runs(lerobot, opengl):
    env = lerobot.MetaworldEnv(task="push-v3", obs_type="pixels_agent_pos", render_mode="rgb_array")
    observation, _ = env.reset(seed=3)
    again, _ = env.reset(seed=3)
    assert np.array_equal(observation["agent_pos"], again["agent_pos"])
    for _ in range(2):
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
    assert np.isfinite(reward) and not terminated and not truncated and np.ptp(observation["pixels"]) > 50 and env.render().ndim == 3
    env.close()


# Ray


@pytest.mark.slow
def test_ray_steps_environments_in_its_workers():
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)

    @ray.remote
    def rewards():
        envs = make_vec("MT10")
        envs.reset(seed=0)
        return envs.step(np.zeros((10, 4), np.float32))[1]

    try:
        envs = make_vec("MT10")
        envs.reset(seed=0)
        np.testing.assert_array_equal(ray.get(rewards.remote()), envs.step(np.zeros((10, 4), np.float32))[1])
        benchmark = ray.get(ray.put(MT10(seed=1)))
        assert benchmark.train_tasks == MT10(seed=1).train_tasks
    finally:
        ray.shutdown()
