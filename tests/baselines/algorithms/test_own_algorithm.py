"""An algorithm in a package of one's own gets all that ours have: examples/own_algorithm.py, installed in a temporary folder."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.algorithms import registry

ROOT = Path(__file__).parents[3]
SIZES = "--total-env-steps 400 --max-episode-steps 40 --eval-instances 2 --seed 3"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder as an installer leaves it: the module, and what its entry points are."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copyfile(ROOT / "examples" / "own_algorithm.py", folder / "own_algorithm.py")
    described = folder / "own_algorithm-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: own-algorithm\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text("[metaworld_baselines.algorithms]\nrandom-search = own_algorithm:RANDOM_SEARCH\n")
    return folder


@pytest.fixture(scope="module")
def run(site, tmp_path_factory):
    """Runs a module in an empty folder beside which that package is installed."""
    place = tmp_path_factory.mktemp("place")
    path = os.pathsep.join([str(site), str(ROOT), str(ROOT / "baselines")])

    def run(module, *words):
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(
            [sys.executable, "-m", module, *words], cwd=place, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    run("metaworld_baselines.train", "random-search", *SIZES.split())
    run.folder = place / "runs" / "random-search-reach-seed3"
    return run


def test_it_is_trained_by_the_same_command(run):
    described = json.loads((run.folder / "config.json").read_text())
    assert described["algorithm"] == "random-search" and described["config"]["noise"] == 0.1
    assert (run.folder / "curve.csv").read_text().count("\n") == 2


def test_it_is_evaluated_from_its_folder(run):
    words = ["evaluate", "reach", "--agent", f"baselines:{run.folder}", "--episodes", "2", "--max-episode-steps", "40"]
    assert "reach" in run("metaworld_py.cli.main", *words)


def test_it_stands_in_the_table(run):
    assert "random-search" in run("metaworld_baselines.publishing.table", "reach", str(run.folder))


def test_it_is_published_with_a_card(run):
    out = run.folder.parent / "agents"
    run("metaworld_baselines.publishing.publish", str(run.folder), "--out", str(out))
    card = json.loads((out / "random-search-reach" / "card.json").read_text())
    assert card["algorithm"] == "random-search" and card["trained_by"].startswith("python -m metaworld_baselines.train random-search")


def test_a_run_is_repeated_and_varied_from_its_file(run):
    run("metaworld_baselines.train", "--config", str(run.folder / "config.json"), "--out", "again")
    run("metaworld_baselines.train", "--config", str(run.folder / "config.json"), "--noise", "0.5", "--out", "varied")
    again, varied = (
        json.loads((run.folder.parents[1] / name / run.folder.name / "config.json").read_text()) for name in ("again", "varied")
    )
    assert again["config"] == json.loads((run.folder / "config.json").read_text())["config"]
    assert varied["config"] == again["config"] | {"noise": 0.5}


def test_two_algorithms_of_one_name_are_refused():
    with pytest.raises(ValueError, match="there is an algorithm 'sac' already"):
        registry.register(registry.Algorithm(**{**vars(registry.ALGORITHMS["sac"]), "description": "another"}))


def test_an_unknown_algorithm_says_which_there_are():
    with pytest.raises(ValueError, match=r"unknown algorithm 'sack'; there are sac, mt-sac"):
        registry.find_algorithm("sack")
