"""Few-shot evaluation: who plays what when, and that what is reported is what was played."""

import numpy as np
import pytest

from metaworld_py import ML1, ML10
from metaworld_py.agents import RandomAgent
from metaworld_py.evaluation import instances_by_task
from metaworld_py.evaluation.adaptation import evaluate_adaptation, hidden_goals, is_meta_learner
from metaworld_py.evaluation.intervals import repeat_interval
from metaworld_py.evaluation.results import EvaluationResult
from metaworld_py.evaluation.shots import evaluate_shots, load_shots, save_shots
from metaworld_py.tasks import TASKS

HAND = slice(0, 3)


class Seeker:
    """Adapts to reach: remembers, per environment, where the reward was highest, and goes there."""

    def __init__(self):
        self.log, self.widths = [], set()
        self.rng = np.random.default_rng(0)

    def init(self):
        self.log.append("init")
        self.best = self.where = None

    def reset(self, env_mask):
        self.log.append(f"reset {int(env_mask.sum())}")
        if self.best is None:
            self.best, self.where = np.full(len(env_mask), -np.inf), np.tile([0.0, 0.6, 0.2], (len(env_mask), 1))

    def adapt_action(self, observations):
        self.widths.add(observations.shape[1])
        assert not observations[:, 36:39].any(), "the goal is hidden"
        n = len(observations)
        if "target" not in self.__dict__ or self.rng.random() < 0.02 or len(self.target) != n:
            self.target = self.rng.uniform((-0.1, 0.75, 0.1), (0.1, 0.9, 0.3), (n, 3))
        return self.towards(observations, self.target), {"n": np.arange(n)}

    def step(self, timestep):
        assert timestep.aux_policy_outputs["n"].tolist() == list(range(len(timestep.reward)))
        better = timestep.reward > self.best
        self.best[better], self.where[better] = timestep.reward[better], timestep.observation[better, HAND]

    def adapt(self):
        self.log.append("adapt")

    def eval_action(self, observations):
        return self.towards(observations, self.where)

    @staticmethod
    def towards(observations, target):
        return np.clip(np.column_stack([20.0 * (target - observations[:, HAND]), np.zeros(len(target))]), -1, 1).astype(np.float32)


def test_adapting_helps_and_both_sides_are_told():
    agent = Seeker()
    result = evaluate_adaptation(
        agent, "reach", seed=3, instances_per_task=4, adaptation_episodes=2, evaluation_episodes=2, max_episode_steps=150
    )
    assert agent.log == ["init", "reset 4"] * 2 + ["init", "reset 4", "reset 4", "adapt", "reset 4", "reset 4"]
    assert result.after.tasks[0].mean_return > 1.5 * result.before.tasks[0].mean_return
    assert result.after.tasks[0].episodes == 8 and result.after.episodes_per_instance == 2 and result.after.instances_per_task == 4
    first, second = np.split(np.array(result.after.tasks[0].returns), 2)
    assert np.array_equal(first, second), "the same goals in the same order, by an agent without noise"
    assert "before adaptation" in str(result) and "after adaptation" in str(result) and "draws" not in str(result)
    assert (
        result.during.tasks[0].episodes == 8
        and len(result.success_while_adapting) == len(result.success_once_adapted) == 2
        and result.spread == 0.0
    )


class Chance(Seeker):
    """Succeeds by luck: what its adaptation brings depends on its generator alone, goal by goal."""

    def reseed(self, seed):
        self.log.append(f"reseed {seed}")
        self.rng = np.random.default_rng(seed)

    def adapt(self):
        goals = np.array([[0.0, 0.85, 0.2]])
        lucky = self.rng.random(len(self.where)) < 0.5
        self.where = np.where(lucky[:, None], self.where, goals - 0.3)


def test_draws_are_told_apart_and_repeat():
    """Each draw starts from its own generator, tasks do not share them, other draws differ, and the same ones come again."""
    sizes = {"instances_per_task": 6, "adaptation_episodes": 1, "evaluation_episodes": 2, "max_episode_steps": 60}
    agent = Chance()
    result = evaluate_adaptation(agent, ["reach", "push"], draws=3, first_draw=4, **sizes)
    assert [entry for entry in agent.log if "reseed" in entry] == [f"reseed {n}" for n in (4, 4, 5, 6, 1004, 1004, 1005, 1006)]
    assert result.after.episodes_per_instance == 6 and result.draws == 3 and result.before.episodes_per_instance == 2
    tables = [np.reshape(task.successes, (3, 2, 6)) for task in result.after.tasks]
    assert result.success_by_draw == pytest.approx([np.mean([table[draw] for table in tables]) for draw in range(3)])
    assert np.mean(result.success_by_draw) == pytest.approx(result.after.success_rate)
    assert result.spread == pytest.approx(np.std(result.success_by_draw, ddof=1)) and "3 draws of adaptation" in str(result)
    again, other = (evaluate_adaptation(Chance(), ["reach", "push"], draws=3, first_draw=first, **sizes) for first in (4, 7))
    assert again.after.tasks == result.after.tasks and other.after.tasks != result.after.tasks


@pytest.mark.parametrize(
    ("training_seed", "benchmark", "seed", "held_out", "warns"),
    [(4, "reach", 3, True, True), (4, "reach", 4, True, False), (4, "reach", 3, False, False), (4, ["reach", "push"], 3, True, False)],
)
def test_a_warning_tells_where_held_out_goals_were_trained_on(training_seed, benchmark, seed, held_out, warns, recwarn):
    """ML1's test goals of a seed are the training goals of the next one."""
    agent = Seeker()
    agent.training_seed = training_seed
    sizes = {"instances_per_task": 1, "adaptation_episodes": 1, "evaluation_episodes": 1, "max_episode_steps": 2}
    evaluate_adaptation(agent, benchmark, seed=seed, held_out=held_out, **sizes)
    told = [str(warning.message) for warning in recwarn if "training goals" in str(warning.message)]
    assert [("seed=4" in message) for message in told] == [True] * warns
    assert ML1("reach", seed=3).test_tasks == ML1("reach", seed=4).train_tasks


def test_a_warning_tells_of_a_task_on_both_sides():
    with pytest.warns(UserWarning, match="ML25 as published trains and tests on basketball"):
        evaluate_adaptation(Seeker(), "ML25-test", instances_per_task=1, adaptation_episodes=1, evaluation_episodes=1, max_episode_steps=1)


def test_random_actions_may_count():
    """Then the agent is never asked for its most likely ones."""
    sizes = {"instances_per_task": 2, "adaptation_episodes": 1, "evaluation_episodes": 1, "max_episode_steps": 5}
    agent = Seeker()
    agent.eval_action = lambda observations: pytest.fail("asked for")
    result = evaluate_adaptation(agent, "reach", is_sampled=True, **sizes)
    assert result.after.tasks[0].episodes == 2 and agent.log.count("adapt") == 1


def test_protocols_side_by_side(tmp_path):
    """Each number of episodes is an evaluation of its own; 0 is before adaptation."""
    sizes = {"instances_per_task": 3, "evaluation_episodes": 1, "max_episode_steps": 100}
    shots = evaluate_shots(Seeker(), "reach", shots=(0, 1, 3), **sizes)
    assert [(shot.episodes, shot.is_sampled) for shot in shots] == [(0, False), (1, False), (3, False), (0, True), (1, True), (3, True)]
    assert shots[0].protocol == "0 episodes, most likely actions" and shots[5].protocol == "3 episodes, random actions"
    assert shots[0].success == evaluate_adaptation(Seeker(), "reach", adaptation_episodes=1, **sizes).before.success_rate
    save_shots(shots, tmp_path / "shots.json")
    assert load_shots(tmp_path / "shots.json") == shots
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match="is not successes by episodes of adaptation"):
        load_shots(tmp_path / "other.json")
    for wrong in ((), (0,), (2, 1), (-1, 2)):
        with pytest.raises(ValueError, match="shots must be ascending"):
            evaluate_shots(Seeker(), "reach", shots=wrong, **sizes)


def test_the_interval_of_a_repeat_covers_repeats():
    """Goals of all kinds: of 300 pairs of evaluations at most a few in a hundred fall outside, also where nothing varied at first."""
    rng = np.random.default_rng(0)
    for chances in (rng.beta(0.3, 0.7, 40), np.full(40, 0.5), np.full(40, 0.02), np.zeros(40)):
        outside = 0
        for _ in range(300):
            first, second = (rng.random((5, 40)) < chances for _ in range(2))
            low, high = repeat_interval([first])
            outside += not low <= second.mean() <= high
        assert outside <= 9
    spread = repeat_interval([np.eye(2), np.ones((2, 2))])
    assert spread[0] < 0.75 < spread[1] and repeat_interval([np.ones((5, 40))] * 5)[0] > 0.95


def test_goals_are_those_of_the_benchmarks():
    (name, goals), *others = hidden_goals("reach", seed=5)
    assert name == "reach" and not others and goals == ML1("reach", seed=5).test_tasks
    assert next(iter(hidden_goals("reach", seed=5, held_out=False)))[1] == ML1("reach", seed=5).train_tasks
    ml10 = ML10(seed=5)
    for side, instances in (("test", ml10.test_tasks), ("train", ml10.train_tasks)):
        drawn = [task for _, tasks in hidden_goals(f"ML10-{side}", seed=5) for task in tasks]
        assert drawn == instances and all(task.partially_observable for task in drawn)
    assert instances_by_task(["reach"], 5)["reach"] != goals


def test_recurrent_agents_read_the_previous_step():
    agent = Seeker()
    agent.reads_recurrent_info = True
    sizes = {"instances_per_task": 2, "adaptation_episodes": 1, "evaluation_episodes": 1, "max_episode_steps": 3}
    evaluate_adaptation(agent, "reach", **sizes)
    assert agent.widths == {45}


def test_several_tasks_and_rounds():
    agent = Seeker()
    sizes = {"instances_per_task": 2, "adaptation_episodes": 1, "evaluation_episodes": 1, "max_episode_steps": 3}
    result = evaluate_adaptation(agent, ["reach", "push"], adaptation_steps=2, **sizes)
    assert [task.task for task in result.after.tasks] == ["reach", "push"]
    assert agent.log.count("adapt") == 4 and agent.log.count("init") == 4


def test_who_cannot_adapt_is_refused():
    assert is_meta_learner(Seeker()) and not is_meta_learner(RandomAgent(0))
    with pytest.raises(TypeError, match="a meta-learner needs init, adapt_action"):
        evaluate_adaptation(RandomAgent(0), "reach")


@pytest.mark.parametrize(("name", "count"), [("instances_per_task", 51), ("evaluation_episodes", 0), ("adaptation_steps", 0)])
def test_counts_out_of_range_are_refused(name, count):
    with pytest.raises(ValueError, match=f"{name} must"):
        evaluate_adaptation(Seeker(), "reach", **{name: count})


def test_unknown_tasks_are_refused():
    with pytest.raises(ValueError, match="unknown"):
        list(hidden_goals("reaching", seed=0))
    assert "reach" in TASKS


def test_numbers_of_numpy_are_saved_and_others_refused(tmp_path):
    names = ("adaptation_episodes", "adaptation_steps", "evaluation_episodes", "draws", "instances_per_task", "max_episode_steps")
    counts = dict.fromkeys(names, np.int64(1))
    result = evaluate_adaptation(Seeker(), "reach", seed=np.int64(3), **counts).after
    assert result == EvaluationResult.load(result.save(tmp_path / "result.json")) and result.seed == 3
    for name in names:
        with pytest.raises(ValueError, match=f"{name} must be at least 1 and whole"):
            evaluate_adaptation(Seeker(), "reach", **{**counts, name: 2.0})
    drawn = evaluate_adaptation(Seeker(), "reach", seed=None, **counts).after
    assert isinstance(drawn.seed, int)


def test_a_class_is_no_meta_learner():
    with pytest.raises(TypeError, match="got the class Seeker: pass an instance"):
        evaluate_adaptation(Seeker, "reach")
