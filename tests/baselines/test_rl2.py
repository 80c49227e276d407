"""RL²: what its memory remembers and forgets, and that sequences are those that were played."""

from functools import partial

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import gymnasium
import jax.numpy as jnp

from baselines import rl2
from baselines.meta import make_train_envs
from baselines.on_policy import OnPolicyCollector
from baselines.rl2 import Rl2Config
from metaworld_py.evaluation import metalearning_evaluation

CONFIG = Rl2Config(
    benchmark="ML1", task="reach", max_episode_steps=6, episodes=3, meta_batch=4, width=8, memory=5, bptt_steps=6, minibatches=3, epochs=2
)
PARTS = rl2.make_parts(CONFIG)
PARAMS = rl2.init(PARTS, seed=0).policy


@pytest.fixture(scope="module")
def trial():
    collector = OnPolicyCollector(make_train_envs(CONFIG, seed=1), rl2.make_act(PARTS), seed=1)
    empty = np.zeros((4, 5), np.float32)
    stretch, _, memories = collector.collect(PARAMS, CONFIG.trial_steps, 0, memory=empty, keep_memory_every=CONFIG.bptt_steps)
    return stretch, np.stack(memories)


def test_over_time_equals_step_by_step():
    inputs = jax.random.normal(jax.random.PRNGKey(0), (4, 7, 45))
    memory = jax.random.normal(jax.random.PRNGKey(1), (4, 5))
    together = rl2.over_time(PARTS.policy, PARAMS, memory, inputs)
    for step in range(7):
        memory, one = PARTS.policy.apply(PARAMS, memory, inputs[:, step])
        assert np.allclose(one.mean, together.mean[:, step], atol=1e-6) and np.allclose(one.log_std, together.log_std[:, step], atol=1e-6)


@pytest.mark.parametrize("bptt_steps", [6, 9, 0])
def test_sequences_give_back_the_densities_that_were_played(trial, bptt_steps):
    """With the memory at each sequence's start, the policy that acted finds its own densities: nothing was cut or shifted wrongly."""
    config = Rl2Config(**{**vars(CONFIG), "bptt_steps": bptt_steps, "minibatches": 1})
    collector = OnPolicyCollector(make_train_envs(config, seed=1), rl2.make_act(PARTS), seed=1)
    stretch, _, memories = collector.collect(
        PARAMS, config.trial_steps, 0, memory=np.zeros((4, 5), np.float32), keep_memory_every=config.sequence_steps
    )
    assert np.array_equal(stretch.action, trial[0].action), "how sequences are cut changes nothing of what is played"
    sequences = rl2.make_sequences(config, stretch, np.stack(memories))
    assert sequences.inputs.shape == (config.num_sequences, config.sequence_steps, 45)
    found = rl2.over_time(PARTS.policy, PARAMS, sequences.memory, sequences.inputs).log_prob(sequences.action)
    assert np.allclose(found, sequences.log_prob, atol=1e-4)


def test_gradients_flow_over_the_whole_trial_or_over_a_part():
    """What the last action owes to the first input: nothing, where gradients stop in between."""

    def slope(bptt_steps):
        config = Rl2Config(**{**vars(CONFIG), "bptt_steps": bptt_steps, "minibatches": 1})
        inputs = jax.random.normal(jax.random.PRNGKey(0), (1, config.trial_steps, 45))

        def last_mean(inputs):
            parts = inputs.reshape(-1, config.sequence_steps, 45)
            starts = jnp.zeros((len(parts), 5))  # as constants, which they are in learning
            return rl2.over_time(PARTS.policy, PARAMS, starts, parts).mean[-1, -1].sum()

        return float(jnp.abs(jax.grad(last_mean)(inputs)[0, 0]).max())

    assert slope(0) > 0.0 and slope(6) == 0.0


def test_memory_survives_ends_of_episodes_and_dies_at_ends_of_trials(trial):
    stretch, memories = trial
    assert stretch.is_end[:, 5].all() and np.abs(np.asarray(memories[1])).min() > 0.0, "kept through the end of the first episode"
    assert not np.asarray(memories[0]).any()
    agent = rl2.as_agent(PARTS, PARAMS)
    everyone, obs = np.ones(2, bool), np.random.default_rng(0).normal(size=(2, 45))
    agent.init()
    agent.reset(everyone)
    first = agent.eval_action(obs)
    remembered = np.array(agent._memory)
    assert remembered.any()
    agent.reset(everyone)
    assert np.array_equal(agent._memory, remembered)
    assert not np.allclose(agent.eval_action(obs), first), "the same observation, but it remembers"
    agent.init()
    agent.reset(everyone)
    assert np.array_equal(agent.eval_action(obs), first), "a new trial begins like any other"


def test_the_agent_sees_what_it_saw_in_training(trial):
    """Played with the actions of a training trial, the agent has the same memory at the same places."""
    stretch, memories = trial
    agent = rl2.as_agent(PARTS, PARAMS)
    agent.init()
    for step in range(2 * CONFIG.max_episode_steps):
        if step % CONFIG.max_episode_steps == 0:
            agent.reset(np.ones(4, bool))
            if step:
                assert np.allclose(agent._memory, memories[1], atol=1e-6)
        shown = np.concatenate([stretch.obs[:, step], stretch.previous[:, step]], axis=1)
        shown[:, -1] = 0.0  # the environment's own flag is zero when an episode begins; the agent knows from `reset`
        agent.eval_action(shown)
    assert np.allclose(agent._memory, memories[2], atol=1e-6)


def test_published_evaluation_plays_the_agent():
    envs = gymnasium.make_vec(
        "Meta-World/ML1-test", env_name="reach", seed=1, meta_batch_size=2, max_episode_steps=5, recurrent_info_in_obs=True
    )
    success, mean_return, by_task = metalearning_evaluation(rl2.as_agent(PARTS, PARAMS), envs, num_evals=1, adaptation_episodes=2)
    assert 0.0 <= success <= 1.0 and mean_return > 0.0 and list(by_task) == ["reach"]


def test_a_forgetful_policy_cannot_adapt():
    """Neither memory nor the previous step change what it does; the observation does."""
    parts = rl2.make_parts(Rl2Config(**{**vars(CONFIG), "forgetful": True}))
    rng = np.random.default_rng(0)
    inputs, memory = rng.normal(size=(2, 3, 45)).astype(np.float32), rng.normal(size=(3, 5)).astype(np.float32)
    inputs[1, :, :39] = inputs[0, :, :39]
    one, other = (parts.policy.apply(PARAMS, memory * i, jnp.asarray(inputs[i]))[1].mean for i in range(2))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, parts.policy.apply(PARAMS, memory, jnp.asarray(inputs[0] + 1.0))[1].mean)


def test_observations_without_the_previous_step_are_refused():
    agent = rl2.as_agent(PARTS, PARAMS)
    agent.reset(np.ones(1, bool))
    with pytest.raises(ValueError, match="recurrent_info_in_obs=True"):
        agent.eval_action(np.zeros((1, 39)))


def test_learning_raises_the_surrogate(trial):
    stretch, memories = trial
    agent = rl2.init(PARTS, seed=0)
    sequences = rl2.make_sequences(CONFIG, stretch, memories)
    before = rl2.loss(PARTS, agent.policy, sequences)[1]["surrogate"]
    learn = jax.jit(partial(rl2.learn, PARTS))
    for iteration in range(3):
        agent, _ = learn(agent, sequences, jax.random.PRNGKey(0), iteration)
    assert rl2.loss(PARTS, agent.policy, sequences)[1]["surrogate"] > before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bptt_steps": 5}, "bptt_steps must divide the 18 steps of a trial"),
        ({"minibatches": 5}, "minibatches must divide the 12 stretches"),
        ({"task": ""}, "ML1 wants a task"),
        ({"benchmark": "MT10"}, "benchmark must be ML1, ML10"),
        ({"benchmark": "ML10", "task": "", "meta_batch": 15}, "meta_batch must be a multiple of the 10 training tasks"),
        ({"episodes": -1}, "episodes must be at least 1"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Rl2Config(**{**vars(CONFIG), **changes})


def test_published_settings():
    config = Rl2Config()
    assert (config.meta_batch, config.episodes, config.total_env_steps, config.memory) == (20, 10, 20_000_000, 256)
    assert (config.epochs, config.bptt_steps, config.clip, config.learning_rate, config.trace) == (10, 250, 0.2, 5e-4, 0.95)
    assert Rl2Config(benchmark="ML1", task="reach").total_env_steps == 2_000_000
