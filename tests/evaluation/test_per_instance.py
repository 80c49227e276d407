"""Evaluation: a fixed number of episodes per instance, intervals, files."""

import csv
import json
import math

import numpy as np
import pytest

from metaworld_py import MT10
from metaworld_py.agents import ExpertAgent, RandomAgent, load_agent
from metaworld_py.evaluation.intervals import independent_episodes, mean_rate_interval, rate_interval
from metaworld_py.evaluation.per_instance import evaluate
from metaworld_py.evaluation.results import EvaluationResult, TaskResult
from metaworld_py.tasks import TASKS


def small(agent, task="reach", **kwargs):
    return evaluate(agent, task, **{"instances_per_task": 4, "max_episode_steps": 60, **kwargs})


def test_every_instance_counts_once_however_early_others_finish():
    """Half of the instances are solved early, the others never: the rate is a half, not one."""
    expert = TASKS["reach"].expert

    def half_expert(observations):
        return np.array([expert(observation) if index % 2 else np.zeros(4) for index, observation in enumerate(observations)])

    result = small(half_expert).tasks[0]
    assert result.successes == (False, True, False, True)
    assert result.success_rate == 0.5


def test_all_published_instances_are_played_in_order():
    seen = []

    class Spy(RandomAgent):
        def eval_action(self, observations):
            seen.append(observations)
            return super().eval_action(observations)

    evaluate(Spy(), "reach", seed=3, max_episode_steps=1)
    assert np.allclose(seen[0][:, 36:], [task.rand_vec[3:] for task in MT10(3).instances_of("reach")])


def test_any_step_and_last_step_success_differ():
    expert = TASKS["reach"].expert
    calls = iter(range(1000))

    def touch_and_leave(observations):
        if next(calls) < 45:
            return np.array([expert(observation) for observation in observations])
        return np.tile([-1.0, -1.0, 1.0, 0.0], (len(observations), 1))

    result = small(touch_and_leave, max_episode_steps=120).tasks[0]
    assert result.success_rate == 1.0 and result.last_step_success_rate == 0.0
    assert all(0 < steps <= 60 for steps in result.steps_to_success)


def test_episodes_per_instance_and_steps_to_success():
    result = small(ExpertAgent(), episodes_per_instance=3).tasks[0]
    assert result.episodes == 12
    assert result.steps_to_success[:4] == result.steps_to_success[4:8], "the expert is deterministic"
    assert result.returns[0] > 0


def test_one_hot_ids_are_appended():
    shapes = []

    def agent(observations):
        shapes.append(observations[0, 39:].tolist())
        return np.zeros((len(observations), 4))

    evaluate(agent, ["reach", "push"], instances_per_task=1, max_episode_steps=1, use_one_hot=True)
    assert shapes == [[1.0, 0.0], [0.0, 1.0]]


def test_progress_counts_every_environment_step():
    steps = []
    small(RandomAgent(), progress=lambda task, count: steps.append(count))
    assert sum(steps) == 4 * 60


def test_wilson_interval_by_hand():
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611
    assert rate_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert rate_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    for episodes in range(1, 101):
        assert rate_interval(0, episodes)[0] == 0.0 and rate_interval(episodes, episodes)[1] == 1.0, "the rate lies in its interval"
    for bad in ((1, 0), (3, 2), (-1, 5)):
        with pytest.raises(ValueError, match="successes"):
            rate_interval(*bad)


def test_repeats_of_an_instance_count_as_far_as_they_differ():
    """By hand: three times the same is once; (1, 0) and (0, 1) on two instances differ more within than between them."""
    assert independent_episodes([True, False, True, True] * 3, 3) == 4
    assert independent_episodes([True] * 12, 3) == 4, "nothing varies: nothing says that repeats tell more"
    assert independent_episodes([True, False, False, True], 2) == 4
    assert independent_episodes([True, False, True], 1) == 3 and independent_episodes([True, False], 2) == 1
    # Rates ½ and 1 of two instances: MSB = 2 · 2 · ¼² = ¼, MSW = 2 · ¼ / 2 = ¼, no correlation.
    assert independent_episodes([True, True, False, True], 2) == pytest.approx(4)
    rng = np.random.default_rng(0)
    chance = np.mean([independent_episodes((rng.random(120) < 0.6).tolist(), 3) for _ in range(200)])
    assert 108 < chance <= 120, "where instances make no difference nearly all episodes count"


@pytest.mark.parametrize("alike", [0.0, 0.5, 1.0])
def test_intervals_over_repeated_instances_cover_about_95_percent(alike):
    """Instances with rates of their own around 0.7, each played three times; with `alike` an instance's episodes all end like its first."""
    rng, inside, runs = np.random.default_rng(1), 0, 400
    for _ in range(runs):
        rates = rng.beta(7, 3, 40)
        episodes = rng.random((3, 40)) < rates
        episodes = np.where(rng.random(40) < alike, episodes[0], episodes)
        count = independent_episodes(episodes.ravel().tolist(), 3)
        low, high = rate_interval(episodes.mean() * count, count)
        inside += low <= 0.7 <= high
    assert 0.92 <= inside / runs <= 0.985


def test_results_count_instances(tmp_path):
    """Also after loading; the mean over tasks likewise."""
    task = TaskResult("reach", (True, False, True, True) * 3, (True,) * 12, (1,) * 12, (1.0,) * 12)
    result = EvaluationResult("", "reach", 0, 3, 500, "v2", (task, task), {})
    assert result.tasks[0].interval == rate_interval(3, 4)
    assert result.interval == pytest.approx(mean_rate_interval([(3, 4)] * 2))
    assert EvaluationResult.load(result.save(tmp_path / "x.json")).interval == result.interval


def test_mean_interval_narrows_with_tasks_and_equals_wilson_for_one():
    assert mean_rate_interval([(40, 50)]) == pytest.approx(rate_interval(40, 50))
    low, high = mean_rate_interval([(40, 50)] * 10)
    assert rate_interval(40, 50)[0] < low < 0.8 < high < rate_interval(40, 50)[1]


def test_mean_interval_covers_about_95_percent():
    rng = np.random.default_rng(0)
    rates = np.array([0.1, 0.5, 0.8, 0.95, 1.0])
    hits = 0
    for _ in range(1000):
        low, high = mean_rate_interval([(int(rng.binomial(50, rate)), 50) for rate in rates])
        hits += low <= rates.mean() <= high
    assert 930 <= hits <= 990


def test_a_result_prints_saves_and_loads(tmp_path):
    result = small(ExpertAgent())
    assert "reach" in str(result) and "95 % interval" in str(result) and "mujoco" in str(result)
    assert EvaluationResult.load(result.save(tmp_path / "result.json")) == result
    rows = list(csv.DictReader(result.save(tmp_path / "result.csv").read_text().splitlines()))
    assert rows[0]["task"] == "reach" and float(rows[0]["success_rate"]) == result.success_rate and rows[0]["mujoco_version"]
    with pytest.raises(ValueError, match=r"\.json or \.csv"):
        result.save(tmp_path / "result.txt")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match="not an evaluation result"):
        EvaluationResult.load(tmp_path / "other.json")


def test_median_steps_without_any_success_is_nan():
    result = TaskResult("reach", (False,), (False,), (None,), (0.0,))
    assert math.isnan(result.median_steps_to_success) and result.success_rate == 0.0


def test_agents_are_loaded_by_name(tmp_path, monkeypatch):
    (tmp_path / "my_agents.py").write_text(
        "import numpy as np\nclass Mine:\n    def eval_action(self, obs):\n        return np.zeros((len(obs), 4))\n"
    )
    monkeypatch.chdir(tmp_path)
    assert small(load_agent("my_agents:Mine")).success_rate == 0.0
    for name, message in (("nobody", "unknown agent"), ("my_agents:Nobody", "cannot load agent"), ("no_module:x", "cannot load agent")):
        with pytest.raises(ValueError, match=message):
            load_agent(name)
    with pytest.raises(TypeError, match="eval_action"):
        small(3)


def test_bad_requests_are_refused():
    for request, message in ((("MT11",), "unknown task set"), (("rech",), "Did you mean 'reach'"), ((["reach", "reach"],), "only once")):
        with pytest.raises(ValueError, match=message):
            evaluate(RandomAgent(), *request)
    with pytest.raises(ValueError, match="at least 1"):
        small(RandomAgent(), instances_per_task=0)


def test_a_result_keeps_reward_curves_that_end_in_the_mean_return(tmp_path):
    result = small(ExpertAgent(), episodes_per_instance=2)
    task = result.tasks[0]
    assert task.curves.steps[-1] == 60
    assert task.curves.return_so_far.mean[-1] == pytest.approx(task.mean_return, rel=1e-4)
    assert EvaluationResult.load(result.save(tmp_path / "result.json")).tasks[0].curves == task.curves
    assert result.instances_per_task == 4 and result.wall_time_s >= 0 and result.finished_at.endswith("+00:00")


def test_files_of_the_first_schema_still_load(tmp_path):
    result = small(RandomAgent())
    content = json.loads(result.save(tmp_path / "result.json").read_text())
    content["schema"] = "metaworld_py.evaluation/1"
    for name in ("use_one_hot", "finished_at", "wall_time_s"):
        del content[name]
    del content["tasks"][0]["curves"]
    (tmp_path / "old.json").write_text(json.dumps(content))
    old = EvaluationResult.load(tmp_path / "old.json")
    assert old.tasks[0].curves is None and old.wall_time_s is None
    assert old.tasks[0].returns == result.tasks[0].returns


def test_the_worst_episode_failed_with_least_return_or_was_slowest():
    some_failed = TaskResult("reach", (True, False, False), (True, False, False), (9, None, None), (1.0, 5.0, 4.0))
    none_failed = TaskResult("reach", (True, True, True), (True, True, True), (9, 30, 12), (1.0, 5.0, 4.0))
    assert some_failed.worst_episode == 2 and none_failed.worst_episode == 1


def test_numbers_of_numpy_are_saved_and_others_refused(tmp_path):
    counts = {"instances_per_task": np.int64(2), "episodes_per_instance": np.int64(1), "max_episode_steps": np.int32(3)}
    result = small(RandomAgent(), seed=np.int64(3), **counts)
    assert result == EvaluationResult.load(result.save(tmp_path / "result.json")) and result.seed == 3
    for name in counts:
        for wrong in (2.0, 1.5, True, 0, None):
            with pytest.raises(ValueError, match=f"{name} must be at least 1 and whole"):
                small(RandomAgent(), **{name: wrong})
    with pytest.raises(ValueError, match="seed must be an integer"):
        small(RandomAgent(), seed=0.5)


def test_a_result_without_a_seed_says_which_was_drawn():
    seen = []

    def agent(observations):
        seen.append(observations)
        return np.zeros((len(observations), 4))

    drawn = small(agent, seed=None, max_episode_steps=1)
    small(agent, seed=drawn.seed, max_episode_steps=1)
    assert np.array_equal(*seen)


class Predictor:
    """As Stable-Baselines3 has them."""

    def predict(self, observations):
        return np.array([TASKS["reach"].expert(observation) for observation in observations]), None


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_method_predict_may_give_a_state_along(count):
    assert small(Predictor().predict, instances_per_task=count).success_rate == 1.0


def test_results_say_whether_goals_were_seen():
    """ML sets, too, show goals to agents that do not hide them: a number must say which of the two it is."""
    seeing, blind = RandomAgent(), RandomAgent()
    blind.inputs = {"goal_visible": False}
    assert "goals visible" in str(small(seeing)) and "goals hidden" in str(small(blind))


def test_half_a_meta_learner_is_told_what_it_lacks():
    agent = RandomAgent()
    agent.init = agent.adapt_action = agent.adapt = lambda *_: None
    with pytest.warns(UserWarning, match="no step: it is evaluated as an agent that does not adapt, and sees goals"):
        small(agent)


def test_what_is_no_agent_says_what_to_pass():
    with pytest.raises(TypeError, match="pass its method predict"):
        small(Predictor())
    with pytest.raises(TypeError, match=r"got the class RandomAgent: pass an instance, RandomAgent\(...\)"):
        small(RandomAgent)
