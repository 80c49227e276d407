"""The vector environment: same numbers as single ones, autoreset as Gymnasium defines it."""

import gc
import weakref

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode

import metaworld_py
from metaworld_py import MT1, MT10, MetaWorldVectorEnv
from metaworld_py.envs.env import env_class


def make_mt10(**kwargs):
    return gymnasium.make_vec("Meta-World/MT10", **{"seed": 1, **kwargs})


def two_reaches(**kwargs):
    tasks = MT1("reach", seed=1).train_tasks
    return MetaWorldVectorEnv([tasks, tasks], **kwargs)


def test_mt10_has_ten_tasks_side_by_side():
    envs = make_mt10()
    assert envs.num_envs == 10 and envs.task_names[3] == "door-open"
    observations, _ = envs.reset(seed=0)
    assert observations.shape == (10, 39) and envs.observation_space.contains(observations)
    assert [task.env_name for task in envs.tasks] == list(MT10(1).train_classes)


def test_it_equals_single_environments_with_the_same_seeds():
    envs = make_mt10()
    singles = []
    for index, name in enumerate(envs.task_names):
        single = env_class(name)()
        single.set_tasks(list(MT10(1).instances_of(name)))
        singles.append((single, single.reset(seed=7 + index)[0]))
    observations, _ = envs.reset(seed=7)
    assert np.array_equal(observations, [observation for _, observation in singles])
    for actions in np.random.default_rng(0).uniform(-1, 1, (10, 10, 4)).astype(np.float32):
        together = envs.step(actions)
        alone = [single.step(action) for (single, _), action in zip(singles, actions, strict=True)]
        for index in range(4):
            assert np.array_equal(together[index], [step[index] for step in alone])
        assert np.array_equal(together[4]["obj_to_target"], [step[4]["obj_to_target"] for step in alone])


def test_sub_environments_choose_independently():
    envs = MetaWorldVectorEnv([MT1("reach", 1).train_tasks] * 8)
    envs.reset(seed=0)
    assert len(set(envs.tasks)) > 4


def test_same_step_autoreset_hands_out_final_observation_and_info():
    envs = two_reaches(max_episode_steps=3)
    envs.reset(seed=0)
    actions = np.zeros((2, 4), np.float32)
    for _ in range(2):
        assert not envs.step(actions)[3].any()
    before = [envs._batch.view(0).start.goal_pos]
    observations, _, _, truncations, infos = envs.step(actions)
    assert truncations.all() and infos["_final_obs"].all()
    assert infos["final_obs"][0][36:] == pytest.approx(before[0])
    assert np.array_equal(observations[:, :18], observations[:, 18:36]), "new episodes begin with two equal frames"
    assert set(infos["final_info"]) >= {"success", "_success", "obj_to_target"}


def test_next_step_autoreset_ignores_one_action():
    envs = two_reaches(max_episode_steps=2, autoreset_mode=AutoresetMode.NEXT_STEP)
    envs.reset(seed=0)
    actions = np.ones((2, 4), np.float32)
    envs.step(actions)
    last, _, _, truncations, infos = envs.step(actions)
    assert truncations.all() and "final_obs" not in infos
    observations, rewards, _, truncations, _ = envs.step(actions)
    assert not truncations.any() and not rewards.any()
    assert np.array_equal(observations[:, :18], observations[:, 18:36]) and not np.array_equal(observations, last)


def test_disabled_autoreset_wants_a_reset_mask():
    envs = two_reaches(max_episode_steps=2, autoreset_mode=AutoresetMode.DISABLED)
    envs.reset(seed=0)
    actions = np.zeros((2, 4), np.float32)
    envs.step(actions)
    envs.step(actions)
    with pytest.raises(ResetNeeded, match=r"environments \[0, 1\] have ended"):
        envs.step(actions)
    envs.reset(options={"reset_mask": np.array([True, True])})
    envs.step(actions)


def test_a_masked_reset_leaves_the_others_alone():
    envs = make_mt10()
    envs.reset(seed=0)
    actions = np.ones((10, 4), np.float32)
    before = envs.step(actions)[0]
    mask = np.arange(10) == 4
    after, _ = envs.reset(options={"reset_mask": mask})
    assert np.array_equal(before[~mask], after[~mask]) and not np.array_equal(before[mask], after[mask])


def test_a_masked_reset_seeds_only_what_it_resets_by_every_strategy():
    mask, outcomes = np.array([True, False]), []
    for strategy in ("native", "sync"):
        envs = make_reaches(strategy, autoreset_mode="Disabled")
        envs.reset(seed=1)
        envs.reset(seed=5, options={"reset_mask": mask.copy()})
        seeds = envs.get_attr("np_random_seed")
        outcomes.append((seeds, envs.reset(options={"reset_mask": ~mask})[0].tolist()))
    assert outcomes[0] == outcomes[1] and outcomes[0][0] == (5, 2)


def test_staggered_resets_end_episodes_at_different_times():
    """Once each: later episodes are whole, and nothing else is different."""
    envs, plain = two_reaches(max_episode_steps=4), two_reaches(max_episode_steps=4)
    observations, _ = envs.reset(seed=0, options={"elapsed_steps": np.array([0, 3])})
    assert np.array_equal(observations, plain.reset(seed=0)[0])
    actions, over, lengths = np.full((2, 4), 0.5, np.float32), [], []
    for step in range(9):
        _, rewards, _, truncated, infos = envs.step(actions)
        over.append(truncated.tolist())
        if step == 0:
            assert np.array_equal(rewards, plain.step(actions)[1])
        if truncated[1]:
            lengths.append(int(infos["final_info"]["episode"]["l"][1]))
    assert np.flatnonzero(np.array(over)[:, 0]).tolist() == [3, 7] and np.flatnonzero(np.array(over)[:, 1]).tolist() == [0, 4, 8]
    assert lengths == [1, 4, 4], "what was played"
    for wrong in ([0, 4], [0, -1], [0], [0.5, 0]):
        with pytest.raises(ValueError, match="elapsed_steps must be 2 whole numbers from 0 to 3"):
            envs.reset(options={"elapsed_steps": np.array(wrong)})


def test_reset_plays_given_tasks():
    envs = two_reaches()
    tasks = MT1("reach", seed=8).train_tasks[:2]
    observations, _ = envs.reset(options={"tasks": tasks})
    assert np.allclose(observations[:, 36:], [task.rand_vec[3:] for task in tasks])
    with pytest.raises(ValueError, match="environment 0 plays reach"):
        envs.reset(options={"tasks": MT1("push", seed=8).train_tasks[:2]})


def test_one_hot_ids_follow_the_order_of_tasks():
    envs = make_mt10(use_one_hot=True)
    observations, _ = envs.reset(seed=0)
    assert observations.shape == (10, 49) and np.array_equal(observations[:, 39:], np.eye(10))
    assert envs.observation_space.contains(observations)


def test_terminate_on_success_marks_terminations():
    envs = two_reaches(terminate_on_success=True, autoreset_mode=AutoresetMode.NEXT_STEP)
    observations, _ = envs.reset(seed=0)
    expert = metaworld_py.TASKS["reach"].expert
    for _ in range(60):
        actions = np.array([expert(observation) for observation in observations], dtype=np.float32)
        observations, _, terminations, _, infos = envs.step(actions)
        assert np.array_equal(terminations, infos["success"] > 0)
        if terminations.any():
            return
    pytest.fail("the expert should have reached the goal")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"num_envs": 12}, "multiple of 10"),
        ({"reward_function_version": "v9"}, "must be one of"),
        ({"max_episode_steps": 0}, "at least 1"),
        ({"camera_name": "x"}, "unknown camera"),
    ],
)
def test_impossible_options_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        make_mt10(**kwargs)


def test_action_repeat_sums_rewards_and_ends_with_the_episode():
    single, repeated = two_reaches(max_episode_steps=5), two_reaches(max_episode_steps=5, action_repeat=2)
    single.reset(seed=3), repeated.reset(seed=3)
    moves = np.random.default_rng(0).uniform(-1, 1, (3, 2, 4)).astype(np.float32)
    ones = [single.step(move) for move in np.repeat(moves, 2, axis=0)[:5]]
    twos = [repeated.step(move) for move in moves]
    assert np.allclose(twos[0][1], ones[0][1] + ones[1][1]) and np.array_equal(twos[1][0], ones[3][0])
    assert twos[2][3].all() and np.allclose(twos[2][1], ones[4][1]), "the episode's fifth and last step is not repeated"
    assert np.array_equal(np.vstack(twos[2][4]["final_obs"]), np.vstack(ones[4][4]["final_obs"]))


def test_bad_calls_are_refused():
    envs = two_reaches()
    with pytest.raises(ResetNeeded):
        envs.step(np.zeros((2, 4)))
    envs.reset()
    with pytest.raises(ValueError, match=r"shape \(2, 4\), got \(4,\)"):
        envs.step(np.zeros(4))
    with pytest.raises(ValueError, match="finite"):
        envs.step(np.full((2, 4), np.nan))
    with pytest.raises(ValueError, match="one seed per environment"):
        envs.reset(seed=[1])
    with pytest.raises(ValueError, match="reset_mask must be"):
        envs.reset(options={"reset_mask": [True]})
    with pytest.raises(ValueError, match="instances of one task"):
        MetaWorldVectorEnv([[*MT1("reach", 1).train_tasks, *MT1("push", 1).train_tasks]])


def test_num_envs_gives_several_environments_per_task():
    envs = make_mt10(num_envs=20)
    assert envs.num_envs == 20 and envs.task_names.count("push") == 2


def test_an_environment_is_gone_once_nobody_holds_it():
    """Without a collection of circles: what closed environments keep of simulations would add up."""
    envs = gymnasium.make_vec("Meta-World/MT1", env_name="reach", seed=1, num_envs=2)
    envs.reset(seed=0)
    envs.step(np.zeros((2, 4), np.float32))
    one, gone = envs.envs[1], weakref.ref(envs)
    gc.disable()
    try:
        del envs
        assert one.task_name == "reach" and one.model is not None, "one of them keeps all"
        del one
        assert gone() is None
    finally:
        gc.enable()


def test_an_end_in_the_same_step_leaves_final_info_alone_to_tell_of_it():
    native, sync = (make_reaches(strategy, max_episode_steps=3) for strategy in ("native", "sync"))
    options = {"elapsed_steps": np.array([0, 1])}
    native.reset(seed=0, options=options), sync.reset(seed=0)
    actions = np.zeros((2, 4), np.float32)
    native.step(actions)
    infos = native.step(actions)[4]  # the second environment's last
    assert infos["_final_info"].tolist() == [False, True]
    assert infos["_success"].tolist() == infos["_obj_to_target"].tolist() == [True, False]
    assert (
        infos["final_info"]["_success"].tolist() == [False, True]
        and infos["final_info"]["obj_to_target"][1] == infos["obj_to_target"][1] > 0.0
    )
    for _ in range(3):
        theirs = sync.step(actions)[4]
    ours = native.step(actions)[4]  # the first one's
    told = {name for name in ours if not name.startswith("_") and ours[f"_{name}"][0]}
    assert told == {name for name in theirs if not name.startswith("_")} == {"final_obs", "final_info"}


def make_reaches(strategy, **keywords):
    return gymnasium.make_vec("Meta-World/MT1", env_name="reach", seed=1, num_envs=2, vector_strategy=strategy, **keywords)


@pytest.mark.parametrize("keywords", [{}, {"recurrent_info_in_obs": True, "frame_stack": 2}])
def test_attributes_are_each_environment_s_own_by_every_strategy(keywords):
    native, sync = (make_reaches(strategy, **keywords) for strategy in ("native", "sync"))
    native.reset(seed=3), sync.reset(seed=3)
    assert native.get_attr("np_random_seed") == sync.get_attr("np_random_seed") == (3, 4) == native.unwrapped.np_random_seed
    assert native.call("np_random_seed") == (3, 4)
    for name in ("action_space", "observation_space"):
        assert native.get_attr(name) == sync.get_attr(name) == native.call(name), name
    for ours, theirs in zip(native.get_attr("np_random"), sync.get_attr("np_random"), strict=True):
        assert ours.bit_generator.state == theirs.bit_generator.state
    assert [one.index for one in native.get_attr("unwrapped")] == [0, 1]
    native.unwrapped.envs[1].seed_generator(9)
    assert native.unwrapped.np_random_seed == (3, 9)


@pytest.mark.parametrize("seed", [1.5, "3", True, -1])
@pytest.mark.parametrize("strategy", ["native", "sync"])
def test_seeds_that_are_none_are_refused_everywhere(seed, strategy):
    with pytest.raises(ValueError, match="seed must be an integer"):
        gymnasium.make_vec("Meta-World/goal_observable", env_name="reach", num_envs=2, seed=seed, vector_strategy=strategy)
    with pytest.raises(ValueError, match="seed must be an integer"):
        two_reaches(seed=seed)
    with pytest.raises(ValueError, match="seed must be an integer"):
        two_reaches().reset(seed=seed)
    with pytest.raises(ValueError, match="seed must be an integer"):
        gymnasium.make("Meta-World/goal_observable", env_name="reach", seed=seed)


def test_instances_that_are_none_are_refused():
    with pytest.raises(ValueError, match="a list of instances for each environment"):
        MetaWorldVectorEnv(MT1("reach", 1).train_tasks)
    with pytest.raises(ValueError, match="at least one environment, got none"):
        MetaWorldVectorEnv([])


def test_the_first_reset_is_of_all():
    envs = two_reaches()
    with pytest.raises(ResetNeeded, match="the first reset must begin episodes in all"):
        envs.reset(options={"reset_mask": np.array([True, False])})
    envs.reset(options={"reset_mask": np.array([True, True])})
    envs.reset(options={"reset_mask": np.array([True, False])})


@pytest.mark.parametrize("strategy", ["native", "sync"])
def test_pictures_come_once_an_action(strategy):
    envs = make_reaches(strategy, action_repeat=4)
    env = gymnasium.make("Meta-World/MT1", env_name="reach", seed=1, action_repeat=4)
    assert envs.metadata["render_fps"] == env.metadata["render_fps"] == 20
    assert make_reaches(strategy).metadata["render_fps"] == 80


def test_halves_mean_the_same_everywhere():
    """Half floats are taken as the float32 that they are."""
    envs = two_reaches()
    envs.reset(seed=0)
    single = env_class("reach")()
    single.set_tasks(MT1("reach", 1).train_tasks)
    single.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-1, 1, (20, 4)).astype(np.float16)
    for action in actions:
        together, alone = envs.step(np.array([action, action]))[0], single.step(action)[0]
        assert np.array_equal(together[0], alone)
    other = two_reaches()
    other.reset(seed=0)
    for action in actions.astype(np.float32):
        last = other.step(np.array([action, action]))[0]
    assert np.array_equal(last, together)
