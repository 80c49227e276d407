"""Where things are in a picture, read out as coordinates."""

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.networks.spatial_softmax import PlaceEncoder, spatial_softmax


def test_the_place_of_a_peak_is_its_coordinates():
    features = np.zeros((1, 5, 9, 2), np.float32)
    features[0, 4, 2, 0] = 50.0  # at the bottom, a quarter from the left
    features[0, 0, 8, 1] = 50.0  # top right
    assert np.allclose(spatial_softmax(features), [[-0.5, 1.0, 1.0, -1.0]], atol=1e-5), "all x, then all y"


def test_two_equal_peaks_have_their_place_between_them_and_nothing_is_in_the_middle():
    features = np.zeros((2, 5, 5, 1), np.float32)
    features[0, 0, 0], features[0, 0, 4] = 50.0, 50.0
    assert np.allclose(spatial_softmax(features), [[0.0, -1.0], [0.0, 0.0]], atol=1e-5)


def test_what_moves_in_the_picture_moves_its_places_alike():
    """By 16 of 64 pixels, which are 4 of the last convolution's 16 places, from −1 to 1 in 15 steps."""
    encoder, rng = PlaceEncoder(8), np.random.default_rng(0)
    patch = rng.integers(0, 256, (8, 8, 3))
    pictures = np.full((2, 64, 64, 3), 127, np.uint8)
    pictures[0, 24:32, 20:28], pictures[1, 24:32, 36:44] = patch, patch
    params = encoder.init(jax.random.PRNGKey(0), jnp.asarray(pictures))
    sharp = jax.tree.map(lambda leaf: leaf * 8.0, params)  # so that peaks, not the background, decide
    places = np.asarray(encoder.apply(sharp, pictures))
    x, y = np.split(places[1] - places[0], 2)
    is_peak = np.abs(places[0, :8]) > 0.2
    assert places.shape == (2, 16) and is_peak.any()
    assert np.allclose(x[is_peak], 4 * 2.0 / 15, atol=0.02) and np.abs(y[is_peak]).max() < 0.02
