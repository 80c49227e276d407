"""Pictures with many labels from folders of the user's: CIFAR-100's coarse categories as tasks, CelebA's attributes as tasks."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from metaworld_baselines.arrays import Array
from metaworld_baselines.supervised.problems.many_tasks import ManyTasks, classification, distinct, for_all_tasks
from metaworld_py.files import reading

CIFAR_TASKS, CIFAR_CLASSES, CIFAR_SIDE = 20, 5, 32
CIFAR = "train.bin and test.bin, the binary version of CIFAR-100 that its authors distribute, unpacked"
CELEBA_TASKS, CELEBA_SIDE = 40, 64
CELEBA = "img_align_celeba/*.jpg, list_attr_celeba.txt and list_eval_partition.txt, as its authors distribute them"
CELEBA_PARTS = {"train": "0", "test": "2"}


class Labelled(NamedTuple):
    """Pictures uint8 with labels: of each task (task, example, …), or with a label for each task (example, …), (example, task)."""

    pictures: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def cifar(folder: Path) -> ManyTasks:
    """CIFAR-100 as twenty tasks, a coarse category each: which of its five classes is it (Yu et al. 2020; 2 500 and 500 pictures a task).

    Raises:
      ValueError: another layout or format; says which is expected.
    """
    train, test = (Labelled(*map(jnp.asarray, read_cifar(folder, part))) for part in ("train", "test"))
    return classification(CIFAR_TASKS, CIFAR_CLASSES, (CIFAR_SIDE, CIFAR_SIDE, 3), train, test, _draw_own, _draw_own_once)


def read_cifar(folder: Path, part: str) -> Labelled:
    """One part, by coarse category: pictures (20, example, 32, 32, 3), and which of its category's classes each is (20, example)."""
    path, size = folder / f"{part}.bin", 3 * CIFAR_SIDE**2
    if not path.is_file():
        raise ValueError(f"{folder} holds no {path.name}. Expected in it: {CIFAR}")
    with reading(path, "a part of CIFAR-100's binary version"):
        rows = np.frombuffer(path.read_bytes(), np.uint8)
        if len(rows) == 0 or len(rows) % (2 + size):
            raise ValueError(f"{len(rows):,} bytes are no whole number of pictures with two labels, {2 + size} each")
        rows = rows.reshape(-1, 2 + size)
        coarse, fine = rows[:, 0], rows[:, 1]
        pictures = rows[:, 2:].reshape(-1, 3, CIFAR_SIDE, CIFAR_SIDE).transpose(0, 2, 3, 1)
        classes = [np.unique(fine[coarse == task]) for task in range(CIFAR_TASKS)]
        if coarse.max() >= CIFAR_TASKS or any(len(own) != CIFAR_CLASSES for own in classes):
            raise ValueError(f"needs {CIFAR_TASKS} coarse labels with {CIFAR_CLASSES} fine ones each")
    least = np.bincount(coarse).min()
    chosen = [np.flatnonzero(coarse == task)[:least] for task in range(CIFAR_TASKS)]
    labels = [np.searchsorted(classes[task], fine[own]) for task, own in enumerate(chosen)]
    return Labelled(np.stack([pictures[own] for own in chosen]), np.stack(labels).astype(np.uint8))


def celeba(folder: Path, most: int = 0) -> ManyTasks:
    """CelebA as forty tasks of two classes: whether a face has the attribute (Sener and Koltun 2018).

    Args:
      folder: of the user's.
      most: pictures to train on, and to test on, at most; 0 for all, 2.2 GB to train on.

    Raises:
      ValueError: another layout or format; says which is expected.
    """
    train, test = (Labelled(*map(jnp.asarray, read_celeba(folder, part, most))) for part in CELEBA_PARTS)
    return classification(CELEBA_TASKS, 2, (CELEBA_SIDE, CELEBA_SIDE, 3), train, test, _draw_shared, _draw_shared_once)


def read_celeba(folder: Path, part: str, most: int = 0) -> Labelled:
    """One part: pictures (example, 64, 64, 3) and attributes (example, 40)."""
    parts = dict(_rows(folder, "list_eval_partition.txt", skipped=0))
    attributes = dict(_rows(folder, "list_attr_celeba.txt", skipped=2))
    names = sorted(name for name, (number,) in parts.items() if number == CELEBA_PARTS[part])
    names = names[:most] if most else names
    wrong = [name for name in names if len(attributes.get(name, ())) != CELEBA_TASKS]
    if not names or wrong:
        said = f"{len(wrong)} pictures without {CELEBA_TASKS} attributes" if wrong else f"no picture to {part} on"
        raise ValueError(f"{folder} tells of {said}. Expected in it: {CELEBA}")
    labels = np.array([[value == "1" for value in attributes[name]] for name in names], np.uint8)
    pictures = [_read_face(folder / "img_align_celeba" / name) for name in tqdm(names, desc=f"CelebA, {part}", leave=False, disable=None)]
    return Labelled(np.stack(pictures), labels)


def _rows(folder: Path, name: str, skipped: int) -> list[tuple[str, list[str]]]:
    path = folder / name
    if not path.is_file():
        raise ValueError(f"{folder} holds no {name}. Expected in it: {CELEBA}")
    return [(first, rest) for first, *rest in (line.split() for line in path.read_text().splitlines()[skipped:] if line.strip())]


def _read_face(path: Path) -> NDArray[np.uint8]:
    if not path.is_file():
        raise ValueError(f"{path} is missing. Expected in {path.parents[1]}: {CELEBA}")
    with reading(path, "a picture"), Image.open(path) as picture:
        return np.asarray(picture.convert("RGB").resize((CELEBA_SIDE, CELEBA_SIDE), Image.Resampling.BOX))


def _draw_own(data: Labelled, key: Array, number: int) -> tuple[Array, Array]:
    """Pictures of each task's own."""
    tasks, examples = data.labels.shape
    return _own(data, jax.random.randint(key, (tasks, number), 0, examples))


def _draw_own_once(data: Labelled, key: Array, number: int) -> tuple[Array, Array]:
    tasks, examples = data.labels.shape
    return _own(data, jax.vmap(lambda key: distinct(key, examples, number))(jax.random.split(key, tasks)))


def _own(data: Labelled, which: Array) -> tuple[Array, Array]:
    place = jnp.arange(len(data.labels))[:, None]
    return data.pictures[place, which].astype(jnp.float32) / 255.0, data.labels[place, which].astype(jnp.int32)


def _draw_shared(data: Labelled, key: Array, number: int) -> tuple[Array, Array]:
    """The same pictures for all tasks."""
    return _shared(data, jax.random.randint(key, (number,), 0, len(data.labels)))


def _draw_shared_once(data: Labelled, key: Array, number: int) -> tuple[Array, Array]:
    return _shared(data, distinct(key, len(data.labels), number))


def _shared(data: Labelled, which: Array) -> tuple[Array, Array]:
    pictures = data.pictures[which].astype(jnp.float32) / 255.0
    return for_all_tasks(pictures, data.labels.shape[1]), data.labels[which].T.astype(jnp.int32)
