"""Shared fixtures. Rendering tests need OpenGL: where there is none they are skipped, or fail with REQUIRE_RENDERING=1."""

import contextlib
import os
from pathlib import Path

import numpy as np
import pytest

from metaworld_py.rendering import RenderingError, choose_gl
from metaworld_py.tasks import TASKS

# Shapes in the annotations of the baselines are checked while they run, in tests only; an int will do for a float (PEP 484).
with contextlib.suppress(ImportError):
    from beartype import BeartypeConf, beartype
    from jaxtyping import install_import_hook

    typechecked = beartype(conf=BeartypeConf(is_pep484_tower=True))
    install_import_hook("metaworld_baselines", "conftest.typechecked")

RECORDINGS = Path(__file__).parent / "recordings"
ALL_TASKS = list(TASKS)

# Compiled programs of the baselines are kept between tests and sessions, small ones too: compiling is most of what their tests would do.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")  # compile sooner, run slower


def load_recording(task):
    with np.load(RECORDINGS / f"{task}.npz", allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="session")
def opengl():
    """Ask for this fixture in tests that render."""
    try:
        choose_gl()
    except RenderingError as error:
        if os.environ.get("REQUIRE_RENDERING"):
            raise
        pytest.skip(str(error))
