"""The scripted experts at work: many episodes of one task side by side, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import AutoresetMode
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from metaworld_baselines.arrays import Array
from metaworld_py import MetaWorldVectorEnv
from metaworld_py.envs.playing import play
from metaworld_py.instances import Task
from metaworld_py.tasks import find_task


class Episodes(NamedTuple):
    """Whole episodes (episode, step, …)."""

    obs: Float[Array, "episode step obs"]
    played: Float[Array, "episode step action"]  # with noise, clipped
    expert_action: Float[Array, "episode step action"]  # what the expert would do, clipped, without noise
    is_success: Bool[Array, " episode"]  # at any step


def play_experts(
    instances: Sequence[Task], *, steps: int, noise_std: float | NDArray[Any] = 0.0, seed: int = 0, reward_version: str = "v2"
) -> Episodes:
    """One episode of the scripted expert on each instance of a task. It sees the goal, whatever the instances say.

    Args:
      instances: of one task.
      steps: of an episode.
      noise_std: of Gaussian noise on the actions, in units of the action box; of all episodes or of each (episode,).
      seed: of the noise.
      reward_version: of the environments.
    """
    shown = [Task(one.env_name, one.rand_vec, partially_observable=False) for one in instances]
    expert, rng = find_task(shown[0].env_name).expert, np.random.default_rng(seed)
    std = np.broadcast_to(np.asarray(noise_std, np.float64), len(shown))[:, None]

    def act(observations: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        wanted = np.clip(np.array([expert(obs) for obs in observations.tolist()], np.float32), -1.0, 1.0)
        noisy = wanted + std * rng.normal(size=wanted.shape)
        return np.clip(noisy, -1.0, 1.0).astype(np.float32), wanted

    envs = MetaWorldVectorEnv(
        [[one] for one in shown],
        max_episode_steps=steps,
        reward_function_version=reward_version,
        autoreset_mode=AutoresetMode.NEXT_STEP,
    )
    rows = [(step.observation, step.action, step.aux, step.info["success"] > 0.0) for step in islice(play(envs, act), steps)]
    envs.close()
    obs, played, wanted, success = (np.stack(column, axis=1) for column in zip(*rows, strict=True))
    return Episodes(obs.astype(np.float32), played, wanted, success.any(axis=1))
