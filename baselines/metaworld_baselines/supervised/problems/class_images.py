"""Few-shot classification of pictures: a problem from classes of pictures, and folders of the user's.

Where tasks are not mutually exclusive, training classes stand in fixed sets and each has one label in all tasks (Yin et al. 2020, section
6.3), so the picture alone tells the label. Else, and in testing, any classes come together, in any order.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from metaworld_baselines.arrays import Array
from metaworld_baselines.supervised.problems.episodes import Episode, Problem
from metaworld_py.files import reading


class ClassImages(NamedTuple):
    """Pictures (class, example, height, width, channel) uint8 of training classes, and of classes to test on."""

    train: NDArray[np.uint8]
    test: NDArray[np.uint8]


def fewer_classes(images: ClassImages, number: int) -> ClassImages:
    """The first `number` classes to train on, all of them at 0; those to test on stay.

    Raises:
      ValueError: more than there are.
    """
    if number > len(images.train):
        raise ValueError(f"train_classes is {number}, and there are {len(images.train)} classes to train on")
    return images._replace(train=images.train[: number or None])


def classification(images: ClassImages, ways: int, shots: int, queries: int, *, mutually_exclusive: bool) -> Problem:
    """A problem of `ways` classes.

    Args:
      images: classes and examples.
      ways: classes of a task.
      shots: examples of a class.
      queries: of a class.
      mutually_exclusive: whether a class has another label in each task.

    Raises:
      ValueError: too few classes or examples.
    """
    for name, classes in images._asdict().items():
        if len(classes) < ways:
            raise ValueError(f"tasks of {ways} classes need as many, and there are {len(classes)} to {name} on")
        if classes.shape[1] < shots + queries:
            raise ValueError(
                f"{shots} shots and {queries} queries need {shots + queries} examples of a class, and there are {classes.shape[1]}"
            )
    num_sets = len(images.train) // ways

    def episode(key: Array, pictures: Array, chosen: Array) -> Episode:
        order = jax.random.uniform(key, (ways, pictures.shape[1])).argsort(axis=1)[:, : shots + queries]
        taken = pictures[chosen[:, None], order].astype(jnp.float32) / 255.0  # (way, example, …)
        labels = jnp.repeat(jnp.arange(ways), shots), jnp.repeat(jnp.arange(ways), queries)
        support, query = (part.reshape(-1, *pictures.shape[2:]) for part in (taken[:, :shots], taken[:, shots:]))
        return Episode(support, labels[0], query, labels[1])

    def any_classes(key: Array, pictures: Array) -> Episode:
        class_key, key = jax.random.split(key)
        return episode(key, pictures, jax.random.uniform(class_key, (len(pictures),)).argsort()[:ways])

    def one_set(key: Array, pictures: Array) -> Episode:
        set_key, key = jax.random.split(key)
        return episode(key, pictures, jax.random.randint(set_key, (), 0, num_sets) * ways + jnp.arange(ways))

    draw = any_classes if mutually_exclusive else one_set
    data = ClassImages(*map(jnp.asarray, images))
    return Problem(
        lambda data, key: draw(key, data.train),
        lambda data, key: any_classes(key, data.test),
        num_sets,
        outputs=ways,
        is_image=True,
        data=data,
    )


OMNIGLOT = "images_background/ALPHABET/CHARACTER/*.png and images_evaluation/ALPHABET/CHARACTER/*.png"
MINI_IMAGENET = "train/CLASS/*.jpg and test/CLASS/*.jpg"


def read_omniglot(folder: Path, size: int = 28) -> ClassImages:
    """Omniglot as its authors distribute it, unpacked; ink is 255. 1 200 characters to train on, the others to test, as usual.

    Raises:
      ValueError: another layout; says which is expected.
    """
    classes = _class_folders(folder, ("images_background", "images_evaluation"), "*/*", OMNIGLOT)
    every = 255 - _read_classes([one for part in classes for one in part], "*.png", size, "L")
    number = 1200 if len(every) > 1200 else len(classes[0])
    order = np.random.default_rng(0).permutation(len(every))
    return ClassImages(every[order[:number]], every[order[number:]])


def read_mini_imagenet(folder: Path, size: int = 84) -> ClassImages:
    """MiniImagenet as folders of classes.

    Raises:
      ValueError: another layout; says which is expected.
    """
    train, test = _class_folders(folder, ("train", "test"), "*", MINI_IMAGENET)
    return ClassImages(_read_classes(train, "*.jpg", size, "RGB"), _read_classes(test, "*.jpg", size, "RGB"))


def _class_folders(folder: Path, parts: tuple[str, str], pattern: str, layout: str) -> list[list[Path]]:
    found = [sorted(path for path in (folder / part).glob(pattern) if path.is_dir()) for part in parts]
    for part, classes in zip(parts, found, strict=True):
        if not classes:
            raise ValueError(f"{folder / part} holds no folders of classes. Expected in {folder}: {layout}")
    return found


def _read_classes(folders: list[Path], pattern: str, size: int, mode: str) -> NDArray[np.uint8]:
    files = [sorted(folder.glob(pattern)) for folder in folders]
    least = min(len(one) for one in files)
    if least == 0:
        raise ValueError(f"{folders[[len(one) for one in files].index(0)]} holds no {pattern}")
    return np.stack([np.stack([_read_picture(path, size, mode) for path in one[:least]]) for one in files])


def _read_picture(path: Path, size: int, mode: str) -> NDArray[np.uint8]:
    with reading(path, "a picture"), Image.open(path) as picture:
        pixels = np.asarray(picture.convert(mode).resize((size, size), Image.Resampling.BOX))
    return pixels if pixels.ndim == 3 else pixels[..., None]
