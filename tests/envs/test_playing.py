"""The one loop behind evaluation, adaptation, pictures, windows and demonstrations."""

from itertools import islice, pairwise

import numpy as np

from metaworld_py import MT1, MetaWorldVectorEnv
from metaworld_py.envs.env import env_class
from metaworld_py.envs.playing import play

STILL = np.zeros(4, np.float32)


def test_one_environment_plays_until_its_episode_is_over():
    env = env_class("reach")(max_episode_steps=5)
    env.set_task(MT1("reach", seed=1).train_tasks[0])
    steps = list(play(env, lambda observation: STILL, seed=0))
    assert [step.number for step in steps] == [1, 2, 3, 4, 5] and steps[-1].truncated
    assert all(np.array_equal(step.next_observation, after.observation) for step, after in pairwise(steps))


def test_several_environments_play_for_as_long_as_the_caller_goes_on():
    envs = MetaWorldVectorEnv([MT1("reach", seed=1).train_tasks] * 2, max_episode_steps=3)
    steps = list(islice(play(envs, lambda observations: np.tile(STILL, (2, 1))), 7))
    assert [bool(step.truncated.all()) for step in steps] == [False, False, True, False, False, True, False]


def test_no_step_is_taken_beyond_those_asked_for():
    envs, asked = MetaWorldVectorEnv([MT1("reach", seed=1).train_tasks]), []
    for _ in islice(play(envs, lambda observations: asked.append(0) or STILL[np.newaxis]), 3):
        pass
    assert len(asked) == 3


def test_what_an_actor_tells_besides_its_action_stands_in_aux():
    env = env_class("reach")(max_episode_steps=2)
    env.set_task(MT1("reach", seed=1).train_tasks[0])
    told = []
    steps = list(play(env, lambda observation: (STILL, len(told)), lambda: told.append("begun")))
    assert told == ["begun"] and [step.aux for step in steps] == [1, 1]
