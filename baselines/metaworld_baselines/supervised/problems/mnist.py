"""MNIST from a folder of the user's, as its authors distribute it: four files in the IDX format, packed by gzip or not."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metaworld_py.files import reading

LAYOUT = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, with or without .gz"
NUM_CLASSES = 10
BYTES = 8  # the type code of unsigned bytes


def read_mnist(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Digits (class, example, height, width) to train and to test on, ink 255; as many of each as there are of the rarest.

    Raises:
      ValueError: another layout or format; says which is expected.
    """
    train, test = (_by_class(folder, part) for part in ("train", "t10k"))
    return train, test


def _by_class(folder: Path, part: str) -> NDArray[np.uint8]:
    pictures, labels = (_read_idx(folder, f"{part}-{kind}-ubyte", axes) for kind, axes in (("images-idx3", 3), ("labels-idx1", 1)))
    if len(pictures) != len(labels):
        raise ValueError(f"{folder} has {len(pictures)} pictures and {len(labels)} labels to {part}. Expected in it: {LAYOUT}")
    counts = np.bincount(labels, minlength=NUM_CLASSES)
    if len(counts) > NUM_CLASSES or not counts.all():
        raise ValueError(f"{folder}, {part}: needs the digits 0 to 9 and nothing else, got so many of each: {counts.tolist()}")
    return np.stack([pictures[labels == digit][: counts.min()] for digit in range(NUM_CLASSES)])


def _read_idx(folder: Path, name: str, num_axes: int) -> NDArray[np.uint8]:
    found = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
    if not found:
        raise ValueError(f"{folder} holds no {name}. Expected in it: {LAYOUT}")
    with reading(found[0], f"an IDX file of unsigned bytes with {num_axes} axes"):
        content = gzip.decompress(found[0].read_bytes()) if found[0].suffix == ".gz" else found[0].read_bytes()
        if tuple(content[:4]) != (0, 0, BYTES, num_axes):
            raise ValueError(f"it begins with {content[:4].hex(' ')}")
        sizes = np.frombuffer(content, ">u4", num_axes, 4)
        return np.frombuffer(content, np.uint8, offset=4 + 4 * num_axes).reshape(sizes)
