"""Collecting: true successors, time limits, the same numbers with and without a thread, exact state."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.experience.off_policy import Collector, by_task, from_plain, make_envs, to_plain

TASKS = ("reach", "drawer-close")
EPISODE = 6  # control steps


def act(actor, obs, seed_and_step):
    """Some deterministic function of everything an actor sees."""
    return jnp.tanh(actor + jnp.asarray(obs)[:, :4] + 0.01 * seed_and_step[1])


def collector(*, overlap=False, envs_per_task=2, steps=4, random_chunks=1):
    envs = make_envs(TASKS, 3, envs_per_task, max_episode_steps=EPISODE, reward_version="v2")
    return Collector(envs, act, steps=steps, random_chunks=random_chunks, seed=3, overlap=overlap)


def chunks(collecting, count, first=0):
    result = []
    for index in range(first, first + count):
        collecting.begin(np.full(4, 0.1 * index, np.float32), index)
        result.append(collecting.finish())
    return result


def assert_same(ones, others):
    for one, other in zip(ones, others, strict=True):
        assert one.returns == other.returns and one.successes == other.successes
        for name in one.transitions._fields:
            assert np.array_equal(getattr(one.transitions, name), getattr(other.transitions, name)), name


def test_successors_are_true_ones_also_where_time_runs_out():
    """Replays the actions in an environment that does not start anew by itself."""
    (chunk,) = chunks(collector(envs_per_task=1, steps=2 * EPISODE, random_chunks=2), 1)
    envs = make_envs(TASKS, 3, 1, max_episode_steps=EPISODE, reward_version="v2")
    obs = envs.reset()[0]
    envs.autoreset_mode = type(envs.autoreset_mode).DISABLED
    rows = chunk.transitions
    for step in range(2 * EPISODE):
        assert np.array_equal(rows.obs[:, step], obs.astype(np.float32)), step
        obs, rewards, _, truncations, _ = envs.step(rows.action[:, step])
        assert np.array_equal(rows.next_obs[:, step], obs.astype(np.float32)), step
        assert np.allclose(rows.reward[:, step], rewards)
        if truncations.any():
            assert truncations.all() and step % EPISODE == EPISODE - 1
            obs = envs.reset()[0]
    assert not np.array_equal(rows.next_obs[:, EPISODE - 1], rows.obs[:, EPISODE]), "the successor is of the next episode"


def test_time_limits_are_not_terminations():
    (chunk,) = chunks(collector(steps=2 * EPISODE), 1)
    assert len(chunk.returns) == 2 * 4, "two episodes end in each of four environments"
    assert (chunk.transitions.terminated == 0.0).all()


def test_returns_and_successes_are_of_whole_episodes():
    first, second = chunks(collector(envs_per_task=1, steps=4, random_chunks=9), 2)
    assert first.returns == () and len(second.returns) == 2
    total = first.transitions.reward.sum(axis=1) + second.transitions.reward[:, :2].sum(axis=1)
    assert np.allclose(second.returns, total, rtol=1e-6)


def test_transitions_are_sorted_by_task():
    (chunk,) = chunks(collector(), 1)
    assert chunk.transitions.obs.shape == (2, 4 * 2, 39)
    stacked = np.arange(3 * 4).reshape(3, 4)  # (steps, envs): environments 0, 1 play task 0
    assert by_task(stacked, 2).tolist() == [[0, 1, 4, 5, 8, 9], [2, 3, 6, 7, 10, 11]]


def test_collecting_in_a_thread_changes_no_number():
    beside, inline = collector(overlap=True), collector(overlap=False)
    assert_same(chunks(beside, 4), chunks(inline, 4))
    beside.close()


def test_state_goes_through_text_and_back_exactly():
    one, other = collector(), collector()
    chunks(one, 3)  # in the middle of episodes
    other.set_state(one.get_state())
    assert_same(chunks(one, 4, first=3), chunks(other, 4, first=3))


def test_state_is_refused_in_the_middle_of_a_chunk():
    collecting = collector()
    collecting.begin(np.zeros(4, np.float32), 0)
    with pytest.raises(RuntimeError, match=r"finish\(\) it first"):
        collecting.get_state()


def test_plain_values_lose_nothing():
    state = make_envs(TASKS, 3, 1, max_episode_steps=EPISODE, reward_version="v2")
    state.reset(seed=0)
    before = state.get_state()
    after = from_plain(to_plain(before), before)
    assert to_plain(after) == to_plain(before) and type(after.episodes[0].start) is type(before.episodes[0].start)
    assert after.steps.dtype == before.steps.dtype
    older = {name: value for name, value in to_plain(before).items() if name != "hand_starts"}
    assert to_plain(from_plain(older, before)) == to_plain(before), "what an older file lacks is as in a fresh environment"
