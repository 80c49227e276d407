"""What published code does with every task, through a plain alias of the package."""

import sys

import pytest
import situations

import metaworld_py
from metaworld_py import TASKS


@pytest.fixture(autouse=True)
def alias(monkeypatch):
    monkeypatch.setitem(sys.modules, "metaworld", metaworld_py)
    monkeypatch.setattr(situations, "package", lambda: metaworld_py)


def test_the_situations_are_about_every_task():
    assert sorted(TASKS) == situations.TASKS and len(situations.SITUATIONS) == 11


@pytest.mark.parametrize("situation", situations.SITUATIONS, ids=lambda situation: situation.__name__)
def test_published_code_runs_with_every_task(situation):
    for task in situations.TASKS:
        situation(task)
