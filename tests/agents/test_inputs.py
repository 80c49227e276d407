"""Agents are shown what they declare: the same as the environments that they were trained in, made with these keywords."""

import gymnasium as gym
import numpy as np
import pytest

from metaworld_py.agents.inputs import AgentInputs, playing_alone
from metaworld_py.envs.env import env_class
from metaworld_py.evaluation import evaluate, instances_by_task
from metaworld_py.tasks import TASKS

STEPS, SIZE = 8, 32
PIXELS = {"obs_mode": "pixels+state", "obs_cameras": ("corner4_upright", "gripperPOV"), "obs_width": SIZE, "obs_height": SIZE}
DECLARED = {
    "state": {},
    "one-hot": {"use_one_hot": True},
    "float32, this frame only": {"float32_observations": True, "include_previous_frame": False, "use_one_hot": True},
    "stacked, repeated": {"frame_stack": 3, "action_repeat": 2},
    "pixels": {"obs_mode": "pixels", "obs_width": SIZE, "obs_height": SIZE, "action_repeat": 4},
    "all": {**PIXELS, "frame_stack": 2, "action_repeat": 4, "use_one_hot": True},
}


class Spy:
    """Keeps what it is shown and plays a fixed sequence of actions."""

    def __init__(self, **inputs):
        self.inputs, self.seen = inputs, []

    def eval_action(self, observations):
        self.seen.append(observations)
        n_envs = len(next(iter(observations.values()))) if isinstance(observations, dict) else len(observations)
        return np.tile(np.float32(np.sin([len(self.seen), 2.0, 3.0, 4.0])), (n_envs, 1))


def leaves(observation):
    return observation if isinstance(observation, dict) else {"": observation}


@pytest.mark.parametrize("name", DECLARED)
def test_an_agent_sees_what_its_training_environments_show(name):
    spy = Spy(**DECLARED[name])
    evaluate(spy, "push", seed=4, instances_per_task=2, max_episode_steps=STEPS)
    envs = gym.make_vec("Meta-World/MT1", env_name="push", seed=4, num_envs=2, **DECLARED[name])
    tasks = instances_by_task(["push"], 4)["push"][:2]
    observations, _ = envs.reset(options={"tasks": tasks})
    assert len(spy.seen) == STEPS // DECLARED[name].get("action_repeat", 1)
    actor = Spy()
    for shown in spy.seen:
        assert leaves(shown).keys() == leaves(observations).keys()
        for key, value in leaves(observations).items():
            np.testing.assert_array_equal(leaves(shown)[key], value, err_msg=f"{name} {key}")
            assert leaves(shown)[key].dtype == value.dtype
        observations = envs.step(actor.eval_action(observations))[0]
    envs.close()


def test_an_instruction_is_the_task_s_sentence_for_each_environment():
    spy = Spy(instruction=True)
    evaluate(spy, ["reach", "door-open"], instances_per_task=2, max_episode_steps=1)
    assert [one["instruction"] for one in spy.seen] == [[TASKS[name].sentence] * 2 for name in ("reach", "door-open")]
    assert spy.seen[0]["state"].shape == (2, 39)


def test_a_repeated_action_changes_neither_steps_nor_returns():
    """Success and reward are of every control step, however rarely the agent is asked."""
    still = np.zeros((3, 4), dtype=np.float32)
    settings = {"instances_per_task": 3, "max_episode_steps": 10}

    def stand_still(observations):
        return still

    plain = evaluate(stand_still, "reach", **settings)
    stand_still.inputs = {"action_repeat": 3}
    repeated = evaluate(stand_still, "reach", **settings)
    assert repeated.tasks[0].returns == plain.tasks[0].returns


def test_a_hidden_goal_is_neither_in_the_state_nor_in_the_picture():
    shown = {}
    for visible in (True, False):
        spy = Spy(obs_mode="pixels+state", goal_visible=visible)
        evaluate(spy, "reach", instances_per_task=1, max_episode_steps=1)
        shown[visible] = spy.seen[0]
    assert shown[True]["state"][0, 36:].any() and not shown[False]["state"][0, 36:].any()
    assert (shown[True]["pixels"] != shown[False]["pixels"]).any()


def test_one_hot_ids_may_be_those_of_the_training_set():
    spy = Spy(use_one_hot=True, one_hot_tasks=["push", "reach", "door-open"])
    evaluate(spy, "reach", instances_per_task=1, max_episode_steps=1)
    np.testing.assert_array_equal(spy.seen[0][0, 39:], [0, 1, 0])
    with pytest.raises(ValueError, match="no id for window-open"):
        evaluate(spy, ["reach", "window-open"], instances_per_task=1, max_episode_steps=1)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ({"obs_mod": "pixels"}, TypeError, "Did you mean 'obs_mode'"),
        ({"obs_mode": "video"}, ValueError, "obs_mode must be one of"),
        ({"obs_cameras": "corner"}, ValueError, "mean nothing while obs_mode is 'state'"),
        ({"obs_mode": "pixels", "use_one_hot": True}, ValueError, r"use_one_hot change the state.*pixels\+state"),
        ({"one_hot_tasks": "MT10"}, ValueError, "nothing without use_one_hot"),
        ({"normalize_observations": True}, ValueError, "belong to training"),
        ({"action_repeat": 0}, ValueError, "action_repeat must be at least 1"),
        ({"instruction": "yes"}, ValueError, "instruction must be True or False"),
        (["pixels"], TypeError, "must be a dictionary"),
    ],
)
def test_contradictory_declarations_are_refused_before_anything_is_played(inputs, error, message):
    spy = Spy()
    spy.inputs = inputs
    with pytest.raises(error, match=message):
        evaluate(spy, "reach")
    assert not spy.seen


def test_the_caller_and_the_agent_must_not_contradict_each_other():
    with pytest.raises(ValueError, match="use_one_hot=False"):
        AgentInputs.of(Spy(use_one_hot=False), use_one_hot=True)
    assert AgentInputs.of(Spy(), use_one_hot=True).observation.use_one_hot


def test_a_single_environment_shows_the_same():
    spy = Spy(**DECLARED["all"])
    env = env_class("push")()
    env.set_task(instances_by_task(["push"], 0)["push"][0])
    begin, act = playing_alone(spy, env)
    state, _ = env.reset()
    begin()
    assert act(state).shape == (4,)
    assert {key: value.shape for key, value in spy.seen[0].items()} == {
        "state": (1, 2, 40),
        "pixels_corner4_upright": (1, 2, SIZE, SIZE, 3),
        "pixels_gripperPOV": (1, 2, SIZE, SIZE, 3),
    }
    env.close()
