"""TensorBoard's file of a run."""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.record_writer import masked_crc32c
from tensorboardX.summary import scalar


class Board:
    """Writes numbers for TensorBoard, at once: a thread, as `SummaryWriter` has, ends at an error, and training would wait for it for ever.

    Args:
      folder: made if missing; each board has a file of its own there.
      steps: from which on the numbers of earlier files are void.

    Raises:
      OSError: the file cannot be written.
    """

    def __init__(self, folder: Path, steps: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / f"events.out.tfevents.{time.time_ns()}").open("wb")
        self._write(file_version="brain.Event:2")
        self._write(step=steps, session_log=SessionLog(status=SessionLog.START))

    def write(self, steps: int, numbers: Mapping[str, float]) -> None:
        """Numbers of after so many steps, by name; those that are not finite are left out.

        Raises:
          OSError: the file cannot be written.
        """
        for name, value in numbers.items():
            if math.isfinite(value):
                self._write(step=steps, summary=scalar(name, value))
        self._file.flush()

    def _write(self, **what: Any) -> None:
        event = Event(wall_time=time.time(), **what).SerializeToString()
        length = struct.pack("<Q", len(event))
        for part in (length, event):
            self._file.write(part + struct.pack("<I", masked_crc32c(part)))

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):  # of what could not be written before
            self._file.close()
