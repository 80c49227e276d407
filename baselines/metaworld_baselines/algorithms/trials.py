"""Trials of several episodes: played part by part, and cut into the sequences that a recurrent policy learns from."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from metaworld_baselines.algorithms.privileged_critic import Place, estimate_advantages
from metaworld_baselines.algorithms.recurrent_agent import Memory
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.off_policy import Chunk, joined
from metaworld_baselines.experience.on_policy import OnPolicyCollector, Rollout, standardized


class Sequences(NamedTuple):
    """Parts of trials (sequence, step, …), each with the memory at its start as it was then."""

    memory: Float[Array, "sequence memory"]
    inputs: Float[Array, "sequence step inputs"]
    action: Float[Array, "sequence step action"]
    log_prob: Float[Array, "sequence step"]
    advantage: Float[Array, "sequence step"]
    critic_inputs: Float[Array, "sequence step critic_inputs"]
    target: Float[Array, "sequence step"]  # of the critic, in its units; zeros with the linear baseline
    offset: Float[Array, "sequence observation"]  # of what the policy saw from what there was, see `observation_offsets`


def play_and_learn(
    learner: Any,
    collector: OnPolicyCollector,
    agent: Any,
    learn: Callable[..., tuple[Any, dict[str, Array]]],
    instances: NDArray[Any],
    key: Array,
    iteration: int,
    offset: NDArray[Any] | float | None = None,
    acting: Callable[[Any, Array], Any] | None = None,
) -> tuple[Any, Chunk, float, dict[str, float]]:
    """A meta-batch of whole trials, learned from part by part; what is remembered lives on from part to part.

    Args:
      learner, agent: what learns.
      collector: at the start of new trials.
      learn: from the agent, sequences, a key and a number to what has learned and metrics.
      instances: of these trials, see `instance_inputs`.
      key: of all randomness of learning.
      iteration: how many meta-batches came before.
      offset: of what the policy sees, which is told beside it; None: it isn't.
      acting: from the policy and a part's key to what plays that part; None: the policy.

    Returns:
      What has learned, what the episodes were like, the seconds of learning, mean metrics.
    """
    config, chunks, found, seconds = learner.config, [], [], 0.0
    memory = Memory.empty(config.meta_batch, config.memory)
    for first_step in range(0, config.trial_steps, config.steps_at_once):
        step = iteration * config.trial_steps + first_step
        plays = agent.policy if acting is None else acting(agent.policy, jax.random.fold_in(key, step))
        rollout, chunk, memories = collector.collect(
            plays if offset is None else (plays, offset), config.steps_at_once, step, memory=memory, keep_memory_every=config.sequence_steps
        )
        memory, began = memories[-1], time.perf_counter()
        starts = np.stack([before.state for before in memories[:-1]])
        place = Place(first_step, collector.obs, collector.time)
        agent, sequences = make_sequences(learner, agent, rollout, starts, instances, 0.0 if offset is None else offset, place)
        agent, metrics = jax.block_until_ready(learn(agent, sequences, key, step))
        seconds += time.perf_counter() - began
        chunks.append(chunk)
        found.append(metrics)
    return agent, joined(chunks), seconds, {name: float(np.mean([metrics[name] for metrics in found])) for name in found[0]}


def make_sequences(
    learner: Any,
    agent: Any,
    rollout: Rollout,
    memories: NDArray[Any],
    instances: NDArray[Any],
    offset: NDArray[Any] | float = 0.0,
    place: Place | None = None,
) -> tuple[Any, Sequences]:
    """Cut trials into sequences over which gradients flow; also the agent with its scales brought up to date.

    Args:
      learner, agent: that played.
      rollout: a part of each trial, or the whole.
      memories: (part, env, memory), at the starts of their learner.
      instances: what the critic is privileged, see `instance_inputs`.
      offset: of what the policy saw, see `observation_offsets`.
      place: of the rollout in its trials; None: it is the whole of them.
    """
    config = learner.config
    agent, advantage, critic_inputs, target = estimate_advantages(learner, agent, rollout, instances, place)
    if config.normalize_advantages:
        if config.advantages_by_task:  # whose trials stand in a row
            by_task = np.reshape(advantage, (len(config.tasks), -1))
            advantage = standardized(by_task, axis=1).reshape(advantage.shape)
        else:
            advantage = standardized(advantage)
    offset = np.broadcast_to(np.asarray(offset, np.float32), rollout.obs[:, 0].shape)
    inputs = np.concatenate([rollout.obs + offset[:, None], rollout.previous], axis=-1)

    def cut(x: NDArray[Any]) -> Any:
        return x.reshape(-1, config.sequence_steps, *x.shape[2:])

    memory = memories.swapaxes(0, 1).reshape(-1, memories.shape[-1])
    parts = map(cut, (inputs, rollout.action, rollout.log_prob, advantage, critic_inputs, target))
    fields: Any = (memory, *parts, np.repeat(offset, len(memories), axis=0))
    return agent, Sequences(*fields)
