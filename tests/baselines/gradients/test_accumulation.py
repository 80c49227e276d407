"""Gradients accumulated over microbatches are those of the whole."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.gradients import accumulation


def loss(params, batch):
    inputs, target = batch
    error = (jnp.tanh(inputs @ params["kernel"]) + params["bias"] - target) ** 2
    return error.mean(), {"error": error.mean(), "largest": params["bias"].max()}


@pytest.mark.parametrize(("samples", "expected"), [(3125, 5), (1250, 2), (500, 1), (701, 1), (100, 1), (25_000, 40)])
def test_microbatches_are_few_and_equal(samples, expected):
    assert accumulation.num_microbatches(samples) == expected and samples % expected == 0


@pytest.mark.parametrize(("samples", "of_each", "expected"), [(20, 500, 20), (10, 1000, 10), (10, 250, 5), (20, 100, 4), (10, 20, 1)])
def test_samples_that_are_batches_are_counted_by_their_rows(samples, of_each, expected):
    assert accumulation.num_microbatches(samples, of_each) == expected


def test_on_a_gpu_there_is_one(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert accumulation.num_microbatches(3125) == 1


@pytest.mark.parametrize("samples", [1250, 40])
def test_gradient_and_metrics_are_those_of_the_whole(samples):
    keys = jax.random.split(jax.random.PRNGKey(0), 3)
    params = {"kernel": jax.random.normal(keys[0], (5, 3)), "bias": jnp.arange(3.0)}
    batch = jax.random.normal(keys[1], (samples, 5)), jax.random.normal(keys[2], (samples, 3))
    found = jax.jit(lambda *of: accumulation.accumulated_grad(loss, *of))(params, batch)
    expected = jax.grad(loss, has_aux=True)(params, batch)
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
