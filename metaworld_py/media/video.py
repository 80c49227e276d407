"""Files of episodes: a video, a sheet of frames, a contact sheet of many tasks."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import imageio_ffmpeg  # type: ignore[import-untyped]  # it has no annotations
from tqdm import tqdm

from metaworld_py.agents.built_in import Agent
from metaworld_py.evaluation.per_instance import instances_by_task
from metaworld_py.files import check_writable, written_whole
from metaworld_py.instances.task import Task
from metaworld_py.instances.task_sets import task_names
from metaworld_py.media.pictures import Picture, play_take, sheet
from metaworld_py.rendering.cameras import Camera
from metaworld_py.sim.simulation import CONTROL_HZ
from metaworld_py.tasks import find_task
from metaworld_py.tasks.common.definition import HORIZON

SUFFIXES = (".mp4", ".gif", ".png", ".jpg")
SHEET_SUFFIXES = (".png", ".jpg")
VIDEO_SIZE_PX, SHEET_SIZE_PX = 480, 320
SHEET_FRAMES, SHEET_COLUMNS = 12, 4
CONTACT_CAMERA = Camera(pos=(0.72, 0.22, 0.55), look_at=(0.0, 0.66, 0.13), fovy_deg=44.0)  # near, over what stands on the table
CONTACT_COLUMNS = 10  # for the fifty tasks; fewer tasks make two rows
_STILL_STEPS = CONTROL_HZ // 2  # half a second after success, so that one sees it


def record_episode(
    task: str,
    agent: Agent,
    path: str | Path,
    *,
    seed: int = 0,
    instance: int = 0,
    benchmark: str | None = None,
    camera_name: str | None = None,
    size_px: int | None = None,
    frames_per_second: int = 20,
    max_episode_steps: int = HORIZON,
    with_overlay: bool = False,
) -> str:
    """Write one instance, until half a second after its first success or the horizon; returns a line that says what happened.

    Args:
      task: task name.
      agent: see `metaworld_py.agents.Agent`.
      path: `.mp4` or `.gif` for a video, `.png` or `.jpg` for a sheet of twelve frames.
      seed: of the instances.
      instance: index among the task's instances.
      benchmark: the task set whose instances they are; the task's own (those of MT1) by default. An evaluation of MT10 plays those of MT10.
      camera_name: None for the overview.
      size_px: width and height of a frame; 480 in a video and 320 in a sheet by default. Videos `.mp4` need an even number.
      frames_per_second: of a video, 1…80; it runs in real time.
      max_episode_steps: control steps.
      with_overlay: draw a step counter and, once successful, a badge.

    Raises:
      ValueError: unknown task, camera or suffix, numbers out of range.
      RenderingError: no OpenGL; says what to install.
    """
    path, task_def = _checked(path, SUFFIXES), find_task(task)
    if not 1 <= frames_per_second <= CONTROL_HZ:
        raise ValueError(f"frames_per_second must lie in 1…{CONTROL_HZ}, got {frames_per_second}")
    is_sheet = path.suffix in SHEET_SUFFIXES
    if size_px is None:
        size_px = SHEET_SIZE_PX if is_sheet else VIDEO_SIZE_PX
    if path.suffix == ".mp4" and size_px % 2:
        raise ValueError(f"the size of .mp4 videos must be even, got {size_px}")
    take = play_take(
        _instance(task_def.name, seed, instance, benchmark),
        agent,
        camera_name=camera_name,
        width_px=size_px,
        height_px=size_px,
        max_episode_steps=max_episode_steps,
        steps_after_success=_STILL_STEPS,
    )
    steps = take.steps(SHEET_FRAMES) if is_sheet else _video_steps(take.num_steps, frames_per_second)
    frames = (take.picture(step, with_overlay=with_overlay) for step in tqdm(steps, unit=" frames", disable=None))
    if is_sheet:
        with written_whole(path, keeps_suffix=True) as part:
            imageio.imwrite(part, sheet(list(frames), SHEET_COLUMNS))
    else:
        with written_whole(path, keeps_suffix=True) as part:
            _write_video(part, frames, frames_per_second)
    take.close()
    return f"{path}: {task_def.name}, instance {instance} of seed {seed}, {take.outcome}"


def record_contact_sheet(
    tasks: Sequence[str],
    agent: Agent,
    path: str | Path,
    *,
    seed: int = 0,
    instance: int = 0,
    benchmark: str | None = None,
    camera_name: str | None = None,
    size_px: int | None = None,
    max_episode_steps: int = HORIZON,
    with_overlay: bool = False,
) -> str:
    """Write one picture of every task, each shortly before success (its last step without success); returns a line that says what happened.

    Args: as for `record_episode`; path is a `.png` or `.jpg` file, camera_name None a near view of the table's middle, size_px that of one
      picture (160 by default beyond ten tasks, else 320).

    Raises:
      ValueError: unknown tasks, camera or suffix, numbers out of range.
      RenderingError: no OpenGL; says what to install.
    """
    path = _checked(path, SHEET_SUFFIXES)
    is_long = len(tasks) > CONTACT_COLUMNS
    if size_px is None:
        size_px = SHEET_SIZE_PX // 2 if is_long else SHEET_SIZE_PX
    pictures, num_successes = [], 0
    bar = tqdm(tasks, unit=" tasks", disable=None)
    for task in bar:
        bar.set_description(task)
        take = play_take(
            _instance(find_task(task).name, seed, instance, benchmark),
            agent,
            camera_name=camera_name or CONTACT_CAMERA,
            width_px=size_px,
            height_px=size_px,
            max_episode_steps=max_episode_steps,
            steps_after_success=0,
        )
        pictures.append(take.picture(take.telling_step, with_overlay=with_overlay))
        num_successes += take.first_success is not None
        take.close()
    columns = CONTACT_COLUMNS if is_long else -(-len(tasks) // 2)
    with written_whole(path, keeps_suffix=True) as part:
        imageio.imwrite(part, sheet(pictures, columns, labels=[find_task(task).name for task in tasks]))
    return f"{path}: {len(tasks)} tasks, instance {instance} of seed {seed}, {num_successes} with success"


def _instance(task: str, seed: int, index: int, benchmark: str | None = None) -> Task:
    names = task_names(benchmark or task)
    if task not in names:
        raise ValueError(f"{task} is not in {benchmark}")
    instances = instances_by_task(names, seed)[task]
    if not 0 <= index < len(instances):
        raise ValueError(f"instance must lie in 0…{len(instances) - 1}, got {index}")
    return instances[index]


def _checked(path: str | Path, suffixes: Sequence[str]) -> Path:
    path = Path(path)
    if path.suffix not in suffixes:
        raise ValueError(f"this is written as {', '.join(suffixes[:-1])} or {suffixes[-1]}, got {path.name!r}")
    return check_writable(path)


def _video_steps(num_steps: int, frames_per_second: int) -> list[int]:
    """The control steps that a video in real time shows."""
    frames = [step * frames_per_second // CONTROL_HZ for step in range(num_steps + 1)]
    return [step for step, frame in enumerate(frames) if step == 0 or frame != frames[step - 1]]


def _write_video(path: Path, frames: Iterable[Picture], frames_per_second: int) -> None:
    # macro_block_size=1: keep the size that was asked for
    options: dict[str, Any] = {"fps": frames_per_second, "macro_block_size": 1}
    target: Any = path
    if path.suffix == ".gif":
        # ms per frame; loop for ever. Through memory, because its writer tries again to write when it is thrown away.
        options, target = {"format": "GIF", "duration": 1000 // frames_per_second, "loop": 0}, io.BytesIO()
    get_writer: Any = imageio.get_writer  # its stubs know neither formats nor their options
    count = 0
    with warnings.catch_warnings(), get_writer(target, **options) as writer:
        # JAX, where an agent brought it, warns of every fork; what is forked here becomes ffmpeg at once.
        warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
        for frame in frames:
            writer.append_data(frame)
            count += 1
    if path.suffix == ".gif":
        path.write_bytes(target.getvalue())
    if path.suffix == ".mp4":
        check_frames(path, count)


def check_frames(path: Path, count: int) -> None:
    """Refuse a video that does not have this many frames: the encoder is a process of its own, and nobody hears it fail.

    Raises:
      OSError: it has not.
    """
    try:
        found = imageio_ffmpeg.count_frames_and_secs(str(path))[0]
    except RuntimeError:  # no video at all
        found = None
    if found != count:
        raise OSError(f"the encoder wrote no film of {count} frames; is the disk full?")
