"""Tasks as `dm_env.Environment`, for dm_control's viewer and DeepMind-style agents. Needs the extra `metaworld_py[dm_control]`.

env = metaworld_py.dm_env.load("door-open", seed=1)
dm_control.viewer.launch(env)      # where there is a display
"""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from metaworld_py.files import install_hint

try:
    import dm_env
    from dm_control.mujoco import Physics
    from dm_control.mujoco.wrapper import MjModel
    from dm_env import specs
except ImportError as error:
    raise ImportError(f"metaworld_py.dm_env needs dm_control: {install_hint('dm_control')}") from error

from metaworld_py.benchmarks import MT1
from metaworld_py.envs.env import MetaWorldEnv, env_class
from metaworld_py.sim.simulation import CONTROL_HZ
from metaworld_py.tasks.common.definition import HORIZON

OBSERVATION_NAME = "observations"


def load(
    task: str,
    *,
    seed: int | None = None,
    reward_function_version: str = "v2",
    max_episode_steps: int = HORIZON,
    environment_kwargs: dict[str, Any] | None = None,
) -> TaskEnvironment:
    """One task as a dm_env environment, playing its 50 MT1 instances of `seed`, one at random each episode.

    Args:
      task: task name.
      seed: seeds the instances and the choice among them.
      reward_function_version: "v2" or "v1".
      max_episode_steps: control steps; the last step has discount 1, since a time limit is not an end.
      environment_kwargs: further keywords of `MetaWorldEnv`.

    Raises:
      ValueError: unknown task, bad options.
    """
    env = env_class(task)(
        reward_function_version=reward_function_version, max_episode_steps=max_episode_steps, **(environment_kwargs or {})
    )
    env.set_tasks(MT1(task, seed).train_tasks)
    return TaskEnvironment(env, seed)


class TaskEnvironment(dm_env.Environment):  # type: ignore[misc]  # dm_env has no type stubs
    """A `MetaWorldEnv` behind DeepMind's interface. `physics` shows the current state to viewers; stepping goes through `step`."""

    def __init__(self, env: MetaWorldEnv, seed: int | None = None) -> None:
        self._env = env
        self._seed = seed
        self._needs_reset = True
        self._has_begun = False  # whether an episode of the caller's has
        self._physics: Any = None
        self._info: dict[str, Any] = {}

    @property
    def task(self) -> Any:
        """The environment itself stands for its task: viewers ask the task for its name only."""
        return self

    @property
    def name(self) -> str:
        """The task's name."""
        return self._env.task_name

    @property
    def info(self) -> dict[str, Any]:
        """The last step's info (success and the rest), empty after a reset."""
        return self._info

    @property
    def physics(self) -> Any:
        """A `dm_control.mujoco.Physics` that mirrors the episode: for viewers and for reading, not for moving things.

        Before the first reset it shows an episode: with a seed the first one.
        """
        if self._physics is None:
            if not self._has_begun:
                self._env.reset(seed=self._seed)
            self._mirror()
        return self._physics

    def reset(self) -> dm_env.TimeStep:
        """Start an episode."""
        seed, self._seed = self._seed, None  # only the first reset seeds
        observation, self._info = self._env.reset(seed=seed)
        self._needs_reset, self._has_begun = False, True
        self._refresh_mirror()
        return dm_env.restart(self._observation(observation))

    def step(self, action: Any) -> dm_env.TimeStep:
        """Advance by one control step; after the end of an episode this starts the next one, as dm_env asks."""
        if self._needs_reset:
            return self.reset()
        observation, reward, terminated, truncated, self._info = self._env.step(action)
        self._refresh_mirror()
        self._needs_reset = terminated or truncated
        observed = self._observation(observation)
        if terminated:
            return dm_env.termination(reward, observed)
        return dm_env.truncation(reward, observed) if truncated else dm_env.transition(reward, observed)

    def action_spec(self) -> specs.BoundedArray:
        """Specification of actions: four float32 in [−1, 1]."""
        space: Any = self._env.action_space
        return specs.BoundedArray(space.shape, space.dtype, space.low, space.high, name="action")

    def observation_spec(self) -> dict[str, specs.BoundedArray]:
        """Specification of observations: one entry, `observations`, with the 39 numbers."""
        space: Any = self._env.observation_space
        return {OBSERVATION_NAME: specs.BoundedArray(space.shape, space.dtype, space.low, space.high, name=OBSERVATION_NAME)}

    def reward_spec(self) -> specs.Array:
        """Specification of rewards: a float."""
        return specs.Array((), np.float64, name="reward")

    def control_timestep(self) -> float:
        """Seconds of one control step."""
        return 1.0 / CONTROL_HZ

    def close(self) -> None:
        """Free the renderer, if any."""
        self._env.close()

    def _observation(self, observation: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        return {OBSERVATION_NAME: observation}

    def _refresh_mirror(self) -> None:
        if self._physics is not None:
            self._mirror()

    def _mirror(self) -> None:
        """Copy state, fixtures and goal into the physics that viewers hold; a new one only the first time."""
        data = self._env.data
        model = self._env.model
        if self._physics is None:
            self._physics = Physics.from_model(MjModel(model))
        mirror = self._physics.model.ptr
        mirror.body_pos[:] = model.body_pos
        mirror.site_pos[:] = model.site_pos
        mirror.site_rgba[:] = model.site_rgba
        state = mujoco.mjtState.mjSTATE_INTEGRATION
        packed = np.empty(mujoco.mj_stateSize(model, state))
        mujoco.mj_getState(model, data, packed, state)
        mujoco.mj_setState(mirror, self._physics.data.ptr, packed, state)
        self._physics.forward()
