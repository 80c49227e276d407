"""Adaptation that rehearses keeps, of each goal, the memory that the most likely actions do best with."""

import numpy as np
import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")
from metaworld_baselines.algorithms.recurrent_agent import RECURRENT_SIZE, Memory, RecurrentAgent
from metaworld_baselines.algorithms.registry import find_algorithm
from metaworld_baselines.algorithms.rehearsal import Rehearsals
from metaworld_py.evaluation import Timestep

ENVS = np.arange(2)
EVERYONE = np.ones(2, bool)
EXPLORES, LIKELIEST = 0.25, -0.25  # actions


def act(action):
    """A policy whose memory counts what it has seen, so that each memory can be told from all others."""

    def play(params, memory, obs, previous, *_):
        state = (memory.state if isinstance(memory, Memory) else memory) + obs[:, :1]
        actions = np.full((len(obs), 4), action, np.float32)
        return (actions, np.zeros(len(obs)), Memory(state, None)) if isinstance(memory, Memory) else (actions, state)

    return play


def adapted(returns, trial_episodes, told=True):
    """An agent after one episode of a step for each of these returns (episode, env); what episodes began with, their ends and actions."""
    agent = RecurrentAgent(act(EXPLORES), act(LIKELIEST), {}, 1, trial_episodes=trial_episodes)
    began, ended, actions, flags = [], [], [], []
    for episode, reward in enumerate(returns):
        agent.reset(EVERYONE)
        began.append(np.array(agent._memory[:, 0]))
        flags.append(agent._has_ended.copy())
        actions.append(agent.adapt_action(np.full((2, RECURRENT_SIZE), 10.0**episode))[0][:, 0])
        ended.append(np.array(agent._memory[:, 0]))
        if told:
            agent.step(Timestep(None, None, np.array(reward), None, None, {}))
    agent.adapt()
    agent.reset(EVERYONE)
    return agent, *(np.array(x) for x in (began, ended, actions, flags))


def test_trials_are_as_long_as_training_s_and_their_last_episodes_are_rehearsals():
    _, began, ended, actions, flags = adapted([(1.0, 1.0)] * 6, trial_episodes=2)
    assert not began[::2].any() and np.array_equal(began[1::2], ended[::2])
    assert np.array_equal(actions[:, 0], [EXPLORES, LIKELIEST, LIKELIEST, LIKELIEST, EXPLORES, LIKELIEST])
    assert np.array_equal(flags[:, 0], [False, True] * 3), "whether an episode has ended in this trial is part of what a policy reads"


def test_what_counts_begins_with_the_memory_of_the_best_rehearsal_each_time():
    """Of the first goal the second trial's, of the second goal none. What exploring brought does not count, and returns may be negative."""
    returns = [(9.0, 9.0), (-5.0, -5.0), (-6.0, -1.0), (-2.0, -3.0), (9.0, 9.0), (-4.0, -2.0)]
    agent, began, *_ = adapted(returns, trial_episodes=2)
    for _ in range(2):
        assert agent._memory[:, 0].tolist() == [began[3, 0], 0.0] and agent._has_ended.tolist() == [True, False]
        assert np.array_equal(agent.eval_action(np.ones((2, RECURRENT_SIZE)))[:, 0], [LIKELIEST] * 2)
        agent.reset(EVERYONE)


def test_sampled_evaluations_explore():
    agent, *_ = adapted([(1.0, 1.0)] * 3, trial_episodes=2)
    assert np.array_equal(agent.adapt_action(np.ones((2, RECURRENT_SIZE)))[0][:, 0], [EXPLORES] * 2)


def test_too_few_episodes_for_a_rehearsal_leave_what_they_leave():
    agent, _, ended, *_ = adapted([(1.0, 1.0)], trial_episodes=2)
    for _ in range(2):
        assert np.array_equal(agent._memory[:, 0], ended[-1]) and agent._has_ended.all()
        agent.eval_action(np.ones((2, RECURRENT_SIZE)))
        agent.reset(EVERYONE)


def test_a_trial_as_long_as_adaptation_goes_on_to_its_end_and_rehearses_once():
    _, began, ended, actions, _ = adapted([(1.0, 1.0)] * 4, trial_episodes=4)
    assert np.array_equal(began[1:], ended[:-1])
    assert np.array_equal(actions[:, 0], [EXPLORES] * 3 + [LIKELIEST])


def test_where_no_reward_is_told_a_memory_goes_on():
    agent, began, ended, *_ = adapted([(0.0, 0.0)] * 3, trial_episodes=3, told=False)
    assert np.array_equal(began[1:], ended[:-1]) and np.array_equal(agent._memory[:, 0], ended[-1])


def test_each_environment_has_trials_of_its_own():
    rehearsals = Rehearsals.at_start(np.zeros((2, 3), np.float32), 2)
    for mask, age, trial in (((True, False), [1, 0], [0, 0]), ((True, True), [0, 1], [1, 0]), ((False, True), [0, 0], [1, 1])):
        rehearsals.add_reward(np.ones(2))
        memory = rehearsals.begin(np.array(mask), np.ones((2, 3), np.float32), is_adapted=False)
        assert rehearsals.age.tolist() == age and rehearsals.trial.tolist() == trial
        assert memory[:, 0].tolist() == [float(not begins or old > 0) for begins, old in zip(mask, age, strict=True)]
    assert rehearsals.best_return.tolist() == [1.0, 1.0] and rehearsals.is_rehearsal.tolist() == [True, True]


@pytest.mark.parametrize("name", ["rl2", "task-inference"])
def test_files_that_name_the_older_way_to_adapt_are_read(name):
    """It is gone; such agents go on from what they remember."""
    config = find_algorithm(name).config_from({"benchmark": "ML1", "task": "reach", "tries_forgetting": True})
    assert config.task == "reach" and not config.rehearses
