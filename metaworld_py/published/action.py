"""An action with named parts, under its published name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Action:
    """Numbers of an action by name.

    Attributes:
      array: the action, float32.

    Args:
      structure: by name the index or indices in the action, e.g. {"delta_pos": np.arange(3), "grab_effort": 3}.
    """

    def __init__(self, structure: Mapping[str, Any]) -> None:
        self._structure = dict(structure)
        self.array: NDArray[np.float32] = np.zeros(len(self), dtype=np.float32)

    def __len__(self) -> int:
        return sum(np.size(where) for where in self._structure.values())

    def __getitem__(self, key: str) -> Any:
        return self.array[self._structure[key]]

    def __setitem__(self, key: str, value: ArrayLike) -> None:
        self.array[self._structure[key]] = value
