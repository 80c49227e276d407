"""Products whose inputs are rounded to bfloat16: what they are, and that float32 stays everywhere else."""

from dataclasses import replace

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.algorithms import ppo
from metaworld_baselines.algorithms.ppo_config import TUNED
from metaworld_baselines.networks.products import bfloat16_product
from metaworld_baselines.networks.residual import ResidualTorso

ROUNDING = 2.0**-8  # of a number to bfloat16, relative


def rounded(array):
    return np.asarray(jnp.asarray(array, jnp.bfloat16), np.float64)


@pytest.mark.parametrize("batch", [(), (7,), (3, 5)])
def test_a_product_and_its_gradients_are_those_of_rounded_inputs(batch):
    rng = np.random.default_rng(0)
    inputs, kernel, slope = (rng.normal(size=size).astype(np.float32) for size in ((*batch, 40), (40, 24), (*batch, 24)))
    outputs, pull_back = jax.vjp(bfloat16_product, inputs, kernel)
    of_inputs, of_kernel = pull_back(jnp.asarray(slope))
    assert outputs.dtype == of_inputs.dtype == of_kernel.dtype == jnp.float32
    np.testing.assert_allclose(outputs, rounded(inputs) @ rounded(kernel), atol=1e-5)
    np.testing.assert_allclose(of_inputs, rounded(slope) @ rounded(kernel).T, atol=1e-5)
    rows = rounded(inputs).reshape(-1, 40), rounded(slope).reshape(-1, 24)
    np.testing.assert_allclose(of_kernel, rows[0].T @ rows[1], atol=1e-5)


def test_a_vectorised_product_is_the_products_one_by_one():
    """Twin critics and the tasks' gradients are vectorised."""
    inputs, kernels = jax.random.normal(jax.random.PRNGKey(0), (3, 5, 40)), jax.random.normal(jax.random.PRNGKey(1), (3, 40, 24))

    def gradient(inputs, kernel):
        return jax.grad(lambda kernel: (bfloat16_product(inputs, kernel) ** 2).sum())(kernel)

    together = jax.jit(jax.vmap(gradient))(inputs, kernels)
    for index in range(3):
        np.testing.assert_allclose(together[index], gradient(inputs[index], kernels[index]), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("architecture", ["one-hot", "multi-head", "film", "soft-modules"])
def test_networks_differ_from_float32_by_what_rounding_makes_of_them(architecture):
    config = replace(TUNED, benchmark="reach,push", architecture=architecture, width=64, depth=3)
    plain, quick = (ppo.make_learner(replace(config, precision=precision)) for precision in ("float32", "bfloat16"))
    agent = ppo.init(plain, 0)
    assert jax.tree.structure(agent) == jax.tree.structure(ppo.init(quick, 0))
    inputs = jnp.concatenate([jax.random.normal(jax.random.PRNGKey(2), (50, 39)), jnp.tile(jnp.eye(2), (25, 1))], axis=1)
    for name, limit in (("policy", 0.1), ("value", 3.0)):  # the policy's first actions are close to zero
        one, other = (jax.tree.leaves(getattr(each, name).apply(getattr(agent, name), inputs))[0] for each in (plain, quick))
        assert other.dtype == jnp.float32
        assert 0.0 < np.abs(one - other).max() < 4 * ROUNDING * limit, name


def test_a_layer_that_is_normalised_takes_rounded_products_too():
    torsos = [ResidualTorso(1, 32, 2, dtype) for dtype in (None, jnp.bfloat16)]
    inputs, task_id = jax.random.normal(jax.random.PRNGKey(0), (9, 39)), jnp.ones((9, 1))
    weights = torsos[0].init(jax.random.PRNGKey(1), inputs, task_id)
    plain, quick = (torso.apply(weights, inputs, task_id) for torso in torsos)
    assert quick.dtype == jnp.float32 and 0.0 < np.abs(plain - quick).max() < 0.2


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="precision must be float32 or bfloat16, got 'half'"):
        replace(TUNED, precision="half")
