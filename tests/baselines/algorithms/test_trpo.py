"""Trust region steps: the linear solver, curvature products, and what a step promises."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from metaworld_baselines.algorithms.trpo import conjugate_gradient, hessian_product, trust_region_step
from metaworld_baselines.networks.gaussian import GaussianPolicy

RNG = np.random.default_rng(0)


def spd(n):
    root = RNG.normal(size=(n, n))
    return jnp.asarray(root @ root.T + n * np.eye(n), jnp.float32)


def test_conjugate_gradient_solves_a_known_system():
    matrix, wanted = spd(8), jnp.asarray(RNG.normal(size=8), jnp.float32)
    assert np.allclose(conjugate_gradient(lambda v: matrix @ v, matrix @ wanted, 8), wanted, atol=1e-4)


def test_conjugate_gradient_stays_where_it_has_arrived():
    right = jnp.array([1.0, 2.0, 0.0])
    assert np.allclose(conjugate_gradient(lambda v: 2.0 * v, right, 50), right / 2.0)
    assert np.array_equal(conjugate_gradient(lambda v: 2.0 * v, jnp.zeros(3), 10), np.zeros(3))


@pytest.fixture(scope="module")
def problem():
    """A small policy, states, and its divergence from itself as a function of flat parameters."""
    policy = GaussianPolicy(4, 1, "tanh", initial_std=0.7)
    obs = jnp.asarray(RNG.normal(size=(30, 5)), jnp.float32)
    flat, unravel = ravel_pytree(policy.init(jax.random.PRNGKey(0), obs))
    old = policy.apply(unravel(flat), obs)
    action, advantage = old.sample(jax.random.PRNGKey(1)), jnp.asarray(RNG.normal(size=30), jnp.float32)

    def loss(x):
        return -(jnp.exp(policy.apply(unravel(x), obs).log_prob(action) - old.log_prob(action)) * advantage).mean()

    def kl(x):
        return old.kl_to(policy.apply(unravel(x), obs)).mean()

    return flat, loss, kl, (policy, unravel, obs)


def test_fisher_products_equal_the_explicit_matrix(problem):
    """Of the Hessian of the divergence, and of the definition: the mean outer product of the distribution's score, in closed form."""
    flat, _, kl, (policy, unravel, obs) = problem
    v = jnp.asarray(RNG.normal(size=len(flat)), jnp.float32)
    product = jax.jit(hessian_product(kl, flat))(v)
    assert np.allclose(product, jax.jit(jax.hessian(kl))(flat) @ v, atol=1e-4)
    mean_jacobian = jax.jit(jax.jacobian(lambda x: policy.apply(unravel(x), obs).mean))(flat)  # (obs, action, params)
    std_jacobian = jax.jit(jax.jacobian(lambda x: policy.apply(unravel(x), obs).log_std))(flat)
    weighted = mean_jacobian / jnp.exp(2.0 * policy.apply(unravel(flat), obs).log_std)[..., None]
    fisher = (jnp.einsum("nap,naq->pq", weighted, mean_jacobian) + 2.0 * jnp.einsum("nap,naq->pq", std_jacobian, std_jacobian)) / len(obs)
    assert np.allclose(product, fisher @ v, atol=1e-4)
    assert np.allclose(hessian_product(kl, flat, damping=0.5)(v), product + 0.5 * v, atol=1e-5)


@pytest.mark.parametrize("max_kl", [1e-4, 1e-2, 0.1])
def test_a_step_keeps_its_bound_and_lowers_the_loss(problem, max_kl):
    flat, loss, kl, _ = problem
    step = trust_region_step(loss, kl, flat, max_kl=max_kl)
    assert step.is_accepted and float(step.kl) <= max_kl and float(step.loss) < float(loss(flat))
    assert np.isclose(float(loss(step.params)), float(step.loss), atol=1e-6) and np.isclose(
        float(kl(step.params)), float(step.kl), atol=1e-6
    )
    if step.backtracks == 0:
        assert float(step.kl) > 0.3 * max_kl, "it goes as far as it may"


def test_where_nothing_helps_it_stays(problem):
    flat, _, kl, _ = problem
    step = trust_region_step(lambda x: ((x - flat) ** 2).sum() + jnp.abs(x - flat).sum() * 0.0, kl, flat, max_kl=0.01)
    assert not step.is_accepted and np.array_equal(step.params, flat) and float(step.kl) == 0.0


def test_on_a_quadratic_it_is_the_natural_gradient_step():
    """Loss g·x, divergence ½ xᵀFx: the best step within the bound is −√(2δ / gᵀF⁻¹g) F⁻¹ g, and it lies on the bound."""
    fisher, g = spd(5), jnp.asarray(RNG.normal(size=5), jnp.float32)
    step = trust_region_step(lambda x: g @ x, lambda x: 0.5 * x @ fisher @ x, jnp.zeros(5), max_kl=0.02, cg_iterations=10, damping=0.0)
    natural = np.linalg.solve(fisher, g)
    wanted = -np.sqrt(2 * 0.02 / (g @ natural)) * natural
    assert np.allclose(step.params, wanted * 0.8 ** float(step.backtracks), atol=1e-4) and int(step.backtracks) <= 1
