"""Values as distributions: projection on bins, targets, and which of two critics counts."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.networks.values import CategoricalValues, ScalarValues, expected, project, two_hot

FLOAT32_ATOL = 2e-6  # probabilities after a few float32 operations
BINS, LIMIT = 11, 5.0


def logits(*shape, seed=0):
    return jnp.array(np.random.default_rng(seed).normal(size=(*shape, BINS)), jnp.float32)


def naive_projection(probabilities, values, limit):
    """Algorithm 1 of Bellemare et al. 2017, a value at a time."""
    bins = len(probabilities)
    spacing = 2.0 * limit / (bins - 1)
    projected = np.zeros(bins)
    for probability, value in zip(probabilities, values, strict=True):
        place = (min(max(value, -limit), limit) + limit) / spacing
        lower, upper = int(np.floor(place)), int(np.ceil(place))
        if lower == upper:
            projected[lower] += probability
        else:
            projected[lower] += probability * (upper - place)
            projected[upper] += probability * (place - lower)
    return projected


@pytest.mark.parametrize(("shift", "factor"), [(0.0, 1.0), (0.37, 0.99), (-3.1, 0.99), (40.0, 0.5), (2.0, 0.0)])
def test_projection_is_that_of_the_naive_loop(shift, factor):
    """Also where values lie beyond the bins, on bins, or all on one place (the problem ended)."""
    probabilities = jax.nn.softmax(logits(4))
    values = shift + factor * jnp.linspace(-LIMIT, LIMIT, BINS) * jnp.ones((4, 1))
    projected = np.asarray(project(probabilities, values, LIMIT))
    for got, *given in zip(projected, np.asarray(probabilities, float), np.asarray(values, float), strict=True):
        assert np.allclose(got, naive_projection(*given, LIMIT), atol=FLOAT32_ATOL)
    assert np.allclose(projected.sum(axis=-1), 1.0, atol=FLOAT32_ATOL)


def test_inside_the_bins_projection_keeps_the_mean():
    probabilities, atoms = jax.nn.softmax(logits(6)), jnp.linspace(-LIMIT, LIMIT, BINS)
    values = 0.3 + 0.9 * atoms
    projected = project(probabilities, jnp.broadcast_to(values, (6, BINS)), LIMIT)
    assert np.allclose(projected @ atoms, probabilities @ values, atol=1e-5)


@pytest.mark.parametrize("reduction", ["min", "mean"])
def test_a_target_s_mean_is_the_scalar_target_where_nothing_is_cut_off(reduction):
    """y = r + γ (V' + bonus), with V' the smaller or the mean of both critics' means."""
    categorical, scalar = CategoricalValues(BINS, LIMIT, reduction), ScalarValues(reduction)
    outputs = logits(2, 7) * 0.3
    reward, discount, bonus = jnp.full(7, 0.2), jnp.full(7, 0.8), jnp.linspace(-0.5, 0.5, 7)
    targets = categorical.targets(outputs, reward, discount, bonus)
    wanted = scalar.targets(categorical.estimates(outputs), reward, discount, bonus)
    assert np.allclose(targets @ categorical.atoms, wanted, atol=2e-5)


def test_values_are_means_and_reductions_of_them():
    values = CategoricalValues(BINS, LIMIT, "min")
    sure = jnp.full((2, 3, BINS), -50.0).at[0, :, 7].set(50.0).at[1, :, 2].set(50.0)
    assert np.allclose(values.estimates(sure), [[2.0] * 3, [-3.0] * 3]) and np.allclose(values.value(sure), -3.0)
    assert np.allclose(CategoricalValues(BINS, LIMIT, "mean").value(sure), -0.5)


def test_cross_entropy_is_least_at_the_target():
    values, target = CategoricalValues(BINS, LIMIT, "mean"), jax.nn.softmax(logits(5, seed=1))
    at_target = values.errors(jnp.stack([jnp.log(target), logits(5)]), target)
    assert at_target.shape == (2, 5) and (np.asarray(at_target[0]) < np.asarray(at_target[1])).all()
    gradient = jax.grad(lambda outputs: values.errors(outputs, target).sum())(jnp.log(jnp.stack([target, target])))
    assert np.abs(gradient).max() < FLOAT32_ATOL


def test_numbers_as_two_neighbouring_bins_have_themselves_as_means():
    values = jnp.array([-4.9, 0.0, 0.3, 5.0, 9.0, -6.0])
    shares = two_hot(values, BINS, LIMIT)
    assert np.allclose(shares.sum(axis=-1), 1.0) and ((shares > 0.0).sum(axis=-1) <= 2).all()
    assert np.allclose(expected(jnp.log(shares), LIMIT), jnp.clip(values, -LIMIT, LIMIT), atol=1e-5)
