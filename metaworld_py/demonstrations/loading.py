"""Reading recordings back, whichever format they are in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import overload

from metaworld_py.demonstrations.episode import Demonstration, check_demonstration
from metaworld_py.demonstrations.formats import DATASET_FORMATS, Reader
from metaworld_py.demonstrations.storage import Recording
from metaworld_py.files import reading


class Demonstrations(Sequence[Demonstration]):
    """The episodes of a recording, in order: task by task. Each is read from disk, and checked, when it is asked for.

    Attributes:
      recording: settings, versions and counts.
    """

    def __init__(self, recording: Recording, reader: Reader, folder: Path, *, with_pixels: bool) -> None:
        self.recording = recording
        self._folder = folder
        self._reader = reader
        self._with_pixels = with_pixels

    def __len__(self) -> int:
        return len(self._reader)

    @overload
    def __getitem__(self, index: int) -> Demonstration: ...

    @overload
    def __getitem__(self, index: slice) -> list[Demonstration]: ...

    def __getitem__(self, index: int | slice) -> Demonstration | list[Demonstration]:
        """One episode, or a list of several.

        Raises:
          IndexError: no such episode.
          ValueError: the episode's arrays are not as recorded.
        """
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"episode {index} of {len(self)}")
        with reading(self._folder, "a recording that can be read"):
            demonstration = self._reader.read(index % len(self), with_pixels=self._with_pixels)
            check_demonstration(demonstration, f"{self._folder}, episode {index % len(self)}")
        return demonstration


def load_demonstrations(folder: str | Path, *, with_pixels: bool = True) -> Demonstrations:
    """Open a recording made by `record_demonstrations` or `metaworld-py record`, in either format.

    Args:
      folder: where it was recorded.
      with_pixels: whether to decode pictures, where there are any.

    Raises:
      ValueError: no recording there, an unfinished one, or files that are missing or not those of the recording.
      ImportError: a package is missing; names the extra.
    """
    folder = Path(folder)
    recording = Recording.load(folder)
    if not recording.is_complete:
        raise ValueError(f"{folder} holds an unfinished recording: run `metaworld-py record` with the same options to finish it")
    with reading(folder, "a recording that can be read"):
        reader = DATASET_FORMATS[recording.config.format].open_reader(folder, recording)
    if len(reader) != sum(task.episodes for task in recording.tasks):
        raise ValueError(f"{folder} must hold {sum(task.episodes for task in recording.tasks)} episodes, got {len(reader)}")
    return Demonstrations(recording, reader, folder, with_pixels=with_pixels)
