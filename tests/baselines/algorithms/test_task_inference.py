"""Task inference: who learns from what, that beliefs find what can be found and say how sure they are, and what they are learned from."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from metaworld_baselines.algorithms import augmentation, task_inference, trials
from metaworld_baselines.algorithms.meta import Instances, make_train_envs
from metaworld_baselines.algorithms.privileged_critic import instance_inputs
from metaworld_baselines.algorithms.task_inference_config import TaskInferenceConfig
from metaworld_baselines.experience import sequence_buffer
from metaworld_baselines.experience.on_policy import OnPolicyCollector
from metaworld_baselines.gradients import accumulation
from metaworld_baselines.networks.inferring import OF_MEMORY
from metaworld_baselines.networks.scaling import Scale

CONFIG = TaskInferenceConfig(
    benchmark="ML1",
    task="reach",
    max_episode_steps=6,
    rollout_steps=6,
    meta_batch=4,
    width=8,
    memory=5,
    minibatches=2,
    epochs=2,
    memory_updates=2,
    sequences_per_update=3,
    buffer_rollouts=3,
)
LEARNER = task_inference.make_learner(CONFIG)
AGENT = task_inference.init(LEARNER, seed=0)


@pytest.fixture(scope="module")
def played():
    """The sequences of a trial's two parts."""
    tasks, kept = Instances(CONFIG, seed=1).of_iteration(0), []
    collector = OnPolicyCollector(make_train_envs(CONFIG, seed=1), task_inference.make_act(LEARNER), seed=1)
    collector.restart(tasks)

    def keep(agent, sequences, key, step):
        kept.append(sequences)
        return agent, {}

    trials.play_and_learn(LEARNER, collector, AGENT, keep, instance_inputs(CONFIG, tasks), jax.random.PRNGKey(0), 0)
    return kept


def test_what_acts_finds_the_densities_that_it_played(played):
    """In the second part too, which begins with what is remembered of the first."""
    assert not played[0].memory.any() and played[1].memory.any()
    for sequences in played:
        steps = task_inference.steps_of(LEARNER, AGENT.policy, sequences)
        distribution = LEARNER.policy.apply(AGENT.policy.weights, steps.inputs, steps.belief, method="act")
        assert np.allclose(distribution.log_prob(steps.action), steps.log_prob, atol=1e-4)
        assert (np.asarray(sequences.inputs)[..., 36:39] == 0.0).all(), "the goal is hidden"


def test_actions_depend_on_the_belief_and_teach_it_nothing():
    inputs, memory = jax.random.normal(jax.random.PRNGKey(0), (3, 45)), jax.random.normal(jax.random.PRNGKey(1), (2, 3, 5))

    def means(weights, memory):
        return LEARNER.policy.apply(weights, memory, inputs)[1].mean

    assert not np.allclose(means(AGENT.policy.weights, memory[0]), means(AGENT.policy.weights, memory[1]), atol=1e-6)
    slopes = jax.grad(lambda weights: means(weights, memory[0]).sum())(AGENT.policy.weights)["params"]
    for name, layer in slopes.items():
        assert any(leaf.any() for leaf in jax.tree.leaves(layer)) == (name not in OF_MEMORY | {"log_std"}), name


def test_what_acts_and_what_infers_learn_apart(played):
    act, infer = (jax.jit(partial(learn, LEARNER)) for learn in (task_inference.learn_to_act, task_inference.learn_to_infer))
    acted, metrics = act(AGENT, task_inference.steps_of(LEARNER, AGENT.policy, played[0]), jax.random.PRNGKey(0))
    assert abs(float(metrics["kl"][0, 0])) < 1e-6, "the first step starts from the policy that played"
    filled = AGENT._replace(buffer=sequence_buffer.add(AGENT.buffer, *played[0][:2], task_inference.instances_of(LEARNER, played[0])))
    inferred, _ = infer(filled, jax.random.PRNGKey(0))
    for changed, of_memory in ((acted, False), (inferred, True)):
        for name, layer in changed.policy.weights["params"].items():
            same = jax.tree.map(np.array_equal, layer, AGENT.policy.weights["params"][name])
            assert all(jax.tree.leaves(same)) == ((name in OF_MEMORY) != of_memory), name
    assert not np.array_equal(*(jax.tree.leaves(agent.critic)[0] for agent in (acted, AGENT)))


def test_acting_is_learned_alike_in_microbatches(played, monkeypatch):
    steps, found = task_inference.steps_of(LEARNER, AGENT.policy, played[0]), []
    for least, expected in ((10**9, 1), (3, 2)):
        monkeypatch.setattr(accumulation, "LEAST", least)
        monkeypatch.setattr(accumulation, "MOST", 2 * least)
        assert accumulation.num_microbatches(12) == expected
        new, metrics = jax.jit(partial(task_inference.learn_to_act, LEARNER))(AGENT, steps, jax.random.PRNGKey(0))
        found.append(ravel_pytree((new.policy.weights, new.critic, metrics))[0])
    assert np.allclose(*found, rtol=1e-3, atol=2e-5)


def test_beliefs_find_what_rewards_tell_and_say_how_far_the_rest_may_be():
    """One number of the instance is the reward, one is nowhere to be found: error and standard deviation go to zero and to one."""
    learner = task_inference.make_learner(
        replace(CONFIG, width=16, memory=16, memory_updates=4000, sequences_per_update=64, memory_learning_rate=3e-4, spread_weight=0.1)
    )
    rng, count, size = np.random.default_rng(0), 512, learner.policy.instance_size
    instance = np.zeros((count, size), np.float32)
    instance[:, :2] = rng.normal(size=(count, 2))
    inputs = np.zeros((count, 6, 45), np.float32)
    inputs[..., -2] = instance[:, :1]
    buffer = sequence_buffer.add(sequence_buffer.empty(count, 6, 16, 45, size), np.zeros((count, 16)), inputs, instance)
    agent = task_inference.init(learner, seed=0)._replace(buffer=buffer)
    agent, metrics = jax.jit(partial(task_inference.learn_to_infer, learner))(agent, jax.random.PRNGKey(0))
    fresh = rng.normal(size=(200, 2))
    inputs = np.zeros((200, 6, 45), np.float32)
    inputs[..., -2] = fresh[:, :1]
    belief = task_inference.beliefs(learner, agent.policy, jnp.zeros((200, 16)), inputs)
    assert np.sqrt(np.mean((belief.mean[:, -1, 0] - fresh[:, 0]) ** 2)) < 0.15
    std = np.exp(belief.log_std[:, -1]).mean(axis=0)
    assert std[0] < 0.2 and std[1] == pytest.approx(1.0, abs=0.2) and std[2] < 0.2
    assert metrics["inference_error"][-50:].mean() < 0.5 * metrics["inference_error"][0]


def test_objects_are_moved_alike_in_both_frames_and_hand_and_goal_stay():
    scale = Scale(jnp.array(10.0), jnp.zeros(45), jnp.full(45, 0.04).at[7].set(1e-6))
    noise = np.asarray(augmentation.frame_noise(scale, 2_000, jax.random.PRNGKey(0)))
    assert np.array_equal(noise[:, :18], noise[:, 18:36]) and not noise[:, :4].any() and not noise[:, 36:].any()
    assert not noise[:, 7].any(), "what hardly ever changes stays"
    assert np.allclose(np.delete(noise[:, 4:18], 3, axis=1).std(axis=0), 0.2, atol=0.02)
    assert not augmentation.frame_noise(scale._replace(count=jnp.zeros(())), 5, jax.random.PRNGKey(0)).any(), "nothing is known yet"


def test_a_buffer_keeps_the_newest_sequences():
    buffer = sequence_buffer.empty(5, 2, 1, 1, 1)
    for value in range(4):
        buffer = sequence_buffer.add(buffer, *(jnp.full((2, *shape), float(value)) for shape in ((1,), (2, 1), (1,))))
        drawn = [np.unique(x) for x in sequence_buffer.draw(buffer, 200, jax.random.PRNGKey(value))]
        assert all(np.array_equal(x, drawn[0]) for x in drawn)
        assert drawn[0].tolist() == list(range(max(0, value - 2), value + 1)), "never one that is not filled yet"


def test_instances_are_places_and_the_way_between_them():
    tasks = Instances(CONFIG, seed=1).of_iteration(0)
    found = instance_inputs(CONFIG, tasks)
    places = np.array([task.rand_vec for task in tasks])
    assert np.allclose(found[:, :6], places) and np.allclose(found[:, 9:12], places[:, 3:] - places[:, :3], atol=1e-6)
    assert found.shape == (4, 13) and (found[:, 12] == 1.0).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rollout_steps": 5}, "rollout_steps must divide the 12 steps of a trial"),
        ({"minibatches": 7}, "minibatches must divide the 24 steps of a rollout"),
        ({"buffer_rollouts": 0}, "buffer_rollouts must be at least 1"),
        ({"min_std": 0.6}, "initial_std must lie between"),
        ({"noise_correlation": 1.0}, "noise_correlation must lie in"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **changes)
