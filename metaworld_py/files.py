"""Files of ours: written whole or not at all, and read with errors that name them."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PART = ".part"
# What readers of JSON, NumPy, HDF5 and Parquet files raise on files that are not theirs.
_UNREADABLE = (ValueError, KeyError, IndexError, TypeError, AttributeError, ArithmeticError, OSError, EOFError, RuntimeError, MemoryError)
REPOSITORY = "a copy of the repository"


@contextmanager
def written_whole(path: str | Path, *, keeps_suffix: bool = False) -> Iterator[Path]:
    """A path to write to, in the same folder; moved to `path` when the block ends well. An older file stays until then.

    Args:
      path: of the file.
      keeps_suffix: whether the name to write to ends as `path` does, for writers that go by it.

    Raises:
      OSError: it could not be written; names the file. What was written of it is deleted.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    own = f"-{os.getpid()}{PART}"  # another process may be writing the same file
    part = path.with_name(path.stem + own + path.suffix if keeps_suffix else path.name + own)
    try:
        yield part
        with part.open("r+b") as file:  # Windows syncs only what may be written
            os.fsync(file.fileno())  # a full disk may show only here
        part.replace(path)
    except OSError as error:
        raise OSError(f"{path} could not be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with written_whole(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write an indented JSON file, whole or not at all."""
    write_text(path, json_text(content) + "\n")


def json_text(value: Any, indent: str = "") -> str:
    """Indented JSON, with lists of plain values on one line each: a hundred episodes' successes are no hundred lines."""
    nested, deeper = (Mapping, list, tuple), indent + " "
    if isinstance(value, Mapping) and value:
        open_, close = "{}"
        items = [f"{json.dumps(str(key), ensure_ascii=False)}: {json_text(item, deeper)}" for key, item in value.items()]
    elif isinstance(value, (list, tuple)) and any(isinstance(item, nested) for item in value):
        open_, close = "[]"
        items = [json_text(item, deeper) for item in value]
    else:
        return json.dumps(value, ensure_ascii=False)
    return f"{open_}\n" + ",\n".join(deeper + item for item in items) + f"\n{indent}{close}"


@contextmanager
def reading(path: str | Path, wanted: str) -> Iterator[None]:
    """Turn whatever a damaged file makes readers raise into a `ValueError` that names the file and what it should be.

    Args:
      path: of the file.
      wanted: what it should be, e.g. "an evaluation result".

    Raises:
      ValueError: it is not; FileNotFoundError: there is none.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except (*_UNREADABLE, zipfile.BadZipFile) as error:
        if isinstance(error, ValueError) and str(path) in str(error):
            raise
        raise ValueError(f"{path} is not {wanted}: {type(error).__name__}: {error}") from error


def read_json(path: str | Path, wanted: str = "a JSON file of ours") -> dict[str, Any]:
    """Read a JSON object.

    Raises:
      ValueError: not a JSON object; FileNotFoundError: no such file.
    """
    with reading(path, wanted):
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise TypeError(f"it holds no JSON object but {type(content).__name__}")
        return content


def check_writable(path: str | Path) -> Path:
    """The path, if a file can be written there, found out before the work that fills it.

    Raises:
      ValueError: no such folder, no permission, or a folder of that name.
    """
    path = Path(path)
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ValueError(f"the folder of {path} does not exist: create it first")
    if path.is_dir() or not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise ValueError(f"{path} cannot be written: {'a folder has that name' if path.is_dir() else 'no permission'}")
    return path


def user_cache(name: str) -> Path:
    """A folder for what is made once per machine.

    In `METAWORLD_PY_CACHE` if that is set, else in the user's cache folder; in a temporary one if that cannot be written.
    """
    homes = {"win32": os.environ.get("LOCALAPPDATA", "~/AppData/Local"), "darwin": "~/Library/Caches"}
    home = homes.get(sys.platform, os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    folder = Path(os.environ.get("METAWORLD_PY_CACHE") or Path(home) / "metaworld_py").expanduser() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="metaworld_py_"))


def install_hint(extra: str) -> str:
    """How to install an extra of the package, for error messages; from the repository, which is where the package is."""
    return f"pip install -e '.[{extra}]' in {REPOSITORY}"
