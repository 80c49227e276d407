"""The GPU engine on Warp's CPU device, which runs the same kernels and replays graphs, too. Minutes of compiling the first time."""

import numpy as np
import pytest

import metaworld_py
from metaworld_py.engine.episode import Episode
from metaworld_py.engine.layout import displacement
from metaworld_py.engine.resets import beginning
from metaworld_py.tasks import TASKS, find_task

wp = pytest.importorskip("warp", reason="needs the extra gpu")
pytest.importorskip("mujoco_warp", reason="needs the extra gpu")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of Warp, about the driver that is not there

NAMES = ["door-open", "faucet-open", "door-lock"]  # one mechanism
# Single precision against double, over five control steps. Most tasks are below 2e-5; a ball and a cylinder that rest on the table to
# within a nanometre touch it or not by rounding (1.4e-4), and cylinders are free to roll (quaternions: 1e-3).
POS_ATOL = 3e-4  # m
QUAT_ATOL = 2e-3
REWARD_RTOL = REWARD_ATOL = 1e-3  # of rewards up to 10; the most that was seen is 2.2e-4
_QUATS = [7, 8, 9, 10, 14, 15, 16, 17]  # of a frame


def make(names=NAMES, worlds=6, **keywords):
    return metaworld_py.make_gpu(names, worlds, device="cpu", **{"seed": 3, "num_goals": 4, **keywords})


def random_actions(env, rng):
    return rng.uniform(-1, 1, (env.num_envs, 4)).astype(np.float32)


def copies(step):
    observation, reward, terminated, truncated, info = step
    return [array.numpy().copy() for array in (observation, reward, terminated, truncated)], info


@pytest.mark.parametrize("version", ["v2", "v1"])
def test_a_few_steps_of_all_tasks_are_those_of_the_cpu(version):
    env = make("MT50", 50, num_goals=1, reward_function_version=version)
    observation, _ = env.reset()
    episodes = []
    for task, (instance,) in zip(env.tasks, env.instances, strict=True):
        episodes.append(Episode(task, reward_version=version))
        episodes[-1].reset(instance.rand_vec, hide_goal=False)
    np.testing.assert_array_equal(observation.numpy(), np.float32([episode.observation for episode in episodes]))
    for _ in range(5):
        actions = np.float32([np.clip(one.task.expert(one.observation), -1, 1) for one in episodes])
        scores = [one.step(displacement(action), float(action[3])) for one, action in zip(episodes, actions, strict=True)]
        observation, reward, _, _, info = env.step(actions)
        errors = np.abs(observation.numpy() - [one.observation for one in episodes])[:, :18]
        for name, error in zip(env.task_names, errors, strict=True):
            assert error[_QUATS].max() < QUAT_ATOL, name
            assert np.delete(error, _QUATS).max() < POS_ATOL, name
        np.testing.assert_allclose(reward.numpy(), [score.reward for score in scores], rtol=REWARD_RTOL, atol=REWARD_ATOL)
        assert not info["is_unstable"].numpy().any()
        assert not info["overflow"].numpy().any()


def test_an_episode_ends_at_its_horizon_and_another_begins_at_once():
    env = make(max_episode_steps=3)
    env.reset()
    rng, total = np.random.default_rng(0), np.zeros(6)
    for _ in range(2):
        (last, reward, _, truncated), info = copies(env.step(random_actions(env, rng)))
        total += reward
        assert not truncated.any()
        assert not info["_final_obs"].numpy().any()
    (observation, reward, terminated, truncated), info = copies(env.step(random_actions(env, rng)))
    total += reward
    assert truncated.all()
    assert not terminated.any()
    assert info["_final_obs"].numpy().all()
    np.testing.assert_array_equal(info["final_obs"].numpy()[:, 18:36], last[:, :18])
    np.testing.assert_allclose(info["episode"]["r"].numpy(), total, rtol=1e-5)
    assert info["episode"]["l"].numpy().tolist() == [3] * 6
    for env_index, row in enumerate(observation):
        task = find_task(env.task_names[env_index])
        starts = [np.float32(beginning(task, one.rand_vec).observation) for one in env.instances[env_index // 2]]
        assert any(np.array_equal(row, start) for start in starts)


def test_staggered_resets_end_first_episodes_at_different_times():
    env = make(max_episode_steps=3)
    env.reset(options={"elapsed_steps": np.array([0, 1, 2, 0, 1, 2])})
    ends = []
    for _ in range(6):
        (_, _, _, truncated), info = copies(env.step(np.zeros((6, 4), dtype=np.float32)))
        ends.append(truncated)
        assert (info["episode"]["l"].numpy()[truncated] <= 3).all()
    assert [np.flatnonzero(env_ends).tolist() for env_ends in np.array(ends).T] == [[2, 5], [1, 4], [0, 3]] * 2
    with pytest.raises(ValueError, match="elapsed_steps must be 6 whole numbers from 0 to 2"):
        env.reset(options={"elapsed_steps": np.full(6, 3)})
    with pytest.raises(ValueError, match=r"unknown reset options \['tasks'\]"):
        env.reset(options={"tasks": []})


def test_a_seed_decides_everything_and_another_one_something_else():
    runs = []
    for seed in (5, 5, 6):
        env = make(max_episode_steps=4)
        env.reset(seed=seed)
        rng = np.random.default_rng(0)
        runs.append(np.array([env.step(random_actions(env, rng))[0].numpy().copy() for _ in range(9)]))
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_an_episode_does_not_depend_on_the_one_before():
    env, actions = make(), np.random.default_rng(2).uniform(-1, 1, (8, 6, 4)).astype(np.float32)
    runs = []
    for _ in range(2):
        env.reset(options={"instances": np.zeros(6, dtype=int)})
        runs.append(np.array([env.step(action)[0].numpy().copy() for action in actions]))
    np.testing.assert_array_equal(*runs)


def test_a_world_depends_neither_on_its_neighbours_nor_on_its_place():
    names, instances = ["door-lock"], np.zeros(6, dtype=int)
    rng = np.random.default_rng(1)
    mine = rng.uniform(-1, 1, (30, 4)).astype(np.float32)
    runs = []
    for place, size in ((0, 6), (4, 6), (0, 1)):
        env = make(names, size)
        env.reset(options={"instances": instances[:size]})
        run = []
        for action in mine:
            actions = random_actions(env, rng)
            actions[place] = action
            run.append(env.step(actions)[0].numpy()[place].copy())
        runs.append(np.array(run))
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_array_equal(runs[0], runs[2])


def test_an_action_that_is_not_finite_is_told_of_and_begins_another_episode():
    env = make()
    env.reset()
    actions = np.zeros((6, 4), dtype=np.float32)
    env.step(actions)
    actions[2, 1] = np.nan
    (observation, reward, _, truncated), info = copies(env.step(actions))
    assert truncated.tolist() == info["is_unstable"].numpy().tolist() == [False, False, True, False, False, False]
    assert reward[2] == 0.0
    assert np.isfinite(observation).all()
    assert env.counters["bad_actions"] == 1
    actions[:] = 0.0
    (observation, *_), info = copies(env.step(actions))
    assert not info["is_unstable"].numpy().any()


@pytest.mark.parametrize("speed", [1e8, np.nan])
def test_a_world_that_blows_up_is_told_of_and_begins_anew_while_others_go_on(speed):
    env, quiet = make(), make()
    for one in (env, quiet):
        one.reset(seed=4)
    data = env.worlds[0].data
    velocities = data.qvel.numpy()
    velocities[3] = speed
    data.qvel.assign(velocities)
    actions = np.zeros((6, 4), dtype=np.float32)
    for step in range(12):
        (observation, _, _, _), info = copies(env.step(actions))
        calm = quiet.step(actions)[0].numpy()
        others = [index for index in range(6) if index != 3]
        np.testing.assert_array_equal(observation[others], calm[others])
        assert np.isfinite(observation).all()
        assert info["is_unstable"].numpy()[3] == (step == 0)
    assert env.counters["blow_ups"] == 1


def test_constraints_without_room_are_told_of(monkeypatch):
    from metaworld_py.gpu import worlds

    monkeypatch.setattr(worlds, "CONSTRAINTS_PER_WORLD", 10)
    env = make()
    env.reset()
    (observation, *_), info = copies(env.step(np.zeros((6, 4), dtype=np.float32)))
    overflowed = info["overflow"].numpy() != 0
    assert overflowed.any()
    assert info["is_unstable"].numpy()[overflowed].all()
    assert np.isfinite(observation).all()
    assert env.counters["constraint_overflows"] == overflowed.sum()


def test_arrays_go_to_jax_and_back_without_a_copy():
    jax = pytest.importorskip("jax")
    env = make()
    observation, _ = env.reset()
    shared = jax.dlpack.from_dlpack(observation)
    assert shared.unsafe_buffer_pointer() == observation.ptr
    actions = jax.numpy.clip(jax.numpy.tile(shared[:, :1], (1, 4)), -1, 1)
    stepped = env.step(actions)
    wanted = make()
    wanted.reset()
    np.testing.assert_array_equal(stepped[0].numpy(), wanted.step(np.asarray(actions))[0].numpy())


def test_arrays_go_to_torch_and_back_without_a_copy():
    torch = pytest.importorskip("torch")
    env = make()
    observation, _ = env.reset()
    shared = torch.from_dlpack(observation)
    assert shared.data_ptr() == observation.ptr
    actions = torch.clip(shared[:, :1].repeat(1, 4), -1, 1)
    stepped = env.step(actions)
    wanted = make()
    wanted.reset()
    np.testing.assert_array_equal(torch.from_dlpack(stepped[0]).numpy(), wanted.step(actions.numpy())[0].numpy())


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.zeros((5, 4)), r"shape \(6, 4\)"),
        (wp.zeros((6, 4), dtype=wp.float64, device="cpu"), "must be float32"),
        (np.zeros((6, 4), complex), "must be real numbers, got complex128"),
        (None, "must be real numbers, got object"),
    ],
)
def test_actions_of_another_kind_are_refused(actions, message):
    env = make()
    env.reset()
    with pytest.raises(ValueError, match=message):
        env.step(actions)


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        (1.5, "seed must be an integer"),
        ("3", "seed must be an integer"),
        (True, "seed must be an integer"),
        ([1, 2], "give one seed for all"),
    ],
)
def test_seeds_that_are_none_are_refused(seed, message):
    with pytest.raises(ValueError, match=message):
        make().reset(seed=seed)


def test_one_hot_ids_stand_behind_and_hidden_goals_are_zero_but_pay():
    env = make(goal_visible=False, use_one_hot=True)
    plain = make()
    hidden, _ = env.reset()
    plain.reset()
    assert env.single_observation_space.shape == (42,)
    assert not hidden.numpy()[:, 36:39].any()
    np.testing.assert_array_equal(hidden.numpy()[:, 39:], np.repeat(np.eye(3), 2, axis=0))
    actions = random_actions(env, np.random.default_rng(0))
    np.testing.assert_array_equal(env.step(actions)[1].numpy(), plain.step(actions)[1].numpy())


def test_an_episode_may_end_at_success():
    env = make(["door-open"], 1, terminate_on_success=True)
    observation, _ = env.reset()
    for _ in range(300):
        action = np.float32([np.clip(TASKS["door-open"].expert(observation.numpy()[0]), -1, 1)])
        observation, _, terminated, truncated, info = env.step(action)
        if terminated.numpy()[0]:
            break
    assert not truncated.numpy()[0]
    assert info["episode"]["any_success"].numpy()[0]


def test_a_device_that_is_not_there_is_refused():
    if wp.is_cuda_available():
        pytest.skip("there is one")
    with pytest.raises(RuntimeError, match=r"device='cpu' runs the same kernels"):
        metaworld_py.make_gpu("reach", 1)


@pytest.fixture(scope="module")
def nvrtc():
    """NVIDIA's compiler, which needs no card, but a library that the extra does not bring."""
    pytest.importorskip("numba_cuda")
    from cuda.pathfinder import DynamicLibNotFoundError, load_nvidia_dynamic_lib

    try:
        return load_nvidia_dynamic_lib("nvrtc")
    except DynamicLibNotFoundError:
        pytest.skip("needs libnvrtc: pip install 'numba-cuda[cu13]'")


@pytest.mark.parametrize("name", TASKS)
def test_rewards_compile_for_a_gpu_without_one(name, nvrtc):
    from metaworld_py.gpu.scores import compile_score

    instance = metaworld_py.MT1(name, 1, per_task=1).train_tasks[0]
    start = beginning(TASKS[name], instance.rand_vec).start
    for version in ("v2", "v1"):
        assert ".target sm_90" in compile_score(TASKS[name], version, start, compute_capability=(9, 0))
