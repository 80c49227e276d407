"""Videos of episodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import numpy as np
from tqdm import tqdm

from metaworld_py.benchmarks import MT1
from metaworld_py.env import RENDER_HZ, env_class
from metaworld_py.tasks import find_task
from metaworld_py.tasks.definition import HORIZON

SUFFIXES = (".mp4", ".gif")
_STILL_SECONDS = 0.5  # after success, so that one sees it


def record_episode(
    task: str,
    agent: Any,
    path: str | Path,
    *,
    seed: int = 0,
    instance: int = 0,
    camera_name: str | None = None,
    size_px: int = 480,
    frames_per_second: int = 20,
    max_episode_steps: int = HORIZON,
) -> str:
    """Write a video of one instance, until half a second after its first success or the horizon; returns a line that says what happened.

    Args:
      task: task name.
      agent: see `metaworld_py.agents.Agent`.
      path: `.mp4` or `.gif` file.
      seed: of the instances.
      instance: index among the task's instances.
      camera_name: None for the overview.
      size_px: width and height.
      frames_per_second: 1…80; the video runs in real time.
      max_episode_steps: control steps.

    Raises:
      ValueError: unknown task, camera or suffix, numbers out of range.
      RenderingError: no OpenGL; says what to install.
    """
    path, task_def = Path(path), find_task(task)
    if path.suffix not in SUFFIXES:
        raise ValueError(f"videos are written as {' or '.join(SUFFIXES)}, got {path.name!r}")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"the folder of {path} does not exist: create it first")
    if not 1 <= frames_per_second <= RENDER_HZ:
        raise ValueError(f"frames_per_second must lie in 1…{RENDER_HZ}, got {frames_per_second}")
    tasks = MT1(task_def.name, seed).train_tasks
    if not 0 <= instance < len(tasks):
        raise ValueError(f"instance must lie in 0…{len(tasks) - 1}, got {instance}")
    env = env_class(task_def.name)("rgb_array", camera_name, height=size_px, width=size_px, max_episode_steps=max_episode_steps)
    if callable(getattr(agent, "start_task", None)):
        agent.start_task(task_def.name)
    env.set_task(tasks[instance])
    observation, _ = env.reset(seed=seed)
    first_success = None
    # macro_block_size=1: keep the size that was asked for
    if path.suffix == ".mp4":
        options = {"fps": frames_per_second, "macro_block_size": 1}
    else:
        options = {"duration": 1000 // frames_per_second, "loop": 0}  # ms per frame; loop for ever
    get_writer: Any = imageio.get_writer  # its stubs know neither formats nor their options
    with (
        get_writer(path, **options) as writer,
        tqdm(total=max_episode_steps, unit=" steps", disable=None) as bar,
    ):
        writer.append_data(env.render())
        for step in range(1, max_episode_steps + 1):
            action = np.asarray(agent.eval_action(observation[np.newaxis]))[0]
            observation, _, _, truncated, info = env.step(action)
            bar.update()
            if step * frames_per_second // RENDER_HZ != (step - 1) * frames_per_second // RENDER_HZ:
                writer.append_data(env.render())
            if first_success is None and info["success"]:
                first_success = step
            if truncated or (first_success is not None and step >= first_success + _STILL_SECONDS * RENDER_HZ):
                break
    env.close()
    outcome = f"success after {first_success} steps" if first_success is not None else f"no success in {step} steps"
    return f"{path}: {task_def.name}, instance {instance} of seed {seed}, {outcome}"
