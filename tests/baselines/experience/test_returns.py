"""Targets of several steps and largest returns, against loops over single steps."""

import numpy as np
import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.experience.replay import Transition
from metaworld_baselines.experience.returns import LargestReturns, largest_return, n_step

DISCOUNT, STEPS, ENVS = 0.9, 30, 3


def experience(seed=0):
    """Transitions (step, env) in which episodes end for good, by time limits, one after the other; successors are numbered."""
    rng = np.random.default_rng(seed)
    over = rng.random((STEPS, ENVS)) < 0.2
    terminated = (over & (rng.random((STEPS, ENVS)) < 0.5)).astype(np.float32)
    reward = rng.normal(size=(STEPS, ENVS)).astype(np.float32)
    next_obs = np.arange(STEPS * ENVS, dtype=np.float32).reshape(STEPS, ENVS, 1)
    return Transition(next_obs - 0.5, reward[..., None], reward, next_obs, terminated), over


def value_of(next_obs):
    """Some value of a successor."""
    return np.cos(next_obs[..., 0])


@pytest.mark.parametrize("n", [1, 2, 5, 100])
def test_targets_are_those_of_a_loop_that_stops_at_ends_and_time_limits(n):
    steps, over = experience()
    assert (over & (steps.terminated == 0)).any() and (steps.terminated == 1).any(), "both kinds of ends"
    made = n_step(steps, over, n, DISCOUNT)
    targets = made.reward + DISCOUNT * (1.0 - made.terminated) * value_of(made.next_obs)
    for env in range(ENVS):
        for start in range(STEPS):
            wanted, factor = 0.0, 1.0
            for step in range(start, min(start + n, STEPS)):
                wanted += factor * steps.reward[step, env]
                factor *= DISCOUNT
                if over[step, env]:
                    break
            if not steps.terminated[step, env]:
                wanted += factor * value_of(steps.next_obs[step, env])
            assert np.isclose(targets[start, env], wanted, atol=1e-5), (start, env)
    assert made.reward.dtype == made.terminated.dtype == np.float32


def test_one_step_changes_nothing():
    steps, over = experience()
    for one, other in zip(n_step(steps, over, 1, DISCOUNT), steps, strict=True):
        assert np.array_equal(one, other)


def test_largest_return_is_that_of_the_worst_or_best_step():
    """Rewards 1, −4, 1: from the second step on −4 + 0.9 = −3.1; going on for ever at the mean −2/3 makes it more."""
    rewards = np.array([1.0, -4.0, 1.0])
    assert np.isclose(largest_return(rewards, 0.9, terminated=True), 3.1)
    assert np.isclose(largest_return(rewards, 0.9, terminated=False), abs(-4 + 0.9 * (1 + 0.9 * (-2 / 3) / 0.1)))


def test_largest_returns_are_kept_by_task_and_go_on_from_a_state():
    kept, again = (LargestReturns(4, 2, DISCOUNT) for _ in range(2))
    never, last = np.zeros(4, bool), np.array([False, True, True, False])
    kept.add(np.array([1.0, 2.0, 3.0, 4.0]), never, never)
    assert (kept.take() == 0).all(), "no episode is over"
    again.set_state(kept.get_state())
    for one in (kept, again):
        one.add(np.array([1.0, 2.0, 3.0, 4.0]), last, last)
        assert np.allclose(one.take(), [2 * 1.9, 3 * 1.9])
        one.add(np.full(4, 1.0), np.full(4, True), np.full(4, True))
        assert np.allclose(one.take(), [1 + 0.9 * 1.9, 4 + 0.9 * (4 + 0.9)])
