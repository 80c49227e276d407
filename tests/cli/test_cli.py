"""The command line, in process."""

import io
import json
import sys

import pytest

import metaworld_py
from metaworld_py.agents import cards
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


def test_signs_that_a_pipe_lacks_lose_no_evaluation(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="cp1252"))
    out = tmp_path / "result.json"
    assert main(["evaluate", "reach", "--episodes", "1", "--max-episode-steps", "2", "--save", str(out)]) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["agent"] == "expert"
    assert b"mean over tasks" in sys.stdout.buffer.getvalue()


@pytest.mark.parametrize("agent", ["expert", "adapting_agents:Still"])
def test_results_are_saved_before_anything_is_printed(tmp_path, monkeypatch, capsys, agent):
    (tmp_path / "adapting_agents.py").write_text(
        "import numpy as np\n\n\nclass Still:\n    def init(self): ...\n    def reset(self, env_mask): ...\n"
        "    def step(self, timestep): ...\n    def adapt(self): ...\n"
        "    def adapt_action(self, observations): return self.eval_action(observations), {}\n"
        "    def eval_action(self, observations): return np.zeros((len(observations), 4))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    class Full(io.StringIO):
        def write(self, text):
            raise OSError("no space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    out = tmp_path / "result.json"
    words = ["--episodes", "1", "--adaptation-episodes", "1", "--use-one-hot", "--max-episode-steps", "2", "--save", str(out)]
    assert main(["evaluate", "reach", "--agent", agent, *words]) == 2
    assert json.loads(out.read_text(encoding="utf-8"))["agent"] == agent
    unused = "does not adapt: --adaptation-episodes" if agent == "expert" else "adapts to hidden goals without task ids: --use-one-hot"
    assert f"{unused} without effect" in capsys.readouterr().err
    assert main(["evaluate", "reach", "--agent", agent, "--episodes", "0"]) == 2


def test_cards_are_read_as_they_were_written(tmp_path, monkeypatch, capsys):
    read, seen = cards.Path.read_text, []
    monkeypatch.setattr(cards.Path, "read_text", lambda path, encoding=None: seen.append(encoding) or read(path, encoding=encoding))
    try:
        name = next(iter(cards.cards()))
    except ValueError:
        pytest.skip("needs the extra baselines")
    assert main(["agents", name]) == 0 and capsys.readouterr().out.startswith("# ")
    assert set(seen) == {"utf-8"}


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
        (["render", "reach", "--out", "reach.png", "--frames-per-second", "10"], "--frames-per-second is of videos"),
        (["render", "MT10", "--frames-per-second", "10"], "--frames-per-second is of videos"),
        (["render", "MT10", "--benchmark", "nope"], "nope"),
        (["render", "MT10", "--benchmark", "ML10-test"], "reach is not in ML10-test"),
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
