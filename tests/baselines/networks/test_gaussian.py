"""Densities, entropies and divergences against other means of getting them."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.networks.gaussian import MIN_STD, MLP, Gaussian, GaussianPolicy, squashed, unsquashed

ONE = Gaussian(jnp.array([0.3, -1.0, 0.0, 2.0]), jnp.log(jnp.array([0.5, 1.0, 2.0, 0.1])))
OTHER = Gaussian(jnp.array([0.0, -0.5, 0.4, 2.1]), jnp.log(jnp.array([0.7, 0.9, 1.0, 0.2])))


def test_log_density_is_that_of_independent_normals():
    x = np.array([0.1, 0.2, 0.3, 1.9])
    mean, std = np.asarray(ONE.mean, np.float64), np.exp(np.asarray(ONE.log_std, np.float64))
    wanted = np.log(np.exp(-0.5 * ((x - mean) / std) ** 2) / (std * np.sqrt(2 * np.pi))).sum()
    assert np.isclose(ONE.log_prob(x), wanted, rtol=1e-5)


def test_entropy_and_divergence_are_the_means_of_log_densities():
    """Monte Carlo with 200 000 draws: errors of a few thousandths."""
    draws = jax.vmap(ONE.sample)(jax.random.split(jax.random.PRNGKey(0), 200_000))
    assert abs(float(ONE.entropy()) + float(ONE.log_prob(draws).mean())) < 0.02
    assert abs(float(ONE.kl_to(OTHER)) - float((ONE.log_prob(draws) - OTHER.log_prob(draws)).mean())) < 0.03
    assert float(ONE.kl_to(ONE)) == 0.0 and float(OTHER.kl_to(ONE)) != float(ONE.kl_to(OTHER))


def test_a_policy_starts_centred_and_its_spread_has_a_floor():
    policy = GaussianPolicy(16, 2)
    obs = jnp.ones((3, 5))
    params = policy.init(jax.random.PRNGKey(0), obs)
    start = policy.apply(params, obs)
    assert start.mean.shape == (3, 4) and float(jnp.abs(start.mean).max()) < 0.1 and np.allclose(start.log_std, 0.0)
    params["params"]["log_std"] = jnp.full(4, -100.0)
    assert np.allclose(policy.apply(params, obs).log_std, np.log(MIN_STD))


def test_a_spread_that_depends_on_the_observation_stays_between_its_bounds():
    policy = GaussianPolicy(16, 2, has_state_dependent_std=True, min_std=0.2, max_std=1.5)
    obs = jax.random.normal(jax.random.PRNGKey(1), (200, 5))
    params = policy.init(jax.random.PRNGKey(0), obs)
    assert np.allclose(policy.apply(params, obs * 0.0).log_std, 0.0, atol=1e-6)
    far = policy.apply(jax.tree.map(lambda x: 30.0 * x, params), 10.0 * obs).log_std
    assert np.exp(far).min() >= 0.2 - 1e-6 and np.exp(far).max() <= 1.5 + 1e-6 and np.ptp(far) > 1.0
    slope = jax.grad(lambda p: policy.apply(p, obs).log_std.sum())(params)
    assert float(jnp.abs(slope["params"]["MLP_0"]["Dense_2"]["kernel"][:, 4:]).min()) > 0.0


def test_squashing_keeps_a_point_and_the_slope_there():
    values = jnp.array([-50.0, 0.0, 50.0])
    got = [float(value) for value in squashed(values, -2.0, 0.5, fixed=0.0)]
    assert np.allclose(got, [-2.0, 0.0, 0.5], atol=1e-5)
    assert float(jax.grad(lambda x: squashed(x, -2.0, 0.5, fixed=0.0))(0.0)) == pytest.approx(1.0, abs=1e-6)
    inside = jnp.array([-1.9, -0.5, 0.0, 0.4])
    assert np.allclose(squashed(unsquashed(inside, -2.0, 0.5, fixed=0.0), -2.0, 0.5, fixed=0.0), inside, atol=1e-5)


def test_layer_norm_makes_hidden_layers_blind_to_the_size_of_their_weights():
    network = MLP(16, 2, 3, has_layer_norm=True)
    obs = jax.random.normal(jax.random.PRNGKey(1), (20, 5))
    params = network.init(jax.random.PRNGKey(0), obs)["params"]
    larger = {name: jax.tree.map(lambda x: 3.0 * x, layer) if name in ("Dense_0", "Dense_1") else layer for name, layer in params.items()}
    assert np.allclose(network.apply({"params": larger}, obs), network.apply({"params": params}, obs), atol=1e-4)
    assert network.last_layer == "Dense_2" and params["Dense_2"]["kernel"].shape == (16, 3)
