"""Problems by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from metaworld_baselines.supervised.problems import curves, dense, label_folders
from metaworld_baselines.supervised.problems.class_images import (
    ClassImages,
    classification,
    fewer_classes,
    read_mini_imagenet,
    read_omniglot,
)
from metaworld_baselines.supervised.problems.episodes import Problem
from metaworld_baselines.supervised.problems.glyphs import digits, glyphs
from metaworld_baselines.supervised.problems.many_tasks import ManyTasks
from metaworld_baselines.supervised.problems.mnist import read_mnist
from metaworld_baselines.supervised.problems.overlaid import overlaid
from metaworld_baselines.supervised.problems.pose import pose
from metaworld_baselines.supervised.problems.scenes import scenes
from metaworld_baselines.supervised.settings import CELEBA, CIFAR, IN_FOLDERS, NYU, OVERLAID, SCENES, MetaConfig, MultiTaskConfig

NUMBERS = {"sinusoid": curves.sinusoid, "harmonics": curves.harmonics, "pose": pose}  # labels that are numbers
FOLDERS: dict[str, Callable[[Path], ClassImages]] = {"omniglot": read_omniglot, "mini-imagenet": read_mini_imagenet}

MANY_TASKS: dict[str, Callable[[MultiTaskConfig], ManyTasks]] = {
    OVERLAID: lambda config: overlaid(*(read_mnist(Path(config.data)) if config.data else digits())),
    CIFAR: lambda config: label_folders.cifar(Path(config.data)),
    CELEBA: lambda config: label_folders.celeba(Path(config.data), config.most_pictures),
    SCENES: lambda _: scenes(),
    NYU: lambda config: dense.nyuv2(Path(config.data)),
}


def find_problem(config: MetaConfig) -> Problem:
    """The problem of a configuration; pictures are read or made.

    Raises:
      ValueError: settings that do not fit it, or a folder with another layout than expected.
    """
    exclusive = config.mutually_exclusive
    if config.problem in NUMBERS:
        if config.label_shuffle:
            raise ValueError(f"label_shuffle needs classes, and {config.problem} has none: use label_noise")
        if config.train_classes:
            raise ValueError(f"train_classes needs classes, and {config.problem} has none")
        return NUMBERS[config.problem](config.shots, config.queries, mutually_exclusive=exclusive)
    if config.label_noise:
        raise ValueError(f"label_noise needs labels that are numbers, and {config.problem} has classes: use label_shuffle")
    if config.problem in FOLDERS:
        _check_data(config)
    images = FOLDERS[config.problem](Path(config.data)) if config.problem in FOLDERS else glyphs()
    fewer = fewer_classes(images, config.train_classes)
    return classification(fewer, config.ways, config.shots, config.queries, mutually_exclusive=exclusive)


def find_many_tasks(config: MultiTaskConfig) -> ManyTasks:
    """The problem of many tasks of a configuration; pictures are read or made.

    Raises:
      ValueError: no folder, or one with another layout than expected.
      RenderingError: no OpenGL to render our scenes with at the first use.
    """
    if config.problem in IN_FOLDERS:
        _check_data(config)
    return MANY_TASKS[config.problem](config)


def _check_data(config: MetaConfig | MultiTaskConfig) -> None:
    if not config.data:
        raise ValueError(f"{config.problem} is not ours to give: say where it is with --data FOLDER")
