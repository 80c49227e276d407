"""Networks and optimizers of the SAC family, and the policies that they make."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

from metaworld_baselines.algorithms.reward_scaling import RewardScaling, new_scaling
from metaworld_baselines.algorithms.sac_config import ALL, SacConfig
from metaworld_baselines.algorithms.task_policy import TaskPolicy
from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.combination import MultiTaskOptimizer
from metaworld_baselines.gradients.methods import find_method
from metaworld_baselines.networks.actor_critic import ActionDistribution, twin
from metaworld_baselines.networks.multi_head import Network
from metaworld_baselines.networks.products import hidden_dtype
from metaworld_baselines.networks.task_embedding import EmbeddedCritics, TaskEmbedding
from metaworld_baselines.networks.values import CategoricalValues, ScalarValues, Values
from metaworld_py import ACTION_SIZE, OBSERVATION_SIZE

EMBEDDINGS = "task_embeddings"  # beside an actor's parameters


class Sac(NamedTuple):
    """Everything that learns, with its optimizers' states.

    A network's parameters are one vector: clipping, Adam and the target's step are one operation each instead of one per layer, and the
    Gram matrix of gradient surgery is one product.
    """

    actor: Float[Array, " actor_params"]
    critic: Float[Array, " critic_params"]  # both
    target_critic: Float[Array, " critic_params"]
    log_temperature: Float[Array, " task"]
    actor_opt: Any
    critic_opt: Any
    temperature_opt: Any
    scaling: RewardScaling | None = None  # of configurations that scale rewards


class Networks(NamedTuple):
    """What a run can go on from, if need be: the rest is the work of some thousand updates."""

    actor: Float[Array, " actor_params"]
    critic: Float[Array, " critic_params"]
    log_temperature: Float[Array, " task"]
    scaling: RewardScaling | None = None


@dataclass(frozen=True)
class Learner:
    """What stays the same during a run."""

    config: SacConfig
    num_tasks: int
    policy: ActionDistribution  # the actor as it plays: on the host, in float32
    actor: Network
    critic: Network  # twin
    values: Values  # what its outputs mean
    actor_opt: MultiTaskOptimizer
    critic_opt: MultiTaskOptimizer
    temperature_opt: optax.GradientTransformation

    @property
    def task_ids(self) -> Float[Array, "task 1 id"]:
        """One-hot ids, to broadcast over batches (task, batch, …)."""
        return jnp.eye(self.num_tasks)[:, None, :]


def make_learner(config: SacConfig, seed: int) -> Learner:
    """Networks and optimizers for a configuration."""
    num_tasks = len(config.tasks)
    dtype = hidden_dtype(config.precision)
    obs, action, task_id = jnp.zeros(OBSERVATION_SIZE), jnp.zeros(ACTION_SIZE), jnp.zeros(num_tasks)
    of_actor = num_tasks, config.width, config.depth, config.architecture
    of_critic = num_tasks, config.critic_width or config.width, config.critic_depth or config.depth, config.architecture
    critics = twin(*of_critic, dtype, torso=config.critic_torso, bins=config.critic_bins)
    embedding = None
    if config.task_embedding:
        critics, embedding = EmbeddedCritics(critics, TaskEmbedding(num_tasks, config.task_embedding)), jnp.zeros(config.task_embedding)
    actor = Network(ActionDistribution(*of_actor, dtype, config.actor_torso), obs, task_id, embedding)
    critic = Network(critics, obs, action, task_id)

    def optimizer(combination: str, network: Network, seed: int) -> MultiTaskOptimizer:
        clip, rate = optax.clip_by_global_norm(config.max_grad_norm), config.learning_rate
        adam = optax.adam(rate, eps=config.adam_eps)
        if config.weight_decay:
            adam = optax.adamw(rate, eps=config.adam_eps, weight_decay=config.weight_decay)
        shared = None if config.combined_params == ALL else lambda _: network.is_torso
        return MultiTaskOptimizer(find_method(combination, num_tasks), optax.chain(clip, adam), seed, shared)

    bins, reduction = config.critic_bins, config.critic_reduction
    return Learner(
        config=config,
        num_tasks=num_tasks,
        policy=ActionDistribution(*of_actor, torso=config.actor_torso),
        actor=actor,
        critic=critic,
        values=CategoricalValues(bins, config.value_range, reduction) if bins else ScalarValues(reduction),
        actor_opt=optimizer(config.actor_combination, actor, 2 * seed),
        critic_opt=optimizer(config.critic_combination, critic, 2 * seed + 1),
        temperature_opt=optax.adam(config.learning_rate, eps=config.adam_eps),
    )


def init(learner: Learner, seed: int) -> Sac:
    """Networks at the start of a run."""
    return jax.jit(partial(begin, learner))(jax.random.PRNGKey(seed))  # one compilation, not one for each of many small operations


def begin(learner: Learner, key: Array) -> Sac:
    """New networks and optimizers."""
    actor_key, critic_key = jax.random.split(key)
    actor, critic = learner.actor.init(actor_key), learner.critic.init(critic_key)
    log_temperature = jnp.full(learner.num_tasks, jnp.log(learner.config.initial_temperature))
    opt_states = learner.actor_opt.init(actor), learner.critic_opt.init(critic), learner.temperature_opt.init(log_temperature)
    scales = learner.config.normalize_returns or learner.config.reward_factors
    return Sac(actor, critic, jnp.copy(critic), log_temperature, *opt_states, new_scaling(learner.num_tasks) if scales else None)


# Acting -------------------------------------------------------------------------------------------


def task_features(learner: Learner, critic: Float[Array, " critic_params"]) -> Float[Array, "task 1 embedding"] | None:
    """What the critics have learned to tell of each task; the actor's gradient does not reach it. None: ids do."""
    if not learner.config.task_embedding:
        return None
    return jax.lax.stop_gradient(learner.critic.apply(critic, learner.task_ids, method="task_features"))


def actor_tree(learner: Learner, agent: Sac) -> Any:
    """A copy of what acts on the host, as it stands in files: the actor, with the tasks' embeddings if there are any.

    While shapes are traced, of shapes.
    """

    def copied(x: Any) -> Any:
        return x if isinstance(x, jax.core.Tracer) else np.array(x)

    tree = learner.actor.tree(copied(agent.actor))
    features = task_features(learner, agent.critic)
    return tree if features is None else {**tree, EMBEDDINGS: copied(features[:, 0])}


def distribution(
    learner: Learner, actor: Any, obs: Float[Array, "*batch obs"], task_id: Float[Array, "*batch task"]
) -> tuple[Float[Array, "*batch action"], Float[Array, "*batch action"]]:
    """Mean and log standard deviation before tanh, of an actor from `actor_tree`."""
    features = task_id @ actor[EMBEDDINGS] if EMBEDDINGS in actor else None
    return learner.policy.apply({"params": actor["params"]}, obs, task_id, features)


def as_agent(learner: Learner, actor: Any) -> TaskPolicy:
    """An actor for `metaworld_py.evaluation`."""
    return TaskPolicy(learner.config.tasks, lambda params, obs, ids: jnp.tanh(distribution(learner, params, obs, ids)[0]), actor)
