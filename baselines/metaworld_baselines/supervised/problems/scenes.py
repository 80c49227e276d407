"""Our fifty scenes pixel by pixel: what a pixel belongs to, its depth and its normal, seen from anywhere in front of the table.

Rendered once, headless, and kept in the user's cache: each task in the course of its expert's episodes, cameras drawn at random. Training
and test pictures are of different task instances.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from metaworld_baselines.supervised.problems.dense import UNIT, DensePictures, dense
from metaworld_baselines.supervised.problems.many_tasks import ManyTasks
from metaworld_baselines.supervised.problems.picture_cache import cached
from metaworld_py import MT1
from metaworld_py.agents import ExpertAgent
from metaworld_py.instances.task_sets import task_names
from metaworld_py.rendering import FAST, Camera, choose_gl, segmentation_names
from metaworld_py.tasks import TaskDef, find_task

CLASSES = ("background", "table", "arm", "hand", "fixture", "movable", "goal")
SIZE = 64  # pixels
NUM_TRAIN, NUM_TEST = 40, 10  # views of each task
MOST_STEPS = 100  # of the expert before a view
TABLE = (0.0, 0.65, 0.1)  # what cameras look at, give or take
ARM_FIRST, ARM_LAST = "base", "right_l1_2"  # bodies of the arm come one after another
HAND = ("hand", "rightclaw", "rightpad", "leftclaw", "leftpad")
ROOM = ("tablelink", "RetainingWall")


def scenes() -> ManyTasks:
    """The problem; pictures are rendered at the first use, a few minutes.

    Raises:
      RenderingError: no OpenGL to render with at the first use.
    """
    train = cached("scenes-train-1", DensePictures, lambda: render_views(1, NUM_TRAIN))
    test = cached("scenes-test-1", DensePictures, lambda: render_views(2, NUM_TEST))
    return dense(train, test, len(CLASSES))


def render_views(seed: int, number: int, names: tuple[str, ...] | None = None) -> DensePictures:
    """Views of every task.

    Args:
      seed: of the instances and cameras.
      number: of each task.
      names: of tasks; all fifty if None.
    """
    choose_gl()
    rng = np.random.default_rng(seed)
    views = []
    for name in tqdm(names or task_names("MT50"), desc="rendering scenes", leave=False, disable=None):
        views += views_of(name, seed, number, rng)
    return DensePictures(*(np.stack(field) for field in zip(*views, strict=True)))


def views_of(name: str, seed: int, number: int, rng: np.random.Generator) -> list[DensePictures]:
    """Views of a task, each of another instance and somewhere in its expert's episode."""
    benchmark, agent = MT1(name, seed=seed), ExpertAgent()
    env: Any = benchmark.train_classes[name]()
    agent.start_task(name)
    classes = class_of_body(find_task(name))
    views = []
    try:
        for view in range(number):
            env.set_task(benchmark.train_tasks[view % len(benchmark.train_tasks)])
            observation, _ = env.reset()
            for _ in range(rng.integers(MOST_STEPS)):
                observation = env.step(agent.eval_action(observation[None])[0])[0]
            camera = draw_camera(rng)
            kinds = ("rgb", "depth", "segmentation", "point_cloud")
            (seen,) = env.pictures([camera], kinds, width=SIZE, height=SIZE, quality=FAST)
            is_sky = seen["segmentation"] < 0  # which has neither depth nor normals
            normals = np.where(is_sky[..., None], 0.0, normals_of(seen["point_cloud"], camera))
            depth = np.where(is_sky, 0.0, seen["depth"]).astype(np.float16)
            labels = classes[seen["segmentation"] + 1].astype(np.int8)
            views.append(DensePictures(seen["rgb"], labels, depth, np.rint(normals * UNIT).astype(np.int8)))
    finally:
        env.close()
    return views


def class_of_body(task: TaskDef) -> NDArray[np.int64]:
    """The class of each number of a task's segmentation, that of −1 first."""
    model, names = task.model, segmentation_names(task)
    arm = range(model.body(ARM_FIRST).id, model.body(ARM_LAST).id + 1)
    found = []
    for body, name in sorted(names.items()):
        if body >= model.nbody:
            kind = "goal"
        elif body < 0 or name == "world":
            kind = "background"
        elif name in ROOM:
            kind = "table"
        elif name in HAND:
            kind = "hand"
        elif body in arm:
            kind = "arm"
        else:
            kind = "fixture" if model.body_weldid[body] == 0 else "movable"
        found.append(CLASSES.index(kind))
    return np.array(found)


def draw_camera(rng: np.random.Generator) -> Camera:
    """A camera in front of the table, half a metre to one and a half from it."""
    azimuth, elevation, distance = rng.uniform(-1.2, 1.2), rng.uniform(0.25, 1.1), rng.uniform(0.6, 1.5)
    target = np.array(TABLE) + rng.uniform(-0.1, 0.1, 3)
    towards = np.array([np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation)])
    (x, y, z), (at_x, at_y, at_z) = map(float, target + distance * towards), map(float, target)
    return Camera((x, y, z), (at_x, at_y, at_z))


def normals_of(points: NDArray[np.float32], camera: Camera) -> NDArray[np.float64]:
    """Unit normals (height, width, 3) of a picture's points (height, width, 3; world), towards the camera: right, up, to the camera.

    Across an edge, points lie far apart: of the two neighbours along each axis the nearer one is taken.
    """
    along_rows, along_columns = (_nearer_difference(points.astype(np.float64), axis) for axis in (0, 1))
    normals = np.cross(along_rows, along_columns)
    forward = np.array(camera.look_at) - np.array(camera.pos)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    up = np.cross(right, forward)
    frame = np.stack([axis / np.linalg.norm(axis) for axis in (right, up, -forward)])
    turned = normals @ frame.T
    lengths = np.linalg.norm(turned, axis=-1, keepdims=True)
    return turned / np.maximum(lengths, 1e-12)


def _nearer_difference(points: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    steps = np.diff(points, axis=axis)
    first, last = (np.take(steps, [place], axis=axis) for place in (0, -1))
    before, after = (np.concatenate(pair, axis=axis) for pair in ((first, steps), (steps, last)))
    is_nearer = np.linalg.norm(before, axis=-1, keepdims=True) < np.linalg.norm(after, axis=-1, keepdims=True)
    return np.where(is_nearer, before, after)
