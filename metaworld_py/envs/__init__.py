"""The Gymnasium classes, which wire episodes together; under their published names as well, e.g. `SawyerDoorEnvV3`."""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith(("Sawyer", "ALL_V3")):
        classes: Any = importlib.import_module(f"{__name__}.published_classes")
        found = classes.PUBLISHED_CLASSES.get(name) or getattr(classes, name, None)
        if found is not None:
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
