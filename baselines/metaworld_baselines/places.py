"""Where agents, results and the leaderboard are: in an installed wheel inside the package, in a source checkout beside it."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
HERE = _PACKAGE if (_PACKAGE / "agents").is_dir() else _PACKAGE.parent
AGENTS, RESULTS = HERE / "agents", HERE / "results"
