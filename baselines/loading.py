"""Agents from the files of training runs."""

from __future__ import annotations

from pathlib import Path

from baselines import checkpoints
from baselines.policies import TanhGaussianPolicy
from baselines.sac import SacConfig, init, make_parts


def load_agent(path: str | Path) -> TanhGaussianPolicy:
    """The agent in a checkpoint file, or the last one of a run's folder.

    Raises:
      FileNotFoundError: no such file, or a folder without one.
      ValueError: another kind of file.
    """
    path = Path(path)
    if path.is_dir():
        path = path / checkpoints.LAST
    header = checkpoints.read_header(path)
    if path.name == checkpoints.RESUME:
        raise ValueError(f"{path} is for going on training; agents are in {checkpoints.LAST} and {checkpoints.BEST} beside it")
    config = SacConfig(**{name: value for name, value in header["config"].items() if name != "seed"})
    parts = make_parts(config, seed=0)
    return TanhGaussianPolicy(config.tasks, parts.actor, checkpoints.restore(path, init(parts, seed=0).actor))
