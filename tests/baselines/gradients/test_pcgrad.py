"""Gradient surgery against hand-worked examples, the literal algorithm, and its invariants."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp
import optax

from metaworld_baselines.gradients import pcgrad as pcgrad_module
from metaworld_baselines.gradients.combination import combination
from metaworld_baselines.gradients.gram import gram_matrix
from metaworld_baselines.gradients.pcgrad import pcgrad, random_orders, surgery

FLOAT32_RTOL = 2e-5  # the Gram form rounds at other places than the loop
SHAPES = {"torso": (7, 5), "bias": (5,), "head": (3, 2, 2)}


coefficients = jax.jit(lambda gradients, orders: surgery(gram_matrix(gradients), orders))


def random_gradients(num_tasks, seed):
    """Leaves (task, …), with tasks of very different lengths."""
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.uniform(-1, 1, num_tasks)
    return {name: np.einsum("t...,t->t...", rng.normal(size=(num_tasks, *of)), scale).astype(np.float32) for name, of in SHAPES.items()}


def flat(gradients):
    return np.hstack([np.asarray(leaf, np.float64).reshape(len(leaf), -1) for leaf in jax.tree.leaves(gradients)])


def literal_algorithm(gradients, orders):
    """Algorithm 1 of the paper as printed, in float64; also the gradient that each was last projected against, if any."""
    projected, last_met = gradients.copy(), [None] * len(gradients)
    for i in range(len(gradients)):
        for j in orders[i]:
            if j == i:
                continue
            product = projected[i] @ gradients[j]
            if product < 0.0:
                projected[i] = projected[i] - product / (gradients[j] @ gradients[j]) * gradients[j]
                last_met[i] = j
    return projected, last_met


def projected_by_gram(gradients, orders):
    return np.asarray(coefficients(gradients, jnp.asarray(orders)), np.float64) @ flat(gradients)


def test_two_conflicting_tasks_by_hand():
    """g1 = (1, 0), g2 = (−1, 1): g1 loses half of g2 and becomes (½, ½); g2 loses g1 and becomes (0, 1)."""
    gradients = {"a": np.array([[1.0, 0.0], [-1.0, 1.0]], np.float32)}
    assert np.allclose(projected_by_gram(gradients, [[0, 1], [0, 1]]), [[0.5, 0.5], [0.0, 1.0]])
    transformation = combination(pcgrad(2))
    assert np.allclose(transformation.update(gradients, transformation.init(None))[0]["a"], [0.25, 0.75])


@pytest.mark.parametrize(("order", "wanted"), [((0, 1, 2), (0.2, -0.1)), ((0, 2, 1), (0.2, 0.2))])
def test_the_order_of_projection_decides_by_hand(order, wanted):
    """g1 = (1, 0) meets (−1, 1) and (−1, −2) in either order."""
    gradients = {"a": np.array([[1.0, 0.0], [-1.0, 1.0], [-1.0, -2.0]], np.float32)}
    assert np.allclose(projected_by_gram(gradients, [order, (0, 1, 2), (0, 1, 2)])[0], wanted)


def test_two_tasks_follow_the_closed_form_of_the_paper():
    """2 g_PC = (1 − cos φ / R) g1 + (1 − R cos φ) g2 with R = ‖g1‖ / ‖g2‖, for a conflict; the paper takes the sum."""
    first, second = np.array([2.0, 1.0, 0.5]), np.array([-1.0, 0.3, -2.0])
    ratio = np.linalg.norm(first) / np.linalg.norm(second)
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert cosine < 0
    transformation = combination(pcgrad(2), seed=3)
    found, _ = transformation.update(jnp.array([first, second]), transformation.init(None))
    assert np.allclose(2 * found, (1 - cosine / ratio) * first + (1 - ratio * cosine) * second, rtol=FLOAT32_RTOL)


@pytest.mark.parametrize("num_tasks", [2, 3, 10, 50])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_gram_form_equals_the_literal_loop(num_tasks, seed):
    gradients = random_gradients(num_tasks, seed)
    orders = np.asarray(random_orders(jax.random.PRNGKey(seed), num_tasks))
    wanted, _ = literal_algorithm(flat(gradients), orders)
    found = projected_by_gram(gradients, orders)
    assert np.abs(found - wanted).max() <= FLOAT32_RTOL * np.abs(wanted).max() * num_tasks
    assert not np.allclose(wanted, flat(gradients)), "nothing conflicted: the test would show nothing"


@pytest.mark.parametrize("num_tasks", [2, 3, 7])
def test_written_out_for_gpus_it_is_the_same(num_tasks, monkeypatch):
    gram, orders = gram_matrix(random_gradients(num_tasks, seed=1)), random_orders(jax.random.PRNGKey(1), num_tasks)
    looped = jax.jit(pcgrad_module.surgery)(gram, orders)
    monkeypatch.setattr(jax.lax, "platform_dependent", lambda *arguments, cpu, default: default(*arguments))
    assert np.allclose(pcgrad_module.surgery(gram, orders), looped, rtol=FLOAT32_RTOL, atol=1e-7)


@pytest.mark.parametrize(("num_tasks", "block"), [(2, 10), (7, 10), (7, 3), (50, 10)])
def test_in_blocks_for_gpus_it_is_the_same(num_tasks, block, monkeypatch):
    """One block or several, also where the last is smaller."""
    gram, orders = gram_matrix(random_gradients(num_tasks, seed=1)), random_orders(jax.random.PRNGKey(1), num_tasks)
    looped = np.asarray(jax.jit(pcgrad_module.surgery)(gram, orders))
    monkeypatch.setattr(pcgrad_module, "WRITTEN_OUT", 1)
    monkeypatch.setattr(pcgrad_module, "BLOCK", block)
    monkeypatch.setattr(jax.lax, "platform_dependent", lambda *arguments, cpu, default: default(*arguments))
    with jax.disable_jit():
        in_blocks = pcgrad_module.surgery(gram, orders)
    assert np.allclose(in_blocks, looped, rtol=FLOAT32_RTOL, atol=FLOAT32_RTOL * np.abs(looped).max())


def test_orders_may_be_drawn_beforehand():
    transformation, gradients = combination(pcgrad(5)), random_gradients(5, seed=0)
    state, update = transformation.init(None), jax.jit(transformation.update)
    by_itself, later = update(gradients, state)
    orders = random_orders(jax.random.split(state.key)[1], 5)
    given, same = update(gradients, state, noise=orders)
    assert all(np.array_equal(by_itself[name], given[name]) for name in SHAPES) and np.array_equal(same.key, state.key)
    assert not np.array_equal(later.key, state.key)


@pytest.mark.parametrize("seed", range(5))
def test_projected_gradients_no_longer_oppose_the_last_they_were_projected_against(seed):
    gradients = random_gradients(8, seed)
    orders = np.asarray(random_orders(jax.random.PRNGKey(seed), 8))
    _, last_met = literal_algorithm(flat(gradients), orders)
    originals, found = flat(gradients), projected_by_gram(gradients, orders)
    lengths = np.linalg.norm(originals, axis=1)
    assert any(j is not None for j in last_met)
    for i, j in enumerate(last_met):
        if j is not None:
            assert found[i] @ originals[j] >= -FLOAT32_RTOL * lengths[i] * lengths[j]


def test_without_conflict_nothing_changes():
    gradients = jax.tree.map(np.abs, random_gradients(6, seed=0))
    transformation = combination(pcgrad(6))
    found, _ = jax.jit(transformation.update)(gradients, transformation.init(None))
    for name, leaf in gradients.items():
        assert np.allclose(found[name], leaf.mean(axis=0), rtol=FLOAT32_RTOL)


def test_one_task_is_left_alone():
    gradients = random_gradients(1, seed=0)
    transformation = combination(pcgrad(1))
    found, _ = jax.jit(transformation.update)(gradients, transformation.init(None))
    for name, leaf in gradients.items():
        assert np.array_equal(found[name], leaf[0])


def test_each_task_has_a_random_order_of_its_own_at_every_update():
    first, second = (np.asarray(random_orders(jax.random.PRNGKey(seed), 10)) for seed in (0, 1))
    assert (np.sort(first, axis=1) == np.arange(10)).all()
    assert len({tuple(row) for row in first.tolist()}) == 10 and not np.array_equal(first, second)
    transformation = combination(pcgrad(10))
    state, update = transformation.init(None), jax.jit(transformation.update)
    gradients = random_gradients(10, seed=0)
    one, later = update(gradients, state)
    two, _ = update(gradients, later)
    again, _ = update(gradients, state)
    assert not np.allclose(one["torso"], two["torso"], rtol=1e-4) and np.array_equal(one["torso"], again["torso"])


def test_a_task_without_gradient_does_no_harm():
    gradients = {"a": np.array([[1.0, 0.0], [0.0, 0.0], [-1.0, 1.0]], np.float32)}
    transformation = combination(pcgrad(3))
    found, _ = transformation.update(gradients, transformation.init(None))
    assert np.allclose(3 * found["a"], [0.5, 1.5])


def test_chains_with_other_transformations_under_jit():
    params = {name: jnp.ones(shape) for name, shape in SHAPES.items()}
    optimizer = optax.chain(combination(pcgrad(4)), optax.clip_by_global_norm(1.0), optax.sgd(1.0))
    updates, _ = jax.jit(optimizer.update)(random_gradients(4, seed=0), optimizer.init(params), params)
    assert jax.tree.map(jnp.shape, updates) == jax.tree.map(jnp.shape, params)
    assert np.isclose(sum((np.asarray(leaf) ** 2).sum() for leaf in updates.values()), 1.0, rtol=FLOAT32_RTOL)
