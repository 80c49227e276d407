"""What a data set format has to offer, and which there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from metaworld_py.demonstrations import lerobot_format, minari_format
from metaworld_py.demonstrations.config import LEROBOT, MINARI, Attempt
from metaworld_py.demonstrations.episode import Demonstration, Picture
from metaworld_py.demonstrations.storage import Recording


class PictureSink(Protocol):
    """Takes one episode's pictures as they are rendered."""

    def __call__(self, picture: Picture, /) -> None:
        """Take the next picture."""
        ...

    def finish(self, *, is_kept: bool) -> dict[str, NDArray[Any]]:
        """The episode is over; returns what to keep with it. Without `is_kept`, nothing may stay behind."""
        ...

    def abort(self) -> None:
        """The episode was interrupted; frees what was opened. Harmless after `finish`."""
        ...


class Reader(Protocol):
    """Reads the episodes of a complete recording."""

    def __len__(self) -> int:
        """Number of episodes."""
        ...

    def read(self, index: int, *, with_pixels: bool) -> Demonstration:
        """Read one episode."""
        ...


@dataclass(frozen=True, kw_only=True)
class DatasetFormat:
    """A way to lay out a data set on disk."""

    sees_last: bool  # whether the picture after the last action is stored
    require_packages: Callable[[], None]  # raises ImportError, naming the extra, if one is missing that writing needs
    picture_sink: Callable[[Path, Attempt], PictureSink]  # (folder, attempt): where its pictures go
    assemble: Callable[[Path, Recording, Sequence[Attempt]], None]  # from the staged attempts; may be interrupted and called again
    open_reader: Callable[[Path, Recording], Reader]  # of a complete data set; checks its files


DATASET_FORMATS = {
    MINARI: DatasetFormat(
        sees_last=True,  # as many pictures as observations
        require_packages=minari_format.require_packages,
        picture_sink=minari_format.picture_sink,
        assemble=minari_format.assemble,
        open_reader=minari_format.MinariReader,
    ),
    LEROBOT: DatasetFormat(
        sees_last=False,  # as many pictures as actions
        require_packages=lerobot_format.require_packages,
        picture_sink=lerobot_format.picture_sink,
        assemble=lerobot_format.assemble,
        open_reader=lerobot_format.LerobotReader,
    ),
}
