"""What to record: one frozen value from which every attempt at an episode follows."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from metaworld_py.agents.built_in import BUILT_IN
from metaworld_py.engine.episode import REWARD_VERSIONS
from metaworld_py.envs.options import checked_count
from metaworld_py.instances.task import INSTANCES_PER_TASK, Task, checked_seed, draw_instances
from metaworld_py.instances.task_sets import listed
from metaworld_py.rendering.renderer import HIGH, MAX_SIZE_PX, QUALITIES
from metaworld_py.tasks import find_task
from metaworld_py.tasks.common.definition import HORIZON

MINARI, LEROBOT = "minari", "lerobot"
EXPERT, RANDOM = BUILT_IN
FORMATS = (MINARI, LEROBOT)
MIN_SIZE_PX = 32  # smaller arrays are not stored as pictures by Minari


@dataclass(frozen=True, kw_only=True)
class RecordingConfig:
    """Settings of a recording. The same settings give the same episodes.

    Raises:
      ValueError: a value that is not allowed.
    """

    tasks: tuple[str, ...]  # names; their order decides which instances a seed gives, as in `evaluate`
    format: str = MINARI  # or "lerobot"
    episodes_per_task: int = 50  # attempts; episode i plays instance i mod 50
    seed: int = 0  # of the instances, of the noise and of random agents
    agents: tuple[str, ...] = (EXPERT,)  # who plays, in turn: names as in `evaluate`, "NAME@STD" with noise of its own
    noise_std: float = 0.0  # of Gaussian noise added to actions, in units of the action box [-1, 1]
    size_px: int | None = None  # width and height of pictures; None records none
    camera_name: str | None = None  # None is the overview from the front
    render_quality: str = HIGH  # of pictures, or "fast": without shadows, reflections and antialiasing
    max_episode_steps: int = HORIZON  # control steps
    terminate_on_success: bool = False  # end an episode at its first success instead of the horizon
    only_successes: bool = False  # leave failed attempts out
    reward_function_version: str = "v2"  # or "v1"

    def __post_init__(self) -> None:
        names = tuple(find_task(name).name for name in listed("tasks", self.tasks))
        if not names or len(set(names)) != len(names):
            raise ValueError(f"give at least one task and each only once, got {self.tasks}")
        object.__setattr__(self, "tasks", names)
        if self.format not in FORMATS:
            raise ValueError(f"format must be one of {FORMATS}, got {self.format!r}")
        for name in ("episodes_per_task", "max_episode_steps"):
            object.__setattr__(self, name, checked_count(name, getattr(self, name)))
        object.__setattr__(self, "seed", checked_seed(self.seed))
        object.__setattr__(self, "agents", listed("agents", self.agents))
        if not self.agents or len(set(self.agents)) != len(self.agents):
            raise ValueError(f"give at least one agent and each only once, got {self.agents}")
        is_number = isinstance(self.noise_std, (int, float, np.integer, np.floating)) and not isinstance(self.noise_std, bool)
        if not (is_number and math.isfinite(self.noise_std) and self.noise_std >= 0.0):
            raise ValueError(f"noise_std must be a finite number, 0 or more, got {self.noise_std!r}")
        object.__setattr__(self, "noise_std", float(self.noise_std))
        if self.noise_std and any(noise_of(agent) is not None for agent in self.agents):
            raise ValueError(
                f"noise is given for all agents ({self.noise_std}) and for some of them ({', '.join(self.agents)}): choose one"
            )
        if self.size_px is None and self.camera_name is not None:
            raise ValueError(f"camera {self.camera_name!r} was given without a picture size: give both or none")
        if self.size_px is None and self.render_quality != HIGH:
            raise ValueError(f"render_quality {self.render_quality!r} was given without a picture size: give both or none")
        if self.size_px is not None:
            object.__setattr__(self, "size_px", checked_count("size_px", self.size_px))
        if self.size_px is not None and not (MIN_SIZE_PX <= self.size_px <= MAX_SIZE_PX and self.size_px % 2 == 0):
            raise ValueError(f"pictures must have an even size in {MIN_SIZE_PX}…{MAX_SIZE_PX} pixels, got {self.size_px}")
        if self.render_quality not in QUALITIES:
            raise ValueError(f"render_quality must be one of {QUALITIES}, got {self.render_quality!r}")
        if self.reward_function_version not in REWARD_VERSIONS:
            raise ValueError(f"reward_function_version must be one of {REWARD_VERSIONS}, got {self.reward_function_version!r}")

    @property
    def quality(self) -> str:
        """Who played, in a word that data sets are named by: "expert", "random", another agent's name, or "mixed"."""
        if len(self.agents) > 1:
            return "mixed"
        return re.sub(r"[^a-z0-9]+", "-", agent_name(self.agents[0]).lower()).strip("-") or "agent"


def noise_of(agent: str) -> float | None:
    """The noise that an agent's name asks for, e.g. 0.3 of "expert@0.3"; None if it asks for none.

    A path may have the sign in it: behind a colon, what follows the sign is noise only where it is a number.

    Raises:
      ValueError: no finite number, or below 0.
    """
    name, separator, noise = agent.rpartition("@")
    if not separator:
        return None
    try:
        std = float(noise)
    except ValueError:
        if ":" in name:
            return None
        std = math.nan
    if not (name and math.isfinite(std) and std >= 0.0):
        raise ValueError(f"an agent with noise is NAME@STD, such as expert@0.3, got {agent!r}; a name that ends so is NAME@0")
    return std


def agent_name(agent: str) -> str:
    """An agent's name without its noise."""
    return agent if noise_of(agent) is None else agent.rpartition("@")[0]


@dataclass(frozen=True)
class Attempt:
    """One episode to play."""

    index: int  # over all tasks
    task_index: int  # in the order of `RecordingConfig.tasks`
    episode: int  # within its task
    instance_index: int  # among the task's instances
    instance: Task
    agent: str = EXPERT  # without noise
    noise_std: float = 0.0

    @property
    def task(self) -> str:
        """The task's name."""
        return find_task(self.instance.env_name).name


def attempts(config: RecordingConfig) -> list[Attempt]:
    """All episodes of a recording, in order: task by task, each task's instances and agents in turn.

    An instance that comes again meets the next agent.
    """
    instances = draw_instances(config.tasks, config.seed, partially_observable=False)
    result: list[Attempt] = []
    for task_index in range(len(config.tasks)):
        for episode in range(config.episodes_per_task):
            instance_index = episode % INSTANCES_PER_TASK
            instance = instances[task_index * INSTANCES_PER_TASK + instance_index]
            agent = config.agents[(episode + episode // INSTANCES_PER_TASK) % len(config.agents)]
            noise = noise_of(agent)
            noise_std = config.noise_std if noise is None else noise
            result.append(Attempt(len(result), task_index, episode, instance_index, instance, agent_name(agent), noise_std))
    return result
