"""Minari's format: one data set per task, `metaworld/TASK/expert-v0` (or who else played), an HDF5 file with a group
per episode and a `metadata.json`.

Layout: https://minari.farama.org/content/dataset_standards. A group holds observations (n + 1, …), actions, rewards, terminations and
truncations (n, …), and of ours: expert_actions (n, 4), infos/success (n + 1,), and the attributes of `_attributes`. Pictures are JPEG, as
Minari stores picture spaces.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from numpy.typing import NDArray
from PIL import Image

from metaworld_py.demonstrations.config import EXPERT, Attempt, RecordingConfig
from metaworld_py.demonstrations.episode import Demonstration, Picture
from metaworld_py.demonstrations.storage import Recording, StagedEpisode, read_json, read_staged, require
from metaworld_py.engine import layout
from metaworld_py.envs.pixels import PIXELS_AND_STATE
from metaworld_py.files import write_json, written_whole
from metaworld_py.instances.task import Task
from metaworld_py.rendering.cameras import FREE_CAMERA
from metaworld_py.tasks import find_task

_DATA_FILE, _METADATA_FILE = "main_data.hdf5", "metadata.json"
_JPEG_QUALITY = 95  # with full colour resolution: a pixel is off by 2 of 255 in the mean at 64 pixels
_DATASETS = ("actions", "rewards", "terminations", "truncations", "expert_actions")
_ATTRIBUTES = ("id", "task", "rand_vec", "instance_index", "total_steps")


def dataset_id(task: str, config: RecordingConfig) -> str:
    """The id under which `minari.load_dataset` finds a task's episodes (with MINARI_DATASETS_PATH at the recording's folder)."""
    return f"metaworld/{task}/{config.quality}-v0"


def require_packages() -> None:
    """Raise ImportError, naming the extra, if minari or h5py is missing."""
    require("minari")
    require("h5py")


class JpegSink:
    """Keeps an episode's pictures as JPEG."""

    def __init__(self) -> None:
        self._jpegs: list[bytes] = []

    def __call__(self, picture: Picture) -> None:
        """Take the next picture."""
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, format="JPEG", quality=_JPEG_QUALITY, subsampling=0)
        self._jpegs.append(buffer.getvalue())

    def finish(self, *, is_kept: bool) -> dict[str, NDArray[Any]]:
        """All pictures in a row, and where each ends."""
        ends = np.cumsum([len(jpeg) for jpeg in self._jpegs])
        return {"jpegs": np.frombuffer(b"".join(self._jpegs), dtype=np.uint8), "ends": ends} if is_kept else {}

    def abort(self) -> None:
        """No-op: pictures are kept in memory, no file is open."""


def picture_sink(folder: Path, attempt: Attempt) -> JpegSink:
    """Sink that an attempt's pictures go to."""
    return JpegSink()


def assemble(folder: Path, recording: Recording, kept: Sequence[Attempt]) -> None:
    """Write one data set per task that has episodes, from the staged ones."""
    for task_index, task in enumerate(recording.config.tasks):
        episodes = [attempt for attempt in kept if attempt.task_index == task_index]
        if episodes:
            data = _data_folder(folder, task, recording.config)
            with written_whole(data / _DATA_FILE) as part:
                steps = _write_episodes(part, recording.config, (read_staged(folder, attempt) for attempt in episodes))
            write_json(data / _METADATA_FILE, _metadata(data, task, recording, len(episodes), steps))


def _data_folder(folder: Path, task: str, config: RecordingConfig) -> Path:
    return folder / dataset_id(task, config) / "data"


def _write_episodes(path: Path, config: RecordingConfig, episodes: Iterable[StagedEpisode]) -> int:
    """Write an HDF5 file; returns the number of control steps."""
    h5py = require("h5py")
    total_steps = 0
    with h5py.File(path, "w", track_order=True) as file:
        for index, (_, demonstration, pictures) in enumerate(episodes):
            group = file.create_group(f"episode_{index}")
            group.attrs.update(_attributes(index, config, demonstration))
            for name, array in _arrays(demonstration).items():
                group.create_dataset(name, data=array)
            if not pictures:
                group.create_dataset("observations", data=demonstration.observations)
            else:
                group.create_dataset("observations/state", data=demonstration.observations)
                jpegs = np.split(pictures["jpegs"], pictures["ends"][:-1])
                stored = group.create_dataset("observations/pixels", (len(jpegs),), dtype=h5py.vlen_dtype(np.uint8))
                for frame, jpeg in enumerate(jpegs):
                    stored[frame] = jpeg
            total_steps += demonstration.steps
    return total_steps


def _attributes(index: int, config: RecordingConfig, demonstration: Demonstration) -> dict[str, Any]:
    """An episode's metadata: Minari's `id` and `total_steps`, then ours. Minari's `seed` would be what a reset begins the episode by."""
    return {
        "id": index,
        "total_steps": demonstration.steps,
        "recording_seed": config.seed,
        "task": demonstration.task,
        "language_instruction": demonstration.instruction,
        "instance_index": demonstration.instance_index,
        "rand_vec": np.array(demonstration.instance.rand_vec),
        "success": demonstration.is_success,
        "agent": demonstration.agent,
        "noise_std": demonstration.noise_std,
    }


def _arrays(demonstration: Demonstration) -> dict[str, NDArray[Any]]:
    """An episode's arrays but for the observations."""
    is_last = np.arange(demonstration.steps) == demonstration.steps - 1
    return {
        "actions": demonstration.actions,
        "expert_actions": demonstration.expert_actions,
        "rewards": demonstration.rewards,
        "terminations": is_last & demonstration.is_terminated,
        "truncations": is_last & (not demonstration.is_terminated),
        "infos/success": np.concatenate([[False], demonstration.successes]),  # the reset has an info, too
    }


def _metadata(data: Path, task: str, recording: Recording, episodes: int, steps: int) -> dict[str, Any]:
    """What `metadata.json` says."""
    serialize_space = require("minari.serialization").serialize_space
    config = recording.config
    players = ", ".join("scripted expert" if agent == EXPERT else agent for agent in config.agents)
    return {
        "dataset_id": dataset_id(task, config),
        "minari_version": require("minari").__version__,
        "data_format": "hdf5",
        "jpeg_encoding": True,
        "total_episodes": episodes,
        "total_steps": steps,
        "dataset_size": round((data / _DATA_FILE).stat().st_size / 1e6, 1),  # megabytes
        "observation_space": serialize_space(_observation_space(task, config.size_px)),
        "action_space": serialize_space(layout.action_space()),
        "env_spec": _env_spec(task, config).to_json(),
        "algorithm_name": players,
        "description": f"{find_task(task).sentence} Episodes of {players}.",
        "requirements": [f"metaworld_py=={recording.versions['metaworld_py']}"],
        "recording": {"config": dataclasses.asdict(config), "versions": recording.versions},
    }


def _observation_space(task: str, size_px: int | None) -> gymnasium.Space[Any]:
    """The 39 numbers; with pictures a dictionary of `state` and `pixels`."""
    state = layout.observation_space(find_task(task), is_goal_hidden=False)
    if size_px is None:
        return state
    return gymnasium.spaces.Dict({"state": state, "pixels": gymnasium.spaces.Box(0, 255, (size_px, size_px, 3), np.uint8)})


def _env_spec(task: str, config: RecordingConfig) -> EnvSpec:
    """What `recover_environment` makes: the task with the recorded instances, and observations as they were recorded."""
    keywords: dict[str, Any] = {
        "env_name": task,
        "seed": config.seed,
        "benchmark": config.tasks,
        "reward_function_version": config.reward_function_version,
        "terminate_on_success": config.terminate_on_success,
    }
    if config.size_px is not None:
        keywords |= {
            "obs_mode": PIXELS_AND_STATE,
            "obs_cameras": FREE_CAMERA if config.camera_name is None else config.camera_name,
            "obs_width": config.size_px,
            "obs_height": config.size_px,
            "obs_quality": config.render_quality,
        }
    return dataclasses.replace(gymnasium.spec("Meta-World/MT1"), max_episode_steps=config.max_episode_steps, kwargs=keywords)


class MinariReader:
    """Reads the episodes of all tasks, in the order of the recording.

    Raises:
      ValueError: files are missing, or are not those of the recording.
    """

    def __init__(self, folder: Path, recording: Recording) -> None:
        self._config = recording.config
        self._files: list[tuple[Path, int]] = []  # per episode: its file, and its index there
        for task in recording.tasks:
            if task.episodes:
                data = _data_folder(folder, task.task, recording.config)
                _check_dataset(data, task.episodes)
                self._files += [(data / _DATA_FILE, index) for index in range(task.episodes)]

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self._files)

    def read(self, index: int, *, with_pixels: bool) -> Demonstration:
        """Read one episode."""
        path, episode = self._files[index]
        with require("h5py").File(path, "r") as file:
            group = file[f"episode_{episode}"]
            _check_group(path, group, self._config)
            has_pixels = self._config.size_px is not None
            jpegs = group["observations/pixels"][:-1] if has_pixels and with_pixels else None
            task = find_task(str(group.attrs["task"]))
            return Demonstration(
                task=task.name,
                instruction=task.sentence,
                instance=Task(task.id, tuple(group.attrs["rand_vec"].tolist()), partially_observable=False),
                instance_index=int(group.attrs["instance_index"]),
                observations=group["observations/state" if has_pixels else "observations"][()],
                actions=group["actions"][()],
                expert_actions=group["expert_actions"][()],
                rewards=group["rewards"][()],
                successes=group["infos/success"][1:],
                is_terminated=bool(group["terminations"][-1]),
                agent=str(group.attrs.get("agent", EXPERT)),  # older recordings have experts only
                noise_std=float(group.attrs.get("noise_std", self._config.noise_std)),
                pixels=None if jpegs is None else np.array([_decoded(jpeg) for jpeg in jpegs]),
            )


def _decoded(jpeg: NDArray[np.uint8]) -> Picture:
    return np.asarray(Image.open(io.BytesIO(jpeg.tobytes())).convert("RGB"))


def _check_dataset(data: Path, episodes: int) -> None:
    metadata = read_json(data / _METADATA_FILE)
    if metadata.get("total_episodes") != episodes or metadata.get("data_format") != "hdf5":
        raise ValueError(f"{data / _METADATA_FILE} must describe {episodes} episodes in hdf5, got {json.dumps(metadata)[:200]}")
    if not (data / _DATA_FILE).is_file():
        raise ValueError(f"{data / _DATA_FILE} is missing")
    with require("h5py").File(data / _DATA_FILE, "r") as file:
        missing = [f"episode_{index}" for index in range(episodes) if f"episode_{index}" not in file]
    if missing:
        raise ValueError(f"{data / _DATA_FILE} lacks {', '.join(missing[:3])} of {episodes} episodes")


def _check_group(path: Path, group: Any, config: RecordingConfig) -> None:
    observations = ("observations",) if config.size_px is None else ("observations/state", "observations/pixels")
    missing = [name for name in (*_DATASETS, "infos/success", *observations) if name not in group]
    missing += [name for name in _ATTRIBUTES if name not in group.attrs]
    if missing:
        raise ValueError(f"{path}, {group.name}: {', '.join(missing)} missing")
