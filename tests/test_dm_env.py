"""DeepMind's interface, by its own checks."""

import numpy as np
import pytest

pytest.importorskip("dm_control")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # glfw warns at import where there is no display

from absl.testing import absltest  # noqa: E402
from dm_env import test_utils  # noqa: E402


class DoorOpen(test_utils.EnvironmentTestMixin, absltest.TestCase):
    def make_object_under_test(self):
        from metaworld_py import dm_env

        return dm_env.load("door-open", seed=1, max_episode_steps=20)

    def make_action_sequence(self):
        spec = self.environment.action_spec()
        rng = np.random.default_rng(0)
        for _ in range(60):
            yield rng.uniform(spec.minimum, spec.maximum).astype(spec.dtype)


def test_same_seed_same_episode_and_a_time_limit_is_no_end():
    from metaworld_py import dm_env

    runs = []
    for _ in range(2):
        env = dm_env.load("push", seed=4, max_episode_steps=3)
        steps = [env.reset(), *(env.step(np.full(4, 0.1, np.float32)) for _ in range(3))]
        runs.append(np.array([step.observation["observations"] for step in steps]))
    assert np.array_equal(*runs)
    assert steps[-1].last() and steps[-1].discount == 1.0


def test_physics_mirrors_the_episode():
    from metaworld_py import dm_env

    env = dm_env.load("door-open", seed=1)
    physics = env.physics
    step = env.reset()
    for _ in range(3):
        step = env.step(np.array([1, 0, 0, 0], np.float32))
    assert physics is env.physics
    assert physics.named.data.xpos["hand"] == pytest.approx(step.observation["observations"][:3], abs=1e-12)
    assert env.control_timestep() == 0.0125


def test_a_first_look_at_the_physics_moves_nothing():
    from metaworld_py import dm_env

    env, other = (dm_env.load("door-open", seed=1) for _ in range(2))
    env.reset(), other.reset()
    push = np.array([1, 0, 0, 0], np.float32)
    for _ in range(3):
        step = env.step(push)
        other.step(push)
    task = env._env.task
    assert env.physics.named.data.xpos["hand"] == pytest.approx(step.observation["observations"][:3], abs=1e-12)
    assert env._env.task == task and env._env.curr_path_length == 3
    assert np.array_equal(env.step(push).observation["observations"], other.step(push).observation["observations"])
