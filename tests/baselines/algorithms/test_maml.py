"""MAML: the meta-gradient against finite differences, the outer step against its promises, agents that adapt."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import gymnasium
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from metaworld_baselines.algorithms import maml_trpo
from metaworld_baselines.algorithms.maml_config import PUBLISHED, TUNED, MamlConfig
from metaworld_baselines.algorithms.maml_trpo import Batch
from metaworld_baselines.algorithms.meta import Instances, make_train_envs
from metaworld_baselines.algorithms.privileged_critic import estimate_advantages, instance_inputs
from metaworld_baselines.experience.on_policy import OnPolicyCollector, standardized
from metaworld_baselines.gradients import accumulation
from metaworld_py.evaluation import Timestep, metalearning_evaluation

CONFIG = MamlConfig(benchmark="ML1", task="reach", max_episode_steps=8, episodes=2, meta_batch=3, width=6, depth=1)


def parts_of(**changes):
    return maml_trpo.make_learner(MamlConfig(**{**vars(CONFIG), **changes}))


def goals_of(before, after, key=0):
    """An iteration's experience, before one inner step or several and after."""
    before = (before,) if isinstance(before, Batch) else before
    return maml_trpo.Goals(jax.random.split(jax.random.PRNGKey(key), len(after.obs)), before, after)


def batches(learner, policy, seed, goals=3, samples=20):
    """Made-up experience (goal, sample, …) of a policy."""
    keys = jax.random.split(jax.random.PRNGKey(seed), 3)
    obs = jax.random.normal(keys[0], (goals, samples, 39))
    distribution = learner.policy.apply(policy, obs)
    action = distribution.sample(keys[1])
    return Batch(obs, action, distribution.log_prob(action), jax.random.normal(keys[2], (goals, samples)))


@pytest.mark.parametrize("inner_steps", [1, 2])
def test_the_meta_gradient_equals_finite_differences(inner_steps):
    """In double precision, through one and two inner steps."""
    with jax.enable_x64(True):
        learner = parts_of(inner_steps=inner_steps)
        policy = jax.tree.map(lambda x: jnp.asarray(x, jnp.float64), learner.policy.init(jax.random.PRNGKey(0), jnp.zeros(39)))
        before = tuple(batches(learner, policy, seed) for seed in range(inner_steps))
        after = batches(learner, policy, 9)
        flat, unravel = ravel_pytree(policy)

        @jax.jit
        def loss(x):
            return maml_trpo.outer_loss(learner, unravel(x), goals_of(before, after))

        gradient, rng = jax.jit(jax.grad(loss))(flat), np.random.default_rng(0)
        for _ in range(5):
            v = jnp.asarray(rng.normal(size=len(flat)))
            wanted = (loss(flat + 1e-5 * v) - loss(flat - 1e-5 * v)) / 2e-5
            assert np.isclose(gradient @ v, wanted, rtol=1e-6, atol=1e-9)


def test_first_order_leaves_out_the_second_derivatives():
    """FOMAML's gradient is that of the loss after adaptation, taken at the adapted parameters."""
    first, second = parts_of(first_order=True), parts_of()
    policy = first.policy.init(jax.random.PRNGKey(0), jnp.zeros(39))
    before, after = batches(first, policy, 0, goals=1), batches(first, policy, 1, goals=1)
    got = jax.jit(jax.grad(lambda p: maml_trpo.outer_loss(first, p, goals_of(before, after))))(policy)
    one = jax.tree.map(lambda x: x[0], (before, after))
    there = jax.jit(partial(maml_trpo.inner_step, second))(policy, one[0])
    wanted = jax.jit(jax.grad(partial(maml_trpo.policy_gradient_loss, second)))(there, one[1])
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True))
    whole = jax.jit(jax.grad(lambda p: maml_trpo.outer_loss(second, p, goals_of(before, after))))(policy)
    assert not np.allclose(ravel_pytree(whole)[0], ravel_pytree(got)[0], atol=1e-4)


def test_the_inner_step_is_a_policy_gradient_step():
    learner = parts_of(inner_learning_rate=0.05)
    policy = learner.policy.init(jax.random.PRNGKey(0), jnp.zeros(39))
    batch = jax.tree.map(lambda x: x[0], batches(learner, policy, 0, goals=1))

    def log_likelihood(p):
        return (learner.policy.apply(p, batch.obs).log_prob(batch.action) * batch.advantage).mean()

    wanted = jax.tree.map(lambda p, g: p + 0.05 * g, policy, jax.grad(log_likelihood)(policy))
    got = maml_trpo.inner_step(learner, policy, batch)
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True))


@pytest.fixture(scope="module")
def played():
    """A real iteration before its outer step: hidden goals, two phases."""
    learner = parts_of()
    agent = maml_trpo.init(learner, seed=0)
    collector = OnPolicyCollector(make_train_envs(CONFIG, 1, CONFIG.episodes), maml_trpo.make_act(learner), seed=1)
    goals = [task for task in Instances(CONFIG, 1).of_iteration(0) for _ in range(CONFIG.episodes)]
    collector.restart(goals)
    policies = maml_trpo.repeated(agent.policy, 3)
    before = collector.collect(policies, 8, 0)[0]
    collector.restart(goals)
    policies = maml_trpo.adapt_each(learner, policies, maml_trpo.make_batch(CONFIG, before, 3))
    after = collector.collect(policies, 8, 8)[0]
    return learner, agent, before, after


def test_goals_are_hidden_and_one_goal_has_a_row_of_environments(played):
    _, _, before, after = played
    assert not before.obs[..., 36:].any() and not after.obs[..., 36:].any()
    assert Instances(CONFIG, 1).of_iteration(0) != Instances(CONFIG, 1).of_iteration(1)
    dealt = [task for iteration in range(50) for task in Instances(CONFIG, 1).of_iteration(iteration)]
    assert all(dealt.count(task) == 3 for task in dealt), "150 of 50 instances: each comes three times"


def test_the_outer_step_keeps_its_bound_and_lowers_the_loss(played):
    learner, agent, before, after = played
    pre, post = maml_trpo.make_batch(CONFIG, before, 3), maml_trpo.make_batch(CONFIG, after, 3)
    old = maml_trpo.distributions(learner, agent.policy, goals_of(pre, post))
    assert np.allclose(old.log_prob(post.action), post.log_prob, atol=1e-3), "the adapted policies are those that acted"
    new, metrics = jax.jit(partial(maml_trpo.learn, learner))(agent, goals_of(pre, post))
    assert metrics["accepted"] and 0.0 < float(metrics["kl"]) <= CONFIG.max_kl
    losses = [float(maml_trpo.outer_loss(learner, policy, goals_of(pre, post))) for policy in (agent.policy, new.policy)]
    assert losses[1] < losses[0]
    assert float(maml_trpo.outer_kl(learner, new.policy, goals_of(pre, post), old)) <= CONFIG.max_kl * 1.01


def test_the_outer_ppo_lowers_its_loss(played):
    _, _, before, after = played
    learner = parts_of(outer="ppo", ppo_learning_rate=1e-3)
    agent = maml_trpo.init(learner, seed=0)
    learn = jax.jit(partial(maml_trpo.learn, learner))
    pre, post = maml_trpo.make_batch(CONFIG, before, 3), maml_trpo.make_batch(CONFIG, after, 3)
    new, metrics = learn(agent, goals_of(pre, post))
    assert float(learn(new, goals_of(pre, post))[1]["loss"]) < float(metrics["loss"]) and float(metrics["kl"]) > 0.0


def test_the_outer_ppo_is_the_same_goal_by_goal(played, monkeypatch):
    """Long episodes are learned from goal by goal, whose layers stay in a processor's cache."""
    _, _, before, after = played
    learner = parts_of(outer="ppo", ppo_learning_rate=1e-3, ppo_minibatches=4, information_weight=1e-3)
    agent, found = maml_trpo.init(learner, seed=0), []
    pre, post = maml_trpo.make_batch(CONFIG, before, 3), maml_trpo.make_batch(CONFIG, after, 3)
    rows = pre.advantage.shape[1]
    for least, expected in ((10**9, 1), (rows, 3)):
        monkeypatch.setattr(accumulation, "LEAST", least)
        monkeypatch.setattr(accumulation, "MOST", least)
        assert accumulation.num_microbatches(3, rows) == expected
        found.append(jax.jit(partial(maml_trpo.learn, learner))(agent, goals_of(pre, post)))
    whole, by_goal = (ravel_pytree((new.policy["params"], metrics))[0] for new, metrics in found)
    assert np.allclose(whole, by_goal, rtol=1e-3, atol=2e-5)
    assert not np.allclose(ravel_pytree(found[1][0].policy)[0], ravel_pytree(agent.policy)[0], atol=1e-3)


def test_a_first_layer_with_a_price_is_drawn_for_each_goal_and_does_not_adapt():
    learner = parts_of(information_weight=1e-4, information_std=0.5)
    policy = maml_trpo.init(learner, seed=0).policy
    keys = jax.random.split(jax.random.PRNGKey(3), 2)
    one, other, again = (maml_trpo.drawn_for(learner, policy, keys[number]) for number in (0, 1, 0))
    there = maml_trpo.inner_step(learner, one, jax.tree.map(lambda x: x[0], batches(learner, one, 0)))

    def same(first, second):
        return {
            layer: bool(np.array_equal(first["params"]["MLP_0"][layer]["kernel"], second["params"]["MLP_0"][layer]["kernel"]))
            for layer in first["params"]["MLP_0"]
        }

    assert same(one, other) == {"Dense_0": False, "Dense_1": True} == same(policy, one) and same(one, again)["Dense_0"]
    assert same(one, there) == {"Dense_0": True, "Dense_1": False}
    assert parts_of().config.information_weight == 0.0 and "log_std" not in maml_trpo.init(parts_of(), seed=0).policy


def test_the_price_of_a_first_layer_is_part_of_what_is_lowered():
    """Without anything to earn, the outer step takes the first layer towards the standard normal."""
    learner = parts_of(information_weight=1.0, outer="ppo", ppo_learning_rate=0.05, ppo_epochs=100)
    agent = maml_trpo.init(learner, seed=0)
    nothing = batches(learner, {"params": agent.policy["params"]}, 0)
    nothing = nothing._replace(advantage=jnp.zeros_like(nothing.advantage))
    _, metrics = jax.jit(partial(maml_trpo.learn, learner))(agent, goals_of(nothing, nothing))
    before = float(maml_trpo.meta_regularization.nats(agent.policy))
    assert float(metrics["nats"]) < 0.1 * before
    plain = float(maml_trpo.outer_loss(parts_of(), {"params": agent.policy["params"]}, goals_of(nothing, nothing)))
    whole = float(maml_trpo.outer_loss(learner, agent.policy, goals_of(nothing, nothing)))
    assert plain == pytest.approx(0.0, abs=1e-6) and whole == pytest.approx(before, rel=1e-5)


def test_the_trust_region_holds_with_a_price(played):
    _, _, before, after = played
    learner = parts_of(information_weight=1e-3, cg_damping=0.1)
    agent = maml_trpo.init(learner, seed=0)
    pre, post = maml_trpo.make_batch(CONFIG, before, 3), maml_trpo.make_batch(CONFIG, after, 3)
    new, metrics = jax.jit(partial(maml_trpo.learn, learner))(agent, goals_of(pre, post))
    assert bool(metrics["accepted"]) and float(metrics["kl"]) <= CONFIG.max_kl * 1.01
    assert np.isfinite(ravel_pytree(new.policy)[0]).all() and 0.0 < float(metrics["weights_std"]) < 0.1


@pytest.mark.parametrize("outer", ["trpo", "ppo"])
def test_meta_gradients_are_combined_and_their_conflict_is_measured(played, outer):
    """Of one task, those of its goals. Their mean is the outer gradient itself: so is the step; surgery keeps the bound as well."""
    _, agent, before, after = played
    pre, post = maml_trpo.make_batch(CONFIG, before, 3), maml_trpo.make_batch(CONFIG, after, 3)
    found = {}
    for combination in (None, "mean", "pcgrad"):
        learner = parts_of(outer=outer, combination=combination, cg_damping=0.1)  # or conjugate gradients make much of rounding
        start = maml_trpo.init(learner, seed=0)
        found[combination] = jax.jit(partial(maml_trpo.learn, learner))(start, goals_of(pre, post))
    plain, mean, surgery = (ravel_pytree(found[name][0].policy)[0] for name in (None, "mean", "pcgrad"))
    assert np.allclose(plain, mean, atol=2e-4) and not np.array_equal(plain, ravel_pytree(agent.policy)[0])
    assert np.isfinite(surgery).all() and "conflicting_pairs" not in found[None][1]
    assert 0.0 <= found["mean"][1]["conflicting_pairs"] <= 1.0 and -1.0 <= found["pcgrad"][1]["mean_cosine"] <= 1.0
    assert outer == "ppo" or found["pcgrad"][1]["kl"] <= CONFIG.max_kl


@pytest.mark.parametrize("outer", ["trpo", "ppo"])
def test_inputs_have_units_that_change_between_iterations_only(played, outer):
    """The scale takes part in no gradient, holds while densities of an iteration are compared, and then knows both phases' observations."""
    _, _, before, after = played
    learner = parts_of(normalize_inputs=True, outer=outer)
    agent = maml_trpo.init(learner, seed=0)
    agent = agent._replace(policy={**agent.policy, maml_trpo.SCALE: maml_trpo.new_scale(39)._replace(mean=jnp.full(39, 0.5))})
    pre, post = maml_trpo.make_batch(CONFIG, before, 3), maml_trpo.make_batch(CONFIG, after, 3)
    plain = maml_trpo.distribution_of(learner, {"params": agent.policy["params"]}, pre.obs - 0.5)
    assert np.allclose(maml_trpo.distribution_of(learner, agent.policy, pre.obs).mean, plain.mean, atol=1e-6)
    gradient = jax.jit(jax.grad(lambda policy: maml_trpo.outer_loss(learner, policy, goals_of(pre, post))))(agent.policy)
    assert not ravel_pytree(gradient[maml_trpo.SCALE])[0].any() and ravel_pytree(gradient["params"])[0].any()
    assert maml_trpo.inner_step(learner, agent.policy, jax.tree.map(lambda x: x[0], pre))[maml_trpo.SCALE] is agent.policy[maml_trpo.SCALE]
    scale = jax.jit(partial(maml_trpo.learn, learner))(agent, goals_of(pre, post))[0].policy[maml_trpo.SCALE]
    met = np.concatenate([pre.obs.reshape(-1, 39), post.obs.reshape(-1, 39)])
    assert (
        float(scale.count) == len(met) and np.allclose(scale.mean, met.mean(0), atol=1e-5) and np.allclose(scale.var, met.var(0), atol=1e-5)
    )
    obs = np.asarray(met[:4])
    player = maml_trpo.as_agent(learner, {**agent.policy, maml_trpo.SCALE: scale})
    player.reset(np.ones(4, bool))
    wanted = maml_trpo.distribution_of(learner, {**agent.policy, maml_trpo.SCALE: scale}, obs).mean
    assert np.allclose(player.eval_action(obs), np.clip(wanted, -1.0, 1.0), atol=1e-6)


def test_what_varies_little_is_not_blown_up_beyond_a_least_deviation():
    """Observations that vary by 3 cm in units of 0.2 m; a policy's actions follow."""
    obs = jnp.zeros((1, 39)).at[0, 4].set(0.06)
    for min_std, wanted in ((0.01, 2.0), (0.2, 0.3)):
        learner = parts_of(normalize_inputs=True, min_input_std=min_std)
        policy = maml_trpo.init(learner, seed=0).policy
        scale = policy[maml_trpo.SCALE]
        policy = {**policy, maml_trpo.SCALE: scale._replace(var=scale.var.at[4].set(0.03**2))}
        by_hand = maml_trpo.distribution_of(learner, {"params": policy["params"]}, jnp.zeros((1, 39)).at[0, 4].set(wanted))
        assert np.allclose(maml_trpo.distribution_of(learner, policy, obs).mean, by_hand.mean, atol=1e-6)


def test_a_critic_that_knows_the_instance_judges_the_outer_step(played):
    """Its advantages are GAE's over episodes, in units of the task's own, and it learns what returns are."""
    _, _, _before, after = played
    learner = parts_of(baseline="critic", critic_minibatches=4, critic_trace=0.9, critic_epochs=40)
    agent, config = maml_trpo.init(learner, seed=0), learner.config
    goals = [task for task in Instances(config, 1).of_iteration(0) for _ in range(2)]
    post, key = maml_trpo.make_batch(config, after, 3), jax.random.PRNGKey(0)
    taught, judged = maml_trpo.with_critics_advantages(learner, agent, after, post, goals, key)
    _, advantage, inputs, target = estimate_advantages(learner, agent, after, instance_inputs(config, goals))
    assert np.allclose(judged.advantage, standardized(advantage.reshape(3, 16)), atol=1e-5)
    assert all(np.array_equal(a, b) for a, b in zip(judged[:3], post[:3], strict=True))
    assert not np.allclose(judged.advantage, post.advantage, atol=0.1), "the linear fit's are others"
    errors = [float(np.mean((learner.critic.apply(critic, inputs)[..., 0] - target) ** 2)) for critic in (agent.critic, taught.critic)]
    assert errors[1] < 0.3 * errors[0]
    again = maml_trpo.with_critics_advantages(learner, taught, after, post, goals, key)[0]
    assert float(again.critic_scale.count) == 2 * 48 and float(again.target_scale.count) == 2 * 48
    longer = estimate_advantages(
        parts_of(baseline="critic", critic_minibatches=4, critic_trace=0.0), agent, after, instance_inputs(config, goals)
    )
    assert not np.allclose(longer[1], advantage, atol=1e-2)


def test_the_outer_ppo_takes_a_share_of_every_goals_steps_and_follows_a_divergence(played):
    _, _, before, after = played
    pre, post = maml_trpo.make_batch(CONFIG, before, 3), maml_trpo.make_batch(CONFIG, after, 3)
    moved = {}
    for target in (1e-9, 1e9):
        learner = parts_of(outer="ppo", ppo_learning_rate=1e-3, ppo_minibatches=4, ppo_target_kl=target)
        agent, metrics = jax.jit(partial(maml_trpo.learn, learner))(maml_trpo.init(learner, seed=0), goals_of(pre, post))
        assert float(metrics["rate_factor"]) == pytest.approx(float(agent.rate_factor))
        assert int(optax.tree_utils.tree_get(agent.opt, "count")) == 5 * 4
        moved[target] = float(metrics["rate_factor"]), float(metrics["kl"])
    assert moved[1e-9][0] < 1.0 <= moved[1e9][0] and moved[1e-9][1] < moved[1e9][1]


@pytest.mark.parametrize("outer", ["trpo", "ppo"])
def test_the_bound_of_the_standard_deviation_falls_at_the_end_of_the_budget(played, outer):
    _, _, before, after = played
    learner = parts_of(outer=outer, min_std=0.05, max_std=1.5, final_max_std=0.2, total_env_steps=1_000)
    pre, post = maml_trpo.make_batch(CONFIG, before, 3), maml_trpo.make_batch(CONFIG, after, 3)
    agent, learn = maml_trpo.init(learner, seed=0), jax.jit(partial(maml_trpo.learn, learner))
    early, late = (learn(agent, goals_of(pre, post), env_steps)[0].policy for env_steps in (500, 1_000))
    stds = [np.exp(maml_trpo.distribution_of(learner, policy, pre.obs[0]).log_std) for policy in (early, late)]
    assert stds[0].min() > 0.5 and np.allclose(stds[1], 0.2, atol=1e-4)
    assert np.array_equal(early["params"]["MLP_0"]["Dense_0"]["kernel"], late["params"]["MLP_0"]["Dense_0"]["kernel"])


def test_inner_rates_are_learned_parameter_by_parameter(played):
    """Meta-SGD: the outer step moves them with the weights, the inner step leaves them, and agents adapt with them."""
    _, _, before, after = played
    plain, learner = parts_of(), parts_of(learned_inner_rates=True)
    agent, same = maml_trpo.init(learner, seed=0), maml_trpo.init(plain, seed=0)
    pre, post = maml_trpo.make_batch(CONFIG, before, 3), maml_trpo.make_batch(CONFIG, after, 3)
    one = jax.tree.map(lambda x: x[0], pre)
    there, wanted = maml_trpo.inner_step(learner, agent.policy, one), maml_trpo.inner_step(plain, same.policy, one)
    assert all(np.allclose(a, b) for a, b in zip(jax.tree.leaves(there["params"]), jax.tree.leaves(wanted["params"]), strict=True))
    new, metrics = jax.jit(partial(maml_trpo.learn, learner))(agent, goals_of(pre, post))
    rates = ravel_pytree(new.policy[maml_trpo.INNER_RATES])[0]
    assert metrics["accepted"] and len(rates) == len(ravel_pytree(new.policy["params"])[0]) and np.std(rates) > 0.0
    zero = {**agent.policy, maml_trpo.INNER_RATES: jax.tree.map(jnp.zeros_like, agent.policy[maml_trpo.INNER_RATES])}
    still = maml_trpo.inner_step(learner, zero, one)
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(still), jax.tree.leaves(zero), strict=True))


def test_training_may_take_fewer_episodes_than_evaluations():
    config = parts_of(train_episodes=1).config
    assert (config.episodes_per_goal, config.episodes, config.env_steps_per_iteration) == (1, 2, 3 * 1 * 8 * 2)
    assert CONFIG.episodes_per_goal == 2


def test_advantages_are_standardized_goal_by_goal(played):
    batch = maml_trpo.make_batch(CONFIG, played[2], 3)
    assert batch.obs.shape == (3, 16, 39)
    assert np.allclose(batch.advantage.mean(1), 0.0, atol=1e-5) and np.allclose(batch.advantage.std(1), 1.0, atol=1e-3)
    assert np.array_equal(batch.obs[1, 8:], played[2].obs[3]), "the second goal's second episode"


def test_agents_adapt_each_environment_by_itself(played):
    """Fed with a training iteration's episodes, one after the other, the agent gets the parameters that training got."""
    learner, agent, before, _ = played
    player = maml_trpo.as_agent(learner, agent.policy)
    player.init()
    for episode in range(2):
        player.reset(np.ones(3, bool))
        for step in range(8):
            rows = [2 * goal + episode for goal in range(3)]
            aux = {"log_prob": before.log_prob[rows, step], "action": before.action[rows, step]}
            over = before.is_end[rows, step]
            player.step(Timestep(before.obs[rows, step], None, before.reward[rows, step], np.zeros(3, bool), over, aux))
    player.adapt()
    wanted = jax.jit(partial(maml_trpo.adapt_each, learner))(maml_trpo.repeated(agent.policy, 3), maml_trpo.make_batch(CONFIG, before, 3))
    assert all(np.allclose(a, b, atol=1e-4) for a, b in zip(jax.tree.leaves(player._policies), jax.tree.leaves(wanted), strict=True))
    obs = np.tile(np.linspace(-1, 1, 39), (3, 1))
    actions = player.eval_action(obs)
    assert np.ptp(actions, axis=0).max() > 0.0, "one policy a goal"
    player.init()
    player.reset(np.ones(3, bool))
    assert np.ptp(player.eval_action(obs), axis=0).max() == 0.0, "back to the common parameters"


def test_published_evaluation_plays_the_agent():
    learner = parts_of()
    agent = maml_trpo.as_agent(learner, maml_trpo.init(learner, seed=0).policy)
    envs = gymnasium.make_vec("Meta-World/ML1-test", env_name="reach", seed=1, meta_batch_size=2, max_episode_steps=5)
    success, mean_return, _ = metalearning_evaluation(agent, envs, num_evals=2, adaptation_episodes=2)
    assert 0.0 <= success <= 1.0 and mean_return > 0.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"outer": "sgd"}, "outer must be trpo or ppo"),
        ({"backtrack": 1.5}, "backtrack must lie between 0 and 1, got 1.5"),
        ({"max_backtracks": -1}, "max_backtracks must not be negative"),
        ({"max_kl": 0.0}, "max_kl is the size of the trust region's step"),
        ({"inner_steps": 0}, "inner_steps"),
        ({"train_episodes": -1}, "train_episodes"),
        ({"noise_correlation": 1.0}, "noise_correlation"),
        ({"max_std": 1.0}, "initial_std must lie between"),
        ({"baseline": "none"}, "baseline must be linear or critic, got 'none'"),
        ({"baseline": "critic", "critic_minibatches": 5}, "critic_minibatches must divide the 48 steps after adaptation, got 5"),
        ({"final_max_std": 2.0}, "not above initial_std 1.0, got 2.0"),
        ({"ppo_minibatches": 3}, "ppo_minibatches must divide a goal's 16 steps after adaptation, got 3"),
        ({"ppo_target_kl": -1.0}, "ppo_target_kl must not be negative"),
        ({"min_input_std": 0.2}, "min_input_std is of inputs in units of their deviations: set normalize_inputs"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        parts_of(**changes)


def test_published_settings():
    config = PUBLISHED
    assert (config.meta_batch, config.episodes, config.width, config.depth, config.inner_learning_rate) == (20, 10, 512, 2, 0.1)
    assert (config.max_kl, config.cg_iterations, config.cg_damping, config.backtrack, config.max_backtracks) == (0.01, 10, 1e-5, 0.8, 15)
    assert config.env_steps_per_iteration == 20 * 10 * 500 * 2


@pytest.mark.parametrize("benchmark", ["ML1", "ML10", "ML25", "ML45"])
def test_our_settings_make_more_outer_steps_of_the_published_budgets(benchmark):
    ours, published = (replace(of.as_said, benchmark=benchmark, task="reach" * (benchmark == "ML1")) for of in (TUNED, PUBLISHED))
    steps = [config.total_env_steps / config.env_steps_per_iteration for config in (ours, published)]
    assert steps[0] > 1.6 * steps[1] and ours.episodes == published.episodes == 10
