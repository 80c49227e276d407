"""Networks: heads chosen by task, squashed densities, published sizes."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.networks.actor_critic import ActionDistribution, squash, twin
from metaworld_baselines.networks.multi_head import num_params

KEY = jax.random.PRNGKey(0)
OBS, ACTION = 39, 4


def make(network, num_tasks, *extra):
    return network.init(KEY, jnp.ones(OBS), *extra, jnp.zeros(num_tasks))


@pytest.mark.parametrize(("num_tasks", "width", "published"), [(50, 400, 517_000), (50, 256, 257_000), (50, 512, 777_000)])
def test_multi_head_actor_has_the_published_number_of_parameters(num_tasks, width, published):
    network = ActionDistribution(num_tasks, width, 3, "multi-head")
    assert round(num_params(make(network, num_tasks)), -3) == published


@pytest.mark.parametrize("kind", ["actor", "critic"])
def test_each_task_uses_its_own_head(kind):
    """Changing head 1 changes the outputs of task 1 and of no other."""
    num_tasks, ids = 3, jnp.eye(3)
    network = ActionDistribution(num_tasks, 8, 2, "multi-head") if kind == "actor" else twin(num_tasks, 8, 2, "multi-head")
    extra = () if kind == "actor" else (jnp.ones((num_tasks, ACTION)),)
    params = make(network, num_tasks, *(x[0] for x in extra))
    obs = jax.random.normal(KEY, (num_tasks, OBS))
    features = 8 if kind == "actor" else 1

    def moved(path, leaf):
        is_head = "Heads" in jax.tree_util.keystr(path)
        return leaf.at[..., features : 2 * features].add(1.0) if is_head else leaf

    before, after = (
        np.asarray(network.apply(p, obs, *extra, ids)).reshape(2, 3, -1) for p in (params, jax.tree_util.tree_map_with_path(moved, params))
    )
    assert np.array_equal(before[:, [0, 2]], after[:, [0, 2]])
    assert (np.abs(before[:, 1] - after[:, 1]) > 0.1).all()


def test_a_task_gives_no_gradient_to_other_heads():
    network = ActionDistribution(3, 8, 2, "multi-head")
    params = make(network, 3)
    gradient = jax.grad(lambda p: sum(out.sum() for out in network.apply(p, jnp.ones((5, OBS)), jnp.eye(3)[1])))(params)
    heads = np.asarray(gradient["params"]["Heads_0"]["Dense_0"]["kernel"]).reshape(8, 3, 8)
    assert (heads[:, [0, 2]] == 0).all() and (heads[:, 1] != 0).any()


def test_twins_are_two_different_networks():
    critic = twin(1, 8, 2, "one-hot")
    q = critic.apply(make(critic, 1, jnp.ones(ACTION)), jnp.ones((6, OBS)), jnp.ones((6, ACTION)), jnp.ones(1))
    assert q.shape == (2, 6) and not np.allclose(q[0], q[1])


def test_a_single_task_has_no_id_among_its_inputs():
    params = make(ActionDistribution(1, 8, 2, "one-hot"), 1)
    assert params["params"]["Torso_0"]["Dense_0"]["kernel"].shape == (OBS, 8)


def test_squashed_density_is_that_of_the_change_of_variables():
    mean, log_std, noise = np.array([0.3, -0.5]), np.array([-0.7, 0.2]), np.array([0.9, -1.1])
    action, log_prob = squash(jnp.array(mean), jnp.array(log_std), jnp.array(noise))
    u, std = mean + np.exp(log_std) * noise, np.exp(log_std)
    density = np.exp(-0.5 * ((u - mean) / std) ** 2) / (std * np.sqrt(2 * np.pi)) / (1 - np.tanh(u) ** 2)
    assert np.allclose(action, np.tanh(u), rtol=1e-6) and np.isclose(log_prob, np.log(density).sum(), rtol=1e-5)


def test_squashed_density_stays_finite_where_tanh_saturates():
    value, slope = jax.value_and_grad(lambda u: squash(u, jnp.zeros(4), jnp.zeros(4))[1])(jnp.array([50.0, -50.0, 0.0, 8.0]))
    assert np.isfinite(value) and np.isfinite(slope).all()
