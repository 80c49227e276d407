"""The programs in perf/ and examples/: that they count and compare rightly, not how fast anything is."""

import importlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metaworld_py import MT1, MetaWorldVectorEnv

ROOT = Path(__file__).resolve().parents[2]
SHORT_SOAK = ["--steps", "20000", "--resets", "500", "--instances", "2", "--max-episode-steps", "100"]


@pytest.fixture
def perf(monkeypatch):
    """Imports a program of perf/ by name."""
    monkeypatch.syspath_prepend(ROOT / "perf")
    return importlib.import_module


def run_program(*command, status=0):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    assert done.returncode == status, done.stderr[-2000:]
    return done.stdout if status == 0 else done.stderr


def reaches(**kwargs):
    return MetaWorldVectorEnv([MT1("reach", seed=1).train_tasks] * 4, **kwargs)


def test_soak_counts_no_fault_in_healthy_steps(perf):
    soak = perf("soak")
    envs = reaches(max_episode_steps=3)
    envs.reset(seed=0)
    inspector, actions = soak.Inspector(envs), soak.Actions(4, seed=0)
    assert sum(inspector.look_at_step(envs.step(actions.next())) for _ in range(7)) == 8
    assert not any(counts.total() for counts in inspector.faults.values())


def test_parts_of_a_step_are_measured_beside_one_another(perf):
    """The states that the physics is measured from are the environments' own, before and after."""
    parts = perf("parts").Parts(["reach", "door-open"])
    before = parts.envs.get_state().to_plain(1)
    seconds = {name: measure() for name, measure in list(parts.by_name.items())[:-1]}
    assert parts.envs.get_state().to_plain(1) == before
    seconds["our step"] = list(parts.by_name.values())[-1]()
    assert all(0.0 < one < 0.1 for one in seconds.values()) and parts.envs.steps.tolist() == [10, 10]


def test_threads_wait_for_the_last_task(perf):
    busy = perf("parts").busy
    assert (
        busy([1.0] * 8, 4) == 1.0 and busy([1.0] * 5, 4) == 5 / 8 and busy([1.0, 1.0, 2.0], 2) == 2 / 3 and busy([2.0, 1.0, 1.0], 2) == 1.0
    )


@pytest.mark.parametrize(
    ("fault", "change"),
    [
        ("NaN", lambda result: result[0].__setitem__((1, 0), np.nan)),
        ("NaN", lambda result: result[1].__setitem__(1, np.inf)),
        ("NaN", lambda result: result[4]["obj_to_target"].__setitem__(1, np.nan)),
        ("outside the space", lambda result: result[0].__setitem__((1, 0), 5.0)),
        ("outside the space", lambda result: result[4]["final_obs"][1].__setitem__(0, 5.0)),
        ("blown up", lambda result: result[4].update(is_unstable=np.array([False, True, False, False]))),
    ],
)
def test_soak_counts_each_kind_of_fault(perf, fault, change):
    envs = reaches(max_episode_steps=1)
    envs.reset(seed=0)
    result = envs.step(np.zeros((4, 4), dtype=np.float32))
    inspector = perf("soak").Inspector(envs)
    change(result)
    inspector.look_at_step(result)
    assert {name: dict(counts) for name, counts in inspector.faults.items() if counts} == {fault: {"reach": 1}}


def test_soak_counts_warnings_of_the_engine(perf, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    envs = reaches()
    Path("MUJOCO_LOG.TXT").write_text("WARNING Mon Nov 23 09:47:24 2026: Nan, Inf or huge value in QVEL at DOF 0. Time = 0.6250.\n\n")
    soak = perf("soak")
    inspector = soak.Inspector(envs)
    soak.count_engine_warnings(inspector)
    assert dict(inspector.faults["engine warnings"]) == {"Nan, Inf or huge value in QVEL at DOF 0.": 1}
    assert soak.report(inspector, {"after warm-up": 0, "end": 0}, "") == 1


def test_soak_fails_where_memory_grows(perf, capsys):
    soak = perf("soak")
    inspector = soak.Inspector(reaches())
    assert soak.report(inspector, {"after warm-up": 10**8, "end": 10**8 + soak.MAX_GROWTH_BYTES}, "") == 0
    assert soak.report(inspector, {"after warm-up": 10**8, "end": 10**8 + soak.MAX_GROWTH_BYTES + 1}, "") == 1
    assert soak.report(inspector, {"after warm-up": None, "end": None}, "") == 0, "where the system does not tell"


def test_a_worker_does_jobs_and_reports_failures(perf):
    contenders = perf("contenders")
    worker = contenders.Worker("ours", sys.executable)
    setting = {"tasks": ["reach"], "task_set": None, "strategy": "native", "threads": 1}
    assert worker.ask("make", num_envs=2, **setting)["num_envs"] == 2
    answer = worker.ask("steps", calls=5, seed=0)
    assert answer["done"] == 10 and answer["seconds"] > 0
    assert worker.ask("resets", calls=3)["done"] == 6
    assert worker.ask("make", num_envs=1, **setting)["num_envs"] == 1
    assert worker.ask("episode", seed=0)["done"] == 500
    with pytest.raises(RuntimeError, match=r"ours, make: .*Did you mean 'reach'"):
        worker.ask("make", num_envs=1, **{**setting, "tasks": ["rech"]})
    worker.close()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
def test_contenders_are_held_to_as_many_cores_as_asked_for(perf):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        perf("contenders").limit_cores(process.pid, 1)
        assert len(os.sched_getaffinity(process.pid)) == 1
        process.communicate(b"\n")


def test_compare_takes_ratios_within_rounds_and_the_faster_published_strategy(perf):
    compare = perf("compare")
    samples = {
        compare.OURS: [100.0, 50.0, 100.0],
        compare.ENVPOOL: [50.0, 50.0, 25.0],
        compare.SYNC: [10.0, 10.0, 10.0],
        compare.ASYNC: [20.0, 25.0, 50.0],
    }
    assert compare.rates_row("x", samples) == "| x | 100 | 50 | 10 | 25 | 2.00 | 2.00 |"


@pytest.mark.slow
def test_compare_measures_us_alone_where_no_other_is_wanted():
    arguments = ["--published", "none", "--envpool", "none", "--tasks", "reach", "--batches", "2", "--sets", "--rounds", "1"]
    printed = run_program("perf/compare.py", *arguments, "--episode-rounds", "1", "--construction-rounds", "1", "--steps", "100")
    assert len(re.findall(r"^\| reach × 2 \| [1-9]\d* \|", printed, re.MULTILINE)) == 3
    assert "| import |" in printed


def test_updates_are_measured_of_every_on_policy_kind(perf):
    """The experience that is made up for them is of the shape that learners take today."""
    pytest.importorskip("jax", reason="needs the extra `baselines`")
    precision = perf("precision")
    ppo = replace(precision.TUNED, benchmark="reach,push", envs_per_task=4, rollout_steps=50, width=8)
    rl2 = replace(
        precision.RL2_TUNED,
        benchmark="ML1",
        task="reach",
        meta_batch=5,
        meta_batch_up_to=5,
        max_episode_steps=50,
        rollout_steps=50,
        bptt_steps=50,
        width=8,
    )
    for make, config in ((precision.ppo_iteration, ppo), (precision.rl2_part, replace(rl2, memory=8, epochs=1))):
        call, updates = make(config)
        assert updates >= 1 and precision.processor_seconds(call) > 0.0


@pytest.mark.slow
def test_short_soak_goes_without_a_fault():
    assert run_program("perf/soak.py", *SHORT_SOAK).rstrip().endswith("no fault")


@pytest.mark.slow
def test_scale_prints_a_line_per_number_of_environments():
    arguments = ["--tasks", "reach", "--envs", "2", "4", "--threads", "1", "--seconds", "0.1", "--rounds", "1"]
    printed = run_program("perf/scale.py", *arguments)
    assert len(re.findall(r"^\| reach +\| +[24] \| +[1-9]\d* \| +\d+% \|", printed, re.MULTILINE)) == 2


@pytest.mark.slow
def test_render_measures_pictures(opengl):
    printed = run_program("perf/render.py", "--task", "reach", "--sizes", "32", "--envs", "1", "2", "--seconds", "0.1", "--rounds", "1")
    assert len(re.findall(r"32 × 32 \| +[12] \|", printed)) >= 2


@pytest.mark.slow
def test_ray_rollouts_do_not_depend_on_the_number_of_actors(tmp_path):
    pytest.importorskip("ray", reason="needs the extra ray")
    rollouts = []
    for actors in (1, 3):
        out = tmp_path / f"{actors}.npz"
        options = ["--tasks", "MT10", "--actors", actors, "--steps", "30", "--rounds", "2", "--seed", "5", "--out", out]
        run_program("examples/ray_rollouts.py", *options)
        with np.load(out) as file:
            rollouts.append(dict(file))
    one, three = rollouts
    assert one["rewards"].shape == (30, 10) and one["rewards"].std() > 0
    for name, values in one.items():
        assert np.array_equal(values, three[name]), name


@pytest.mark.slow
def test_ray_rollouts_refuse_more_actors_than_environments():
    pytest.importorskip("ray", reason="needs the extra ray")
    assert "must lie in 1…1" in run_program("examples/ray_rollouts.py", "--tasks", "reach", "--actors", "2", status=1)
