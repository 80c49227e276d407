"""Modules and names that published code imports, through the package's own name and through an alias of it."""

import subprocess
import sys

import numpy as np
import pytest

import metaworld_py
from metaworld_py import envs, policies
from metaworld_py.instances import task_sets
from metaworld_py.tasks import TASKS

IMPORTS = """
from {package} import env_dict, sawyer_xyz_env, types, utils, SawyerXYZEnv, make_mt_envs, make_ml_envs, register_mw_envs
from {package}.env_dict import ENV_CLS_MAP, MT10_V3, ML45_V3, ML1_V3, MT50_V3_ARGS_KWARGS, ALL_V3_ENVIRONMENTS_GOAL_HIDDEN
from {package}.types import Task, XYZ, InitConfigDict, ObservationDict, EnvironmentStateDict
from {package}.utils import reward_utils
from {package}.utils.reward_utils import tolerance, hamacher_product
from {package}.policies.policy import Policy, move, assert_fully_parsed
from {package}.policies.action import Action
from {package}.policies.sawyer_peg_insertion_side_v3_policy import SawyerPegInsertionSideV3Policy
from {package}.policies.sawyer_reach_v3_policy import SawyerReachV3Policy
from {package}.envs.sawyer_door_v3 import SawyerDoorEnvV3
from {package}.envs import SawyerNutAssemblyEnvV3
from {package}.evaluation import Agent
import {package}.wrappers, metaworld_py.wrappers, metaworld_py.env_dict
assert {package}.wrappers is metaworld_py.wrappers and env_dict is metaworld_py.env_dict
assert SawyerDoorEnvV3 is ENV_CLS_MAP["door-open-v3"] and issubclass(SawyerDoorEnvV3, SawyerXYZEnv)
assert env_dict.__name__ == "metaworld_py.published.env_dict"
"""


@pytest.mark.parametrize("package", ["metaworld_py", "metaworld"])
def test_published_imports_work_under_an_alias_too(package):
    alias = f"import sys, metaworld_py; sys.modules[{package!r}] = metaworld_py\n"
    subprocess.run([sys.executable, "-c", alias + IMPORTS.format(package=package)], check=True)


@pytest.mark.parametrize("package", ["metaworld_py", "metaworld"])
def test_published_modules_are_attributes_after_a_plain_import(package):
    code = (
        f"import sys, metaworld_py; sys.modules[{package!r}] = metaworld_py\nimport {package}\n"
        f"{package}.env_dict.MT10_V3, {package}.types.XYZ, {package}.utils.reward_utils, {package}.evaluation.evaluation\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="has no attribute 'rewards'"):
        metaworld_py.rewards  # noqa: B018


def test_every_task_has_its_published_modules_and_classes():
    import importlib

    for task in TASKS:
        policy = policies.ENV_POLICY_MAP[task]
        stem = "peg_insertion_side" if task == "peg-insert-side" else task.replace("-", "_")
        assert getattr(importlib.import_module(f"metaworld_py.policies.sawyer_{stem}_v3_policy"), policy.__name__) is policy
    assert envs.SawyerSweepIntoGoalEnvV3.task_def.name == "sweep-into" and envs.SawyerNutDisassembleEnvV3.task_def.name == "disassemble"
    with pytest.raises(AttributeError):
        envs.SawyerNothingEnvV3  # noqa: B018


def test_dictionaries_of_sets_hold_the_sets():
    from metaworld_py import env_dict

    assert tuple(env_dict.MT10_V3) == tuple(f"{name}-v3" for name in task_sets.MT10)
    assert [len(env_dict.ML45_V3[side]) for side in ("train", "test")] == [45, 5] and len(env_dict.ENV_CLS_MAP) == 50
    assert env_dict.MT10_V3_ARGS_KWARGS["reach-v3"] == {"args": [], "kwargs": {"task_id": list(env_dict.ENV_CLS_MAP).index("reach-v3")}}


def test_published_functions_make_environments():
    one = metaworld_py.make_mt_envs("reach-v3", seed=1, use_one_hot=True, env_id=1, num_tasks=4)
    assert one.reset(seed=0)[0].shape == (43,)
    assert metaworld_py.make_mt_envs("MT10", seed=1).num_envs == 10
    train, test = metaworld_py.make_ml_envs_train("reach", seed=1, meta_batch_size=2), metaworld_py.make_ml_envs_test("ML10", seed=1)
    assert (train.num_envs, test.num_envs) == (2, 20)
    metaworld_py.register_mw_envs()


# Figures taken from the published functions, called as they are.
SIGMOIDS = {
    "gaussian": (0.436515832240166, 0.9120108393559098, 0.03630780547701013),
    "hyperbolic": (0.32304592578231917, 0.844164407924586, 0.05505190698369863),
    "long_tail": (0.23584905660377362, 0.7352941176470588, 0.07163323782234958),
    "reciprocal": (0.15625, 0.35714285714285715, 0.08474576271186442),
    "cosine": (0.5359396798708208, 0.9388827451960255, 0.005166642356868312),
    "linear": (0.45999999999999996, 0.82, 0.0),
    "quadratic": (0.676, 0.964, 0.0),
    "tanh_squared": (0.36436441949952547, 0.8785759665108326, 0.04962480618811782),
}


@pytest.mark.parametrize("name", SIGMOIDS)
def test_tolerance_gives_the_published_figures(name):
    from metaworld_py.utils.reward_utils import tolerance

    got = tolerance(np.array([-0.3, 0.2, 0.7]), bounds=(0.0, 0.1), margin=0.5, sigmoid=name)
    assert got == pytest.approx(SIGMOIDS[name], abs=1e-12)
    assert tolerance(0.05, bounds=(0.0, 0.1)) == 1.0 and tolerance(0.3, bounds=(0.0, 0.1)) == 0.0


def test_helpers_of_policies_and_rewards():
    from metaworld_py.policies.action import Action
    from metaworld_py.policies.policy import assert_fully_parsed, move
    from metaworld_py.utils.reward_utils import hamacher_product, rect_prism_tolerance

    action = Action({"delta_pos": np.arange(3), "grab_effort": 3})
    action["delta_pos"], action["grab_effort"] = move(np.zeros(3), np.array([0.1, 0.0, 0.05]), p=10.0), 0.5
    assert action.array.tolist() == [1.0, 0.0, 0.5, 0.5] and action["delta_pos"].tolist() == [1.0, 0.0, 0.5] and len(action) == 4
    with pytest.warns(UserWarning, match="environments clip it"):
        move(np.zeros(3), np.ones(3), p=10.0)
    with pytest.raises(ValueError, match="names 3 of 5 numbers"):
        assert_fully_parsed(lambda obs: {"hand": obs[:3]})(np.zeros(5))
    assert hamacher_product(0.3, 0.5) == pytest.approx(0.23076923076923075)
    assert rect_prism_tolerance((0.5, 0.5, 0.5), (0, 0, 0), (1, 2, 4)) == pytest.approx(0.015625)
    with pytest.raises(ValueError, match="must lie in"):
        hamacher_product(1.5, 0.2)
