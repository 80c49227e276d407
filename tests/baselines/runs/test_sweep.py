"""Sweeps and seeds side by side: what is planned, what runs, what is left alone, and what is refused before anything runs."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import Mock

import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines import sweep, train
from metaworld_baselines.algorithms.registry import find_algorithm
from metaworld_baselines.runs import parallel, stopping

REPOSITORY = Path(__file__).parents[3]
HAS_HANGUPS = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs a system with signals")
TINY = """
[tiny]
algorithm = "ppo"
benchmark = "reach"
seeds = [1, 2]
settings = {total_env_steps = 200, envs_per_task = 1, max_episode_steps = 50, rollout_steps = 100, width = 8, depth = 1, epochs = 1,
            minibatches = 2, eval_instances = 1, log_every_env_steps = 1}
""".replace("\n            ", " ")


def write(folder, text):
    path = folder / "sweep.toml"
    path.write_text(text)
    return path


def columns(folder, name):
    with (folder / f"{name}.csv").open() as file:
        return [{key: value for key, value in row.items() if "second" not in key and "per_s" not in key} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    assert sweep.main([str(write(folder, TINY)), "--out", str(folder / "runs"), "--parallel", "2"]) == 0
    return folder


def test_seeds_run_side_by_side_and_say_so_in_their_logs(finished):
    for seed in (1, 2):
        folder = finished / "runs" / "tiny" / f"ppo-reach-seed{seed}"
        assert json.loads((folder / "config.json").read_text())["config"]["seed"] == seed
        assert [row["env_steps"] for row in columns(folder, "progress")] == ["100", "200"]
        assert "200 steps" in (folder / "log.txt").read_text()


def test_what_is_done_is_left_alone(finished, capsys, monkeypatch):
    monkeypatch.setattr(parallel, "start", None)  # nothing may start
    assert sweep.main([str(finished / "sweep.toml"), "--out", str(finished / "runs")]) == 0
    assert "2 runs, 2 of them done before" in capsys.readouterr().out
    assert sweep.main([str(finished / "sweep.toml"), "--out", str(finished / "runs"), "--list"]) == 0
    assert capsys.readouterr().out.count("done") == 2


def test_a_run_of_other_settings_is_not_done(finished, capsys):
    """However far it came; another budget is no other setting."""
    shorter = write(finished, TINY.replace("total_env_steps = 200", "total_env_steps = 100"))
    assert all(run.is_over for run in sweep.read_sweep(shorter, finished / "runs"))
    wider = write(finished, TINY.replace("width = 8", "width = 16"))
    assert not any(run.is_over for run in sweep.read_sweep(wider, finished / "runs"))
    assert sweep.main([str(wider), "--out", str(finished / "runs"), "--list"]) == 0
    listed = capsys.readouterr().out
    assert listed.count("other settings") == 2 and "width: 8 then, 16 now" in listed
    write(finished, TINY)


def test_a_run_whose_end_was_not_evaluated_is_not_done(finished, monkeypatch):
    run = sweep.read_sweep(finished / "sweep.toml", finished / "runs")[0]
    assert run.is_over
    header = run.header
    monkeypatch.setattr(sweep.checkpoints, "read_header", lambda _: header | {"owes_evaluation": True})
    assert not run.is_over and not run.other_settings


def test_seeds_of_one_command_side_by_side_are_those_of_a_sweep(finished, tmp_path):
    words = "--benchmark reach --total-env-steps 200 --envs-per-task 1 --max-episode-steps 50 --rollout-steps 100 --width 8 --depth 1"
    words += f" --epochs 1 --minibatches 2 --eval-instances 1 --log-every-env-steps 1 --seed 1 2 --parallel 2 --out {tmp_path}"
    assert train.main(["ppo", *words.split()]) == 0
    for seed in (1, 2):
        name = f"ppo-reach-seed{seed}"
        assert columns(tmp_path / name, "curve") == columns(finished / "runs" / "tiny" / name, "curve")


def test_a_failed_run_does_not_stop_the_others(finished, capsys):
    folder = finished / "runs" / "other"
    place = folder / "ppo-reach-seed1"
    place.mkdir(parents=True)
    (place / "resume.safetensors").write_bytes((finished / "runs/tiny/ppo-reach-seed1/resume.safetensors").read_bytes())
    text = TINY.replace("[tiny]", "[other]").replace("total_env_steps = 200", "total_env_steps = 300").replace("width = 8", "width = 4")
    assert sweep.main([str(write(folder, text)), "--out", str(finished / "runs")]) == 1
    captured = capsys.readouterr()
    assert "another configuration" in captured.out and "1 failed" in captured.err
    assert (folder / "ppo-reach-seed2" / "last.safetensors").is_file()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("width = 8", "wide = 8"), "no setting wide"),
        (('"ppo"', '"pop"'), "unknown algorithm 'pop'"),
        (('"reach"', '"reech"'), "reech"),
        (("minibatches = 2", "minibatches = 3"), "minibatches must divide"),
        (("seeds =", "seed ="), "seed"),
        (("[1, 2]", "[]"), "seeds"),
        (("[1, 2]", "[1, 1]"), "seeds"),
        (("[1, 2]", "[1.5]"), "seeds"),
        (("total_env_steps = 200", "total_env_steps = 2e2"), "total_env_steps of PpoConfig cannot be 200.0"),
        (('"ppo"', '["ppo", "ppo"]'), "ppo-reach-seed1, ppo-reach-seed2 stands there twice"),
    ],
)
def test_mistakes_are_found_before_anything_runs(tmp_path, capsys, change, told):
    assert sweep.main([str(write(tmp_path, TINY.replace(*change))), "--out", str(tmp_path / "runs")]) == 2
    assert "[tiny]" in (said := capsys.readouterr().err) and told in said
    assert not (tmp_path / "runs").exists()


def test_unknown_entries_and_broken_files_are_named(tmp_path, capsys):
    assert sweep.main([str(write(tmp_path, TINY)), "--only", "tinny"]) == 2
    assert "no entry tinny; there are tiny" in capsys.readouterr().err
    assert sweep.main([str(write(tmp_path, "[tiny"))]) == 2
    assert "sweep.toml" in capsys.readouterr().err


@pytest.mark.parametrize(("inside", "told"), [("tiny", "holds the runs of [tiny]"), ("tiny/ppo-reach-seed1", "is the folder of a run")])
def test_runs_are_not_made_inside_of_others(finished, capsys, inside, told):
    out = finished / "runs" / inside
    assert sweep.main([str(finished / "sweep.toml"), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert told in error and f"--out {out.parent}" in error


def test_meta_learners_take_the_budget_of_each_benchmark(tmp_path):
    text = '[meta]\nalgorithm = ["rl2", "maml-trpo"]\nbenchmark = ["ML1-reach", "ML10"]\nseeds = [1]\n'
    planned = sweep.read_sweep(write(tmp_path, text), tmp_path)
    assert [run.config.total_env_steps for run in planned] == [2_000_000, 20_000_000] * 2
    assert [run.folder.name for run in planned][:2] == ["rl2-ML1-reach-seed1", "rl2-ML10-seed1"]


def test_published_settings_are_one_word(tmp_path):
    planned = sweep.read_sweep(write(tmp_path, '[p]\nalgorithm = "ppo"\nbenchmark = "MT10"\nseeds = [1]\nconfig = "published"\n'), tmp_path)
    assert planned[0].config == find_algorithm("ppo").published


@pytest.mark.parametrize("name", ["tables", "recipes", "combinations", "combinations_off_policy", "meta"])
def test_those_of_the_repository_can_run(name):
    assert len(sweep.read_sweep(REPOSITORY / "baselines" / f"{name}.toml", Path("runs"))) > 10


def test_entries_share_what_is_common(tmp_path):
    text = TINY.replace("[tiny]", "[common]") + "[plain]\n[wide]\nseeds = [3]\nsettings = {width = 16}\n"
    planned = sweep.read_sweep(write(tmp_path, text), tmp_path)
    assert [(run.place.name, run.seed, run.config.width) for run in planned] == [("plain", 1, 8), ("wide", 3, 16), ("plain", 2, 8)]
    assert {run.config.depth for run in planned} == {1}


def test_runs_are_ended_with_what_started_them(tmp_path, monkeypatch):
    monkeypatch.setattr(parallel, "command", lambda work: [sys.executable, "-c", "import time; time.sleep(60)"])
    processes, start = [], parallel.start
    monkeypatch.setattr(parallel, "start", lambda *words: processes.append(start(*words)) or processes[-1])

    def interrupt():
        raise KeyboardInterrupt

    works = [parallel.Work(name, (), tmp_path / name) for name in "abc"]
    with pytest.raises(KeyboardInterrupt):
        parallel.run_here(works, 2, lambda *_: None, interrupt)
    assert len(processes) == 2 and all(process.returncode is not None for process in processes)


def test_a_second_interrupt_does_not_wait_for_saves():
    class Saving(subprocess.Popen):
        def __init__(self):
            self.was_told = self.was_killed = False

        def terminate(self):
            self.was_told = True

        def wait(self, timeout=None):
            assert self.was_told
            raise KeyboardInterrupt

        def kill(self):
            self.was_killed = True

    processes = [Saving(), Saving()]
    with pytest.raises(KeyboardInterrupt):
        parallel.end(processes)
    assert all(process.was_killed for process in processes)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs processes that can be kept on a core")
def test_workers_that_know_nothing_of_each_other_take_cores_of_their_own(monkeypatch, tmp_path):
    monkeypatch.setattr(parallel.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5})
    with parallel.free_core() as first, parallel.free_core() as second, parallel.free_core() as third:
        assert [first, second, third] == [[3], [5], []]
    with parallel.free_core() as again:
        assert again == [3]


def test_runs_side_by_side_take_cores_that_nobody_holds(monkeypatch, tmp_path):
    """And none where none is left: better spread by the system than two on one core."""
    monkeypatch.setattr(parallel.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(parallel.os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    monkeypatch.setattr(parallel, "LOOK_EVERY_S", 0.0)
    taken = []
    monkeypatch.setattr(parallel, "start", lambda _, cores: taken.append(cores) or Mock(poll=lambda: 0, returncode=0))
    works = [parallel.Work(name, (), tmp_path / name) for name in "abc"]
    parallel.run_here(works, 3, lambda *_: None)
    with parallel.free_core():
        parallel.run_here(works[:2], 2, lambda *_: None)
    assert taken == [[3], [5], [], [5], []]


def test_runs_are_spread_by_a_system_that_keeps_none_on_a_core(monkeypatch):
    monkeypatch.delattr(parallel.os, "sched_getaffinity", raising=False)
    with parallel.free_core() as cores:
        assert cores == []


@HAS_HANGUPS
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_kill_ends_the_runs_too(tmp_path, name):
    """What they started is told to end, and the signals mean what they meant before."""
    pids, number = tmp_path / "pids", getattr(signal, name)
    script = (
        "import os, signal, sys; from pathlib import Path; from metaworld_baselines.runs import parallel\n"
        f"signal.signal(signal.{name}, signal.SIG_DFL)\n"  # whoever runs these tests may ignore it
        "parallel.command = lambda work: [sys.executable, '-c', 'import os, time; print(os.getpid(), flush=True); time.sleep(60)']\n"
        f"log = Path({str(pids)!r})\n"
        "try:\n    parallel.run_here([parallel.Work('x', (), log)], 1, lambda *_: None)\n"
        f"except KeyboardInterrupt:\n    sys.exit(7 if signal.getsignal(signal.{name}) is signal.SIG_DFL else 8)\n"
    )
    running = subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY / "baselines")
    deadline = time.monotonic() + 60
    while not (pids.is_file() and pids.read_text().endswith("\n")):
        assert running.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(number)
    assert running.wait(30) == 7
    with pytest.raises(ProcessLookupError):
        os.kill(int(pids.read_text()), 0)


@HAS_HANGUPS
@pytest.mark.parametrize("handled", [stopping.interrupted_by_signals, stopping.stop_on_signals])
def test_hangups_that_are_ignored_stay_so(handled):
    """Under nohup a run outlives its terminal."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with handled():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_sweep_runs_on_ray(finished, tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="needs the extra `ray`")
    monkeypatch.setenv("PYTHONPATH", f"{REPOSITORY}:{REPOSITORY / 'baselines'}")
    assert sweep.main([str(finished / "sweep.toml"), "--out", str(tmp_path), "--ray", "local"]) == 0
    for seed in (1, 2):
        name = f"ppo-reach-seed{seed}"
        assert columns(tmp_path / "tiny" / name, "curve") == columns(finished / "runs" / "tiny" / name, "curve")
