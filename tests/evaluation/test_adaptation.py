"""Few-shot evaluation: who plays what when, and that what is reported is what was played."""

import numpy as np
import pytest

from metaworld_py import ML1, ML10
from metaworld_py.agents import RandomAgent
from metaworld_py.evaluation import instances_by_task
from metaworld_py.evaluation.adaptation import evaluate_adaptation, hidden_goals, is_meta_learner
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
    assert "before adaptation" in str(result) and "after adaptation" in str(result)


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
