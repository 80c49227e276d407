"""Three tasks at every pixel: what it belongs to, how far away it is, which way its surface looks (as on NYUv2: Liu et al. 2019).

Losses and measures as there: cross-entropy, absolute error of depth, one minus the cosine of normals; pixels without a label count for
nothing. `nyuv2` reads a folder of the user's; our own scenes are in `scenes`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from tqdm import tqdm

from metaworld_baselines.arrays import Array
from metaworld_baselines.supervised.problems.many_tasks import ManyTasks, distinct, for_all_tasks
from metaworld_py.files import reading

NUM_TASKS = 3  # segmentation, depth, normals
NYU_CLASSES = 13
NYU = "train and val, each with image/N.npy (height, width, 3), label/N.npy, depth/N.npy and normal/N.npy, as MTAN's authors prepared them"
WITHIN_DEG = (11.25, 22.5, 30.0)  # published thresholds of normals
UNIT = 127.0  # a normal's components as whole numbers
EPS = 1e-6


class DensePictures(NamedTuple):
    """Pictures and what is known of their pixels.

    Attributes:
      pictures: (example, height, width, 3) uint8.
      classes: (example, height, width) int8; −1: unknown.
      depth: (example, height, width) float16, metres; 0: unknown.
      normals: (example, height, width, 3) int8, components in the camera's frame times 127; all zero: unknown.
    """

    pictures: NDArray[np.uint8]
    classes: NDArray[np.int8]
    depth: NDArray[np.float16]
    normals: NDArray[np.int8]


class Labels(NamedTuple):
    """Class, depth (m) and normal of every pixel."""

    classes: Array
    depth: Array
    normals: Array


def dense(train: DensePictures, test: DensePictures, num_classes: int, *, test_once: bool = False) -> ManyTasks:
    """The problem.

    Args:
      train, test: pictures.
      num_classes: of the segmentation.
      test_once: draw pictures to test on without replacement.

    Raises:
      ValueError: sides that do not halve three times.
    """
    shape = (*train.pictures.shape[1:3], 3)
    if shape[0] % 8 or shape[1] % 8:
        raise ValueError(f"pictures of {shape[0]} × {shape[1]} pixels do not halve three times")

    def loss(task: Array, outputs: Array, labels: Labels) -> Array:
        return jax.lax.switch(task, [lambda one=one: one(outputs[..., :num_classes], labels) for one in _LOSSES])

    def measure(outputs: Array, labels: Labels) -> dict[str, Array]:
        return measures(outputs[0, ..., :num_classes], outputs[1], outputs[2], jax.tree.map(lambda leaf: leaf[0], labels))

    on_device = {name: DensePictures(*map(jnp.asarray, part)) for name, part in (("train", train), ("test", test))}
    settings: dict[str, Any] = {
        **on_device,
        "draw": _draw,
        "draw_test": _draw_once if test_once else None,
        "loss": loss,
        "measure": measure,
    }
    return ManyTasks(num_tasks=NUM_TASKS, shape=shape, outputs=max(num_classes, 3), is_dense=True, **settings)


def _draw(data: DensePictures, key: Array, number: int) -> tuple[Array, Labels]:
    return _views(data, jax.random.randint(key, (number,), 0, len(data.pictures)))


def _draw_once(data: DensePictures, key: Array, number: int) -> tuple[Array, Labels]:
    return _views(data, distinct(key, len(data.pictures), number))


def _views(data: DensePictures, which: Array) -> tuple[Array, Labels]:
    pictures = data.pictures[which].astype(jnp.float32) / 255.0
    normals = data.normals[which].astype(jnp.float32) / UNIT
    labels = Labels(data.classes[which].astype(jnp.int32), data.depth[which].astype(jnp.float32), normals)
    return jax.tree.map(lambda leaf: for_all_tasks(leaf, NUM_TASKS), (pictures, labels))


def class_loss(outputs: Float[Array, "sample height width class"], labels: Labels) -> Array:
    """Mean cross-entropy of the pixels whose class is known."""
    known = labels.classes >= 0
    chosen = jnp.take_along_axis(jax.nn.log_softmax(outputs), jnp.maximum(labels.classes, 0)[..., None], axis=-1)[..., 0]
    return _mean(-chosen, known)


def depth_loss(outputs: Float[Array, "sample height width number"], labels: Labels) -> Array:
    """Mean absolute error of the pixels whose depth is known, in metres."""
    return _mean(jnp.abs(outputs[..., 0] - labels.depth), labels.depth > 0)


def normal_loss(outputs: Float[Array, "sample height width number"], labels: Labels) -> Array:
    """Mean of one minus the cosine of the angle, of the pixels whose normal is known."""
    return 1.0 - _mean(_cosines(outputs, labels), _has_normal(labels))


_LOSSES = (class_loss, depth_loss, normal_loss)


def measures(classes: Array, depth: Array, normals: Array, labels: Labels) -> dict[str, Array]:
    """What is published: mean intersection over union and accuracy, absolute and relative error, angles and shares of small ones.

    Args:
      classes, depth, normals: outputs of the three tasks (sample, height, width, …).
      labels: leaves (sample, height, width, …).
    """
    known, number = labels.classes >= 0, classes.shape[-1]
    found, truth = classes.argmax(axis=-1), jnp.arange(number)[:, None, None, None]
    is_found, is_true = (known & (truth == one) for one in (found, labels.classes))
    both, either = ((one(is_found, is_true)).sum(axis=(1, 2, 3)) for one in (jnp.logical_and, jnp.logical_or))
    there = is_true.any(axis=(1, 2, 3))
    error, is_seen = jnp.abs(depth[..., 0] - labels.depth), labels.depth > 0
    angles = jnp.rad2deg(jnp.arccos(jnp.clip(_cosines(normals, labels), -1.0, 1.0)))
    has_normal = _has_normal(labels)
    return {
        "segmentation/miou": _mean(both / jnp.maximum(either, 1), there),
        "segmentation/accuracy": _mean(found == labels.classes, known),
        "depth/absolute": _mean(error, is_seen),
        "depth/relative": _mean(error / jnp.maximum(labels.depth, EPS), is_seen),
        "normals/mean_deg": _mean(angles, has_normal),
        "normals/median_deg": jnp.nanmedian(jnp.where(has_normal, angles, jnp.nan)),
        **{f"normals/within_{limit:g}": _mean(angles < limit, has_normal) for limit in WITHIN_DEG},
    }


def _mean(values: Array, counts: Array) -> Array:
    """Mean of those that count."""
    return jnp.where(counts, values, 0.0).sum() / jnp.maximum(counts.sum(), 1)


def _has_normal(labels: Labels) -> Array:
    return (labels.normals != 0.0).any(axis=-1)


def _cosines(outputs: Array, labels: Labels) -> Array:
    seen, truth = outputs[..., :3], labels.normals
    lengths = jnp.sqrt((seen**2).sum(axis=-1) + EPS) * jnp.sqrt((truth**2).sum(axis=-1) + EPS)
    return (seen * truth).sum(axis=-1) / lengths


def nyuv2(folder: Path) -> ManyTasks:
    """NYUv2 with thirteen classes.

    Raises:
      ValueError: another layout or format; says which is expected.
    """
    return dense(read_nyuv2(folder, "train"), read_nyuv2(folder, "val"), NYU_CLASSES, test_once=True)


def read_nyuv2(folder: Path, part: str) -> DensePictures:
    """One part of the folder."""
    paths = sorted((folder / part / "image").glob("*.npy"), key=lambda path: (len(path.stem), path.stem))
    if not paths:
        raise ValueError(f"{folder / part / 'image'} holds no .npy files. Expected in {folder}: {NYU}")
    read = [_read_views(folder / part, path.name) for path in tqdm(paths, desc=f"NYUv2, {part}", leave=False, disable=None)]
    return DensePictures(*(np.stack(field) for field in zip(*read, strict=True)))


def _read_views(folder: Path, name: str) -> DensePictures:
    arrays = {}
    for kind in ("image", "label", "depth", "normal"):
        path = folder / kind / name
        if not path.is_file():
            raise ValueError(f"{path} is missing. Expected in {folder.parent}: {NYU}")
        with reading(path, "an array of numbers"):
            arrays[kind] = np.load(path, allow_pickle=False)
    size = arrays["label"].shape
    with reading(folder / "image" / name, "a picture with labels of its size"):
        depth = arrays["depth"].reshape(size)
        if not arrays["image"].shape == arrays["normal"].shape == (*size, 3):
            raise ValueError(f"picture {arrays['image'].shape}, labels {size}, normals {arrays['normal'].shape}")
    pixels = np.clip(np.rint(arrays["image"] * 255.0), 0, 255).astype(np.uint8)
    normals = np.clip(np.rint(arrays["normal"] * UNIT), -UNIT, UNIT).astype(np.int8)
    return DensePictures(pixels, arrays["label"].astype(np.int8), depth.astype(np.float16), normals)
