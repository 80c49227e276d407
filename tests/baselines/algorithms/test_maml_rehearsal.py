"""MAML that rehearses takes inner steps in turn and keeps, of each goal, the policy that the most likely actions do best with."""

import numpy as np
import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.algorithms.maml_agent import MamlAgent
from metaworld_py.evaluation import Timestep

EVERYONE = np.ones(2, bool)
EXPLORES = -0.5  # the action of those that do; the most likely one is the policy's number


def explore(policies, memory, obs, previous, seed_and_step):
    return jnp.full((len(obs), 4), EXPLORES), jnp.zeros(len(obs)), memory


def likeliest(policies, obs):
    return jnp.broadcast_to(policies["number"], (len(obs), 4))


def inner_step(policies, rollout):
    """Adds a hundredth for every step learned from: a policy tells how it came to be."""
    return {"number": policies["number"] + 0.01 * rollout.reward.shape[1]}


class Adaptation:
    """An agent and what it did in episodes of one step."""

    def __init__(self, returns, explored_episodes):
        self.agent = MamlAgent(explore, likeliest, inner_step, {"number": jnp.zeros(1)}, explored_episodes=explored_episodes)
        self.actions = []
        self.play(returns)

    def play(self, returns):
        for reward in returns:
            self.agent.reset(EVERYONE)
            action, aux = self.agent.adapt_action(np.zeros((2, 39)))
            self.actions.append(np.round(action[:, 0].astype(float), 6).tolist())
            self.agent.step(Timestep(np.zeros((2, 39)), action, np.array(reward), ~EVERYONE, EVERYONE, aux))
        self.agent.adapt()

    def counted(self):
        self.agent.reset(EVERYONE)
        return np.round(self.agent.eval_action(np.zeros((2, 39)))[:, 0].astype(float), 6).tolist()


def test_as_published_one_inner_step_learns_from_all_episodes():
    adaptation = Adaptation([(1.0, 1.0)] * 10, explored_episodes=0)
    assert adaptation.actions == [[EXPLORES] * 2] * 10 and adaptation.counted() == [0.1, 0.1]


def test_inner_steps_come_after_as_many_episodes_as_in_training_and_each_goal_goes_on_from_its_best():
    """Of the first goal each inner step is better, of the second none. What exploring brought does not count; returns may be negative."""
    explores = (9.0, 9.0)
    returns = [explores, explores, (-5.0, -5.0), (-6.0, -1.0), explores, explores, (-4.0, -2.0), explores, explores, (-3.0, -3.0)]
    adaptation = Adaptation(returns, explored_episodes=2)
    rehearsed = [adaptation.actions[episode] for episode in (2, 3, 6, 9)]
    assert rehearsed == [[0.02, 0.02], [0.0, 0.0], [0.04, 0.02], [0.06, 0.02]]
    assert all(adaptation.actions[episode] == [EXPLORES] * 2 for episode in (0, 1, 4, 5, 7, 8))
    assert [adaptation.counted() for _ in range(3)] == [[0.06, 0.0]] * 3


def test_new_goals_find_nothing_of_the_old_ones():
    adaptation = Adaptation([(1.0, 1.0)] * 3, explored_episodes=2)
    assert adaptation.counted() == [0.02, 0.02]
    adaptation.agent.init()
    assert adaptation.counted() == [0.0, 0.0]
    adaptation.agent.init()
    adaptation.play([(-9.0, -9.0)] * 3)
    assert adaptation.counted() == [0.02, 0.02], "returns of the goals before are forgotten"


@pytest.mark.parametrize("episodes", [1, 2, 3])
def test_too_few_episodes_for_a_rehearsal_make_one_inner_step(episodes):
    adaptation = Adaptation([(1.0, 1.0)] * episodes, explored_episodes=3)
    assert adaptation.counted() == [round(0.01 * episodes, 6)] * 2


def test_another_round_goes_on_from_the_best():
    adaptation = Adaptation([(1.0, 1.0), (5.0, 0.0), (0.0, 5.0)], explored_episodes=1)
    assert adaptation.counted() == [0.01, 0.0]
    adaptation.play([(1.0, 1.0), (6.0, 6.0)])
    assert adaptation.actions[-1] == adaptation.counted() == [0.02, 0.01]


def test_sampled_evaluations_explore():
    adaptation = Adaptation([(1.0, 1.0)] * 3, explored_episodes=2)
    adaptation.agent.reset(EVERYONE)
    assert adaptation.agent.adapt_action(np.zeros((2, 39)))[0][:, 0].tolist() == [EXPLORES] * 2


def test_an_episode_is_over_when_it_is_in_every_environment():
    agent = MamlAgent(explore, likeliest, inner_step, {"number": jnp.zeros(1)}, explored_episodes=1)
    rehearses = []
    for mask in ((True, True), (True, False), (False, True), (True, True)):
        agent.reset(np.array(mask))
        action, aux = agent.adapt_action(np.zeros((2, 39)))
        rehearses.append(action[0, 0] != EXPLORES)
        agent.step(Timestep(np.zeros((2, 39)), action, np.ones(2), ~EVERYONE, EVERYONE, aux))
    assert rehearses == [False, False, True, True]
