"""The two-dimensional landscape of the PCGrad paper: its formulas, and the way through it."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.gradients.gram import cosines, gram_matrix
from metaworld_baselines.gradients.landscape import LEARNING_RATE, START, losses, trajectory


def test_losses_by_hand():
    first, second = START
    wanted = 20 * np.log(abs(0.5 * first + np.tanh(second))), 25 * np.log(abs(0.5 * first - np.tanh(second) + 2))
    assert np.allclose(losses(jnp.array(START)), wanted, rtol=1e-5)
    assert np.isclose(losses(jnp.array([0.0, 0.0]))[0], 20 * np.log(5e-6), rtol=1e-5), "bounded below"


def test_the_start_is_in_conflict_and_the_first_step_is_adam_s():
    assert cosines(gram_matrix(jax.jacrev(losses)(jnp.array(START))))[0, 1] < 0.0
    path = trajectory("pcgrad", steps=4, points=4)
    assert np.allclose(path[0], START) and np.allclose(np.abs(path[1] - path[0]), LEARNING_RATE, rtol=1e-2)


def test_steps_are_whole_stretches():
    with pytest.raises(ValueError, match="steps must be a multiple of 500, got 700"):
        trajectory("mean", 700)
