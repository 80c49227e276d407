"""What published code does with environments: makes them again, saves and restores them, counts steps, reaches into vectors of them."""

import copy
import json
import pickle
import threading

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

from metaworld_py import ALL_V3_ENVIRONMENTS, ML10, MT1, MT10, Camera, MetaWorldVectorEnv
from metaworld_py.envs.env import env_class

KEYWORDS = (
    {},
    {"action_repeat": 2},
    {"recurrent_info_in_obs": True},
    {"use_one_hot": True, "env_id": 3, "num_tasks": 10},
    {"frame_stack": 3, "include_previous_frame": False},
    {"normalize_observations": True, "reward_normalization_method": "gymnasium"},
    {"reward_normalization_method": "exponential", "reward_mode": "sparse", "reward_alpha": 0.1},
    {"float32_observations": True, "max_episode_steps": 7, "terminate_on_success": True, "task_select": "pseudorandom"},
    {"reward_function_version": "v1", "camera_name": Camera((1.0, 0.0, 1.0), (0.0, 0.6, 0.1)), "record_episode_statistics": False},
)
VECTORS = (
    ("MT1", {"env_name": "reach", "num_envs": 3}),
    ("goal_observable", {"env_name": "push", "num_envs": 2}),
    ("goal_hidden", {"env_name": "push", "num_envs": 2}),
    ("custom-mt-envs", {"envs_list": ["reach", "push", "reach"]}),
    ("ML1-train", {"env_name": "door-open", "meta_batch_size": 2}),
    ("custom-ml-envs", {"train_envs": ["reach"], "test_envs": ["push"], "meta_batch_size": 2}),
)
TRANSFORMS = (
    {},
    {"normalize_observations": True, "recurrent_info_in_obs": True, "reward_normalization_method": "gymnasium"},
    {"frame_stack": 2, "reward_normalization_method": "exponential", "action_repeat": 2},
)


def make(task="reach", name="MT1", **keywords):
    return gymnasium.make(f"Meta-World/{name}", env_name=task, seed=1, **keywords)


def make_vec(name, **keywords):
    return gymnasium.make_vec(f"Meta-World/{name}", **{"seed": 1, "max_episode_steps": 9, **keywords})


def actions(steps, shape=(4,), seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (steps, *shape)).astype(np.float32)


def play(env, moves):
    """Observations and rewards, new episodes included."""
    seen = []
    for action in moves:
        observation, reward, terminated, truncated, _ = env.step(action)
        seen.append([*np.ravel(observation), *np.ravel(reward), *np.ravel(terminated | truncated)])
        if np.ndim(terminated) == 0 and (terminated or truncated):
            env.reset()
    return np.array(seen)


# Specs


@pytest.mark.parametrize("keywords", KEYWORDS)
@pytest.mark.parametrize("through", [lambda spec: spec, lambda spec: EnvSpec.from_json(spec.to_json())])
def test_a_spec_makes_the_same_environment_again(keywords, through):
    env = make(**keywords)
    twin = gymnasium.make(through(env.spec))
    again = gymnasium.make(through(twin.spec))
    assert str(env) == str(twin) == str(again) and env.observation_space == twin.observation_space
    for one in (env, twin, again):
        one.reset(seed=3)
    moves = actions(12)
    assert np.array_equal(play(env, moves), play(twin, moves)) and twin.spec == again.spec


@pytest.mark.parametrize("name", ["goal_observable", "goal_hidden"])
def test_specs_of_drawn_instances_do_so_too(name):
    env = make("push", name, action_repeat=2, max_episode_steps=8)
    twin = gymnasium.make(EnvSpec.from_json(env.spec.to_json()))
    assert np.array_equal(env.reset(seed=2)[0], twin.reset(seed=2)[0])
    assert np.array_equal(play(env, actions(6)), play(twin, actions(6)))


@pytest.mark.parametrize(("name", "keywords"), VECTORS)
def test_a_spec_makes_the_same_vector_environment_again(name, keywords):
    envs = make_vec(name, **keywords)
    twin = gymnasium.make_vec(EnvSpec.from_json(envs.spec.to_json()))
    assert twin.num_envs == envs.num_envs and np.array_equal(envs.reset(seed=3)[0], twin.reset(seed=3)[0])


# Limits


@pytest.mark.parametrize("name", ["MT1", "goal_observable"])
def test_episodes_end_after_five_hundred_steps_whoever_counts(name):
    made = make(name=name)
    assert made.unwrapped.max_path_length == 500 == env_class("reach")().max_path_length
    made.unwrapped.reset(seed=0)
    ends = [made.unwrapped.step(np.zeros(4, np.float32))[3] for _ in range(500)]
    assert ends == [False] * 499 + [True]
    assert make(name=name, max_episode_steps=600).unwrapped.max_path_length == 600


def test_a_limit_below_the_steps_taken_ends_the_episode():
    env = make().unwrapped
    env.reset(seed=0)
    for action in actions(5):
        env.step(action)
    env.max_path_length = 3
    assert env.step(np.zeros(4, np.float32))[3]


def test_planning_by_restoring_leaves_each_try_the_steps_that_there_were():
    env = make(max_episode_steps=10)
    env.reset(seed=0)
    for action in actions(4):
        env.step(action)
    state, whole = env.unwrapped.get_state(), env.get_state()
    for _ in range(5):
        env.unwrapped.set_state(state)
        assert [env.step(action)[3] for action in actions(6)] == [False] * 5 + [True]
    env.set_state(whole)
    assert [env.step(action)[4] for action in actions(6)][-1]["episode"]["l"] == 10


@pytest.mark.parametrize("keywords", KEYWORDS)
def test_the_innermost_state_takes_the_wrappers_along(keywords):
    env = make(**{"max_episode_steps": 12, **keywords})
    env.reset(seed=0)
    play(env, actions(3))
    state = env.unwrapped.get_state()
    future = [env.step(action) for action in actions(2, seed=1)]
    for one in (env, copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
        play(one, actions(4, seed=2))
        one.unwrapped.set_state(state)
        again = [one.step(action) for action in actions(2, seed=1)]
        assert all(np.array_equal(*pair) for pair in zip((step[0] for step in future), (step[0] for step in again), strict=True))
        assert [step[1:4] for step in again] == [step[1:4] for step in future]
        if keywords.get("record_episode_statistics", True):
            (wrapper,) = (layer for layer in layers(one) if isinstance(layer, gymnasium.wrappers.RecordEpisodeStatistics))
            assert wrapper.episode_lengths == 5


def test_a_state_of_a_made_environment_goes_into_a_bare_one_and_back():
    env, bare = make(), env_class("reach")()
    env.reset(seed=0)
    play(env, actions(3))
    bare.set_state(env.unwrapped.get_state())
    assert np.array_equal(bare.step(actions(1)[0])[0], env.step(actions(1)[0])[0])
    env.unwrapped.set_state(bare.get_state())


def layers(env):
    while isinstance(env, gymnasium.Wrapper):
        yield env
        env = env.env


# Checkpoints


@pytest.mark.parametrize("keywords", KEYWORDS)
def test_environments_from_make_have_checkpoints(keywords):
    env, other = make(**keywords), make(**keywords)
    env.reset(seed=3)
    play(env, actions(10))
    checkpoint = json.loads(json.dumps(env.get_wrapper_attr("get_checkpoint")()))
    assert len(json.dumps(checkpoint)) < 60_000
    future = play(env, actions(12, seed=1))
    other.get_wrapper_attr("load_checkpoint")([checkpoint])
    assert np.array_equal(future, play(other, actions(12, seed=1)))


@pytest.mark.parametrize("strategy", ["native", "sync"])
@pytest.mark.parametrize("transforms", TRANSFORMS)
@pytest.mark.parametrize(("name", "keywords"), VECTORS)
def test_vector_environments_of_every_id_have_checkpoints(name, keywords, transforms, strategy):
    envs, other = (make_vec(name, vector_strategy=strategy, **keywords, **transforms) for _ in range(2))
    moves = actions(30, (envs.num_envs, 4))
    envs.reset(seed=3)
    other.reset(seed=5)
    play(envs, moves[:13])
    checkpoints = json.loads(json.dumps(envs.call("get_checkpoint")))
    ids = [name for name, _ in checkpoints]
    assert len(set(ids)) == envs.num_envs == len(ids)
    future = play(envs, moves[13:])
    other.call("load_checkpoint", checkpoints[::-1])
    assert np.array_equal(future, play(other, moves[13:]))


@pytest.mark.slow
def test_asynchronous_environments_have_checkpoints():
    envs = make_vec("custom-mt-envs", envs_list=["reach", "push"], vector_strategy="async")
    try:
        envs.reset(seed=3)
        checkpoints = envs.call("get_checkpoint")
        future = play(envs, actions(12, (2, 4)))
        envs.call("load_checkpoint", checkpoints)
        assert np.array_equal(future, play(envs, actions(12, (2, 4))))
    finally:
        envs.close()


def test_a_checkpoint_that_does_not_fit_is_refused_and_changes_nothing():
    envs, other = make_vec("custom-mt-envs", envs_list=["reach", "push"]), make_vec("custom-mt-envs", envs_list=["push", "reach"])
    for one in (envs, other):
        one.reset(seed=0)
    before = envs.call("get_checkpoint")
    with pytest.raises(ValueError, match="must stand once in the checkpoints"):
        envs.call("load_checkpoint", other.call("get_checkpoint"))
    with pytest.raises(ValueError, match="must stand once in the checkpoints"):
        envs.call("load_checkpoint", [*before, *before])
    assert envs.call("get_checkpoint") == before


def test_a_checkpoint_of_another_strategy_is_refused_and_changes_nothing():
    kinds = [make_vec("MT1", env_name="reach", num_envs=2, vector_strategy=strategy) for strategy in ("native", "sync")]
    for one, other in (kinds, kinds[::-1]):
        one.reset(seed=0)
        other.reset(seed=1)
        before = json.dumps(one.call("get_checkpoint"))
        with pytest.raises(ValueError, match=r"is of a .*, this is a .*"):
            one.call("load_checkpoint", other.call("get_checkpoint"))
        assert json.dumps(one.call("get_checkpoint")) == before


# One task, several environments


@pytest.mark.parametrize("name", ["MT1", "goal_observable", "goal_hidden"])
def test_several_environments_of_a_task_are_native(name):
    envs = make_vec(name, env_name="push", num_envs=4, use_one_hot=True)
    assert isinstance(envs, MetaWorldVectorEnv) and envs.num_envs == 4
    assert isinstance(make_vec(name, env_name="push", num_envs=2, vectorization_mode="vector_entry_point"), MetaWorldVectorEnv)
    sync = make_vec(name, env_name="push", num_envs=4, use_one_hot=True, vector_strategy="sync")
    assert np.array_equal(envs.reset(seed=3)[0], sync.reset(seed=3)[0])
    for moves in actions(12, (4, 4)):
        one, two = envs.step(moves), sync.step(moves)
        np.testing.assert_allclose(one[0], two[0], atol=1e-12)
        np.testing.assert_allclose(one[1], two[1], atol=1e-12)


def test_gymnasiums_own_vector_classes_serve_one_task():
    envs = gymnasium.make_vec(
        "Meta-World/MT1", num_envs=2, vectorization_mode="sync", env_name="reach", seed=1, recurrent_info_in_obs=True, max_episode_steps=5
    )
    assert envs.reset(seed=0)[0].shape == (2, 45)
    assert [envs.step(actions(1, (2, 4))[0])[3].all() for _ in range(5)] == [False] * 4 + [True]
    with pytest.raises(ValueError, match="write vector_strategy='sync'"):
        gymnasium.make_vec("Meta-World/MT1", num_envs=2, vectorization_mode="sync", env_name="reach", action_repeat=2)


def test_published_keywords_of_one_task_are_taken():
    env = make(vector_strategy="async", autoreset_mode="NextStep", num_envs=1, use_one_hot=True, env_id=2, num_tasks=5)
    assert env.reset(seed=0)[0][39:].tolist() == [0, 0, 1, 0, 0] and len(env.unwrapped.tasks) == 50
    with pytest.raises(ValueError, match=r"needs env_id= .* num_goals= says how many instances"):
        make(use_one_hot=True, num_tasks=5)
    with pytest.raises(ValueError, match="vector_strategy must be one of"):
        make(vector_strategy="fork")
    with pytest.warns(UserWarning, match="make_vec gives num_envs=4"):
        make(num_envs=4)


def test_a_wrapper_of_ones_own_may_record_the_episodes():
    env = gymnasium.wrappers.RecordEpisodeStatistics(make(max_episode_steps=3, record_episode_statistics=False))
    env.reset(seed=0)
    assert [env.step(action)[4] for action in actions(3)][-1]["episode"]["l"] == 3
    envs = gymnasium.wrappers.vector.RecordEpisodeStatistics(
        make_vec("MT1", env_name="reach", num_envs=2, max_episode_steps=3, record_episode_statistics=False)
    )
    envs.reset(seed=0)
    assert [envs.step(moves)[4] for moves in actions(3, (2, 4))][-1]["episode"]["l"].tolist() == [3, 3]


# Reaching into vector environments


def test_each_environment_can_be_given_an_instance():
    tasks = MT1("reach", seed=2).train_tasks
    envs = make_vec("MT1", env_name="reach", num_envs=3)
    envs.envs[1].set_task(tasks[0])
    envs.reset(seed=0)
    assert envs.tasks[1] == tasks[0] == envs.envs[1].task and envs.tasks[0] != tasks[0]
    envs.call("set_task", tasks[1])
    envs.reset()
    assert envs.tasks == [tasks[1]] * 3 == list(envs.get_attr("task"))
    envs.reset(options={"task": tasks[2]})
    envs.reset()
    assert envs.tasks == [tasks[2]] * 3 and envs.get_attr("tasks") == ([tasks[2]],) * 3
    assert envs.envs[2]._last_rand_vec.tolist() == list(tasks[2].rand_vec) and envs.envs[0].max_path_length == 9
    with pytest.raises(ValueError, match="plays reach, got an instance of push"):
        envs.call("set_task", MT1("push", seed=1).train_tasks[0])
    with pytest.raises(AttributeError, match="vector_strategy='sync' gives whole ones"):
        envs.envs[0].step(np.zeros(4))


def test_attributes_are_read_and_set_as_on_gymnasiums_vector_classes():
    tasks = MT10(seed=1)
    for strategy in ("native", "sync"):
        envs = make_vec("MT10", vector_strategy=strategy)
        envs.reset(seed=0)
        assert list(envs.get_attr("tasks")[0]) == list(tasks.instances_of("reach"))
        assert envs.get_attr("max_path_length") == (9,) * 10 and all(envs.call("_set_task_called"))
        envs.set_attr("max_path_length", 2)
        assert [envs.step(moves)[3].all() for moves in actions(2, (10, 4))] == [False, True]
        envs.set_attr("_freeze_rand_vec", [True] * 10)
        first = envs.get_attr("task")
        envs.reset()
        assert envs.get_attr("task") == first
        envs.set_attr("_freeze_rand_vec", False)
        envs.reset()
        assert not set(envs.get_attr("task")) & set(tasks.train_tasks)
    native = make_vec("MT10")
    with pytest.raises(ValueError, match="one value for all environments here"):
        native.set_attr("max_episode_steps", list(range(1, 11)))
    with pytest.raises(ValueError, match="one per environment"):
        native.set_attr("max_episode_steps", [1, 2])
    with pytest.raises(AttributeError, match="cannot be set"):
        native.set_attr("nonsense", 1)
    with pytest.raises(ValueError, match="make another one with reward_function_version='v1'"):
        native.reward_function_version = "v1"


def test_what_layers_wrap_can_be_reached_too():
    envs = make_vec("MT1", env_name="reach", num_envs=2, normalize_observations=True, frame_stack=2)
    envs.set_attr("max_path_length", 4)
    assert envs.get_attr("max_path_length") == (4, 4) and len(envs.get_attr("tasks")) == 2


# Restored and refused


def test_a_state_brings_the_instances_that_were_set():
    envs, other = make_vec("MT1", env_name="reach", num_envs=2), make_vec("MT1", env_name="reach", num_envs=2, num_goals=3)
    envs.reset(seed=0)
    state = envs.get_state()
    future = play(envs, actions(25, (2, 4)))
    envs.set_tasks(MT1("reach", seed=9).train_tasks[:2])
    for one in (envs, other):
        one.set_state(state)
        assert np.array_equal(future, play(one, actions(25, (2, 4))))


def test_a_state_of_other_visibility_is_refused():
    shown, hidden = (make_vec(name, env_name="reach", num_envs=2) for name in ("goal_observable", "goal_hidden"))
    for one in (shown, hidden):
        one.reset(seed=0)
    with pytest.raises(ValueError, match="was made for goals that are visible"):
        shown.set_state(hidden.get_state())


@pytest.mark.parametrize("compiled", [False, True])
def test_a_refused_reset_changes_nothing(compiled):
    if compiled:
        pytest.importorskip("numba")
    benchmark = ML10(seed=1)
    envs = make_vec("custom-ml-envs", train_envs=["reach", "push"], test_envs=["door-open"], meta_batch_size=2, compiled=compiled)
    envs.reset(seed=0)
    before = pickle.dumps(envs.get_state())
    own = [next(benchmark.instances_of(name)) for name in ("reach", "push")]
    shown = [MT1(name, seed=1).train_tasks[0] for name in ("reach", "push")]
    refused = (
        {"tasks": own[::-1]},
        {"tasks": [own[0], shown[1]]},
        {"tasks": shown},
        {"tasks": own[:1]},
        {"tasks": [own[0], None]},
        {"task": own[0]},
        {"tasks": own, "reset_mask": np.zeros(2, dtype=bool)},
        {"nonsense": 1},
    )
    for options in refused:
        with pytest.raises(ValueError):
            envs.reset(seed=7, options=options)
        assert pickle.dumps(envs.get_state()) == before
    for seed in ([1], -1, [0, 1.5]):
        with pytest.raises(ValueError):
            envs.reset(seed=seed)
        assert pickle.dumps(envs.get_state()) == before
    future = play(envs, actions(8, (2, 4)))
    envs.set_state(pickle.loads(before))
    assert np.array_equal(future, play(envs, actions(8, (2, 4))))


def test_a_refused_reset_of_one_environment_changes_nothing():
    env = make("reach").unwrapped
    env.reset(seed=0)
    before = env.get_state().to_plain()
    for seed, options in ((1, {"task": MT1("push", seed=1).train_tasks[0]}), (1, {"nonsense": 1}), (-1, None), (True, None)):
        with pytest.raises(ValueError):
            env.reset(seed=seed, options=options)
        assert env.get_state().to_plain() == before


def test_numpy_seeds_are_taken():
    env = make()
    assert np.array_equal(env.reset(seed=np.int64(3))[0], env.reset(seed=3)[0])
    for strategy in ("native", "sync"):
        envs = make_vec("MT1", env_name="reach", num_envs=2, vector_strategy=strategy)
        assert np.array_equal(envs.reset(seed=np.int64(3))[0], envs.reset(seed=[np.int32(3), np.int64(4)])[0])


# Threads


@pytest.mark.parametrize("kind", ["one", "native", "compiled"])
def test_two_threads_in_one_environment_take_turns(kind):
    if kind == "compiled":
        pytest.importorskip("numba")
    env = (
        make().unwrapped
        if kind == "one"
        else make_vec("MT1", env_name="reach", num_envs=2, max_episode_steps=500, compiled=kind == "compiled")
    )
    shape = (4,) if kind == "one" else (2, 4)
    env.reset(seed=0)
    done = []

    def work(seed):
        one = env if kind == "one" else env.envs[1]
        for action in actions(150, shape, seed):
            env.step(action)
            assert len(one.compute_reward(np.zeros(4), None)) == 7 and one.tcp_center.shape == (3,) and one.data.qpos.any()
        done.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [0, 1, 2] and env.call("curr_path_length")[0] == 450 if kind != "one" else env.curr_path_length == 450


# Classes


@pytest.mark.parametrize("task", ["door-open-v3", "reach-v3", "peg-insert-side-v3"])
def test_classes_pickle_by_name(task):
    cls = ALL_V3_ENVIRONMENTS[task]
    assert pickle.loads(pickle.dumps(cls)) is cls and len(pickle.dumps(cls)) < 100


def test_what_holds_classes_pickles():
    benchmark = pickle.loads(pickle.dumps(MT10(seed=1)))
    assert benchmark.train_classes["reach-v3"] is ALL_V3_ENVIRONMENTS["reach-v3"] and benchmark.train_tasks == MT10(seed=1).train_tasks
    assert pickle.loads(pickle.dumps(ALL_V3_ENVIRONMENTS)) == ALL_V3_ENVIRONMENTS
    cloudpickle = pytest.importorskip("cloudpickle")
    assert len(cloudpickle.dumps(benchmark.train_classes)) < 2_000


def test_an_environments_task_name_finds_its_class():
    by_name = {cls.__name__: name for name, cls in ALL_V3_ENVIRONMENTS.items()}
    for name, cls in list(ALL_V3_ENVIRONMENTS.items())[:3]:
        assert by_name[cls().task_name] == name
