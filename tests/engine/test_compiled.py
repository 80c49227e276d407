"""The compiled loop: the same numbers as plain Python, at any thread count."""

import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ALL_TASKS

from metaworld_py import MT1, TASKS
from metaworld_py.benchmarks import CustomMT
from metaworld_py.envs.vector_env import MetaWorldVectorEnv

pytest.importorskip("numba")


def make(names, *, compiled, n_copies=1, **keywords):
    benchmark = CustomMT(names, 1)
    instances = [list(benchmark.instances_of(name)) for name in benchmark.train_classes for _ in range(n_copies)]
    return MetaWorldVectorEnv(instances, compiled=compiled, **keywords)


def play(envs, steps, *, noise=0.3, seed=0):
    """What comes out of steps with noisy experts: observations, rewards, endings, info."""
    rng = np.random.default_rng(seed)
    observations = envs.reset(seed=seed)[0]
    outcomes = []
    for _ in range(steps):
        wanted = [TASKS[name].expert(observation) for name, observation in zip(envs.task_names, observations.tolist(), strict=True)]
        actions = (np.array(wanted) + noise * rng.standard_normal((envs.num_envs, 4))).astype(np.float32)
        observations, rewards, terminations, truncations, infos = envs.step(actions)
        outcomes.append((observations, rewards, terminations, truncations, {key: infos[key] for key in ("success", "grasp_reward")}))
    return outcomes


def assert_equal(one, two):
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a[0], b[0]), "observations to the last bit"
        assert np.array_equal(a[2], b[2]) and np.array_equal(a[3], b[3])
        assert a[1] == pytest.approx(b[1], rel=1e-12, abs=1e-12)
        assert np.array_equal(a[4]["success"], b[4]["success"])
        assert a[4]["grasp_reward"] == pytest.approx(b[4]["grasp_reward"], rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("version", ["v2", "v1"])
def test_all_tasks_give_the_numbers_of_plain_python(version):
    plain, compiled = (make(ALL_TASKS, compiled=on, reward_function_version=version, max_episode_steps=70) for on in (False, True))
    assert_equal(play(plain, 120), play(compiled, 120))  # with an autoreset on the way


def test_compiled_code_is_kept_under_the_names_of_the_sources_that_go_into_it(tmp_path, monkeypatch):
    from metaworld_py.engine import compiled, reward_compiler

    sources = ("engine/*.py", "sim/*.py", "tasks/common/definition.py")
    digest = reward_compiler.source_digest(*sources)
    assert digest in compiled._advance.py_func.__qualname__
    shutil.copytree(Path(reward_compiler.__file__).parents[1], tmp_path / "package", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(reward_compiler, "__file__", str(tmp_path / "package" / "engine" / "reward_compiler.py"))
    assert reward_compiler.source_digest(*sources) == digest
    for name in ("engine/control.py", "sim/simulation.py", "tasks/common/definition.py"):
        with (tmp_path / "package" / name).open("a") as file:
            file.write("# another one\n")
        assert reward_compiler.source_digest(*sources) != digest
        digest = reward_compiler.source_digest(*sources)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_number_of_threads_changes_nothing(compiled):
    outcomes = [play(make(["push", "door-open"], compiled=compiled, n_copies=3, n_threads=n), 30) for n in (1, 2, 5)]
    for other in outcomes[1:]:
        assert all(np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1]) for a, b in zip(outcomes[0], other, strict=True))


def test_constants_measured_after_the_first_step_are_those_of_plain_python():
    plain, compiled = (make(["bin-picking"], compiled=on) for on in (False, True))
    for envs in (plain, compiled):
        envs.reset(seed=0)
        envs.step(np.zeros((1, 4), np.float32))
    (one,), (two,) = plain.get_state().episodes, compiled.get_state().episodes
    assert one.start == two.start and not one.is_first_step and not two.is_first_step


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_a_pickle_in_the_middle_has_the_same_future(steps):
    envs = make(["bin-picking", "push", "door-open"], compiled=True)
    envs.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-1, 1, (20, 3, 4)).astype(np.float32)
    for action in actions[:steps]:
        envs.step(action)
    copied = pickle.loads(pickle.dumps(envs))
    for action in actions[steps:]:
        one, two = envs.step(action), copied.step(action)
        assert np.array_equal(one[0], two[0]) and np.array_equal(one[1], two[1])


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("speed", [1e8, np.nan])
def test_a_blow_up_is_flagged_and_the_others_go_on(compiled, speed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the engine writes a log
    envs = make(["push"], compiled=compiled, n_copies=3)
    first = envs.reset(seed=0)[0]
    envs._batch.view(1).simulation.qvel[:] = speed
    while True:
        observations, rewards, _, truncations, infos = envs.step(np.zeros((3, 4), np.float32))
        assert np.isfinite(observations).all() and np.isfinite(rewards).all() and envs.observation_space.contains(observations)
        if truncations.any():
            break
    assert truncations.tolist() == infos["is_unstable"].tolist() == [False, True, False] and rewards[1] == 0.0
    again = envs.reset(seed=0)[0]
    assert np.array_equal(first, again)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_failing_reward_is_an_error_that_names_the_task(capfd):
    envs = make(["bin-picking"], compiled=True)
    envs.reset(seed=0)
    envs.step(np.zeros((1, 4), np.float32))
    envs._batch._starts[0, 9] = -1.0  # the goal's distance: a margin, which must not be negative
    with pytest.raises(ArithmeticError, match="the reward of bin-picking"):
        envs.step(np.zeros((1, 4), np.float32))
    capfd.readouterr()


def test_without_numba_compiled_is_refused_and_the_default_is_plain():
    code = (
        "import importlib.util as u, sys; find = u.find_spec; u.find_spec = lambda name, *a: None if name == 'numba' else find(name, *a)\n"
        "import gymnasium, metaworld_py\n"
        "envs = gymnasium.make_vec('Meta-World/MT10', seed=1); envs.reset(seed=0); assert 'numba' not in sys.modules\n"
        "try: gymnasium.make_vec('Meta-World/MT10', seed=1, compiled=True)\n"
        "except ImportError as error: print(error)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install -e '.[fast]'" in result.stdout


@pytest.mark.parametrize("compiled", [False, True])
def test_uncopied_arrays_are_the_same_ones_with_the_same_numbers(compiled):
    copying, reusing = (make(["reach", "push"], compiled=compiled, copy=copy, max_episode_steps=4) for copy in (True, False))
    copying.reset(seed=0), reusing.reset(seed=0)
    seen, kept = [], []
    for action in np.random.default_rng(0).uniform(-1, 1, (10, 2, 4)).astype(np.float32):
        one, two = copying.step(action), reusing.step(action)
        assert np.array_equal(one[0], two[0]) and np.array_equal(one[4]["success"], two[4]["success"])
        if one[3].any():
            assert np.array_equal(np.vstack(one[4]["final_obs"]), np.vstack(two[4]["final_obs"]))
            kept.append((one[4]["final_obs"][0], two[4]["final_obs"][0]))
        seen.append((one[0], two[0]))
    assert seen[0][0] is not seen[1][0] and seen[0][1] is seen[1][1]
    assert all(np.array_equal(a, b) for a, b in kept), "final observations stay as they were"


def test_instances_of_a_hidden_goal_stay_hidden():
    tasks = list(MT1("reach", 1).train_tasks[:2])
    hidden = [type(task)(task.env_name, task.rand_vec, True) for task in tasks]
    envs = MetaWorldVectorEnv([tasks, hidden], compiled=True)
    envs.reset(seed=0)
    observations = envs.step(np.zeros((2, 4), np.float32))[0]
    assert observations[0, 36:].any() and not observations[1, 36:].any()
