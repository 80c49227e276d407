"""Demonstrations of the scripted experts: recorded by one command, in Minari's or LeRobot's format, and read back as NumPy records.

record_demonstrations(RecordingConfig(tasks=("reach", "push"), format="lerobot"), "demos")
for demonstration in load_demonstrations("demos"): ...
"""

from __future__ import annotations

from metaworld_py.demonstrations.config import FORMATS, RecordingConfig
from metaworld_py.demonstrations.episode import Demonstration
from metaworld_py.demonstrations.loading import Demonstrations, load_demonstrations
from metaworld_py.demonstrations.recording import record_demonstrations
from metaworld_py.demonstrations.storage import Recording, TaskSummary

__all__ = [
    "FORMATS",
    "Demonstration",
    "Demonstrations",
    "Recording",
    "RecordingConfig",
    "TaskSummary",
    "load_demonstrations",
    "record_demonstrations",
]
