"""Scripted experts under the published names."""

import pickle

import numpy as np
import pytest

from metaworld_py import MT1, policies
from metaworld_py.env import env_class
from metaworld_py.policies import ENV_POLICY_MAP, SawyerDoorOpenV3Policy, SawyerPegInsertionSideV3Policy, SawyerSweepIntoV3Policy
from metaworld_py.tasks import TASKS


def test_every_task_has_a_policy_under_its_published_name():
    assert len(ENV_POLICY_MAP) == 50
    assert ENV_POLICY_MAP["door-open-v3"] is ENV_POLICY_MAP["door-open"] is SawyerDoorOpenV3Policy
    assert ENV_POLICY_MAP["peg-insert-side-v3"] is SawyerPegInsertionSideV3Policy
    assert ENV_POLICY_MAP["sweep-into-v3"] is SawyerSweepIntoV3Policy
    for task in TASKS:
        assert isinstance(getattr(policies, policies.policy_name(task))(), policies.Policy)


def test_a_policy_solves_its_task():
    env = env_class("reach")()
    env.set_task(MT1("reach", 1).train_tasks[0])
    observation, _ = env.reset()
    policy = ENV_POLICY_MAP["reach-v3"]()
    for _ in range(60):
        action = policy.get_action(observation)
        assert action.dtype == np.float32 and action.shape == (4,)
        observation, _, _, _, info = env.step(action)
    assert info["success"]


def test_policies_pickle():
    assert type(pickle.loads(pickle.dumps(SawyerDoorOpenV3Policy()))) is SawyerDoorOpenV3Policy


def test_mistakes_are_refused():
    with pytest.raises(ValueError, match=r"39 numbers, got shape \(1, 39\)"):
        SawyerDoorOpenV3Policy().get_action(np.zeros((1, 39)))
    with pytest.raises(AttributeError, match="no policy 'SawyerDoorV3Policy'"):
        policies.SawyerDoorV3Policy  # noqa: B018
