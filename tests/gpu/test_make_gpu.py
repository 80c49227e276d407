"""`make_gpu` refuses before hours of work, and says what to do. Needs neither the extra nor a card."""

import importlib.util

import numpy as np
import pytest

import metaworld_py
from metaworld_py.engine.resets import beginning
from metaworld_py.gpu.fitting import TaskFit
from metaworld_py.gpu.mechanism import mechanisms
from metaworld_py.instances.task import draw_instances
from metaworld_py.tasks import TASKS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"benchmark": "MT51", "worlds": 50}, "unknown task set"),
        ({"benchmark": "MT10", "worlds": 9}, "worlds must be at least 10 and whole, got 9"),
        ({"benchmark": "reach", "worlds": 2.0}, "worlds must be at least 1 and whole"),
        ({"benchmark": "reach", "worlds": 2, "num_goals": 0}, "num_goals must be at least 1 and whole"),
        ({"benchmark": "reach", "worlds": 2, "max_episode_steps": None}, "max_episode_steps must be at least 1 and whole"),
        ({"benchmark": "reach", "worlds": 2, "use_one_hot": "False"}, "use_one_hot must be True or False, got 'False'"),
        ({"benchmark": "reach", "worlds": 2, "terminate_on_success": "no"}, "terminate_on_success must be True or False"),
        ({"benchmark": "reach", "worlds": 2, "goal_visible": "no"}, "goal_visible must be True or False or None"),
        ({"benchmark": "reach", "worlds": 2, "reward_function_version": "v3"}, "reward_function_version must be one of"),
        ({"benchmark": "reach", "worlds": 2, "seed": -1}, "seed must be"),
    ],
)
def test_a_bad_argument_is_refused_at_once(arguments, message):
    with pytest.raises(ValueError, match=message):
        metaworld_py.make_gpu(**arguments)


def test_without_the_extra_the_error_says_how_to_install_it(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "mujoco_warp" else found(name))
    with pytest.raises(ImportError, match=r"mujoco_warp.*pip install -e '\.\[gpu\]'"):
        metaworld_py.make_gpu("reach", 1)


def test_integers_of_numpy_are_whole_numbers(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)  # what comes after the arguments were taken
    with pytest.raises(ImportError):
        metaworld_py.make_gpu("reach", np.int64(1), num_goals=np.int64(2), max_episode_steps=np.int64(3))


def test_the_bank_holds_what_resets_leave():
    pytest.importorskip("numba")
    from metaworld_py.gpu.bank import make_bank

    names = ["reach", "push"]
    mechanism = mechanisms([TASKS[name] for name in names])[0]
    shown = draw_instances(names, 1, partially_observable=False, per_task=2)
    hidden = draw_instances(names, 1, partially_observable=True, per_task=2)
    fits = [TaskFit(mechanism, TASKS[name]) for name in names]
    bank = make_bank(fits, [shown[:2], hidden[2:]])
    assert bank.first_row.tolist() == [0, 2]
    assert bank.num_rows.tolist() == [2, 2]
    for row, instance in enumerate(shown):
        begun = beginning(TASKS[names[row // 2]], instance.rand_vec)
        wanted = begun.observation.astype(np.float32)
        if row >= 2:
            wanted[36:] = 0.0
        np.testing.assert_array_equal(bank.observations[row], wanted)
        np.testing.assert_array_equal(bank.starts[row, :3], begun.start.tcp_pos)
