"""Several seeds in one loop learn what each learns by itself."""

import csv
from unittest.mock import Mock

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
from safetensors.numpy import load_file

from metaworld_baselines import train
from metaworld_baselines.algorithms.sac import train_seeds
from metaworld_baselines.algorithms.sac_config import SacConfig
from metaworld_baselines.algorithms.sac_learner import init, make_learner
from metaworld_baselines.algorithms.sac_update import compiled_updates, join_buffers
from metaworld_baselines.algorithms.seeds import Seeds
from metaworld_baselines.experience import replay
from metaworld_baselines.runs import checkpoints
from metaworld_baselines.runs.rl_run import RlRun

SMALL = SacConfig(
    benchmark="reach,push",
    width=8,
    depth=1,
    batch_per_task=4,
    buffer_per_task=40,
    architecture="multi-head",
    actor_combination="pcgrad",
    critic_combination="pcgrad",
    chunk_vector_steps=2,
)
TINY = """
    pcgrad-sac --benchmark reach,drawer-close --width 8 --depth 1 --envs-per-task 1 --batch-per-task 4 --max-episode-steps 20
    --chunk-vector-steps 20 --warmup-vector-steps 40 --buffer-per-task 400 --eval-instances 2 --eval-every-env-steps 200
    --save-every-env-steps 200 --log-every-env-steps 200 --diagnose-every-env-steps 200
"""


def filled(seed):
    rows = np.random.default_rng(seed).normal(size=(2, 40, replay.ROW_SIZE)).astype(np.float32)
    return replay.add(replay.empty(2, 40), rows)


def test_updates_of_two_seeds_are_those_of_each():
    seeds, learner = Seeds(2), make_learner(SMALL, 0)
    learn = {number: compiled_updates(learner, Seeds(number)) for number in (1, 2)}
    keys = [jax.random.PRNGKey(seed) for seed in (5, 6)]
    alone = [learn[1](init(learner, seed), filled(seed), key, np.int32(3)) for seed, key in enumerate(keys)]
    agents, buffers = seeds.join([init(learner, seed) for seed in (0, 1)]), join_buffers(seeds, [filled(0), filled(1)])
    together = learn[2](agents, buffers, seeds.join(keys), np.int32(3))
    for index, one in enumerate(alone):
        for here, there in zip(jax.tree.leaves(seeds.take(together, index)), jax.tree.leaves(one), strict=True):
            np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-6)
    assert not np.allclose(alone[0].actor, alone[1].actor)


def test_a_single_seeds_arrays_stay_as_they_are():
    array = np.zeros(3)
    assert Seeds(1).join([array]) is array and Seeds(1).take(array, 0) is array and Seeds(1).over(init) is init


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ppo", "--seeds-at-once", "2"], "ppo learns one seed at a time"),
        (["pcgrad-sac", "--seeds-at-once", "0"], "--seeds-at-once must be at least 1"),
        (["pcgrad-sac", "--seeds-at-once", "2", "--parallel", "2"], "take one of them"),
        (["pcgrad-sac", "--seed", "1", "1"], "names a seed twice"),
    ],
)
def test_what_cannot_be_done_is_refused(words, message, tmp_path, capsys):
    assert train.main([*words, "--out", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_runs_at_different_steps_are_not_advanced_together():
    runs = {seed: Mock(spec=RlRun, env_steps=100 * seed, has_networks_only=False) for seed in (1, 2)}
    with pytest.raises(ValueError, match="seed 1 at 100 steps, seed 2 at 200 steps; go on with each by itself"):
        train_seeds(SMALL, runs)


def numbers(folder, table):
    """Without the columns that depend on the machine's mood."""
    moody = {"seconds", "steps_per_s", "updates_per_s", "waiting_for_envs", "waiting_for_learner"}
    with (folder / f"{table}.csv").open() as file:
        return np.array([[float(value) for name, value in row.items() if name not in moody] for row in csv.DictReader(file)])


@pytest.mark.slow
def test_whole_runs_at_once_are_those_of_each_and_go_on(tmp_path):
    """Up to rounding, which a few hundred steps do not let grow; the second half goes on from files."""
    together = [*TINY.split(), "--seed", "3", "4", "--seeds-at-once", "2", "--out", str(tmp_path / "together"), "--total-env-steps"]
    assert train.main([*TINY.split(), "--seed", "3", "4", "--total-env-steps", "400", "--out", str(tmp_path / "alone")]) == 0
    assert train.main([*together, "200"]) == 0 and train.main([*together, "400"]) == 0
    for alone in (tmp_path / "alone").iterdir():
        other = tmp_path / "together" / alone.name
        for table in ("progress", "curve", "conflict"):
            np.testing.assert_allclose(numbers(other, table), numbers(alone, table), rtol=2e-3, atol=1e-4, err_msg=table)
        one, two = (load_file(folder / checkpoints.LAST) for folder in (alone, other))
        assert one.keys() == two.keys() and all(np.allclose(one[name], two[name], atol=1e-4) for name in one)
