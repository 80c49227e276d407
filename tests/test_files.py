"""Files of ours: whole or as they were before, and errors that name the file."""

import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from importlib.metadata import EntryPoint, EntryPoints

import h5py
import numpy as np
import pytest

from metaworld_py.agents import ExpertAgent, cards, loading
from metaworld_py.cli import main as main_module
from metaworld_py.cli.main import main
from metaworld_py.demonstrations import RecordingConfig, load_demonstrations, record_demonstrations
from metaworld_py.demonstrations.storage import Recording, is_part
from metaworld_py.evaluation import EvaluationResult, evaluate
from metaworld_py.files import check_writable, user_cache, write_json, write_text, written_whole
from metaworld_py.media.video import record_contact_sheet, record_episode
from metaworld_py.report import write_report

JUNK = {
    "empty": b"",
    "truncated": b'{"schema": "metaworld_py.evaluation/1", "tasks": [{"ta',
    "no text": b"\xff\xfe\x00\x80" * 40,
    "a list": b"[1, 2, 3]",
    "deeply nested": b'{"a":' * 100_000,
    "absurd": b'{"schema": "metaworld_py.evaluation/1", "tasks": 1e999, "config": [], "versions": 3, "name": NaN}',
    "of other fields": b'{"schema": "metaworld_py.evaluation/1", "tasks": [{"nonsense": 1}]}',
}


@pytest.fixture(scope="module")
def result():
    return evaluate(ExpertAgent(), ["reach"], instances_per_task=1, max_episode_steps=5)


@contextmanager
def full_disk():
    """No file may grow beyond a few hundred bytes: writing fails as on a full disk; pytest's own, too, so only for a moment."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


def test_json_is_indented_with_lists_of_plain_values_on_a_line(tmp_path):
    content = {"a": [1.5, None, True, "ü"], "b": {}, "c": [], "d": [{"e": [0.1]}, [[1, 2], 3]], "f": {"g": "[\n]"}, "h": (1, 2)}
    write_json(tmp_path / "a.json", content)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == {**content, "h": [1, 2]} and text.startswith('{\n "a": [1.5, null, true, "ü"],\n "b": {},\n "c": [],\n')
    assert ' "d": [\n  {\n   "e": [0.1]\n  },\n  [\n   [1, 2],\n   3\n  ]\n ],\n' in text


@pytest.mark.parametrize("suffix", [".json", ".csv", ".html"])
def test_a_full_disk_leaves_the_older_file(result, tmp_path, suffix):
    path = tmp_path / f"result{suffix}"
    path.write_text("older")
    with full_disk(), pytest.raises(OSError, match=f"result{suffix} could not be written"):
        write_report(result, path) if suffix == ".html" else result.save(path)
    assert path.read_text() == "older" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".mp4", ".gif", ".png"])
def test_a_full_disk_leaves_no_broken_film(tmp_path, opengl, suffix):
    path = tmp_path / f"film{suffix}"
    with full_disk(), pytest.raises(OSError, match=f"film{suffix} could not be written"):
        record_episode("reach", ExpertAgent(), path, max_episode_steps=20, size_px=64)
    assert not list(tmp_path.iterdir())
    with full_disk(), pytest.raises(OSError, match=r"sheet.png could not be written"):
        record_contact_sheet(["reach", "push"], ExpertAgent(), tmp_path / "sheet.png", max_episode_steps=3, size_px=64)


def test_films_are_whole_where_there_is_room(tmp_path, opengl):
    for suffix in (".mp4", ".gif", ".png"):
        record_episode("reach", ExpertAgent(), tmp_path / f"film{suffix}", max_episode_steps=20, size_px=64)
    assert {path.name for path in tmp_path.iterdir()} == {"film.mp4", "film.gif", "film.png"}


def test_an_error_while_writing_is_not_taken_for_a_full_disk(tmp_path):
    with pytest.raises(KeyError), written_whole(tmp_path / "a.json") as part:
        part.write_text("half")
        raise KeyError("else")
    assert not list(tmp_path.iterdir())


def test_what_is_synced_may_be_written(tmp_path, monkeypatch):
    """Windows refuses to sync a file that was opened to be read."""
    fcntl = pytest.importorskip("fcntl")
    access = []
    monkeypatch.setattr(os, "fsync", lambda number: access.append(fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE))
    write_text(tmp_path / "a.txt", "text")
    assert access == [os.O_RDWR]


@pytest.mark.parametrize("keeps_suffix", [False, True])
def test_processes_write_to_names_of_their_own(tmp_path, monkeypatch, keeps_suffix):
    path = tmp_path / "film.mp4"
    with written_whole(path, keeps_suffix=keeps_suffix) as slow:
        slow.write_text("half")
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with written_whole(path, keeps_suffix=keeps_suffix) as quick:
            quick.write_text("whole")
        assert slow.read_text() == "half" and path.read_text() == "whole"
        assert all(is_part(part) and (part.suffix == ".mp4") == keeps_suffix for part in (slow, quick))


def test_a_place_that_cannot_be_written_is_found_out_at_once(tmp_path, capsys):
    (tmp_path / "taken.json").mkdir()
    with pytest.raises(ValueError, match="a folder has that name"):
        check_writable(tmp_path / "taken.json")
    assert main(["evaluate", "reach", "--save", str(tmp_path / "taken.json")]) == 2
    assert "cannot be written" in capsys.readouterr().err


# Junk


@pytest.mark.parametrize("content", JUNK.values(), ids=JUNK)
def test_junk_is_refused_by_name(tmp_path, content):
    for name, read in (
        ("result.json", EvaluationResult.load),
        ("card.json", lambda path: cards.read_card(path.parent)),
        ("recording.json", lambda path: Recording.load(path.parent)),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=name):
            read(tmp_path / name)


def test_a_damaged_result_is_refused(result, tmp_path):
    path = result.save(tmp_path / "result.json")
    good = json.loads(path.read_text())
    for change in ({"tasks": [{**good["tasks"][0], "successes": "all"}]}, {"tasks": []}, {"versions": None}, {"seed": 1, "extra": 2}):
        path.write_text(json.dumps({**good, **change}))
        with pytest.raises(ValueError, match=r"result.json is not an evaluation result"):
            EvaluationResult.load(path)


@pytest.fixture(scope="module", params=["minari", "lerobot"])
def recorded(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    record_demonstrations(RecordingConfig(tasks=("reach",), episodes_per_task=1, format=request.param, max_episode_steps=60), folder)
    return folder


@pytest.mark.parametrize("damage", ["truncated", "empty", "text"])
def test_damaged_recordings_are_refused_by_name(recorded, damage):
    assert len(load_demonstrations(recorded)[0].actions) > 1
    for path in [path for path in recorded.rglob("*") if path.suffix in (".hdf5", ".parquet")]:
        whole = path.read_bytes()
        path.write_bytes({"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"not data" * 100}[damage])
        try:
            if path.name == "tasks.parquet":
                continue  # LeRobot's own table, which is not read here
            with pytest.raises(ValueError, match=str(recorded)):
                load_demonstrations(recorded)[0]
        finally:
            path.write_bytes(whole)


def test_demonstrations_of_other_shapes_are_refused(recorded):
    for path in recorded.rglob("*.hdf5"):
        whole = path.read_bytes()
        with h5py.File(path, "a") as file:
            del file["episode_0/actions"]
            file["episode_0/actions"] = np.full((3, 4), np.nan)
        with pytest.raises(ValueError, match=str(recorded)):
            load_demonstrations(recorded)[0]
        path.write_bytes(whole)


# The command line


def test_a_reader_that_has_seen_enough_is_no_error():
    command = f"{sys.executable} -m metaworld_py.cli.main list | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0" and "Broken pipe" not in done.stderr


def test_an_error_in_a_users_agent_shows_its_place(tmp_path, monkeypatch, capsys):
    (tmp_path / "my_singular_agent.py").write_text(
        "import numpy as np\nclass Agent:\n    def act(self, observations):\n        return np.linalg.inv(np.zeros((2, 2)))\n"
        "    eval_action = act\n    def reset(self, mask): pass\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", "reach", "--agent", "my_singular_agent:Agent", "--episodes", "1", "--max-episode-steps", "3"]) == 2
    shown = capsys.readouterr().err
    assert "my_singular_agent.py" in shown and "np.linalg.inv" in shown and "Singular matrix" in shown
    assert main(["evaluate", "rech"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_an_error_of_a_package_that_brings_agents_is_no_error_of_the_users(tmp_path, monkeypatch, capsys):
    """Wherever it is installed: our own baselines lie beside the package, in a copy of the repository."""
    (tmp_path / "bringing_agents.py").write_text("def load(path):\n    raise ValueError(f'{path} is no checkpoint')\n")
    entries = EntryPoints([EntryPoint("brought", "bringing_agents:load", loading.PROVIDERS)])
    for module in (loading, main_module):
        monkeypatch.setattr(module, "entry_points", lambda group: entries.select(group=group))
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["evaluate", "reach", "--agent", "brought:run"]) == 2
    assert capsys.readouterr().err == "metaworld-py: run is no checkpoint\n"


def test_a_folder_baselines_of_ones_own_is_left_alone(tmp_path, monkeypatch):
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines" / "__init__.py").write_text("raise SystemExit('executed')\n")
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", "reach", "--agent", "baselines:nowhere"]) == 2
    assert main(["agents"]) in (0, 2)


def test_what_is_made_once_has_a_place_even_where_none_can_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("METAWORLD_PY_CACHE", str(tmp_path / "cache"))
    assert user_cache("pictures") == tmp_path / "cache" / "pictures" and (tmp_path / "cache" / "pictures").is_dir()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("METAWORLD_PY_CACHE", str(tmp_path / "file"))
    assert user_cache("pictures").is_dir() and tmp_path not in user_cache("pictures").parents
