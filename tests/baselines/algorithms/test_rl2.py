"""RL²: what its memory remembers and forgets, and that sequences are those that were played."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import gymnasium
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from metaworld_baselines.algorithms import augmentation, privileged_critic, rl2, rl2_config, trials
from metaworld_baselines.algorithms.meta import Instances, make_train_envs
from metaworld_baselines.algorithms.privileged_critic import CRITIC, LINEAR
from metaworld_baselines.algorithms.recurrent_agent import Memory
from metaworld_baselines.algorithms.registry import find_algorithm
from metaworld_baselines.algorithms.rl2_config import Rl2Config
from metaworld_baselines.experience.on_policy import OnPolicyCollector, Rollout
from metaworld_baselines.gradients import accumulation
from metaworld_baselines.networks import scaling
from metaworld_baselines.networks.gaussian import ClippedGaussian, Gaussian
from metaworld_py.evaluation import Timestep, metalearning_evaluation

CONFIG = Rl2Config(
    benchmark="ML1", task="reach", max_episode_steps=6, episodes=3, meta_batch=4, width=8, memory=5, bptt_steps=6, minibatches=3, epochs=2
)
LEARNER = rl2.make_learner(CONFIG)
PARAMS = rl2.init(LEARNER, seed=0).policy
KEY = jax.random.PRNGKey(0)


INSTANCES = privileged_critic.instance_inputs(CONFIG, Instances(CONFIG, seed=1).of_iteration(0))


def with_settings(**changes):
    return rl2.make_learner(Rl2Config(**{**vars(CONFIG), **changes}))


def play(learner, policy):
    """A meta-batch of trials, and the memories at the starts of their learner."""
    config = learner.config
    collector = OnPolicyCollector(make_train_envs(config, seed=1), rl2.make_act(learner), seed=1)
    empty = Memory.empty(config.meta_batch, config.memory)
    rollout, _, memories = collector.collect(policy, config.trial_steps, 0, memory=empty, keep_memory_every=config.sequence_steps)
    return rollout, np.stack([memory.state for memory in memories[:-1]])


@pytest.fixture(scope="module")
def trial():
    return play(LEARNER, PARAMS)


@pytest.mark.parametrize("clipped", [False, True])
def test_densities_may_be_of_clipped_actions(clipped):
    learner = with_settings(clipped_densities=clipped, initial_std=3.0)
    act, policy = rl2.make_act(learner), rl2.init(learner, seed=0).policy
    action, log_prob, _ = act(policy, Memory.empty(50, 5), jnp.zeros((50, 39)), jnp.zeros((50, 6)), np.array([0, 0]))
    distribution = rl2.one_step(learner, policy, jnp.zeros((50, 5)), jnp.zeros((50, 45)))[1]
    assert float(jnp.abs(action).max()) > 1.0
    for kind in (Gaussian, ClippedGaussian):
        assert np.allclose(log_prob, kind(*distribution).log_prob(action), atol=1e-3) == (clipped == (kind is ClippedGaussian))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_over_time_equals_step_by_step(precision):
    learner = with_settings(precision=precision)
    inputs = jax.random.normal(jax.random.PRNGKey(0), (4, 7, 45))
    memory = jax.random.normal(jax.random.PRNGKey(1), (4, 5))
    together = rl2.over_time(learner, PARAMS, memory, inputs)
    assert np.array_equal(together.mean, rl2.over_time(LEARNER, PARAMS, memory, inputs).mean) == (precision == "float32")
    for step in range(7):
        memory, one = rl2.one_step(learner, PARAMS, memory, inputs[:, step])
        assert np.allclose(one.mean, together.mean[:, step], atol=1e-6) and np.allclose(one.log_std, together.log_std[:, step], atol=1e-6)


@pytest.mark.parametrize("bptt_steps", [6, 9, 0])
def test_sequences_give_back_the_densities_that_were_played(trial, bptt_steps):
    """With the memory at each sequence's start, the policy that acted finds its own densities: nothing was cut or shifted wrongly."""
    learner = with_settings(bptt_steps=bptt_steps, minibatches=1)
    rollout, memories = play(learner, PARAMS)
    assert np.array_equal(rollout.action, trial[0].action), "how sequences are cut changes nothing of what is played"
    agent, sequences = trials.make_sequences(learner, rl2.init(learner, seed=0), rollout, memories, INSTANCES)
    assert sequences.inputs.shape == (learner.config.num_sequences, learner.config.sequence_steps, 45)
    assert np.allclose(densities(learner, agent, sequences), sequences.log_prob, atol=1e-4)


def densities(learner, agent, sequences):
    return rl2.over_time(learner, agent.policy, sequences.memory, sequences.inputs).log_prob(sequences.action)


def test_weights_with_a_price_are_drawn_for_a_rollout_and_learn_from_what_they_played():
    """A rollout's key gives back the weights that played it, and their densities; another key other ones; evaluations take the means."""
    learner = with_settings(information_weight=1e-4, information_std=0.5)
    agent = rl2.init(learner, seed=0)
    played = rl2.acting(learner, agent.policy, KEY)
    for layer, other in (("first", True), ("second", True), ("mean", False), ("cell", False)):
        before, after = (jax.tree.leaves(policy.weights["params"][layer]) for policy in (agent.policy, played))
        assert all(np.array_equal(*pair) != other for pair in zip(before, after, strict=True)), layer
    _, sequences = trials.make_sequences(learner, agent, *play(learner, played), INSTANCES)
    again, another = (rl2.acting(learner, agent.policy, key) for key in (KEY, jax.random.PRNGKey(1)))
    assert np.allclose(densities(learner, agent._replace(policy=again), sequences), sequences.log_prob, atol=1e-4)
    assert not np.allclose(densities(learner, agent._replace(policy=another), sequences), sequences.log_prob, atol=1e-2)
    assert rl2.loss(learner, *agent.policy, sequences, KEY)[1]["kl"] < 1e-5, "the loss starts where the rollout was played"
    plain = agent.policy._replace(weights={"params": agent.policy.weights["params"]})
    inputs, memory = jnp.ones((4, 45)), jnp.zeros((4, 5))
    assert np.array_equal(rl2.one_step(learner, agent.policy, memory, inputs)[1].mean, rl2.one_step(learner, plain, memory, inputs)[1].mean)


def test_what_weights_know_costs_nats_until_it_is_forgotten():
    """Without anything to earn, a high price takes the encoder to the standard normal and leaves the other weights alone."""
    learner = with_settings(information_weight=10.0, learning_rate=0.05, epochs=100)
    agent = rl2.init(learner, seed=0)
    played = rl2.acting(learner, agent.policy, jax.random.fold_in(KEY, 0))
    _, sequences = trials.make_sequences(learner, agent, *play(learner, played), INSTANCES)
    nothing = sequences._replace(advantage=jnp.zeros_like(sequences.advantage))
    learner = replace(learner, config=replace(learner.config, entropy_bonus=0.0))
    learned, metrics = jax.jit(partial(rl2.learn, learner))(agent, nothing, KEY, 0)
    before, after = (float(rl2.meta_regularization.nats(one.policy.weights)) for one in (agent, learned))
    size = sum(leaf.size for leaf in jax.tree.leaves(agent.policy.weights["log_std"]))
    assert before == pytest.approx(size * 2.5, rel=0.1), "½ (0.05² + μ² − 1) − log 0.05 each"
    assert after < 0.01 * before and float(metrics["nats"]) < before
    assert np.array_equal(learned.policy.weights["params"]["cell"]["hn"]["kernel"], agent.policy.weights["params"]["cell"]["hn"]["kernel"])


def test_a_scale_of_inputs_moves_only_after_learning():
    """Actions drawn with one scale keep their densities until all has been learned from them; then the next ones see the new scale."""
    learner = with_settings(normalize_inputs=True, learning_rate=0.0, baseline="critic")
    start = rl2.init(learner, seed=0)
    agent, sequences = trials.make_sequences(learner, start, *play(learner, start.policy), INSTANCES)
    assert np.allclose(densities(learner, agent, sequences), sequences.log_prob, atol=1e-4)
    learned, metrics = jax.jit(partial(rl2.learn, learner))(agent, sequences, jax.random.PRNGKey(0), 0)
    assert abs(float(metrics["kl"])) < 1e-5, "nothing was learned, and no other density was seen on the way"
    inputs = sequences.inputs.reshape(-1, 45)
    assert np.allclose(learned.policy.scale.mean, inputs.mean(axis=0), atol=1e-5)
    seen = rl2.seen(learner, learned.policy, inputs)
    moves = inputs.std(axis=0) > 0.02
    assert moves.sum() > 5 and np.allclose(np.clip(seen, -3, 3)[:, moves].std(axis=0), 1.0, atol=0.35)


def test_what_varies_little_is_not_blown_up_beyond_a_least_deviation():
    """Places of objects, a few centimetres apart, in units of 0.2 m; what varies more in units of its own deviation."""
    scale = scaling.new_scale(45)
    scale = scale._replace(mean=scale.mean.at[4].set(0.1), var=scale.var.at[4].set(0.03**2).at[5].set(0.5**2).at[6].set(1e-8))
    inputs = jnp.zeros(45).at[4].set(0.16).at[5].set(0.5).at[6].set(0.004)
    for min_std, wanted in ((0.01, (2.0, 1.0, 0.4)), (0.2, (0.3, 1.0, 0.02))):
        learner = with_settings(normalize_inputs=True, min_input_std=min_std)
        policy = rl2.init(learner, seed=0).policy._replace(scale=scale)
        assert np.allclose(rl2.seen(learner, policy, inputs)[4:7], wanted, atol=1e-6)


def test_with_skip_actions_read_the_inputs_past_the_memory():
    """With one memory, another input changes the action at once also where the memory's own weights are zero."""
    learner = with_settings(skip=True)
    policy = rl2.init(learner, seed=0).policy
    assert policy.weights["params"]["mean"]["kernel"].shape == (5 + 8, 4)
    inputs, memory = jax.random.normal(jax.random.PRNGKey(0), (4, 7, 45)), jax.random.normal(jax.random.PRNGKey(1), (4, 5))
    together = rl2.over_time(learner, policy, memory, inputs)
    for step in range(7):
        memory, one = rl2.one_step(learner, policy, memory, inputs[:, step])
        assert np.allclose(one.mean, together.mean[:, step], atol=1e-6)
    deaf = policy.weights["params"]["mean"]["kernel"].at[:5].set(0.0)
    weights = {"params": {**policy.weights["params"], "mean": {**policy.weights["params"]["mean"], "kernel": deaf}}}
    one, other = (rl2.one_step(learner, rl2.Policy(weights, policy.scale), memory, inputs[:, i])[1].mean for i in range(2))
    assert not np.allclose(one, other)


def test_memories_are_refreshed_with_the_weights_of_today(trial):
    """With the policy that played they are those that were; with another one, what it would have remembered of the whole trial."""
    agent, sequences = trials.make_sequences(LEARNER, rl2.init(LEARNER, seed=0), *trial, INSTANCES)
    assert np.allclose(rl2.refreshed(LEARNER, PARAMS, sequences).memory, sequences.memory, atol=1e-6)
    other = rl2.init(LEARNER, seed=1).policy
    found = rl2.refreshed(LEARNER, other, sequences).memory.reshape(4, 3, 5)
    whole = rl2.remembered(LEARNER, other, jnp.zeros((4, 5)), sequences.inputs.reshape(4, 18, 45))[1]
    assert not np.asarray(found[:, 0]).any() and np.allclose(found[:, 1:], whole[:, [5, 11]], atol=1e-6)
    learner = with_settings(refresh_memory=True)
    stale, fresh = (jax.jit(partial(rl2.learn, one))(agent, sequences, jax.random.PRNGKey(0), 0)[0] for one in (LEARNER, learner))
    kernels = [found.policy.weights["params"]["mean"]["kernel"] for found in (stale, fresh)]
    assert not np.array_equal(*kernels) and np.isfinite(kernels[1]).all(), "from the second epoch on the starts differ"


def test_advantages_are_standardized_task_by_task():
    """Where one task pays a hundred times as much as another, both count alike."""
    many = {"benchmark": "ML10", "task": "", "meta_batch": 20, "total_env_steps": 0, "minibatches": 1, "baseline": "critic"}
    learner = with_settings(normalize_advantages=True, advantages_by_task=True, **many)
    rng, shape = np.random.default_rng(0), (20, 18)
    reward = (rng.normal(size=shape) * np.repeat([100.0] + [1.0] * 9, 2)[:, None]).astype(np.float32)
    zeros, obs = np.zeros(shape, np.float32), rng.normal(size=(*shape, 39)).astype(np.float32)
    ends = np.broadcast_to((np.arange(18) + 1) % 6 == 0, shape)
    rollout = Rollout(obs, np.zeros((*shape, 6), np.float32), np.zeros((*shape, 4), np.float32), zeros, reward, obs, ends, zeros)
    memories, instances = np.zeros((3, 20, 5), np.float32), np.zeros((20, 22), np.float32)
    _, sequences = trials.make_sequences(learner, rl2.init(learner, seed=0), rollout, memories, instances)
    by_task = np.reshape(sequences.advantage, (10, -1))
    assert np.allclose(by_task.mean(axis=1), 0.0, atol=1e-5) and np.allclose(by_task.std(axis=1), 1.0, atol=1e-3)


def test_standard_deviations_stay_between_their_bounds():
    """Also where the head asks for more or for less, and with a gradient there; without bounds they go where the head says."""
    narrow, free = with_settings(initial_std=0.5, min_std=0.2, max_std=1.0), with_settings(initial_std=0.5)
    weights = rl2.init(narrow, seed=0).policy.weights["params"]
    for wanted in (-4.0, 4.0):
        bias = jnp.full(4, np.log(0.5) + wanted)
        policy = rl2.Policy({"params": {**weights, "log_std": {**weights["log_std"], "bias": bias}}}, PARAMS.scale)
        inside, outside = (rl2.one_step(one, policy, jnp.zeros((1, 5)), jnp.zeros((1, 45)))[1].log_std for one in (narrow, free))
        assert (np.exp(inside) > 0.2).all() and (np.exp(inside) < 1.0).all()
        assert np.allclose(outside - np.log(0.5), wanted, atol=0.2)
    with pytest.raises(ValueError, match="initial_std must lie between min_std and max_std"):
        with_settings(min_std=0.2, max_std=0.8)


def test_with_a_tanh_mean_actions_stay_within_the_box():
    learner = with_settings(tanh_mean=True)
    weights = rl2.init(learner, seed=0).policy.weights["params"]
    policy = rl2.Policy({"params": {**weights, "mean": {**weights["mean"], "bias": jnp.full(4, 9.0)}}}, PARAMS.scale)
    assert np.allclose(rl2.one_step(learner, policy, jnp.zeros((1, 5)), jnp.zeros((1, 45)))[1].mean, 1.0, atol=1e-3)


def test_noise_goes_on_from_step_to_step():
    """Of the correlation asked for, standard normal at every step, and with the densities of independent draws."""
    learner = with_settings(noise_correlation=0.8, initial_std=0.3)
    act, policy = rl2.make_act(learner), rl2.init(learner, seed=0).policy
    memory, obs, previous = Memory.empty(500, 5), jnp.zeros((500, 39)), jnp.zeros((500, 6))
    noises = []
    for step in range(12):
        before = memory
        action, log_prob, memory = act(policy, before, obs, previous, np.array([0, step]))
        noises.append(np.asarray(memory.noise))
    distribution = rl2.one_step(learner, policy, before.state, jnp.zeros((500, 45)))[1]
    assert np.allclose(distribution.log_prob(action), log_prob, atol=1e-4) and np.allclose(distribution.at(memory.noise), action, atol=1e-5)
    noise = np.stack(noises)
    assert np.allclose(noise.std(axis=(1, 2)), 1.0, atol=0.08)
    assert np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1] == pytest.approx(0.8, abs=0.03)
    with pytest.raises(ValueError, match="noise_correlation must lie in"):
        with_settings(noise_correlation=1.0)


def test_the_learning_rate_falls_over_the_budget(trial):
    learner = with_settings(learning_rate=1e-3, final_learning_rate=0.0, total_env_steps=4_000)
    shares = [float(learner.config.rate_share_at(step)) for step in (0, 250, 1_000, 2_000)]
    assert np.allclose(shares, [1.0, 0.75, 0.0, 0.0]) and float(CONFIG.rate_share_at(10**9)) == 1.0
    agent, sequences = trials.make_sequences(learner, rl2.init(learner, seed=0), *trial, INSTANCES)
    learn, before = jax.jit(partial(rl2.learn, learner)), ravel_pytree(agent.policy.weights)[0]
    first, last = (ravel_pytree(learn(agent, sequences, KEY, step)[0].policy.weights)[0] for step in (0, 1_000))
    assert np.abs(first - before).max() > 1e-3 and np.array_equal(last, before)


def test_the_bound_of_the_standard_deviation_falls_at_the_end_of_the_budget(trial):
    one_std = {"state_dependent_std": False, "initial_std": 0.9, "max_std": 1.0, "min_std": 0.05, "total_env_steps": 4_000}
    learner = with_settings(**one_std, final_max_std=0.1)
    agent, sequences = trials.make_sequences(learner, rl2.init(learner, seed=0), *trial, INSTANCES)
    learn, learn_without = (jax.jit(partial(rl2.learn, found)) for found in (learner, with_settings(**one_std)))

    def std(agent):
        distribution = rl2.one_step(learner, agent.policy, jnp.zeros(5), jnp.zeros(45))[1]
        return np.exp(distribution.log_std)

    early, early_without, late = (
        learn(agent, sequences, KEY, 0)[0],
        learn_without(agent, sequences, KEY, 0)[0],
        learn(agent, sequences, KEY, 1_000)[0],
    )
    assert np.array_equal(std(early), std(early_without)) and std(early).min() > 0.5
    assert np.allclose(std(late), 0.1, atol=1e-4)


@pytest.mark.parametrize("reads_last_action", [True, False])
def test_a_policy_reads_its_last_action_or_is_blind_to_it(reads_last_action):
    """Blind, it acts and remembers as if it had done nothing; last reward and end of an episode are read in any case."""
    learner = with_settings(reads_last_action=reads_last_action, skip=True, normalize_inputs=True)
    policy, rng = rl2.init(learner, seed=0).policy, np.random.default_rng(0)
    inputs, changed = rng.normal(size=(3, 45)).astype(np.float32), np.ones((3, 45), np.float32)

    def differs(columns):
        other = np.where(np.isin(np.arange(45), columns), changed, inputs)
        found, others = (rl2.one_step(learner, policy, jnp.zeros((3, 5)), jnp.asarray(x)) for x in (inputs, other))
        return not np.array_equal(found[0], others[0]), not np.array_equal(found[1].mean, others[1].mean)

    assert differs([39, 40, 41, 42]) == (reads_last_action, reads_last_action)
    assert differs([38]) == differs([43]) == differs([44]) == (True, True)


@pytest.mark.parametrize("correlation", [0.8, 0.0])
def test_what_a_gradient_expects_of_noise_is_nothing_only_where_the_last_action_does_not_tell_it(correlation):
    """The score of an action has mean 0 whatever the policy sees, or else its gradient follows the noise."""
    learner = with_settings(noise_correlation=correlation, initial_std=0.3)
    act, policy = rl2.make_act(learner), rl2.init(learner, seed=0).policy
    memory, obs, last = Memory.empty(2_000, 5), jnp.zeros((2_000, 39)), jnp.zeros((2_000, 6))
    for step in range(3):
        before, previous = memory, last
        action, _, memory = act(policy, before, obs, previous, np.array([0, step]))
        last = jnp.concatenate([action, jnp.zeros((2_000, 2))], axis=-1)
    distribution = rl2.one_step(learner, policy, before.state, jnp.concatenate([obs, previous], axis=-1))[1]
    score = jax.grad(lambda mean: distribution._replace(mean=mean).log_prob(action).sum())(distribution.mean)
    assert np.corrcoef(score.ravel(), previous[:, :4].ravel())[0, 1] == pytest.approx(correlation, abs=0.05)


@pytest.mark.parametrize(("target_kl", "low", "high"), [(0.0, 1.0, 1.0), (1e-7, 0.0, 0.99), (1e3, 1.01, 10.0)])
def test_the_learning_rate_follows_the_divergence(trial, target_kl, low, high):
    learner = with_settings(target_kl=target_kl)
    agent, sequences = trials.make_sequences(learner, rl2.init(learner, seed=0), *trial, INSTANCES)
    learned, _ = jax.jit(partial(rl2.learn, learner))(agent, sequences, KEY, 0)
    plain = jax.jit(partial(rl2.learn, LEARNER))(agent, sequences, KEY, 0)[0]
    assert low <= float(learned.rate_factor) <= high

    def moved(after):
        return np.linalg.norm(ravel_pytree(after.policy.weights)[0] - ravel_pytree(agent.policy.weights)[0])

    assert np.sign(np.round(np.log(moved(learned) / moved(plain)), 5)) == np.sign(np.log(float(learned.rate_factor)))


def test_a_standard_deviation_for_all_observations_is_learned():
    learner = with_settings(state_dependent_std=False, initial_std=0.5, min_std=0.2, max_std=1.0)
    policy = rl2.init(learner, seed=0).policy
    inputs = jax.random.normal(KEY, (7, 45))

    def log_std(weights):
        return rl2.one_step(learner, policy._replace(weights=weights), jnp.ones((7, 5)), inputs)[1].log_std

    assert np.allclose(log_std(policy.weights), np.log(0.5))
    slope = jax.grad(lambda weights: log_std(weights).sum())(policy.weights)["params"]
    assert (np.asarray(slope.pop("log_std")) > 0.0).all() and not any(np.asarray(x).any() for x in jax.tree.leaves(slope))


@pytest.mark.parametrize("max_kl", [0.0, 1e-6])
def test_the_bound_on_the_change_of_the_policy_ends_its_steps(trial, max_kl):
    learner = with_settings(max_kl=max_kl, learning_rate=1e-2)
    agent, sequences = trials.make_sequences(learner, rl2.init(learner, seed=0), *trial, INSTANCES)
    learned, metrics = jax.jit(partial(rl2.learn, learner))(agent, sequences, jax.random.PRNGKey(0), 0)
    taken = float(metrics["policy_steps"]) * learner.config.epochs * learner.config.minibatches
    assert round(taken) == (learner.config.epochs * learner.config.minibatches if max_kl == 0.0 else 1), (
        "the first step starts from the policy that played"
    )
    assert not np.allclose(learned.policy.weights["params"]["mean"]["kernel"], agent.policy.weights["params"]["mean"]["kernel"])


def test_the_initial_standard_deviation_is_that_of_actions():
    learner = with_settings(initial_std=0.3)
    _, distribution = rl2.one_step(learner, rl2.init(learner, seed=0).policy, jnp.zeros((3, 5)), jnp.ones((3, 45)))
    assert np.allclose(np.exp(distribution.log_std), 0.3, rtol=0.05)


def test_the_critic_knows_the_instance_and_the_policy_does_not():
    """What is privileged of the instance moves the critic's values, and nothing that the policy plays or is asked for by its densities."""
    learner = with_settings(baseline="critic")
    agent = rl2.init(learner, seed=0)
    rollout, memories = play(learner, agent.policy)
    privileged, untold = (
        trials.make_sequences(learner, agent, rollout, memories, instances)[1] for instances in (INSTANCES, np.zeros_like(INSTANCES))
    )
    assert not np.allclose(privileged.advantage, untold.advantage)
    assert np.array_equal(privileged.inputs, untold.inputs) and privileged.inputs.shape[-1] == 45
    assert np.allclose(INSTANCES[:, :6], [task.rand_vec for task in Instances(CONFIG, seed=1).of_iteration(0)])
    policy_grads, critic_grads = (
        jax.grad(lambda agent, of=of: of(agent))(agent._replace(policy_opt=0.0, critic_opt=0.0))
        for of in (
            lambda agent: rl2.loss(learner, agent.policy.weights, agent.policy.scale, privileged, KEY)[0],
            lambda agent: rl2.critic_loss(learner, agent.critic, privileged.critic_inputs, privileged.target),
        )
    )

    def size(tree):
        return sum(float(jnp.abs(leaf).sum()) for leaf in jax.tree.leaves(tree))

    assert size(policy_grads.critic) == 0.0 == size(critic_grads.policy.weights)
    assert size(policy_grads.policy.weights) > 0.0 < size(critic_grads.critic)


def test_values_look_beyond_episodes_but_not_beyond_trials():
    """The critic's advantages by hand: sums run through the ends of episodes, to the first step of the next, and stop with the trial."""
    learner = with_settings(baseline="critic")
    agent = rl2.init(learner, seed=0)
    rollout, _ = play(learner, agent.policy)
    found, advantage, inputs, target = privileged_critic.estimate_advantages(learner, agent, rollout, INSTANCES)
    first = privileged_critic.with_instances(CONFIG, rollout, INSTANCES)[0]
    assert np.allclose(inputs, np.asarray(scaling.rescaled(found.critic_scale, first)), atol=1e-5)
    values = np.asarray(learner.critic.apply(agent.critic, inputs)[..., 0], np.float64)  # at the start, in plain rewards
    expected, later = np.zeros_like(values), 0.0
    for step in reversed(range(CONFIG.trial_steps)):
        following = values[:, step + 1] if step + 1 < CONFIG.trial_steps else 0.0
        later = rollout.reward[:, step] + CONFIG.discount * following - values[:, step] + CONFIG.discount * CONFIG.trace * later
        expected[:, step] = later
    assert np.allclose(advantage, expected, atol=1e-3)
    assert abs(float(target.mean())) < 1e-4 and abs(float(target.std()) - 1.0) < 1e-3


def test_values_are_learned_in_each_tasks_own_units():
    """Where a task pays a thousand times as much, the targets of each have mean 0 and deviation 1, and what they say fits the returns."""
    many = {"benchmark": "ML10", "task": "", "meta_batch": 20, "total_env_steps": 0, "minibatches": 1, "baseline": "critic"}
    rng, shape = np.random.default_rng(0), (20, 18)
    pay = np.repeat([1000.0] + [1.0] * 9, 2)[:, None]
    reward = (rng.uniform(0.5, 1.5, size=shape) * pay).astype(np.float32)
    zeros, obs = np.zeros(shape, np.float32), rng.normal(size=(*shape, 39)).astype(np.float32)
    rollout = Rollout(obs, np.zeros((*shape, 6), np.float32), np.zeros((*shape, 4), np.float32), zeros, reward, obs, zeros > 0.0, zeros)
    instances = np.zeros((20, 22), np.float32)
    spreads = {}
    for values_by_task in (True, False):
        learner = with_settings(values_by_task=values_by_task, **many)
        agent = rl2.init(learner, seed=0)
        agent, _, inputs, target = privileged_critic.estimate_advantages(learner, agent, rollout, instances)
        spreads[values_by_task] = np.reshape(target, (10, -1)).std(axis=1)
        _, again, *_ = privileged_critic.estimate_advantages(learner, agent, rollout, instances)
        scales = agent.target_scale
        assert scales.mean.shape == ((10,) if values_by_task else (1,))
        mean, std = (np.repeat(x, 20 // len(x))[:, None] for x in (scales.mean, np.sqrt(scales.var)))
        value = np.asarray(learner.critic.apply(agent.critic, inputs)[..., 0]) * std + mean
        delta = rollout.reward[:, -1] - value[:, -1]
        assert np.allclose(again[:, -1], delta, rtol=1e-3, atol=1e-2), "beyond a trial's last step lies nothing"
    assert np.allclose(spreads[True], 1.0, atol=1e-3) and spreads[False][1:].max() < 0.01


def test_trials_are_played_part_by_part_as_they_are_played_whole():
    """What is remembered lives on, the noise goes on, the critic's clock does not begin again; and only the last part has no future."""
    whole, parts = (with_settings(baseline="critic", noise_correlation=0.5, rollout_steps=steps, minibatches=1) for steps in (0, 6))
    tasks, found = Instances(CONFIG, seed=1).of_iteration(0), {}
    for learner in (whole, parts):
        collector = OnPolicyCollector(make_train_envs(CONFIG, seed=1), augmentation.make_augmented_act(rl2.make_act(learner)), seed=1)
        collector.restart(tasks)
        kept = found.setdefault(learner, [])

        def keep(agent, sequences, key, step, kept=kept):
            kept.append((step, sequences))
            return agent, {"loss": jnp.zeros(())}

        agent = rl2.init(learner, seed=0)
        _, chunk, _, metrics = trials.play_and_learn(learner, collector, agent, keep, INSTANCES, jax.random.PRNGKey(0), 2, 0.0)
        assert len(chunk.returns) == 12 and metrics == {"loss": 0.0}, "three episodes of each of four goals"
    assert [step for step, _ in found[parts]] == [36, 42, 48]
    ((_, once),) = found[whole]
    for part, (_, sequences) in enumerate(found[parts]):
        for name in ("memory", "inputs", "action", "log_prob"):
            assert np.array_equal(getattr(sequences, name), getattr(once, name)[part::3]), name
    # The last advantage of the first part, which ends an episode: what follows is worth what the critic says of the next one's beginning.
    rollout, _ = play(parts, agent.policy)
    first, place = Rollout(*(x[:, :6] for x in rollout)), privileged_critic.Place(0, rollout.obs[:, 6], rollout.time[:, 6])
    scales, advantage, inputs, _ = privileged_critic.estimate_advantages(parts, agent, first, INSTANCES, place)
    after = scaling.rescaled(scales.critic_scale, privileged_critic.with_instances(CONFIG, rollout, INSTANCES)[0][:, 6])
    value, following = (parts.critic.apply(agent.critic, x)[:, 0] for x in (inputs[:, 5], after))
    assert rollout.is_end[:, 5].all() and not rollout.time[:, 6].any()
    assert np.allclose(advantage[:, 5], first.reward[:, 5] + CONFIG.discount * following - value, atol=1e-3)


def test_augmentation_moves_what_the_policy_sees_trial_by_trial():
    """An offset for each trial, the same in both frames and throughout; densities fit, the critic sees the truth, goals stay hidden."""
    learner = with_settings(normalize_inputs=True, augmentation=0.5, baseline="critic")
    start = rl2.init(learner, seed=0)
    assert not augmentation.observation_offsets(learner.config, start.policy.scale, 1, 0).any(), (
        "nothing is known of standard deviations yet"
    )
    agent, plain = trials.make_sequences(learner, start, *play(learner, start.policy), INSTANCES)
    agent, _ = jax.jit(partial(rl2.learn, learner))(agent, plain, jax.random.PRNGKey(0), 0)
    offset = augmentation.observation_offsets(learner.config, agent.policy.scale, 1, 1)
    assert np.array_equal(offset[:, :18], offset[:, 18:36]) and not offset[:, 36:].any()
    assert len(np.unique(offset[:, 4])) == 4, "each trial its own, of the object's place"
    collector = OnPolicyCollector(make_train_envs(learner.config, seed=1), augmentation.make_augmented_act(rl2.make_act(learner)), seed=1)
    empty = Memory.empty(4, 5)
    rollout, _, found = collector.collect((agent.policy, offset), 18, 18, memory=empty, keep_memory_every=6)
    memories = np.stack([memory.state for memory in found[:-1]])
    agent, sequences = trials.make_sequences(learner, agent, rollout, memories, INSTANCES, offset)
    assert np.allclose(densities(learner, agent, sequences), sequences.log_prob, atol=1e-4)
    assert np.allclose(sequences.inputs[:, :, :39] - rollout.obs.reshape(12, 6, 39), np.repeat(offset, 3, axis=0)[:, None], atol=1e-6)
    _, blind = trials.make_sequences(learner, agent, rollout, memories, INSTANCES)
    assert not np.allclose(densities(learner, agent, blind), blind.log_prob, atol=1e-4)


@pytest.mark.parametrize("width", [1.0, 2.0])
def test_augmentation_does_not_widen_the_scale_that_it_is_measured_by(width):
    """Of objects that lie 0.05 around their mean, after many rollouts as after the first."""
    learner = with_settings(normalize_inputs=True, augmentation=width, baseline="critic", epochs=1, learning_rate=0.0)
    agent, rng, learn = rl2.init(learner, seed=0), np.random.default_rng(0), jax.jit(partial(rl2.learn, learner))
    rollout, memories = play(learner, agent.policy)
    for iteration in range(30):
        offset = augmentation.observation_offsets(learner.config, agent.policy.scale, 1, iteration)
        places = rollout._replace(obs=rng.normal(scale=0.05, size=rollout.obs.shape).astype(np.float32))
        agent, sequences = trials.make_sequences(learner, agent, places, memories, INSTANCES, offset)
        agent, _ = learn(agent, sequences, jax.random.PRNGKey(0), iteration)
    stds = np.sqrt(np.asarray(agent.policy.scale.var)[4:18])
    assert np.allclose(stds, 0.05, rtol=0.1), stds
    assert np.std(offset[:, 4:18]) > 0.5 * width * 0.05, "and offsets there were"


def test_trials_may_be_longer_than_adaptation():
    """An agent that is evaluated on later episodes of a trial than it was trained on has never learned what to remember of them."""
    assert Rl2Config(**{**vars(CONFIG), "trial_episodes": 5, "bptt_steps": 0, "minibatches": 1}).trial_steps == 30
    assert CONFIG.trial_steps == 18


@pytest.mark.parametrize(("bptt_steps", "cut"), [(0, (4, 18, 45)), (6, (12, 6, 45))])
def test_gradients_flow_over_the_whole_trial_or_over_a_part(trial, bptt_steps, cut):
    """What the last action of a sequence owes to its first input; trials are cut into sequences as long as gradients shall flow."""
    learner = with_settings(bptt_steps=bptt_steps, minibatches=1)
    rollout, memories = trial
    starts = memories if bptt_steps else memories[:1]
    _, sequences = trials.make_sequences(learner, rl2.init(learner, seed=0), rollout, starts, INSTANCES)
    assert sequences.inputs.shape == cut

    def last_mean(inputs):
        return rl2.over_time(learner, PARAMS, sequences.memory, inputs).mean[:, -1].sum()

    slopes = np.abs(np.asarray(jax.grad(last_mean)(jnp.asarray(sequences.inputs))))[:, 0].max(axis=-1)
    assert (slopes > 0.0).all()


def test_memory_survives_ends_of_episodes_and_dies_at_ends_of_trials(trial):
    rollout, memories = trial
    assert rollout.is_end[:, 5].all() and np.abs(np.asarray(memories[1])).min() > 0.0, "kept through the end of the first episode"
    assert not np.asarray(memories[0]).any()
    agent = rl2.as_agent(LEARNER, PARAMS)
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


@pytest.mark.parametrize("is_told", [True, False])
def test_without_rehearsals_a_memory_goes_on(is_told):
    agent, rng, ended = rl2.as_agent(LEARNER, PARAMS), np.random.default_rng(0), []
    for _ in range(3):
        agent.reset(np.ones(2, bool))
        assert not ended or np.array_equal(agent._memory, ended[-1])
        agent.adapt_action(rng.normal(size=(2, 45)))
        ended.append(np.array(agent._memory))
        if is_told:
            agent.step(Timestep(None, None, rng.normal(size=2), None, None, {}))
    agent.adapt()
    agent.reset(np.ones(2, bool))
    assert np.array_equal(agent._memory, ended[-1]) and agent._has_ended.all()


def test_the_agent_sees_what_it_saw_in_training(trial):
    """Played with the actions of a training trial, the agent has the same memory at the same places."""
    rollout, memories = trial
    agent = rl2.as_agent(LEARNER, PARAMS)
    agent.init()
    for step in range(2 * CONFIG.max_episode_steps):
        if step % CONFIG.max_episode_steps == 0:
            agent.reset(np.ones(4, bool))
            if step:
                assert np.allclose(agent._memory, memories[1], atol=1e-6)
        shown = np.concatenate([rollout.obs[:, step], rollout.previous[:, step]], axis=1)
        shown[:, -1] = 0.0  # the environment's own flag is zero when an episode begins; the agent knows from `reset`
        agent.eval_action(shown)
    assert np.allclose(agent._memory, memories[2], atol=1e-6)


def test_published_evaluation_plays_the_agent():
    envs = gymnasium.make_vec(
        "Meta-World/ML1-test", env_name="reach", seed=1, meta_batch_size=2, max_episode_steps=5, recurrent_info_in_obs=True
    )
    success, mean_return, by_task = metalearning_evaluation(rl2.as_agent(LEARNER, PARAMS), envs, num_evals=1, adaptation_episodes=2)
    assert 0.0 <= success <= 1.0 and mean_return > 0.0 and list(by_task) == ["reach"]


@pytest.mark.parametrize("skip", [False, True])
def test_a_forgetful_policy_cannot_adapt(skip):
    """Neither memory nor the previous step change what it does; the observation does."""
    learner = with_settings(forgetful=True, skip=skip)
    policy = rl2.init(learner, seed=0).policy
    rng = np.random.default_rng(0)
    inputs, memory = rng.normal(size=(2, 3, 45)).astype(np.float32), rng.normal(size=(3, 5)).astype(np.float32)
    inputs[1, :, :39] = inputs[0, :, :39]
    one, other = (rl2.one_step(learner, policy, memory * i, jnp.asarray(inputs[i]))[1].mean for i in range(2))
    assert np.array_equal(one, other)
    assert not np.array_equal(one, rl2.one_step(learner, policy, memory, jnp.asarray(inputs[0] + 1.0))[1].mean)


def test_observations_without_the_previous_step_are_refused():
    agent = rl2.as_agent(LEARNER, PARAMS)
    agent.reset(np.ones(1, bool))
    with pytest.raises(ValueError, match="recurrent_info_in_obs=True"):
        agent.eval_action(np.zeros((1, 39)))


@pytest.mark.parametrize("head", ["film", "hypernetwork"])
def test_at_first_what_is_remembered_changes_no_action_and_yet_can_be_learned_from(head):
    """Bias-HyperInit: the policy begins as an ordinary network of its inputs, and the kernels from the memory have gradients."""
    learner = with_settings(head=head, head_width=4)
    weights, (first, second) = rl2.init(learner, seed=0).policy.weights, jax.random.normal(jax.random.PRNGKey(1), (2, 6, 5))
    encoded = jax.random.normal(jax.random.PRNGKey(2), (6, 8))

    @jax.jit
    def mean(weights, memory, encoded):
        return learner.policy.apply(weights, memory, encoded, method="act").mean

    assert np.array_equal(mean(weights, first, encoded), mean(weights, second, encoded))
    assert not np.allclose(mean(weights, first, encoded), mean(weights, first, encoded[::-1]), atol=1e-5), "inputs matter"
    slopes = jax.jit(jax.grad(lambda weights: (mean(weights, first, encoded) ** 2).sum()))(weights)["params"]["context_head"]
    from_memory = {"film": "Dense_0", "hypernetwork": "Dense_0"}[head]
    assert not weights["params"]["context_head"][from_memory]["kernel"].any() and slopes[from_memory]["kernel"].any()
    moved = jax.tree.map(lambda weight, slope: weight - 10.0 * slope, weights["params"]["context_head"], slopes)
    changed = {"params": {**weights["params"], "context_head": moved}}
    assert not np.allclose(mean(changed, first, encoded), mean(changed, second, encoded), atol=1e-7)


def test_tasks_gradients_are_combined_and_their_conflict_is_measured():
    """The mean of equally many sequences of each task is the plain gradient, and every task is in each minibatch."""
    tiny = {"benchmark": "ML10", "task": "", "meta_batch": 10, "episodes": 1, "bptt_steps": 3, "minibatches": 2, "epochs": 1}
    plain, mean = with_settings(**tiny), with_settings(**tiny, combination="mean")
    agent, rng = rl2.init(plain, seed=0), np.random.default_rng(0)
    sequences = trials.Sequences(
        *(rng.normal(size=(20, *shape)).astype(np.float32) for shape in ((5,), (3, 45), (3, 4), (3,), (3,), (3, 1), (3,), (39,)))
    )
    orders = rl2.minibatch_order(mean.config, jax.random.PRNGKey(0))
    assert orders.shape == (2, 10, 1) and (np.asarray(orders) // 2 == np.arange(10)[:, None]).all(), "a task's sequences stand in a row"
    chosen = np.asarray(orders[0])
    of_tasks, of_all = (jax.tree.map(lambda x, at=at: x[at], sequences) for at in (chosen, chosen.ravel()))
    updates, _, _ = jax.jit(partial(rl2.policy_step, plain))(agent.policy, agent.policy_opt, of_all, KEY)
    opt = mean.policy_optimizer.init(agent.policy.weights)
    same, _, metrics = jax.jit(partial(rl2.policy_step, mean))(agent.policy, opt, of_tasks, KEY)
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(*map(jax.tree.leaves, (updates, same)), strict=True))
    assert 0.0 < metrics["conflicting_pairs"] <= 1.0 and -1.0 <= metrics["mean_cosine"] <= 1.0


@pytest.mark.parametrize(("baseline", "bins"), [(LINEAR, 0), (CRITIC, 0), (CRITIC, 11)])
def test_learning_raises_the_surrogate(trial, baseline, bins):
    learner = with_settings(baseline=baseline, critic_bins=bins)
    agent, sequences = trials.make_sequences(learner, rl2.init(learner, seed=0), *trial, INSTANCES)

    def measure(agent):
        surrogate = rl2.loss(learner, *agent.policy, sequences, KEY)[1]["surrogate"]
        return float(surrogate), float(rl2.critic_grad(learner, agent.critic, sequences)[1])

    before, learn = measure(agent), jax.jit(partial(rl2.learn, learner))
    for iteration in range(3):
        agent, _ = learn(agent, sequences, jax.random.PRNGKey(0), iteration)
    after = measure(agent)
    assert after[0] > before[0] and (after[1] < before[1]) == (baseline == CRITIC)


def test_learning_is_the_same_in_microbatches(trial, monkeypatch):
    """A few sequences at a time, and the critic a few steps, as large minibatches are learned from on a processor."""
    learner = with_settings(baseline=CRITIC, information_weight=1e-3)
    agent, sequences = trials.make_sequences(learner, rl2.init(learner, seed=0), *trial, INSTANCES)
    found = []
    for least, expected in ((10**9, (1, 1)), (6, (2, 2))):
        monkeypatch.setattr(accumulation, "LEAST", least)
        monkeypatch.setattr(accumulation, "MOST", 2 * least)
        assert (accumulation.num_microbatches(4, 6), accumulation.num_microbatches(24)) == expected
        new, metrics = jax.jit(partial(rl2.learn, learner))(agent, sequences, KEY, 0)
        found.append(ravel_pytree((new.policy.weights, new.critic, metrics))[0])
    assert np.allclose(*found, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bptt_steps": 5}, "bptt_steps must divide the 18 steps learned from at once"),
        ({"rollout_steps": 5, "baseline": "critic"}, "rollout_steps must divide the 18 steps of a trial"),
        ({"rollout_steps": 6}, "want the critic's value of the rest: set baseline=critic"),
        ({"minibatches": 5}, "minibatches must divide the 12 sequences"),
        ({"task": ""}, "ML1 wants a task"),
        ({"benchmark": "MT10"}, "benchmark must be ML1, ML10"),
        ({"benchmark": "ML10", "task": "", "meta_batch": 15}, "meta_batch must be a multiple of the 10 training tasks"),
        ({"episodes": -1}, "episodes must be at least 1"),
        ({"trial_episodes": -1}, "trial_episodes must be at least 1, or 0"),
        ({"augmentation": 0.5}, "which are known with normalize_inputs only"),
        ({"min_input_std": 0.0}, "min_input_std must be positive, got 0.0"),
        ({"min_input_std": 0.2}, "min_input_std is of inputs in units of their deviations: set normalize_inputs"),
        ({"advantages_by_task": True}, "advantages_by_task says how normalize_advantages does it"),
        ({"information_weight": -1.0}, "information_weight must not be negative"),
        ({"information_weight": 1.0, "information_std": 0.0}, "and information_std positive"),
        ({"baseline": "none"}, "baseline must be linear or critic, got 'none'"),
        ({"critic_bins": 11}, "critic_bins are of baseline=critic"),
        ({"final_learning_rate": 1.0}, "final_learning_rate must lie between 0 and learning_rate 0.0005, got 1.0"),
        ({"values_by_task": True}, "values_by_task is of the critic's values: set baseline=critic"),
        ({"final_max_std": 0.1}, "the same for all observations: switch state_dependent_std off"),
        ({"final_max_std": 2.0, "max_std": 1.5, "state_dependent_std": False}, "not above max_std 1.5, got 2.0"),
        ({"target_kl": -1.0}, "target_kl must not be negative"),
        ({"precision": "half"}, "precision must be float32 or bfloat16, got 'half'"),
        ({"head": "flim"}, "head must be one of linear, film, hypernetwork, got 'flim'"),
        ({"combination": "pcgrad"}, "several tasks' gradients, and ML1 trains on one"),
        ({"benchmark": "ML10", "task": "", "meta_batch": 10, "combination": "mean", "minibatches": 6}, "each task's 3 sequences, got 6"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Rl2Config(**{**vars(CONFIG), **changes})


def test_published_settings():
    config = rl2_config.PUBLISHED
    assert (config.meta_batch, config.episodes, config.total_env_steps, config.memory) == (20, 10, 20_000_000, 256)
    assert (config.epochs, config.bptt_steps, config.clip, config.learning_rate, config.trace) == (10, 250, 0.2, 5e-4, 0.95)
    assert config.tanh_mean and config.max_std is None and config.baseline == LINEAR
    assert Rl2Config(benchmark="ML1", task="reach").total_env_steps == 2_000_000


@pytest.mark.parametrize("benchmark", ["ML1", "ML10", "ML25", "ML45"])
def test_our_settings_fit_every_benchmark(benchmark):
    """As many goals of each task as fit into 50, all of ML1's, and whole sequences and minibatches of them."""
    config = replace(rl2_config.TUNED.as_said, benchmark=benchmark, task="reach" * (benchmark == "ML1"))
    assert config.meta_batch == {"ML1": 50, "ML10": 50, "ML25": 50, "ML45": 45}[benchmark] and config.max_std is not None
    dealt = Instances(replace(config, benchmark="ML1", task="reach", meta_batch=50), seed=1).of_iteration(3)
    assert len(set(map(repr, dealt))) == 50


def test_files_of_older_runs_mean_what_they_meant():
    """A head without bounds, noise from step to step by itself, and the memory as it was."""
    found = find_algorithm("rl2").config_from({"benchmark": "ML1", "task": "push", "width": 128, "seed": 1})
    assert found == Rl2Config(benchmark="ML1", task="push", width=128, total_env_steps=found.total_env_steps, meta_batch=found.meta_batch)
    assert (found.max_std, found.tanh_mean, found.noise_correlation, found.refresh_memory) == (None, False, 0.0, False)
    assert found.state_dependent_std and found.reads_last_action and not found.values_by_task
