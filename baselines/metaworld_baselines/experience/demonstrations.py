"""What experts did, as arrays to learn from: read from a recording of `metaworld-py record`, in Minari's or LeRobot's layout.

Where a recording was made with noise, what is learned is what the expert would do without it: the noise shows states beside its path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from metaworld_baselines.arrays import Array
from metaworld_py.demonstrations import Demonstration, Recording, load_demonstrations


class Demonstrated(NamedTuple):
    """Steps of several tasks; a task with fewer than the longest ends in zeros, which nobody is to draw."""

    obs: Float[Array, "task step obs"]
    action: Float[Array, "task step action"]  # the expert's, clipped, without noise
    steps: Int[Array, " task"]

    @property
    def digest(self) -> str:
        """A short word for these numbers: others have another one."""
        found = hashlib.sha256()
        for array in self:
            found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()[:16]


def read_demonstrations(folder: str, tasks: Sequence[str]) -> tuple[Demonstrated, Recording]:
    """The steps of these tasks in a recording, and what it says of itself.

    Raises:
      ValueError: no folder was named, there is no recording, or none of one of the tasks; says what to do.
    """
    record = f"`metaworld-py record {' '.join(tasks)} --agent expert --agent expert@0.3 --out FOLDER` makes one"
    if not folder:
        raise ValueError(f"to learn from demonstrations, say --demonstrations FOLDER with a recording of them; {record}")
    demonstrations = load_demonstrations(Path(folder), with_pixels=False)
    recorded = demonstrations.recording.config.tasks
    if missing := [name for name in tasks if name not in recorded]:
        raise ValueError(f"{folder} has no demonstrations of {', '.join(missing)}, only of {', '.join(recorded)}; {record}")
    by_task: dict[str, list[Demonstration]] = {name: [] for name in tasks}
    for one in demonstrations:
        if one.task in by_task:
            by_task[one.task].append(one)
    if empty := [name for name, found in by_task.items() if not found]:
        raise ValueError(f"{folder} kept no demonstration of {', '.join(empty)}: all attempts failed: record without --only-successes")
    return stacked(list(by_task.values())), demonstrations.recording


def stacked(by_task: Sequence[Sequence[Demonstration]]) -> Demonstrated:
    """Steps of each task's episodes, one behind the other."""
    obs = [np.concatenate([one.observations[:-1] for one in found]) for found in by_task]
    action = [np.concatenate([one.expert_actions for one in found]) for found in by_task]
    steps = np.array([len(of_task) for of_task in action], np.int32)

    def padded(arrays: list[Any]) -> Any:
        whole = np.zeros((len(arrays), steps.max(), arrays[0].shape[-1]), np.float32)
        for row, array in zip(whole, arrays, strict=True):
            row[: len(array)] = array
        return whole

    return Demonstrated(padded(obs), padded(action), steps)


def in_words(recording: Recording, tasks: Sequence[str]) -> str:
    """Who demonstrated, and how much: "500 episodes (expert, expert@0.3; seed 0)"."""
    config = recording.config
    episodes = sum(task.episodes for task in recording.tasks if task.task in tasks)
    noise = f", noise {config.noise_std:g}" if config.noise_std else ""
    return f"{episodes:,} episodes ({', '.join(config.agents)}{noise}; seed {config.seed})"
