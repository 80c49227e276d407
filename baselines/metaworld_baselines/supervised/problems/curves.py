"""Regression of curves: *sinusoid* (Yin et al. 2020, section 6.1) and *harmonics*, the sum of a wave and its octave.

An input is a place u and, where tasks are not mutually exclusive, the one-hot number of the task. Then a single function of the input fits
all training tasks, and support examples need not be looked at. An unseen task comes with a training task's number, drawn at random.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.supervised.problems.episodes import Episode, Problem

LOW, HIGH = -5.0, 5.0  # of u
NOISE_STD = 0.1  # of labels
AMPLITUDES = (0.1, 4.0)
NUM_SINUSOIDS = 20  # training tasks, amplitudes equally spaced
NUM_HARMONICS = 50
TEST_QUERIES = 100

Curve = Callable[[Array, Array], Array]  # from a task's parameters and places u (point,) to labels (point,)


def sinusoid(shots: int, queries: int, *, mutually_exclusive: bool) -> Problem:
    """A sin(u), A in [0.1, 4], with 20 amplitudes to train on."""
    table = jnp.linspace(*AMPLITUDES, NUM_SINUSOIDS)[:, None]
    return _problem(
        lambda parameters, u: parameters[0] * jnp.sin(u),
        table,
        lambda key: jax.random.uniform(key, (1,), minval=AMPLITUDES[0], maxval=AMPLITUDES[1]),
        (shots, queries),
        mutually_exclusive=mutually_exclusive,
    )


def harmonics(shots: int, queries: int, *, mutually_exclusive: bool) -> Problem:
    """a₁ sin(ωu + φ₁) + a₂ sin(2ωu + φ₂) with a in [0.1, 2], ω in [0.5, 1], φ in [0, π], and 50 such curves to train on."""
    low, high = jnp.array([0.1, 0.1, 0.5, 0.0, 0.0]), jnp.array([2.0, 2.0, 1.0, jnp.pi, jnp.pi])

    def draw(key: Array) -> Float[Array, " parameter"]:
        return jax.random.uniform(key, low.shape, minval=low, maxval=high)

    table = jax.vmap(draw)(jax.random.split(jax.random.PRNGKey(0), NUM_HARMONICS))  # the same curves for every seed of training
    return _problem(_harmonic, table, draw, (shots, queries), mutually_exclusive=mutually_exclusive)


def _harmonic(parameters: Float[Array, " parameter"], u: Float[Array, " point"]) -> Float[Array, " point"]:
    first, second, frequency, phase, octave_phase = parameters
    return first * jnp.sin(frequency * u + phase) + second * jnp.sin(2.0 * frequency * u + octave_phase)


def _problem(curve: Curve, table: Array, draw: Callable[[Array], Array], points: tuple[int, int], *, mutually_exclusive: bool) -> Problem:
    def episode(key: Array, parameters: Array, number: Array, queries: int) -> Episode:
        place_key, noise_key = jax.random.split(key)
        u = jax.random.uniform(place_key, (points[0] + queries,), minval=LOW, maxval=HIGH)
        labels = curve(parameters, u) + NOISE_STD * jax.random.normal(noise_key, u.shape)
        told = jnp.zeros(len(table)) if mutually_exclusive else jax.nn.one_hot(number, len(table))
        inputs = jnp.concatenate([u[:, None], jnp.tile(told, (len(u), 1))], axis=1)
        labels = labels[:, None]
        return Episode(inputs[: points[0]], labels[: points[0]], inputs[points[0] :], labels[points[0] :])

    def train_episode(_: Any, key: Array) -> Episode:
        task_key, key = jax.random.split(key)
        number = jax.random.randint(task_key, (), 0, len(table))
        return episode(key, table[number], number, points[1])

    def test_episode(_: Any, key: Array) -> Episode:
        parameter_key, number_key, key = jax.random.split(key, 3)
        number = jax.random.randint(number_key, (), 0, len(table))
        return episode(key, draw(parameter_key), number, TEST_QUERIES)

    return Problem(train_episode, test_episode, len(table), outputs=1, is_image=False)
