"""Agents from the files of training runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from metaworld_baselines.algorithms.registry import find_algorithm
from metaworld_baselines.runs import checkpoints
from metaworld_py.files import reading


def load_agent(path: str | Path) -> Any:
    """The agent in a checkpoint file, or the last one of a run's folder: for `evaluate`, or of meta-learners for `evaluate_adaptation`.

    Raises:
      FileNotFoundError: no such file, or a folder without one.
      ValueError: another kind of file, or an algorithm that is not installed.
    """
    path = Path(path)
    if path.is_dir():
        path = path / checkpoints.LAST
    header = checkpoints.read_header(path)
    if path.name == checkpoints.RESUME:
        raise ValueError(f"{path} is for going on training; agents are in {checkpoints.LAST} and {checkpoints.BEST} beside it")
    with reading(path, "an agent of the algorithms that are installed"):
        algorithm = find_algorithm(header["algorithm"])
        config = algorithm.config_from(header["config"])
    agent = algorithm.load(config, path)
    if "seed" in header["config"]:
        agent.training_seed = header["config"]["seed"]
    return agent
