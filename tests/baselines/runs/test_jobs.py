"""Jobs for visits to a machine with a GPU: each in miniature, within its time, going on from the visit before."""

import importlib.util
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines import jobs
from metaworld_baselines.runs import checkpoints
from metaworld_py.agents import load_agent

REPOSITORY = Path(__file__).parents[3]
MEBIBYTE = 2**20
TINY_SAC = {
    "benchmark": "reach,drawer-close",
    "width": 8,
    "depth": 1,
    "critic_width": 8,
    "batch_per_task": 4,
    "buffer_per_task": 400,
    "warmup_vector_steps": 50,
    "collectors": 2,
    "max_episode_steps": 20,
    "eval_instances": 2,
    "eval_every_env_steps": 800,
    "save_every_env_steps": 800,
    "log_every_env_steps": 400,
}
TINY = {
    "pcgrad-sac": TINY_SAC,
    "mtmh-sac": TINY_SAC,
    "mt-sac": TINY_SAC,
    "ppo": {
        "benchmark": "reach,drawer-close",
        "width": 8,
        "depth": 1,
        "rollout_steps": 40,
        "epochs": 1,
        "minibatches": 1,
        "max_episode_steps": 20,
    },
    "rl2": {
        "meta_batch": 10,
        "width": 8,
        "memory": 4,
        "episodes": 2,
        "max_episode_steps": 10,
        "rollout_steps": 0,
        "bptt_steps": 0,
        "minibatches": 1,
        "epochs": 1,
    },
    "maml-trpo": {"meta_batch": 10, "width": 8, "episodes": 2, "max_episode_steps": 10},
}
TINY["pearl"] = TINY["maml-trpo"] | {
    "encoder_width": 8,
    "goals_per_update": 2,
    "batch_per_goal": 4,
    "updates_per_iteration": 2,
    "buffer_per_goal": 40,
    "eval_goals": 1,
    "eval_train_goals": 1,
    "eval_episodes": 1,
}
TINY["rl2"] |= {"eval_goals": 1, "eval_train_goals": 1, "eval_episodes": 1}
TINY["maml-trpo"] |= {"eval_goals": 1, "eval_train_goals": 1, "eval_episodes": 1}
JOBS = jobs.read_jobs()


ON_THE_GPU_ENGINE = [name for name, job in JOBS.items() if "gpu_engine" in job.settings]
NEEDS_WARP = pytest.mark.skipif(importlib.util.find_spec("mujoco_warp") is None, reason="needs the extra gpu")


def tiny(name, **more):
    job = JOBS[name]
    engine = {"gpu_engine": "cpu", "envs_per_task": 10} if name in ON_THE_GPU_ENGINE else {}
    return replace(job, settings={**job.settings, **TINY[job.algorithm], **engine, **more})


def test_the_most_wanted_stand_first_and_every_job_has_a_configuration():
    assert list(JOBS)[:3] == ["smoke", "pcgrad-sac-mt10", "mtmh-sac-mt10"] and {
        "rl2-ml10",
        "maml-ml10",
        "pearl-ml10",
        "rl2-ml45",
        "ppo-mt10",
        "ppo-mt50",
        "ppo-mt10-gpu",
        "ppo-mt50-gpu",
    } <= set(JOBS)
    for name, job in JOBS.items():
        assert job.description
        if name != jobs.SMOKE:
            assert job.config.total_env_steps >= 20_000_000
    published = JOBS["pcgrad-sac-mt10"].config
    assert published.updates_per_vector_step == published.envs_per_task, "one update for each step of all tasks, as published"
    assert 0 <= published.random_chunks * published.env_steps_per_chunk - 40_000 < published.env_steps_per_chunk, "the published warm-up"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*CUDA.*")  # of Warp, about the driver that is not there
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=NEEDS_WARP) if name in ON_THE_GPU_ENGINE else name
        for name in JOBS
        if name != jobs.SMOKE and not name.endswith("ml45")
    ],
)
def test_a_miniature_of_each_job_leaves_what_is_carried_home(name, tmp_path):
    folder = jobs.train(name, tiny(name, total_env_steps=1600), minutes=1e6, out=tmp_path, seeds=[1], before=None)
    files = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert {"config.json", "progress.csv", "curve.csv", "last.safetensors", "resume.safetensors", "visit.json"} <= files.keys()
    assert len(files) <= 8 and max(files.values()) <= 16 * MEBIBYTE and all(path.is_file() for path in folder.iterdir())
    load_agent(f"baselines:{folder}")


def test_a_job_ends_in_time_and_the_next_visit_goes_on(tmp_path, monkeypatch):
    """The time is spent at once: one iteration, then everything is evaluated and written."""
    budget = 9 * tiny("mtmh-sac-mt10").config.env_steps_per_chunk  # whole chunks, as runs count
    job = tiny("mtmh-sac-mt10", total_env_steps=budget)
    seconds = jobs.process_seconds() + jobs.RESERVE_S
    first = jobs.train("job", job, minutes=(seconds + 0.5) / 60, out=tmp_path / "first", seeds=[1], before=None)
    header = checkpoints.read_header(first / checkpoints.RESUME)
    assert 0 < header["env_steps"] < budget and header["curve"][-1]["env_steps"] == header["env_steps"] and not header["owes_evaluation"]
    second = jobs.train("job", job, minutes=1e6, out=tmp_path / "second", seeds=[1], before=first)
    later = checkpoints.read_header(second / checkpoints.RESUME)
    assert later["env_steps"] == budget and later["curve"][: len(header["curve"])] == header["curve"]
    report = json.loads((second / "visit.json").read_text())
    assert report["went_on"] and report["visit"]["env_steps"] == budget - header["env_steps"]
    with pytest.raises(ValueError, match="remove that folder, or give another --out"):  # what lies there is behind what was given
        jobs.train("job", job, minutes=1e6, out=tmp_path / "first", seeds=[1], before=second)


@pytest.mark.parametrize("light", [False, True])
def test_a_visit_goes_on_from_all_or_from_networks_only(light, tmp_path):
    """The agent that goes on is the one that stopped: until the buffer is full again nothing is learned, so it plays as before."""
    first = jobs.train("job", tiny("mtmh-sac-mt10", total_env_steps=1600), minutes=1e6, out=tmp_path / "first", seeds=[1], before=None)
    before = first
    if light:
        before = tmp_path / "light"
        assert jobs.main(["lighten", str(first), "--out", str(before)]) == 0
        sizes = [(folder / checkpoints.RESUME).stat().st_size for folder in (before, first)]
        assert sizes[0] < sizes[1] and {path.name for path in before.iterdir()} == {"resume.safetensors", "progress.csv", "curve.csv"}
    job = tiny("mtmh-sac-mt10", total_env_steps=2400)
    again = jobs.train("job", job, minutes=1e6, out=tmp_path / "again", seeds=[1], before=before)
    headers = [checkpoints.read_header(folder / checkpoints.RESUME) for folder in (first, again)]
    assert headers[1]["env_steps"] == 2400 and headers[1]["curve"][:-1] == headers[0]["curve"]
    assert headers[1]["curve"][-1]["return"] == headers[0]["curve"][-1]["return"]
    one, other = (load_file(folder / checkpoints.RESUME) for folder in (first, again))
    assert all(np.array_equal(one[name], other[name]) for name in ("actor", "critic", "log_temperature"))
    assert all(np.isfinite(array).all() for array in other.values())


@pytest.mark.slow
def test_a_visit_of_several_seeds_leaves_two_files_of_each_and_the_next_goes_on(tmp_path):
    job = tiny("mtmh-sac-mt10", total_env_steps=1600)
    jobs.train("job", job, minutes=1e6, out=tmp_path / "first", seeds=[1, 2], before=None)
    parcels = sorted((tmp_path / "first").rglob("*.*"))
    assert [str(path.relative_to(tmp_path / "first")) for path in parcels] == [
        f"job-seed{seed}/{name}" for seed in (1, 2) for name in ("rest.zip", "resume.safetensors")
    ]
    job = tiny("mtmh-sac-mt10", total_env_steps=2400)
    jobs.train("job", job, minutes=1e6, out=tmp_path / "again", seeds=[1, 2], before=tmp_path / "first")
    headers = [checkpoints.read_header(tmp_path / visit / "job-seed2" / checkpoints.RESUME) for visit in ("first", "again")]
    assert headers[1]["env_steps"] == 2400 and headers[1]["curve"][:-1] == headers[0]["curve"]


def test_what_several_seeds_left_goes_on_in_its_place_together_and_one_at_a_time(tmp_path):
    """With the collectors of those who began: `collectors` is 2, and each of two seeds has 1."""

    def visit(total, seeds):
        jobs.train("job", tiny("mtmh-sac-mt10", total_env_steps=total), minutes=1e6, out=tmp_path, seeds=seeds, before=None)
        return [checkpoints.read_header(tmp_path / f"job-seed{seed}" / checkpoints.RESUME) for seed in seeds]

    first, second = visit(960, [1, 2]), visit(1920, [1, 2])
    assert [header["env_steps"] for header in second] == [1920, 1920]
    assert [header["curve"][:-1] for header in second] == [header["curve"] for header in first], "else they began at zero"
    (alone,) = visit(2880, [2])
    assert alone["curve"][:2] == second[1]["curve"] and alone["config"]["collectors"] == 1
    rows = (tmp_path / "job-seed2" / "curve.csv").read_text().splitlines()[1:]
    assert [int(row.split(",")[0]) for row in rows] == [point["env_steps"] for point in alone["curve"]], "the table came along"


def left_behind(folder, env_steps, **config):
    checkpoints.save(folder / checkpoints.RESUME, {"a": np.zeros(1)}, {"algorithm": "mtmh-sac", "config": config, "env_steps": env_steps})


def test_a_visit_goes_on_from_its_own_folder_then_from_the_one_before(tmp_path):
    out, before = tmp_path / "out", tmp_path / "before"
    for folder in (out / "job-seed1", before / "job-seed1", before / "job-seed2"):
        folder.mkdir(parents=True)
        left_behind(folder, 5)
    titles = ["job-seed1", "job-seed2"]
    assert jobs.find_left(titles, out, None) == {"job-seed1": [out / "job-seed1"], "job-seed2": []}
    found = jobs.find_left(titles, out, before)
    assert found == {"job-seed1": [out / "job-seed1", before / "job-seed1"], "job-seed2": [before / "job-seed2"]}
    left_behind(before / "job-seed1", 6)
    with pytest.raises(ValueError, match="is after 5 steps and --before after 6: remove that folder"):
        jobs.find_left(titles, out, before)


def test_runs_go_on_with_the_collectors_that_they_began_with(tmp_path):
    config, folders = JOBS["pcgrad-sac-mt10"].config, [tmp_path / "one", tmp_path / "other"]
    for folder, collectors in zip(folders, (2, 3), strict=True):
        folder.mkdir()
        left_behind(folder, 5, collectors=collectors)
    assert jobs.with_collectors(config, folders[:1]).collectors == 2
    assert jobs.with_collectors(config, []) == jobs.with_collectors(config, folders) == config, "two that differ are refused later on"
    assert jobs.with_collectors(JOBS["rl2-ml10"].config, folders[:1]) == JOBS["rl2-ml10"].config


def test_seeds_share_the_collectors_of_one():
    job = JOBS["pcgrad-sac-mt10"]
    assert [job.config_for(number).collectors for number in (1, 2, 3, 4)] == [6, 3, 2, 1]


def test_algorithms_that_learn_one_seed_at_a_time_say_so(tmp_path):
    with pytest.raises(ValueError, match="ppo learns one seed at a time"):
        jobs.train("job", tiny("ppo-mt10"), minutes=1e6, out=tmp_path, seeds=[1, 2], before=None)


def test_imports_count_as_the_job_s_time():
    told = "import metaworld_baselines.jobs as jobs, time; print(jobs.process_seconds() - (time.time() - jobs.IMPORTED))"
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert float(found.stdout) > (0.1 if sys.platform == "linux" else -0.1), "importing JAX takes longer"


def test_another_budget_may_be_said(tmp_path, monkeypatch):
    """So that rates fall over what a visit's minutes hold."""
    asked = {}
    monkeypatch.setattr(jobs, "train", lambda name, job, **_: asked.update({name: job.config.total_env_steps}) or tmp_path)
    assert jobs.main(["run", "ppo-mt10-gpu", "--total-env-steps", "80000000", "--out", str(tmp_path / "out")]) == 0
    assert asked == {"ppo-mt10-gpu": 80_000_000}


def test_too_little_time_is_refused_before_anything_begins(tmp_path):
    with pytest.raises(ValueError, match=r"0\.1 minutes are too few"):
        jobs.train("job", tiny("mtmh-sac-mt10"), minutes=0.1, out=tmp_path, seeds=[1], before=None)


def test_folders_that_are_not_meant_are_refused_before_anything_begins(tmp_path, capsys):
    """A visit would begin at zero in silence."""
    (tmp_path / "config.json").write_text("{}")
    for words in (["--out", str(tmp_path)], ["--out", str(tmp_path / "new"), "--before", str(tmp_path / "nothing")]):
        assert jobs.main(["run", "mtmh-sac-mt10", *words]) == 2
    errors = capsys.readouterr().err
    assert "is the folder of a run" in errors and "nothing holds no resume.safetensors" in errors
    assert jobs.main(["lighten", str(tmp_path), "--out", str(tmp_path / "light")]) == 2
    assert "progress.csv is missing" in capsys.readouterr().err and [path.name for path in tmp_path.iterdir()] == ["config.json"]


@pytest.mark.slow
def test_a_kill_leaves_a_folder_that_can_be_used(tmp_path):
    script = (
        "import sys; sys.path.insert(0, 'tests/baselines/runs'); import test_jobs as t; from pathlib import Path\n"
        f"t.jobs.train('job', t.tiny('pcgrad-sac-mt10'), minutes=1e6, out=Path({str(tmp_path)!r}), seeds=[1], before=None)"
    )
    running = subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY, env=None)
    folder, deadline = tmp_path / "job-seed1", time.monotonic() + 300
    try:
        while not ((folder / checkpoints.RESUME).is_file() and (folder / checkpoints.LAST).is_file()):
            assert running.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    load_agent(f"baselines:{folder}")
    saved_at = checkpoints.read_header(folder / checkpoints.RESUME)["env_steps"]
    job = tiny("pcgrad-sac-mt10", total_env_steps=saved_at + 800)
    again = jobs.train("job", job, minutes=1e6, out=tmp_path / "again", seeds=[1], before=folder)
    assert checkpoints.read_header(again / checkpoints.LAST)["env_steps"] == saved_at + 800


@pytest.mark.slow
def test_smoke_measures_updates_environments_and_both(tmp_path):
    found = jobs.smoke(tmp_path, {**JOBS, "pcgrad-sac-mt10": tiny("pcgrad-sac-mt10"), "mtmh-sac-mt10": tiny("mtmh-sac-mt10")})
    assert not [part for part in found.values() if "error" in part], found
    assert found["pcgrad-sac, both together"]["updates_per_s"] > 0 and found["mtmh-sac, TF32"]["updates_per_s"] > 0
    assert json.loads((tmp_path / "smoke.json").read_text()) == found and (tmp_path / "trace.json.gz").stat().st_size > 0


def test_unknown_jobs_are_refused_and_known_ones_listed(capsys):
    assert jobs.main(["run", "dqn"]) == 2 and "there are smoke, pcgrad-sac-mt10" in capsys.readouterr().err
    assert jobs.main(["list"]) == 0 and "published budget" in capsys.readouterr().out
