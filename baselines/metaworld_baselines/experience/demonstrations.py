"""What experts did, as arrays to learn from: read from a recording of `metaworld-py record`, in Minari's or LeRobot's layout.

Where a recording was made with noise, what is learned is what the expert would do without it: the noise shows states beside its path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8

from metaworld_baselines.arrays import Array
from metaworld_py import ACTION_SIZE, OBSERVATION_SIZE
from metaworld_py.demonstrations import Demonstration, Demonstrations, Recording, RecordingConfig, load_demonstrations
from metaworld_py.rendering import FREE_CAMERA


class View(NamedTuple):
    """What pictures show, and how, in the words of `metaworld-py record`."""

    size_px: int  # of either side
    camera: str | None  # None: the overview from the front
    render_quality: str  # "high" or "fast"

    @property
    def words(self) -> str:
        """Options of the command line."""
        camera = "" if self.camera is None else f"--camera {self.camera} "
        return f"--pixels {self.size_px} {camera}--render-quality {self.render_quality}"

    @property
    def inputs(self) -> dict[str, Any]:
        """Keywords by which an agent asks for such pictures beside states, see `metaworld_py.agents.inputs`."""
        return {
            "obs_mode": "pixels+state",
            "obs_cameras": FREE_CAMERA if self.camera is None else self.camera,
            "obs_width": self.size_px,
            "obs_height": self.size_px,
            "obs_quality": self.render_quality,
        }


class Demonstrated(NamedTuple):
    """Steps of several tasks; a task with fewer than the longest ends in zeros, which nobody is to draw."""

    obs: Float[Array, "task step obs"]
    action: Float[Array, "task step action"]  # the expert's, clipped, without noise
    steps: Int[Array, " task"]
    pictures: UInt8[Array, "picture height width rgb"] | None = None  # of all steps, task by task without gaps; None where none were read

    @property
    def digest(self) -> str:
        """A short word for these numbers: others have another one."""
        found = hashlib.sha256()
        for array in self:
            if array is not None:
                found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()[:16]


def read_demonstrations(folder: str, tasks: Sequence[str], view: View | None = None) -> tuple[Demonstrated, Recording]:
    """The steps of these tasks in a recording, with pictures if a view is given, and what the recording says of itself.

    Raises:
      ValueError: no folder was named, there is no recording, none of one of the tasks, or no such pictures; says what to do.
    """
    pictures = "" if view is None else f"{view.words} "
    record = f"`metaworld-py record {' '.join(tasks)} --agent expert --agent expert@0.3 {pictures}--out FOLDER` makes one"
    if not folder:
        raise ValueError(f"to learn from demonstrations, say --demonstrations FOLDER with a recording of them; {record}")
    demonstrations = load_demonstrations(Path(folder), with_pixels=view is not None)
    recorded = demonstrations.recording.config
    if missing := [name for name in tasks if name not in recorded.tasks]:
        raise ValueError(f"{folder} has no demonstrations of {', '.join(missing)}, only of {', '.join(recorded.tasks)}; {record}")
    if view is not None:
        check_view(folder, recorded, view, record)
    kept = {one.task: one.episodes for one in demonstrations.recording.tasks}
    if empty := [name for name in tasks if not kept[name]]:
        raise ValueError(f"{folder} kept no demonstration of {', '.join(empty)}: all attempts failed: record without --only-successes")
    return stacked(demonstrations, tasks, view), demonstrations.recording


def check_view(folder: str, recorded: RecordingConfig, view: View, record: str) -> None:
    """Refuse a recording whose pictures are not what a policy is to see.

    Args:
      folder: of the recording.
      recorded: its settings.
      view: that is wanted.
      record: what makes such a recording, in words.

    Raises:
      ValueError: no pictures, or others; says which there are and what to do.
    """
    if recorded.size_px is None:
        raise ValueError(f"{folder} was recorded without pictures: leave --pixels out to learn from states; {record} with pictures")
    found = View(recorded.size_px, recorded.camera_name, recorded.render_quality)
    if found != view:
        raise ValueError(f"{folder} has other pictures than {view.words}: say {found.words} to learn from them; {record} as wanted")


def stacked(demonstrations: Demonstrations, tasks: Sequence[str], view: View | None) -> Demonstrated:
    """Steps of each task's episodes, one behind the other, tasks in this order."""
    counts = {one.task: one.steps for one in demonstrations.recording.tasks}
    steps = np.array([counts[name] for name in tasks], np.int32)
    firsts = dict(zip(tasks, np.cumsum(steps) - steps, strict=True))
    obs, action = (np.zeros((len(tasks), steps.max(), size), np.float32) for size in (OBSERVATION_SIZE, ACTION_SIZE))
    # Pictures are what fills the memory: bytes, each episode's decoded into its place.
    pictures = None if view is None else np.empty((int(steps.sum()), view.size_px, view.size_px, 3), np.uint8)
    for one, start in _placed(demonstrations, tasks):
        row, now = tasks.index(one.task), slice(start, start + one.steps)
        obs[row, now], action[row, now] = one.observations[:-1], one.expert_actions
        if pictures is not None:
            assert one.pixels is not None  # the recording's settings say so, and its episodes were checked
            first = firsts[one.task] + start
            pictures[first : first + one.steps] = one.pixels
    return Demonstrated(obs, action, steps, pictures)


def _placed(demonstrations: Demonstrations, tasks: Sequence[str]) -> Iterator[tuple[Demonstration, int]]:
    """Episodes of these tasks, and at which of its task's steps each begins."""
    begun = dict.fromkeys(tasks, 0)
    for one in demonstrations:
        if one.task in begun:
            yield one, begun[one.task]
            begun[one.task] += one.steps


def in_words(recording: Recording, tasks: Sequence[str]) -> str:
    """Who demonstrated, and how much: "500 episodes (expert, expert@0.3; seed 0)"."""
    config = recording.config
    episodes = sum(task.episodes for task in recording.tasks if task.task in tasks)
    noise = f", noise {config.noise_std:g}" if config.noise_std else ""
    return f"{episodes:,} episodes ({', '.join(config.agents)}{noise}; seed {config.seed})"
