"""Densities, entropies and divergences against other means of getting them."""

from statistics import NormalDist

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.networks.gaussian import MIN_STD, MLP, ClippedGaussian, Gaussian, GaussianPolicy, squashed, unsquashed

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


def test_clipped_densities_are_those_of_what_the_environment_makes_of_an_action():
    """Inside the box the density, at its edges the tails' probabilities: together one; how far beyond an edge makes no difference."""
    clipped = ClippedGaussian(*ONE)
    beyond = jnp.array([[3.0, -1.0, 1.0, 1.0], [1.0, -7.0, 1.5, 2.0]])
    mean, std = (np.asarray(x, np.float64) for x in (ONE.mean, np.exp(ONE.log_std)))
    tails = [NormalDist(*one) for one in zip(mean, std, strict=True)]
    wanted = sum(np.log(p) for p in (1 - tails[0].cdf(1), tails[1].cdf(-1), 1 - tails[2].cdf(1), 1 - tails[3].cdf(1)))
    assert np.allclose(clipped.log_prob(beyond), wanted, rtol=1e-5)
    grid = np.linspace(-1.0, 1.0, 20_001)[1:-1]
    one = ClippedGaussian(ONE.mean[:1], ONE.log_std[:1])
    edges = np.exp(one.log_prob(jnp.array([[-1.0], [1.0]]))).sum()
    assert np.exp(one.log_prob(grid[:, None])).sum() * 1e-4 + edges == pytest.approx(1.0, abs=1e-3)
    inside = jnp.array([0.1, 0.2, 0.3, 0.9])
    assert np.isclose(clipped.log_prob(inside), ONE.log_prob(inside), rtol=1e-6)


def test_clipped_densities_have_the_same_policy_gradient_with_less_noise():
    """Of a reward that sees the clipped action alone, 200 000 draws: the means agree, and the score of means far outside is quieter."""
    draws = jax.vmap(ONE.sample)(jax.random.split(jax.random.PRNGKey(1), 200_000))
    reward = jnp.sin(3.0 * jnp.clip(draws, -1.0, 1.0)).sum(axis=-1)

    def gradients(kind):
        scores = jax.vmap(jax.grad(lambda mean, action: kind(mean, ONE.log_std).log_prob(action)), (None, 0))(ONE.mean, draws)
        return np.asarray(scores * reward[:, None], np.float64)

    plain, clipped = gradients(Gaussian), gradients(ClippedGaussian)
    error = plain.std(axis=0) / np.sqrt(len(draws))
    assert (np.abs(plain.mean(axis=0) - clipped.mean(axis=0)) < 5 * error).all()
    assert (clipped.std(axis=0) < plain.std(axis=0)).all() and clipped.std(axis=0)[3] < 1e-3, "that mean is ten deviations outside"
    far = jax.grad(lambda mean: ClippedGaussian(mean, ONE.log_std).log_prob(jnp.array([-50.0, 50.0, -50.0, 50.0])))(ONE.mean)
    assert np.isfinite(far).all()


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
