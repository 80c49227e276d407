"""Whole runs of the on-policy algorithms: tables, agents, going on after a stop, few-shot evaluation from the command line."""

import csv
from dataclasses import replace

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
from safetensors.numpy import load_file

from metaworld_baselines import train
from metaworld_baselines.algorithms.meta import PUBLISHED
from metaworld_baselines.algorithms.rl2_config import Rl2Config
from metaworld_baselines.runs import checkpoints
from metaworld_py.agents import RandomAgent, load_agent
from metaworld_py.cli.main import main
from metaworld_py.evaluation import evaluate
from metaworld_py.evaluation.adaptation import is_meta_learner

OFTEN = "--eval-every-env-steps {0} --save-every-env-steps {0} --max-episode-steps 20 --seed 3"
META = "--benchmark ML1 --task reach --meta-batch 2 --episodes 2 --eval-goals 2 --eval-train-goals 2 --eval-episodes 1"
TWO_TASKS = "--benchmark reach,drawer-close --envs-per-task 2 --active-sampling 0.5 --active-sampling-iterations 1 --eval-instances 2"
RUNS = {
    "ppo": (f"{TWO_TASKS} --rollout-steps 20 --width 8 --depth 1 --epochs 2 --minibatches 2 --log-every-env-steps 1", 80),
    # Its rate falls over the budget, and the run that stops early has a smaller one.
    "rl2": (
        f"{META} --rollout-steps 20 --width 8 --memory 8 --bptt-steps 20 --minibatches 2 --epochs 2 --final-learning-rate 3e-4",
        80,
    ),
    "task-inference": (
        f"{META} --rollout-steps 20 --width 8 --memory 8 --minibatches 2 --epochs 2 --memory-updates 2 --sequences-per-update 3",
        80,
    ),
    "maml-trpo": (f"{META} --train-episodes 2 --width 8 --depth 1", 160),
    "pearl": (
        f"{META} --width 8 --depth 1 --encoder-width 8 --encoder-depth 1 --goals-per-update 2 --batch-per-goal 4 "
        "--updates-per-iteration 2 --context-size 6 --buffer-per-goal 40",
        80,
    ),
}
SPEED_COLUMNS = {"seconds", "steps_per_s", "updates_per_s", "waiting_for_envs", "waiting_for_learner"}


def command(name, out, iterations):
    options, steps = RUNS[name]
    return [name, *options.split(), *OFTEN.format(steps).split(), "--total-env-steps", str(iterations * steps), "--out", str(out)]


def rows(folder, table):
    with (folder / f"{table}.csv").open() as file:
        return [{column: value for column, value in row.items() if column not in SPEED_COLUMNS} for row in csv.DictReader(file)]


@pytest.fixture(scope="module", params=RUNS)
def run(request, tmp_path_factory):
    """A run over three iterations, and the same stopped after the first and continued."""
    name, folders = request.param, []
    for stops in ((3,), (1, 3)):
        out = tmp_path_factory.mktemp("runs")
        for iterations in stops:
            assert train.main(command(name, out, iterations)) == 0
        folders += out.iterdir()
    return name, *folders


def test_a_stopped_run_goes_on_as_if_nothing_had_happened(run):
    _, whole, stopped = run
    for table in ("progress", "curve") + ("trials",) * (run[0] != "ppo"):
        assert len(rows(whole, table)) == 3 and rows(whole, table) == rows(stopped, table), table
    for name in (checkpoints.RESUME, checkpoints.LAST, checkpoints.BEST):
        one, other = load_file(whole / name), load_file(stopped / name)
        assert one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one), name


def test_the_scale_of_the_observations_goes_with_the_weights(run):
    name, whole, _ = run
    if name != "ppo":
        return
    learned, acts = (load_file(whole / file) for file in (checkpoints.RESUME, checkpoints.LAST))
    assert learned["0/obs_scale/count"] == 3 * 80 and learned["0/obs_scale/mean"].any()
    assert all(np.array_equal(learned[f"0/obs_scale/{field}"], acts[f"obs_scale/{field}"]) for field in ("count", "mean", "var"))


def test_it_learns_something_at_each_iteration(run):
    name, whole, _ = run
    assert whole.name == f"{name}-{'reach+drawer-close' if name == 'ppo' else 'ML1-reach'}-seed3"
    losses = [row.get("surrogate") or row.get("loss") or row["critic_loss"] for row in rows(whole, "progress")]
    assert len(set(losses)) == 3 and np.isfinite([float(loss) for loss in losses]).all()


def test_success_on_training_and_on_held_out_goals_stand_side_by_side(run):
    name, whole, _ = run
    columns = rows(whole, "curve")[0].keys()
    if name == "ppo":
        assert {"success", "return", "success/reach", "success/drawer-close"} <= columns
    else:
        sides = {f"{side}{what}{when}" for side in ("", "train_") for what in ("success", "return") for when in ("", "_before")}
        assert sides <= columns
        wanted = {"before/reach", "while_adapting/1", "while_adapting/2", "once_adapted/1"}
        assert {f"{side}{name}" for side in ("", "train_") for name in wanted} <= rows(whole, "trials")[0].keys()


def test_saved_agents_play_from_the_command_line(run, capsys):
    name, whole, _ = run
    agent = load_agent(f"baselines:{whole}")
    assert is_meta_learner(agent) == (name != "ppo")
    sizes = ["--episodes", "2", "--max-episode-steps", "5", "--adaptation-episodes", "1"]
    assert main(["evaluate", "reach", "--agent", f"baselines:{whole}", *sizes]) == 0
    shown = capsys.readouterr().out
    assert f"agent baselines:{whole}" in shown and ("after 1 episodes of adaptation" in shown) == (name != "ppo")


def test_budgets_and_meta_batches_are_those_of_the_benchmark():
    """Also where the defaults are those of another one, and with the settings of a run of another one."""
    for name in ("rl2", "maml-trpo"):
        for words, steps in (("--benchmark ML1 --task reach", 2_000_000), ("--benchmark ML45", 90_000_000), ("", 20_000_000)):
            config = train.parse([name, *words.split(), "--config", "published"])[1].config
            assert (config.total_env_steps, config.meta_batch) == PUBLISHED[config.benchmark] and config.total_env_steps == steps
            assert train.parse([name, *words.split()])[1].config.total_env_steps == steps
    up_to = Rl2Config(benchmark="ML1", task="reach", meta_batch_up_to=60)
    assert (up_to.meta_batch, replace(up_to.as_said, benchmark="ML10", task="").meta_batch) == (60, 60)
    assert replace(up_to.as_said, benchmark="ML45", task="").meta_batch == 45
    assert replace(up_to.as_said, meta_batch=3).meta_batch == 3


@pytest.mark.parametrize("name", ["rl2", "maml-trpo", "task-inference", "pearl", "one-shot"])
def test_a_task_has_one_name_and_a_run_one_folder(name):
    titles = {train.parse([name, "--benchmark", "ML1", "--task", task])[1].config.title for task in ("reach", "reach-v3")}
    assert titles == {"ML1-reach"}


def test_settings_that_do_not_fit_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        train.main(["rl2", "--benchmark", "ML1", "--out", str(tmp_path)])
    assert "ML1 wants a task" in capsys.readouterr().err


GOALS = (
    "--benchmark ML1 --task reach --max-episode-steps 60 --meta-batch 10 --width 32 --eval-goals 10 --eval-train-goals 2 --eval-episodes 1"
)
MINIATURES = {  # options, environment steps, tasks, episode length
    "ppo": (
        "--benchmark reach,drawer-close --max-episode-steps 100 --envs-per-task 1 --rollout-steps 1000 --width 32 --depth 2 --epochs 8 "
        "--minibatches 4 --learning-rate 2e-3 --eval-instances 10",
        24_000,
        ["reach", "drawer-close"],
        100,
    ),
    "rl2": (
        f"{GOALS} --episodes 3 --trial-episodes 3 --rollout-steps 60 --memory 32 --bptt-steps 60 --minibatches 2 --epochs 5 "
        "--learning-rate 2e-3",
        72_000,
        ["reach"],
        60,
    ),
    "maml-trpo": (f"{GOALS} --episodes 5 --train-episodes 5 --max-kl 0.03", 30_000, ["reach"], 60),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MINIATURES)
def test_a_miniature_learns(name, tmp_path):
    """Returns far above a random agent's; of MAML, also above those before adaptation."""
    options, steps, tasks, length = MINIATURES[name]
    seldom = ["--eval-every-env-steps", "1000000", "--save-every-env-steps", "0", "--seed", "1", "--out", str(tmp_path)]
    assert train.main([name, *options.split(), "--total-env-steps", str(steps), *seldom]) == 0
    (folder,) = tmp_path.iterdir()
    reached = checkpoints.read_header(folder / checkpoints.LAST)["curve"][-1]
    idle = evaluate(RandomAgent(0), tasks, seed=1, instances_per_task=10, max_episode_steps=length)
    random_return = np.mean([task.mean_return for task in idle.tasks])
    assert reached["return"] > 1.3 * random_return, (reached, random_return)
    if name == "maml-trpo":
        assert reached["return"] > 1.1 * reached["return_before"], reached
