"""Environments that are shared out among tasks by their failures."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.experience.active_sampling import ActiveCollector, shared_out
from metaworld_baselines.experience.off_policy import Chunk, make_envs
from metaworld_baselines.experience.on_policy import OnPolicyCollector, Rollout, staggered

NAMES = ["reach", "drawer-close", "push"]


@pytest.mark.parametrize(
    ("failed", "share", "wanted"),
    [
        ([18, 18, 18, 18], 0.7, [5, 5, 5, 5]),
        ([18, 8, 8, 8], 0.0, [5, 5, 5, 5]),
        # Rates with one failure and one success more: 19/20 and thrice 9/20 → 0.413 and thrice 0.196 of the 16 that are not spoken for.
        ([18, 8, 8, 8], 1.0, [8, 4, 4, 4]),
        # Half of them: a quarter, and 0.207, of these each: 5.30, 3.57 thrice; the three go first, all remainders being equal or larger.
        ([18, 8, 8, 8], 0.5, [6, 5, 5, 4]),
    ],
)
def test_environments_go_to_what_fails(failed, share, wanted):
    assert shared_out(np.full(4, 18.0), np.array(failed, float), 20, share).tolist() == wanted


def test_every_environment_is_given_to_a_task_and_every_task_has_one():
    rng = np.random.default_rng(0)
    for _ in range(200):
        num_tasks, ended = int(rng.integers(2, 50)), rng.integers(0, 40, size=50).astype(float)
        num_envs = int(rng.integers(num_tasks, 10 * num_tasks))
        failed = np.floor(ended * rng.random(50))
        counts = shared_out(ended[:num_tasks], failed[:num_tasks], num_envs, rng.random())
        assert counts.sum() == num_envs and counts.min() >= 1


class ToldCollector:
    """Every environment's episode ends with each stretch; those of the given tasks fail."""

    made = ()

    def __init__(self, counts, times_before, failing):
        self.succeeds = ~np.isin(np.repeat(np.arange(len(counts)), counts), failing)
        ToldCollector.made += ((tuple(counts), times_before),)

    def collect(self, policy, steps, first_step):
        ends = np.zeros((len(self.succeeds), steps), bool)
        ends[:, -1] = True
        rollout = Rollout(*[None] * 6, ends, None)
        return rollout, Chunk(None, (0.0,) * len(ends), tuple(self.succeeds.tolist()), 0.0), []

    def close(self):
        pass


def test_who_has_failed_since_the_last_time_has_more_environments_for_the_next_stretches():
    ToldCollector.made = ()
    failing = [0]
    collector = ActiveCollector(lambda counts, times: ToldCollector(counts, times, failing), 3, 12, share=1.0, every=2)
    for stretch in range(5):
        if stretch == 1:
            failing[:] = [2]  # of the environments that are made next
        collector.collect(None, 4, 4 * stretch)
        assert collector.task_numbers.tolist() == np.repeat(range(3), collector.counts).tolist()
    # Of 8 episodes each: rates 9/10, 1/10, 1/10, so quotas of nine environments 7.36, 0.82, 0.82. Then of 16, 4, 4: 1/18, 1/6, 5/6, so
    # 0.47, 1.42, 7.11.
    assert ToldCollector.made == (((4, 4, 4), 0), ((8, 2, 2), 1), ((2, 2, 8), 2))


def act_by_step(policy, memory, obs, previous, seed_and_step):
    rng = np.random.default_rng(seed_and_step)
    return rng.uniform(-1.0, 1.0, size=(len(obs), 4)).astype(np.float32), np.zeros(len(obs)), memory


class GenerousCollector(OnPolicyCollector):
    """Calls an episode with some return a success: by chance that is reach's."""

    def collect(self, *args):
        rollout, chunk, memories = super().collect(*args)
        return rollout, chunk._replace(successes=tuple(value > 10.0 for value in chunk.returns)), memories


def new_collector():
    def make(counts, times_before):
        envs = make_envs(NAMES, 1, counts, max_episode_steps=30, reward_version="v2", first=9 * times_before)
        return GenerousCollector(envs, act_by_step, seed=1, elapsed_steps=staggered(counts, 30))

    return ActiveCollector(make, 3, 9, share=0.9, every=2)


def test_a_collector_goes_on_where_it_was_saved_with_the_environments_of_then():
    """Also from the state just before environments are shared out anew, and with what had ended by then."""
    whole, states, rollouts = new_collector(), [], []
    for stretch in range(6):
        states.append(whole.get_state())
        rollouts.append((whole.collect(None, 20, 20 * stretch)[0], whole.counts))
    assert [len(set(counts)) > 1 for _, counts in rollouts[2:]] == [True] * 4
    for begin in (1, 2, 3, 4):
        other = new_collector()
        other.set_state(states[begin])
        assert other.get_state() == states[begin]
        for stretch in range(begin, 6):
            rollout, _, _ = other.collect(None, 20, 20 * stretch)
            wanted, counts = rollouts[stretch]
            assert other.counts == counts
            assert all(np.array_equal(one, another) for one, another in zip(rollout, wanted, strict=True))
        other.close()
    whole.close()


def test_environments_play_the_tasks_that_they_are_counted_for():
    collector = new_collector()
    for stretch in range(3):
        rollout, _, _ = collector.collect(None, 30, 30 * stretch)
        playing = [NAMES.index(name) for name in collector._collector.envs.task_names]
        assert playing == collector.task_numbers.tolist() and len(rollout.reward) == 9
    collector.close()
