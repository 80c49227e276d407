"""Sentences that say what a task wants: its own, more to learn from, and others that nobody learns from (phrasings.json, MT10's tasks)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from metaworld_py import find_task
from metaworld_py.files import read_json

PHRASINGS_FILE = Path(__file__).with_name("phrasings.json")


@cache
def _phrasings() -> dict[str, dict[str, list[str]]]:
    return read_json(PHRASINGS_FILE, "phrasings of tasks")


def learned_phrasings(task: str, *, paraphrases: bool = True) -> tuple[str, ...]:
    """Sentences to learn a task from: its own first, and with `paraphrases` those in other words, where there are any."""
    more = _phrasings().get(task, {}).get("learned", []) if paraphrases else []
    return (find_task(task).sentence, *more)


def held_out_phrasings(task: str) -> tuple[str, ...]:
    """Sentences that no agent has learned from.

    Raises:
      ValueError: there are none of this task.
    """
    if task not in _phrasings():
        raise ValueError(f"{PHRASINGS_FILE.name} has no held-out phrasings of {task}, only of {', '.join(_phrasings())}")
    return tuple(_phrasings()[task]["held_out"])
