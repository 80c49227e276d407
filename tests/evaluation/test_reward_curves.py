"""Rewards over the course of an episode."""

import numpy as np

from metaworld_py.evaluation.reward_curves import MAX_POINTS, RewardMeter


def metered(rewards, is_running=None):
    """A meter fed with rewards (n_steps, n_episodes)."""
    rewards = np.asarray(rewards, dtype=float)
    running = np.ones(rewards.shape, dtype=bool) if is_running is None else np.asarray(is_running)
    meter = RewardMeter(rewards.shape[1], len(rewards))
    for step, row in enumerate(rewards):
        meter.add(step, row, running[step])
    return meter


def test_short_episodes_have_one_point_a_step():
    curves = metered([[1.0, 3.0], [2.0, 6.0]]).curves()
    assert curves.steps == (1, 2)
    assert curves.reward.mean == (2.0, 4.0) and curves.return_so_far.mean == (2.0, 6.0)
    # percentiles 10 and 90 of two numbers lie a tenth of their distance inside
    assert np.allclose(curves.reward.low, (1.2, 2.4)) and np.allclose(curves.return_so_far.high, (3.0 - 0.2, 9.0 - 0.6))


def test_long_episodes_are_summed_up_in_stretches_and_lose_nothing():
    rewards = np.random.default_rng(0).uniform(size=(507, 3))
    meter = metered(rewards)
    curves = meter.curves()
    assert len(curves.steps) <= MAX_POINTS and curves.steps[0] == 11 and curves.steps[-1] == 507
    assert np.allclose(meter.returns, rewards.sum(axis=0))
    assert np.isclose(curves.return_so_far.mean[-1], rewards.sum(axis=0).mean(), rtol=1e-4)
    assert np.isclose(curves.reward.mean[-1], rewards[506].mean(), rtol=1e-4), "the last stretch has a single step"


def test_an_episode_cut_short_keeps_its_return_and_no_longer_counts_in_the_reward():
    meter = metered([[1.0, 1.0], [5.0, 1.0], [9.0, 1.0]], [[True, True], [False, True], [False, True]])
    curves = meter.curves()
    assert meter.returns.tolist() == [1.0, 3.0]
    assert curves.reward.mean == (1.0, 1.0, 1.0) and curves.return_so_far.mean == (1.0, 1.5, 2.0)


def test_curves_end_where_all_episodes_have_ended():
    curves = metered([[1.0], [1.0], [1.0]], [[True], [True], [False]]).curves()
    assert curves.steps == (1, 2)
    assert RewardMeter(2, 10).curves() is None
