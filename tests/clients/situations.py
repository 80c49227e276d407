"""Situations of published code, in words of our own: every name comes from `metaworld`, so that either package can stand behind it.

`python tests/clients/situations.py` plays them with whichever package is installed under that name and counts; tests play them with ours.
"""

import functools
import pickle
import traceback

import gymnasium
import numpy as np

TASKS = """
assembly basketball bin-picking box-close button-press button-press-topdown button-press-topdown-wall button-press-wall
coffee-button coffee-pull coffee-push dial-turn disassemble door-close door-lock door-open door-unlock drawer-close drawer-open
faucet-close faucet-open hammer hand-insert handle-press handle-press-side handle-pull handle-pull-side lever-pull peg-insert-side
peg-unplug-side pick-out-of-hole pick-place pick-place-wall plate-slide plate-slide-back plate-slide-back-side plate-slide-side
push push-back push-wall reach reach-wall shelf-place soccer stick-pull stick-push sweep sweep-into window-close window-open
""".split()  # noqa: SIM905
INFO = "success near_object grasp_success grasp_reward in_place_reward obj_to_target unscaled_reward".split()  # noqa: SIM905


@functools.cache
def package():
    import metaworld

    return metaworld


@functools.cache
def benchmark(kind, task):
    return getattr(package(), kind)(f"{task}-v3", seed=42)


def begun(task, kind="MT1", **keywords):
    found = benchmark(kind, task)
    env = found.train_classes[f"{task}-v3"](**keywords)
    env.set_task(found.train_tasks[0])
    return env, env.reset()[0]


def a_benchmark_lists_fifty_tasks_of_its_class(task):
    for kind in ("MT1", "ML1"):
        found = benchmark(kind, task)
        assert list(found.train_classes) == [f"{task}-v3"] and {one.env_name for one in found.train_tasks} == {f"{task}-v3"}
        assert len(found.train_tasks) == 50 and len({one.env_name for one in found.test_tasks} | {f"{task}-v3"}) == 1


def observations_lie_in_their_space(task):
    env, observation = begun(task)
    rng = np.random.default_rng(0)
    for _ in range(10):
        observation, reward, terminated, truncated, info = env.step(rng.uniform(-1, 1, 4).astype(np.float32))
        assert observation.shape == (39,) and np.isfinite(observation).all() and np.isfinite(reward) and not terminated and not truncated
        low, high = env.sawyer_observation_space.low, env.sawyer_observation_space.high
        assert ((observation >= low - 1e-6) & (observation <= high + 1e-6)).all()
        assert set(info) >= set(INFO)


def goals_are_shown_or_hidden_as_the_benchmark_says(task):
    for kind, is_hidden in (("MT1", False), ("ML1", True)):
        env, observation = begun(task, kind)
        shown = [observation, env.step(np.zeros(4, np.float32))[0]]
        assert all((one[36:] == 0.0).all() == is_hidden for one in shown) and env._partially_observable == is_hidden


def the_same_instance_begins_alike(task):
    (one, first), (two, second) = begun(task), begun(task)
    np.testing.assert_allclose(first[:36], second[:36], atol=1e-9)
    np.testing.assert_allclose(one._target_pos, two._target_pos, atol=1e-9)
    np.testing.assert_array_equal(one._last_rand_vec, two._last_rand_vec)


def instances_differ(task):
    found = benchmark("MT1", task)
    env = found.train_classes[f"{task}-v3"]()
    vectors = []
    for one in found.train_tasks[:5]:
        env.set_task(one)
        env.reset()
        vectors.append(tuple(env._last_rand_vec))
    assert len(set(vectors)) == 5


def free_environments_draw_anew_when_they_are_not_frozen(task):
    env, _ = begun(task)
    env._freeze_rand_vec = False
    env.seeded_rand_vec = True
    env.seed(3)
    vectors = []
    for _ in range(4):
        env.reset()
        vectors.append(tuple(env._last_rand_vec))
    space = env._random_reset_space
    assert len(set(vectors)) == 4
    assert all(((np.array(one) >= space.low - 1e-6) & (np.array(one) <= space.high + 1e-6)).all() for one in vectors)


def episodes_end_after_five_hundred_steps(task):
    env, _ = begun(task)
    env.curr_path_length = env.max_path_length - 2
    assert [env.step(np.zeros(4, np.float32))[3] for _ in range(2)] == [False, True] and env.max_path_length == 500


def task_classes_are_found_by_name(task):
    env, _ = begun(task)
    from metaworld.env_dict import ALL_V3_ENVIRONMENTS

    assert ALL_V3_ENVIRONMENTS[f"{task}-v3"] is type(env)
    assert env.task_name == type(env).__name__


def environments_pickle(task):
    env, _ = begun(task)
    twin = pickle.loads(pickle.dumps(env))
    twin.set_task(benchmark("MT1", task).train_tasks[0])
    assert twin.reset()[0].shape == (39,)


def gymnasium_makes_it(task):
    env = gymnasium.make("Meta-World/MT1", env_name=f"{task}-v3", seed=42)
    env.reset()
    assert env.step(env.action_space.sample())[0].shape == (39,)
    hot = gymnasium.make("Meta-World/MT1", env_name=f"{task}-v3", seed=42, use_one_hot=True, env_id=2, num_tasks=5)
    assert hot.reset()[0][39:].tolist() == [0, 0, 1, 0, 0]


def its_policy_acts(task):
    from metaworld.policies import ENV_POLICY_MAP

    env, observation = begun(task)
    policy = ENV_POLICY_MAP[f"{task}-v3"]()
    for _ in range(3):
        action = policy.get_action(observation)
        assert np.shape(action) == (4,)
        observation = env.step(np.clip(action, -1, 1))[0]


SITUATIONS = [found for name, found in list(globals().items()) if callable(found) and getattr(found, "__code__", None) is not None]
SITUATIONS = [found for found in SITUATIONS if found.__code__.co_varnames[:1] == ("task",) and found is not begun]


def main():
    """Play all of them and print what failed, without tracebacks: one line each."""
    import warnings

    warnings.simplefilter("ignore")
    passed, failed = 0, []
    for situation in SITUATIONS:
        for task in TASKS:
            try:
                situation(task)
                passed += 1
            except Exception as error:
                failed.append(f"{situation.__name__}[{task}]: {traceback.format_exception_only(error)[-1].strip()[:100]}")
    print("\n".join(failed), f"{passed} of {passed + len(failed)} passed", sep="\n")


if __name__ == "__main__":
    main()
