"""TensorBoard's file of a run."""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Mapping
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
        self._path = folder / f"events.out.tfevents.{time.time_ns()}"
        start = SessionLog(status=SessionLog.START)
        self._append(_record(file_version="brain.Event:2") + _record(step=steps, session_log=start))

    def write(self, steps: int, numbers: Mapping[str, float]) -> None:
        """Numbers of after so many steps, by name; those that are not finite are left out.

        Raises:
          OSError: the file cannot be written.
        """
        finite = {name: value for name, value in numbers.items() if math.isfinite(value)}
        self._append(b"".join(_record(step=steps, summary=scalar(name, value)) for name, value in finite.items()))

    def _append(self, records: bytes) -> None:
        with self._path.open("ab") as file:
            file.write(records)


def _record(**what: Any) -> bytes:
    """An event as it stands in the file: its length and itself, each with a checksum."""
    event = Event(wall_time=time.time(), **what).SerializeToString()
    return b"".join(part + struct.pack("<I", masked_crc32c(part)) for part in (struct.pack("<Q", len(event)), event))
