"""What is imitated of successful episodes, and that PPO does so."""

import signal
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp
from safetensors.numpy import load_file

from metaworld_baselines import train
from metaworld_baselines.algorithms import ppo, self_imitation
from metaworld_baselines.algorithms.ppo_config import TUNED
from metaworld_baselines.experience.on_policy import Rollout
from metaworld_baselines.experience.successes import Episodes, Successes
from metaworld_baselines.networks.multi_head import with_task
from metaworld_baselines.runs import checkpoints
from metaworld_baselines.runs.rl_run import RlRun

TASKS, KEPT, STEPS = 2, 3, 5
CONFIG = replace(
    TUNED,
    benchmark="reach,drawer-close",
    envs_per_task=2,
    rollout_steps=20,
    width=16,
    depth=1,
    epochs=2,
    minibatches=2,
    policy_waits_iterations=0,
    self_imitation_samples=64,
)


def random_episodes(rng, num_added, steps=STEPS):
    shape = (TASKS, KEPT, steps)
    obs, action = (rng.normal(size=(*shape, size)).astype(np.float32) for size in (39, 4))
    reward = rng.uniform(0.0, 10.0, size=shape).astype(np.float32)
    last_obs, failure_rate = rng.normal(size=(TASKS, KEPT, 39)).astype(np.float32), np.array([1.0, 0.6], np.float32)
    return Episodes(obs, action, reward, last_obs, np.array(num_added, np.int32), failure_rate)


def test_a_step_weighs_as_much_as_it_went_better_than_the_critic_expects():
    """Against sums written out, of values that differ by task and observation."""
    episodes, spread, discount = random_episodes(np.random.default_rng(0), [7, 2]), np.array([40.0, 9.0], np.float32), 0.9
    weight = self_imitation.weights(episodes, lambda obs, ids: 20.0 * (ids @ jnp.array([1.0, 2.0])) + obs[..., 0], spread, discount)
    for task, kept, step in np.ndindex(TASKS, KEPT, STEPS):
        left = STEPS - step
        later = sum(discount**k * episodes.reward[task, kept, step + k] for k in range(left))
        expected_behind = 20.0 * (task + 1) + episodes.last_obs[task, kept, 0]
        expected = 20.0 * (task + 1) + episodes.obs[task, kept, step, 0]
        wanted = np.clip((later + discount**left * expected_behind - expected) / spread[task], 0.0, 1.0)
        wanted *= episodes.failure_rate[task]
        assert np.isclose(weight[task, kept, step], wanted if kept < episodes.num_added[task] else 0.0, atol=1e-5)
    assert np.isclose(self_imitation.mean_weight(weight, episodes), weight.sum() / (5 * STEPS), rtol=1e-5)
    assert {0.0, float(episodes.failure_rate[1])} < set(np.asarray(weight).ravel().tolist()), "some of each kind"


def test_steps_are_drawn_in_proportion_to_their_weights():
    weight = jnp.array([0.0, 3.0, 0.0, 1.0, 0.0])
    drawn = np.bincount(self_imitation.draw(weight, 40_000, jax.random.PRNGKey(0)), minlength=5) / 40_000
    assert drawn[[0, 2, 4]].tolist() == [0.0, 0.0, 0.0] and abs(drawn[1] - 0.75) < 0.01
    nothing = self_imitation.draw(jnp.zeros(5), 100, jax.random.PRNGKey(0))
    assert ((nothing >= 0) & (nothing < 5)).all()


def random_rollout(rng):
    n, steps = 4, CONFIG.rollout_steps
    obs, next_obs = (rng.normal(size=(n, steps, 39)).astype(np.float32) for _ in range(2))
    action, reward = rng.normal(size=(n, steps, 4)).astype(np.float32), rng.uniform(size=(n, steps)).astype(np.float32)
    log_prob, nothing = np.full((n, steps), -5.0, np.float32), np.zeros((n, steps), np.float32)
    return Rollout(obs, np.zeros((n, steps, 6), np.float32), action, log_prob, reward, next_obs, nothing > 0.0, nothing)


def log_prob_of(learner, agent, episodes):
    ids = jnp.broadcast_to(jnp.eye(TASKS)[:, None, None], (*episodes.reward.shape, TASKS))
    return learner.policy.apply(agent.policy, with_task(episodes.obs, ids)).log_prob(episodes.action).mean(axis=(1, 2))


def test_what_went_better_is_made_more_likely_and_what_did_not_is_left_alone():
    learner, rng = ppo.make_learner(CONFIG), np.random.default_rng(0)
    before, rollout, episodes = ppo.init(learner, seed=0), random_rollout(rng), random_episodes(rng, [KEPT, KEPT], steps=50)
    learn = jax.jit(partial(ppo.learn, learner))

    def after(episodes):
        agent, metrics = learn(before, rollout, jax.random.PRNGKey(0), 0, None, episodes)
        return agent, metrics

    without, told = after(None)
    assert "imitation" not in told
    # Nothing is kept yet; and nothing was better than the critic's zero.
    for nothing in (episodes._replace(num_added=np.zeros(2, np.int32)), episodes._replace(reward=-episodes.reward - 1.0)):
        agent, told = after(nothing)
        assert told["imitation"] == 0.0
        assert all(map(np.array_equal, *map(jax.tree.leaves, (agent, without))))
    # Only what the second task did was better.
    better = episodes._replace(reward=episodes.reward * np.array([-1.0, 1.0], np.float32)[:, None, None])
    agent, told = after(better)
    assert 0.0 < told["imitation"] <= 1.0
    gained = log_prob_of(learner, agent, better) - log_prob_of(learner, without, better)
    assert gained[1] > 0.001 and gained[1] > 5.0 * abs(gained[0])


def test_the_mean_imitates_and_the_standard_deviation_does_not():
    learner, episodes = ppo.make_learner(CONFIG), random_episodes(np.random.default_rng(0), [KEPT, KEPT])
    agent = ppo.init(learner, seed=0)
    imitated = ppo.make_imitated(learner, agent, episodes)
    gradient = ppo.imitation_gradient(learner, agent.policy, imitated, jax.random.PRNGKey(0))["params"]
    assert imitated.mean_weight > 0.0 and not gradient["log_std"].any()
    assert all(jax.tree.leaves(jax.tree.map(lambda x: bool(x.any()), {k: v for k, v in gradient.items() if k != "log_std"})))


@pytest.mark.parametrize(
    ("changes", "weight"),
    [
        ({}, 1.0),
        ({"self_imitation": 0.2}, 0.2),
        ({"self_imitation": 0.0}, 0.0),
        ({"benchmark": "reach", "active_sampling": 0.0}, 1.0),
        ({"critic_combination": "pcgrad"}, 1.0),
        ({"actor_combination": "pcgrad"}, 0.0),
        ({"gpu_engine": "cpu"}, 0.0),
    ],
)
def test_successes_are_imitated_where_they_can_be_kept(changes, weight):
    config = replace(CONFIG, **changes)
    assert config.imitation_weight == weight and (ppo.make_successes(config) is None) == (weight == 0.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"self_imitation": -0.1}, "self_imitation must not be negative"),
        ({"self_imitation": 0.5, "gpu_engine": "cpu"}, "self_imitation cannot be had: experience of the GPU engine stays"),
        ({"self_imitation": 0.5, "actor_combination": "pcgrad"}, "self_imitation cannot be had: gradients are combined"),
        ({"self_imitation_episodes": 0}, "self_imitation_episodes must be at least 1"),
        ({"self_imitation_samples": 0}, "self_imitation_samples must be at least 1"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **changes)


def test_a_run_that_was_stopped_imitates_the_same_episodes_when_it_goes_on(tmp_path, monkeypatch):
    """To the last bit; every episode counts as a success here, also one that ran when it was stopped."""
    add, advance = Successes.add, RlRun.advance
    monkeypatch.setattr(Successes, "add", lambda self, rollout, successes, numbers: add(self, rollout, [True] * len(successes), numbers))

    def trained(name):
        words = (
            f"--benchmark {CONFIG.benchmark} --total-env-steps 480 --envs-per-task 2 --rollout-steps 20 --max-episode-steps 30 --width 16"
        )
        words += f" --depth 1 --epochs 2 --minibatches 2 --active-sampling-iterations 4 --eval-instances 1 --out {tmp_path / name}"
        return train.main(["ppo", *words.split()])

    def advance_and_stop(run, steps):
        advance(run, steps)
        if run.env_steps == 160:
            signal.raise_signal(signal.SIGTERM)

    assert trained("whole") == 0
    monkeypatch.setattr(RlRun, "advance", advance_and_stop)
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        assert trained("stopped") == 130
    finally:
        signal.signal(signal.SIGTERM, before)
    monkeypatch.setattr(RlRun, "advance", advance)
    assert trained("stopped") == 0
    one, other = (load_file(next((tmp_path / name).glob("*/" + checkpoints.RESUME))) for name in ("whole", "stopped"))
    assert one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)
    assert any(name.endswith("num_added") and (value > 0).all() for name, value in one.items())
