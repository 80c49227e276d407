"""Evaluation of one-shot imitation: of each held-out goal the expert plays one episode, then the agent plays that goal, hidden."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np
from gymnasium.vector import AutoresetMode
from jaxtyping import Float
from numpy.typing import NDArray

from metaworld_baselines.algorithms.augmentation import OBSERVATION_FRAME
from metaworld_baselines.arrays import Array
from metaworld_baselines.experience.experts import play_experts
from metaworld_py import ACTION_SIZE, ML1, ML10, OBSERVATION_SIZE, MetaWorldVectorEnv
from metaworld_py.evaluation import EvaluationResult, installed_versions
from metaworld_py.evaluation.per_instance import PlayedEpisodes
from metaworld_py.instances import Task
from metaworld_py.tasks import find_task

SEPARATE = 6  # numbers of a random vector that has a place for an object and then one for the goal
FEATURES = OBSERVATION_FRAME + ACTION_SIZE  # of a frame of a demonstration
SHOWN = np.arange(OBSERVATION_SIZE) < 2 * OBSERVATION_FRAME  # which numbers of an observation are shown
SAME, ELSEWHERE, OTHER = CONDITIONS = "same place", "object elsewhere", "another goal's demonstration"


@runtime_checkable
class OneShotLearner(Protocol):
    """What can be shown one demonstration for each environment, and then plays them."""

    def watch(self, obs: NDArray[Any], actions: NDArray[Any]) -> None:
        """See demonstrations (env, step, …)."""
        ...

    def eval_action(self, observations: NDArray[Any]) -> NDArray[Any]:
        """Actions (env, 4)."""
        ...


def frames_of(obs: Float[Array, "*episodes step obs"], actions: Float[Array, "*episodes step action"], frames: int) -> NDArray[np.float32]:
    """Evenly spaced frames of episodes (…, frame, 22): what was seen, without goal and frame before, and what was done."""
    at = np.linspace(0, obs.shape[-2] - 1, frames).round().astype(int)
    return np.concatenate([obs[..., at, :OBSERVATION_FRAME], actions[..., at, :]], axis=-1, dtype=np.float32)


def goals_of(config: Any, task: str, seed: int, *, held_out: bool) -> list[Task]:
    """Fifty hidden goals of a task: those of training, or others."""
    benchmark = ML1(config.task, seed) if config.task else ML10(seed + held_out)  # held-out goals of ML10's training tasks: as ML1 has them
    return list(benchmark.instances_of(task, "test" if config.task and held_out else "train"))


def moved(goals: Sequence[Task], *, seed: int | Sequence[int]) -> list[Task]:
    """The same goals with objects where other instances have them, if objects and goals have places of their own.

    Where a random vector is the place of a fixture, such as a door, which is the goal as well, nothing changes.
    """
    task, rng, found = find_task(goals[0].env_name), np.random.default_rng(seed), []
    for one in goals:
        rand_vec = one.rand_vec
        if len(rand_vec) == SEPARATE:
            while True:
                low, high = task.random_low[:3], task.random_high[:3]
                rand_vec = (*rng.uniform(low, high).tolist(), *one.rand_vec[3:])
                if task.accept(rand_vec):
                    break
        found.append(replace(one, rand_vec=rand_vec))
    return found


class OneShotAgent:
    """A policy that plays what it was shown last, one demonstration for each environment.

    Args:
      act: from weights, present frames and demonstrations to actions.
      policy: its weights.
      frames: of a demonstration that it looks at.
    """

    def __init__(self, act: Any, policy: Any, frames: int) -> None:
        self._act, self._frames, self._shown = jax.jit(act), frames, np.zeros((0, frames, FEATURES), np.float32)
        self._policy = jax.device_put(jax.tree.map(np.asarray, policy), jax.devices("cpu")[0])

    def watch(self, obs: NDArray[Any], actions: NDArray[Any]) -> None:
        """See a demonstration for each environment (env, step, …): what was observed and what was done."""
        self._shown = frames_of(obs, actions, self._frames)

    def eval_action(self, observations: NDArray[Any]) -> NDArray[np.float32]:
        """Actions (n, 4) for observations (n, 39), of which the goal and the frame before are not read.

        Raises:
          ValueError: no demonstration for each environment.
        """
        if len(self._shown) != len(observations):
            raise ValueError(
                f"this agent does what it was shown, and saw {len(self._shown)} demonstrations for {len(observations)} environments: call "
                "watch(obs, actions) first, or `python -m metaworld_baselines.publishing.one_shot_table FOLDER`"
            )
        obs = np.asarray(observations, np.float32)[:, :OBSERVATION_FRAME]
        return np.clip(np.asarray(self._act(self._policy, obs, self._shown)), -1.0, 1.0)


class ReplayAgent:
    """For comparison: does the demonstration's actions over again, without looking, and then the last one."""

    def watch(self, obs: NDArray[Any], actions: NDArray[Any]) -> None:
        """Remember actions (env, step, 4)."""
        self._actions, self._step = actions, 0

    def eval_action(self, observations: NDArray[Any]) -> NDArray[Any]:
        """The next of them."""
        self._step += 1
        return self._actions[:, min(self._step, self._actions.shape[1]) - 1]


def evaluate_one_shot(agent: OneShotLearner, config: Any, seed: int, condition: str, name: str = "one-shot") -> EvaluationResult:
    """Success on held-out goals, each demonstrated once and played once.

    Args:
      agent: see `OneShotLearner`.
      config: an `OneShotConfig`.
      seed: of training; decides the goals.
      condition: one of `CONDITIONS`: what is played is what was demonstrated to the last number; or the same goal with the object
        elsewhere; or a goal that was not the one demonstrated, which tells how much the demonstration matters.
      name: for the result.

    Raises:
      ValueError: an unknown condition.
    """
    if condition not in CONDITIONS:
        raise ValueError(f"unknown condition {condition!r}; there are {', '.join(map(repr, CONDITIONS))}")
    began, tasks = time.monotonic(), []
    for index, task in enumerate(config.tasks):
        goals = goals_of(config, task, seed, held_out=True)[: config.eval_instances]
        shown = play_experts(goals, steps=config.demonstration_steps, reward_version=config.reward_version)
        obs, actions = (np.roll(array, condition == OTHER, axis=0) for array in (shown.obs * SHOWN, shown.played))
        agent.watch(obs, actions)
        played = goals if condition == SAME else moved(goals, seed=[seed, index, *b"played"])
        envs = MetaWorldVectorEnv(
            [[one] for one in played],
            max_episode_steps=config.max_episode_steps,
            reward_function_version=config.reward_version,
            autoreset_mode=AutoresetMode.NEXT_STEP,
        )
        episodes = PlayedEpisodes(envs.num_envs, config.max_episode_steps)
        episodes.play(envs, agent.eval_action)
        envs.close()
        tasks.append(episodes.result(task))
    return EvaluationResult(
        agent=name,
        benchmark=f"{config.title}, held-out goals, {condition}",
        seed=seed,
        episodes_per_instance=1,
        max_episode_steps=config.max_episode_steps,
        reward_function_version=config.reward_version,
        tasks=tuple(tasks),
        versions=installed_versions(),
        wall_time_s=round(time.monotonic() - began, 1),
        finished_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )
