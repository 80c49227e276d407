"""Successful episodes that are kept."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.experience.on_policy import Rollout
from metaworld_baselines.experience.successes import Successes

STEPS = 4  # of an episode
TASKS = np.array([0, 0, 1])  # of the environments


def world(length, shorter=(0, 0, 0)):
    """So many steps of three environments as one rollout, whose numbers all differ; first episodes are shorter by some steps."""
    number = np.arange(3 * length).reshape(3, length) + 1.0
    at = (np.arange(length) + np.array(shorter)[:, None]) % STEPS
    time = np.where(np.arange(length) < STEPS - np.array(shorter)[:, None], np.arange(length), at)
    obs, action = np.repeat(number[..., None], 39, axis=2), np.repeat(-number[..., None], 4, axis=2)
    return Rollout(
        obs.astype(np.float32),
        np.zeros((3, length, 6), np.float32),
        action.astype(np.float32),
        np.zeros((3, length), np.float32),
        (10.0 * number).astype(np.float32),
        (obs + 0.5).astype(np.float32),
        at == STEPS - 1,
        time.astype(np.float32),
    )


def stretches(rollout, steps):
    """The same, cut into stretches of some steps."""
    return [Rollout(*(x[:, at : at + steps] for x in rollout)) for at in range(0, rollout.reward.shape[1], steps)]


def successes_of(rollout, wins):
    """By steps, as collectors tell them: an episode of an environment succeeds if its last number is among these."""
    numbers = rollout.reward / 10.0
    return [numbers[env, step] in wins for step, env in np.argwhere(rollout.is_end.T)]


def taken_in(successes, rollout, steps, wins):
    for stretch in stretches(rollout, steps):
        successes.add(stretch, successes_of(stretch, wins), TASKS)
    return successes


@pytest.mark.parametrize("steps", [1, 3, 4, 12])
def test_whole_episodes_with_success_are_kept_however_long_the_stretches_are(steps):
    """Environments have the numbers 1–12, 13–24 and 25–36, in episodes of four."""
    episodes, _ = taken_in(Successes(2, 3, 2, STEPS), world(12), steps, {8, 20, 28, 36}).arrays
    assert episodes.num_added.tolist() == [2, 2]
    assert (episodes.reward / 10.0).tolist() == [[[5, 6, 7, 8], [17, 18, 19, 20]], [[25, 26, 27, 28], [33, 34, 35, 36]]]
    assert np.array_equal(episodes.obs[..., 0] * 10.0, episodes.reward) and np.array_equal(episodes.action[..., 3] * -10.0, episodes.reward)
    assert episodes.last_obs[..., 38].tolist() == [[8.5, 20.5], [28.5, 36.5]]


def test_a_failure_rate_forgets():
    successes, wanted = Successes(2, 3, 2, STEPS), np.ones(2)
    for stretch in stretches(world(24), 3):
        told = successes_of(stretch, {8, 36, 40, 56})
        for env, is_success in zip(np.argwhere(stretch.is_end.T)[:, 1], told, strict=True):
            wanted[TASKS[env]] = 0.95 * wanted[TASKS[env]] + 0.05 * (not is_success)
        successes.add(stretch, told, TASKS)
    assert np.allclose(successes.episodes.failure_rate, wanted) and (wanted < 1.0).all()


def test_the_newest_take_the_place_of_the_oldest():
    episodes, _ = taken_in(Successes(2, 3, 2, STEPS), world(12), 3, set(range(37))).arrays
    assert episodes.num_added.tolist() == [6, 3]
    # By the end of their episodes: environments in turn, so numbers up to 4, 16; 8, 20; 12, 24.
    assert (episodes.reward[0, :, -1] / 10.0).tolist() == [12, 24]
    assert (episodes.reward[1, :, -1] / 10.0).tolist() == [36, 32]


def test_episodes_that_are_shorter_are_dropped():
    episodes, _ = taken_in(Successes(2, 3, 2, STEPS), world(8, shorter=(0, 2, 0)), 3, set(range(37))).arrays
    # The second environment's first one has the numbers 9 and 10, its second one 11 to 14.
    assert (episodes.reward[0] / 10.0).tolist() == [[5, 6, 7, 8], [11, 12, 13, 14]] and episodes.num_added.tolist() == [3, 2]


def test_environments_made_anew_begin_anew():
    successes = Successes(2, 3, 2, STEPS)
    successes.add(stretches(world(12), 3)[0], [], TASKS)
    successes.add(world(4), [True, False, True], TASKS)
    assert successes.episodes.num_added.tolist() == [1, 1] and (successes.episodes.reward[0, 0] / 10.0).tolist() == [1, 2, 3, 4]


def test_it_goes_on_where_it_was():
    whole, before = Successes(2, 3, 2, STEPS), Successes(2, 3, 2, STEPS)
    for index, stretch in enumerate(stretches(world(24), 3)):
        if index == 5:
            other = Successes(2, 3, 2, STEPS)
            other.restore(before.arrays)
            before = other
        for successes in (whole, before):
            successes.add(stretch, [True] * int(stretch.is_end.sum()), TASKS)
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(whole.arrays), jax.tree.leaves(before.arrays), strict=True))
