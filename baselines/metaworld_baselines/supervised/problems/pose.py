"""Pose: by which angle an object is turned, from its picture (Yin et al. 2020, section 6.2), with objects that we may give away.

Which side of an object is its front is a matter of convention. The fronts of training objects can be learned by heart; that of an unseen
one is known by its examples alone. Objects are our own parts and shapes composed at random, rendered once, headless, and kept in the
user's cache. Published are 128 × 128 pixels; here 28 × 28, so that a processor will do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from metaworld_baselines.arrays import Array
from metaworld_baselines.supervised.problems.episodes import Episode, Problem
from metaworld_baselines.supervised.problems.picture_cache import cached
from metaworld_py.rendering import choose_gl
from metaworld_py.sim.scene import ASSETS

NUM_TRAIN, NUM_TEST = 50, 15  # objects (published)
VIEWS = 100  # of each object (published)
SIZE, RENDERED_SIZE = 28, 112  # pixels
TURN = 10.0  # label of a whole turn (published)
ELEVATIONS_DEG = (-45.0, -25.0)  # of the camera
DISTANCES = (1.1, 1.3)  # of the camera, in the object's extents
# Those of our parts that look different from every side.
PARTS = [
    *("bins", "button", "coffee_machine", "dial", "door", "door_lock", "drawer", "faucet", "hammer", "handle", "hoop", "lever", "lid_box"),
    *("mug", "nail_box", "net", "nut", "peg_box", "plug", "shelf", "soccer_goal", "socket", "stick", "thermos", "window"),
]
PIECES = (4, 7)  # of a composed shape, from and below


class Views(NamedTuple):
    """Pictures (object, view, 28, 28, 1) uint8 and angles (object, view) in radians, of objects to train and to test on."""

    train: NDArray[np.uint8]
    train_angles: NDArray[np.float32]
    test: NDArray[np.uint8]
    test_angles: NDArray[np.float32]


def pose(shots: int, queries: int, *, mutually_exclusive: bool) -> Problem:
    """A task is an object; where tasks are mutually exclusive, its front is another in each episode.

    Raises:
      ValueError: more examples and queries than views.
      RenderingError: no OpenGL to render with at the first use.
    """
    if shots + queries > VIEWS:
        raise ValueError(f"{shots} shots and {queries} queries need {shots + queries} views of an object, and there are {VIEWS}")
    views = cached("pose-1", Views, render_views)

    def episode(key: Array, pictures: Array, angles: Array, *, is_turned: bool) -> Episode:
        object_key, view_key, front_key = jax.random.split(key, 3)
        number = jax.random.randint(object_key, (), 0, len(pictures))
        chosen = jax.random.uniform(view_key, (VIEWS,)).argsort()[: shots + queries]
        seen = pictures[number, chosen].astype(jnp.float32) / 255.0
        turns = angles[number, chosen] / (2.0 * jnp.pi) + (jax.random.uniform(front_key) if is_turned else 0.0)
        labels = (TURN * (turns % 1.0))[:, None]
        return Episode(seen[:shots], labels[:shots], seen[shots:], labels[shots:])

    def train_episode(data: Any, key: Array) -> Episode:
        return episode(key, data.train, data.train_angles, is_turned=mutually_exclusive)

    def test_episode(data: Any, key: Array) -> Episode:
        return episode(key, data.test, data.test_angles, is_turned=False)

    return Problem(train_episode, test_episode, len(views.train), outputs=1, is_image=True, data=Views(*map(jnp.asarray, views)))


def render_views() -> Views:
    """Views of all objects; half a minute to a minute.

    Raises:
      RenderingError: no OpenGL.
    """
    choose_gl()
    rng = np.random.default_rng(0)
    models = [part_model(part) for part in PARTS]
    models += [shape_model(rng) for _ in range(NUM_TRAIN + NUM_TEST - len(models))]
    order = rng.permutation(len(models))
    seen = [views_of(models[place], VIEWS, rng) for place in order]
    pictures, angles = (np.stack(part) for part in zip(*seen, strict=True))
    return Views(pictures[:NUM_TRAIN], angles[:NUM_TRAIN], pictures[NUM_TRAIN:], angles[NUM_TRAIN:])


def views_of(model: mujoco.MjModel, number: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Pictures (view, 28, 28, 1) of an object, and its angles (view,) from a front that is drawn for it.

    The camera and its lamp go around the object: the same as turning it.
    """
    front, angles = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(0.0, 2.0 * np.pi, number)
    data, option, camera = mujoco.MjData(model), mujoco.MjvOption(), mujoco.MjvCamera()
    mujoco.mj_forward(model, data)
    option.geomgroup[:] = [group == 1 for group in range(6)]  # looks
    option.sitegroup[:] = 0
    camera.lookat[:] = model.stat.center
    pictures = np.empty((number, SIZE, SIZE, 1), np.uint8)
    with mujoco.Renderer(model, RENDERED_SIZE, RENDERED_SIZE) as renderer:
        for view, angle in enumerate(angles):
            camera.azimuth = np.rad2deg(front + angle)
            camera.elevation, camera.distance = rng.uniform(*ELEVATIONS_DEG), model.stat.extent * rng.uniform(*DISTANCES)
            renderer.update_scene(data, camera, option)
            picture = Image.fromarray(renderer.render()).convert("L").resize((SIZE, SIZE), Image.Resampling.BOX)
            pictures[view, ..., 0] = np.asarray(picture)
    return pictures, angles.astype(np.float32)


def part_model(part: str) -> mujoco.MjModel:
    """One of our parts alone."""
    include = f'<include file="{(ASSETS / "props" / f"{part}.xml").as_posix()}"/>'
    return mujoco.MjModel.from_xml_string(f'<mujoco><compiler assetdir="{ASSETS.as_posix()}"/>{include}</mujoco>')


def shape_model(rng: np.random.Generator) -> mujoco.MjModel:
    """A few blocks, rods and balls, grown together at random."""
    spec = mujoco.MjSpec()
    kinds = (mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER, mujoco.mjtGeom.mjGEOM_ELLIPSOID, mujoco.mjtGeom.mjGEOM_CAPSULE)
    for _ in range(rng.integers(*PIECES)):
        angle = rng.uniform(0.0, np.pi)
        spec.worldbody.add_geom(
            type=kinds[rng.integers(len(kinds))],
            pos=rng.uniform((-0.15, -0.15, -0.1), (0.15, 0.15, 0.1)),
            size=rng.uniform(0.03, 0.12, 3),
            quat=(np.cos(angle / 2), *(np.sin(angle / 2) * _direction(rng))),
            rgba=(*[rng.uniform(0.2, 1.0)] * 3, 1.0),
            group=1,
        )
    return spec.compile()


def _direction(rng: np.random.Generator) -> Iterable[float]:
    vector = rng.normal(size=3)
    return vector / np.linalg.norm(vector)
