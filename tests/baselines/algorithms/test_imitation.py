"""Learning from demonstrations: what is read, what policies see, whole runs, and that they do what was shown."""

import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp
from safetensors.numpy import load_file

from metaworld_baselines import train
from metaworld_baselines.algorithms import cloning, one_shot
from metaworld_baselines.algorithms.cloning_config import CloningConfig
from metaworld_baselines.algorithms.imitation import learn_from_demonstrations
from metaworld_baselines.algorithms.one_shot_config import OneShotConfig
from metaworld_baselines.algorithms.one_shot_evaluation import (
    ELSEWHERE,
    OTHER,
    SAME,
    ReplayAgent,
    evaluate_one_shot,
    frames_of,
    goals_of,
    moved,
)
from metaworld_baselines.experience.demonstrations import in_words, read_demonstrations
from metaworld_baselines.experience.experts import play_experts
from metaworld_baselines.networks.glances import GlancingPolicy
from metaworld_baselines.publishing import one_shot_table
from metaworld_baselines.runs import checkpoints
from metaworld_baselines.runs.run_files import DEMONSTRATIONS
from metaworld_py import ML1
from metaworld_py.agents import load_agent
from metaworld_py.demonstrations import RecordingConfig, load_demonstrations, record_demonstrations
from metaworld_py.files import read_json

TASKS = ("reach", "drawer-close")
TINY = "--benchmark reach,drawer-close --width 8 --depth 1 --batch-per-task 4 --updates-per-iteration 5 --eval-instances 2"
EVERY = "--max-episode-steps 20 --eval-every-env-steps 40 --save-every-env-steps 40 --seed 3"


@pytest.fixture(scope="module", params=["minari", "lerobot"])
def recording(request, tmp_path_factory):
    """Two episodes of each task, the second one with noise."""
    pytest.importorskip({"minari": "h5py", "lerobot": "pyarrow"}[request.param], reason="needs the extra `demos`")
    folder = tmp_path_factory.mktemp("demos") / request.param
    agents = ("expert", "expert@0.5")
    config = RecordingConfig(tasks=TASKS, format=request.param, episodes_per_task=2, agents=agents, max_episode_steps=20)
    record_demonstrations(config, folder)
    return folder


def test_what_is_learned_is_what_the_expert_would_do(recording):
    """In either layout, and task by task in the learner's order; the noise that was played is no part of it."""
    shown, told = read_demonstrations(str(recording), ["drawer-close", "reach"])
    assert shown.obs.shape == (2, 40, 39) and shown.action.shape == (2, 40, 4) and shown.steps.tolist() == [40, 40]
    noisy = [one for one in load_demonstrations(recording) if one.noise_std > 0.0]
    for at, name in enumerate(("drawer-close", "reach")):
        (one,) = (one for one in noisy if one.task == name)
        assert np.allclose(shown.obs[at, 20:], one.observations[:-1], atol=1e-6)
        assert np.array_equal(shown.action[at, 20:], one.expert_actions) and not np.array_equal(one.actions, one.expert_actions)
    assert in_words(told, ["reach"]) == "2 episodes (expert, expert@0.5; seed 0)"


def test_what_cannot_be_learned_from_is_refused_with_what_to_do(recording, tmp_path):
    for folder, tasks, message in (
        ("", ["reach"], "say --demonstrations FOLDER"),
        (str(tmp_path), ["reach"], "holds no recording"),
        (str(recording), ["reach", "push"], "no demonstrations of push, only of reach, drawer-close.*metaworld-py record reach push"),
    ):
        with pytest.raises(ValueError, match=message):
            read_demonstrations(folder, tasks)


def test_a_stopped_run_of_cloning_goes_on_as_if_nothing_had_happened(recording, tmp_path, capsys):
    words = ["bc", *TINY.split(), *EVERY.split(), "--demonstrations", str(recording), "--total-env-steps", "80"]
    whole = tmp_path / "whole" / "bc-reach+drawer-close-seed3"
    assert train.main([*words, "--out", str(tmp_path / "whole")]) == 0
    config = train.parse([*words])[1].config
    run = train.RlRun(tmp_path / "stopped", "bc", {**vars(config), "seed": 3}, 80)
    learner, shown = cloning.make_learner(config), read_demonstrations(config.demonstrations, config.tasks)[0]
    agent = cloning.init(learner, 3)
    agent = agent._replace(policy=agent.policy._replace(scale=cloning.scale_of(shown)))
    agent, _ = jax.jit(lambda agent: cloning.learn(learner, agent, shown, jax.random.PRNGKey(1_000_003), 0))(agent)
    run.advance(40)
    run.save_all(agent, shown.digest)
    run.close()
    run = train.RlRun(tmp_path / "stopped", "bc", {**vars(config), "seed": 3}, 80)
    cloning.train(config, 3, run)
    run.close()
    saves = [load_file(folder / checkpoints.LAST) for folder in (whole, tmp_path / "stopped")]
    assert all(np.array_equal(saves[0][name], saves[1][name]) for name in saves[0])
    assert read_json(whole / DEMONSTRATIONS)["who"] == "4 episodes (expert, expert@0.5; seed 0)"
    agent = load_agent(f"baselines:{whole}")
    agent.start_task("drawer-close")
    assert agent.eval_action(np.zeros((3, 39))).shape == (3, 4)


def test_a_run_does_not_go_on_with_other_demonstrations(recording, tmp_path):
    config = CloningConfig(benchmark="reach", demonstrations=str(recording), width=8, depth=1)
    run = train.RlRun(tmp_path, "bc", vars(config), config.total_env_steps)
    run.save_all(cloning.init(cloning.make_learner(config), 0), "another digest")
    run.close()
    run = train.RlRun(tmp_path, "bc", vars(config), config.total_env_steps)
    with pytest.raises(ValueError, match="began with other demonstrations"):
        cloning.train(config, 0, run)
    run.close()


LOOP = SimpleNamespace(updates_per_iteration=1, env_steps_per_iteration=10, eval_every_env_steps=20, save_every_env_steps=20)


def counted(agent, iteration):
    """An agent that has learned its iterations' number."""
    return agent._replace(policy=agent.policy + 1.0), {"loss": 1.0 / (iteration + 1)}


def test_an_interrupt_during_the_last_evaluation_costs_that_evaluation_alone(tmp_path):
    def interrupted(policy):
        raise KeyboardInterrupt

    new, run = one_shot.OneShot(jnp.zeros(()), ()), train.RlRun(tmp_path, "bc", {}, 20)
    with pytest.raises(KeyboardInterrupt):
        learn_from_demonstrations(LOOP, run, new, counted, interrupted, "a digest")
    run.close()
    evaluated = []
    for _ in range(2):  # what was owed is played once
        run = train.RlRun(tmp_path, "bc", {}, 20)
        agent, digest = run.restore(new)
        assert run.env_steps == 20 and digest == "a digest"
        learn_from_demonstrations(LOOP, run, agent, counted, lambda policy: evaluated.append(float(policy)), digest)
        run.close()
    assert evaluated == [2.0]


def test_a_run_that_has_diverged_is_stopped(tmp_path):
    new, run = one_shot.OneShot(jnp.zeros(()), ()), train.RlRun(tmp_path, "bc", {}, 20)
    with pytest.raises(FloatingPointError, match=r"loss not finite after 10 steps: the run has diverged.*try a smaller --learning-rate"):
        learn_from_demonstrations(LOOP, run, new, lambda agent, _: (agent, {"loss": jnp.nan}), pytest.fail)
    run.close()
    assert "nan" in (tmp_path / "progress.csv").read_text() and not (tmp_path / checkpoints.RESUME).exists()


@pytest.mark.parametrize("previous_frame", [False, True])
def test_policies_see_the_frame_before_only_if_wanted(previous_frame):
    learner = cloning.make_learner(CloningConfig(benchmark="reach", width=8, depth=1, previous_frame=previous_frame))
    agent = cloning.as_agent(learner, cloning.init(learner, 0).policy)
    obs = np.random.default_rng(0).normal(size=(4, 39))
    changed = obs.copy()
    changed[:, 18:36] += 1.0
    assert np.array_equal(agent.eval_action(obs), agent.eval_action(changed)) != previous_frame
    changed[:, 36:] += 1.0
    assert not np.array_equal(agent.eval_action(obs), agent.eval_action(changed)), "the goal is seen"


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        (CloningConfig, {"loss": "cubed"}, "loss must be one of absolute, squared"),
        (CloningConfig, {"combination": "pcgrd"}, "Did you mean 'pcgrad'"),
        (CloningConfig, {"width": 0}, "width must be at least 1"),
        (OneShotConfig, {}, "ML1 wants a task"),
        (OneShotConfig, {"benchmark": "MT10"}, "benchmark must be ML1 or ML10"),
        (OneShotConfig, {"task": "reach", "episodes_per_goal": 1}, "at least 2, one to see and one to learn from"),
    ],
)
def test_bad_settings_are_refused(kind, changes, message):
    with pytest.raises(ValueError, match=message):
        kind(**changes)


# One-shot imitation


def test_readouts_are_the_demonstration_s_own_numbers():
    """Of a demonstration that stands still every glance brings what stands there, whatever the observation and wherever it looks."""
    policy, still = GlancingPolicy(8, 1, 2, 4, 4), np.tile(np.arange(22.0, dtype=np.float32), (5, 1))

    @jax.jit
    def acted(obs, shown):
        params = policy.init(jax.random.PRNGKey(0), obs, shown)["params"]
        layer, head = params["MLPTorso_2"]["Hidden_0"]["Dense_0"], params["Dense_2"]
        by_hand = jax.nn.relu(jnp.concatenate([obs, shown[0], shown[0]]) @ layer["kernel"] + layer["bias"]) @ head["kernel"]
        return policy.apply({"params": params}, obs, shown), by_hand

    obs = np.random.default_rng(0).normal(size=18).astype(np.float32)
    assert np.allclose(*acted(obs, still), atol=1e-4)
    still[-1] += 1.0  # it ends elsewhere
    assert not np.allclose(*acted(obs, still), atol=1e-4)


def test_objects_are_moved_and_goals_stay():
    goals = list(ML1("push", 1).test_tasks[:5])
    found = moved(goals, seed=0)
    for one, other in zip(goals, found, strict=True):
        assert one.rand_vec[3:] == other.rand_vec[3:] and one.rand_vec[:3] != other.rand_vec[:3] and other.partially_observable
    doors = list(ML1("door-open", 1).test_tasks[:5])
    assert moved(doors, seed=0) == doors, "a door's place is its goal"


def test_held_out_goals_are_none_of_training():
    for config in (OneShotConfig(task="push"), OneShotConfig(benchmark="ML10")):
        train_side, test_side = (goals_of(config, config.tasks[0], 1, held_out=held_out) for held_out in (False, True))
        assert len(train_side) == len(test_side) == 50 and not set(train_side) & set(test_side)


CONFIG = OneShotConfig(
    task="drawer-close", demonstration_steps=40, max_episode_steps=40, frames=4, width=8, depth=1, eval_instances=3, noise_std=0.1
)


def test_neither_the_policy_nor_its_demonstrations_tell_the_goal():
    learner = one_shot.make_learner(CONFIG)
    agent, rng = one_shot.as_agent(learner, one_shot.init(learner, 0).policy), np.random.default_rng(0)
    obs, shown, actions = rng.normal(size=(2, 39)), rng.normal(size=(2, 40, 39)), rng.normal(size=(2, 40, 4))
    found = []
    for goal in (0.0, 1.0):
        shown[..., 36:], obs[..., 36:] = goal, goal
        agent.watch(shown, actions)
        found.append(agent.eval_action(obs))
    assert np.array_equal(*found)
    agent.watch(shown + rng.normal(size=shown.shape), actions)
    assert not np.array_equal(agent.eval_action(obs), found[0])
    assert frames_of(shown, actions, 4).shape == (2, 4, 22)
    with pytest.raises(ValueError, match=r"saw 2 demonstrations for 3 environments: call watch"):
        agent.eval_action(np.zeros((3, 39)))


def test_replaying_the_demonstration_solves_the_same_place():
    """So success there shows nothing: what counts is the object elsewhere."""
    config = replace(CONFIG, task="push", demonstration_steps=120, max_episode_steps=120)
    same, elsewhere = (evaluate_one_shot(ReplayAgent(), config, 1, condition).success_rate for condition in (SAME, ELSEWHERE))
    assert same == 1.0 > elsewhere


def test_an_unknown_condition_is_refused_before_anything_is_played():
    with pytest.raises(ValueError, match="unknown condition 'elsewhere'; there are 'same place', 'object elsewhere', \"another goal's"):
        evaluate_one_shot(ReplayAgent(), CONFIG, 1, "elsewhere")


def test_experts_see_the_goal_and_noise_is_no_part_of_what_they_would_do():
    hidden = ML1("reach", 1).test_tasks[:3]
    still, noisy = (play_experts(hidden, steps=30, noise_std=std, seed=1) for std in (0.0, np.array([0.0, 0.5, 0.5])))
    assert still.obs.shape == (3, 30, 39) and still.obs[..., 36:].any() and still.is_success.all()
    assert np.array_equal(still.played, still.expert_action) and np.array_equal(still.played[0], noisy.played[0])
    assert not np.array_equal(noisy.played[1:], noisy.expert_action[1:]) and np.abs(noisy.played).max() <= 1.0


def test_one_shot_runs_leave_a_table(tmp_path, capsys):
    words = "one-shot --task drawer-close --demonstration-steps 20 --episodes-per-goal 2 --frames 4 --width 8 --depth 1 --eval-instances 2"
    words += " --goals-per-batch 4 --steps-per-goal 2 --updates-per-iteration 5 --total-env-steps 80"
    assert train.main([*words.split(), *EVERY.split(), "--out", str(tmp_path)]) == 0
    (folder,) = tmp_path.iterdir()
    assert len((folder / "curve.csv").read_text().splitlines()) == 3
    assert one_shot_table.main([str(folder), "--conditions", ELSEWHERE, OTHER]) == 0
    assert "| ML1-drawer-close |" in capsys.readouterr().out.replace("  ", "")
    kept = folder / "object-elsewhere.json"
    played = kept.stat()
    assert one_shot_table.results(folder, ELSEWHERE) and kept.stat().st_mtime_ns == played.st_mtime_ns, "played once"
    os.utime(folder / "last.safetensors", (played.st_mtime + 60.0, played.st_mtime + 60.0))
    assert one_shot_table.results(folder, ELSEWHERE) and kept.stat().st_mtime_ns > played.st_mtime_ns, "again, once the run went on"
    assert one_shot_table.main([str(folder), "--conditions", "object_elsewhere"]) == 2
    assert "unknown condition 'object_elsewhere'; there are 'same place', 'object elsewhere'" in capsys.readouterr().err
    assert one_shot_table.main([str(tmp_path)]) == 2
    assert one_shot_table.main([str(folder), str(folder)]) == 2 and "the same run, seed" in capsys.readouterr().err


@pytest.mark.slow
def test_a_miniature_of_imitation_learns(tmp_path):
    """One demonstration of a held-out goal is enough; another goal's is not."""
    words = "one-shot --task reach --demonstration-steps 60 --max-episode-steps 100 --width 64 --depth 2 --eval-instances 20"
    words += " --updates-per-iteration 300 --total-env-steps 300_000 --seed 1 --out"
    assert train.main([*words.split(), str(tmp_path)]) == 0
    (folder,) = tmp_path.iterdir()
    right, wrong = (one_shot_table.results(folder, condition).success_rate for condition in (ELSEWHERE, OTHER))
    assert right >= 0.8 and wrong <= right - 0.3, (right, wrong)
