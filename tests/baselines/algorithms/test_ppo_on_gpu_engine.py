"""PPO on the GPU engine, on Warp's CPU device: whole runs, and going on after a stop. Minutes of compiling the first time."""

import csv
from functools import partial

import numpy as np
import pytest

import metaworld_py

pytest.importorskip("mujoco_warp", reason="needs the extra gpu")
jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
from safetensors.numpy import load_file

from metaworld_baselines import train
from metaworld_baselines.algorithms import ppo
from metaworld_baselines.algorithms.ppo_config import TUNED, PpoConfig
from metaworld_baselines.experience.device_collector import make_worlds
from metaworld_baselines.experience.off_policy import make_envs
from metaworld_baselines.experience.on_policy import OnPolicyCollector
from metaworld_baselines.runs import checkpoints
from metaworld_py.agents import RandomAgent
from metaworld_py.evaluation import evaluate

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of Warp, about the driver that is not there

NAMES, H = ["faucet-open", "door-lock"], 20  # one mechanism
ENGINE = ["ppo", "--gpu-engine", "cpu"]
TINY = "--benchmark faucet-open,door-lock --envs-per-task 2 --rollout-steps 20 --minibatches 2 --epochs 2 --width 8 --depth 1"
OFTEN = f"--max-episode-steps {H} --eval-every-env-steps 80 --save-every-env-steps 80 --log-every-env-steps 1 --eval-instances 2 --seed 3"
# Single precision against double, over an episode's first steps; see test_gpu_vector_env.py.
ATOL = 2e-3


def run(out, iterations):
    assert train.main([*ENGINE, *TINY.split(), *OFTEN.split(), "--total-env-steps", str(80 * iterations), "--out", str(out)]) == 0
    (folder,) = out.iterdir()
    return folder


def rows(folder, table):
    with (folder / f"{table}.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_learns_is_evaluated_on_the_cpu_and_goes_on(tmp_path):
    """The same command twice after a stop: new episodes, but the same ones both times."""
    stopped = []
    for name in ("one", "other"):
        run(tmp_path / name, 1)
        stopped.append(run(tmp_path / name, 3))
    assert [row["env_steps"] for row in rows(stopped[0], "curve")] == ["80", "160", "240"]
    assert {"success/faucet-open", "success/door-lock"} <= rows(stopped[0], "curve")[0].keys()
    progress = rows(stopped[0], "progress")
    assert np.isfinite([float(row[name]) for row in progress for name in ("surrogate", "value_loss", "training_return")]).all()
    assert {row[name] for row in progress for name in ("bad_actions", "blow_ups", "constraint_overflows", "contact_overflows")} == {"0"}
    learned = [load_file(folder / checkpoints.RESUME) for folder in stopped]
    assert all(np.array_equal(learned[0][name], learned[1][name]) for name in learned[0])
    assert learned[0]["obs_scale/count"] == 240


def test_worlds_play_the_instances_of_the_cpu_environments():
    sizes = {"max_episode_steps": H, "reward_version": "v2"}
    worlds = make_worlds(NAMES, 7, 2, device="cpu", **sizes)
    benchmark = metaworld_py.CustomMT(NAMES, 7)
    assert [list(of_task) for of_task in worlds.instances] == [list(benchmark.instances_of(name)) for name in NAMES]
    assert len(make_envs(NAMES, 7, 2, **sizes).envs) == worlds.num_envs == 4


def test_one_policys_experience_is_that_of_the_cpu_environments():
    """The same instances, weights and noise: a step's arrays differ by what single precision makes of them."""
    config = PpoConfig(**{**vars(TUNED), "benchmark": ",".join(NAMES), "envs_per_task": 1, "width": 8, "depth": 1, "rollout_steps": 8})
    learner = ppo.make_learner(config)
    policy, act = ppo.acting(learner, ppo.init(learner, seed=0)), partial(ppo.make_act(learner), np.eye(2, dtype=np.float32))
    sizes = {"max_episode_steps": H, "reward_version": "v2"}
    worlds = make_worlds(NAMES, 1, 1, device="cpu", **sizes)
    collector = ppo.DeviceCollector(worlds, act, seed=5)
    envs = make_envs(NAMES, 1, 1, **sizes)
    on_processor = OnPolicyCollector(envs, act, seed=5)
    on_processor.restart([of_task[4] for of_task in worlds.instances])
    collector._now = collector._now._replace(obs=jax.numpy.asarray(worlds.reset(options={"instances": np.array([4, 4])})[0].numpy()))
    wanted, got = (one.collect(policy, 8, 0)[0] for one in (on_processor, collector))
    for name, one, other in zip(wanted._fields, got, wanted, strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype), name
        np.testing.assert_allclose(one, other, atol=ATOL, rtol=ATOL, err_msg=name)


def test_a_miniature_learns(tmp_path):
    """On the exact environments: returns far above a random agent's."""
    sizes = "--benchmark drawer-close --envs-per-task 4 --rollout-steps 100 --max-episode-steps 100 --width 32 --minibatches 4"
    budget = "--total-env-steps 24000 --eval-instances 10 --learning-rate 2e-3 --seed 1"
    assert train.main([*ENGINE, *sizes.split(), *budget.split(), "--out", str(tmp_path)]) == 0
    (folder,) = tmp_path.iterdir()
    reached = checkpoints.read_header(folder / checkpoints.LAST)["curve"][-1]
    random = evaluate(RandomAgent(0), ["drawer-close"], seed=1, instances_per_task=10, max_episode_steps=100).tasks[0].mean_return
    assert reached["return"] > 1.3 * random, (reached, random)
