"""What wrappers and vector environments do to observations and rewards: array forms over n environments, state as named arrays.

The single-environment wrappers in `wrappers.py` are batches of one. Statistics are kept per environment: environments never mix.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import ArrayLike, NDArray

from metaworld_py.engine.layout import ACTION_SIZE

Array = NDArray[Any]
Mask = NDArray[np.bool_]

EPSILON = 1e-8  # keeps divisions away from zero
FIRST_COUNT = 1e-4  # weight of the initial mean 0 and variance 1, in observations (as in gymnasium's RunningMeanStd)
REWARD_SCALE = 10.0  # v2 rewards lie in 0…10
ANY_FINITE = float(np.finfo(np.float32).max)  # bound of rewards and given actions in spaces; Gymnasium's checker warns of infinite ones


class PerEnvironment:
    """Named arrays, one row per environment, which a transformation carries from call to call.

    Methods take an optional mask (n_envs,) of the environments that a call applies to, all by default.
    """

    def __init__(self, n_envs: int, **rows: Array) -> None:
        if n_envs < 1:
            raise ValueError(f"n_envs must be at least 1, got {n_envs}")
        self.n_envs = n_envs
        self._state = rows

    def get_state(self) -> dict[str, Array]:
        """Everything that decides the future: copies of the arrays, by name, each (n_envs, ...)."""
        return {name: rows.copy() for name, rows in self._state.items()}

    def set_state(self, state: Mapping[str, ArrayLike]) -> None:
        """Go on from a state of `get_state`; arrays, or lists of numbers from a JSON file.

        Raises:
          ValueError: other names, other shapes, or numbers that are not finite; nothing was changed.
        """
        if set(state) != set(self._state):
            raise ValueError(f"the state of {type(self).__name__} has {sorted(self._state)}, got {sorted(state)}")
        arrays = {name: np.array(state[name], dtype=np.float64) for name in self._state}
        for name, array in arrays.items():
            if array.shape != self._state[name].shape:
                raise ValueError(f"{name} of {type(self).__name__} must have shape {self._state[name].shape}, got {array.shape}")
            if not np.isfinite(array).all():
                raise ValueError(f"{name} of {type(self).__name__} must be finite, got {array}")
        self._state = arrays

    def _checked(self, mask: Mask | None) -> Mask:
        if mask is None:
            return np.ones(self.n_envs, dtype=bool)
        if mask.shape != (self.n_envs,) or mask.dtype != bool:
            raise ValueError(f"the mask must be ({self.n_envs},) bool, got {mask!r}")
        return mask

    def _absorb(self, values: Array, mask: Mask) -> None:
        """Update running `mean`, `var` and `count` by one value (...) in each environment of the mask (Chan et al., batches of one)."""
        state = self._state
        mean, var, count = (state[name][mask] for name in ("mean", "var", "count"))
        count = count.reshape(-1, *(1,) * (mean.ndim - 1))
        delta, total = values[mask] - mean, count + 1.0
        state["mean"][mask] = mean + delta / total
        state["var"][mask] = (var * count + delta**2 * count / total) / total
        state["count"][mask] += 1.0


class ObservationNormalizer(PerEnvironment):
    """Observations with running mean 0 and variance 1 in each component, as `gymnasium.wrappers.NormalizeObservation` per environment.

    Args:
      n_envs: number of environments.
      size: numbers per observation.
    """

    def __init__(self, n_envs: int, size: int) -> None:
        super().__init__(n_envs, mean=np.zeros((n_envs, size)), var=np.ones((n_envs, size)), count=np.full(n_envs, FIRST_COUNT))

    def normalize(self, observations: Array, mask: Mask | None = None) -> NDArray[np.float32]:
        """Normalised observations (n_envs, size), each component by the statistics of its environment.

        Args:
          observations: (n_envs, size).
          mask: environments whose observations enter the statistics first; the others are normalised by the statistics as they are, so
            that a mask of False freezes them.
        """
        self._absorb(observations, self._checked(mask))
        normalized: Array = (observations - self._state["mean"]) / np.sqrt(self._state["var"] + EPSILON)
        return normalized.astype(np.float32)


class ReturnNormalizer(PerEnvironment):
    """Rewards scaled by the running deviation of the discounted return, as `gymnasium.wrappers.NormalizeReward` per environment.

    Args:
      n_envs: number of environments.
      discount: of the return, in [0, 1].

    Raises:
      ValueError: a discount outside [0, 1].
    """

    def __init__(self, n_envs: int, discount: float = 0.99) -> None:
        if not 0.0 <= discount <= 1.0:
            raise ValueError(f"discount must lie in [0, 1], got {discount}")
        super().__init__(
            n_envs, discounted=np.zeros(n_envs), mean=np.zeros(n_envs), var=np.ones(n_envs), count=np.full(n_envs, FIRST_COUNT)
        )
        self.discount = discount

    def normalize(self, rewards: Array, terminations: Mask, mask: Mask | None = None) -> NDArray[np.float64]:
        """Scaled rewards (n_envs,).

        Args:
          rewards: (n_envs,).
          terminations: (n_envs,); a termination starts the return anew, a truncation does not (as in Gymnasium).
          mask: environments whose rewards enter the statistics first; the others are scaled by the statistics as they are.
        """
        mask = self._checked(mask)
        returns = self._state["discounted"]
        returns[mask] = (returns * self.discount * (1.0 - terminations) + rewards)[mask]
        self._absorb(returns, mask)
        scaled: NDArray[np.float64] = rewards / np.sqrt(self._state["var"] + EPSILON)
        return scaled


class ExponentialRewardNormalizer(PerEnvironment):
    """Rewards scaled by their exponentially weighted deviation. Each reward enters the statistics once.

    mean ← (1 − α) · mean + α · r, then var ← (1 − α) · var + α · (r − mean)², from mean 0 and variance 1; the result is r / (√var + 1e-8).

    Args:
      n_envs: number of environments.
      alpha: weight of the newest reward, in (0, 1].

    Raises:
      ValueError: alpha outside (0, 1].
    """

    def __init__(self, n_envs: int, alpha: float = 0.001) -> None:
        if not 0.0 < alpha <= 1.0:
            raise ValueError(f"alpha must lie in (0, 1], got {alpha}")
        super().__init__(n_envs, mean=np.zeros(n_envs), var=np.ones(n_envs))
        self.alpha = alpha

    def normalize(self, rewards: Array, mask: Mask | None = None) -> NDArray[np.float64]:
        """Scaled rewards (n_envs,).

        Args:
          rewards: (n_envs,).
          mask: environments whose rewards enter the statistics first; the others are scaled by the statistics as they are.
        """
        mask = self._checked(mask)
        mean, var = self._state["mean"], self._state["var"]
        mean[mask] = ((1.0 - self.alpha) * mean + self.alpha * rewards)[mask]
        var[mask] = ((1.0 - self.alpha) * var + self.alpha * (rewards - mean) ** 2)[mask]
        scaled: NDArray[np.float64] = rewards / (np.sqrt(var) + EPSILON)
        return scaled


class RecurrentInfo(PerEnvironment):
    """Appends what recurrent meta-learners read: previous action (4), previous reward, whether the episode has ended. Zeros at reset.

    Args:
      n_envs: number of environments.
      normalize_reward: divide the reward by 10, which brings v2 rewards to 0…1.
    """

    def __init__(self, n_envs: int, normalize_reward: bool = True) -> None:
        super().__init__(n_envs, previous=np.zeros((n_envs, ACTION_SIZE + 2)))
        self.normalize_reward = normalize_reward

    def reset(self, mask: Mask | None = None) -> None:
        """Forget the previous step where episodes begin."""
        self._state["previous"][self._checked(mask)] = 0.0

    def record(self, actions: Array, rewards: Array, dones: Mask, mask: Mask | None = None) -> None:
        """Take in a step, to be appended to the observations after it.

        Args:
          actions: (n_envs, 4), as the agent gave them.
          rewards: (n_envs,).
          dones: (n_envs,), terminated or truncated.
          mask: environments that made the step.
        """
        mask = self._checked(mask)
        scaled = rewards / REWARD_SCALE if self.normalize_reward else rewards
        self._state["previous"][mask] = np.column_stack([actions, scaled, dones])[mask]

    def append(self, observations: Array) -> Array:
        """Observations (n_envs, d + 6), of the same dtype."""
        return np.concatenate([observations, self._state["previous"].astype(observations.dtype)], axis=1)

    def space(self, observations: Box) -> Box:
        """The space of one environment's observations (d + 6,), from that of what they are appended to (d,).

        Actions are appended as the agent gave them, beyond [−1, 1] as well.
        """
        unbounded = [ANY_FINITE] * (ACTION_SIZE + 1)
        return extended_box(observations, low=[*np.negative(unbounded), 0.0], high=[*unbounded, 1.0])


def extended_box(box: Box, low: ArrayLike, high: ArrayLike) -> Box:
    """A flat box with further components, of the same dtype."""
    dtype = box.dtype
    return Box(np.concatenate([box.low, np.asarray(low, dtype)]), np.concatenate([box.high, np.asarray(high, dtype)]), dtype=dtype.type)
