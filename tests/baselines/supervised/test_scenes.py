"""Our scenes pixel by pixel: normals of points, classes of bodies, and views that agree with one another."""

import numpy as np
import pytest

pytest.importorskip("jax")

from metaworld_baselines.supervised.problems import scenes
from metaworld_py.rendering import Camera, RenderingError, segmentation_names
from metaworld_py.tasks import TASKS


def test_normals_of_a_plane_are_those_of_the_plane():
    """Seen from straight above and from the side, with a step in the middle."""
    x, y = np.meshgrid(np.linspace(-1, 1, 12), np.linspace(1, -1, 10))
    points = np.stack([x, y, np.where(x > 0, 0.5, 0.0)], axis=-1).astype(np.float32)
    camera = Camera((0.0, -1.0, 1.0), (0.0, 0.0, 0.0))
    normals = scenes.normals_of(points, camera)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(normals, np.broadcast_to([0.0, half, half], normals.shape), atol=1e-6)


def test_every_body_has_a_class():
    task = TASKS["door-open"]
    classes, names = scenes.class_of_body(task), segmentation_names(task)
    of = {name: scenes.CLASSES[classes[number + 1]] for number, name in names.items()}
    assert of["background"] == of["world"] == "background" and of["goal"] == "goal"
    assert of["tablelink"] == "table" and of["right_l3"] == of["right_l1_2"] == of["base"] == "arm" and of["leftpad"] == "hand"
    assert of["door"] == "fixture" and of["door_link"] == "movable"


def test_views_agree_with_one_another():
    try:
        views = scenes.render_views(1, 2, ("door-open", "pick-place"))
    except RenderingError as error:
        pytest.skip(str(error))
    size = (4, scenes.SIZE, scenes.SIZE)
    assert [field.shape for field in views] == [(*size, 3), size, size, (*size, 3)]
    assert set(np.unique(views.classes)) <= set(range(len(scenes.CLASSES))) and len(np.unique(views.classes)) >= 4
    is_sky = views.depth == 0
    assert not views.normals[is_sky].any() and (views.classes[is_sky] == 0).all()
    lengths = np.linalg.norm(views.normals[~is_sky].astype(float) / 127.0, axis=-1)
    np.testing.assert_allclose(lengths, 1.0, atol=0.02)
    assert (views.normals[~is_sky][:, 2] > 0).mean() > 0.97, "what is seen looks towards the camera"
    again = scenes.render_views(1, 2, ("door-open", "pick-place"))
    assert all(np.array_equal(one, other) for one, other in zip(views, again, strict=True))
