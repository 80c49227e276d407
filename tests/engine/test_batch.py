"""One protocol for all that steps episodes: the same numbers whatever steps them."""

import numpy as np
import pytest

from metaworld_py import ML1, MT1
from metaworld_py.engine.batch import EpisodeBatch
from metaworld_py.engine.episode import Episode
from metaworld_py.engine.layout import displacement
from metaworld_py.engine.threaded import ThreadedBatch
from metaworld_py.tasks import find_task

TASKS = ("door-open", "push", "bin-picking")


def compiled_batch(*arguments, **keywords):
    pytest.importorskip("numba")
    from metaworld_py.engine.compiled import CompiledBatch

    return CompiledBatch(*arguments, **keywords)


BATCHES = {"threaded": ThreadedBatch, "compiled": compiled_batch}


@pytest.fixture(params=BATCHES)
def make(request):
    """Makes a batch of the tasks, reset to an instance each."""

    def made(**keywords) -> EpisodeBatch:
        batch = BATCHES[request.param]([find_task(name) for name in TASKS], **keywords)
        batch.reset(range(len(TASKS)), [MT1(name, seed=3).train_tasks[0] for name in TASKS])
        return batch

    return made


def actions(steps, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (steps, len(TASKS), 4)).astype(np.float32)


def play(batch, moves, ids=(0, 1, 2), **keywords):
    ids, limits = np.array(ids, dtype=np.intp), np.full(len(TASKS), 500)
    kept = []
    for move in moves:
        step = batch.step(ids, move, limits, stop_at_success=False, **keywords)
        kept.append([np.array(part) for part in step])
    return kept


def test_a_batch_gives_the_numbers_of_single_episodes(make):
    batch, moves = make(), actions(30)
    played = play(batch, moves)
    for env, name in enumerate(TASKS):
        episode = Episode(find_task(name))
        episode.reset(MT1(name, seed=3).train_tasks[0].rand_vec, hide_goal=False)
        for (observation, scores, unstable, taken), move in zip(played, moves, strict=True):
            score = episode.step(displacement(move[env]), float(move[env, 3]))
            assert np.array_equal(observation[env], episode.observation)
            np.testing.assert_allclose(scores[:, env], score, rtol=1e-12)  # as documented for compiled rewards
            assert taken[env] == 1 and not unstable[env]


def test_others_than_those_asked_for_stay_and_score_nothing(make):
    batch = make()
    before = batch.observation.copy()
    ((observation, scores, _, taken),) = play(batch, actions(1), ids=[1])
    assert np.array_equal(observation[[0, 2]], before[[0, 2]]) and not np.array_equal(observation[1], before[1])
    assert not scores[:, [0, 2]].any() and taken.tolist() == [0, 1, 0]


def test_a_repeated_action_sums_rewards_and_ends_where_the_episode_does(make):
    once, thrice = make(), make(action_repeat=3)
    move, limits = actions(1)[0], np.array([500, 2, 500])
    step = thrice.step(np.arange(3), move, limits, stop_at_success=False)
    singles = play(once, [move] * 3)
    assert step.control_steps.tolist() == [3, 2, 3]
    rewards = np.array([scores[0] for _, scores, _, _ in singles])
    np.testing.assert_allclose(step.scores[0], [rewards[:, 0].sum(), rewards[:2, 1].sum(), rewards[:, 2].sum()], rtol=1e-12)


def test_an_episode_continues_from_a_snapshot_bit_for_bit(make):
    batch, moves = make(), actions(20)
    play(batch, moves[:5])
    states = [batch.snapshot(env) for env in range(len(TASKS))]
    first = play(batch, moves[5:])
    batch.restore(range(len(TASKS)), states)
    for one, other in zip(first, play(batch, moves[5:]), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_view_is_the_episode_as_it_stands(make):
    batch = make()
    batch.reset([0], [ML1("door-open", seed=1).train_tasks[4]])
    play(batch, actions(3))
    view = batch.view(0)
    assert view.task.name == "door-open" and view.is_goal_hidden and not view.is_first_step
    assert np.array_equal(view.observation, batch.observation[0])
