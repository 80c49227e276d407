"""Trials of several episodes, cut into the sequences that a recurrent policy learns from."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from metaworld_baselines.algorithms.privileged_critic import estimate_advantages
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.on_policy import Rollout, standardized


class Sequences(NamedTuple):
    """Parts of trials (sequence, step, …), each with the memory at its start as it was then."""

    memory: Float[Array, "sequence memory"]
    inputs: Float[Array, "sequence step inputs"]
    action: Float[Array, "sequence step action"]
    log_prob: Float[Array, "sequence step"]
    advantage: Float[Array, "sequence step"]
    critic_inputs: Float[Array, "sequence step critic_inputs"]
    target: Float[Array, "sequence step"]  # of the critic, in its units; zeros with the linear baseline


def make_sequences(
    learner: Any, agent: Any, rollout: Rollout, memories: NDArray[Any], instances: NDArray[Any], offset: NDArray[Any] | float = 0.0
) -> tuple[Any, Sequences]:
    """Cut trials into sequences over which gradients flow; also the agent with its scales brought up to date.

    Args:
      learner, agent: that played.
      rollout: whole trials.
      memories: (part, env, memory), at the starts of their learner.
      instances: what the critic is privileged, see `instance_inputs`.
      offset: of what the policy saw, see `observation_offsets`.
    """
    config = learner.config
    agent, advantage, critic_inputs, target = estimate_advantages(learner, agent, rollout, instances)
    if config.normalize_advantages:
        if config.advantages_by_task:  # whose trials stand in a row
            by_task = np.reshape(advantage, (len(config.tasks), -1))
            advantage = standardized(by_task, axis=1).reshape(advantage.shape)
        else:
            advantage = standardized(advantage)
    shown = rollout.obs + (offset[:, None] if isinstance(offset, np.ndarray) else offset)
    inputs = np.concatenate([shown, rollout.previous], axis=-1)

    def cut(x: NDArray[Any]) -> Any:
        return x.reshape(-1, config.sequence_steps, *x.shape[2:])

    memory = memories.swapaxes(0, 1).reshape(-1, memories.shape[-1])
    return agent, Sequences(memory, *map(cut, (inputs, rollout.action, rollout.log_prob, advantage, critic_inputs, target)))
