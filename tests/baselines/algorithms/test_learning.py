"""Every algorithm on problems whose solution is known: where actions should go, and what they are worth."""

from dataclasses import replace

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp

from metaworld_baselines.algorithms import sac_update
from metaworld_baselines.algorithms.sac_config import SacConfig
from metaworld_baselines.algorithms.sac_learner import init, make_learner
from metaworld_baselines.experience import replay

CONFIG = SacConfig(
    benchmark="reach,drawer-close",
    width=32,
    depth=2,
    batch_per_task=64,
    learning_rate=1.5e-3,
    initial_temperature=0.1,
    discount=0.5,
    target_rate=0.1,
    chunk_vector_steps=2000,
)
BEST_ACTIONS = np.array([[0.5, -0.5, 0.0, 0.3], [-0.4, 0.2, 0.6, 0.0]], np.float32)  # one per task
METHODS = {"mt-sac": ("mean", "one-hot"), "mtmh-sac": ("mean", "multi-head"), "pcgrad-sac": ("pcgrad", "multi-head")}


def experience(rows, terminated):
    """Random actions at the same two states over and over; the reward falls with the squared distance to the task's best action."""
    rng = np.random.default_rng(0)
    action = rng.uniform(-1, 1, (2, rows, 4)).astype(np.float32)
    reward = 1.0 - ((action - BEST_ACTIONS[:, None]) ** 2).sum(-1)
    obs = np.broadcast_to(np.linspace(-1, 1, 39, dtype=np.float32), (2, rows, 39))
    return replay.pack(replay.Transition(obs, action, reward, obs, np.full((2, rows), terminated, np.float32)))


@pytest.mark.parametrize("name", METHODS)
def test_actors_find_each_tasks_best_action_and_critics_its_worth(name):
    """A problem that goes on for ever with discount ½: the best action is worth 1 / (1 − ½) = 2, give or take the entropy's bonus."""
    method, architecture = METHODS[name]
    learner = make_learner(replace(CONFIG, architecture=architecture, actor_combination=method, critic_combination=method), 0)
    buffer = replay.add(replay.empty(2, 4000), experience(4000, terminated=0.0))
    agent = jax.jit(lambda a, b: sac_update.update_often(learner, a, b, jax.random.PRNGKey(0), 0))(init(learner, 0), buffer)
    obs = replay.unpack(buffer.rows).obs[:, :1]
    mean, _ = learner.actor.apply(agent.actor, obs, learner.task_ids)
    assert np.abs(np.tanh(mean[:, 0]) - BEST_ACTIONS).max() < 0.15, np.tanh(mean[:, 0])
    q = learner.critic.apply(agent.critic, obs, jnp.asarray(BEST_ACTIONS)[:, None], learner.task_ids)
    assert np.abs(np.asarray(q) - 2.0).max() < 0.6, q
