"""Wrappers, and the array forms of observations and rewards that they share with vector environments."""

import copy
import json
import pickle
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium import wrappers as gymnasium_wrappers
from gymnasium.utils.env_checker import check_env

from metaworld_py import MT1, MetaWorldVectorEnv, wrappers
from metaworld_py.envs.env import env_class
from metaworld_py.envs.normalizers import ExponentialRewardNormalizer, ObservationNormalizer, RecurrentInfo, ReturnNormalizer

# Gymnasium's wrappers and ours do the same sums in another order.
ROUNDING = 1e-12
# Gymnasium hands out normalised observations as float32.
FLOAT32_ROUNDING = 1e-6

TASKS = MT1("reach", seed=1).train_tasks
NORMALIZERS = [
    lambda n: ObservationNormalizer(n, size=3),
    ReturnNormalizer,
    lambda n: ExponentialRewardNormalizer(n, alpha=0.1),
]
WRAPPERS = {
    "one-hot": lambda env: wrappers.OneHotWrapper(env, task_idx=2, num_tasks=5),
    "random": lambda env: wrappers.RandomTaskSelectWrapper(env, TASKS[:7]),
    "pseudorandom": lambda env: wrappers.PseudoRandomTaskSelectWrapper(env, TASKS[:7]),
    "pseudorandom-each-reset": lambda env: wrappers.PseudoRandomTaskSelectWrapper(env, TASKS[:7], sample_tasks_on_reset=True),
    "terminate": wrappers.AutoTerminateOnSuccessWrapper,
    "recurrent": lambda env: wrappers.RNNBasedMetaRLWrapper(env, normalize_reward=False),
    "checkpoint": lambda env: wrappers.CheckpointWrapper(env, "reach-0"),
    "repeat": lambda env: wrappers.ActionRepeat(env, 2),
    "sparse": lambda env: wrappers.SparseReward(env, "success-1"),
    "float32": wrappers.Float32Observations,
    "current-frame": wrappers.CurrentFrameOnly,
    "all-observations": lambda env: wrappers.Float32Observations(
        wrappers.CurrentFrameOnly(wrappers.RNNBasedMetaRLWrapper(wrappers.OneHotWrapper(env, 0, 3)))
    ),
}


class Scripted(gymnasium.Env):
    """Gives out the listed numbers, whatever is done."""

    observation_space = gymnasium.spaces.Box(-1000.0, 1000.0, (3,), np.float64)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float32)

    def __init__(self, rewards=(), successes=(), ends=()):
        steps = max(len(rewards), len(successes))
        self.script = list(zip(rewards or [0.0] * steps, successes or [0.0] * steps, ends or [False] * steps, strict=True))[::-1]

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(3), {}

    def step(self, action):
        reward, success, end = self.script.pop()
        return np.full(3, reward), reward, end, False, {"success": success, "unscaled_reward": reward}


def reach(hide_goal=False):
    env = env_class("reach")(max_episode_steps=None)
    env.set_tasks([replace(task, partially_observable=hide_goal) for task in TASKS[:7]])
    return env


@pytest.fixture
def reach_id():
    """An id without wrappers of its own, so that only ours are tested for specs."""
    gymnasium.register("wrapper-tests/Reach-v0", entry_point=reach, max_episode_steps=500)
    yield "wrapper-tests/Reach-v0"
    del gymnasium.registry["wrapper-tests/Reach-v0"]


def make(name="reach", gym_id="MT1", **kwargs):
    return gymnasium.make(f"Meta-World/{gym_id}", env_name=name, **{"seed": 1, **kwargs})


def actions(steps, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (steps, 4)).astype(np.float32)


def goals(env, resets):
    return [tuple(env.reset()[0][36:39]) for _ in range(resets)]


def goals_of(tasks):
    return {task.rand_vec[3:] for task in tasks}


def normalize(normalizer, values, **options):
    """One call of any normaliser, with the first column as rewards."""
    if isinstance(normalizer, ObservationNormalizer):
        return normalizer.normalize(values, **options)
    if isinstance(normalizer, ReturnNormalizer):
        return normalizer.normalize(values[:, 0], values[:, 1] > 1.0, **options)
    return normalizer.normalize(values[:, 0], **options)


# Array forms


def test_observation_normalizer_equals_gymnasiums():
    raw, normalized, ours = make(), gymnasium_wrappers.NormalizeObservation(make()), ObservationNormalizer(1, size=39)
    for episode in range(2):
        pairs = [(raw.reset(seed=episode)[0], normalized.reset(seed=episode)[0])]
        pairs += [(raw.step(action)[0], normalized.step(action)[0]) for action in actions(30)]
        for observation, expected in pairs:
            assert ours.normalize(observation[np.newaxis])[0] == pytest.approx(expected, rel=FLOAT32_ROUNDING, abs=FLOAT32_ROUNDING)
    state = ours.get_state()
    assert state["mean"][0] == pytest.approx(normalized.obs_rms.mean, rel=ROUNDING)
    assert state["var"][0] == pytest.approx(normalized.obs_rms.var, rel=ROUNDING)
    assert state["count"][0] == pytest.approx(normalized.obs_rms.count, rel=ROUNDING)


def test_return_normalizer_equals_gymnasiums():
    rewards = np.random.default_rng(0).uniform(0, 10, 50).tolist()
    ends = [step in (12, 30) for step in range(50)]
    theirs, ours = gymnasium_wrappers.NormalizeReward(Scripted(rewards, ends=ends), gamma=0.9), ReturnNormalizer(1, discount=0.9)
    theirs.reset()
    for reward, end in zip(rewards, ends, strict=True):
        expected = theirs.step(np.zeros(4, np.float32))[1]
        assert ours.normalize(np.array([reward]), np.array([end]))[0] == pytest.approx(float(np.squeeze(expected)), rel=ROUNDING)


def test_exponential_normalizer_takes_each_reward_in_once():
    normalizer = ExponentialRewardNormalizer(1, alpha=0.1)
    scaled = normalizer.normalize(np.array([1.0]))
    state = normalizer.get_state()
    assert state["mean"].tolist() == pytest.approx([0.1])
    assert state["var"].tolist() == pytest.approx([0.981])  # 0.9 · 1 + 0.1 · (1 − 0.1)²
    assert scaled.tolist() == pytest.approx([1.0 / (np.sqrt(0.981) + 1e-8)])


@pytest.mark.parametrize("normalizer_of", NORMALIZERS)
def test_environments_are_normalised_apart_and_only_where_the_mask_says(normalizer_of):
    rng = np.random.default_rng(0)
    together, alone = normalizer_of(4), [normalizer_of(1) for _ in range(4)]
    for _ in range(20):
        values, mask = rng.normal(1.0, 2.0, (4, 3)), rng.random(4) < 0.6
        got = normalize(together, values, mask=mask)
        expected = [normalize(alone[env], values[env : env + 1], mask=mask[env : env + 1])[0] for env in range(4)]
        assert np.array_equal(got, np.array(expected))
    before = together.get_state()
    normalize(together, rng.normal(size=(4, 3)), mask=np.zeros(4, dtype=bool))
    for name, rows in together.get_state().items():
        assert np.array_equal(rows, before[name])


@pytest.mark.parametrize("normalizer_of", NORMALIZERS)
def test_a_normalizers_state_survives_json(normalizer_of):
    values = np.random.default_rng(0).normal(size=(10, 2, 3))
    one, two = normalizer_of(2), normalizer_of(2)
    for step in values[:5]:
        normalize(one, step)
    two.set_state(json.loads(json.dumps({name: rows.tolist() for name, rows in one.get_state().items()})))
    for step in values[5:]:
        assert np.array_equal(normalize(one, step), normalize(two, step))


def test_states_are_copies_and_wrong_ones_are_refused():
    normalizer = ExponentialRewardNormalizer(2)
    state = normalizer.get_state()
    state["mean"][:] = 7.0
    assert not normalizer.get_state()["mean"].any()
    normalizer.set_state(state)
    normalizer.normalize(np.ones(2))
    assert state["mean"].tolist() == [7.0, 7.0]
    with pytest.raises(ValueError, match=r"has \['mean', 'var'\], got \['mean'\]"):
        normalizer.set_state({"mean": np.zeros(2)})
    with pytest.raises(ValueError, match=r"var of ExponentialRewardNormalizer must have shape \(2,\), got \(3,\)"):
        normalizer.set_state({"mean": np.zeros(2), "var": np.ones(3)})
    with pytest.raises(ValueError, match="mean of ExponentialRewardNormalizer must be finite"):
        normalizer.set_state({"mean": [np.nan, 0.0], "var": np.ones(2)})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ObservationNormalizer(0, 3), "n_envs must be at least 1"),
        (lambda: ReturnNormalizer(1, discount=1.1), r"discount must lie in \[0, 1\], got 1.1"),
        (lambda: ExponentialRewardNormalizer(1, alpha=0.0), r"alpha must lie in \(0, 1\], got 0.0"),
        (lambda: ExponentialRewardNormalizer(2).normalize(np.ones(2), np.array([1, 0])), r"mask must be \(2,\) bool"),
    ],
)
def test_transformations_refuse_bad_arguments(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_recurrent_info_follows_each_environment():
    recurrent, observations = RecurrentInfo(2), np.zeros((2, 3), np.float32)
    moves = np.arange(8.0).reshape(2, 4)
    recurrent.record(moves, np.array([5.0, 10.0]), np.array([False, True]))
    both = recurrent.append(observations)
    assert both.dtype == np.float32
    assert both.tolist() == [[0, 0, 0, 0, 1, 2, 3, 0.5, 0], [0, 0, 0, 4, 5, 6, 7, 1.0, 1]]
    recurrent.reset(np.array([False, True]))
    recurrent.record(-moves, np.array([1.0, 1.0]), np.array([True, True]), mask=np.array([False, False]))
    assert recurrent.append(observations).tolist() == [both[0].tolist(), [0.0] * 9]


# All wrappers


@pytest.mark.filterwarnings("ignore:.*different from the unwrapped version")
@pytest.mark.parametrize("hide_goal", [False, True])
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_gymnasiums_checker_is_silent(wrapper, hide_goal, reach_id):
    check_env(WRAPPERS[wrapper](gymnasium.make(reach_id, hide_goal=hide_goal)), skip_render_check=True)


@pytest.mark.parametrize("wrapper", [*WRAPPERS, "exponential"])
def test_specs_and_pickles_make_the_same_environment(wrapper, reach_id):
    wrap = WRAPPERS.get(wrapper, lambda env: wrappers.NormalizeRewardsExponential(0.1, env))
    env = wrap(gymnasium.make(reach_id))
    for twin in (gymnasium.make(env.spec), pickle.loads(pickle.dumps(env)), copy.deepcopy(env)):
        assert str(twin) == str(env) and twin.observation_space == env.observation_space
        runs = [[one.reset(seed=4)[0], *(one.step(action)[:2] for action in actions(5))] for one in (wrap(gymnasium.make(reach_id)), twin)]
        for expected, got in zip(*runs, strict=True):
            for a, b in zip(expected, got, strict=True):
                assert np.array_equal(a, b)


@pytest.mark.parametrize("wrapper", ["one-hot", "recurrent", "float32", "current-frame", "all-observations"])
def test_observations_lie_in_the_space(wrapper):
    env = WRAPPERS[wrapper](make())
    observations = [env.reset(seed=0)[0], *(env.step(action)[0] for action in actions(20))]
    for observation in observations:
        assert env.observation_space.contains(observation)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda env: wrappers.RandomTaskSelectWrapper(env, TASKS),
        wrappers.AutoTerminateOnSuccessWrapper,
        lambda env: wrappers.CheckpointWrapper(env, "a"),
        wrappers.CurrentFrameOnly,
    ],
)
def test_wrappers_for_meta_world_refuse_other_environments(wrap):
    with pytest.raises(TypeError, match=r"Meta-World environments only|the 39 numbers of MetaWorldEnv, got 3"):
        wrap(Scripted())


# One by one


def test_one_hot_id_comes_last():
    plain, env = make(), wrappers.OneHotWrapper(make(), 1, 3)
    expected = plain.reset(seed=0)[0]
    assert env.reset(seed=0)[0].tolist() == [*expected, 0.0, 1.0, 0.0]
    assert env.observation_space.high[39:].tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(ValueError, match="task_idx must lie in 0…num_tasks − 1 = 2, got 3"):
        wrappers.OneHotWrapper(make(), 3, 3)


def test_random_selection_takes_a_task_each_reset_unless_switched_off():
    env = wrappers.RandomTaskSelectWrapper(make(), TASKS[:10])
    env.reset(seed=0)
    drawn = goals(env, 20)
    assert set(drawn) <= goals_of(TASKS[:10]) and len(set(drawn)) > 4
    env.toggle_sample_tasks_on_reset(False)
    kept = set(goals(env, 5))
    assert len(kept) == 1
    assert len({tuple(env.sample_tasks()[0][36:]) for _ in range(20)}) > 4
    assert len(set(goals(env, 5))) == 1


@pytest.mark.parametrize("sample_tasks_on_reset", [False, True])
def test_pseudorandom_selection_plays_each_task_once_per_cycle(sample_tasks_on_reset):
    env = wrappers.PseudoRandomTaskSelectWrapper(make(), TASKS[:5], sample_tasks_on_reset)
    cycles = [[tuple(env.sample_tasks()[0][36:]) for _ in range(5)] for _ in range(4)]
    for cycle in cycles:
        assert set(cycle) == goals_of(TASKS[:5])
    assert len({tuple(cycle) for cycle in cycles}) > 1
    assert (len(set(goals(env, 5))) == 5) == sample_tasks_on_reset


def test_sample_tasks_gives_the_first_observation_of_the_next_task():
    env = wrappers.PseudoRandomTaskSelectWrapper(make(), TASKS[:5])
    observation, info = env.sample_tasks(seed=3)
    assert info == {} and observation[36:] == pytest.approx(env.unwrapped.task.rand_vec[3:])
    task = env.unwrapped.task
    env.reset()
    assert env.unwrapped.task == task
    env.sample_tasks()
    assert env.unwrapped.task != task
    env.sample_tasks(seed=3)
    assert env.unwrapped.task == task


@pytest.mark.parametrize("select", [wrappers.RandomTaskSelectWrapper, wrappers.PseudoRandomTaskSelectWrapper])
def test_reset_seed_decides_the_tasks(select):
    env = select(make(), TASKS, sample_tasks_on_reset=True)
    runs = []
    for _ in range(2):
        env.reset(seed=5)
        runs.append((env.unwrapped.task, goals(env, 5)))
    assert runs[0] == runs[1]


def test_tasks_of_another_environment_are_refused():
    with pytest.raises(ValueError, match=r"plays push-v3; the task given is an instance of reach-v3"):
        wrappers.RandomTaskSelectWrapper(make("push"), TASKS)


def test_success_terminates_unless_switched_off():
    env = wrappers.AutoTerminateOnSuccessWrapper(make("reach"))
    assert env.terminate_on_success
    expert = env.unwrapped.task_def.expert

    def play():
        observation, _ = env.reset(seed=0)
        for _ in range(150):
            observation, _, terminated, _, info = env.step(np.array(expert(observation.tolist()), np.float32).clip(-1, 1))
            if info["success"]:
                break
        return terminated, info["success"]

    assert play() == (True, 1.0)
    env.toggle_terminate_on_success(False)
    assert not env.terminate_on_success and play() == (False, 1.0)


def test_recurrent_wrapper_appends_action_reward_and_done():
    env = wrappers.RNNBasedMetaRLWrapper(make(max_episode_steps=2))
    observation, _ = env.reset(seed=0)
    assert observation.shape == (45,) and not observation[39:].any()
    for action, done in zip(actions(2), (0.0, 1.0), strict=True):
        observation, reward = env.step(action)[:2]
        assert observation[39:].tolist() == pytest.approx([*action, reward / 10.0, done])
    assert not env.reset()[0][39:].any()


def test_recurrent_wrapper_can_show_the_whole_reward():
    env = wrappers.RNNBasedMetaRLWrapper(Scripted([-700.0]), normalize_reward=False)
    env.reset()
    observation = env.step(actions(1)[0])[0]
    assert observation[7] == -700.0 and env.observation_space.contains(observation)


def test_exponential_reward_wrapper_takes_each_reward_in_once():
    env = wrappers.NormalizeRewardsExponential(0.1, Scripted([1.0, 2.0]))
    env.reset()
    assert env.step(actions(1)[0])[1] == pytest.approx(1.0 / np.sqrt(0.981))
    assert env.normalizer.get_state()["mean"].tolist() == pytest.approx([0.1])
    assert env.step(actions(1)[0])[1] == pytest.approx(2.0 / np.sqrt(0.9 * 0.981 + 0.1 * (2.0 - 0.29) ** 2))


def test_action_repeat_sums_rewards_and_remembers_success():
    env = wrappers.ActionRepeat(Scripted([1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 1.0, 0.0, 0.0, 0.0], [False, False, False, True, False]), 3)
    observation, reward, terminated, _, info = env.step(actions(1)[0])
    assert (observation[0], reward, terminated, info) == (3.0, 6.0, False, {"success": 1.0, "unscaled_reward": 6.0})
    observation, reward, terminated, _, info = env.step(actions(1)[0])
    assert (observation[0], reward, terminated, info) == (4.0, 4.0, True, {"success": 0.0, "unscaled_reward": 4.0})
    with pytest.raises(ValueError, match="repeat must be at least 1, got 0"):
        wrappers.ActionRepeat(Scripted(), 0)


def test_action_repeat_equals_the_vector_environments():
    env, envs = make(max_episode_steps=9), MetaWorldVectorEnv([TASKS], action_repeat=4, max_episode_steps=9, autoreset_mode="Disabled")
    env = wrappers.ActionRepeat(env, 4)
    assert np.array_equal(env.reset(seed=2)[0], envs.reset(seed=2)[0][0])
    for action in actions(3):
        one, many = env.step(action), envs.step(action[np.newaxis])
        assert np.array_equal(one[0], many[0][0]) and one[1] == pytest.approx(many[1][0], rel=ROUNDING)
        assert (one[2], one[3]) == (many[2][0], many[3][0])
        one[4].pop("episode", None)  # seconds differ
        for name, value in one[4].items():
            assert value == pytest.approx(many[4][name][0], rel=ROUNDING), name
    assert one[3]


@pytest.mark.parametrize(("kind", "rewards"), [("sparse", [0.0, 1.0, 0.0]), ("success-1", [-1.0, 0.0, -1.0])])
def test_sparse_reward_pays_for_success_alone(kind, rewards):
    env = wrappers.SparseReward(Scripted([3.0, 4.0, 5.0], [0.0, 1.0, 0.0]), kind)
    steps = [env.step(actions(1)[0]) for _ in range(3)]
    assert [step[1] for step in steps] == rewards
    assert [step[4]["unscaled_reward"] for step in steps] == [3.0, 4.0, 5.0]


def test_an_unknown_sparse_reward_is_refused():
    with pytest.raises(ValueError, match=r"kind must be one of \['sparse', 'success-1'\], got 'dense'"):
        wrappers.SparseReward(Scripted(), "dense")


def test_float32_observations_are_the_rounded_ones():
    plain, env = make(), wrappers.Float32Observations(make())
    observation = env.reset(seed=0)[0]
    assert observation.dtype == env.observation_space.dtype == np.float32
    assert np.array_equal(observation, plain.reset(seed=0)[0].astype(np.float32))


def test_current_frame_only_keeps_frame_and_goal():
    plain, env = make(), wrappers.CurrentFrameOnly(wrappers.OneHotWrapper(make(), 0, 2))
    plain.reset(seed=0), env.reset(seed=0)
    expected, got = (one.step(actions(1)[0])[0] for one in (plain, env))
    assert got.tolist() == [*expected[:18], *expected[36:], 1.0, 0.0]
    assert env.observation_space.low.tolist() == [*plain.observation_space.low[:18], *plain.observation_space.low[36:], 0.0, 0.0]


# Checkpoints


def stack(env_id="reach-0", task="reach", tasks=None):
    """Every wrapper that has a state, in the published order."""
    env = make(task, max_episode_steps=12, seed=None)
    env = wrappers.AutoTerminateOnSuccessWrapper(env)
    env = wrappers.RNNBasedMetaRLWrapper(env)
    env = wrappers.NormalizeRewardsExponential(0.1, gymnasium_wrappers.NormalizeReward(env))
    env = gymnasium_wrappers.NormalizeObservation(env)
    env = wrappers.PseudoRandomTaskSelectWrapper(env, tasks or MT1(task, seed=1).train_tasks[:5], sample_tasks_on_reset=True)
    return wrappers.CheckpointWrapper(env, env_id)


def play(env, steps):
    """Everything that comes out of so many steps of the environment's own random actions, new episodes included."""
    seen = []
    for _ in range(steps):
        action = env.action_space.sample()
        observation, reward, terminated, truncated, info = env.step(action)
        seen.append([*action, *observation, float(np.squeeze(reward)), terminated, truncated, info["success"]])
        if terminated or truncated:
            seen.append([info["episode"]["r"], info["episode"]["l"], *env.reset()[0]])
    return np.concatenate(seen)


@pytest.mark.parametrize("through", [copy.deepcopy, lambda checkpoint: pickle.loads(pickle.dumps(checkpoint))])
def test_a_checkpoint_in_the_middle_of_an_episode_repeats_the_future(through):
    env = stack()
    env.reset(seed=3)
    env.action_space.seed(3)
    play(env, 30)
    env.get_wrapper_attr("toggle_terminate_on_success")(False)
    checkpoint = through(env.get_checkpoint())
    future = play(env, 40)

    fresh = stack(tasks=TASKS[20:25])
    fresh.load_checkpoint([checkpoint])
    assert not fresh.get_wrapper_attr("terminate_on_success")
    assert np.array_equal(play(fresh, 40), future)
    env.load_checkpoint([checkpoint])
    assert np.array_equal(play(env, 40), future)


def test_environments_restored_from_one_checkpoint_live_on_apart():
    env, twin = stack(), stack()
    env.reset(seed=3)
    env.action_space.seed(3)
    checkpoint = env.get_checkpoint()
    twin.load_checkpoint([checkpoint])
    assert np.array_equal(play(env, 40), play(twin, 40))


def test_each_environment_of_a_vector_finds_its_own_checkpoint():
    def make_envs(first_task):
        spread = [TASKS[first_task + env : first_task + env + 20 : 4] for env in range(4)]
        return gymnasium.vector.SyncVectorEnv([lambda i=i: stack(f"reach-{i}", tasks=spread[i]) for i in range(4)])

    envs, fresh = make_envs(0), make_envs(20)
    envs.reset(seed=0)
    envs.action_space.seed(0)
    for _ in range(15):
        envs.step(envs.action_space.sample())
    checkpoints = envs.call("get_checkpoint")
    fresh.reset(seed=9)
    fresh.call("load_checkpoint", checkpoints[::-1])
    moves = np.stack([actions(4, seed) for seed in range(30)])
    futures = [np.array([one.step(step)[0] for step in moves]) for one in (envs, fresh)]
    assert np.array_equal(*futures)
    for env, twin in zip(envs.envs, fresh.envs, strict=True):
        assert env.get_wrapper_attr("tasks") == twin.get_wrapper_attr("tasks")


def test_missing_and_shared_ids_are_refused():
    env = stack("reach-1")
    pair = stack("reach-0").get_checkpoint()
    with pytest.raises(ValueError, match=r"'reach-1' is missing from the checkpoints \['reach-0'\]"):
        env.load_checkpoint([pair])
    with pytest.raises(ValueError, match=r"'reach-1' stands 2 times in the checkpoints .* an id and a checkpoint of its own"):
        env.load_checkpoint([env.get_checkpoint(), pair, env.get_checkpoint()])


def test_checkpoints_of_other_wrappers_or_tasks_are_refused():
    plain = wrappers.CheckpointWrapper(make(), "reach-0")
    with pytest.raises(ValueError, match=r"made inside the wrappers \['StandardWrappers', .* this environment has \['Pseudo"):
        stack().load_checkpoint([plain.get_checkpoint()])
    with pytest.raises(ValueError, match="plays push-v3; the state is of reach-v3"):
        wrappers.CheckpointWrapper(make("push"), "reach-0").load_checkpoint([plain.get_checkpoint()])


def test_a_wrapper_that_cannot_be_copied_is_named():
    env = gymnasium.Wrapper(make())
    env.resource = (line for line in "ab")
    with pytest.raises(TypeError, match=r"resource of the wrapper Wrapper cannot be copied .* inside of that wrapper"):
        wrappers.CheckpointWrapper(env, "a").get_checkpoint()


def test_generators_can_be_saved_and_set():
    env = make()
    env.reset(seed=0)
    state = wrappers.get_env_rng_checkpoint(env)
    drawn = [(env.np_random.random(), *env.action_space.sample(), *env.observation_space.sample()) for _ in range(2)]
    other = make()
    wrappers.set_env_rng(other, state)
    for expected in drawn:
        assert (other.np_random.random(), *other.action_space.sample(), *other.observation_space.sample()) == expected
    with pytest.raises(ValueError, match=r"must have .* got \['np_random_state'\]"):
        wrappers.set_env_rng(env, {"np_random_state": state["np_random_state"]})


def test_recurrent_observations_hold_actions_beyond_the_box():
    """They are appended as the agent gave them."""
    env = wrappers.RNNBasedMetaRLWrapper(make())
    envs = gymnasium.make_vec("Meta-World/MT1", env_name="reach", seed=1, recurrent_info_in_obs=True)
    env.reset(seed=0), envs.reset(seed=0)
    action = np.array([3.0, -2.0, 0.0, 7.5], np.float32)
    observation, observations = env.step(action)[0], envs.step(action[np.newaxis])[0]
    assert observation[39:43].tolist() == observations[0, 39:43].tolist() == action.tolist()
    assert env.observation_space.contains(observation) and envs.observation_space.contains(observations)
