"""Overlaid digits, and networks of several tasks with combinations of gradients."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp

from metaworld_baselines.supervised import multitask
from metaworld_baselines.supervised.__main__ import main
from metaworld_baselines.supervised.problems.overlaid import SIDE, draw_batch

SMALL = ["--channels", "1", "--width", "4", "--batch", "2", "--test-samples", "4", "--total-steps", "2", "--eval-every-steps", "2"]


@pytest.fixture
def flat_digits(monkeypatch):
    """Instead of drawn ones: a class is a shade of grey."""
    shades = (np.arange(10)[:, None, None, None] * 20 + 20).astype(np.uint8) * np.ones((1, 3, 28, 28), np.uint8)
    monkeypatch.setattr(multitask, "digits", lambda: (shades, shades))
    yield shades
    multitask.compiled.cache_clear()


def test_digits_stand_at_their_corners_and_the_darker_ink_counts(flat_digits):
    batch = draw_batch(jnp.asarray(flat_digits), jax.random.PRNGKey(0), 50)
    shades = (np.asarray(batch.labels) * 20 + 20) / 255.0
    pictures = np.asarray(batch.pictures)[..., 0]
    assert pictures.shape == (50, SIDE, SIDE) and batch.labels.shape == (2, 50)
    middle, corners = pictures[:, SIDE // 2, SIDE // 2], (pictures[:, 0, 0], pictures[:, -1, -1])
    assert np.allclose(middle, shades.max(axis=0)), "where both are"
    for corner, shade in zip(corners, shades, strict=True):
        assert np.allclose(corner[corner > 0], shade[corner > 0]) and 0 < (corner > 0).sum() < 50, "moved by less or more"


@pytest.mark.slow
@pytest.mark.parametrize("learner", ["single", "pcgrad", "graddrop"])
def test_a_run_trains_and_is_resumed(learner, flat_digits, tmp_path):
    words = ["overlaid-digits", "--learner", learner, *SMALL, "--out", str(tmp_path)]
    assert main(words) == 0 and main(words) == 0
    assert (tmp_path / f"overlaid-digits-{learner}-seed1" / "curve.csv").read_text().count("\n") == 2


def test_single_task_networks_share_nothing_and_others_the_torso():
    pictures = jax.random.uniform(jax.random.PRNGKey(1), (2, 3, SIDE, SIDE, 1))
    for is_single in (True, False):
        networks = multitask.TaskNetworks(multitask.Torso(1, 4), multitask.nn.Dense(10), is_single)
        params = jax.jit(networks.init)(jax.random.PRNGKey(0), pictures[0])
        gradient = jax.jit(jax.grad(lambda params, net=networks: net.outputs(params, jnp.arange(2), pictures)[0].sum()))(params)
        heads, torso = gradient["heads"]["params"]["bias"], gradient["torso"]["params"]["HalvingConvolution_0"]["Dense_0"]["kernel"]
        assert heads[0].all() and not heads[1].any()
        assert torso.ndim == (3 if is_single else 2) and not (is_single and torso[1].any())


def test_delta_m_is_the_mean_relative_loss():
    assert multitask.delta_m([0.9, 0.4], [1.0, 0.5]) == pytest.approx(15.0)


def test_an_unknown_combination_is_refused_with_the_nearest(tmp_path, capsys):
    assert main(["overlaid-digits", "--learner", "pcgrat", "--out", str(tmp_path)]) == 2
    assert "Did you mean 'pcgrad'?" in capsys.readouterr().err
