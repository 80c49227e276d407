"""The replay buffer: even between tasks, a ring, whole after saving."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.experience import replay


def numbered(num_tasks, numbers):
    """Transitions whose every field carries 100 · task + number."""
    value = 100.0 * np.arange(num_tasks)[:, None] + np.asarray(numbers, float)[None, :]
    wide = np.repeat(value[..., None], 3, axis=-1)
    return replay.Transition(wide, wide[..., :2], value, wide + 0.5, np.zeros_like(value))


def filled(capacity, total, num_tasks=3, at_a_time=5):
    buffer = replay.empty(num_tasks, capacity, obs_size=3, action_size=2)
    for start in range(0, total, at_a_time):
        buffer = replay.add(buffer, numbered(num_tasks, range(start, start + at_a_time)))
    return buffer


def test_batches_hold_equally_many_transitions_of_each_task():
    batch = replay.sample(filled(20, 15), jax.random.PRNGKey(0), 32)
    assert batch.obs.shape == (3, 32, 3)
    assert (np.asarray(batch.reward) // 100 == np.arange(3)[:, None]).all()


def test_rows_stay_together():
    batch = replay.sample(filled(20, 15), jax.random.PRNGKey(0), 32)
    reward = np.asarray(batch.reward)[..., None]
    assert (batch.obs == reward).all() and (batch.action == reward).all() and (batch.next_obs == reward + 0.5).all()


def test_only_what_was_written_is_drawn_and_all_of_it():
    drawn = np.asarray(replay.sample(filled(100, 10), jax.random.PRNGKey(1), 400).reward) % 100
    assert {*drawn[0].astype(int)} == set(range(10))


def test_the_oldest_give_way():
    drawn = np.asarray(replay.sample(filled(20, 35), jax.random.PRNGKey(2), 600).reward) % 100
    assert {*drawn[2].astype(int)} == set(range(15, 35))


def test_chunks_that_do_not_divide_the_capacity_are_refused():
    with pytest.raises(ValueError, match="do not divide the capacity 12"):
        filled(12, 5)


@pytest.mark.parametrize("total", [5, 20, 35])
def test_trimmed_and_extended_again_nothing_is_lost(total):
    buffer = filled(20, total)
    small = replay.trimmed(buffer, min(total, 20))
    assert small.rows.reward.shape == (3, min(total, 20))
    for one, other in zip(jax.tree.leaves(buffer), jax.tree.leaves(replay.extended(small, 20)), strict=True):
        assert np.array_equal(one, other)
