"""Pose: objects of our own, their views, and what is known of an angle without examples; and the networks that see them."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp

from metaworld_baselines.networks.convolutions import patches
from metaworld_baselines.runs.run_files import read_table
from metaworld_baselines.supervised.__main__ import main
from metaworld_baselines.supervised.problems import pose
from metaworld_baselines.supervised.problems.episodes import draw_many
from metaworld_baselines.supervised.training import make_trainer

KEY = jax.random.PRNGKey(0)
PRODUCT_ATOL = 1e-5  # float32 sums in another order


@pytest.fixture
def numbered_views(monkeypatch):
    """Pictures whose shade tells the view, 0 to 99, and angles that grow with it."""
    angles = np.tile(np.linspace(0.0, 6.2, pose.VIEWS, dtype=np.float32), (3, 1))
    pictures = np.broadcast_to(np.arange(pose.VIEWS, dtype=np.uint8)[None, :, None, None, None], (3, pose.VIEWS, 2, 2, 1))
    views = pose.Views(pictures, angles, pictures[:2], angles[:2])
    monkeypatch.setattr(pose, "cached", lambda name, kind, make: views)
    return views


@pytest.mark.parametrize("exclusive", [False, True])
def test_a_picture_alone_tells_the_angle_unless_tasks_are_exclusive(exclusive, numbered_views):
    problem = pose.pose(4, 6, mutually_exclusive=exclusive)
    for draw, is_turned in ((problem.draw_train, exclusive), (problem.draw_test, False)):
        episodes = draw_many(draw, KEY, 5)
        assert episodes.support_x.shape == (5, 4, 2, 2, 1) and episodes.query_y.shape == (5, 6, 1)
        view, label = (np.concatenate([np.asarray(a), np.asarray(b)], axis=1) for a, b in zip(episodes[:2], episodes[2:], strict=True))
        number = np.rint(view[..., 0, 0, 0] * 255).astype(int)
        assert all(len(set(row)) == 10 for row in number), "no view is example and query, or either twice"
        turned = (label[..., 0] - pose.TURN * numbered_views.train_angles[0][number] / (2 * np.pi)) % pose.TURN
        around = np.exp(2j * np.pi * turned / pose.TURN)  # 0 and a whole turn are the same
        assert np.allclose(around, around[:, :1], atol=1e-4), "one front in an episode"
        assert np.allclose(around, 1.0, atol=1e-4) == (not is_turned)


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(numbered_views, tmp_path):
    small = [
        "--shots",
        "2",
        "--queries",
        "2",
        "--width",
        "2",
        "--latent-side",
        "3",
        "--encoder-channels",
        "1",
        "--meta-batch",
        "2",
        "--test-tasks",
        "2",
    ]
    curves = []
    for name, stops in (("whole", (20,)), ("parts", (10, 20))):
        for steps in stops:
            words = [f"--total-steps={steps}", "--eval-every-steps=10", "--save-every-steps=10", f"--out={tmp_path / name}"]
            assert main(["pose", "--learner", "mr-cnp-w", *small, *words]) == 0
        rows = read_table(tmp_path / name / "pose-2shot-mr-cnp-w-seed1" / "curve.csv")
        curves.append([{column: row[column] for column in row if column != "seconds"} for row in rows])
    make_trainer.cache_clear()  # it holds the numbered views
    assert curves[0] == curves[1] and len(curves[0]) == 2 and np.isfinite(list(curves[0][1].values())).all()


def test_more_points_than_views_are_refused(numbered_views):
    with pytest.raises(ValueError, match="need 120 views of an object, and there are 100"):
        pose.pose(60, 60, mutually_exclusive=False)


def test_every_part_compiles_and_shapes_are_drawn_anew():
    assert len(set(pose.PARTS)) == len(pose.PARTS) < pose.NUM_TRAIN
    assert all((pose.part_model(part).geom_group == 1).any() for part in pose.PARTS)
    rng = np.random.default_rng(0)
    first, second = (pose.shape_model(rng) for _ in range(2))
    assert first.ngeom != second.ngeom or not np.array_equal(first.geom_pos, second.geom_pos)


def test_views_show_the_object_and_differ_with_the_angle():
    from metaworld_py.rendering import choose_gl

    choose_gl()
    pictures, angles = pose.views_of(pose.part_model("mug"), 6, np.random.default_rng(0))
    assert pictures.shape == (6, pose.SIZE, pose.SIZE, 1) and angles.shape == (6,)
    assert all(0.03 < (picture > 0).mean() < 0.9 for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == 6


@pytest.mark.parametrize(("height", "width", "size"), [(6, 7, 3), (5, 4, 5)])
def test_a_halving_convolution_is_xla_s(height, width, size):
    rng = np.random.default_rng(0)
    pictures = jnp.asarray(rng.normal(size=(2, height, width, 3)), jnp.float32)
    kernel = jnp.asarray(rng.normal(size=(size, size, 3, 4)), jnp.float32)
    wanted = jax.lax.conv_general_dilated(pictures, kernel, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    got = patches(pictures, size) @ kernel.transpose(1, 0, 2, 3).reshape(-1, 4)  # columns first
    assert got.shape == wanted.shape and np.allclose(got, wanted, atol=PRODUCT_ATOL)
