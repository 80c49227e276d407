"""Writes and reads data sets in LeRobot's format: frames in `data/*.parquet`, a row each; `meta/` describes them; `videos/*.mp4`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import numpy as np
from numpy.typing import NDArray

from metaworld_py.demonstrations import lerobot_layout as layout
from metaworld_py.demonstrations.config import EXPERT, Attempt, RecordingConfig
from metaworld_py.demonstrations.episode import Demonstration, Picture
from metaworld_py.demonstrations.statistics import LEVELS, channel_histogram, picture_statistics, vector_statistics
from metaworld_py.demonstrations.storage import (
    PART_SUFFIX,
    UNFINISHED,
    Recording,
    read_json,
    read_staged,
    require,
)
from metaworld_py.files import write_json, written_whole
from metaworld_py.instances.task import Task
from metaworld_py.sim.simulation import CONTROL_HZ
from metaworld_py.tasks import find_task

# Every second picture is a key frame, so that single ones are quick to reach. At crf 10 little is lost beyond what the colour format
# (yuv420p) costs: a pixel is off by 3.8 of 255 in the mean at 64 pixels, of which 3.2 are the format's.
_VIDEO_OPTIONS = ("-g", "2", "-crf", "10")
_OWN_COLUMNS = tuple(f"metaworld/{name}" for name in ("task", "rand_vec", "instance_index", "is_terminated", "last_observation"))


def require_packages() -> None:
    """Raise ImportError, naming the extra, if pyarrow is missing."""
    require("pyarrow")


class VideoSink:
    """Encodes an episode's pictures as they come, next to the staged episodes; the video moves into place when the episode is over."""

    def __init__(self, part: Path, path: Path) -> None:
        self._part, self._path = part, path
        self._histogram = np.zeros((3, LEVELS), dtype=np.int64)
        self._frames = 0
        part.parent.mkdir(parents=True, exist_ok=True)
        get_writer: Any = imageio.get_writer  # its stubs know neither formats nor their options
        self._writer: Any = get_writer(
            part, fps=CONTROL_HZ, codec="libx264", quality=None, macro_block_size=1, output_params=list(_VIDEO_OPTIONS)
        )

    def __call__(self, picture: Picture) -> None:
        """Take the next picture."""
        self._writer.append_data(picture)
        self._histogram += channel_histogram(picture)
        self._frames += 1

    def finish(self, *, is_kept: bool) -> dict[str, NDArray[Any]]:
        """The histogram of the pictures, for statistics.

        Raises:
          OSError: the video is not whole.
        """
        from metaworld_py.media.video import check_frames  # noqa: PLC0415  # see `_read_video`

        self._writer.close()
        if not is_kept:
            self._part.unlink()
            return {}
        check_frames(self._part, self._frames)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._part.replace(self._path)
        return {"histogram": self._histogram}

    def abort(self) -> None:
        """Stop the video encoder and leave its file unfinished."""
        self._writer.close()


def picture_sink(folder: Path, attempt: Attempt) -> VideoSink:
    """Where an attempt's pictures go: a video of its own, numbered by the attempt."""
    # The encoder of a run that was killed may still be writing: each run has its own names.
    part = folder / UNFINISHED / f"{attempt.index:06d}-{os.getpid()}{PART_SUFFIX}.mp4"
    return VideoSink(part, folder / layout.video_path(attempt.index))


def assemble(folder: Path, recording: Recording, kept: Sequence[Attempt]) -> None:
    """Write data and metadata of all episodes from the staged ones; `meta/info.json`, which makes it a data set, comes last."""
    pyarrow, parquet = require("pyarrow"), require("pyarrow.parquet")
    rows: list[dict[str, Any]] = []
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in layout.FEATURES}
    histogram = np.zeros((3, LEVELS), dtype=np.int64)
    frames = 0
    for data_file, group in enumerate(_data_files(kept, recording.config)):
        path = folder / layout.DATA_PATH.format(**layout.place(data_file))
        with written_whole(path) as part, parquet.ParquetWriter(part, layout.frame_schema(pyarrow)) as writer:
            for attempt in group:
                episode = read_staged(folder, attempt)
                of_episode = layout.frame_columns(episode, episode_index=len(rows), start=frames)
                writer.write_table(layout.frame_table(pyarrow, of_episode))
                rows.append(layout.episode_row(episode, of_episode, data_file))
                for name, column in of_episode.items():
                    columns[name].append(column)
                histogram += episode.pictures.get("histogram", 0)
                frames += episode.demonstration.steps
    with written_whole(folder / layout.EPISODES_PATH.format(**layout.place(0))) as part:
        parquet.write_table(pyarrow.Table.from_pylist(rows), part)
    with written_whole(folder / layout.TASKS_PATH) as part:
        parquet.write_table(layout.tasks_table(pyarrow, recording.config.tasks), part)
    statistics = {name: vector_statistics(np.concatenate(parts)) for name, parts in columns.items()}
    if recording.config.size_px is not None:
        statistics[layout.VIDEO_KEY] = picture_statistics(histogram, frames)
    write_json(folder / layout.STATS_PATH, statistics)
    write_json(folder / layout.INFO_PATH, layout.info(recording.config, episodes=len(rows), frames=frames))


def _data_files(kept: Sequence[Attempt], config: RecordingConfig) -> Iterator[Sequence[Attempt]]:
    """The episodes of each data file: as many as surely fit."""
    bytes_per_episode = 4 * layout.NUMBERS_PER_FRAME * config.max_episode_steps
    per_file = max(layout.DATA_FILE_MB * 2**20 // bytes_per_episode, 1)
    return (kept[first : first + per_file] for first in range(0, len(kept), per_file))


class LerobotReader:
    """Reads the episodes of our own recordings.

    Raises:
      ValueError: files are missing, or are not those of the recording.
    """

    def __init__(self, folder: Path, recording: Recording) -> None:
        self._folder, self._config = folder, recording.config
        parquet = require("pyarrow.parquet")
        self._current: tuple[Path, Any] | None = None
        expected = layout.info(
            recording.config, episodes=sum(task.episodes for task in recording.tasks), frames=sum(task.steps for task in recording.tasks)
        )
        found = read_json(folder / layout.INFO_PATH)
        differing = [name for name, value in expected.items() if found.get(name) != value]
        if differing:
            raise ValueError(f"{folder / layout.INFO_PATH} is not that of this recording: {', '.join(differing)} differ")
        path = folder / layout.EPISODES_PATH.format(**layout.place(0))
        self._rows: list[dict[str, Any]] = _read_rows(parquet, path, expected["total_episodes"])
        files = {self._data_path(row) for row in self._rows}
        if self._config.size_px is not None:
            files |= {self._video_path(row) for row in self._rows}
        missing = sorted(str(file) for file in files if not file.is_file())
        if missing:
            raise ValueError(f"{len(missing)} files are missing from the recording, {missing[0]} first")

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self._rows)

    def read(self, index: int, *, with_pixels: bool) -> Demonstration:
        """Read one episode."""
        row = self._rows[index]
        path = self._data_path(row)
        table = self._table(path)
        missing = [name for name in layout.FEATURES if name not in table.column_names]
        if missing:
            raise ValueError(f"{path}: {', '.join(missing)} missing")
        table = table.slice(row["dataset_from_index"] - table["index"][0].as_py(), row["length"])
        if table["episode_index"].to_pylist() != [row["episode_index"]] * row["length"]:
            raise ValueError(f"{path}: the rows of episode {index} are not where meta/episodes says")
        task = find_task(row["metaworld/task"])
        observations = _matrix(table, "observation.environment_state")
        return Demonstration(
            task=task.name,
            instruction=task.sentence,
            instance=Task(task.id, tuple(row["metaworld/rand_vec"]), partially_observable=False),
            instance_index=row["metaworld/instance_index"],
            observations=np.vstack([observations, np.array(row["metaworld/last_observation"], dtype=np.float32)]),
            actions=_matrix(table, "action"),
            expert_actions=_matrix(table, "expert_action"),
            rewards=table["next.reward"].to_numpy(),
            successes=table["next.success"].to_numpy(),
            is_terminated=row["metaworld/is_terminated"],
            agent=row.get("metaworld/agent", EXPERT),  # older recordings have experts only
            noise_std=row.get("metaworld/noise_std", self._config.noise_std),
            pixels=_read_video(self._video_path(row), self._config.size_px) if with_pixels and self._config.size_px else None,
        )

    def _table(self, path: Path) -> Any:
        """A data file, kept until another one is asked for: it holds many episodes."""
        if self._current is None or self._current[0] != path:
            self._current = (path, require("pyarrow.parquet").read_table(path))
        return self._current[1]

    def _data_path(self, row: dict[str, Any]) -> Path:
        return self._folder / layout.DATA_PATH.format(chunk_index=row["data/chunk_index"], file_index=row["data/file_index"])

    def _video_path(self, row: dict[str, Any]) -> Path:
        chunk, file = (row[f"videos/{layout.VIDEO_KEY}/{name}"] for name in ("chunk_index", "file_index"))
        return self._folder / layout.VIDEO_PATH.format(video_key=layout.VIDEO_KEY, chunk_index=chunk, file_index=file)


def _read_rows(parquet: Any, path: Path, episodes: int) -> list[dict[str, Any]]:
    """The rows of `meta/episodes`, without statistics."""
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    names = [name for name in parquet.read_schema(path).names if not name.startswith("stats/")]
    missing = [name for name in _OWN_COLUMNS if name not in names]
    rows: list[dict[str, Any]] = [] if missing else parquet.read_table(path, columns=names).to_pylist()
    if missing or len(rows) != episodes:
        raise ValueError(f"{path} must have {episodes} rows and the columns {', '.join(_OWN_COLUMNS)}, got {len(rows)} rows")
    return rows


def _matrix(table: Any, name: str) -> NDArray[np.float32]:
    """A column of lists of one length, as (rows, length)."""
    column = table[name].combine_chunks()
    return np.asarray(column.flatten().to_numpy(zero_copy_only=False)).reshape(table.num_rows, -1)


def _read_video(path: Path, size_px: int) -> Picture:
    """All pictures, (frames, size, size, 3).

    Raises:
      ValueError: not a video that can be read.
    """
    import imageio_ffmpeg  # type: ignore[import-untyped]  # noqa: PLC0415  # 65 MiB that nothing else asks for; it has no annotations

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    decoder = subprocess.run(command, capture_output=True, check=False)
    if decoder.returncode or len(decoder.stdout) % (size_px * size_px * 3):
        raise ValueError(
            f"{path} is not a readable video of {size_px} × {size_px} pixels: {decoder.stderr.decode(errors='replace').strip()}"
        )
    return np.frombuffer(decoder.stdout, dtype=np.uint8).reshape(-1, size_px, size_px, 3)
