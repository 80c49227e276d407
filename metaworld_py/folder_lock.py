"""A folder that one process at a time writes to."""

from __future__ import annotations

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class FolderLock:
    """Holds a folder until it is released, or the process ends. It leaves no file: the folder itself is locked.

    Two processes that save to one folder would move each other's half-written files into place. Where the system or the file system has
    no such locks, nothing is held.

    Args:
      folder: that exists.
      use: what is done there, for the message: "trains in".

    Raises:
      ValueError: another process holds it, or this one.
    """

    def __init__(self, folder: Path, use: str) -> None:
        self._descriptor: int | None = None
        if fcntl is None:
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise ValueError(f"another process {use} {folder}: wait for its end, or give another folder (--out)") from None
        except OSError:  # as network file systems may say of folders
            pass
        self._descriptor = descriptor

    def release(self) -> None:
        """Leave the folder to others; once more does no harm."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        self.release()
