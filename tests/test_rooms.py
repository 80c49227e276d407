"""How the house stands: no room imports one above it, and the baselines see the public face only."""

import ast

import pytest
from import_graph import FLOORS, ROOT, arrows_up, circles, import_graph

PACKAGES = {"metaworld_py": ROOT / "metaworld_py", "metaworld_baselines": ROOT / "baselines" / "metaworld_baselines"}

MAX_LINES = 60  # of a function


@pytest.mark.parametrize("name", PACKAGES)
def test_no_import_runs_up(name):
    graph = import_graph(PACKAGES[name])
    assert set(graph) == set(FLOORS[name]), "a new room needs a floor"
    assert not arrows_up(graph, FLOORS[name])


@pytest.mark.parametrize("name", PACKAGES)
def test_there_is_no_circle(name):
    assert not circles(import_graph(PACKAGES[name]))


def test_circles_and_arrows_up_are_found():
    graph = {"ground": {"roof"}, "floor": {"ground"}, "roof": {"floor"}, "garden": set()}
    assert circles(graph) == [["floor", "ground", "roof"]]
    assert arrows_up(graph, ["garden", "ground", "floor", "roof"]) == [("ground", "roof")]


def test_the_package_names_no_other_package_of_ours():
    for path in PACKAGES["metaworld_py"].rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in getattr(node, "names", [])]
            assert not any(module.split(".")[0] == "metaworld_baselines" for module in modules), path


@pytest.mark.parametrize("name", PACKAGES)
def test_no_function_is_longer_than_a_screen(name):
    long = []
    for path in PACKAGES[name].rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= MAX_LINES:
                long.append(f"{path.name}: {node.name}")
    assert not long
