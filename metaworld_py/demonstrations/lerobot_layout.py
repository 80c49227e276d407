"""LeRobot's format, version 3.0: paths, columns and metadata, as pure functions.

Layout: https://huggingface.co/docs/lerobot/lerobot-dataset-v3. Names of features are those of LeRobot's own Meta-World data sets:
`observation.state` is the hand and gripper, `observation.environment_state` the complete observation. What that format has no place for
(task instance, last observation) stands in the columns `metaworld/…` of `meta/episodes`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaworld_py.demonstrations.config import RecordingConfig
from metaworld_py.demonstrations.statistics import Statistics, picture_statistics, vector_statistics
from metaworld_py.demonstrations.storage import StagedEpisode
from metaworld_py.sim.simulation import CONTROL_HZ
from metaworld_py.tasks import find_task

VERSION = "v3.0"
VIDEO_KEY = "observation.image"
FILES_PER_CHUNK = 1000
DATA_FILE_MB = 100
VIDEO_FILE_MB = 200  # LeRobot's default; our videos hold one episode each

_FILE = "chunk-{chunk_index:03d}/file-{file_index:03d}"
DATA_PATH = f"data/{_FILE}.parquet"
VIDEO_PATH = f"videos/{{video_key}}/{_FILE}.mp4"
EPISODES_PATH = f"meta/episodes/{_FILE}.parquet"
INFO_PATH, STATS_PATH, TASKS_PATH = "meta/info.json", "meta/stats.json", "meta/tasks.parquet"

_STATE_NAMES = ("hand_x", "hand_y", "hand_z", "gripper_opening")
# Whether w is a quaternion's first or last number depends on the task, as published.
_BODY_NAMES = ("x", "y", "z", "quat_0", "quat_1", "quat_2", "quat_3")
_FRAME_NAMES = (*_STATE_NAMES, *(f"{body}_{name}" for body in ("obj", "obj2") for name in _BODY_NAMES))
_OBSERVATION_NAMES = (*_FRAME_NAMES, *(f"prev_{name}" for name in _FRAME_NAMES), "goal_x", "goal_y", "goal_z")
_ACTION_NAMES = ("x", "y", "z", "gripper")

# feature -> dtype, names of its components (None for a single number)
FEATURES: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "observation.state": ("float32", _STATE_NAMES),
    "observation.environment_state": ("float32", _OBSERVATION_NAMES),
    "action": ("float32", _ACTION_NAMES),
    "expert_action": ("float32", _ACTION_NAMES),
    "next.reward": ("float32", None),
    "next.done": ("bool", None),
    "next.success": ("bool", None),
    "timestamp": ("float32", None),
    "frame_index": ("int64", None),
    "episode_index": ("int64", None),
    "index": ("int64", None),
    "task_index": ("int64", None),
}
NUMBERS_PER_FRAME = sum(1 if names is None else len(names) for _, names in FEATURES.values())


def place(number: int) -> dict[str, int]:
    """Chunk and file of the number-th file of its kind."""
    return {"chunk_index": number // FILES_PER_CHUNK, "file_index": number % FILES_PER_CHUNK}


def video_path(number: int) -> str:
    """The number-th video, relative to the data set."""
    return VIDEO_PATH.format(video_key=VIDEO_KEY, **place(number))


def frame_columns(episode: StagedEpisode, *, episode_index: int, start: int) -> dict[str, NDArray[Any]]:
    """An episode's columns, (steps,) or (steps, size) each; `start` is its first row in the data set."""
    demonstration = episode.demonstration
    steps = demonstration.steps
    observations = demonstration.observations[:-1].astype(np.float32)
    frame_index = np.arange(steps)
    return {
        "observation.state": observations[:, : len(_STATE_NAMES)],
        "observation.environment_state": observations,
        "action": demonstration.actions,
        "expert_action": demonstration.expert_actions,
        "next.reward": demonstration.rewards.astype(np.float32),
        "next.done": frame_index == steps - 1,
        "next.success": demonstration.successes,
        "timestamp": (frame_index / CONTROL_HZ).astype(np.float32),
        "frame_index": frame_index,
        "episode_index": np.full(steps, episode_index),
        "index": start + frame_index,
        "task_index": np.full(steps, episode.attempt.task_index),
    }


def frame_schema(pyarrow: Any) -> Any:
    """The schema of data files."""
    kinds = {"float32": pyarrow.float32(), "int64": pyarrow.int64(), "bool": pyarrow.bool_()}
    return pyarrow.schema(
        [(name, kinds[dtype] if names is None else pyarrow.list_(kinds[dtype], len(names))) for name, (dtype, names) in FEATURES.items()]
    )


def frame_table(pyarrow: Any, columns: dict[str, NDArray[Any]]) -> Any:
    """Rows of a data file."""
    arrays = [
        pyarrow.array(column) if column.ndim == 1 else pyarrow.FixedSizeListArray.from_arrays(column.ravel(), column.shape[1])
        for column in columns.values()
    ]
    return pyarrow.Table.from_arrays(arrays, schema=frame_schema(pyarrow))


def episode_row(episode: StagedEpisode, columns: dict[str, NDArray[Any]], data_file: int) -> dict[str, Any]:
    """An episode's row of `meta/episodes`."""
    attempt, demonstration, pictures = episode
    start = int(columns["index"][0])
    statistics: dict[str, Statistics] = {name: vector_statistics(column) for name, column in columns.items()}
    video: dict[str, Any] = {}
    if pictures:
        statistics[VIDEO_KEY] = picture_statistics(pictures["histogram"], demonstration.steps)
        video = {**place(attempt.index), "from_timestamp": 0.0, "to_timestamp": demonstration.steps / CONTROL_HZ}
    return {
        "episode_index": int(columns["episode_index"][0]),
        "tasks": [demonstration.instruction],
        "length": demonstration.steps,
        "dataset_from_index": start,
        "dataset_to_index": start + demonstration.steps,
        **{f"data/{name}": value for name, value in place(data_file).items()},
        **{f"meta/episodes/{name}": value for name, value in place(0).items()},
        **{f"videos/{VIDEO_KEY}/{name}": value for name, value in video.items()},
        "metaworld/task": demonstration.task,
        "metaworld/rand_vec": list(demonstration.instance.rand_vec),
        "metaworld/instance_index": demonstration.instance_index,
        "metaworld/success": demonstration.is_success,
        "metaworld/is_terminated": demonstration.is_terminated,
        "metaworld/agent": demonstration.agent,
        "metaworld/noise_std": demonstration.noise_std,
        "metaworld/last_observation": demonstration.observations[-1].tolist(),
        **{f"stats/{feature}/{name}": value for feature, values in statistics.items() for name, value in values.items()},
    }


def tasks_table(pyarrow: Any, tasks: Sequence[str]) -> Any:
    """Sentence and index of each task, with the sentences as index for pandas, as LeRobot reads it."""
    columns = [
        {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": numpy_type, "metadata": None}
        for name, kind, numpy_type in (("task_index", "int64", "int64"), ("task", "unicode", "object"))
    ]
    pandas = {"index_columns": ["task"], "column_indexes": [], "columns": columns, "pandas_version": "2.0.0"}
    table = pyarrow.table({"task_index": list(range(len(tasks))), "task": [find_task(task).sentence for task in tasks]})
    return table.replace_schema_metadata({"pandas": json.dumps(pandas)})


def info(config: RecordingConfig, *, episodes: int, frames: int) -> dict[str, Any]:
    """What `meta/info.json` says."""
    features: dict[str, Any] = {
        name: {"dtype": dtype, "shape": [1 if names is None else len(names)], "names": None if names is None else list(names)}
        for name, (dtype, names) in FEATURES.items()
    }
    size_px = config.size_px
    if size_px is not None:
        video = {"height": size_px, "width": size_px, "codec": "h264", "pix_fmt": "yuv420p", "fps": CONTROL_HZ, "channels": 3}
        features[VIDEO_KEY] = {
            "dtype": "video",
            "shape": [size_px, size_px, 3],
            "names": ["height", "width", "channels"],
            "info": {**{f"video.{name}": value for name, value in video.items()}, "video.is_depth_map": False, "has_audio": False},
        }
    return {
        "codebase_version": VERSION,
        "robot_type": "sawyer",
        "total_episodes": episodes,
        "total_frames": frames,
        "total_tasks": len(config.tasks),
        "chunks_size": FILES_PER_CHUNK,
        "data_files_size_in_mb": DATA_FILE_MB,
        "video_files_size_in_mb": VIDEO_FILE_MB,
        "fps": CONTROL_HZ,
        "splits": {"train": f"0:{episodes}"},
        "data_path": DATA_PATH,
        "video_path": None if size_px is None else VIDEO_PATH,
        "features": features,
    }
