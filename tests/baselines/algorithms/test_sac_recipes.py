"""SAC's recipes that need fewer steps: distributions, embeddings, reward scaling, resets; and what older files mean."""

from dataclasses import asdict, replace
from functools import cache, partial

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp
from safetensors.numpy import load_file

from metaworld_baselines import train
from metaworld_baselines.algorithms import sac_learner, sac_losses, sac_update
from metaworld_baselines.algorithms.registry import find_algorithm
from metaworld_baselines.algorithms.reward_scaling import RewardScaling, return_scale, reward_factors
from metaworld_baselines.algorithms.sac_config import SacConfig
from metaworld_baselines.experience import replay
from metaworld_baselines.experience.replay import Transition
from metaworld_baselines.runs import checkpoints

SMALL = SacConfig(benchmark="reach,push,drawer-close", width=8, depth=1, batch_per_task=8, max_episode_steps=100, buffer_per_task=200)
BRC = replace(
    SMALL,
    actor_torso="residual",
    critic_torso="residual",
    critic_width=16,
    critic_bins=11,
    critic_reduction="mean",
    normalize_returns=True,
    task_embedding=5,
    weight_decay=1e-4,
)
ARS = replace(SMALL, reward_factors=True, reset_every_env_steps=400_000)
HEADER = {"algorithm": "mt-sac", "config": {}}
FIELDS_OF_FIRST_FILES = set(asdict(SMALL)) - {
    "actor_torso",
    "critic_torso",
    "critic_width",
    "critic_depth",
    "critic_bins",
    "critic_reduction",
    "task_embedding",
    "n_steps",
    "normalize_returns",
    "value_range",
    "weight_decay",
    "reset_every_env_steps",
    "reset_updates",
    "reward_factors",
}


@cache
def made(config):
    learner = sac_learner.make_learner(config, 0)
    return learner, sac_learner.init(learner, 0)


def random_buffer(seed=0, pay=(1.0, 2.0, 4.0)):
    """Rewards of 0 … 2 · pay; the ring is half full, and what lies behind is not to be read."""
    rng = np.random.default_rng(seed)
    obs, next_obs = rng.normal(size=(2, 3, 100, 39)).astype(np.float32)
    reward = rng.uniform(0, 2, (3, 100)) * np.array(pay)[:, None]
    rows = replay.pack(Transition(obs, rng.uniform(-1, 1, (3, 100, 4)), reward, next_obs, np.zeros((3, 100))))
    return replay.add(replay.empty(3, 200), rows), reward


def same(one, other):
    return all(np.array_equal(*pair) for pair in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


def test_returns_come_to_fill_the_range():
    """A task whose episodes bring at most 90, with a temperature of 0.1 and a bonus of 0.1 · 2 · 50 = 10: the unit is 10 / 100."""
    settings = {"target_entropy": -2.0, "discount": 0.99, "value_range": 10.0}
    assert np.allclose(return_scale(jnp.array([90.0, 990.0]), jnp.full(2, 0.1), **settings), [0.1, 0.01])


def test_factors_make_mean_rewards_alike():
    means = jnp.array([0.5, 2.0, 4.0])
    assert np.allclose(reward_factors(means) * means, 4.0)
    assert np.allclose(reward_factors(jnp.array([0.0, 4.0])), [400.0, 1.0]), "of a task that pays nothing it stays finite"


def test_targets_see_scaled_rewards():
    """At the problem's end a target is the reward: times the factor of its task."""
    learner, agent = made(ARS)
    buffer, _ = random_buffer()
    batch = replay.batch_of(buffer, np.arange(24).reshape(3, 8))._replace(terminated=np.ones((3, 8), np.float32))
    agent = agent._replace(scaling=RewardScaling(jnp.zeros(3), jnp.array([4.0, 2.0, 1.0])))
    targets = sac_losses.critic_targets(learner, agent, batch, np.zeros((3, 8, 4)))
    assert np.allclose(targets, batch.reward * np.array([[4.0], [2.0], [1.0]]))


def test_a_reset_begins_anew_with_factors_from_the_buffer():
    learner, agent = made(ARS)
    buffer, reward = random_buffer()
    agent = agent._replace(log_temperature=agent.log_temperature - 1.0)
    after = jax.jit(partial(sac_update.reset, learner))(agent, buffer, jax.random.PRNGKey(7))
    fresh = jax.jit(partial(sac_learner.begin, learner))(jax.random.PRNGKey(7))
    assert same(after._replace(scaling=None), fresh._replace(scaling=None)) and not np.array_equal(after.actor, agent.actor)
    means = reward.mean(axis=1)
    assert np.allclose(after.scaling.factor, means.max() / means, rtol=1e-5)


def test_a_reset_keeps_what_is_known_of_returns():
    learner, agent = made(replace(BRC, reset_every_env_steps=100_000))
    agent = sac_update.with_returns(sac_update.with_returns(agent, np.array([5.0, 1.0, 9.0])), np.array([0.0, 3.0, 2.0]))
    after = jax.jit(partial(sac_update.reset, learner))(agent, random_buffer()[0], jax.random.PRNGKey(7))
    assert np.array_equal(after.scaling.largest_return, [5.0, 3.0, 9.0]) and np.array_equal(after.scaling.factor, [1.0] * 3)


def test_resets_come_at_multiples_of_their_interval_but_not_while_acting_at_random():
    config = replace(SMALL, envs_per_task=2, reset_every_env_steps=1_000, warmup_vector_steps=200)
    assert config.env_steps_per_chunk == 300 and config.random_chunks == 4
    assert [iteration for iteration in range(14) if config.resets_before(iteration)] == [7, 10]
    assert not any(SMALL.resets_before(iteration) for iteration in range(100)) and replace(config, reset_updates=120).reset_calls == 3


def test_an_update_with_everything_moves_all_networks_and_the_embedding():
    learner, before = made(BRC)
    before = sac_update.with_returns(before, np.array([100.0, 200.0, 300.0]))
    buffer, _ = random_buffer()
    draws = sac_update.draw(learner, buffer, jax.random.PRNGKey(0))
    after = jax.jit(partial(sac_update.update, learner))(before, replay.batch_of(buffer, draws.index), draws)
    for network, name in ((learner.actor, "actor"), (learner.critic, "critic")):
        for one, other in zip(*(jax.tree.leaves(network.tree(getattr(agent, name))) for agent in (before, after)), strict=True):
            assert np.isfinite(other).all() and not np.allclose(one, other, atol=1e-7)
    metrics = jax.jit(partial(sac_update.look, learner))(after, buffer, jax.random.PRNGKey(0), 0)
    assert np.abs(metrics["q"]).max() <= BRC.value_range and all(np.isfinite(values).all() for values in metrics.values())


def test_the_actor_is_told_the_task_by_the_critics_embedding_and_does_not_move_it():
    learner, agent = made(BRC)
    obs, noise = np.zeros((3, 8, 39), np.float32), np.zeros((3, 8, 4), np.float32)

    def losses(critic):
        features = sac_learner.task_features(learner, critic)
        return learner.actor.apply(agent.actor, obs, learner.task_ids, features)[0].sum() + noise.sum()

    assert (np.asarray(jax.grad(losses)(agent.critic)) == 0).all()
    tree = sac_learner.actor_tree(learner, agent)
    features = tree[sac_learner.EMBEDDINGS]
    assert features.shape == (3, 5) and np.allclose(np.linalg.norm(features, axis=-1), 1.0, atol=1e-6)
    mean, _ = learner.actor.apply(agent.actor, obs[:, 0], np.eye(3, dtype=np.float32), features)
    policy = sac_learner.as_agent(learner, tree)
    actions = policy.eval_action(np.concatenate([obs[:, 0], np.eye(3)], axis=-1))
    assert np.allclose(actions, np.tanh(mean), atol=1e-6) and not np.allclose(actions[0], actions[1])


@pytest.mark.parametrize("config", [SMALL, BRC, ARS], ids=["plain", "BRC", "ARS"])
def test_everything_that_learns_goes_through_a_file(config, tmp_path):
    learner, agent = made(config)
    checkpoints.save(tmp_path / "all.safetensors", agent, HEADER)
    assert same(checkpoints.restore(tmp_path / "all.safetensors", agent), agent)
    checkpoints.lighten(tmp_path / "all.safetensors", tmp_path / "light.safetensors", sac_learner.Networks._fields)
    kept = sac_learner.Networks(agent.actor, agent.critic, agent.log_temperature, agent.scaling)
    assert same(checkpoints.restore(tmp_path / "light.safetensors", kept), kept)
    assert same(checkpoints.restore(tmp_path / "all.safetensors", agent), agent)
    checkpoints.save(tmp_path / "actor.safetensors", sac_learner.actor_tree(learner, agent), HEADER)
    restored = find_algorithm("mt-sac").load(config, tmp_path / "actor.safetensors")
    obs = np.concatenate([np.ones((3, 39)), np.eye(3)], axis=-1)
    wanted = sac_learner.as_agent(learner, sac_learner.actor_tree(learner, agent)).eval_action(obs)
    assert np.array_equal(restored.eval_action(obs), wanted)


def test_files_without_these_settings_mean_the_plain_algorithm():
    plain = {name: value for name, value in asdict(SMALL).items() if name in FIELDS_OF_FIRST_FILES}
    assert len(plain) < len(asdict(SMALL)) - 10
    assert find_algorithm("mt-sac").config_from({**plain, "seed": 3}) == SMALL
    arrays = checkpoints.named(made(SMALL)[1])
    assert not [name for name in arrays if "scaling" in name] and arrays.keys() >= {"actor", "critic", "target_critic", "log_temperature"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"critic_bins": 101}, "with normalize_returns"),
        ({"critic_bins": 1, "normalize_returns": True}, "2 or more"),
        ({"normalize_returns": True, "warmup_vector_steps": 40}, "warmup_vector_steps of at least 100"),
        ({"reward_factors": True}, "set reset_every_env_steps"),
        ({"critic_torso": "transformer"}, "critic_torso must be one of mlp, residual"),
        ({"critic_reduction": "max"}, "critic_reduction must be one of min, mean"),
        ({"n_steps": 0}, "n_steps must be at least 1"),
        ({"task_embedding": -1}, "task_embedding must not be negative"),
        ({"value_range": 0.0}, "value_range must be positive"),
        ({"value_range": float("nan")}, "value_range must be positive"),
        ({"target_entropy": float("nan")}, "target_entropy must be a finite number"),
        ({"chunk_vector_steps": 50, "updates_per_vector_step": 0.15}, "must be a whole number of at least 1"),
    ],
)
def test_impossible_recipes_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **changes)


@pytest.mark.parametrize(("steps", "updates", "whole"), [(50, 0.14, 7), (30, 0.7, 21), (70, 0.1, 7)])
def test_updates_of_a_chunk_are_whole_but_for_rounding(steps, updates, whole):
    assert replace(SMALL, chunk_vector_steps=steps, updates_per_vector_step=updates).updates_per_chunk == whole


TINY = """
    mt-sac --benchmark reach,drawer-close --width 8 --depth 1 --batch-per-task 8 --max-episode-steps 30 --chunk-vector-steps 20
    --warmup-vector-steps 40 --buffer-per-task 400 --eval-instances 2 --eval-every-env-steps 400 --save-every-env-steps 400
    --log-every-env-steps 200 --n-steps 3 --reset-every-env-steps 480 --reset-updates 30 --actor-torso residual --critic-torso residual
    --critic-bins 11 --critic-reduction mean --normalize-returns --task-embedding 4
"""


@pytest.mark.slow
def test_a_run_with_everything_goes_on_as_if_it_had_never_stopped(tmp_path):
    """Stopped in the middle of episodes, before a reset and behind one; the end equals the uninterrupted run's to the last bit."""
    for out, stops in (("at-once", (1600,)), ("in-parts", (400, 1200, 1600))):
        for total in stops:
            assert train.main([*TINY.split(), "--seed", "3", "--out", str(tmp_path / out), "--total-env-steps", str(total)]) == 0
    folders = [tmp_path / out / "mt-sac-reach+drawer-close-seed3" for out in ("at-once", "in-parts")]
    one, other = (load_file(folder / checkpoints.RESUME) for folder in folders)
    assert one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
    assert "0/scaling/largest_return" in one and (one["0/scaling/largest_return"] > 0).all()
    headers = [checkpoints.read_header(folder / checkpoints.RESUME) for folder in folders]
    assert headers[0]["envs"] == headers[1]["envs"] and headers[0]["curve"] == headers[1]["curve"]
