"""Task instances and benchmarks: published lists bit for bit, and instances as plain values."""

from pathlib import Path

import numpy as np
import pytest

import metaworld_py
from metaworld_py import ML1, MT1, MT10, Task
from metaworld_py.benchmarks import CustomML, CustomMT
from metaworld_py.instances import draw_instances
from metaworld_py.tasks import TASKS

PUBLISHED = dict(np.load(Path(__file__).parent / "published_instances.npz"))
DOOR = Task("door-open", (0.05, 0.9, 0.15), False)


def vectors(tasks, name):
    return np.array([task.rand_vec for task in tasks if task.env_name == f"{name}-v3"])


@pytest.mark.parametrize(("seed", "task_set"), sorted({tuple(key.split("|")[:2]) for key in PUBLISHED}))
def test_instances_of_every_set_are_the_published_ones(seed, task_set):
    kind, _, name = task_set.partition("-")
    make = getattr(metaworld_py, kind)
    benchmark = make(name, int(seed)) if name else make(int(seed))
    for split in ("train", "test"):
        for key in [key for key in PUBLISHED if key.startswith(f"{seed}|{task_set}|{split}|")]:
            tasks = benchmark.train_tasks if split == "train" else benchmark.test_tasks
            assert np.array_equal(vectors(tasks, key.split("|")[3]), PUBLISHED[key]), key


@pytest.mark.parametrize("split", ["train", "test"])
def test_ml1_instances_are_the_published_ones(split):
    benchmark = ML1("pick-place", seed=42)
    tasks = benchmark.train_tasks if split == "train" else benchmark.test_tasks
    assert np.array_equal(vectors(tasks, "pick-place"), PUBLISHED[f"42|ML1-pick-place|{split}|pick-place"])


def test_instances_lie_in_their_box_and_pass_the_rejection_rule():
    for task in TASKS.values():
        for instance in draw_instances([task.name], 3, partially_observable=False):
            assert (np.array(task.random_low) <= instance.rand_vec).all()
            assert (instance.rand_vec <= np.array(task.random_high)).all()
            assert task.accept(instance.rand_vec)


def test_an_instance_is_a_plain_value():
    assert Task("door-open-v3", (0.05, 0.9, 0.15), False) == DOOR
    assert len({DOOR, Task("door-open", [0.05, 0.9, 0.15], False)}) == 1
    drawn = MT1("door-open", seed=1).train_tasks[7]
    assert Task.from_json(drawn.to_json()) == drawn


def test_an_unfit_instance_is_refused():
    with pytest.raises(ValueError, match="must be 3 finite numbers"):
        Task("door-open", (0.05, 0.9), False)
    with pytest.raises(ValueError, match="must be 3 finite numbers"):
        Task("door-open", (0.05, float("nan"), 0.15), False)
    with pytest.raises(ValueError, match="Did you mean 'door-open'"):
        Task("door-opn", (0.05, 0.9, 0.15), False)


def test_benchmarks_touch_no_global_generator():
    before = np.random.get_state()[1].copy()
    MT10()
    MT10(3)
    assert np.array_equal(before, np.random.get_state()[1])


def test_no_seed_gives_fresh_instances():
    assert MT1("reach").train_tasks != MT1("reach").train_tasks


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "7", True])
def test_a_bad_seed_is_refused(seed):
    with pytest.raises(ValueError, match="seed must be an integer"):
        MT1("reach", seed)


def test_classes_are_found_with_and_without_version():
    benchmark = MT10(seed=1)
    assert benchmark.train_classes["door-open-v3"] is benchmark.train_classes["door-open"]
    assert next(iter(benchmark.train_classes)) == "reach-v3"
    assert len(benchmark.train_tasks) == 500 and benchmark.test_tasks == [] and len(benchmark.test_classes) == 0
    with pytest.raises(KeyError, match="not in this set"):
        MT1("reach", 1).train_classes["push"]


def test_ml1_hides_goals_and_holds_out_instances():
    benchmark = ML1("reach", seed=3)
    assert all(task.partially_observable for task in (*benchmark.train_tasks, *benchmark.test_tasks))
    assert not set(benchmark.train_tasks) & set(benchmark.test_tasks)


def test_the_public_face_holds_what_it_promises():
    for name in metaworld_py.__all__:
        assert hasattr(metaworld_py, name)


def test_a_text_is_no_list_of_tasks():
    for make in (CustomMT, lambda names: CustomML(names, ["push"]), lambda names: CustomML(["push"], names)):
        with pytest.raises(ValueError, match=r"(envs_list|train_envs|test_envs) must be a list, got the text 'reach': write \['reach'\]"):
            make("reach")
