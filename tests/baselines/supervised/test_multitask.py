"""Networks of several tasks with combinations of gradients, on overlaid digits."""

from dataclasses import replace

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp
from safetensors.numpy import load_file

from metaworld_baselines.supervised import multitask
from metaworld_baselines.supervised.__main__ import main
from metaworld_baselines.supervised.networks import PixelTorso, Torso
from metaworld_baselines.supervised.problems import registry
from metaworld_baselines.supervised.problems.many_tasks import delta_m
from metaworld_baselines.supervised.problems.overlaid import SIDE, draw
from metaworld_baselines.supervised.settings import find_many_tasks_config

SMALL = ["--channels", "1", "--width", "4", "--batch", "2", "--test-samples", "4", "--total-steps", "2", "--eval-every-steps", "2"]


@pytest.fixture
def flat_digits(monkeypatch):
    """Instead of drawn ones: a class is a shade of grey."""
    shades = (np.arange(10)[:, None, None, None] * 20 + 20).astype(np.uint8) * np.ones((1, 3, 28, 28), np.uint8)
    monkeypatch.setattr(registry, "digits", lambda: (shades, shades))
    yield shades
    multitask.compiled.cache_clear()


def test_digits_stand_at_their_corners_and_the_darker_ink_counts(flat_digits):
    pictures, labels = draw(jnp.asarray(flat_digits), jax.random.PRNGKey(0), 50)
    shades = (np.asarray(labels) * 20 + 20) / 255.0
    assert pictures.shape == (2, 50, SIDE, SIDE, 1) and labels.shape == (2, 50)
    assert np.array_equal(pictures[0], pictures[1]), "both tasks see the same"
    pictures = np.asarray(pictures)[0, ..., 0]
    middle, corners = pictures[:, SIDE // 2, SIDE // 2], (pictures[:, 0, 0], pictures[:, -1, -1])
    assert np.allclose(middle, shades.max(axis=0)), "where both are"
    for corner, shade in zip(corners, shades, strict=True):
        assert np.allclose(corner[corner > 0], shade[corner > 0]) and 0 < (corner > 0).sum() < 50, "moved by less or more"


@pytest.mark.slow
@pytest.mark.parametrize("learner", ["single", "pcgrad", "graddrop"])
def test_a_run_trains_and_is_resumed(learner, flat_digits, tmp_path):
    """Two updates and then two more are four in a row: networks, optimizers and what combinations draw."""
    words = ["overlaid-digits", "--learner", learner, *SMALL, "--save-every-steps", "2"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert main([*words, "--total-steps", "4", "--out", str(whole)]) == 0
    assert main([*words, "--out", str(parts)]) == 0 and main([*words, "--total-steps", "4", "--out", str(parts)]) == 0
    one, other = (folder / f"overlaid-digits-{learner}-seed1" for folder in (whole, parts))
    assert (one / "curve.csv").read_text().count("\n") == 3
    one, other = (load_file(folder / "resume.safetensors") for folder in (one, other))
    assert one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.slow
def test_combinations_draw_by_the_seed(flat_digits):
    config = find_many_tasks_config("overlaid-digits", "graddrop")
    init = multitask.compiled(replace(config, channels=1, width=4)).init
    keys = [np.asarray(init(jax.random.PRNGKey(seed)).opt[0].key) for seed in (1, 2)]
    assert not np.array_equal(*keys)


@pytest.mark.parametrize(("torso", "leaf"), [(Torso(1, 4), "HalvingConvolution_0/Dense_0"), (PixelTorso(1, 4), "Convolution_2/Dense_0")])
def test_single_task_networks_share_nothing_and_others_the_torso(torso, leaf):
    pictures = jax.random.uniform(jax.random.PRNGKey(1), (2, 3, 16, 16, 1))
    for is_single in (True, False):
        networks = multitask.TaskNetworks(torso, multitask.nn.Dense(10), 2, is_single)
        params = jax.jit(networks.init)(jax.random.PRNGKey(0), pictures[0])
        gradient = jax.jit(jax.grad(lambda params, net=networks: net.outputs(params, jnp.arange(2), pictures)[0].sum()))(params)
        heads, bias = gradient["heads"]["params"]["bias"], gradient["torso"]["params"]
        for part in leaf.split("/"):
            bias = bias[part]
        assert heads[0].all() and not heads[1].any()
        assert bias["bias"].ndim == (2 if is_single else 1) and not (is_single and bias["bias"][1].any())


def test_features_of_pixels_have_the_pictures_size():
    torso = PixelTorso(2, 5)
    pictures = jnp.zeros((3, 16, 24, 3))
    assert torso.apply(torso.init(jax.random.PRNGKey(0), pictures), pictures).shape == (3, 16, 24, 5)


def test_delta_m_is_the_mean_relative_loss():
    assert delta_m({"accuracy/0": 0.9, "accuracy/1": 0.4}, {"accuracy/0": 1.0, "accuracy/1": 0.5}) == pytest.approx(15.0)
    assert delta_m({"depth/absolute": 0.3, "normals/within_30": 0.5}, {"depth/absolute": 0.2, "normals/within_30": 0.5}) == pytest.approx(
        25.0
    )
    with pytest.raises(ValueError, match="measures differ"):
        delta_m({"accuracy/0": 0.9}, {"accuracy/1": 0.9})


def test_an_unknown_combination_is_refused_with_the_nearest(tmp_path, capsys):
    assert main(["overlaid-digits", "--learner", "pcgrat", "--out", str(tmp_path)]) == 2
    assert "Did you mean 'pcgrad'?" in capsys.readouterr().err
