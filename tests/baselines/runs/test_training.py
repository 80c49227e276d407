"""Whole runs: learning, files, resuming after a kill, agents for the command line."""

import csv
import dataclasses
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
from safetensors.numpy import load_file, save_file

from metaworld_baselines import train
from metaworld_baselines.algorithms.registry import ALGORITHMS
from metaworld_baselines.algorithms.sac_config import SacConfig
from metaworld_baselines.experience.off_policy import Chunk
from metaworld_baselines.runs import checkpoints
from metaworld_baselines.runs.rl_run import RlRun, TooSlowError
from metaworld_baselines.runs.run import cut_table
from metaworld_baselines.runs.throughput import Throughput
from metaworld_py.agents import RandomAgent, load_agent
from metaworld_py.cli.main import main
from metaworld_py.evaluation import evaluate

REPOSITORY = Path(__file__).parents[3]
TINY = """
    --benchmark reach,drawer-close --width 16 --depth 2 --envs-per-task 1 --batch-per-task 8 --max-episode-steps 50 --chunk-vector-steps 20
    --warmup-vector-steps 40 --buffer-per-task 400 --eval-instances 2 --eval-every-env-steps 400 --save-every-env-steps 400
    --log-every-env-steps 200 --diagnose-every-env-steps 400
"""
FOLDER = "pcgrad-sac-reach+drawer-close-seed3"
SPEED_COLUMNS = {"seconds", "steps_per_s", "updates_per_s", "waiting_for_envs", "waiting_for_learner"}


def command(out, total, *more):
    return ["pcgrad-sac", *TINY.split(), "--seed", "3", "--total-env-steps", str(total), "--out", str(out), *more]


def rows(folder, name):
    """A table without the columns that depend on the machine's mood."""
    with (folder / f"{name}.csv").open() as file:
        return [{column: value for column, value in row.items() if column not in SPEED_COLUMNS} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """An uninterrupted run over 2000 steps; its buffer has gone round twice."""
    out = tmp_path_factory.mktemp("runs")
    assert train.main(command(out, 2000)) == 0
    return out / FOLDER


def test_a_run_leaves_its_tables_and_agents(finished):
    assert [int(row["env_steps"]) for row in rows(finished, "curve")] == [400, 800, 1200, 1600, 2000]
    assert {"success", "return", "success/reach", "success/drawer-close"} <= rows(finished, "curve")[0].keys()
    progress = rows(finished, "progress")
    assert int(progress[-1]["env_steps"]) == 2000 and np.isfinite(float(progress[-1]["critic_loss"]))
    assert 0.0 <= float(rows(finished, "conflict")[-1]["critic/conflicting_pairs"]) <= 1.0
    described = json.loads((finished / "config.json").read_text())
    assert described["config"]["seed"] == 3 and "jax" in described["versions"] and described["hardware"]
    header = checkpoints.read_header(finished / checkpoints.LAST)
    assert header["algorithm"] == "pcgrad-sac" and [point["env_steps"] for point in header["curve"]] == [400, 800, 1200, 1600, 2000]


def test_saved_agents_play(finished):
    agent = load_agent(f"baselines:{finished}")
    curve = checkpoints.read_header(finished / checkpoints.LAST)["curve"]
    result = evaluate(agent, ["reach", "drawer-close"], seed=3, instances_per_task=2, max_episode_steps=50)
    assert np.isclose(np.mean([task.mean_return for task in result.tasks]), curve[-1]["return"]), "not the agent that was evaluated"
    with_ids = evaluate(agent, ["reach", "drawer-close"], seed=3, instances_per_task=2, max_episode_steps=50, use_one_hot=True)
    assert with_ids.tasks[1].returns == result.tasks[1].returns
    with pytest.raises(ValueError, match="trained on reach, drawer-close, not on push"):
        evaluate(agent, "push", instances_per_task=1, max_episode_steps=1)


@pytest.mark.parametrize(("name", "message"), [("nothing", "no checkpoint at"), (checkpoints.RESUME, "for going on training")])
def test_what_is_no_agent_is_refused(finished, name, message):
    with pytest.raises(ValueError, match=message):
        load_agent(f"baselines:{finished / name}")


def test_other_files_are_no_checkpoints(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"something else")
    with pytest.raises(ValueError, match="not a checkpoint of these baselines"):
        checkpoints.read_header(tmp_path / "x.safetensors")


@pytest.mark.slow
def test_a_killed_run_goes_on_as_if_nothing_had_happened(finished, tmp_path):
    """Killed without warning after a save and beyond it; the rest of the run then equals the uninterrupted one to the last bit."""
    folder = tmp_path / FOLDER
    running = subprocess.Popen(
        [sys.executable, "-m", "metaworld_baselines.train", *command(tmp_path, 2000)], cwd=REPOSITORY, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 300
        while not ((folder / "progress.csv").is_file() and any(int(row["env_steps"]) > 400 for row in rows(folder, "progress"))):
            assert running.poll() is None and time.monotonic() < deadline, "the run never got beyond its first save"
            time.sleep(0.01)
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()
    saved_at = checkpoints.read_header(folder / checkpoints.RESUME)["env_steps"]
    if saved_at == 2000:
        pytest.skip("this machine finished before the kill")
    assert train.main(command(tmp_path, 2000)) == 0
    check_same(folder, finished)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_run_that_is_asked_to_stop_is_saved_where_it_is(finished, tmp_path, monkeypatch, name):
    """After the iteration in which the signal came, between two saves; the rest then equals the uninterrupted run to the last bit."""
    folder, advance, number = tmp_path / FOLDER, RlRun.advance, getattr(signal, name)

    def advance_and_kill(run, steps):
        advance(run, steps)
        if run.env_steps == 1000:
            signal.raise_signal(number)

    monkeypatch.setattr(RlRun, "advance", advance_and_kill)
    before = signal.signal(number, signal.SIG_DFL)  # whoever runs these tests may ignore it
    try:
        assert train.main(command(tmp_path, 2000)) == 130
    finally:
        signal.signal(number, before)
    assert checkpoints.read_header(folder / checkpoints.RESUME)["env_steps"] == 1000
    monkeypatch.setattr(RlRun, "advance", advance)
    assert train.main(command(tmp_path, 2000)) == 0
    check_same(folder, finished)


def check_same(folder, finished):
    """Two runs' tables, networks and environments are the same."""
    for name in ("progress", "curve", "conflict"):
        assert rows(folder, name) == rows(finished, name), name
    for name in (checkpoints.RESUME, checkpoints.LAST, checkpoints.BEST):
        one, other = load_file(folder / name), load_file(finished / name)
        assert one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one), name
    assert checkpoints.read_header(folder / checkpoints.RESUME)["envs"] == checkpoints.read_header(finished / checkpoints.RESUME)["envs"]


def test_a_run_that_was_killed_while_its_end_was_evaluated_is_evaluated_once_more(finished, tmp_path):
    shutil.copytree(finished, tmp_path / FOLDER)
    path = tmp_path / FOLDER / checkpoints.RESUME
    header = checkpoints.read_header(path)
    before = header | {"curve": header["curve"][:-1], "owes_evaluation": True}  # as the last save but one left it
    save_file(load_file(path), path, metadata={name: json.dumps(value) for name, value in before.items()})
    assert train.main(command(tmp_path, 2000)) == 0
    again = checkpoints.read_header(path)
    assert not again["owes_evaluation"] and again["curve"] == header["curve"] and rows(path.parent, "curve") == rows(finished, "curve")
    one, other = load_file(path), load_file(finished / checkpoints.RESUME)
    assert one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


def test_a_run_may_be_prolonged_and_then_equals_a_longer_one(finished, tmp_path):
    """Also: collecting in a thread or not makes no difference."""
    assert train.main(command(tmp_path, 800, "--no-overlap")) == 0
    with pytest.raises(ValueError, match="overlap: False then, True now"):
        RlRun(tmp_path / FOLDER, "pcgrad-sac", changed_config(tmp_path / FOLDER, overlap=True), 2000)
    assert train.main(command(tmp_path, 2000, "--no-overlap")) == 0
    for name in ("curve", "conflict", "progress"):
        assert rows(tmp_path / FOLDER, name) == rows(finished, name), name
    ends = [load_file(folder / checkpoints.RESUME) for folder in (tmp_path / FOLDER, finished)]
    assert all(np.array_equal(ends[0][key], ends[1][key]) for key in ends[1])


def test_a_folder_is_of_one_process_at_a_time(finished, capsys):
    run = RlRun(finished, "pcgrad-sac", changed_config(finished), 2000, is_on_tensorboard=False)
    try:
        assert train.main(command(finished.parent, 2000)) == 2
        assert "another process trains in" in capsys.readouterr().err
    finally:
        run.close()
    assert train.main(command(finished.parent, 2000)) == 0
    assert not any(path.name.startswith(".") for path in finished.iterdir()), "nothing is left of it"


def test_what_a_killed_process_left_half_written_is_cleared(finished):
    left = finished / "resume.safetensors-12345.part"
    left.write_bytes(b"half of it")
    RlRun(finished, "pcgrad-sac", changed_config(finished), 2000, is_on_tensorboard=False).close()
    assert not left.exists()


def test_a_field_that_an_older_run_lacks_means_what_it_meant_then(tmp_path):
    """So that a run does not change its algorithm in the middle: PPO's noise was independent before it could be told."""
    algorithm = ALGORITHMS["ppo"]
    settings = {**dataclasses.asdict(algorithm.config), "seed": 1}
    run = RlRun(tmp_path / "run", "ppo", settings, 10, is_on_tensorboard=False, whole=algorithm.whole)
    older = {name: value for name, value in settings.items() if name != "noise_correlation"}
    checkpoints.save(run.folder / checkpoints.RESUME, {}, {**run._header(0), "config": older})
    run.close()
    with pytest.raises(ValueError, match=r"noise_correlation: 0\.0 then, 0\.9 now"):
        RlRun(run.folder, "ppo", settings, 10, is_on_tensorboard=False, whole=algorithm.whole)
    same = settings | {"noise_correlation": 0.0}
    RlRun(run.folder, "ppo", same, 10, is_on_tensorboard=False, whole=algorithm.whole).close()


def test_what_is_lightened_has_networks_with_a_buffer_or_without(finished, tmp_path):
    checkpoints.lighten(finished / checkpoints.RESUME, tmp_path / "light", ["actor", "critic"])
    kept = checkpoints.shapes(tmp_path / "light")
    assert kept and {name.split("/")[0] for name in kept} == {"actor", "critic"}
    with pytest.raises(ValueError, match="holds none of nothing"):
        checkpoints.lighten(finished / checkpoints.RESUME, tmp_path / "light", ["nothing"])


@pytest.mark.parametrize(
    ("algorithm", "changes", "told"),
    [
        ("ppo", {"discount": 1.0}, "discount must be at least 0 and below 1"),
        ("ppo", {"clip": -1.0}, "clip must be positive"),
        ("ppo", {"max_grad_norm": 0.0}, "max_grad_norm must be positive"),
        ("ppo", {"learning_rate": -1.0}, "learning_rate must not be negative"),
        ("ppo", {"eval_instances": 0}, "eval_instances must lie in 1…50"),
        ("ppo", {"eval_every_env_steps": 0}, "eval_every_env_steps must be at least 1"),
        ("rl2", {"eval_goals": 60}, "eval_goals must lie in 1…50"),
        ("maml-trpo", {"eval_train_goals": 0}, "eval_train_goals must lie in 1…50"),
        ("rl2", {"trace": 2.0}, "trace must lie in 0…1"),
        ("rl2", {"width": 0}, "width must be at least 1"),
        ("task-inference", {"target_kl": -1.0}, "target_kl must not be negative"),
        ("pearl", {"updates_per_iteration": 0}, "updates_per_iteration must be at least 1"),
        ("mt-sac", {"eval_instances": 51}, "eval_instances must lie in 1…50"),
        ("mt-sac", {"reward_factors": True, "reset_every_env_steps": 10, "reward_version": "v1"}, "reward_factors compare mean rewards"),
        ("one-shot", {"updates_per_iteration": 0}, "updates_per_iteration must be at least 1"),
        ("bc", {"eval_instances": 0}, "eval_instances must lie in 1…50"),
    ],
)
def test_settings_that_no_run_can_use_are_refused_before_it(algorithm, changes, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        dataclasses.replace(ALGORITHMS[algorithm].config, **changes)


@pytest.mark.parametrize(
    ("algorithm", "changes"),
    [
        ("one-shot", {"noise_std": 0.0}),
        ("ppo", {"log_every_env_steps": 0}),
        ("mt-sac", {"save_every_env_steps": 0}),
        ("rl2", {"rollout_steps": 0}),
    ],
)
def test_nothing_is_a_setting_where_it_means_none(algorithm, changes):
    changed = dataclasses.replace(ALGORITHMS[algorithm].config, **changes)
    assert vars(changed) == vars(ALGORITHMS[algorithm].config) | changes


def changed_config(folder, **changes):
    return json.loads((folder / "config.json").read_text())["config"] | changes


def test_another_configuration_in_the_same_folder_is_refused(finished, capsys):
    before = (finished / checkpoints.RESUME).read_bytes()
    assert train.main(command(finished.parent, 2000, "--discount", "0.9")) == 2
    assert "another configuration (discount: 0.99 then, 0.9 now)" in capsys.readouterr().err
    assert (finished / checkpoints.RESUME).read_bytes() == before


def test_the_folder_of_a_run_is_no_place_for_runs(finished, capsys):
    before = sorted(path.name for path in finished.iterdir())
    assert train.main(["sac", "--benchmark", "reach", "--out", str(finished)]) == 2
    assert f"is the folder of a run: give the one that it is in, --out {finished.parent}" in capsys.readouterr().err
    assert sorted(path.name for path in finished.iterdir()) == before


def test_what_a_run_left_before_its_first_save_is_dropped(tmp_path):
    """A run that was killed early starts anew; its rows must not stand beside the new ones."""
    (tmp_path / "progress.csv").write_text("env_steps,critic_loss\n200,1.0\n400,2.0\n")
    run = RlRun(tmp_path, "sac", {}, 1000)
    run.advance(100)
    run.log("progress", {"critic_loss": 3.0})
    run.close()
    assert [row["env_steps"] for row in rows(tmp_path, "progress")] == ["100"]


def test_the_command_line_evaluates_a_run(finished, capsys):
    arguments = ["evaluate", "reach", "--agent", f"baselines:{finished}", "--episodes", "1", "--max-episode-steps", "5"]
    assert main(arguments) == 0
    assert f"agent baselines:{finished}" in capsys.readouterr().out


def test_without_a_gpu_days_of_work_are_refused(tmp_path):
    if jax.default_backend() != "cpu":
        pytest.skip("there is a GPU")
    RlRun(tmp_path / "slow", "sac", {}, 20_000_000).check_throughput(steps_per_s=300.0, updates_per_s=30.0)  # 18.5 hours
    run = RlRun(tmp_path / "slow", "sac", {}, 20_000_000)
    with pytest.raises(TooSlowError, match=r"no GPU, and at the measured 100 environment steps/s and 10.0 updates/s .* 2.3 days"):
        run.check_throughput(steps_per_s=100.0, updates_per_s=10.0)
    run.close()
    RlRun(tmp_path / "slow", "sac", {}, 20_000_000, allow_slow=True).check_throughput(steps_per_s=1.0, updates_per_s=0.1)


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="a GPU may be slow")
def test_a_run_that_was_quick_is_not_ended_for_having_been_held_up(tmp_path):
    """A machine asleep, or busy with something else for a while; but steps before the first update say nothing."""
    run = RlRun(tmp_path / "held-up", "sac", {}, 20_000_000)
    run.check_throughput(steps_per_s=3_000.0, updates_per_s=0.0)
    with pytest.raises(TooSlowError):
        run.check_throughput(steps_per_s=67.0, updates_per_s=0.4)
    run.check_throughput(steps_per_s=3_000.0, updates_per_s=20.0)
    run.check_throughput(steps_per_s=67.0, updates_per_s=0.4)


def test_a_configuration_may_be_said_in_one_word():
    name, said = train.parse(["ppo", "--config=published"])
    assert name == "ppo" and said.config == ALGORITHMS["ppo"].published


def test_a_missing_configuration_says_what_there_may_be(capsys):
    assert train.main(["ppo", "--config", "publishd"]) == 2
    assert "there is no file publishd; give the config.json of a run, or 'published'" in capsys.readouterr().err


def test_without_the_extra_training_says_how_to_install_it():
    script = "import sys; sys.modules['jax'] = None; import metaworld_baselines.train"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=REPOSITORY / "baselines")
    assert found.stderr.splitlines()[-1].startswith("ImportError: training needs the package jax: pip install -e '.[baselines]'")


def test_several_seeds_by_one_call(tmp_path, monkeypatch):
    trained = []
    stand_in = dataclasses.replace(ALGORITHMS["sac"], train=lambda config, seed, run: trained.append((config.benchmark, seed)))
    monkeypatch.setitem(ALGORITHMS, "sac", stand_in)
    assert train.main(["sac", "--benchmark", "push", "--seed", "1", "2", "3", "--out", str(tmp_path)]) == 0
    assert trained == [("push", 1), ("push", 2), ("push", 3)]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"sac-push-seed{seed}" for seed in (1, 2, 3)]


def test_each_algorithm_has_a_command_with_published_settings():
    settings = {name: algorithm.config for name, algorithm in ALGORITHMS.items()}
    architectures = [settings[name].architecture for name in ("sac", "mt-sac", "mtmh-sac", "pcgrad-sac")]
    assert architectures == ["one-hot", "one-hot", "multi-head", "multi-head"]
    published = SacConfig()
    assert (published.width, published.depth, published.batch_per_task, published.total_env_steps) == (400, 3, 128, 20_000_000)
    assert (published.learning_rate, published.discount, published.target_rate, published.target_entropy) == (3e-4, 0.99, 0.005, -4.0)


def test_speed_says_who_waited():
    speed = Throughput()
    speed.count(Chunk(None, (5.0,), (True,), 1.0), learner_s=3.0, iteration_s=4.0, updates=10)
    speed.count(Chunk(None, (7.0,), (False,), 4.0), learner_s=1.0, iteration_s=4.0, updates=10)
    numbers = speed.numbers(steps_per_iteration=80)
    assert numbers["steps_per_s"] == 20 and numbers["updates_per_s"] == 2.5
    assert numbers["waiting_for_envs"] == (1 + 3) / 8 and numbers["waiting_for_learner"] == 3 / 8
    assert numbers["training_return"] == 6.0 and numbers["training_success"] == 0.5


def test_tables_are_cut_at_the_saved_step_and_half_lines_dropped(tmp_path):
    path = tmp_path / "curve.csv"
    path.write_text("env_steps,success\n100,0.1\n200,0.2\n300,0.3\n40")
    cut_table(path, 200)
    assert path.read_text() == "env_steps,success\n100,0.1\n200,0.2\n"
    cut_table(path, 50)
    assert not path.exists(), "nothing is left"
    cut_table(path, 50)


MINIATURES = {
    "sac": "--benchmark drawer-close --width 64 --total-env-steps 24000 --envs-per-task 4 --batch-per-task 64",
    "mt-sac": "--benchmark reach,drawer-close --width 64 --total-env-steps 40000 --envs-per-task 4 --batch-per-task 64",
    "mtmh-sac": "--benchmark reach,drawer-close --width 64 --total-env-steps 40000 --envs-per-task 4 --batch-per-task 64",
    "pcgrad-sac": "--benchmark reach,drawer-close --width 64 --total-env-steps 40000 --envs-per-task 4 --batch-per-task 64",
    "mt-sac, combined": "--benchmark reach,drawer-close --width 64 --total-env-steps 40000 --envs-per-task 4 --batch-per-task 64 "
    "--architecture film --actor-combination upgrad --critic-combination fairgrad",
}
LEARNED_MARGIN = 2.0  # times the random agent's return


@pytest.mark.slow
@pytest.mark.parametrize("name", MINIATURES)
def test_a_miniature_learns(name, tmp_path):
    """Returns over short episodes far above a random agent's."""
    short = "--depth 2 --max-episode-steps 100 --warmup-vector-steps 500 --eval-instances 10 --buffer-per-task 50000"
    quick = "--learning-rate 1e-3 --initial-temperature 0.1 --target-rate 0.02 --discount 0.95"
    seldom = "--eval-every-env-steps 1000000 --save-every-env-steps 0 --log-every-env-steps 4000 --seed 1"
    arguments = [name.split(",")[0], *MINIATURES[name].split(), *short.split(), *quick.split(), *seldom.split(), "--out", str(tmp_path)]
    assert train.main(arguments) == 0
    (folder,) = tmp_path.iterdir()
    header = checkpoints.read_header(folder / checkpoints.LAST)
    names = header["config"]["benchmark"].split(",")
    idle = evaluate(RandomAgent(0), names, seed=1, instances_per_task=10, max_episode_steps=100)
    random_return = np.mean([task.mean_return for task in idle.tasks])
    assert header["curve"][-1]["return"] > LEARNED_MARGIN * random_return, (header["curve"], random_return)
