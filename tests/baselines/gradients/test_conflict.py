"""Diagnostics of gradient conflicts: hand-worked values, exact curvature of quadratics, and the theorem they serve."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.gradients.combination import combination
from metaworld_baselines.gradients.conflict import (
    combined,
    curvature_along,
    curvature_bound,
    diagnose,
    is_tragic,
    largest_curvature,
    magnitude_similarity,
)
from metaworld_baselines.gradients.gram import combine, cosines, gram_matrix
from metaworld_baselines.gradients.pcgrad import pcgrad, surgery


def gram_of(*rows):
    return gram_matrix(jnp.array(rows))


def test_pairwise_measures_by_hand():
    """g1 = (3, 0), g2 = (−1, 1): g1·g2 = −3, lengths 3 and √2."""
    gram = gram_of([3.0, 0.0], [-1.0, 1.0])
    assert np.isclose(cosines(gram)[0, 1], -1 / np.sqrt(2))
    assert np.isclose(magnitude_similarity(gram)[0, 1], 2 * 3 * np.sqrt(2) / (9 + 2))
    assert np.isclose(curvature_bound(gram)[0, 1], (1 - 0.5) * 17 / 5)  # ‖g1 − g2‖² = 17, ‖g1 + g2‖² = 5
    assert np.allclose(np.diagonal(cosines(gram)), 1.0) and np.allclose(np.diagonal(magnitude_similarity(gram)), 1.0)


def test_curvature_of_a_quadratic_is_exact_for_every_step():
    """L = ½ xᵀ A x: H = gᵀ A g whatever the step."""
    matrix, x = jnp.array([[3.0, 1.0], [1.0, 2.0]]), jnp.array([1.0, -2.0])
    loss = lambda p: 0.5 * p["x"] @ matrix @ p["x"]
    gradient = jax.grad(loss)({"x": x})
    for step_size in (1e-6, 1e-3, 1.0):
        assert np.isclose(curvature_along(loss, {"x": x}, gradient, step_size), gradient["x"] @ matrix @ gradient["x"], rtol=1e-5)


def test_curvature_along_a_step_averages_over_it():
    """L = x⁴ / 12: L'' = x², so H = g² ∫ (x − a t g)² da."""
    x, step_size = 2.0, 0.3
    gradient = jnp.array(x**3 / 3)
    g, t = float(gradient), step_size
    wanted = g**2 * (x**2 - x * t * g + (t * g) ** 2 / 3)
    assert np.isclose(curvature_along(lambda p: p**4 / 12, jnp.array(x), gradient, step_size), wanted, rtol=1e-5)


def test_power_iteration_finds_the_largest_eigenvalue():
    matrix = np.diag([9.0, 3.0, -1.0]).astype(np.float32)
    loss = lambda p: 0.5 * p["x"] @ matrix @ p["x"]
    assert np.isclose(largest_curvature(loss, {"x": jnp.ones(3)}, jax.random.PRNGKey(0)), 9.0, rtol=1e-3)


def valley(p):
    """Two tasks that pull along one steep axis against each other, the first much harder, and share a flat one."""
    return jnp.array([500.0 * (p[0] - 1.0) ** 2 + 0.1 * p[1] ** 2, 5.0 * (p[0] + 1.0) ** 2 + 0.1 * (p[1] - 1.0) ** 2])


def test_where_the_theorem_applies_surgery_ends_lower():
    """Searches random points and steps in a steep valley; wherever (a), (b) and (c) hold, so must the theorem's conclusion."""
    smoothness = 2 * (500.0 + 5.0)  # the larger eigenvalue of the summed loss
    transformation = combination(pcgrad(2))

    @jax.jit
    @jax.vmap
    def try_both(point, step_size):
        gradients = jax.jacrev(valley)(point)
        plain = combine(jnp.ones(2), gradients)
        surgical, _ = transformation.update(gradients, transformation.init(None))
        relative = curvature_along(lambda p: valley(p).sum(), point, plain, step_size) / (plain @ plain)
        applies = is_tragic(gram_matrix(gradients), relative * jnp.ones((2, 2)), smoothness, step_size)[0, 1]
        return applies, valley(point - step_size * plain).sum(), valley(point - 2 * step_size * surgical).sum()

    rng = np.random.default_rng(0)
    points, step_sizes = rng.uniform([-1.5, -3], [1.5, 3], (2000, 2)), 10.0 ** rng.uniform(-3.2, -1, 2000)
    applies, after_plain, after_surgery = (np.asarray(values) for values in try_both(points, step_sizes))
    assert applies.sum() >= 50, "the condition was hardly ever met: the test would show nothing"
    assert (after_surgery[applies] <= after_plain[applies] * (1 + 1e-5)).all()


def test_each_part_of_the_condition_is_needed():
    gram, bound = gram_of([10.0, 0.1], [-1.0, 0.0]), float(curvature_bound(gram_of([10.0, 0.1], [-1.0, 0.0]))[0, 1])
    ones = jnp.ones((2, 2))
    assert is_tragic(gram, ones, 1.0, 3.0)[0, 1]
    assert not is_tragic(gram_of([10.0, 0.1], [1.0, 0.0]), ones, 1.0, 3.0)[0, 1], "no conflict"
    assert not is_tragic(gram, ones * bound * 0.9, 1.0, 3.0)[0, 1], "too little curvature"
    assert not is_tragic(gram, ones, 1.0, 1.0)[0, 1], "too small a step"


def test_diagnosis_of_three_quadratic_tasks():
    """Tasks pull to different corners; curvature and smoothness are those of the summed quadratic, 2 · 3."""
    corners = jnp.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    seen, gram = diagnose(lambda p: ((p["x"] - corners) ** 2).sum(axis=-1), {"x": jnp.array([0.0, 0.5])}, 0.01, jax.random.PRNGKey(0))
    gradients = 2 * (np.array([0.0, 0.5]) - np.asarray(corners))
    assert np.allclose(gram, gradients @ gradients.T, rtol=1e-5)
    unit = gradients / np.linalg.norm(gradients, axis=1, keepdims=True)
    pairs = (unit @ unit.T)[np.triu_indices(3, k=1)]
    assert np.isclose(seen.conflicting_pairs, (pairs < 0).mean()) and np.isclose(seen.mean_cosine, pairs.mean(), atol=1e-6)
    assert np.isclose(seen.min_cosine, pairs.min(), atol=1e-6)
    assert np.isclose(seen.relative_curvature, 6.0, rtol=1e-5) and np.isclose(seen.smoothness, 6.0, rtol=1e-5)
    assert np.isclose(seen.curvature, 6.0 * (gradients.sum(axis=0) ** 2).sum(), rtol=1e-5)
    assert seen.triad_pairs == 0.0


def test_held_parameters_take_no_part():
    """A head that only its own task moves: without it, two tasks with one torso agree, and its curvature is not felt."""
    losses = lambda p: jnp.array([(p["torso"] - 1.0) ** 2 + 50.0 * p["head"] ** 2, (p["torso"] - 1.0) ** 2])
    params = {"torso": jnp.array(0.0), "head": jnp.array(1.0)}
    everything, _ = diagnose(losses, params, 0.01, jax.random.PRNGKey(0))
    torso, _ = diagnose(losses, params, 0.01, jax.random.PRNGKey(0), mask={"torso": 1.0, "head": 0.0})
    assert np.isclose(torso.mean_cosine, 1.0) and np.isclose(torso.smoothness, 4.0, rtol=1e-4)
    assert everything.mean_cosine < 0.1 and np.isclose(everything.smoothness, 100.0, rtol=1e-4)


def test_conflict_after_combination_needs_the_gram_matrix_alone():
    """Against the changed gradients written out: those of PCGrad conflict no longer with two tasks, and a mean changes nothing."""
    gradients = np.array([[3.0, 0.0, 1.0], [-1.0, 1.0, 0.0]])
    gram = jnp.asarray(gradients @ gradients.T)
    changed = surgery(gram, jnp.array([[0, 1], [0, 1]]))
    seen, written_out = combined(gram, changed), np.asarray(changed) @ gradients
    lengths = np.linalg.norm(written_out, axis=1)
    assert np.isclose(seen.mean_cosine, written_out[0] @ written_out[1] / lengths.prod(), rtol=1e-5) and seen.conflicting_pairs == 0
    assert seen.opposed_tasks == 0 and np.isclose(
        seen.length_to_mean, np.linalg.norm(written_out.sum(0)) / np.linalg.norm(gradients.sum(0))
    )
    plain = combined(gram, jnp.eye(2))
    assert plain.conflicting_pairs == 1 and plain.opposed_tasks == 0.5
    assert np.isclose(plain.cosine_to_mean, 1.0) and np.isclose(plain.length_to_mean, 1.0)


def test_conflict_of_one_task_is_refused():
    with pytest.raises(ValueError, match="conflict is between tasks"):
        diagnose(lambda p: p**2, jnp.ones(1), 0.1, jax.random.PRNGKey(0))
