"""Rewards over several steps: targets of n steps, and the discounted returns that say how large a task's values are."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from metaworld_baselines.experience.replay import Transition


def n_step(steps: Transition, over: NDArray[np.bool_], n: int, discount: float) -> Transition:
    """One-step transitions as those of up to n steps: discounted rewards, the last step's successor, and what is left of the bootstrap.

    A window ends with its episode (behind its last step's true successor) or with the last of `steps`, and is shorter then. γᵏ in front of
    the bootstrap is written as γ (1 − terminated) with terminated = 1 − γᵏ⁻¹, or 1 where the problem ended.

    Args:
      steps: fields (step, env, …), in the order of time.
      over: (step, env), whether an episode ended with the step.
      n: steps of a window.
      discount: γ.
    """
    reward, next_obs, terminated = steps.reward.copy(), steps.next_obs.copy(), steps.terminated.copy()
    goes_on = ~over
    for ahead in range(1, min(n, len(over))):
        here = slice(len(over) - ahead)
        goes_on = goes_on[here]
        factor = discount**ahead
        reward[here] += factor * goes_on * steps.reward[ahead:]
        next_obs[here] = np.where(goes_on[..., None], steps.next_obs[ahead:], next_obs[here])
        terminated[here] = np.where(goes_on, 1.0 - factor * (1.0 - steps.terminated[ahead:]), terminated[here])
        goes_on = goes_on & ~over[ahead:]
    return Transition(steps.obs, steps.action, reward, next_obs, terminated)


def largest_return(rewards: Float[NDArray[Any], " step"], discount: float, *, terminated: bool) -> float:
    """Largest |discounted return| of any step to the end of an episode.

    Where only time ran out, the rest is taken to pay the episode's mean reward for ever.
    """
    value = 0.0 if terminated else float(np.mean(rewards)) / (1.0 - discount)
    largest = 0.0
    for reward in reversed(rewards.tolist()):
        value = reward + discount * value
        largest = max(largest, abs(value))
    return largest


class LargestReturns:
    """Keeps running episodes' rewards, and what their returns were at most once they are over.

    Args:
      num_envs: a task's environments in a row, equally many for each.
      num_tasks: of them.
      discount: γ.
    """

    def __init__(self, num_envs: int, num_tasks: int, discount: float) -> None:
        self._discount, self._envs_per_task = discount, num_envs // num_tasks
        self._rewards: list[list[float]] = [[] for _ in range(num_envs)]
        self._largest = np.zeros(num_tasks)

    def add(self, rewards: Float[NDArray[Any], " env"], terminated: NDArray[np.bool_], over: NDArray[np.bool_]) -> None:
        """Take in a vector step."""
        for env, reward in enumerate(rewards.tolist()):
            self._rewards[env].append(reward)
        for env in np.flatnonzero(over).tolist():
            value = largest_return(np.array(self._rewards[env]), self._discount, terminated=bool(terminated[env]))
            task = env // self._envs_per_task
            self._largest[task] = max(self._largest[task], value)
            self._rewards[env] = []

    def take(self) -> Float[NDArray[Any], " task"]:
        """The largest of each task since the last call; 0 where no episode ended."""
        largest, self._largest = self._largest, np.zeros_like(self._largest)
        return largest

    def get_state(self) -> list[list[float]]:
        """Rewards of the running episodes."""
        return self._rewards

    def set_state(self, state: list[list[float]]) -> None:
        """Go on with rewards of `get_state`."""
        self._rewards = [list(rewards) for rewards in state]
