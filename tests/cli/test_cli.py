"""The command line, in process."""

import json

import pytest

import metaworld_py
from metaworld_py.cli.main import main


def test_list_shows_tasks_and_sets(capsys):
    assert main(["list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(metaworld_py.TASKS) + 2
    assert main(["list", "MT10"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("reach ") and "10 tasks" in lines[-1]


def test_evaluate_prints_a_table_and_saves(tmp_path, capsys):
    out = tmp_path / "result.json"
    assert main(["evaluate", "reach", "--agent", "random", "--episodes", "2", "--max-episode-steps", "5", "--save", str(out)]) == 0
    assert "mean over tasks" in capsys.readouterr().out
    assert json.loads(out.read_text())["agent"] == "random"


def test_an_agent_is_evaluated_on_the_instances_of_its_own_seed(tmp_path, monkeypatch):
    (tmp_path / "seeded_agents.py").write_text(
        "import numpy as np\n\ndef still(observations):\n    return np.zeros((len(observations), 4))\n\nstill.training_seed = 7\n"
        "\ndef unknown(observations):\n    return np.zeros((len(observations), 4))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    out, short = tmp_path / "result.json", ["--episodes", "1", "--max-episode-steps", "2"]
    for agent, said, seed in (("still", [], 7), ("still", ["--seed", "0"], 0), ("unknown", [], 0)):
        assert main(["evaluate", "reach", "--agent", f"seeded_agents:{agent}", *short, *said, "--save", str(out)]) == 0
        assert json.loads(out.read_text())["seed"] == seed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "rech"], "Did you mean 'reach'"),
        (["evaluate", "reach", "--agent", "nobody"], "unknown agent"),
        (["evaluate", "reach", "--save", "result.txt"], r".json or .csv"),
        (["evaluate", "reach", "--episodes", "70"], "multiple of 50"),
        (["evaluate", "reach", "--save", "no/such/folder/result.json"], "does not exist"),
        (["render", "reach", "--out", "reach.avi"], ".mp4, .gif, .png or .jpg"),
        (["render", "reach", "--instance", "50"], "instance must lie in"),
        (["verify", "nowhere"], "no recordings"),
        (["list", "MT11"], "unknown task set"),
    ],
)
def test_mistakes_give_one_clear_line_and_status_2(arguments, message, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("metaworld-py: ")


def test_render_writes_a_video(tmp_path, opengl, capsys):
    import imageio.v2 as imageio

    out = tmp_path / "reach.gif"
    assert main(["render", "reach", "--out", str(out), "--size", "64", "--max-episode-steps", "20"]) == 0
    assert len(imageio.mimread(out)) == 6
    assert "instance 0 of seed 0" in capsys.readouterr().out
