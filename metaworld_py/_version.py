"""Version of this package, and of what its numbers depend on."""

from __future__ import annotations

import platform
from importlib.metadata import version

__version__ = "0.1.0"


def installed_versions() -> dict[str, str]:
    """Versions that a number depends on: this package, the engine, Gymnasium, NumPy, Python."""
    packages = {name: version(name) for name in ("mujoco", "gymnasium", "numpy")}
    return {"metaworld_py": __version__, **packages, "python": platform.python_version()}
