"""Multi-task architectures: shapes, what tasks share, each one's own idea, and published sizes."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.algorithms import ppo, sac_update
from metaworld_baselines.algorithms.ppo_config import TUNED
from metaworld_baselines.algorithms.registry import find_algorithm
from metaworld_baselines.algorithms.sac_config import SacConfig
from metaworld_baselines.algorithms.sac_learner import init, make_learner
from metaworld_baselines.experience.replay import Transition
from metaworld_baselines.networks.actor_critic import ActionDistribution
from metaworld_baselines.networks.architectures import ARCHITECTURES, ONE_HOT, check_architecture
from metaworld_baselines.networks.cross_stitch import CrossStitchTorso
from metaworld_baselines.networks.layers import MixedDense
from metaworld_baselines.networks.moore import orthonormal
from metaworld_baselines.networks.soft_modules import SoftModulesTorso
from metaworld_baselines.publishing.combinations_page import PUBLISHED_PARAMS, num_actor_params

KEY, OBS, T, BATCH = jax.random.PRNGKey(0), 39, 3, 5


def actor(name, num_tasks=T, width=16, depth=2):
    network = ActionDistribution(num_tasks, width, depth, name)
    return network, network.init(KEY, jnp.ones(OBS), jnp.ones(num_tasks) / num_tasks)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_ids_by_row_and_by_task_give_the_same_outputs(name):
    """SAC gives one id for a task's whole batch, PPO and acting one for each row."""
    network, params = actor(name)
    obs = jax.random.normal(KEY, (T, BATCH, OBS))
    apply = jax.jit(network.apply)
    by_task = apply(params, obs, jnp.eye(T)[:, None, :])
    by_row = apply(params, obs.reshape(-1, OBS), jnp.repeat(jnp.eye(T), BATCH, axis=0))
    for one, other in zip(by_task, by_row, strict=True):
        assert one.shape == (T, BATCH, 4) and np.allclose(one.reshape(-1, 4), other, atol=1e-6)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_task_matters_once_there_was_something_to_learn(name):
    """Away from the start (FiLM begins as one network for all), the same observation gives each task another action."""
    network, params = actor(name)
    params = jax.tree.map(lambda leaf: leaf + 0.1 * jax.random.normal(jax.random.PRNGKey(leaf.size), leaf.shape), params)
    mean, _ = jax.jit(network.apply)(params, jnp.ones((T, OBS)), jnp.eye(T))
    assert all(np.abs(mean[i] - mean[j]).max() > 1e-4 for i in range(T) for j in range(i))


@pytest.mark.parametrize("name", ["multi-head", "moore", "paco"])  # published Soft Modules are of another width
def test_sizes_are_the_published_ones(name):
    for num_tasks, published in zip((10, 50), PUBLISHED_PARAMS[name], strict=True):
        assert num_actor_params(name, num_tasks) == pytest.approx(published, rel=0.01)


def test_mixed_layers_are_layers_of_mixed_parameters():
    layer = MixedDense(4, 6)
    inputs, weights = jax.random.normal(KEY, (2, 7, 5)), jax.random.normal(KEY, (2, 1, 4))
    params = layer.init(KEY, inputs, weights)
    kernel, bias = params["params"]["kernel"], jax.random.normal(KEY, (4, 6))
    params = {"params": {"kernel": kernel, "bias": bias}}
    wanted = np.einsum("tsi,kif,tk->tsf", inputs, kernel, weights[:, 0]) + np.einsum("tk,kf->tf", weights[:, 0], bias)[:, None]
    assert np.allclose(layer.apply(params, inputs, weights), wanted, atol=1e-5)
    assert np.allclose(layer.apply(params, inputs, jnp.broadcast_to(weights, (2, 7, 4))), wanted, atol=1e-5)


def test_orthogonal_experts_span_the_same_space_without_repeating():
    vectors = jax.random.normal(KEY, (BATCH, 3, 8))
    found = orthonormal(vectors)
    assert np.allclose(np.einsum("bif,bjf->bij", found, found), np.eye(3), atol=1e-5)
    assert np.allclose(found[:, 0] * jnp.linalg.norm(vectors[:, 0], axis=-1, keepdims=True), vectors[:, 0], atol=1e-5)
    assert np.isfinite(orthonormal(jnp.ones((2, 3)))).all(), "equal experts"


def test_unstitched_columns_are_networks_of_their_own():
    """With the identity for shares, a task's features do not notice another task's column."""
    torso = CrossStitchTorso(T, 8, 2)
    params = torso.init(KEY, jnp.ones(OBS), jnp.eye(T)[0])["params"]
    alone = {**params, "shares_0": jnp.eye(T), "shares_1": jnp.eye(T)}

    def features(params, change):
        columns = {name: leaf for name, leaf in params.items() if not name.startswith("shares")}
        moved = jax.tree.map(lambda leaf: leaf.at[1].add(change), columns)
        return torso.apply({"params": {**params, **moved}}, jnp.ones(OBS), jnp.eye(T)[0])

    assert np.array_equal(features(alone, 0.0), features(alone, 1.0)) and not np.allclose(features(params, 0.0), features(params, 1.0))


def test_soft_modules_route_by_task():
    """Two tasks with one observation differ by their routing alone, which mixes modules with shares of sum one."""
    torso = SoftModulesTorso(T, 8, 3)
    params = torso.init(KEY, jnp.ones(OBS), jnp.eye(T)[0])
    features = torso.apply(params, jnp.ones((T, OBS)), jnp.eye(T))
    assert features.shape == (T, 8) and not np.allclose(features[0], features[1])


@pytest.mark.parametrize("name", ["film", "paco", "task-attention"])
def test_sac_learns_with_it(name):
    config = SacConfig(
        benchmark="reach,push,drawer-close", width=8, depth=1, batch_per_task=4, architecture=name, critic_combination="upgrad"
    )
    learner, rng = make_learner(config, 0), np.random.default_rng(0)
    before = init(learner, 0)
    obs, next_obs = rng.normal(size=(2, 3, 4, OBS)).astype(np.float32)
    zeros = np.zeros((3, 4), np.float32)
    batch = Transition(obs, rng.uniform(-1, 1, (3, 4, 4)).astype(np.float32), zeros + 1, next_obs, zeros)
    noise = rng.normal(size=(2, 3, 4, 4)).astype(np.float32)
    draws = sac_update.Draws(None, noise[0], noise[1], None, None)
    after = jax.jit(lambda agent: sac_update.update(learner, agent, batch, draws))(before)
    assert np.isfinite(after.critic).all() and np.isfinite(after.actor).all()
    assert not np.allclose(after.critic, before.critic) and not np.allclose(after.actor, before.actor)


@pytest.mark.parametrize("name", ["multi-head", "moore", "paco"])
def test_ppo_takes_it_for_policy_and_rescaled_values(name):
    config = replace(TUNED, benchmark="reach,push", architecture=name, width=8, depth=1, envs_per_task=1, rollout_steps=20, minibatches=2)
    learner = ppo.make_learner(config)
    agent = jax.eval_shape(lambda: ppo.init(learner, 0))
    assert agent.value["params"]["Head"]["kernel"].shape == (8, 2)
    inputs = jax.ShapeDtypeStruct((7, OBS + 2), jnp.float32)
    assert jax.eval_shape(learner.policy.apply, agent.policy, inputs).mean.shape == (7, 4)
    assert jax.eval_shape(partial(ppo.task_values, learner), agent.value, inputs).shape == (7,)


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != ONE_HOT])
def test_samples_of_one_task_share_their_id_in_ppo(name):
    """Losses are those of an id for each row, and so are their gradients."""
    learner = ppo.make_learner(replace(TUNED, benchmark="reach,push", architecture=name, width=8, depth=2))
    agent = jax.jit(lambda: ppo.init(learner, 0))()
    keys, size = jax.random.split(KEY, 5), (2, BATCH)
    inputs = jnp.concatenate([jax.random.normal(keys[0], (*size, OBS)), jnp.broadcast_to(jnp.eye(2)[:, None], (*size, 2))], axis=-1)
    numbers = (jax.random.normal(key, size) for key in keys[2:])
    by_task = ppo.Batch(inputs, jax.random.normal(keys[1], (*size, 4)), *numbers)
    by_row = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), by_task)
    assert by_task.is_by_task and not by_row.is_by_task

    def close(loss, params):
        slope = jax.jit(jax.grad(lambda params, batch: loss(params, batch)[0].mean()))
        one, other = slope(params, by_task), slope(params, by_row)
        return all(np.allclose(a, b, atol=1e-5) for a, b in zip(*map(jax.tree.leaves, (one, other)), strict=True))

    assert close(partial(ppo.policy_loss, learner, entropy_bonus=0.1), agent.policy)
    assert close(partial(ppo.value_loss, learner), agent.value)


def test_unknown_architectures_and_single_tasks_are_refused():
    with pytest.raises(ValueError, match="Did you mean 'soft-modules'"):
        check_architecture("soft-module", 3)
    with pytest.raises(ValueError, match="moore tells tasks apart, and there is one"):
        SacConfig(benchmark="reach", architecture="moore")
    assert find_algorithm("mt-sac").config_from({"multi_head": True}).architecture == "multi-head"
