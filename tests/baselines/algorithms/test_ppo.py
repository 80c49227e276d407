"""PPO's learner, and the whole on a problem whose solution is known."""

from functools import partial

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.algorithms import ppo
from metaworld_baselines.algorithms.ppo import PpoConfig, Scale, clipped_surrogate, updated_scale
from metaworld_baselines.experience.on_policy import Rollout
from metaworld_baselines.networks.multi_head import with_task

CONFIG = PpoConfig(
    benchmark="reach,drawer-close", rollout_steps=200, width=32, depth=1, epochs=8, minibatches=4, learning_rate=3e-3, entropy_bonus=0.0
)
BEST_ACTIONS = np.array([[0.5, -0.5, 0.0, 0.3], [-0.4, 0.2, 0.6, 0.0]], np.float32)


def test_the_surrogate_gains_nothing_outside_the_neighbourhood():
    log_ratio, advantage = jnp.log(jnp.array([1.0, 1.5, 1.5, 0.5, 0.5])), jnp.array([2.0, 1.0, -1.0, 1.0, -1.0])
    got = clipped_surrogate(log_ratio, jnp.zeros(5), advantage, 0.2)
    assert np.allclose(got, [2.0, 1.2, -1.5, 0.5, -0.8], atol=1e-6)
    slope = jax.vmap(jax.grad(lambda x, a: clipped_surrogate(x, 0.0, a, 0.2)))(log_ratio, advantage)
    assert np.array_equal(np.asarray(slope) != 0.0, [True, False, True, True, False])


def test_running_scale_equals_that_of_everything():
    rng = np.random.default_rng(0)
    learner = [rng.normal(5.0, 3.0, size=(2, n)) for n in (10, 1, 200)]
    scale = Scale(jnp.zeros(()), jnp.zeros(2), jnp.ones(2))
    for part in learner:
        scale = updated_scale(scale, jnp.asarray(part))
    everything = np.concatenate(learner, axis=1)
    assert np.allclose(scale.mean, everything.mean(1), atol=1e-4) and np.allclose(scale.var, everything.var(1), rtol=1e-4)


def experience(learner, agent, key):
    """One-step episodes at the same state; the reward falls with the squared distance to the task's best action."""
    steps = CONFIG.rollout_steps
    obs = jnp.broadcast_to(jnp.linspace(-1, 1, 39), (2, steps, 39))
    ids = jnp.broadcast_to(jnp.eye(2)[:, None], (2, steps, 2))
    distribution = learner.policy.apply(agent.policy, with_task(obs, ids))
    action = distribution.sample(key)
    reward = 1.0 - ((action - BEST_ACTIONS[:, None]) ** 2).sum(-1)
    return Rollout(obs, None, action, distribution.log_prob(action), reward, obs, jnp.ones((2, steps), bool), jnp.zeros((2, steps)))


@pytest.mark.parametrize("options", [{}, {"normalize_values": False, "normalize_advantages": True}])
def test_the_policy_finds_each_tasks_best_action(options):
    learner = ppo.make_learner(PpoConfig(**{**vars(CONFIG), "discount": 0.01, **options}))
    agent, learn = ppo.init(learner, seed=0), jax.jit(partial(ppo.learn, learner))
    for iteration in range(60):
        agent, metrics = learn(agent, experience(learner, agent, jax.random.PRNGKey(iteration)), jax.random.PRNGKey(0), iteration)
    mean = learner.policy.apply(agent.policy, with_task(jnp.broadcast_to(jnp.linspace(-1, 1, 39), (2, 39)), jnp.eye(2))).mean
    assert np.abs(np.asarray(mean) - BEST_ACTIONS).max() < 0.15, mean
    assert np.isfinite([float(value) for value in metrics.values()]).all()


def test_a_time_limit_bootstraps():
    """Reward 1 for ever, cut by the clock after each step: with the value of the final observation the target is r + γ V."""
    learner = ppo.make_learner(PpoConfig(**{**vars(CONFIG), "normalize_values": False}))
    agent = ppo.init(learner, seed=0)
    rollout = experience(learner, agent, jax.random.PRNGKey(0))._replace(reward=jnp.ones((2, CONFIG.rollout_steps)))
    batch, _ = ppo.make_batch(learner, agent, rollout)
    value = learner.value.apply(agent.value, batch.inputs)[..., 0]
    assert np.allclose(batch.target, 1.0 + CONFIG.discount * value, atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"minibatches": 7}, "minibatches must divide rollout_steps · tasks · envs_per_task = 400, got 7"),
        ({"epochs": 0}, "epochs must be at least 1"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        PpoConfig(**{**vars(CONFIG), **changes})


def test_published_settings():
    config = PpoConfig()
    assert (config.rollout_steps, config.epochs, config.minibatches, config.clip) == (10_000, 16, 32, 0.2)
    assert (config.discount, config.trace, config.entropy_bonus, config.learning_rate) == (0.99, 0.97, 5e-3, 3e-4)
    assert (config.width, config.depth, config.total_env_steps) == (400, 3, 20_000_000)
