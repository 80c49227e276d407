"""Every id and keyword: right tasks, right split, same numbers by every strategy, clear refusals."""

import gymnasium
import numpy as np
import pytest

import metaworld_py
from metaworld_py import ML1, ML10, MT1
from metaworld_py.instances import task_sets

SETS = {"MT10": task_sets.MT10, "MT25": task_sets.MT25, "MT50": task_sets.MT50}
TRANSFORMS = (
    {"use_one_hot": True},
    {"recurrent_info_in_obs": True},
    {"normalize_observations": True, "use_one_hot": True},
    {"reward_normalization_method": "gymnasium"},
    {"reward_normalization_method": "exponential", "reward_alpha": 0.1},
    {"reward_mode": "sparse"},
    {"reward_mode": "success-1", "action_repeat": 2},
    {"include_previous_frame": False, "float32_observations": True},
    {"terminate_on_success": True, "action_repeat": 3, "recurrent_info_in_obs": True, "normalize_observations": True},
)


def make_vec(name, **kwargs):
    return gymnasium.make_vec(f"Meta-World/{name}", **{"seed": 1, **kwargs})


@pytest.mark.parametrize("name", SETS)
def test_multi_task_sets_hold_their_tasks_in_order(name):
    envs = make_vec(name)
    assert tuple(envs.task_names) == SETS[name]
    observations, _ = envs.reset(seed=0)
    assert envs.observation_space.contains(observations) and observations[:, 36:].any(axis=1).all()


@pytest.mark.parametrize("name", ["ML1", "ML10", "ML25", "ML45"])
@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.filterwarnings("ignore:ML25 as published")
def test_meta_learning_ids_serve_their_own_split(name, split):
    arguments = ("reach",) if name == "ML1" else ()
    benchmark = getattr(metaworld_py, name)(*arguments, 1)
    envs = make_vec(f"{name}-{split}", **({"env_name": "reach"} if arguments else {}))
    observations, _ = envs.reset(seed=0)
    instances = benchmark.train_tasks if split == "train" else benchmark.test_tasks
    assert set(envs.tasks) <= set(instances)
    assert set(envs.task_names) == {task.env_name.removesuffix("-v3") for task in instances}
    assert not observations[:, 36:39].any() and envs.terminate_on_success == (split == "test")


def test_a_meta_environment_keeps_its_instance_until_asked_and_plays_all_of_them_in_turn():
    envs = make_vec("ML1-train", env_name="reach", meta_batch_size=10, total_tasks_per_cls=50)
    envs.reset(seed=0)
    first = list(envs.tasks)
    envs.reset()
    assert envs.tasks == first
    seen = set(first)
    for _ in range(4):
        envs.call("sample_tasks")
        envs.reset()
        seen |= set(envs.tasks)
    assert seen == set(ML1("reach", 1).train_tasks)


def test_meta_batches_are_dealt_out_evenly():
    envs = make_vec("ML10-train", meta_batch_size=20)
    assert [envs.task_names.count(name) for name in task_sets.ML10_TRAIN] == [2] * 10
    groups = [set(selector.tasks) for selector in envs.selectors]
    assert not groups[0] & groups[1] and len(groups[0] | groups[1]) == 50
    assert make_vec("ML10-test").num_envs == 20
    assert set(ML10(1).test_classes) == {f"{name}-v3" for name in task_sets.ML10_TEST}


def test_ml25_warns_of_its_overlap_and_offers_a_corrected_test_side():
    with pytest.warns(UserWarning, match="trains and tests on basketball"):
        published = metaworld_py.ML25(1)
    corrected = metaworld_py.ML25(1, corrected=True)
    assert "basketball-v3" in published.test_classes and "basketball-v3" not in corrected.test_classes
    assert corrected.test_tasks == [task for task in published.test_tasks if task.env_name != "basketball-v3"]
    assert "basketball" not in make_vec("ML25-test", corrected=True).task_names


def test_custom_sets_take_any_tasks():
    envs = make_vec("custom-mt-envs", envs_list=["push-v3", "door-open"], num_envs=4, use_one_hot=True)
    assert envs.task_names == ["push", "push", "door-open", "door-open"]
    twice = make_vec("custom-mt-envs", envs_list=["push", "reach", "push-v3"], use_one_hot=True)
    assert twice.task_names == ["push", "reach", "push"] and twice.reset(seed=0)[0].shape == (3, 41)
    train = make_vec("custom-ml-envs", train_envs=["reach", "push"], test_envs=["door-open"])
    test = make_vec("custom-ml-envs", train_envs=["reach", "push"], test_envs=["door-open"], split="test")
    assert set(train.task_names) == {"reach", "push"} and set(test.task_names) == {"door-open"}


@pytest.mark.parametrize("options", TRANSFORMS)
@pytest.mark.parametrize("mode", ["SameStep", "NextStep"])
def test_native_and_sync_environments_give_the_same_numbers(options, mode):
    keywords = {"envs_list": ["reach", "push"], "max_episode_steps": 7, "autoreset_mode": mode, **options}
    native, sync = (make_vec("custom-mt-envs", vector_strategy=strategy, **keywords) for strategy in ("native", "sync"))
    assert native.single_observation_space.shape == sync.single_observation_space.shape
    one, two = native.reset(seed=3)[0], sync.reset(seed=3)[0]
    np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-9)
    for actions in np.random.default_rng(0).uniform(-1, 1, (20, 2, 4)).astype(np.float32):
        a, b = native.step(actions), sync.step(actions)
        for index in range(4):
            np.testing.assert_allclose(a[index], b[index], rtol=1e-5, atol=1e-6)
        assert a[0].dtype == b[0].dtype
        if "final_obs" in b[4]:
            np.testing.assert_allclose(np.vstack(a[4]["final_obs"]), np.vstack(b[4]["final_obs"]), rtol=1e-5, atol=1e-6)
            ours, theirs = a[4]["final_info"]["episode"], b[4]["final_info"]["episode"]
            np.testing.assert_allclose(ours["r"], theirs["r"], rtol=1e-6)
            np.testing.assert_array_equal(ours["l"], theirs["l"])


@pytest.mark.slow
def test_async_environments_give_the_same_numbers():
    native, other = (make_vec("custom-mt-envs", envs_list=["reach", "push"], vector_strategy=strategy) for strategy in ("native", "async"))
    try:
        assert np.array_equal(native.reset(seed=3)[0], other.reset(seed=3)[0])
        for actions in np.random.default_rng(0).uniform(-1, 1, (20, 2, 4)).astype(np.float32):
            assert np.array_equal(native.step(actions)[0], other.step(actions)[0])
    finally:
        other.close()


@pytest.mark.parametrize("options", TRANSFORMS)
def test_single_environments_take_the_same_options(options):
    env = gymnasium.make("Meta-World/MT1", env_name="reach", seed=1, **options)
    observation, _ = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    assert env.observation_space.contains(env.step(env.action_space.sample())[0])


def test_the_last_step_reports_the_episode():
    env = gymnasium.make("Meta-World/MT1", env_name="reach", seed=1, max_episode_steps=5)
    env.reset(seed=0)
    steps = [env.step(np.zeros(4, np.float32)) for _ in range(5)]
    assert steps[-1][4]["episode"]["l"] == 5 and steps[-1][4]["episode"]["r"] == pytest.approx(sum(step[1] for step in steps))


def test_num_goals_is_local_to_the_environment():
    env = gymnasium.make("Meta-World/MT1", env_name="reach", seed=1, num_goals=3)
    seen = set()
    for _ in range(20):
        env.reset()
        seen.add(env.unwrapped.task)
    assert seen == set(MT1("reach", 1).train_tasks[:3]) and len(MT1("reach", 1).train_tasks) == 50


def test_pseudorandom_selection_plays_every_instance_once_per_cycle():
    env = gymnasium.make("Meta-World/MT1", env_name="reach", seed=1, task_select="pseudorandom")
    env.reset(seed=0)
    cycle = [env.unwrapped.task]
    for _ in range(49):
        env.reset()
        cycle.append(env.unwrapped.task)
    assert set(cycle) == set(MT1("reach", 1).train_tasks)
    env.reset(seed=0)
    assert env.unwrapped.task == cycle[0], "a seed alone decides"


@pytest.mark.parametrize("name", ["goal_observable", "goal_hidden"])
def test_goal_ids_work_without_seed_and_can_be_copied(name):
    import copy

    env = gymnasium.make(f"Meta-World/{name}", env_name=f"reach-v3-{name.replace('_', '-')}")
    env.reset()
    twin = copy.deepcopy(env)
    assert np.array_equal(env.reset()[0], twin.reset()[0])


@pytest.mark.parametrize(
    ("name", "keywords", "error", "message"),
    [
        ("MT10", {"reward_function_verson": "v1"}, TypeError, "Did you mean 'reward_function_version'"),
        ("MT10", {"vector_strategy": "fork"}, ValueError, "must be one of"),
        ("MT10", {"reward_normalization_method": "z"}, ValueError, "reward_normalization_method must be one of"),
        ("MT10", {"task_select": "ordered"}, ValueError, "task_select must be one of"),
        ("MT10", {"camera_name": "corner", "camera_id": 2}, ValueError, "not both"),
        ("MT10", {"reward_alpha": 0.0}, ValueError, "reward_alpha"),
        ("ML10-train", {"meta_batch_size": 15}, ValueError, "multiple of the 10 tasks"),
        ("ML10-train", {"meta_batch_size": 2000}, ValueError, "meta_batch_size may be 500 at most"),
        ("ML10-train", {"meta_batch_size": 20, "num_envs": 40}, ValueError, "num_envs is 40 and meta_batch_size 20"),
        ("ML10-train", {"total_tasks_per_cls": 60}, ValueError, "total_tasks_per_cls must lie between"),
        ("custom-ml-envs", {"train_envs": ["reach"], "test_envs": ["reach"]}, ValueError, "stand on both sides"),
        ("custom-ml-envs", {"train_envs": ["reach"], "test_envs": ["push"], "split": "val"}, ValueError, "split must be"),
        ("custom-mt-envs", {"envs_list": ["rech"]}, ValueError, "Did you mean 'reach'"),
        ("custom-mt-envs", {"envs_list": "reach"}, ValueError, r"envs_list must be a list, got the text 'reach': write \['reach'\]"),
        ("custom-ml-envs", {"train_envs": ["reach"], "test_envs": "push"}, ValueError, "test_envs must be a list"),
        ("goal_observable", {"env_name": None}, ValueError, "env_name must be a task's name, got None"),
    ],
)
def test_impossible_requests_are_refused_clearly(name, keywords, error, message):
    with pytest.raises(error, match=message):
        make_vec(name, **keywords)


def test_sets_say_how_they_are_made():
    for name in ("MT10", "ML1-train"):
        with pytest.raises(gymnasium.error.Error, match="make_vec"):
            gymnasium.make(f"Meta-World/{name}")


@pytest.mark.parametrize("name", ["MT1", "goal_observable", "goal_hidden"])
def test_lists_of_pictures_are_collected(opengl, name):
    env = gymnasium.make(f"Meta-World/{name}", env_name="reach", seed=1, render_mode="rgb_array_list", width=16, height=16)
    env.reset(seed=0)
    env.step(np.zeros(4, np.float32))
    assert [picture.shape for picture in env.render()] == [(16, 16, 3)] * 2
    env.close()


def test_one_task_may_have_the_instances_of_a_set():
    env = gymnasium.make("Meta-World/MT1", env_name="door-open", seed=1, benchmark="MT10")
    assert env.unwrapped.tasks == list(metaworld_py.MT10(seed=1).instances_of("door-open")) != MT1("door-open", seed=1).train_tasks
    again = gymnasium.make("Meta-World/MT1", env_name="door-open", seed=1, benchmark=["push", "door-open"])
    assert again.unwrapped.tasks == metaworld_py.CustomMT(["push", "door-open"], seed=1).train_tasks[50:]
    with pytest.raises(ValueError, match="reach is not in ML10-test"):
        gymnasium.make("Meta-World/MT1", env_name="reach", seed=1, benchmark="ML10-test")
