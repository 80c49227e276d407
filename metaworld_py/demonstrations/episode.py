"""One demonstrated episode as plain arrays, and how an agent plays it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaworld_py.agents.built_in import Agent, RandomAgent
from metaworld_py.agents.inputs import playing_alone
from metaworld_py.demonstrations.config import EXPERT, RANDOM, Attempt, RecordingConfig
from metaworld_py.engine import layout
from metaworld_py.engine.layout import ACTION_SIZE, OBSERVATION_SIZE
from metaworld_py.envs.env import MetaWorldEnv
from metaworld_py.envs.playing import play
from metaworld_py.instances.task import Task
from metaworld_py.tasks import find_task

Picture = NDArray[np.uint8]


@dataclass(frozen=True, eq=False, kw_only=True)
class Demonstration:
    """One episode of n control steps.

    | field | shape | meaning |
    |---|---|---|
    | task, instruction | | name, and what the robot must do as a sentence |
    | instance, instance_index | | the `Task` value with its random vector, and its index among the task's instances |
    | observations | (n + 1, 39) | before each action, and after the last; float64 (Minari) or float32 (LeRobot) |
    | actions | (n, 4) | what was played: the agent's action plus noise, clipped to [-1, 1]; float32 |
    | expert_actions | (n, 4) | what the scripted expert would do, clipped, without noise, whoever plays; float32 |
    | rewards | (n,) | float64 (Minari) or float32 (LeRobot) |
    | successes | (n,) | whether the task was solved after each action; bool |
    | is_terminated | | ended by success (`terminate_on_success`); else by the horizon |
    | pixels | (n, size, size, 3) | before each action, uint8, after lossy compression; None if none were recorded |
    | agent, noise_std | | who played, and the noise on its actions |
    """

    task: str
    instruction: str
    instance: Task
    instance_index: int
    observations: NDArray[np.floating[Any]]
    actions: NDArray[np.float32]
    expert_actions: NDArray[np.float32]
    rewards: NDArray[np.floating[Any]]
    successes: NDArray[np.bool_]
    is_terminated: bool
    pixels: Picture | None = None
    agent: str = EXPERT
    noise_std: float = 0.0

    @property
    def steps(self) -> int:
        """Number of control steps."""
        return len(self.actions)

    @property
    def is_success(self) -> bool:
        """Success at any step."""
        return bool(self.successes.any())


def check_demonstration(demonstration: Demonstration, where: str) -> None:
    """Refuse an episode that cannot have been recorded.

    Raises:
      ValueError: wrong shapes, numbers that are not finite, actions outside [-1, 1]; says where.
    """
    steps = demonstration.steps
    shapes = {
        "observations": (steps + 1, OBSERVATION_SIZE),
        "actions": (steps, ACTION_SIZE),
        "expert_actions": (steps, ACTION_SIZE),
        "rewards": (steps,),
        "successes": (steps,),
    }
    if steps < 1:
        raise ValueError(f"{where}: an episode without steps")
    for name, shape in shapes.items():
        array = getattr(demonstration, name)
        if array.shape != shape:
            raise ValueError(f"{where}: {name} must have shape {shape}, got {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{where}: {name} must be finite")
    for name in ("actions", "expert_actions"):
        if np.abs(getattr(demonstration, name)).max() > 1.0:
            raise ValueError(f"{where}: {name} must lie in [-1, 1]")
    pixels = demonstration.pixels
    if pixels is not None and (pixels.ndim != 4 or len(pixels) != steps or pixels.shape[3] != 3):
        raise ValueError(f"{where}: pixels must have shape ({steps}, height, width, 3), got {pixels.shape}")


def play_episode(
    env: MetaWorldEnv,
    attempt: Attempt,
    config: RecordingConfig,
    see: Callable[[Picture], None] | None,
    *,
    see_last: bool,
    agent: Agent | None = None,
) -> Demonstration:
    """Let an agent play one attempt.

    Args:
      env: an environment of the attempt's task.
      attempt: instance and noise.
      config: settings.
      see: takes the picture before each action; None renders nothing.
      see_last: whether it also takes the picture after the last action.
      agent: who plays; None takes the attempt's own, the scripted expert or a random one.
    """
    task = find_task(attempt.task)
    seeds = [config.seed, attempt.task_index, attempt.episode]
    noise_rng = np.random.default_rng(seeds)
    if agent is None and attempt.agent == RANDOM:
        agent = RandomAgent([*seeds, 1])  # one an episode, so that a recording that was interrupted goes on alike
    begin, play_agent = (None, None) if agent is None else playing_alone(agent, env)
    env.set_task(attempt.instance)

    def act(observation: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What is played, and what the expert would do."""
        if see is not None:
            see(_picture(env))
        wanted = np.clip(np.array(task.expert(observation.tolist()), dtype=np.float32), -1.0, 1.0)
        action = wanted if play_agent is None else layout.checked_actions(play_agent(observation), (ACTION_SIZE,))
        if attempt.noise_std > 0.0:
            action = action + noise_rng.normal(0.0, attempt.noise_std, ACTION_SIZE)
        return np.clip(action, -1.0, 1.0).astype(np.float32), wanted

    steps = list(play(env, act, begin, seed=config.seed))
    if see is not None and see_last:
        see(_picture(env))
    return Demonstration(
        task=task.name,
        instruction=task.sentence,
        instance=attempt.instance,
        instance_index=attempt.instance_index,
        observations=np.array([steps[0].observation, *(step.next_observation for step in steps)]),
        actions=np.array([step.action for step in steps]),
        expert_actions=np.array([step.aux for step in steps]),
        rewards=np.array([step.reward for step in steps], dtype=np.float64),
        successes=np.array([step.info["success"] > 0.0 for step in steps], dtype=bool),
        is_terminated=bool(steps[-1].terminated),
        agent=attempt.agent,
        noise_std=attempt.noise_std,
    )


def _picture(env: MetaWorldEnv) -> Picture:
    picture = env.render()
    assert picture is not None  # the environment was made with a render mode
    return picture
