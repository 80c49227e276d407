"""Reference returns of every task, a random agent's and the scripted expert's, and scores on the scale between them.

The numbers stand in `reference_returns.json` and are made by

    metaworld-py evaluate MT50 --agent random --episodes 50 --save random.json
    metaworld-py evaluate MT50 --agent expert --episodes 50 --save expert.json
    python tools/fidelity/make_reference_returns.py random.json expert.json
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from metaworld_py.files import read_json, reading
from metaworld_py.tasks import find_task

REFERENCES_FILE = Path(__file__).with_name("reference_returns.json")
SCHEMA = "metaworld_py.reference_returns/1"


class Reference(NamedTuple):
    """Mean undiscounted returns of one task."""

    random: float
    expert: float


@cache
def reference_settings() -> dict[str, Any]:
    """What the reference returns belong to: seed, instances, steps, reward version, versions of packages."""
    return {name: value for name, value in _content().items() if name not in ("schema", "returns")}


@cache
def _content() -> dict[str, Any]:
    return read_references(REFERENCES_FILE)


def read_references(path: Path) -> dict[str, Any]:
    """What a file of reference returns says.

    Raises:
      ValueError: it is none.
    """
    wanted = f"reference returns ({SCHEMA})"
    content = read_json(path, wanted)
    with reading(path, wanted):
        if content["schema"] != SCHEMA:
            raise ValueError(f"it is of schema {content['schema']!r}")
        for pair in content["returns"].values():
            Reference(**pair)
    return content


def reference_returns(task: str) -> Reference:
    """A task's reference returns, of 500 control steps and reward version 2.

    Raises:
      ValueError: unknown task.
    """
    return Reference(**_content()["returns"][find_task(task).name])


def normalized_score(task: str, mean_return: float) -> float:
    """A return on the task's scale: 0 what a random agent gets, 100 what the scripted expert gets; beyond both if it is beyond both."""
    low, high = reference_returns(task)
    return 100.0 * (mean_return - low) / (high - low)
