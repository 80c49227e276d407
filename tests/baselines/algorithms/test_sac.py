"""SAC's learner: what it bootstraps from, where it draws actions, temperatures, and that its two ways to take gradients agree."""

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp
import optax

from metaworld_baselines.algorithms import sac_losses, sac_update
from metaworld_baselines.algorithms.registry import find_algorithm
from metaworld_baselines.algorithms.sac_config import SacConfig
from metaworld_baselines.algorithms.sac_learner import init, make_learner
from metaworld_baselines.experience import replay
from metaworld_baselines.experience.replay import Transition
from metaworld_baselines.gradients.combination import MultiTaskOptimizer, task_gradients
from metaworld_baselines.gradients.plain import mean
from metaworld_baselines.networks.multi_head import Network
from metaworld_baselines.networks.values import ScalarValues

SMALL = SacConfig(benchmark="reach,push,drawer-close", width=16, depth=2, batch_per_task=8, architecture="multi-head")
FLOAT32_RTOL = 2e-4  # of sums in another order


def random_batch(num_tasks, seed=0, batch=8):
    rng = np.random.default_rng(seed)
    obs, next_obs = rng.normal(size=(2, num_tasks, batch, 39)).astype(np.float32)
    action = rng.uniform(-1, 1, (num_tasks, batch, 4)).astype(np.float32)
    reward = rng.uniform(0, 10, (num_tasks, batch)).astype(np.float32)
    return Transition(obs, action, reward, next_obs, np.zeros((num_tasks, batch), np.float32))


@cache
def small(config=SMALL, method="mean"):
    """Learner and a fresh agent."""
    learner = make_learner(replace(config, actor_combination=method, critic_combination=method), 0)
    return learner, init(learner, 0)


def draws(learner, seed=0):
    """Random numbers of an update of a batch of 8."""
    return sac_update.draw(learner, replay.empty(learner.num_tasks, 8)._replace(num_rows=8), jax.random.PRNGKey(seed))


class ReadOff(Network):
    """An actor whose mean action is written at the start of the observation, with hardly any spread."""

    def __init__(self):
        pass

    def apply(self, params, obs, task_ids, task_features):
        return jnp.arctanh(obs[..., :4]), jnp.full((*obs.shape[:-1], 4), -12.0)


class SumOfAction(Network):
    """Critics with Q = sum of the action, and one more."""

    def __init__(self):
        pass

    def apply(self, params, obs, action, task_ids):
        return jnp.stack([action.sum(-1) + 1.0, action.sum(-1)])


def with_transparent_networks():
    learner, agent = small()
    return replace(learner, actor=ReadOff(), critic=SumOfAction()), agent


def test_only_termination_cuts_the_bootstrap():
    """Of two steps with the same reward and successor, the one that ended the problem is worth its reward."""
    values = ScalarValues("min")
    ones, fives = jnp.ones(2), jnp.full((2, 2), 5.0)
    assert np.allclose(values.targets(fives, ones, 0.9 * (1.0 - jnp.array([0.0, 1.0])), jnp.zeros(2)), [5.5, 1.0])


def test_the_next_action_is_drawn_at_the_next_observation():
    """With networks that can be read: y = r + γ (min Q(s', mean(s')) − α log π). Drawn at s, the sum of actions would be another."""
    learner, agent = with_transparent_networks()
    batch = random_batch(3)
    here, there = np.full((3, 8, 39), -0.5, np.float32), np.full((3, 8, 39), 0.25, np.float32)
    noise = np.zeros((3, 8, 4), np.float32)
    targets = sac_losses.critic_targets(learner, agent, batch._replace(obs=here, next_obs=there), noise)
    log_prob = 4 * (12.0 - 0.5 * np.log(2 * np.pi) - np.log(1 - 0.25**2))
    assert np.allclose(targets, batch.reward + 0.99 * (4 * 0.25 - 1.0 * log_prob), rtol=1e-5)


def test_the_actor_is_judged_by_the_smaller_critic_at_its_own_action():
    learner, agent = with_transparent_networks()
    obs = np.full((3, 8, 39), 0.25, np.float32)
    losses, log_prob = sac_losses.actor_losses(
        learner, agent.critic, agent.actor, obs, learner.task_ids, None, agent.log_temperature, np.zeros((3, 8, 4), np.float32)
    )
    assert np.allclose(losses, log_prob - 4 * 0.25, rtol=1e-5)


def test_targets_of_a_batch_are_its_rewards_where_everything_terminated():
    (learner, agent), batch = small(), random_batch(3)
    targets = [
        np.asarray(
            sac_losses.critic_targets(learner, agent, batch._replace(terminated=np.full((3, 8), ended, np.float32)), np.zeros((3, 8, 4)))
        )
        for ended in (0.0, 1.0)
    ]
    assert not np.allclose(targets[0], batch.reward) and np.allclose(targets[1], batch.reward)


def test_temperatures_follow_their_own_task_only():
    """Task 0 is too random, task 1 too certain, task 2 as it should be (target entropy −4, so log π = 4)."""
    assert np.allclose(sac_losses.temperature_gradient(jnp.array([1.0, 6.0, 4.0]), -4.0), [3.0, -2.0, 0.0])
    learner, _ = small()
    log_temperature = jnp.zeros(3)
    moved = []
    for second in (6.0, 1.0):
        gradient = sac_losses.temperature_gradient(jnp.array([1.0, second, 4.0]), -4.0)
        steps, _ = learner.temperature_opt.update(gradient, learner.temperature_opt.init(log_temperature))
        moved.append(np.asarray(steps))
    assert moved[0][0] < 0 < moved[0][1] and moved[0][2] == 0, "falls, rises, stays"
    assert moved[1][0] == moved[0][0] and moved[1][1] < 0, "the second moved the other way, the first did not notice"


@pytest.mark.parametrize("of", ["critic", "actor"])
def test_task_gradients_average_to_the_gradient_of_the_mean(of):
    (learner, agent), batch = small(), random_batch(3)
    noise = np.random.default_rng(1).normal(size=(3, 8, 4)).astype(np.float32)
    if of == "critic":
        losses, params = (lambda *a: sac_losses.critic_losses(learner, *a)), agent.critic
        arrays = batch, learner.task_ids, sac_losses.critic_targets(learner, agent, batch, noise)
    else:
        losses, params = (lambda *a: sac_losses.actor_losses(learner, agent.critic, *a)), agent.actor
        arrays = batch.obs, learner.task_ids, None, agent.log_temperature, noise
    optimizer = MultiTaskOptimizer(mean(3), optax.chain(optax.sgd(1.0)))
    averaged, (values, _), _ = jax.jit(partial(optimizer.gradient, losses))(params, optimizer.combination.init(params), *arrays)
    each, (values_too, _) = jax.jit(partial(task_gradients, losses))(params, *arrays)
    assert np.allclose(values, values_too, rtol=FLOAT32_RTOL)
    for one, many in zip(jax.tree.leaves(averaged), jax.tree.leaves(each), strict=True):
        assert many.shape == (3, *one.shape)
        assert np.allclose(one, many.mean(axis=0), rtol=FLOAT32_RTOL, atol=1e-5 * float(jnp.abs(one).max() + 1e-9))


def test_with_one_task_surgery_is_plain_sac():
    config = replace(SMALL, benchmark="reach")
    agents = []
    for method in ("mean", "pcgrad"):
        learner, agent = small(config, method)
        agents.append(jax.jit(partial(sac_update.update, learner))(agent, random_batch(1), draws(learner)))
    assert np.allclose(agents[0].critic, agents[1].critic, atol=1e-6)


def test_an_update_moves_everything_and_the_target_slowly():
    learner, before = small(SMALL, "pcgrad")
    after = jax.jit(partial(sac_update.update, learner))(before, random_batch(3), draws(learner))
    for network, like in ((learner.actor, "actor"), (learner.critic, "critic")):
        for one, other in zip(*(jax.tree.leaves(network.tree(getattr(agent, like))) for agent in (before, after)), strict=True):
            assert not np.allclose(one, other)
    assert np.allclose(after.target_critic, 0.995 * before.target_critic + 0.005 * after.critic, atol=1e-7)


def test_figures_are_per_task():
    learner, agent = small()
    buffer = replay.add(replay.empty(3, 8), replay.pack(random_batch(3)))
    metrics = jax.jit(partial(sac_update.look, learner))(agent, buffer, jax.random.PRNGKey(0), 0)
    assert set(metrics) == {"critic_loss", "actor_loss", "q", "entropy", "temperature"}
    assert all(values.shape == (3,) and np.isfinite(values).all() for values in metrics.values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"discount": 1.0}, "discount must be at least 0 and below 1"),
        ({"updates_per_vector_step": 0.03}, "whole number of at least 1"),
        ({"batch_per_task": 0}, "batch_per_task must be at least 1"),
        ({"actor_combination": "pcgard"}, "unknown combination of gradients 'pcgard'. Did you mean 'pcgrad'"),
        ({"actor_combination": "famo"}, "famo needs positive losses, and a policy's may be negative: use it for the critic"),
        ({"critic_combination": "cagrad:c=2"}, r"c must lie in \[0, 1\), got 2"),
        ({"combined_params": "heads"}, "combined_params must be one of all, torso, got 'heads'"),
    ],
)
def test_impossible_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **changes)


def test_settings_say_what_follows_from_them():
    config = SacConfig(benchmark="MT10", buffer_per_task=1_020, envs_per_task=2)
    assert len(config.tasks) == 10 and config.env_steps_per_chunk == 1_000
    assert config.capacity == 1_100, "whole chunks of 100 rows"
    assert config.rows_after(5_000) == 500 and config.rows_after(10**6) == 1_100
    assert config.random_chunks == 80 and replace(config, warmup_vector_steps=51).random_chunks == 2


def test_older_files_name_one_method_for_both():
    for then, now in (("average", "mean"), ("pcgrad", "pcgrad")):
        config = find_algorithm("mt-sac").config_from({"gradient_method": then, "multi_head": True, "seed": 3})
        assert (config.actor_combination, config.critic_combination) == (now, now)


def test_actor_and_critics_may_differ_and_combine_the_torso_alone():
    """With the torso alone, heads move as they do by the mean; the torso does not."""
    agents = {}
    for method, params in (("mean", "all"), ("upgrad", "torso")):
        learner, before = small(replace(SMALL, combined_params=params, max_grad_norm=1e9), method)
        agents[method] = jax.jit(partial(sac_update.update, learner))(before, random_batch(3), draws(learner))
    trees = {method: learner.critic.tree(agent.critic)["params"] for method, agent in agents.items()}
    assert np.allclose(trees["mean"]["Heads_0"]["Dense_0"]["kernel"], trees["upgrad"]["Heads_0"]["Dense_0"]["kernel"], atol=1e-6)
    assert not np.allclose(trees["mean"]["Torso_0"]["Dense_1"]["kernel"], trees["upgrad"]["Torso_0"]["Dense_1"]["kernel"], atol=1e-6)
    assert learner.critic.is_torso.sum() == sum(leaf.size for leaf in jax.tree.leaves(trees["mean"]["Torso_0"]))
