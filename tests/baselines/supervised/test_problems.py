"""Problems: whether one function fits all training tasks, and what meta-augmentation does about it."""

import gzip
import struct

import numpy as np
import pytest

jax = pytest.importorskip("jax")
from PIL import Image

from metaworld_baselines.supervised.augmentation import add_label_noise, shuffle_labels
from metaworld_baselines.supervised.problems import curves
from metaworld_baselines.supervised.problems.class_images import (
    ClassImages,
    classification,
    fewer_classes,
    read_mini_imagenet,
    read_omniglot,
)
from metaworld_baselines.supervised.problems.episodes import draw_many
from metaworld_baselines.supervised.problems.glyphs import SIZE, draw_classes
from metaworld_baselines.supervised.problems.mnist import read_mnist

KEY = jax.random.PRNGKey(0)
WAYS = 3


def numbered_images(train=7, test=4, examples=4):
    """Pictures of one pixel that say class and example: 10 class + example; of test classes from 100 on."""
    number = lambda classes, start: (
        (start + 10 * np.arange(classes)[:, None] + np.arange(examples)).astype(np.uint8).reshape(classes, examples, 1, 1, 1)
    )
    return ClassImages(number(train, 0), number(test, 100))


def seen(pictures):
    """(class, example) of numbered pictures."""
    numbers = np.rint(np.asarray(pictures).reshape(-1) * 255).astype(int)
    return numbers // 10, numbers % 10


@pytest.mark.parametrize("make", [curves.sinusoid, curves.harmonics])
def test_a_curve_s_inputs_tell_the_task_only_where_tasks_are_not_exclusive(make):
    told, untold = (draw_many(make(5, 8, mutually_exclusive=exclusive).draw_train, KEY, 40) for exclusive in (False, True))
    assert told.support_x.shape[:2] == (40, 5) and told.query_x.shape[:2] == (40, 8)
    assert (told.support_x[..., 1:].sum(axis=-1) == 1.0).all() and (untold.support_x[..., 1:] == 0.0).all()
    assert (told.support_x[:, 0, 1:] == told.query_x[:, 0, 1:]).all()
    assert np.array_equal(told.support_y, untold.support_y), "the same curves"


def test_one_function_fits_all_sinusoids_to_train_on_and_none_of_the_unseen():
    problem = curves.sinusoid(5, 10, mutually_exclusive=False)
    amplitudes = np.linspace(0.1, 4.0, 20)
    for draw, fits in ((problem.draw_train, True), (problem.draw_test, False)):
        episodes = draw_many(draw, KEY, 50)
        fitted = np.asarray(episodes.query_x)[..., 1:] @ amplitudes * np.sin(np.asarray(episodes.query_x)[..., 0])
        assert (((np.asarray(episodes.query_y)[..., 0] - fitted) ** 2).mean() < 2 * curves.NOISE_STD**2) == fits


@pytest.mark.parametrize("exclusive", [False, True])
def test_a_class_has_one_label_in_all_tasks_unless_they_are_exclusive(exclusive):
    problem = classification(numbered_images(), WAYS, 1, 2, mutually_exclusive=exclusive)
    episodes = draw_many(problem.draw_train, KEY, 30)
    classes, _ = seen(episodes.query_x)
    labels = np.asarray(episodes.query_y).reshape(-1)
    one_each = all(len(set(labels[classes == one])) == 1 for one in set(classes))
    assert one_each == (not exclusive) and problem.num_train_tasks == 2


def test_classes_to_test_on_are_others_and_queries_are_not_examples():
    problem = classification(numbered_images(), WAYS, 2, 2, mutually_exclusive=False)
    episodes = draw_many(problem.draw_test, KEY, 20)
    for episode in range(20):
        support, query = (set(zip(*seen(x[episode]), strict=True)) for x in (episodes.support_x, episodes.query_x))
        assert not support & query and len(support) == len(query) == 2 * WAYS
        assert {one for one, _ in support} == {one for one, _ in query} and min(support)[0] >= 10


def test_fewer_classes_are_the_first_to_train_on_and_all_of_those_to_test_on():
    images = numbered_images()
    fewer = fewer_classes(images, 3)
    assert np.array_equal(fewer.train, images.train[:3]) and np.array_equal(fewer.test, images.test)
    assert len(fewer_classes(images, 0).train) == len(images.train)
    with pytest.raises(ValueError, match="train_classes is 8, and there are 7"):
        fewer_classes(images, 8)


def test_too_few_classes_or_examples_are_refused_with_their_numbers():
    with pytest.raises(ValueError, match="20 classes need as many, and there are 7"):
        classification(numbered_images(), 20, 1, 1, mutually_exclusive=False)
    with pytest.raises(ValueError, match="need 6 examples of a class, and there are 4"):
        classification(numbered_images(), WAYS, 3, 3, mutually_exclusive=False)


def test_augmentation_changes_all_labels_of_a_task_alike():
    curve = curves.sinusoid(5, 10, mutually_exclusive=False).draw_train(KEY)
    shifted = add_label_noise(curve, KEY, 2.0)
    shifts = np.concatenate([shifted.support_y - curve.support_y, shifted.query_y - curve.query_y])
    assert shifts.std() == pytest.approx(0.0, abs=1e-6) and abs(shifts[0]) > 0.01
    task = classification(numbered_images(), WAYS, 2, 1, mutually_exclusive=False).draw_train(KEY)
    names = {}
    shuffled = [shuffle_labels(task, jax.random.PRNGKey(seed), WAYS) for seed in range(5)]
    for one in shuffled:
        names = dict(zip(task.support_y.tolist(), one.support_y.tolist(), strict=True))
        assert sorted(names.values()) == list(range(WAYS)) and one.query_y.tolist() == [names[label] for label in task.query_y.tolist()]
    assert len({tuple(one.query_y.tolist()) for one in shuffled}) > 1


def test_glyphs_differ_between_classes_more_than_within():
    classes = draw_classes("Aβ7", ["DejaVuSans"], 6, seed=0).astype(float) / 255.0
    assert classes.shape == (3, 6, SIZE, SIZE, 1) and 0.03 < classes.mean() < 0.3
    means = classes.mean(axis=1, keepdims=True)
    within = ((classes - means) ** 2).mean()
    assert 0.0 < within < ((means - classes.mean(axis=(0, 1))) ** 2).mean() * 2
    assert np.array_equal(draw_classes("Aβ7", ["DejaVuSans"], 6, seed=0)[1] / 255.0, classes[1])


def write_pictures(folder, names, mode="L"):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, (10, 10), 255 if mode == "L" else (255, 0, 0)).save(folder / name)


def test_omniglot_s_and_mini_imagenet_s_folders_are_read(tmp_path):
    write_pictures(
        tmp_path, [f"images_{part}/Greek/character0{c}/{e}.png" for part in ("background", "evaluation") for c in (1, 2) for e in "ab"]
    )
    images = read_omniglot(tmp_path)
    assert images.train.shape == images.test.shape == (2, 2, 28, 28, 1) and (images.train == 0).all(), "ink is 255, paper 0"
    write_pictures(tmp_path, [f"{part}/n0{c}/{e}.jpg" for part in ("train", "test") for c in (1, 2, 3) for e in "ab"], "RGB")
    images = read_mini_imagenet(tmp_path, size=8)
    assert images.train.shape == (3, 2, 8, 8, 3) and images.train[..., 0].mean() > 200 > images.train[..., 1].mean()


def test_another_layout_is_refused_with_the_expected_one(tmp_path):
    with pytest.raises(ValueError, match=r"images_background holds no folders of classes. Expected in .*ALPHABET/CHARACTER"):
        read_omniglot(tmp_path)
    write_pictures(tmp_path, ["train/n01/a.jpg"], "RGB")
    with pytest.raises(ValueError, match="test holds no folders"):
        read_mini_imagenet(tmp_path)
    (tmp_path / "test" / "n02").mkdir(parents=True)
    with pytest.raises(ValueError, match="n02 holds no"):
        read_mini_imagenet(tmp_path)
    (tmp_path / "test" / "n02" / "b.jpg").write_text("no picture")
    with pytest.raises(ValueError, match=r"b\.jpg is not a picture"):
        read_mini_imagenet(tmp_path)


def write_idx(path, array):
    content = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def test_mnist_s_files_are_read_by_class_packed_or_not(tmp_path):
    labels = np.arange(23) % 10  # three of the digits 0, 1 and 2, two of the others
    for part, packed in (("train", ".gz"), ("t10k", "")):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte{packed}", (labels * 10)[:, None, None] * np.ones((1, 28, 28)))
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte{packed}", labels)
    for digits in read_mnist(tmp_path):
        assert digits.shape == (10, 2, 28, 28) and (digits == 10 * np.arange(10)[:, None, None, None]).all()


def test_what_is_not_mnist_is_refused_and_the_expected_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"holds no train-images-idx3-ubyte. Expected in it: .* t10k-labels-idx1-ubyte"):
        read_mnist(tmp_path)
    images, labels = (tmp_path / f"train-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1"))
    images.write_text("no pictures")
    with pytest.raises(ValueError, match=r"images-idx3-ubyte is not an IDX file of unsigned bytes with 3 axes"):
        read_mnist(tmp_path)
    write_idx(images, np.zeros((5, 28, 28)))
    write_idx(labels, np.arange(4))
    with pytest.raises(ValueError, match="5 pictures and 4 labels"):
        read_mnist(tmp_path)
    write_idx(labels, np.arange(5))
    with pytest.raises(ValueError, match="digits 0 to 9"):
        read_mnist(tmp_path)
