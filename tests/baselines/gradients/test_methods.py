"""Every method of combining gradients against what its paper claims, against TorchJD's values, and against bad input."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.gradients import gradvac
from metaworld_baselines.gradients.combination import combination
from metaworld_baselines.gradients.for_numpy import TaskWeights, in_float64
from metaworld_baselines.gradients.methods import METHODS, find_method
from metaworld_baselines.gradients.quadratic import nonnegative_minimum

TORCHJD = json.loads((Path(__file__).parent / "torchjd.json").read_text())
TORCHJD_ATOL = 1e-5  # of weights, relative to the largest: both sides compute in double precision
TORCHJD_SOLVERS = {"mgda": 0.05, "cagrad:c=0.5": 2e-4}  # what its Frank–Wolfe (3000 steps) and its cone solver leave; see the test below
FLOAT32_RTOL = 2e-3  # of the update, against double precision
RIDGE = 2e-3  # that share of a conflict UPGrad's ridge of 1e-4 lets through
UNLIKE = 10.0 ** np.array([[0.0], [-3.0], [-1.0], [-2.0]])  # lengths as far apart as losses on different scales make them
T, PARAMS = 4, 12
RANDOM_ORDER = {"pcgrad", "gradvac"}  # with more than two tasks the order of projections decides

CONFLICT_FREE = {"mgda", "upgrad", "nash-mtl", "fairgrad"}  # claimed: no task's loss rises to first order
ZERO_WHERE_PARETO_STATIONARY = {"mgda", "upgrad"}
# Of common lengths s: the update is s^degree as long. FairGrad's w solve K w = w^(−1/α), so (1 − α) / (1 + α); DB-MTL takes log losses.
DEGREE = dict.fromkeys(METHODS, 1.0) | {"nash-mtl": 0.0, "fairgrad": 0.0}
EACH_LENGTH_CANCELS = {"imtl-g", "nash-mtl", "fairgrad"}  # of the direction
DIRECTIONS = {
    "nash-mtl",
    "fairgrad",
    "cagrad",
    "db-mtl",
}  # of equal gradients only the direction stays: CAGrad adds a share c, others have their own


def words(name):
    return "fixed:weights=" + "/".join(["0.25"] * T) if name == "fixed" else name


@cache
def first_update(name, num_tasks, dtype):
    """A method's first update, compiled once: from gradients (task, parameter) to the update."""
    transformation = combination(find_method(words(name), num_tasks), seed=0)
    return jax.jit(lambda g: transformation.update(g, transformation.init(jnp.zeros(PARAMS, dtype)), losses=jnp.ones(num_tasks, dtype))[0])


def update_of(name, gradients):
    """The first update, in double precision."""
    with in_float64():
        return np.asarray(first_update(name, len(gradients), "float64")(np.asarray(gradients, np.float64)))


def random_gradients(seed=0, num_tasks=T):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(num_tasks, PARAMS)) * 10.0 ** rng.uniform(-0.5, 0.5, (num_tasks, 1))


def is_conflict_free(name):
    for seed in range(5):
        gradients = random_gradients(seed)
        found = update_of(name, gradients)
        lengths = np.linalg.norm(gradients, axis=1) * np.linalg.norm(found)
        assert (gradients @ found >= -RIDGE * lengths).all(), "opposes a task"


def is_conflict_free_of_unlike_lengths_in_float32(name):
    for seed in range(5):
        gradients = (random_gradients(seed) * UNLIKE).astype(np.float32)
        found = np.asarray(first_update(name, T, "float32")(gradients), np.float64)
        lengths = np.linalg.norm(gradients, axis=1) * np.linalg.norm(found)
        assert (gradients @ found >= -RIDGE * lengths).all(), "opposes a task"


def is_permutation_equivariant(name):
    gradients, order = random_gradients(), [2, 0, 3, 1]
    assert np.allclose(update_of(name, gradients), update_of(name, gradients[order]), rtol=1e-6, atol=1e-8)


def scales_as_said(name):
    gradients = random_gradients()
    assert np.allclose(update_of(name, 7.0 * gradients), 7.0 ** DEGREE[name] * update_of(name, gradients), rtol=1e-5)


def keeps_its_direction_whatever_each_length(name):
    gradients = random_gradients()
    one, other = update_of(name, gradients), update_of(name, gradients * np.array([[1.0], [5.0], [0.2], [2.0]]))
    assert np.isclose(one @ other, np.linalg.norm(one) * np.linalg.norm(other), rtol=1e-6)


def keeps_its_direction_of_unlike_lengths_in_float32(name):
    for seed in range(5):
        gradients = random_gradients(seed)
        one, other = (
            update_of(name, gradients),
            np.asarray(first_update(name, T, "float32")((gradients * UNLIKE).astype(np.float32)), np.float64),
        )
        assert np.isclose(one @ other, np.linalg.norm(one) * np.linalg.norm(other), rtol=1e-6)


def leaves_equal_gradients_as_they_are(name):
    gradient = random_gradients(3)[0]
    found = update_of(name, np.tile(gradient, (T, 1)))
    if name in DIRECTIONS:
        found = found * np.linalg.norm(gradient) / np.linalg.norm(found)
    assert np.allclose(found, gradient, rtol=1e-4, atol=1e-6)


def leaves_one_task_alone(name):
    gradient = random_gradients(3)[0]
    found = update_of("mean" if name == "fixed" else name, gradient[None])
    if name in DIRECTIONS:
        found = found * np.linalg.norm(gradient) / np.linalg.norm(found)
    assert np.allclose(found, gradient, rtol=1e-4)


def rests_where_all_gradients_are_zero(name):
    assert np.array_equal(update_of(name, np.zeros((T, PARAMS))), np.zeros(PARAMS))


def rests_where_no_direction_helps_all(name):
    """Two tasks oppose each other exactly, so do two others."""
    first, second = random_gradients()[:2]
    opposed = np.stack([first, -2.0 * first, second, -0.5 * second])
    assert np.abs(update_of(name, opposed)).max() <= RIDGE * np.abs(opposed).max()


def survives_a_task_without_gradient(name):
    gradients = random_gradients()
    gradients[1] = 0.0
    found = update_of(name, gradients)
    assert np.isfinite(found).all() and np.abs(found).max() < 1e3


def is_right_in_float32(name):
    gradients = random_gradients().astype(np.float32)
    found = first_update(name, T, "float32")(gradients)
    if find_method(words(name), T).draw is None:  # other draws in other precision
        exact = update_of(name, gradients)
        assert np.abs(found - exact).max() <= FLOAT32_RTOL * np.abs(exact).max()
    assert found.dtype == jnp.float32 and np.isfinite(found).all()


ALL = set(METHODS)
PROPERTIES = [
    (is_conflict_free, CONFLICT_FREE),
    (is_conflict_free_of_unlike_lengths_in_float32, CONFLICT_FREE),
    (is_permutation_equivariant, ALL - RANDOM_ORDER - {"random", "graddrop"}),
    (scales_as_said, ALL),
    (keeps_its_direction_whatever_each_length, EACH_LENGTH_CANCELS),
    (keeps_its_direction_of_unlike_lengths_in_float32, EACH_LENGTH_CANCELS),
    (leaves_equal_gradients_as_they_are, ALL - {"sum"}),
    (leaves_one_task_alone, ALL),
    (rests_where_all_gradients_are_zero, ALL),
    (rests_where_no_direction_helps_all, ZERO_WHERE_PARETO_STATIONARY),
    (survives_a_task_without_gradient, ALL),
    (is_right_in_float32, ALL),
]


@pytest.mark.parametrize("name", METHODS)
def test_method(name):
    for holds, claimed in PROPERTIES:
        if name in claimed:
            try:
                holds(name)
            except AssertionError as error:
                raise AssertionError(f"{name} {holds.__name__.replace('_', ' ')}: {error}") from error


def test_properties_can_fail():
    """The mean is not conflict-free, MGDA's length does not stay, Nash-MTL's update is not an average."""
    for holds, name in (
        (is_conflict_free, "mean"),
        (keeps_its_direction_whatever_each_length, "mgda"),
        (rests_where_no_direction_helps_all, "mean"),
    ):
        with pytest.raises(AssertionError):
            holds(name)


def weights_with_a_ridge_on_the_gram_matrix(gram, ridge):
    """UPGrad as TorchJD has it, with our solver."""
    with in_float64():
        matrix = jnp.asarray(gram / np.trace(gram) + ridge * np.eye(len(gram)))
        added = [nonnegative_minimum(matrix, -row) for row in matrix]
    return 1 / len(gram) + np.mean(added, axis=0)


def test_upgrad_s_values_are_torchjd_s_but_for_the_ridge():
    """TorchJD's lies on K, ours on the cosines: with its own our solver finds its values, and towards none both are the same."""
    for case in TORCHJD["cases"]:
        gradients = np.array(case["gradients"])
        gram, wanted = gradients @ gradients.T, np.array(case["weights"]["upgrad"])
        found = weights_with_a_ridge_on_the_gram_matrix(gram, 1e-4)
        assert np.abs(found - wanted).max() <= TORCHJD_ATOL * wanted.max(), (len(gram), found, wanted)
        found, wanted = TaskWeights("upgrad:ridge=1e-9", len(gram))(gram), weights_with_a_ridge_on_the_gram_matrix(gram, 1e-9)
        assert np.abs(found - wanted).max() <= TORCHJD_ATOL * wanted.max(), (len(gram), found, wanted)


@pytest.mark.parametrize("name", sorted(TORCHJD["cases"][0]["weights"].keys() - {"upgrad"}))
def test_values_are_torchjd_s(name):
    for case in TORCHJD["cases"]:
        gradients = np.array(case["gradients"])
        gram, wanted = gradients @ gradients.T, np.array(case["weights"][name])
        found = TaskWeights(name, len(gram))(gram)
        if name == "nash-mtl":  # TorchJD gives the update, of its own approximation
            found = found @ gradients
        limit = TORCHJD_SOLVERS.get(name, TORCHJD_ATOL)
        assert np.abs(found - wanted).max() <= limit * np.abs(wanted).max(), (len(gram), found, wanted)


def test_least_norms_and_best_worst_cases_are_at_least_torchjd_s():
    """Where TorchJD's solvers stop early, ours must come out ahead, and meet the conditions of an optimum."""
    for case in TORCHJD["cases"]:
        gradients = np.array(case["gradients"])
        gram, mean = gradients @ gradients.T, gradients.mean(axis=0)
        theirs, ours = np.array(case["weights"]["mgda"]), TaskWeights("mgda", len(gram))(gram)
        assert ours @ gram @ ours <= theirs @ gram @ theirs * (1 + 1e-12)
        assert (gram @ ours).min() >= ours @ gram @ ours * (1 - 1e-9), "no task is closer to the origin than the shortest vector"
        theirs, ours = np.array(case["weights"]["cagrad:c=0.5"]), TaskWeights("cagrad:c=0.5", len(gram))(gram)
        assert (gram @ ours).min() >= (gram @ theirs).min() - 1e-6 * np.abs(gram @ theirs).max()
        assert np.linalg.norm(ours @ gradients - mean) <= 0.5 * np.linalg.norm(mean) * (1 + 1e-9)
        helped = ours > 1 / len(gram) + 1e-6
        assert np.allclose((gram @ ours)[helped], (gram @ ours).min(), rtol=1e-7), "all tasks with weight are equally badly off"


def test_pcgrad_of_two_tasks_is_torchjd_s():
    gradients = np.array(TORCHJD["two_tasks"]["gradients"])
    found = TaskWeights("pcgrad", 2)(gradients @ gradients.T, np.random.default_rng(0))
    assert np.allclose(found, TORCHJD["two_tasks"]["weights"]["pcgrad"], atol=TORCHJD_ATOL)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: find_method("cagard", 3), "Did you mean 'cagrad'"),
        (lambda: find_method("cagrad:d=1", 3), "cagrad has the settings c, got 'd=1'"),
        (lambda: find_method("cagrad:c=x", 3), "c takes a number"),
        (lambda: find_method("mgda:c=1", 3), "mgda has no settings"),
        (lambda: find_method("fixed", 3), "fixed needs weights"),
        (lambda: find_method("fixed:weights=1/2", 3), "weights must be 3 numbers"),
        (lambda: find_method("fairgrad:alpha=0", 3), "alpha must be positive"),
        (lambda: find_method("upgrad:ridge=0", 3), "ridge must be positive"),
        (lambda: find_method("dwa:period=1.5", 3), "period takes a whole number, got '1.5'"),
        (lambda: find_method("dwa:period=0", 3), "temperature and period must be positive"),
        (lambda: find_method("famo:learning_rate=-1", 3), "learning_rate and decay must not be negative"),
        (lambda: find_method("famo:decay=-1", 3), "learning_rate and decay must not be negative"),
        (lambda: find_method("gradnorm:learning_rate=-1", 3), "asymmetry and learning_rate must not be negative"),
        (lambda: find_method("uncertainty:learning_rate=-5", 3), "learning_rate must not be negative"),
        (lambda: find_method("famo", 3, may_be_negative=True), "use it for the critic"),
        (lambda: TaskWeights("graddrop", 3), "mixes whole gradients"),
        (lambda: TaskWeights("famo", 2)(np.eye(2)), "give losses="),
        (lambda: TaskWeights("famo", 2)(np.eye(2), losses=np.array([1.0, -1.0])), "positive losses"),
        (lambda: TaskWeights("pcgrad", 2)(np.eye(2)), "give a generator"),
        (lambda: TaskWeights("mgda", 2)(np.array([[1.0, np.nan], [np.nan, 1.0]])), "not finite"),
        (lambda: TaskWeights("mgda", 2)(np.eye(3)), r"shape \(2, 2\), got \(3, 3\)"),
        (lambda: TaskWeights("mgda", 2)(np.array([[1.0, 2.0], [0.0, 1.0]])), "symmetric"),
        (lambda: combination(find_method("dwa", 2)).update(jnp.eye(2), combination(find_method("dwa", 2)).init(None)), r"losses=…"),
        (lambda: combination(find_method("graddrop", 2), shared=lambda params: params), "only weightings"),
    ],
)
def test_bad_input_says_what_to_do(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_gradvac_turns_gradients_to_the_angle_that_they_usually_have():
    """Two tasks at right angles, whose usual cosine is 0.6: both turn until theirs is, where PCGrad leaves them; aims follow by β."""
    gram, aims = jnp.eye(2), jnp.full((2, 2), 0.6)
    changed, after = gradvac.vaccinate(gram, aims, jnp.array([[1, 0], [0, 1]]), 0.25)
    of_first = changed[0] / jnp.linalg.norm(changed[0])
    assert np.isclose(of_first[1], 0.6, atol=1e-5), "the cosine of the first one with the second, after"
    assert np.allclose([after[0, 1], after[1, 0]], 0.75 * 0.6), "what was measured was 0"


def test_db_mtl_remembers_gradients_of_log_losses():
    """By hand: losses 1 and 4, gradients (2, 0) and (0, 4), twice. Of logarithms they are (2, 0) and (0, 1), as long as the longest: 2."""
    method = find_method("db-mtl:beta=0.5", 2)
    gradients, losses = jnp.array([[2.0, 0.0], [0.0, 4.0]]), jnp.array([1.0, 4.0])
    update, state = method.mix(gradients, losses, method.init(jnp.zeros(2)), None)
    assert np.allclose(update, [1.0, 1.0])
    turned = gradients[:, ::-1] * jnp.array([[1.0], [2.0]])  # (0, 2) and (8, 0); of logarithms (0, 2) and (2, 0)
    _, state = method.mix(turned, losses, state, None)
    keep = 0.5 / np.sqrt(2.0)
    assert np.allclose(state.smoothed, [[2 * keep, 2 * (1 - keep)], [2 * (1 - keep), keep]], atol=1e-6)


def test_gradnorm_pulls_the_task_that_has_come_less_far():
    """Of equally long gradients: the second task's loss has hardly fallen, so its weight rises."""
    method = find_method("gradnorm", 2)
    _, state = method.weigh(jnp.eye(2), jnp.array([1.0, 1.0]), method.state, None)
    _, state = method.weigh(jnp.eye(2), jnp.array([0.1, 0.9]), state, None)
    assert state.weights[1] > 1.0 > state.weights[0] and np.isclose(state.weights.sum(), 2.0)


def test_graddrop_draws_a_sign_as_often_as_gradients_have_it():
    """Three to one: the positive gradient passes in three of four parameters, and never both."""
    method, size = find_method("graddrop", 2), 40_000
    gradients = jnp.stack([jnp.full(size, 3.0), jnp.full(size, -1.0)])
    update, _ = method.mix(gradients, jnp.ones(2), (), jax.random.PRNGKey(0))
    assert set(np.unique(update).tolist()) == {-0.5, 1.5}
    assert np.isclose((update > 0.0).mean(), 0.75, atol=0.01)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("cagrad:c=0.4/0.9", "one finite number"),
        ("fairgrad:alpha=nan", "one finite number"),
        ("fixed:weights=nan/1", "finite numbers"),
        ("famo:learning_rate=inf", "one finite number"),
    ],
)
def test_settings_are_finite_and_single(said, told):
    with pytest.raises(ValueError, match=told):
        find_method(said, 2)
