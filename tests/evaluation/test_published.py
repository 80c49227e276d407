"""The published evaluation functions: right for biased environments, hidden goals and every strategy."""

from typing import ClassVar

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from metaworld_py import MT1, MetaWorldVectorEnv
from metaworld_py.envs.env import env_class
from metaworld_py.evaluation.published import evaluation, metalearning_evaluation
from metaworld_py.tasks import TASKS

EXPERT = TASKS["reach"].expert


class HalfExpert:
    """Solves the first `n_solved` environments, never moves the others."""

    def __init__(self, n_solved):
        self.n_solved = n_solved
        self.begun = 0

    def eval_action(self, observations):
        return np.array([EXPERT(o) if i < self.n_solved else np.zeros(4) for i, o in enumerate(observations)], dtype=np.float32)

    def reset(self, env_mask):
        self.begun += int(env_mask.sum())


def reaches(n_envs, **kwargs):
    return MetaWorldVectorEnv([MT1("reach", 1).train_tasks] * n_envs, **{"max_episode_steps": 60, "terminate_on_success": True, **kwargs})


def sync_reaches(mode):
    def make():
        env = env_class("reach")(max_episode_steps=60, terminate_on_success=True)
        env.set_tasks(MT1("reach", 1).train_tasks)
        return env

    return SyncVectorEnv([make] * 4, autoreset_mode=mode)


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP])
@pytest.mark.parametrize("make", [lambda mode: reaches(4, autoreset_mode=mode), sync_reaches])
def test_early_successes_count_no_more_than_late_failures(make, mode):
    success, mean_return, per_task, returns = evaluation(HalfExpert(2), make(mode), num_episodes=12)
    assert success == 0.5 and per_task == {"reach": 0.5}
    assert len(returns["reach"]) == 12 and mean_return == pytest.approx(np.mean(returns["reach"]))


def test_several_tasks_are_averaged_over_tasks():
    envs = gymnasium.make_vec("Meta-World/MT10", seed=1, max_episode_steps=40)
    success, _, per_task, returns = evaluation(HalfExpert(1), envs, num_episodes=2)
    assert success == pytest.approx(0.1) and per_task["reach"] == 1.0 and list(per_task) == envs.task_names
    assert all(len(values) == 2 for values in returns.values())


def test_impossible_requests_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        evaluation(HalfExpert(1), reaches(1), num_episodes=0)
    with pytest.raises(ValueError, match="resets itself"):
        evaluation(HalfExpert(1), reaches(1, autoreset_mode="Disabled"), num_episodes=1)
    with pytest.raises(ValueError, match="num_episodes"):
        evaluation(HalfExpert(1), reaches(1), num_episodes=1.5)


@pytest.mark.parametrize("name", ["num_evals", "adaptation_steps", "adaptation_episodes", "evaluation_episodes"])
def test_counts_of_nothing_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1 and whole, got 0"):
        metalearning_evaluation(Learner(1), reaches(1), **{name: 0})


class Diary(HalfExpert):
    """Writes down what it observes, and where episodes begin."""

    def __init__(self):
        super().__init__(0)
        self.lines, self.steps = [], []

    def eval_action(self, observations):
        self.lines.append(np.array(observations[:, :7]))
        return np.full((len(observations), 4), 0.5, dtype=np.float32)

    def adapt_action(self, observations):
        return self.eval_action(observations), {}

    def reset(self, env_mask):
        self.lines.append("begin")

    def init(self):
        pass

    def step(self, timestep):
        self.steps.append(timestep)

    def adapt(self):
        pass


def test_what_agents_are_told_does_not_depend_on_the_autoreset_mode():
    """Under next-step autoreset the step that only begins anew is no experience, and episodes begin after it, not before."""
    told = {}
    for mode in (AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP):
        agent = Diary()
        envs = reaches(2, autoreset_mode=mode, max_episode_steps=3, terminate_on_success=False)
        envs.reset(seed=3)
        metalearning_evaluation(agent, envs, num_evals=1, adaptation_episodes=3, evaluation_episodes=1)
        begins = [at for at, line in enumerate(agent.lines) if isinstance(line, str)]
        told[mode] = agent
        assert len(agent.steps) == 9 and [bool(step.truncated.all()) for step in agent.steps] == [False, False, True] * 3
        first = [agent.lines[at + 1] for at in begins[:3]]
        assert all(np.array_equal(step.observation[:, :7], seen) for step, seen in zip(agent.steps[::3], first, strict=True))
    same, later = (np.array([step.observation for step in agent.steps]) for agent in told.values())
    assert np.array_equal(same, later)


class Learner(HalfExpert):
    """Solves environments only after adapting; remembers what it was shown."""

    def __init__(self, n_envs):
        super().__init__(0)
        self.n_envs = n_envs
        self.steps, self.inits, self.goals = 0, 0, []

    def init(self):
        self.inits += 1
        self.n_solved = 0

    def adapt_action(self, observations):
        return np.zeros((len(observations), 4), dtype=np.float32), {"value": np.zeros(len(observations))}

    def step(self, timestep):
        assert timestep.observation.shape[0] == self.n_envs and "value" in timestep.aux_policy_outputs
        self.steps += 1

    def adapt(self):
        self.n_solved = 1


def test_metalearning_evaluation_counts_after_adaptation_only():
    envs = reaches(4, terminate_on_success=False)
    agent = Learner(4)
    success, _, per_task = metalearning_evaluation(agent, envs, num_evals=2, adaptation_episodes=2, evaluation_episodes=2)
    assert success == 0.25 and per_task == {"reach": 0.25}
    assert agent.inits == 2 and agent.steps == 2 * 2 * 60, "adaptation plays whole episodes"
    assert envs.terminate_on_success is False, "the environment is handed back as it was"


def test_an_instance_stays_through_adaptation_and_evaluation():
    envs = reaches(3)
    seen = []

    class Spy(Learner):
        def reset(self, env_mask):
            seen.append(tuple(envs.tasks))

    metalearning_evaluation(Spy(3), envs, num_evals=3, adaptation_episodes=1, evaluation_episodes=1)
    assert len(set(seen)) == 3, "one set of instances per evaluation"


@pytest.mark.parametrize("keywords", [{}, {"recurrent_info_in_obs": True}, {"frame_stack": 2}, {"float32_observations": True}])
def test_environments_with_options_and_wrappers_are_evaluated_as_well(keywords):
    """A recurrent learner's environments, and Gymnasium's own wrappers, which pass no methods on."""
    envs = gymnasium.make_vec("Meta-World/ML1-test", env_name="reach", seed=1, meta_batch_size=2, max_episode_steps=3, **keywords)
    envs = gymnasium.wrappers.vector.RecordEpisodeStatistics(envs)

    class Idle:
        shapes: ClassVar = set()

        def init(self):
            pass

        def reset(self, env_mask):
            pass

        def adapt(self):
            pass

        def step(self, timestep):
            pass

        def eval_action(self, observations):
            self.shapes.add(observations.shape)
            return np.zeros((2, 4), np.float32)

        def adapt_action(self, observations):
            return self.eval_action(observations), {}

    agent = Idle()
    _, mean_return, by_task = metalearning_evaluation(agent, envs, num_evals=1, adaptation_episodes=1, evaluation_episodes=1)
    assert mean_return > 0.0 and list(by_task) == ["reach"] and agent.shapes == {envs.observation_space.shape}


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("strategy", ["native", "sync"])
def test_environments_are_handed_back_as_they_were(strategy, fails):
    envs = gymnasium.make_vec(
        "Meta-World/ML1-train", env_name="reach", seed=1, meta_batch_size=2, max_episode_steps=3, vector_strategy=strategy
    )
    settings = ("sample_tasks_on_reset", "terminate_on_success")
    assert [envs.get_attr(name) for name in settings] == [(False, False)] * 2
    envs.set_attr("sample_tasks_on_reset", [True, False])

    class Failing(Learner):
        def eval_action(self, observations):
            if fails:
                raise RuntimeError("lost")
            return super().eval_action(observations)

    try:
        metalearning_evaluation(Failing(2), envs, num_evals=1, adaptation_episodes=1, evaluation_episodes=1)
    except RuntimeError:
        assert fails
    assert [envs.get_attr(name) for name in settings] == [(True, False), (False, False)]
