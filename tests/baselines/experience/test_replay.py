"""The replay buffer: even between tasks, a ring, whole after saving."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.experience import replay
from metaworld_py import ACTION_SIZE, OBSERVATION_SIZE


def numbered(num_tasks, numbers):
    """Transitions whose every field carries 100 · task + number."""
    value = 100.0 * np.arange(num_tasks)[:, None] + np.asarray(numbers, float)[None, :]
    wide = np.repeat(value[..., None], OBSERVATION_SIZE, axis=-1)
    return replay.pack(replay.Transition(wide, wide[..., :ACTION_SIZE], value, wide + 0.5, np.zeros_like(value)))


def filled(capacity, total, num_tasks=3, at_a_time=5):
    buffer = replay.empty(num_tasks, capacity)
    for start in range(0, total, at_a_time):
        buffer = replay.add(buffer, numbered(num_tasks, range(start, start + at_a_time)))
    return buffer


def sample(buffer, key, batch_per_task):
    return replay.batch_of(buffer, replay.draw(buffer, key, batch_per_task))


def test_rows_hold_all_of_a_transition():
    rng = np.random.default_rng(0)
    sizes = replay.Transition((OBSERVATION_SIZE,), (ACTION_SIZE,), (), (OBSERVATION_SIZE,), ())
    steps = replay.Transition(*(rng.normal(size=(2, 5, *size)).astype(np.float32) for size in sizes))
    for one, other in zip(steps, replay.unpack(replay.pack(steps)), strict=True):
        assert np.array_equal(one, other)


def test_batches_hold_equally_many_transitions_of_each_task():
    batch = sample(filled(20, 15), jax.random.PRNGKey(0), 32)
    assert batch.obs.shape == (3, 32, OBSERVATION_SIZE)
    assert (np.asarray(batch.reward) // 100 == np.arange(3)[:, None]).all()


def test_rows_stay_together():
    batch = sample(filled(20, 15), jax.random.PRNGKey(0), 32)
    reward = np.asarray(batch.reward)[..., None]
    assert (batch.obs == reward).all() and (batch.action == reward).all() and (batch.next_obs == reward + 0.5).all()


def test_only_what_was_written_is_drawn_and_all_of_it():
    drawn = np.asarray(sample(filled(100, 10), jax.random.PRNGKey(1), 400).reward) % 100
    assert {*drawn[0].astype(int)} == set(range(10))


def test_the_oldest_give_way():
    drawn = np.asarray(sample(filled(20, 35), jax.random.PRNGKey(2), 600).reward) % 100
    assert {*drawn[2].astype(int)} == set(range(15, 35))


def test_chunks_that_do_not_divide_the_capacity_are_refused():
    with pytest.raises(ValueError, match="do not divide the capacity 12"):
        filled(12, 5)


@pytest.mark.parametrize("total", [5, 20, 35])
def test_trimmed_and_extended_again_nothing_is_lost(total):
    buffer = filled(20, total)
    small = replay.trimmed(buffer, min(total, 20))
    assert small.rows.shape == (3, min(total, 20), replay.ROW_SIZE)
    for one, other in zip(jax.tree.leaves(buffer), jax.tree.leaves(replay.extended(small, 20)), strict=True):
        assert np.array_equal(one, other)
