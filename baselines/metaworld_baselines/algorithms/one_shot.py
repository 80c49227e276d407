"""One-shot imitation (Duan et al. 2017): one episode of the expert in, a new goal out. The goal itself is never shown.

A policy reads its observation, goal hidden, and a demonstration, at which it glances (networks/glances.py). It learns by cloning:

    minimise  mean over goals g of  |π(s, demonstration of g) − a*|,   s and a* from another episode of g

That other episode was played with noise, or with the object placed elsewhere, so that doing the demonstration's actions over again does not
solve it. Evaluations are on held-out goals: the expert plays one episode of each, once, and the policy plays what was demonstrated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Int

from metaworld_baselines.algorithms.augmentation import OBSERVATION_FRAME
from metaworld_baselines.algorithms.imitation import learn_from_demonstrations
from metaworld_baselines.algorithms.one_shot_config import OneShotConfig
from metaworld_baselines.algorithms.one_shot_evaluation import (
    ELSEWHERE,
    FEATURES,
    OneShotAgent,
    evaluate_one_shot,
    frames_of,
    goals_of,
    moved,
)
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.experts import play_experts
from metaworld_baselines.networks.glances import GlancingPolicy
from metaworld_baselines.networks.scaling import Scale, new_scale, rescaled, updated_scale
from metaworld_baselines.runs.rl_run import RlRun
from metaworld_py import ACTION_SIZE


class Policy(NamedTuple):
    """What acts."""

    weights: Any
    scale: Scale  # of the present frame


class OneShot(NamedTuple):
    """What learns, with its optimizer's state."""

    policy: Policy
    opt: Any


class Library(NamedTuple):
    """What experts did in training: several episodes of each goal."""

    obs: Float[Array, "goal episode step present"]
    action: Float[Array, "goal episode step action"]  # what the expert would do
    demonstration: Float[Array, "goal episode frame features"]


@dataclass(frozen=True)
class Learner:
    """What stays the same during a run."""

    config: OneShotConfig
    network: GlancingPolicy
    optimizer: optax.GradientTransformation


def make_learner(config: OneShotConfig) -> Learner:
    """Network and optimizer for a configuration."""
    rate = optax.cosine_decay_schedule(config.learning_rate, config.total_updates)
    network = GlancingPolicy(config.width, config.depth, config.glances, config.key_size, ACTION_SIZE)
    return Learner(config, network, optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.adam(rate)))


def init(learner: Learner, seed: int) -> OneShot:
    """The network at the start of a run."""

    @jax.jit
    def at_start(key: Array) -> OneShot:
        weights = learner.network.init(key, jnp.zeros(OBSERVATION_FRAME), jnp.zeros((learner.config.frames, FEATURES)))
        return OneShot(Policy(weights, new_scale(OBSERVATION_FRAME)), learner.optimizer.init(weights))

    return at_start(jax.random.PRNGKey(seed))


def make_library(config: OneShotConfig, seed: int) -> Library:
    """Several episodes of the expert on each training goal: the first as it would, every second with noise, objects moved if wanted."""
    parts = []
    for index, name in enumerate(config.tasks):
        goals = goals_of(config, name, seed, held_out=False)
        episodes = []
        for number in range(config.episodes_per_goal):
            instances = moved(goals, seed=[seed, index, number]) if number and config.move_objects else goals
            noise = config.noise_std * (number % 2)
            episodes.append(
                play_experts(
                    instances,
                    steps=config.demonstration_steps,
                    noise_std=noise,
                    seed=1000 * seed + config.episodes_per_goal * index + number,
                    reward_version=config.reward_version,
                )
            )
        parts += [jax.tree.map(lambda *each: np.stack(each, axis=1), *episodes)]
    obs, played, action, _ = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Library(obs[..., :OBSERVATION_FRAME], action, frames_of(obs, played, config.frames))


def act(learner: Learner, policy: Policy, obs: Float[Array, "*batch present"], shown: Float[Array, "*demos frame features"]) -> Array:
    """Actions for present frames, as demonstrated."""
    scaled = jnp.concatenate([rescaled(policy.scale, shown[..., :OBSERVATION_FRAME]), shown[..., OBSERVATION_FRAME:]], axis=-1)
    return learner.network.apply(policy.weights, rescaled(policy.scale, obs), scaled)


class Batch(NamedTuple):
    """A demonstration for each goal drawn, and steps of another episode of it."""

    demonstration: Float[Array, "goal frame features"]
    obs: Float[Array, "goal sample present"]
    action: Float[Array, "goal sample action"]


def draw_batch(config: OneShotConfig, library: Library, key: Array) -> Batch:
    """Random goals, two different episodes of each, and random steps of the second."""
    goals, episodes, steps = library.obs.shape[:3]
    keys, size = jax.random.split(key, 4), config.goals_per_batch
    goal: Int[Array, " goal"] = jax.random.randint(keys[0], (size,), 0, goals)
    shown = jax.random.randint(keys[1], (size,), 0, episodes)
    other = (shown + jax.random.randint(keys[2], (size,), 1, episodes)) % episodes
    step = jax.random.randint(keys[3], (size, config.steps_per_goal), 0, steps)
    at = goal[:, None], other[:, None], step
    return Batch(library.demonstration[goal, shown], library.obs[at], library.action[at])


def one_shot_loss(learner: Learner, weights: Any, scale: Scale, batch: Batch) -> Array:
    """Mean absolute distance from the expert's actions."""
    actions = act(learner, Policy(weights, scale), batch.obs, batch.demonstration[:, None])
    return jnp.abs(actions - batch.action).mean()


def learn(learner: Learner, agent: OneShot, library: Library, key: Array, iteration: int | Array) -> tuple[OneShot, dict[str, Array]]:
    """All gradient steps of an iteration in one compiled call; also mean metrics."""

    def step(agent: OneShot, key: Array) -> tuple[OneShot, Array]:
        (weights, scale), opt = agent
        loss, grads = jax.value_and_grad(partial(one_shot_loss, learner))(weights, scale, draw_batch(learner.config, library, key))
        updates, opt = learner.optimizer.update(grads, opt, weights)
        return OneShot(Policy(optax.apply_updates(weights, updates), scale), opt), loss

    keys = jax.random.split(jax.random.fold_in(key, iteration), learner.config.updates_per_iteration)
    agent, losses = jax.lax.scan(step, agent, keys)
    return agent, {"loss": losses.mean()}


def train(config: OneShotConfig, seed: int, run: RlRun) -> OneShot:
    """Train, or go on training, until the budget is spent.

    Raises:
      FloatingPointError: the run has diverged.
      TooSlowError: see `RlRun.check_throughput`.
    """
    learner = make_learner(config)
    library = make_library(config, seed)  # the same again where a run goes on
    agent = init(learner, seed)
    scale = updated_scale(new_scale(OBSERVATION_FRAME), library.obs.reshape(-1, OBSERVATION_FRAME).T)
    saved = run.restore(agent)
    agent = agent._replace(policy=agent.policy._replace(scale=scale)) if saved is None else jax.device_put(saved[0])
    compiled, key = jax.jit(partial(learn, learner)), jax.random.PRNGKey(seed + 1_000_000)  # apart from the network's
    library = jax.device_put(library)
    return learn_from_demonstrations(
        config,
        run,
        agent,
        lambda agent, iteration: compiled(agent, library, key, iteration),
        partial(evaluate_and_keep, learner, seed, run),
    )


def evaluate_and_keep(learner: Learner, seed: int, run: RlRun, policy: Policy) -> None:
    """Held-out goals, once each, with objects elsewhere than demonstrated; keeps the last and the best policy."""
    result = evaluate_one_shot(as_agent(learner, policy), learner.config, seed, ELSEWHERE)
    is_best = run.evaluated(result)
    run.keep_actor(policy, is_best=is_best)


def as_agent(learner: Learner, policy: Policy) -> OneShotAgent:
    """A policy for `evaluate_one_shot`."""
    return OneShotAgent(partial(act, learner), policy, learner.config.frames)
