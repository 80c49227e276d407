"""Learners: gradients against finite differences, invariances, and what adapts."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp

from metaworld_baselines.networks import regularization as reg
from metaworld_baselines.supervised.learners import Cnp, Maml, NearestNeighbour, Networks, inequality
from metaworld_baselines.supervised.networks import Layers, NormalizedLayers, PictureEncoder
from metaworld_baselines.supervised.problems.episodes import Episode, Problem
from metaworld_baselines.supervised.settings import find_config
from metaworld_baselines.supervised.training import make_learner

KEY = jax.random.PRNGKey(0)
ORDER_ATOL = 1e-6  # sums in another order
NORMALIZED_ATOL = 1e-3  # 1e-5 is added to variances of about 1


def networks(regularizer=reg.NONE):
    codes = 4 if regularizer == reg.ACTIVATIONS else 2
    return Networks(Layers((3,), codes), Layers((3,), 1), regularizer)


def maml(regularizer=reg.NONE, steps=2, kind=Maml, **more):
    return kind(networks(regularizer), 0.1, steps, 3, **{"head_only": False, **more})


def cnp(regularizer=reg.NONE):
    return Cnp(networks(regularizer), Layers((3,), 2), 1)


@pytest.fixture(scope="module")
def episode():
    rng = np.random.default_rng(0)
    return Episode(*(jnp.array(rng.normal(size=shape), jnp.float32) for shape in ((4, 2), (4, 1), (6, 2), (6, 1))))


@pytest.mark.parametrize(
    "learner",
    [
        maml(reg.WEIGHTS, head_only=True),
        cnp(reg.ACTIVATIONS),
        *(pytest.param(one, marks=pytest.mark.slow) for one in (maml(), maml(reg.ACTIVATIONS, head_only=True), cnp(reg.ALL_WEIGHTS))),
    ],
)
def test_gradients_are_those_of_finite_differences(learner, episode):
    """Through the inner steps, the draws and the KL, along a random direction, in float64."""
    with jax.enable_x64(True):
        rng = np.random.default_rng(1)  # noise on the weights: biases of zero lie on ReLU's kink where all codes are zero
        params, seen = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), (learner.init(KEY, episode), episode))
        params = jax.tree.map(lambda leaf: leaf + 0.1 * rng.normal(size=leaf.shape), params)

        @jax.jit
        def objective(params):
            outcome = learner.outcome(params, KEY, seen)
            return outcome.loss + 0.1 * outcome.kl

        leaves, tree = jax.tree.flatten(params)
        direction = jax.tree.unflatten(tree, [jnp.asarray(rng.normal(size=leaf.shape)) for leaf in leaves])
        gradient = jax.jit(jax.grad(objective))(params)
        slope = sum((a * b).sum() for a, b in zip(*map(jax.tree.leaves, (gradient, direction)), strict=True))
        along = lambda step: objective(jax.tree.map(lambda leaf, way: leaf + step * way, params, direction))
        assert float(slope) == pytest.approx(float(along(1e-6) - along(-1e-6)) / 2e-6, rel=1e-5)


def test_first_order_has_another_gradient_and_the_same_outcome(episode):
    full, first = maml(), maml(is_first_order=True)
    params = full.init(KEY, episode)
    seen = [jax.jit(jax.value_and_grad(lambda p, learner=one: learner.outcome(p, KEY, episode).loss))(params) for one in (full, first)]
    losses, gradients = zip(*seen, strict=True)
    assert losses[0] == losses[1]
    assert not all(np.allclose(a, b) for a, b in zip(*map(jax.tree.leaves, gradients), strict=True))


def test_the_order_of_examples_does_not_matter_to_a_conditional_neural_process(episode):
    learner = cnp()
    params = learner.init(KEY, episode)
    order = np.array([2, 0, 3, 1])
    shuffled = episode._replace(support_x=episode.support_x[order], support_y=episode.support_y[order])
    torn = episode._replace(support_y=episode.support_y[order])
    error, same, other = (float(learner.outcome(params, None, one).error) for one in (episode, shuffled, torn))
    assert same == pytest.approx(error, abs=ORDER_ATOL) and abs(other - error) > ORDER_ATOL


def test_a_regularised_encoder_does_not_adapt_and_its_head_does(episode):
    learner = maml(reg.WEIGHTS, head_only=True)
    weights, nats = learner.networks.draw(learner.init(KEY, episode), KEY)
    adapted = learner.adapt(weights, None, episode, 2)
    assert nats > 0.0
    assert all(np.array_equal(a, b) for a, b in zip(*(jax.tree.leaves(one["encoder"]) for one in (weights, adapted)), strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(*(jax.tree.leaves(one["head"]) for one in (weights, adapted)), strict=True))


@pytest.mark.parametrize("kind", [maml, cnp])
def test_only_a_regulariser_makes_outcomes_random_and_counts_nats(kind, episode):
    keys = KEY, jax.random.PRNGKey(1)
    for regularizer in reg.KINDS:
        learner = kind(regularizer)
        params = learner.init(KEY, episode)
        one, two = (learner.outcome(params, key, episode) for key in keys)
        assert (float(one.loss) != float(two.loss)) == (float(one.kl) > 0.0) == (regularizer != reg.NONE)


def test_fine_tuning_does_not_look_at_examples_in_training_and_does_in_testing(episode):
    learner = maml(steps=0)
    params = learner.init(KEY, episode)
    trained, tested = learner.outcome(params, KEY, episode), learner.outcome(params, KEY, episode, is_test=True)
    assert trained.error == trained.error_before == tested.error_before != tested.error


def test_a_query_that_is_an_example_has_its_label_for_its_nearest_neighbour(episode):
    learner = maml(reg.ACTIVATIONS, steps=0, kind=NearestNeighbour)  # whose codes are never all zero
    repeated = episode._replace(query_x=episode.support_x, query_y=episode.support_y)
    assert float(learner.outcome(learner.init(KEY, episode), None, repeated, is_test=True).error) == 0.0


def test_inequality_is_zero_among_equals_and_grows_with_the_difference():
    assert float(inequality(jnp.full(4, 3.0))) == pytest.approx(0.0, abs=1e-6)
    assert float(inequality(jnp.array([1.0, 3.0]))) == pytest.approx(0.5 * (0.5 * np.log(0.5) + 1.5 * np.log(1.5)), rel=1e-5)


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).normal(size=(5, 4, 4, 1)).astype(np.float32)


def test_a_dense_head_sees_neither_brightness_nor_which_pixels_are_neighbours(pictures):
    head = NormalizedLayers((6,), 3)
    weights = head.init(KEY, pictures)["params"]
    order = np.rot90(np.arange(16).reshape(4, 4)).ravel()
    turned = {**weights, "Dense_0": {**weights["Dense_0"], "kernel": weights["Dense_0"]["kernel"][order]}}
    seen = head.apply({"params": weights}, pictures)
    np.testing.assert_allclose(seen, head.apply({"params": weights}, 3.0 * pictures + 1.0), atol=NORMALIZED_ATOL)
    np.testing.assert_allclose(seen, head.apply({"params": turned}, np.rot90(pictures, axes=(1, 2))), atol=NORMALIZED_ATOL)


def test_codes_of_a_normalised_encoder_have_mean_zero_and_variance_one(pictures):
    encoder = PictureEncoder((2, 4), 3, 1, is_normalized=True)
    codes = np.asarray(encoder.apply(encoder.init(KEY, pictures), pictures))
    assert codes.shape == (5, 3, 3, 1)
    np.testing.assert_allclose([codes.mean(axis=0), codes.var(axis=0) - 1.0], 0.0, atol=NORMALIZED_ATOL)


@pytest.mark.parametrize(("name", "is_normalized"), [("mr-maml-w", True), ("mr-maml-a", False)])
def test_codes_that_are_distributions_keep_their_scale_for_which_they_pay(name, is_normalized, episode):
    problem = Problem(lambda *_: episode, lambda *_: episode, 2, outputs=3, is_image=True)
    assert make_learner(find_config("glyphs", name), problem).networks.encoder.is_normalized == is_normalized
