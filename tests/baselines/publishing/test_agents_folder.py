"""The agents in the repository: one of each algorithm and benchmark, and small. The rule stands in CONTRIBUTING."""

from collections import Counter

import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.places import AGENTS
from metaworld_baselines.publishing.publish import MAX_PROGRESS_ROWS, thinned
from metaworld_py.agents.cards import cards

MEBIBYTE = 2**20
ALL_AGENTS_MIB, ONE_AGENT_MIB = 16, 2  # a clone and a wheel carry them


def size_mib(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MEBIBYTE


def test_the_folder_stays_small():
    assert size_mib(AGENTS) <= ALL_AGENTS_MIB
    assert {folder.name: round(size_mib(folder), 2) for folder in AGENTS.iterdir() if size_mib(folder) > ONE_AGENT_MIB} == {}


def test_there_is_one_agent_of_each_algorithm_and_benchmark():
    found = Counter((card.algorithm, card.benchmark) for card in cards().values())
    assert [pair for pair, count in found.items() if count > 1] == []


def test_progress_is_thinned():
    for path in AGENTS.glob("*/progress.csv"):
        assert path.read_text().count("\n") <= MAX_PROGRESS_ROWS + 1, path


def test_thinning_keeps_the_last_row_and_spreads_the_others():
    table = "env_steps\n" + "".join(f"{step}\n" for step in range(1, 11))
    assert thinned(table, rows=5) == "env_steps\n2\n4\n6\n8\n10\n"
    assert thinned(table, rows=10) == table
