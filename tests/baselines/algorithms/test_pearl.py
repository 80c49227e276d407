"""PEARL: beliefs against closed forms, hidden goals, what experience is kept of each goal, and that its losses teach what they should."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp
import optax

from metaworld_baselines.algorithms import pearl
from metaworld_baselines.algorithms.meta import Instances, make_train_envs
from metaworld_baselines.algorithms.pearl_config import PearlConfig
from metaworld_baselines.experience import goal_buffer
from metaworld_baselines.experience.goal_buffer import CONTEXT_SIZE, ROW_SIZE
from metaworld_baselines.experience.on_policy import OnPolicyCollector
from metaworld_baselines.networks.context_encoder import Belief, ContextEncoder, prior, product_of_gaussians
from metaworld_py.evaluation import Timestep
from metaworld_py.evaluation.adaptation import evaluate_adaptation

CONFIG = PearlConfig(
    benchmark="ML1",
    task="reach",
    max_episode_steps=6,
    meta_batch=4,
    width=8,
    depth=1,
    encoder_width=8,
    encoder_depth=1,
    latent=2,
    context_size=5,
    goals_per_update=3,
    batch_per_goal=7,
    updates_per_iteration=2,
    buffer_per_goal=20,
)
LEARNER = pearl.make_learner(CONFIG)
AGENT = pearl.init(LEARNER, seed=0)


def test_a_product_of_gaussians_equals_its_closed_form():
    """Two normal densities by hand, and many by multiplying their values on a grid."""
    one = product_of_gaussians(jnp.array([[1.0], [4.0]]), jnp.array([[1.0], [2.0]]))
    assert np.allclose(one.mean, (1.0 / 1.0 + 4.0 / 2.0) / (1.0 + 0.5)) and np.allclose(one.variance, 1.0 / 1.5)
    rng = np.random.default_rng(0)
    mean, variance, grid = rng.normal(size=(6, 1)), rng.uniform(0.5, 2.0, size=(6, 1)), np.linspace(-8.0, 8.0, 20_001)
    density = np.exp(-0.5 * (((grid - mean) ** 2) / variance).sum(axis=0))
    density /= density.sum()
    found, centre = product_of_gaussians(jnp.array(mean), jnp.array(variance)), (density * grid).sum()
    assert np.allclose(found.mean, centre, atol=1e-4) and np.allclose(found.variance, (density * (grid - centre) ** 2).sum(), atol=1e-4)


def test_the_divergence_from_the_prior_equals_an_average_of_log_densities():
    belief = Belief(jnp.array([0.5, -1.0]), jnp.array([0.3, 2.0]))
    z = np.asarray(belief.at(np.random.default_rng(0).normal(size=(200_000, 2)).astype(np.float32)))
    ratio = -0.5 * ((z - belief.mean) ** 2 / belief.variance + np.log(belief.variance)) + 0.5 * z**2
    assert np.isclose(belief.kl_to_prior(), ratio.sum(axis=1).mean(), rtol=0.01)
    assert np.allclose(prior(3, 2).kl_to_prior(), 0.0)


def test_beliefs_do_not_depend_on_the_order_of_experience_and_sharpen_with_it():
    encoder, context = ContextEncoder(8, 2, 3), jax.random.normal(jax.random.PRNGKey(0), (2, 9, CONTEXT_SIZE))
    params = encoder.init(jax.random.PRNGKey(1), context)
    belief, shuffled = encoder.apply(params, context), encoder.apply(params, context[:, np.random.default_rng(0).permutation(9)])
    assert all(np.allclose(one, other, rtol=1e-4, atol=1e-6) for one, other in zip(belief, shuffled, strict=True))
    assert (belief.variance < encoder.apply(params, context[:, :4]).variance).all()


def test_each_goal_keeps_its_newest_experience():
    def rows(value, steps=6):
        return jnp.full((1, steps, ROW_SIZE), float(value)) + 0.01 * jnp.arange(steps)[:, None]

    buffer = goal_buffer.empty(3, 10)
    buffer = goal_buffer.add(buffer, np.array([2, 0, 2]), jnp.concatenate([rows(1), rows(2), rows(3)]))  # goal 2 comes twice
    assert buffer.num_added.tolist() == [6, 0, 12]
    assert set(goal_buffer.draw_goals(buffer, 2, jax.random.PRNGKey(0)).tolist()) == {0, 2}, "goal 1 was never played"
    drawn = goal_buffer.draw_rows(buffer, np.array([0, 2]), 200, 6, jax.random.PRNGKey(1))[..., 0]
    assert np.allclose(np.unique(drawn[0]), 2.0 + 0.01 * np.arange(6)) and np.allclose(np.unique(drawn[1]), 3.0 + 0.01 * np.arange(6))
    everything = goal_buffer.draw_rows(buffer, np.array([2]), 400, 100, jax.random.PRNGKey(2))[..., 0]
    assert len(np.unique(everything)) == 10, "a ring of ten, the two oldest are gone"


def test_rows_are_the_transitions_that_were_played_and_goals_are_hidden():
    collector = OnPolicyCollector(make_train_envs(CONFIG, seed=1), pearl.make_act(LEARNER), seed=1)
    collector.restart(Instances(CONFIG, seed=1).of_iteration(0))
    z = np.zeros((4, 2), np.float32)
    rollout, _, _ = collector.collect(AGENT.acting, 12, 0, memory=z)
    rows = goal_buffer.rows_of(rollout)
    assert np.all(rollout.obs[..., 36:] == 0.0) and np.all(rollout.next_obs[..., 36:] == 0.0)
    steps = goal_buffer.steps_of(rows)
    assert np.allclose(steps.reward, rollout.reward, rtol=1e-6) and np.array_equal(steps.next_obs, rollout.next_obs)
    assert np.array_equal(steps.action, rollout.action), "tanh keeps actions in the box"
    assert np.array_equal(goal_buffer.context_of(rows)[..., :39], rollout.obs) and goal_buffer.context_of(rows).shape[-1] == CONTEXT_SIZE


def batch(key=0):
    keys = jax.random.split(jax.random.PRNGKey(key), 2)
    rows = jax.random.normal(keys[1], (3, 7, ROW_SIZE))
    return pearl.Batch(jax.random.normal(keys[0], (3, 5, CONTEXT_SIZE)), goal_buffer.steps_of(rows))


def test_the_belief_learns_from_the_critics_errors_and_the_actor_leaves_it_alone():
    both, key = (AGENT.critic, AGENT.acting.encoder), jax.random.PRNGKey(0)

    def gradients(learner, key):
        return jax.jit(jax.grad(partial(pearl.critic_loss, learner), has_aux=True))(both, AGENT, batch(), key)[0]

    _, of_encoder = gradients(pearl.make_learner(replace(CONFIG, kl_weight=0.0)), key)
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(of_encoder)) > 0.0
    after, _ = jax.jit(partial(pearl.update, LEARNER))(AGENT, batch(), key)
    change, _ = jax.jit(LEARNER.optimizer.update)(gradients(LEARNER, jax.random.split(key)[0]), AGENT.critic_opt)
    by_critics = optax.apply_updates(both, change)[1]
    assert all(np.allclose(*pair, atol=1e-7) for pair in zip(*map(jax.tree.leaves, (after.acting.encoder, by_critics)), strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(*map(jax.tree.leaves, (after.acting.actor, AGENT.acting.actor)), strict=True))


def test_critics_learn_what_steps_are_worth():
    """Without a future, values become rewards; of goals that differ in rewards alone, only the context can tell them apart."""
    learner = pearl.make_learner(replace(CONFIG, discount=0.0, learning_rate=1e-2, kl_weight=1e-4, width=32, encoder_width=32))
    agent, rewards = pearl.init(learner, seed=0), jnp.array([-1.0, 0.0, 1.0])
    steps, sign = batch().steps, rewards[:, None, None]
    context = jnp.concatenate([jnp.zeros((3, 5, CONTEXT_SIZE - 1)), jnp.broadcast_to(sign, (3, 5, 1))], axis=-1)
    whole = pearl.Batch(context, steps._replace(reward=jnp.broadcast_to(rewards[:, None], (3, 7))))

    @jax.jit
    def many(agent):
        return jax.lax.scan(
            lambda agent, key: pearl.update(learner, agent, whole, key), agent, jax.random.split(jax.random.PRNGKey(1), 300)
        )

    errors = np.asarray(many(agent)[1]["critic_loss"])
    assert errors[-20:].mean() < 0.1 * errors[:3].mean()


def test_the_agent_adapts_by_what_it_remembers_and_forgets_it_with_new_goals():
    agent, rng = pearl.as_agent(LEARNER, AGENT.acting, seed=0), np.random.default_rng(0)
    observations, everywhere = rng.normal(size=(3, 39)), np.ones(3, dtype=bool)
    agent.reset(everywhere)
    before = agent.eval_action(observations)
    for _ in range(8):
        action, aux = agent.adapt_action(observations)
        over = np.zeros(3, dtype=bool)
        agent.step(Timestep(observations, action, rng.normal(size=3), over, over, aux))
    assert np.array_equal(agent.eval_action(observations), before), "the belief changes with the next episode"
    agent.adapt()
    agent.reset(everywhere)
    assert not np.allclose(agent.eval_action(observations), before, atol=1e-6)
    agent.init()
    agent.reset(everywhere)
    assert np.array_equal(agent.eval_action(observations), before)


def test_few_shot_evaluation_plays_the_agent():
    keywords = {"instances_per_task": 2, "adaptation_episodes": 2, "evaluation_episodes": 1, "max_episode_steps": 5}
    one, other = (evaluate_adaptation(pearl.as_agent(LEARNER, AGENT.acting), "reach", **keywords) for _ in range(2))
    assert one.after.tasks[0].returns == other.after.tasks[0].returns and one.after.tasks[0].episodes == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"goals_per_update": 5}, "must lie in 1…4, the goals of an iteration, got 5"),
        ({"buffer_per_goal": 11}, "must hold the 12 steps"),
        ({"latent": 0}, "latent must be at least 1"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **changes)
