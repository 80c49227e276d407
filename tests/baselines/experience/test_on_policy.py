"""Collecting with one policy, advantages, the linear baseline."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.experience import on_policy
from metaworld_baselines.experience.on_policy import OnPolicyCollector, Rollout, gae, linear_advantages, linear_values, returns_to_go
from metaworld_py import ML1, MetaWorldVectorEnv

H = 4


def constant_act(policy, memory, obs, previous, seed_and_step):
    """The same action for all, beyond the box in one component."""
    n = len(obs)
    return np.tile(np.float32([0.5, -2.0, 0.0, 1.0]), (n, 1)), np.full(n, float(seed_and_step[1])), memory


@pytest.fixture
def collector():
    tasks = ML1("reach", seed=1).train_tasks
    return OnPolicyCollector(MetaWorldVectorEnv([[tasks[0]], [tasks[1]]], max_episode_steps=H, seed=1), constant_act, seed=3)


def stretch_of(reward, is_end, obs=None):
    reward, is_end = np.asarray(reward, np.float32), np.asarray(is_end)
    at = np.zeros(reward.shape, np.float32)
    for env, step in np.ndindex(*reward.shape):
        at[env, step] = 0.0 if step == 0 or is_end[env, step - 1] else at[env, step - 1] + 1.0
    obs = np.zeros((*reward.shape, 3), np.float32) if obs is None else obs
    return Rollout(obs, None, None, None, reward, None, is_end, at)


def test_gae_by_hand():
    """γ = ½, λ = ½; the episode of the first row ends after two steps and bootstraps from its own final observation."""
    reward, value = jnp.array([[1.0, 2.0, 3.0]]), jnp.array([[4.0, 2.0, 6.0]])
    next_value, is_end = jnp.array([[2.0, 8.0, 2.0]]), jnp.array([[False, True, False]])
    # δ: 1 + 1 − 4 = −2;  2 + 4 − 2 = 4;  3 + 1 − 6 = −2
    assert gae(reward, value, next_value, is_end, 0.5, 0.5).tolist() == [[-2.0 + 0.25 * 4.0, 4.0, -2.0]]


def test_gae_with_lambda_one_is_return_minus_value():
    rng = np.random.default_rng(0)
    reward, value = rng.normal(size=(2, 3, 7))
    is_end = np.zeros((3, 7), bool)
    is_end[:, [3, 6]] = True
    next_value = np.where(is_end, 0.0, np.roll(value, -1, axis=1))
    got = gae(*map(jnp.asarray, (reward, value, next_value, is_end)), 0.9, 1.0)
    wanted = returns_to_go(reward, is_end, 0.9) - value
    assert np.allclose(got, wanted, atol=1e-5)


def test_returns_to_go_stop_at_ends():
    got = returns_to_go(np.ones((1, 4)), np.array([[False, True, False, False]]), 0.5)
    assert got.tolist() == [[1.5, 1.0, 1.5, 1.0]]


def test_the_linear_baseline_finds_what_is_linear_in_its_features():
    rng = np.random.default_rng(0)
    obs = rng.normal(size=(2, 200, 3)).astype(np.float32)
    rollout = stretch_of(np.zeros((2, 200)), np.arange(200)[None].repeat(2, 0) % 50 == 49, obs)
    target = np.stack([3.0 * obs[0, :, 1] - 0.5 * rollout.time[0], obs[1, :, 2] ** 2 + 7.0])
    assert np.abs(linear_values(rollout, target) - target).max() < 0.05


def test_across_episodes_what_comes_later_counts():
    """A reward in the second episode is an advantage of the first one's steps only where the trial is one sum."""
    reward, is_end = np.zeros((1, 8)), np.arange(8)[None] % 4 == 3
    reward[0, 6] = 1.0
    rollout = stretch_of(reward, is_end)
    rollout = rollout._replace(obs=np.random.default_rng(0).normal(size=(1, 8, 3)).astype(np.float32) * 1e-3)
    values = linear_values(rollout, returns_to_go(reward, is_end, 0.9))
    apart = linear_advantages(rollout, 0.9, 1.0) + values
    assert np.abs(apart[0, :4]).max() < 1e-4
    ends = np.arange(8)[None] == 7
    values = linear_values(rollout, returns_to_go(reward, ends, 0.9))
    together = linear_advantages(rollout, 0.9, 1.0, across_episodes=True) + values
    assert np.allclose(together[0, :7], 0.9 ** np.arange(6, -1, -1), atol=1e-4)


def test_the_collector_tells_what_happened(collector):
    rollout, chunk, _ = collector.collect(None, 2 * H, 100)
    assert rollout.obs.shape == (2, 2 * H, 39) and rollout.log_prob[0].tolist() == list(range(100, 100 + 2 * H))
    assert rollout.time.tolist() == [[0, 1, 2, 3, 0, 1, 2, 3]] * 2
    assert rollout.is_end.tolist() == [[False, False, False, True] * 2] * 2
    assert np.array_equal(rollout.obs[:, 1:H], rollout.next_obs[:, : H - 1]), "within an episode the successor is the next observation"
    assert not np.array_equal(rollout.obs[:, H], rollout.next_obs[:, H - 1]), "at its end it is the final one, not the next episode's first"
    assert rollout.next_obs[0, H - 1, 0] > rollout.obs[0, H - 1, 0], "the hand was still moving"
    assert len(chunk.returns) == len(chunk.successes) == 4
    assert np.allclose(chunk.returns[0], rollout.reward[0, :H].sum())


def test_staggered_environments_are_at_every_point_of_an_episode_ever_after():
    tasks = ML1("reach", seed=1).train_tasks
    envs = MetaWorldVectorEnv([[task] for task in tasks[:4]], max_episode_steps=H, seed=1)
    elapsed = on_policy.staggered([2, 2], max_episode_steps=H)
    assert elapsed.tolist() == [0, 2, 0, 2]
    rollout, chunk, _ = OnPolicyCollector(envs, constant_act, seed=3, elapsed_steps=elapsed).collect(None, 2 * H, 0)
    assert rollout.time.tolist() == [[0, 1, 2, 3, 0, 1, 2, 3], [0, 1, 0, 1, 2, 3, 0, 1]] * 2
    assert [np.flatnonzero(ends).tolist() for ends in rollout.is_end] == [[3, 7], [1, 5]] * 2
    assert len(chunk.returns) == 8 and np.allclose(sorted(chunk.returns)[:2], sorted(rollout.reward[1::2, :2].sum(axis=1)))


def test_previous_steps_are_inputs(collector):
    rollout, _, _ = collector.collect(None, 2 * H, 0)
    assert not rollout.previous[:, 0].any(), "nothing has come before"
    assert np.allclose(rollout.previous[:, 1, :4], [0.5, -1.0, 0.0, 1.0]), "the action as the environment took it"
    assert np.allclose(rollout.previous[:, 1, 4], rollout.reward[:, 0] / 10.0) and not rollout.previous[:, 1, 5].any()
    assert np.array_equal(rollout.previous[:, H], [[0, 0, 0, 0, 0, 1]] * 2), "an episode has just ended"
    collector.restart([collector.envs.tasks[0], collector.envs.tasks[1]])
    assert not collector.collect(None, 1, 0)[0].previous.any(), "a new trial knows nothing of the one before"


def test_goals_are_hidden_and_stay_the_same_through_a_trial(collector):
    tasks = ML1("reach", seed=1).train_tasks
    collector.restart([tasks[5], tasks[6]])
    rollout, _, _ = collector.collect(None, 3 * H, 0)
    assert not rollout.obs[..., 36:].any() and not rollout.next_obs[..., 36:].any()
    assert collector.envs.tasks == [tasks[5], tasks[6]]
    firsts = rollout.reward[:, ::H]
    assert np.ptp(firsts, axis=1).max() < 1e-6 and firsts[0, 0] != firsts[1, 0], "the same goal at each episode, another one beside it"


def test_memories_are_kept_before_each_part_and_at_the_end(collector):
    def counting(policy, memory, obs, previous, seed_and_step):
        return np.zeros((2, 4), np.float32), np.zeros(2), memory + 1

    collector._act = counting
    _, _, memories = collector.collect(None, 8, 0, memory=np.zeros((2, 1)), keep_memory_every=4)
    assert [memory[0, 0] for memory in memories] == [0, 4, 8], "and the last one"


def test_a_collector_goes_on_where_its_state_was_taken(collector):
    collector.collect(None, 3, 0)
    state = collector.get_state()
    rest = collector.collect(None, 6, 3)[0]
    collector.set_state(state)
    again = collector.collect(None, 6, 3)[0]
    assert all(np.array_equal(a, b) for a, b in zip(rest, again, strict=True))


def test_standardized():
    values = jnp.array([[1.0, 3.0], [10.0, 30.0]])
    assert np.allclose(on_policy.standardized(values, axis=1), [[-1, 1], [-1, 1]], atol=1e-6)
