"""PPO's learner, and the whole on a problem whose solution is known."""

from dataclasses import asdict, replace
from functools import partial

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines import train
from metaworld_baselines.algorithms import ppo
from metaworld_baselines.algorithms.ppo import Scale, clipped_surrogate, updated_scale
from metaworld_baselines.algorithms.ppo_config import PUBLISHED, TUNED, PpoConfig
from metaworld_baselines.algorithms.registry import find_algorithm
from metaworld_baselines.experience.on_policy import Rollout
from metaworld_baselines.networks.gaussian import ClippedGaussian, Gaussian
from metaworld_baselines.networks.multi_head import with_task
from metaworld_baselines.networks.scaling import INPUT_RANGE, MIN_VARIANCE, rescaled_head
from metaworld_baselines.places import AGENTS
from metaworld_baselines.runs import checkpoints
from metaworld_baselines.sweep import read_sweep

CONFIG = PpoConfig(
    benchmark="reach,drawer-close", rollout_steps=200, width=32, depth=1, epochs=8, minibatches=4, learning_rate=3e-3, entropy_bonus=0.0
)
SIZES = ("benchmark", "rollout_steps", "width", "depth", "epochs", "minibatches", "learning_rate")
SMALL_TUNED = replace(TUNED, envs_per_task=1, policy_waits_iterations=0, **{name: getattr(CONFIG, name) for name in SIZES})
NEWER_FIELDS = {
    "active_sampling",
    "active_sampling_iterations",
    "gpu_engine",
    "staggered_starts",
    "precision",
    "actor_combination",
    "architecture",
    "critic_combination",
    "final_entropy_bonus",
    "final_learning_rate",
    "value_memory_iterations",
    "value_heads",
    "critic_layer_norm",
    "normalize_observations",
    "state_dependent_std",
    "initial_std",
    "min_std",
    "max_std",
    "target_kl",
    "task_std",
    "noise_correlation",
    "final_noise_correlation",
    "clipped_densities",
    "final_max_std",
    "policy_waits_iterations",
    "self_imitation",
    "self_imitation_episodes",
    "self_imitation_samples",
}
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


def test_a_scale_with_a_memory_forgets():
    """By hand: of [0, 2] (mean 1, variance 1, two samples), a memory of one sample keeps the weight 1; [4, 8] have mean 6, variance 4."""
    scale = updated_scale(Scale(jnp.zeros(()), jnp.zeros(1), jnp.ones(1)), jnp.array([[0.0, 2.0]]), memory=1.0)
    assert (float(scale.mean[0]), float(scale.var[0])) == (1.0, 1.0)
    scale = updated_scale(scale, jnp.array([[4.0, 8.0]]), memory=1.0)
    assert float(scale.mean[0]) == pytest.approx((1 * 1 + 2 * 6) / 3)
    assert float(scale.var[0]) == pytest.approx((1 * 1 + 2 * 4) / 3 + (1 * 2 / 9) * (6 - 1) ** 2)


def test_new_units_leave_each_tasks_values_as_they_were():
    rng = np.random.default_rng(0)
    head = {"kernel": jnp.asarray(rng.normal(size=(5, 2))), "bias": jnp.asarray(rng.normal(size=2))}
    old = Scale(jnp.zeros(()), jnp.array([1.0, -3.0]), jnp.array([4.0, 0.25]))
    new = Scale(jnp.zeros(()), jnp.array([7.0, 0.0]), jnp.array([9.0, 16.0]))
    features = rng.normal(size=(11, 5))

    def values(head, scale):
        return (features @ head["kernel"] + head["bias"]) * np.sqrt(scale.var) + scale.mean

    assert np.allclose(values(rescaled_head(head, old, new), new), values(head, old), atol=1e-5)


def random_rollout(rng, envs=2, steps=CONFIG.rollout_steps):
    """Random experience; the first task's rewards are a hundred times the second's."""
    obs, next_obs = rng.normal(0.3, 0.7, size=(2, envs, steps, 39)).astype(np.float32)
    action, log_prob = rng.normal(size=(envs, steps, 4)), np.full((envs, steps), -5.0)
    reward = rng.normal(size=(envs, steps)) * np.where(np.arange(envs) == 0, 100.0, 1.0)[:, None]
    return Rollout(obs, None, action, log_prob, reward, next_obs, np.ones((envs, steps), bool), None)


def test_inputs_are_in_units_of_all_observations_of_earlier_iterations():
    """Within an iteration acting and learning see one and the same scale: that of NumPy over everything before."""
    learner, rng = ppo.make_learner(replace(SMALL_TUNED, epochs=1)), np.random.default_rng(0)
    agent, seen, learn = ppo.init(learner, seed=0), [], jax.jit(partial(ppo.learn, learner))
    for iteration in range(3):
        rollout = random_rollout(rng)
        batch, _ = ppo.make_batch(learner, agent, rollout)
        obs = rollout.obs.reshape(-1, 39)
        if seen:
            everything = np.concatenate(seen).astype(np.float64)
            assert np.allclose(agent.obs_scale.mean, everything.mean(0), atol=1e-5)
            assert np.allclose(agent.obs_scale.var, everything.var(0), rtol=1e-4)
            std = np.sqrt(np.maximum(everything.var(0), MIN_VARIANCE))
            wanted = np.clip((obs - everything.mean(0)) / std, -INPUT_RANGE, INPUT_RANGE)
            assert np.allclose(batch.inputs[:, :39], wanted, atol=1e-4)
        else:
            assert np.allclose(batch.inputs[:, :39], np.clip(obs, -INPUT_RANGE, INPUT_RANGE))
        agent, _ = learn(agent, rollout, jax.random.PRNGKey(0), iteration)
        seen.append(obs)


def test_what_acts_is_saved_with_its_scale_and_loaded_with_it(tmp_path):
    learner = ppo.make_learner(SMALL_TUNED)
    agent = ppo.init(learner, seed=0)
    scale = Scale(jnp.array(7.0), jnp.linspace(-1.0, 1.0, 39), jnp.linspace(0.1, 4.0, 39))
    agent = agent._replace(obs_scale=scale, policy=jax.tree.map(lambda x: x + 0.1, agent.policy))
    checkpoints.save(tmp_path / "last.safetensors", ppo.acting(learner, agent), {})
    loaded = find_algorithm("ppo").load(SMALL_TUNED, tmp_path / "last.safetensors")
    obs, ids = np.random.default_rng(0).normal(size=(5, 39)).astype(np.float32), np.eye(2, dtype=np.float32)[[0, 1, 1, 0, 0]]
    inputs = np.concatenate([(obs - scale.mean) / np.sqrt(scale.var), ids], axis=1)
    wanted = np.clip(learner.policy.apply(agent.policy, inputs).mean, -1.0, 1.0)
    assert np.allclose(loaded.eval_action(np.concatenate([obs, ids], axis=1)), wanted, atol=1e-5)


def test_advantages_and_targets_are_in_each_tasks_own_units():
    """By hand: one-step episodes and a critic of zeros, so that advantages and targets are the rewards."""
    config = replace(SMALL_TUNED, rollout_steps=2, minibatches=1)
    learner = ppo.make_learner(config)
    agent = ppo.init(learner, seed=0)
    agent = agent._replace(value=jax.tree.map(jnp.zeros_like, agent.value))
    rollout = random_rollout(np.random.default_rng(0), steps=2)._replace(reward=np.array([[100.0, 300.0], [1.0, 5.0]]))
    batch, scale = ppo.make_batch(learner, agent, rollout)
    assert np.allclose(scale.mean, [200.0, 3.0]) and np.allclose(scale.var, [100.0**2, 2.0**2])
    assert np.allclose(batch.advantage, [-1.0, 1.0, -1.0, 1.0]) and np.allclose(batch.target, [-1.0, 1.0, -1.0, 1.0])


def test_units_are_each_tasks_where_one_has_more_environments_than_another():
    """By hand, and an iteration counts alike for both: as if there were as many samples of each."""
    config = replace(SMALL_TUNED, rollout_steps=2, minibatches=1, envs_per_task=2, active_sampling=0.5)
    learner = ppo.make_learner(config)
    agent = ppo.init(learner, seed=0)
    agent = agent._replace(value=jax.tree.map(jnp.zeros_like, agent.value))
    reward = np.array([[100.0, 300.0], [0.0, 2.0], [4.0, 6.0], [8.0, 10.0]])
    rollout = random_rollout(np.random.default_rng(0), envs=4, steps=2)._replace(reward=reward)
    batch, scale = ppo.make_batch(learner, agent, rollout, jnp.array([0, 1, 1, 1]))
    std = np.std(reward[1:])
    assert np.allclose(scale.mean, [200.0, 5.0]) and np.allclose(scale.var, [100.0**2, std**2]) and scale.count == 4
    wanted = np.concatenate([[-1.0, 1.0], (reward[1:].ravel() - 5.0) / std])
    assert np.allclose(batch.advantage, wanted, atol=1e-5) and np.allclose(batch.target, wanted, atol=1e-5)
    assert np.array_equal(batch.inputs[:, 39:], np.eye(2)[[0, 0, 1, 1, 1, 1, 1, 1]])


def test_the_critics_output_of_a_task_is_that_of_its_id():
    learner = ppo.make_learner(SMALL_TUNED)
    agent = ppo.init(learner, seed=0)
    inputs = with_task(jnp.ones((2, 39)), jnp.eye(2))
    outputs = learner.value.apply(agent.value, inputs)
    assert outputs.shape == (2, 2) and np.allclose(ppo.task_values(learner, agent.value, inputs), np.diag(outputs))


def test_rates_fall_on_straight_lines_to_the_last_iteration():
    config = replace(SMALL_TUNED, total_env_steps=11 * 400, learning_rate=1e-3, final_learning_rate=1e-4, entropy_bonus=5e-3)
    got = np.array([config.rates_at(iteration) for iteration in (0, 5, 10, 12)])
    assert np.allclose(got, [[1e-3, 5e-3], [5.5e-4, 2.5e-3], [1e-4, 0.0], [1e-4, 0.0]], atol=1e-9)
    assert np.allclose(np.array(CONFIG.rates_at(7)), [CONFIG.learning_rate, CONFIG.entropy_bonus])


def test_a_lower_rate_makes_a_proportionally_shorter_step():
    """Adam's first step is the rate in every weight, whatever the gradient."""
    lengths = []
    for rate in (1e-3, 1e-4):
        learner = ppo.make_learner(replace(SMALL_TUNED, epochs=1, minibatches=1, learning_rate=rate, target_kl=0.0))
        before = ppo.init(learner, seed=0)
        after, _ = jax.jit(partial(ppo.learn, learner))(before, random_rollout(np.random.default_rng(0)), jax.random.PRNGKey(0), 0)
        moved = jax.tree.map(lambda a, b: jnp.abs(a - b).max(), after.policy, before.policy)
        lengths.append(max(map(float, jax.tree.leaves(moved))))
    assert lengths[0] == pytest.approx(1e-3, rel=0.05) and lengths[1] == pytest.approx(1e-4, rel=0.05)


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_noise_of_successive_steps_is_correlated_and_of_the_same_spread(correlation):
    learner = ppo.make_learner(replace(SMALL_TUNED, noise_correlation=correlation))
    agent, act = ppo.acting(learner, ppo.init(learner, seed=0)), partial(ppo.make_act(learner), np.eye(2, dtype=np.float32))
    obs, noise, drawn = np.zeros((2, 39), np.float32), None, []
    at_rest = ppo.distribution(learner, agent, obs, jnp.eye(2))
    for step in range(2000):
        action, log_prob, noise = act(agent, noise, obs, None, np.array([0, step]))
        drawn.append((action - at_rest.mean) * jnp.exp(-at_rest.log_std))
    drawn = np.asarray(jnp.stack(drawn))
    assert np.allclose(drawn.std(axis=0), 1.0, atol=0.2)
    assert (drawn[1:] * drawn[:-1]).mean() == pytest.approx(correlation, abs=0.1)
    assert np.allclose(log_prob, at_rest.log_prob(action), atol=1e-5)  # each step's by itself


@pytest.mark.parametrize(("share", "correlation"), [(0.0, 0.8), (0.5, 0.4), (1.0, 0.0), (1.5, 0.0)])
def test_the_correlation_of_noise_falls_along_the_budget(share, correlation):
    config = replace(SMALL_TUNED, noise_correlation=0.8, final_noise_correlation=0.0)
    learner, steps = ppo.make_learner(config), config.total_env_steps // 2  # of either environment
    agent, act = ppo.acting(learner, ppo.init(learner, seed=0)), partial(ppo.make_act(learner), np.eye(2, dtype=np.float32))
    obs, before = np.zeros((2, 39), np.float32), np.ones((2, 4), np.float32)
    at = np.array([0, int(share * steps)])
    (rested, *_), (*_, noise) = act(agent, None, obs, None, at), act(agent, before, obs, None, at)
    at_rest = ppo.distribution(learner, agent, obs, jnp.eye(2))
    white = (rested - at_rest.mean) * jnp.exp(-at_rest.log_std)
    assert np.allclose(noise, correlation * before + np.sqrt(1.0 - correlation**2) * white, atol=1e-4)


def test_densities_may_be_of_clipped_actions():
    """Played and learned from alike, so that the policy that played is no step away from itself."""
    learner = ppo.make_learner(replace(SMALL_TUNED, clipped_densities=True, initial_std=3.0))
    agent, envs = ppo.init(learner, seed=0), len(learner.config.tasks) * learner.config.envs_per_task
    obs, ids = jnp.zeros((envs, 39)), jnp.eye(2)
    action, log_prob, _ = ppo.make_act(learner)(ids, ppo.acting(learner, agent), None, obs, None, np.array([0, 0]))
    distribution = ppo.distribution(learner, ppo.acting(learner, agent), obs, ids)
    assert isinstance(distribution, ClippedGaussian) and float(jnp.abs(action).max()) > 1.0
    assert np.allclose(log_prob, ClippedGaussian(*distribution).log_prob(action), atol=1e-5)
    assert not np.allclose(log_prob, Gaussian(*distribution).log_prob(action), atol=0.1)
    zeros = jnp.zeros(envs)
    batch = ppo.Batch(with_task(obs, ids), action, log_prob, zeros, zeros)
    assert np.allclose(ppo.policy_loss(learner, agent.policy, batch, 0.0)[1]["kl"], 0.0, atol=1e-6)


def test_the_rate_follows_the_divergence():
    assert ppo.followed(1.0, 0.05, 0.02) < 1.0 < ppo.followed(1.0, 0.009, 0.02) and ppo.followed(1.0, 0.03, 0.02) == 1.0
    factors = []
    for target in (1e-4, 10.0):
        learner = ppo.make_learner(replace(SMALL_TUNED, target_kl=target))
        agent, learn = ppo.init(learner, seed=0), jax.jit(partial(ppo.learn, learner))
        agent, metrics = learn(agent, random_rollout(np.random.default_rng(0)), jax.random.PRNGKey(0), 0)
        factors.append(float(agent.rate_factor))
        assert {"kl", "rate_factor"} <= metrics.keys()
    assert factors[0] < 0.5 and factors[1] > 1.5


def test_the_policy_waits_while_the_critic_and_the_units_of_observations_learn():
    learner, rng = ppo.make_learner(replace(SMALL_TUNED, policy_waits_iterations=2)), np.random.default_rng(0)
    agent, learn = ppo.init(learner, seed=0), jax.jit(partial(ppo.learn, learner))
    for iteration in range(3):
        after, _ = learn(agent, random_rollout(rng), jax.random.PRNGKey(0), iteration)
        moves = jax.tree.map(lambda a, b: bool((a != b).any()), after, agent)
        policy, value, scale = (any(jax.tree.leaves(part)) for part in (moves.policy, moves.value, moves.obs_scale))
        assert (policy, value, scale) == (iteration == 2, True, True)
        agent = after


def test_a_task_has_a_standard_deviation_of_its_own():
    learner = ppo.make_learner(replace(SMALL_TUNED, task_std=True, state_dependent_std=False, max_std=None))
    actor = ppo.acting(learner, ppo.init(learner, seed=0))
    actor["params"]["log_std"] = jnp.log(jnp.array([[0.5] * 4, [0.3, 0.4, 0.01, 2.0]]))
    std = jnp.exp(ppo.distribution(learner, actor, jnp.ones((2, 39)), jnp.eye(2)).log_std)
    assert np.allclose(std, [[0.5] * 4, [0.3, 0.4, learner.config.min_std, 2.0]], atol=1e-6)


def test_the_standard_deviations_of_all_tasks_fall_in_the_last_fifth_of_the_budget():
    """Down to the bound and no further; until then they are as without one."""
    settings = replace(SMALL_TUNED, total_env_steps=10 * CONFIG.env_steps_per_iteration, initial_std=0.8)
    learner = ppo.make_learner(replace(settings, final_max_std=0.2))
    agent, both = ppo.init(learner, seed=0), [partial(ppo.learn, ppo.make_learner(settings)), partial(ppo.learn, learner)]
    plain, falling = map(jax.jit, both)
    rollout = random_rollout(np.random.default_rng(0))
    for iteration, expected in ((0, None), (6, None), (8, 0.4), (9, 0.2), (20, 0.2)):
        free, bound = (learn(agent, rollout, jax.random.PRNGKey(0), iteration)[0].policy for learn in (plain, falling))
        std = np.exp(bound["params"]["log_std"])
        assert std.shape == (2, 4)
        if expected is None:
            assert np.array_equal(free["params"]["log_std"], bound["params"]["log_std"]) and std.min() > 0.5
        else:
            assert np.allclose(std, expected, atol=1e-3)
            without = [{**policy["params"], "log_std": None} for policy in (free, bound)]
            assert all(np.array_equal(*pair) for pair in zip(*map(jax.tree.leaves, without), strict=True))


def test_files_that_lack_the_newer_settings_mean_the_older_algorithm():
    algorithm = find_algorithm("ppo")
    older = {name: value for name, value in asdict(CONFIG).items() if name not in NEWER_FIELDS}
    assert len(older) == len(asdict(CONFIG)) - len(NEWER_FIELDS)
    assert algorithm.config_from({**older, "seed": 1}) == CONFIG
    assert algorithm.config_from(asdict(SMALL_TUNED)) == SMALL_TUNED != CONFIG


@pytest.mark.parametrize("is_staggered", [False, True])
def test_starts_are_staggered_where_the_settings_say_so(is_staggered):
    config = replace(CONFIG, envs_per_task=2, staggered_starts=is_staggered)
    collector = ppo.make_collector(config, ppo.make_act(ppo.make_learner(config)), seed=1)
    assert collector.envs.steps.tolist() == ([0, 250] * 2 if is_staggered else [0] * 4)
    collector.close()


def test_published_settings_have_a_name():
    name, command = train.parse(["ppo", "--config", "published", "--benchmark", "MT50"])
    assert name == "ppo" and command.config == replace(PUBLISHED, benchmark="MT50") and command.seed == (1,)
    assert train.parse(["ppo"])[1].config == TUNED
    with pytest.raises(ValueError, match="unknown algorithm"):
        train.parse(["--config", "published"])


def experience(learner, agent, key):
    """One-step episodes at the same state; the reward falls with the squared distance to the task's best action."""
    steps = CONFIG.rollout_steps
    obs = jnp.broadcast_to(jnp.linspace(-1, 1, 39), (2, steps, 39))
    ids = jnp.broadcast_to(jnp.eye(2)[:, None], (2, steps, 2))
    distribution = ppo.distribution(learner, ppo.acting(learner, agent), obs, ids)
    action = distribution.sample(key)
    reward = 1.0 - ((action - BEST_ACTIONS[:, None]) ** 2).sum(-1)
    return Rollout(obs, None, action, distribution.log_prob(action), reward, obs, jnp.ones((2, steps), bool), jnp.zeros((2, steps)))


@pytest.mark.parametrize(
    "config", [CONFIG, replace(CONFIG, normalize_values=False, normalize_advantages=True), SMALL_TUNED], ids=["older", "plain", "tuned"]
)
def test_the_policy_finds_each_tasks_best_action(config):
    learner = ppo.make_learner(replace(config, discount=0.01))
    agent, learn = ppo.init(learner, seed=0), jax.jit(partial(ppo.learn, learner))
    for iteration in range(60):
        agent, metrics = learn(agent, experience(learner, agent, jax.random.PRNGKey(iteration)), jax.random.PRNGKey(0), iteration)
    obs = jnp.broadcast_to(jnp.linspace(-1, 1, 39), (2, 39))
    mean = ppo.distribution(learner, ppo.acting(learner, agent), obs, jnp.eye(2)).mean
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
        ({"min_std": 2.0}, "initial_std must lie between min_std and max_std, got 2.0, 1.0, None"),
        ({"max_std": 0.5}, "initial_std must lie between"),
        ({"noise_correlation": 1.0}, r"noise_correlation must lie in \[0, 1\), got 1.0"),
        ({"final_noise_correlation": -0.1}, r"final_noise_correlation must lie in \[0, 1\), got -0.1"),
        ({"target_kl": -1.0}, "target_kl must not be negative"),
        ({"policy_waits_iterations": -1}, "policy_waits_iterations must not be negative"),
        (
            {"policy_waits_iterations": 3, "total_env_steps": 1_200},
            "must be below the budget's 3 iterations of 400 steps, or the policy never learns, got 3",
        ),
        ({"final_learning_rate": -1e-3}, r"final_learning_rate must lie between 0 and learning_rate .*, got -0.001"),
        ({"final_learning_rate": 1.0}, "final_learning_rate must lie between 0 and learning_rate"),
        ({"final_entropy_bonus": -1.0}, "final_entropy_bonus must not be negative"),
        ({"task_std": True, "state_dependent_std": True}, "switch state_dependent_std off"),
        ({"final_max_std": 0.2, "state_dependent_std": True}, "same for all observations: switch state_dependent_std off"),
        ({"final_max_std": 1.2}, "must lie above min_std 1e-06 and not above initial_std 1.0, got 1.2"),
        ({"active_sampling": 1.1, "envs_per_task": 2}, r"active_sampling must lie in 0…1, got 1.1"),
        ({"active_sampling": 0.5}, "and wants several tasks and at least 2 envs_per_task, got 2 and 1: leave it out"),
        ({"active_sampling": 0.5, "envs_per_task": 2, "benchmark": "reach"}, "wants several tasks .*, got 1 and 2"),
        ({"active_sampling": 0.5, "envs_per_task": 2, "gpu_engine": "cpu"}, "worlds of the GPU engine stay"),
        (
            {"active_sampling": 0.5, "envs_per_task": 2, "actor_combination": "pcgrad"},
            "gradients are combined of as many samples of each task: leave it out",
        ),
        ({"active_sampling_iterations": 0}, "active_sampling_iterations must be at least 1"),
        ({"value_heads": True, "normalize_values": False}, "value_heads are in the units that normalize_values brings"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        PpoConfig(**{**vars(CONFIG), **changes})


@pytest.mark.parametrize(
    ("changes", "share"),
    [
        ({}, 0.7),
        ({"active_sampling": 0.3}, 0.3),
        ({"active_sampling": 0.0}, 0.0),
        ({"benchmark": "reach"}, 0.0),
        ({"envs_per_task": 1}, 0.0),
        ({"gpu_engine": "cpu"}, 0.0),
        ({"critic_combination": "pcgrad"}, 0.0),
    ],
)
def test_tasks_that_fail_have_more_environments_where_they_may(changes, share):
    assert replace(CONFIG, **{"active_sampling": None, "envs_per_task": 2, **changes}).sampling_share == share


@pytest.mark.parametrize(("total", "waits"), [(400 * 99, 0), (400 * 100, 1), (400 * 1950, 19), (400 * 99_999, 20)])
def test_how_long_the_policy_waits_follows_the_budget_where_nothing_is_said(total, waits):
    assert replace(CONFIG, policy_waits_iterations=None, total_env_steps=total).waiting_iterations == waits
    assert replace(CONFIG, policy_waits_iterations=3, total_env_steps=total).waiting_iterations == 3


def test_published_settings():
    config = PUBLISHED
    assert config.state_dependent_std and not config.normalize_advantages and not config.normalize_observations
    assert (config.rollout_steps, config.epochs, config.minibatches, config.clip) == (10_000, 16, 32, 0.2)
    assert (config.discount, config.trace, config.entropy_bonus, config.learning_rate) == (0.99, 0.97, 5e-3, 3e-4)
    assert (config.width, config.depth, config.total_env_steps) == (400, 3, 20_000_000)


def test_the_mean_of_the_tasks_gradients_is_the_gradient_of_all_samples():
    """With one minibatch of everything the two ways take the same step; other combinations take another."""
    rollout, agents = random_rollout(np.random.default_rng(0)), {}
    for both in ((None, None), ("mean", "mean"), ("mgda", "fairgrad"), (None, "imtl-g")):
        config = replace(SMALL_TUNED, epochs=1, minibatches=1, actor_combination=both[0], critic_combination=both[1])
        learner = ppo.make_learner(config)
        agents[both], metrics = jax.jit(partial(ppo.learn, learner))(ppo.init(learner, seed=0), rollout, jax.random.PRNGKey(0), 0)
        assert set(metrics) == {"surrogate", "entropy", "kl", "value_loss", "rate_factor"} and all(
            np.isfinite(value) for value in metrics.values()
        )
    plain, mean, other, one_side = (flat(agent.policy) for agent in agents.values())
    assert np.allclose(plain, mean, atol=1e-6) and np.allclose(plain, one_side, atol=1e-6)
    assert not np.allclose(plain, other, atol=1e-6)
    values = [flat(agent.value) for agent in agents.values()]
    assert np.allclose(values[0], values[1], atol=1e-6) and not np.allclose(values[0], values[3], atol=1e-6)


def flat(tree):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])


def test_losses_of_several_tasks_are_those_of_each():
    """In one pass over all, which costs a gradient of the mean no more than samples in any order."""
    learner = ppo.make_learner(SMALL_TUNED)
    agent, rng = ppo.init(learner, 0), np.random.default_rng(0)
    inputs = np.concatenate([rng.normal(size=(2, 6, 39)), np.repeat(np.eye(2)[:, None], 6, axis=1)], axis=-1)
    numbers = (rng.normal(size=size) for size in ((2, 6, 4), (2, 6), (2, 6), (2, 6)))
    batch = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), ppo.Batch(inputs, *numbers))
    for loss, params in (
        (partial(ppo.policy_loss, learner, entropy_bonus=0.1), agent.policy),
        (partial(ppo.value_loss, learner), agent.value),
    ):
        together, metrics = loss(params, batch)
        for task in range(2):
            alone, of_one = loss(params, jax.tree.map(lambda x, task=task: x[task], batch))
            np.testing.assert_allclose(together[task], alone, rtol=1e-5)
            assert {name: float(value) for name, value in of_one.items()} == pytest.approx(
                {name: float(values[task]) for name, values in metrics.items()}, rel=1e-4
            )


def test_minibatches_have_as_many_samples_of_every_task_where_their_gradients_are_combined():
    config = replace(SMALL_TUNED, critic_combination="pcgrad")
    size = config.env_steps_per_iteration
    orders = np.asarray(ppo.minibatches(config, jax.random.PRNGKey(0), size))
    assert np.array_equal(np.sort(orders.ravel()), np.arange(size)) and orders.shape[0] == config.minibatches
    tasks = orders.reshape(config.minibatches, len(config.tasks), -1) // (size // len(config.tasks))
    assert (tasks == np.arange(len(config.tasks))[:, None]).all()


def test_runs_of_the_table_of_combinations_can_start(tmp_path):
    """And all have one budget, so that their success can be compared."""
    runs = read_sweep(AGENTS.parent / "combinations.toml", tmp_path)
    assert len({run.place for run in runs}) >= 15 and {run.seed for run in runs} == {1, 2, 3}
    assert all(run.config.combines_tasks for run in runs) and len({run.config.total_env_steps for run in runs}) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"actor_combination": "gradnorm"}, "gradnorm needs positive losses"),
        ({"critic_combination": "pc-grad"}, "Did you mean 'pcgrad'"),
        ({"critic_combination": "mean", "rollout_steps": 3, "minibatches": 2}, "to combine the tasks' gradients, minibatches must divide"),
    ],
)
def test_impossible_combinations_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL_TUNED, **changes)
