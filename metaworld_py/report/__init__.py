"""An evaluation as one self-contained web page: numbers, charts and pictures, with nothing to load from elsewhere."""

from __future__ import annotations

from metaworld_py.report.films import Film, worst_episode_films
from metaworld_py.report.page import write_report

__all__ = ["Film", "worst_episode_films", "write_report"]
