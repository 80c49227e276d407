"""The worst episode of each task, played again and drawn as a strip of pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from metaworld_py.agents.built_in import Agent
from metaworld_py.agents.inputs import AgentInputs
from metaworld_py.evaluation.per_instance import instances_by_task
from metaworld_py.evaluation.results import EvaluationResult, TaskResult
from metaworld_py.instances.task import Task
from metaworld_py.media.pictures import Take, outcome, play_take
from metaworld_py.sim.simulation import CONTROL_HZ

NUM_PICTURES = 12
WIDTH_PX, HEIGHT_PX = 320, 240
_QUALITY = 72  # of WebP, in percent; 12 pictures take about 60 kB


@dataclass(frozen=True)
class Film:
    """Pictures of one episode side by side in one image."""

    episode: int  # index in the task's result
    webp: bytes
    steps: tuple[int, ...]  # control steps at which the pictures were taken
    poster: int  # index of the picture to begin with
    outcome: str
    evaluated_outcome: str  # differs where an agent draws its actions anew


def worst_episode_films(result: EvaluationResult, agent: Agent, *, progress: Callable[[str], None] | None = None) -> dict[str, Film]:
    """Play and draw the worst episode of every task; see `TaskResult.worst_episode`.

    Args:
      result: the evaluation.
      agent: the agent that was evaluated.
      progress: called with each task's name once it is drawn.

    Raises:
      RenderingError: no OpenGL; says what to install.
    """
    names = [task.task for task in result.tasks]
    instances = instances_by_task(names, result.seed, result.instances_per_task)
    films = {}
    for task in result.tasks:
        instance = instances[task.task][task.worst_episode % result.instances_per_task]
        one_hot = AgentInputs.of(agent, use_one_hot=result.use_one_hot).one_hot(task.task, names)
        films[task.task] = _film(task, instance, agent, result.max_episode_steps, one_hot)
        if progress is not None:
            progress(task.task)
    return films


def _film(task: TaskResult, instance: Task, agent: Agent, max_steps: int, one_hot: np.ndarray) -> Film:
    take = play_take(
        instance,
        agent,
        width_px=WIDTH_PX,
        height_px=HEIGHT_PX,
        max_episode_steps=max_steps,
        steps_after_success=CONTROL_HZ // 2,
        one_hot=one_hot.tolist(),
    )
    steps = take.steps(NUM_PICTURES)
    film = Film(
        episode=task.worst_episode,
        webp=_strip(take, steps),
        steps=tuple(steps),
        poster=int(np.argmin([abs(step - take.telling_step) for step in steps])),
        outcome=take.outcome,
        evaluated_outcome=outcome(task.steps_to_success[task.worst_episode], max_steps),
    )
    take.close()
    return film


def _strip(take: Take, steps: list[int]) -> bytes:
    file = io.BytesIO()
    pictures = np.hstack([take.picture(step) for step in steps])
    Image.fromarray(pictures).save(file, "WEBP", quality=_QUALITY, method=4)
    return file.getvalue()
