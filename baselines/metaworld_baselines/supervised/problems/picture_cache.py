"""Pictures that are made once per machine, in the user's cache (`METAWORLD_PY_CACHE` moves it)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from metaworld_py.files import reading, user_cache, written_whole

Made = TypeVar("Made")


def cached(name: str, kind: type[Made], make: Callable[[], Made]) -> Made:
    """Arrays from the cache, made and written there at the first use.

    Args:
      name: of the file; another for other pictures.
      kind: a named tuple of arrays.
      make: gives one.

    Raises:
      ValueError: a damaged file.
    """
    path = user_cache("pictures") / f"{name}.npz"
    fields: Any = kind
    if not path.is_file():
        made: Any = make()
        with written_whole(path, keeps_suffix=True) as part:
            np.savez_compressed(part, **made._asdict())
    with reading(path, "a cache of pictures: delete it, and it is made anew"), np.load(path) as file:
        return kind(*(file[field] for field in fields._fields))
