"""KL terms against closed forms and sampling; the PAC-Bayes bound and the β that follows from it."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp

from metaworld_baselines.networks import regularization as reg

ROUNDING = 1e-5  # of float32


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (2.0, 1.0), (0.0, 0.1), (-1.5, 2.0)])
def test_kl_is_the_integral_of_its_definition(mean, std):
    x = np.linspace(mean - 12 * std, mean + 12 * std, 20_001)
    log_q = -0.5 * ((x - mean) / std) ** 2 - np.log(std)
    wanted = np.trapezoid(np.exp(log_q) / np.sqrt(2 * np.pi) * (log_q + 0.5 * x**2), x)
    assert float(reg.kl_to_standard(jnp.array(mean), jnp.log(std))) == pytest.approx(wanted, abs=ROUNDING)


def test_kl_of_weights_is_the_sum_over_all_of_them():
    weights = {"a": jnp.ones((2, 3)), "b": jnp.zeros(4)}
    distribution = reg.gaussian_weights(weights, initial_std=0.5)
    one = 0.5 * (0.25 - 1.0) + np.log(2.0)
    assert float(reg.weights_kl(distribution)) == pytest.approx(10 * one + 6 * 0.5, rel=ROUNDING)


def test_drawn_weights_have_their_mean_and_standard_deviation_and_are_the_mean_without_a_key():
    distribution = reg.gaussian_weights({"a": jnp.full((100, 100), 2.0)}, initial_std=0.5)
    drawn = reg.draw_weights(distribution, jax.random.PRNGKey(0))["a"]
    assert float(drawn.mean()) == pytest.approx(2.0, abs=0.02) and float(drawn.std()) == pytest.approx(0.5, abs=0.02)
    assert reg.draw_weights(distribution, None)["a"] is distribution.mean["a"]


def test_activations_are_codes_of_half_the_size_with_nats_for_each_point():
    outputs = jnp.concatenate([jnp.full((3, 4, 4, 1), 2.0), jnp.full((3, 4, 4, 1), np.log(0.5))], axis=-1)
    codes, nats = reg.draw_activations(outputs, None)
    assert codes.shape == (3, 4, 4, 1) and (codes == 2.0).all()
    assert nats.tolist() == pytest.approx([16 * (0.5 * (0.25 + 4.0 - 1.0) + np.log(2.0))] * 3, rel=ROUNDING)
    assert reg.draw_activations(outputs, jax.random.PRNGKey(0))[0].std() == pytest.approx(0.5, abs=0.2)


def test_beta_is_the_slope_of_the_bound_where_nothing_is_known_yet():
    slope = jax.grad(lambda kl: reg.pac_bayes_bound(0.0, kl, num_tasks=20, num_points=10))(0.0)
    assert reg.pac_bayes_beta(20, 10) == pytest.approx(float(slope), rel=ROUNDING)


def test_bound_falls_with_tasks_and_points_and_rises_with_nats():
    bound = lambda kl, tasks, points: float(reg.pac_bayes_bound(0.1, kl, tasks, points))
    assert bound(10.0, 20, 10) > max(bound(0.0, 20, 10), bound(10.0, 2000, 10), bound(10.0, 20, 1000)) > 0.1
    with pytest.raises(ValueError, match="two tasks"):
        reg.pac_bayes_bound(0.1, 1.0, 1, 10)
