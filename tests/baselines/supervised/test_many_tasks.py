"""Problems of many tasks: folders of the user's, and what is lost and measured pixel by pixel."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp
from PIL import Image

from metaworld_baselines.supervised import multitask
from metaworld_baselines.supervised.__main__ import main
from metaworld_baselines.supervised.problems import dense, label_folders
from metaworld_baselines.supervised.settings import IN_FOLDERS

KEY = jax.random.PRNGKey(0)
ATOL = 1e-5  # float32


@pytest.fixture
def cifar_folder(tmp_path):
    """Three pictures of each class in its red plane's shade, four in the first part of one class."""
    for part in ("train", "test"):
        rows = [
            [coarse, 5 * coarse + fine, *[5 * coarse + fine] * 1024, *[0] * 2048]
            for coarse in range(20)
            for fine in range(5)
            for _ in range(3 + (part == "train" and coarse == 0 and fine == 0))
        ]
        (tmp_path / f"{part}.bin").write_bytes(np.array(rows, np.uint8).tobytes())
    return tmp_path


def test_coarse_categories_are_tasks_with_pictures_of_their_own(cifar_folder):
    problem = label_folders.cifar(cifar_folder)
    pictures, labels = problem.draw(problem.train, KEY, 8)
    assert pictures.shape == (20, 8, 32, 32, 3) and labels.shape == (20, 8)
    shade = np.rint(np.asarray(pictures)[:, :, 3, 5, 0] * 255)
    assert np.array_equal(shade, 5 * np.arange(20)[:, None] + np.asarray(labels))
    assert not pictures[..., 1:].any() and len(set(np.asarray(labels).ravel().tolist())) == 5
    assert problem.train.labels.shape == (20, 15), "as many of each task as there are of the rarest"
    _, labels = problem.draw_test(problem.test, KEY, 15)
    assert (np.sort(labels, axis=1) == np.repeat(np.arange(5), 3)).all(), "each picture once"


@pytest.fixture
def celeba_folder(tmp_path):
    """Six faces in shades of grey, the first attribute told by the shade; the last two to test on."""
    (tmp_path / "img_align_celeba").mkdir()
    lines, parts = ["6", " ".join(f"attribute_{number}" for number in range(40))], []
    for number in range(6):
        name = f"{number:06d}.jpg"
        Image.new("RGB", (178, 218), (40 * number,) * 3).save(tmp_path / "img_align_celeba" / name)
        lines.append(f"{name}  {' '.join(['1' if number % 2 else '-1', *['-1'] * 39])}")
        parts.append(f"{name} {0 if number < 3 else 1 if number == 3 else 2}")
    (tmp_path / "list_attr_celeba.txt").write_text("\n".join(lines))
    (tmp_path / "list_eval_partition.txt").write_text("\n".join(parts))
    return tmp_path


def test_attributes_are_tasks_of_the_same_faces(celeba_folder):
    problem = label_folders.celeba(celeba_folder)
    assert len(problem.train.labels) == 3 and len(problem.test.labels) == 2, "what is to validate on is left alone"
    pictures, labels = problem.draw(problem.test, KEY, 5)
    assert pictures.shape == (40, 5, 64, 64, 3) and np.array_equal(pictures[0], pictures[39])
    shade = np.rint(np.asarray(pictures)[0, :, 0, 0, 0] * 255 / 40)
    assert np.array_equal(shade % 2, np.asarray(labels)[0]) and not labels[1:].any()
    labels = problem.draw_test(problem.train, KEY, 5)[1]
    assert sorted(np.asarray(labels)[0].tolist()) == [0, 0, 1], "each face once, and no more than there are"
    assert len(label_folders.celeba(celeba_folder, most=1).train.labels) == 1


@pytest.fixture
def nyu_folder(tmp_path):
    """Two pictures a part: 8 × 16 pixels, one class, a metre and more away, facing up; the first pixel unknown."""
    for part in ("train", "val"):
        for number in range(2):
            label, depth, normal = np.full((8, 16), number, np.float32), np.full((8, 16, 1), 1.0 + number, np.float32), np.zeros((8, 16, 3))
            label[0, 0], depth[0, 0], normal[..., 1] = -1, 0.0, 1.0
            normal[0, 0] = 0.0
            views = {"image": np.full((8, 16, 3), 0.5), "label": label, "depth": depth, "normal": normal}
            for kind, array in views.items():
                (tmp_path / part / kind).mkdir(parents=True, exist_ok=True)
                np.save(tmp_path / part / kind / f"{number}.npy", array)
    return tmp_path


def test_nyuv2_in_the_layout_of_those_who_prepared_it(nyu_folder):
    problem = dense.nyuv2(nyu_folder)
    pictures, labels = problem.draw(problem.train, KEY, 6)
    assert pictures.shape == (3, 6, 8, 16, 3) and labels.classes.shape == (3, 6, 8, 16)
    number = labels.classes[0, :, 4, 4]
    assert np.allclose(labels.depth[0, :, 4, 4], 1.0 + number) and np.allclose(labels.normals[0, :, 4, 4], [0.0, 1.0, 0.0])
    assert sorted(problem.draw_test(problem.test, KEY, 6)[1].classes[0, :, 4, 4].tolist()) == [0, 1], "each picture once"
    assert (labels.classes[..., 0, 0] == -1).all() and not labels.depth[..., 0, 0].any() and not labels.normals[..., 0, 0, :].any()


def test_folders_in_another_layout_are_refused_with_the_expected_one(cifar_folder, celeba_folder, nyu_folder, tmp_path):
    (tmp_path / "train.bin").write_bytes(b"\0" * 100)
    with pytest.raises(ValueError, match=r"CIFAR-100's binary version.*no whole number of pictures"):
        label_folders.cifar(tmp_path)
    (tmp_path / "img_align_celeba" / "000000.jpg").unlink()
    with pytest.raises(ValueError, match=r"000000.jpg is missing. Expected in .*list_attr_celeba.txt"):
        label_folders.celeba(tmp_path)
    (tmp_path / "val" / "depth" / "1.npy").unlink()
    with pytest.raises(ValueError, match=r"1.npy is missing. Expected in .*label/N.npy"):
        dense.nyuv2(tmp_path)
    for read in (label_folders.cifar, label_folders.celeba, dense.nyuv2):
        with pytest.raises(ValueError, match="Expected in"):
            read(tmp_path / "nowhere")


@pytest.mark.parametrize("problem", IN_FOLDERS)
def test_without_a_folder_the_error_says_how_to_name_one(problem, tmp_path, capsys):
    assert main([problem, "--out", str(tmp_path)]) == 2
    assert "say where it is with --data FOLDER" in capsys.readouterr().err


def labels_of(classes, depth, normals):
    return dense.Labels(jnp.asarray(classes), jnp.asarray(depth, jnp.float32), jnp.asarray(normals, jnp.float32))


def test_what_pixels_lose_against_closed_forms():
    """Of four pixels the last is unknown."""
    labels = labels_of([[[0, 1, 1, -1]]], [[[1.0, 2.0, 4.0, 0.0]]], [[[[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 0]]]])
    assert dense.class_loss(jnp.zeros((1, 1, 4, 3)), labels) == pytest.approx(np.log(3.0))
    outputs = jnp.array([[[[1.5], [2.0], [3.0], [9.0]]]])
    assert dense.depth_loss(outputs, labels) == pytest.approx((0.5 + 0.0 + 1.0) / 3)
    turned = jnp.array([[[[0.0, 0.0, 5.0], [0.0, 2.0, 0.0], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]]])
    assert dense.normal_loss(turned, labels) == pytest.approx(1.0 - (1.0 + 0.0 - 1.0) / 3, abs=ATOL)


def test_what_is_measured_of_pixels_against_closed_forms():
    labels = labels_of([[[0, 1, 1, -1]]], [[[1.0, 2.0, 4.0, 0.0]]], [[[[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 0]]]])
    classes = jax.nn.one_hot(jnp.array([[[0, 1, 0, 2]]]), 3)
    depth = jnp.array([[[[1.5], [2.0], [3.0], [9.0]]]])
    turn = np.deg2rad(20.0)
    normals = jnp.array([[[[0.0, np.sin(turn), np.cos(turn)], [0.0, 2.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]]])
    found = dense.measures(classes, depth, normals, labels)
    wanted = {
        "segmentation/miou": (1 / 2 + 1 / 2) / 2,  # the third class is nowhere
        "segmentation/accuracy": 2 / 3,
        "depth/absolute": 1.5 / 3,
        "depth/relative": (0.5 + 0.0 + 0.25) / 3,
        "normals/mean_deg": (20.0 + 90.0 + 0.0) / 3,
        "normals/median_deg": 20.0,
        "normals/within_11.25": 1 / 3,
        "normals/within_22.5": 2 / 3,
        "normals/within_30": 2 / 3,
    }
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, abs=0.1 if name.endswith("deg") else ATOL), name


@pytest.mark.slow
@pytest.mark.parametrize("learner", ["single", "uncertainty"])
def test_a_run_on_pixels_and_one_on_tasks_with_pictures_of_their_own(learner, nyu_folder, cifar_folder, tmp_path):
    small = ["--channels", "1", "--width", "4", "--batch", "2", "--test-samples", "4", "--total-steps", "2", "--eval-every-steps", "2"]
    for problem, measure in (("nyuv2", "depth/absolute"), ("cifar-100", "accuracy/19")):
        words = [problem, "--learner", learner, "--data", str(tmp_path), *small, "--out", str(tmp_path / "runs")]
        assert main(words) == 0
        assert measure in (tmp_path / "runs" / f"{problem}-{learner}-seed1" / "curve.csv").read_text()
    multitask.compiled.cache_clear()
