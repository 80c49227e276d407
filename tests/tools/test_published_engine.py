"""Model level: our scenes on the published engine repeat its settling, and its trajectories until contacts make them chaotic.

Slow: makes a virtual environment with mujoco 3.3.0 (set PUBLISHED_ENGINE to a Python that has it to save that).
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ALL_TASKS, load_recording

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "fidelity"))
from replay_published_engine import replay

from metaworld_py.tasks import TASKS

pytestmark = pytest.mark.slow

SETTLED_ATOL = 1e-12  # rad: float64 on both sides, same figures
TOUCHING_ATOL = 1e-4  # rad: where the palm brushes a prop on its way up; our palm is a convex shape within 1 mm of the published one
TOUCHED_WHILE_SETTLING = {
    "handle-press", "handle-press-side", "handle-pull", "handle-pull-side", "door-lock", "door-unlock", "box-close",
}  # fmt: skip
HAND_ATOL = 1e-6  # m over the first steps from a reset: before the hand meets anything


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    if "PUBLISHED_ENGINE" in os.environ:
        return os.environ["PUBLISHED_ENGINE"]
    folder = tmp_path_factory.mktemp("engine")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "mujoco==3.3.0", "numpy"], check=True)
    return python


@pytest.mark.parametrize("task", ALL_TASKS)
def test_scenes_settle_and_start_moving_as_published(task, engine):
    record = load_recording(task)
    from_reset = record["first_step"] == 0
    first = {key: value[:, :15] if key in ("action", "obs") else value for key, value in record.items()}
    drift = replay(TASKS[task], first, engine)
    atol = TOUCHING_ATOL if task in TOUCHED_WHILE_SETTLING else SETTLED_ATOL
    assert drift["settle"][from_reset].max() < atol, drift
    assert np.any(from_reset), "the recording must hold an episode's beginning"
    assert drift["hand"][from_reset].max() < max(HAND_ATOL, atol), drift
