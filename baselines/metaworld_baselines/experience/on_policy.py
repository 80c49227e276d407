"""On-policy experience: stretches of steps by one policy, advantages, and the linear baseline that meta-learners use.

All arrays have environments first and steps second.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.off_policy import Chunk, plain_state, restore_envs
from metaworld_py import MetaWorldVectorEnv
from metaworld_py.instances import Task

# From (policy, memory, obs (env, 39), previous (env, 6), (seed, step)) to (actions (env, 4), log densities (env,), memory).
Act = Callable[[Any, Any, NDArray[np.float32], NDArray[np.float32], NDArray[np.int_]], tuple[Any, Any, Any]]
REWARD_SCALE = 10.0  # of rewards as inputs, as in `recurrent_info_in_obs`
FEATURE_RANGE = 10.0  # observations are clipped to ± this before they become features
RIDGE = 1e-5


class Rollout(NamedTuple):
    """Experience (env, step, …)."""

    obs: Float[Array, "env step obs"]
    previous: Float[Array, "env step 6"]  # action and reward / 10 of the step before, whether an episode has just ended; see `_step`
    action: Float[Array, "env step action"]  # as drawn, before the environment clips it
    log_prob: Float[Array, "env step"]
    reward: Float[Array, "env step"]
    next_obs: Float[Array, "env step obs"]  # the true successor, also where an episode ends
    is_end: Bool[Array, "env step"]  # of an episode: by time, or because the physics blew up; nothing here ends by success
    time: Float[Array, "env step"]  # control steps since the episode began


class OnPolicyCollector:
    """Steps environments with one policy for a while. Nothing overlaps with learning, which waits for this very experience.

    Args:
      envs: with same-step autoreset.
      act: random actions of a policy, called on the processor.
      seed: of the actions.
      elapsed_steps: by which first episodes are shorter (env,), see `staggered`; None: none is.
    """

    def __init__(self, envs: MetaWorldVectorEnv, act: Act, *, seed: int, elapsed_steps: NDArray[np.int_] | None = None) -> None:
        self.envs, self._act, self._seed = envs, act, seed
        self._start(envs.reset(options={} if elapsed_steps is None else {"elapsed_steps": elapsed_steps})[0])

    @property
    def counters(self) -> dict[str, int]:
        """What went wrong, by name: these environments raise instead."""
        return {}

    def restart(self, tasks: list[Task]) -> None:
        """New trials: environment i plays `tasks[i]` from now on, and nothing has come before."""
        self.envs.set_tasks(tasks)
        self._start(self.envs.reset()[0])

    def _start(self, obs: NDArray[Any]) -> None:
        n = self.envs.num_envs
        self._obs, self._previous = obs.astype(np.float32), np.zeros((n, 6), np.float32)
        self._time, self._returns, self._has_succeeded = np.zeros(n, np.float32), np.zeros(n), np.zeros(n, dtype=bool)

    def collect(
        self, policy: Any, steps: int, first_step: int, *, memory: Any = None, keep_memory_every: int = 0
    ) -> tuple[Rollout, Chunk, list[Any]]:
        """Experience of some steps.

        Args:
          policy: parameters, for `act`.
          steps: of every environment.
          first_step: how many vector steps came before in this run; with the seed it decides the noise.
          memory: of a recurrent policy.
          keep_memory_every: keep the memory before every so many steps, and the last one; 0: not at all.

        Returns:
          The experience, what its episodes were like, and the memories kept.
        """
        began = time.perf_counter()
        on_host = jax.device_put(jax.tree.map(np.asarray, policy), jax.devices("cpu")[0])
        rows: list[tuple[Any, ...]] = []
        memories, returns, successes = [], [], []
        for step in range(steps):
            if keep_memory_every and step % keep_memory_every == 0:
                memories.append(memory)
            drawn = self._act(on_host, memory, self._obs, self._previous, np.array([self._seed, first_step + step]))
            action, log_prob, memory = np.asarray(drawn[0]), np.asarray(drawn[1]), drawn[2]
            row, over = self._step(action, log_prob)
            rows.append(row)
            returns += self._returns[over].tolist()
            successes += self._has_succeeded[over].tolist()
            self._returns[over], self._has_succeeded[over] = 0.0, False
        if keep_memory_every:
            memories.append(memory)
        rollout = Rollout(*(np.stack(column, axis=1) for column in zip(*rows, strict=True)))
        return rollout, Chunk(None, tuple(returns), tuple(successes), time.perf_counter() - began), memories

    @property
    def obs(self) -> Float[Array, "env obs"]:
        """What the next step will be drawn from."""
        return self._obs

    @property
    def time(self) -> Float[Array, " env"]:
        """Control steps since the running episodes began."""
        return self._time

    def _step(self, action: NDArray[Any], log_prob: NDArray[Any]) -> tuple[tuple[Any, ...], NDArray[np.bool_]]:
        obs, previous, at = self._obs, self._previous, self._time
        clipped = np.clip(action, -1.0, 1.0).astype(np.float32)
        now, rewards, terminations, truncations, infos = self.envs.step(clipped)
        over = terminations | truncations
        self._returns += rewards
        self._has_succeeded |= infos["success"] > 0.0
        self._obs, next_obs = (now.astype(np.float32) for _ in range(2))
        self._previous = np.column_stack([clipped, rewards / REWARD_SCALE, np.zeros(len(over))]).astype(np.float32)
        self._time = at + 1.0
        if over.any():
            next_obs[over] = np.stack(infos["final_obs"][over])
            # As `recurrent_info_in_obs` has it, an episode begins with zeros; the flag tells it from the start of a trial.
            self._previous[over], self._time[over] = (0.0, 0.0, 0.0, 0.0, 0.0, 1.0), 0.0
        return (obs, previous, action, log_prob, rewards.astype(np.float32), next_obs, over, at), over

    def get_state(self) -> str:
        """Environments and running episodes as JSON, exactly."""
        own = {name: getattr(self, name).tolist() for name in ("_obs", "_previous", "_time", "_returns", "_has_succeeded")}
        return json.dumps({"envs": plain_state(self.envs), **own})

    def set_state(self, state: str) -> None:
        """Go on exactly where `get_state` was called."""
        plain = json.loads(state)
        restore_envs(self.envs, plain.pop("envs"))
        for name, values in plain.items():
            setattr(self, name, np.array(values, getattr(self, name).dtype))

    def close(self) -> None:
        """End the environments."""
        self.envs.close()


def staggered(envs_of_tasks: Sequence[int], max_episode_steps: int) -> NDArray[np.int_]:
    """Steps by which first episodes are shorter (env,), so that a task's environments are spread over an episode ever after.

    Environments that all begin at once are always at the same point of their episodes: a stretch of a fifth of an episode then holds all
    approaches, the next one all grasps (Bharthulwar et al. 2025).
    """
    return np.concatenate([max_episode_steps * np.arange(count) // count for count in envs_of_tasks])


def gae(
    reward: Float[Array, "env step"],
    value: Float[Array, "env step"],
    next_value: Float[Array, "env step"],
    is_end: Bool[Array, "env step"],
    discount: float,
    trace: float,
) -> Float[Array, "env step"]:
    """Generalised advantages (Schulman et al. 2016, eq. 16).

    Args:
      reward, value: of each step.
      next_value: of each step's true successor, whatever ended there; zeros where nothing shall be counted beyond an end.
      is_end: where the sum over later steps is cut.
      discount: γ.
      trace: λ.
    """
    delta = reward + discount * next_value - value
    decay = discount * trace * (1.0 - is_end)

    def backwards(later: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
        advantage = now[0] + now[1] * later
        return advantage, advantage

    return jax.lax.scan(backwards, jnp.zeros(len(reward)), (delta.T, decay.T), reverse=True)[1].T


def returns_to_go(reward: NDArray[Any], is_end: NDArray[np.bool_], factor: float) -> NDArray[np.float64]:
    """Sums of later rewards (env, step), discounted by `factor` a step, up to an end or to the last step."""
    later, sums = np.zeros(len(reward)), np.empty(reward.shape)
    for step in reversed(range(reward.shape[1])):
        later = reward[:, step] + factor * ~is_end[:, step] * later
        sums[:, step] = later
    return sums


def features(obs: NDArray[Any], at: NDArray[Any]) -> NDArray[np.float64]:
    """Features of the linear baseline (Duan et al. 2016), (…, feature): observation, its squares, and three powers of time."""
    clipped, t = np.clip(obs.astype(np.float64), -FEATURE_RANGE, FEATURE_RANGE), at[..., np.newaxis] / 100.0
    return np.concatenate([clipped, clipped**2, t, t**2, t**3, np.ones_like(t)], axis=-1)


def linear_values(rollout: Rollout, target: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Values (env, step) of a linear baseline for each environment by itself, fitted to these returns (ridge regression)."""
    x = features(rollout.obs, rollout.time)
    gram = x.swapaxes(1, 2) @ x + RIDGE * np.eye(x.shape[-1])
    weights = np.linalg.solve(gram, x.swapaxes(1, 2) @ target[..., np.newaxis])
    return (x @ weights)[..., 0]


def linear_advantages(rollout: Rollout, discount: float, trace: float, *, across_episodes: bool = False) -> NDArray[np.float32]:
    """Advantages (env, step) over the linear baseline; nothing is counted beyond the last step.

    On the host, in double precision: the normal equations are badly conditioned. They must not be solved within compiled programs anyway:
    on processors, those that call LAPACK among other work were seen to wait for one another for ever (jaxlib 0.10.2).

    Args:
      rollout: of whole episodes.
      discount, trace: γ and λ.
      across_episodes: a trial of several episodes is one sum, as RL² wants it: what is learned in the first pays in the last.
    """
    ends = np.asarray(rollout.is_end) & (not across_episodes)
    ends[:, -1] = True
    value = linear_values(rollout, returns_to_go(rollout.reward, ends, discount))
    next_value = np.where(ends, 0.0, np.roll(value, -1, axis=1))
    advantage = returns_to_go(rollout.reward + discount * next_value - value, ends, discount * trace)
    return advantage.astype(np.float32)


def standardized(values: Any, axis: Any = None) -> Any:
    """Mean 0 and standard deviation 1 along these axes."""
    return (values - values.mean(axis=axis, keepdims=True)) / (values.std(axis=axis, keepdims=True) + 1e-8)
