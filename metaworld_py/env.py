"""One task as a `gymnasium.Env`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, ClassVar

import gymnasium
import mujoco
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from metaworld_py import spaces
from metaworld_py.episodes import TaskEpisodes
from metaworld_py.instances import Task, draw_rand_vec
from metaworld_py.rendering import DEFAULT_SIZE_PX, EpisodeRenderer, camera_index, visible_model_and_data
from metaworld_py.tasks import find_task
from metaworld_py.tasks.definition import HORIZON, Score, TaskDef

RENDER_HZ = 80
RESET_OPTIONS = ("task",)

Observation = NDArray[np.float64]
ChooseTask = Callable[[np.random.Generator], Task]


class MetaWorldEnv(gymnasium.Env[Any, Any]):
    """One task. Subclasses made by `env_class` fix which; `gymnasium.make("Meta-World/MT1", env_name=...)` is the usual way in.

    Observations are 39 float64: [hand 3, opening 1, object 3 + 4, second object 3 + 4] now, the same one step earlier, goal 3 (zeros where
    hidden). Actions are 4 float32 in [−1, 1]: displacement of the hand's target in cm, gripper effort. A step is 12.5 ms.

    Before the first `reset`, say which instances to play: `set_task`, `set_tasks` or `draw_tasks`.

    Args:
      render_mode: None or "rgb_array".
      camera_name, camera_id: camera of `render`; the free overview by default.
      reward_function_version: "v2" (0…10) or "v1" (the original, unbounded).
      height, width: pixels.
      max_episode_steps: control steps until `truncated`; None for no limit of its own (where a wrapper counts).
      terminate_on_success: end an episode with `terminated` at its first success.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": RENDER_HZ}  # noqa: RUF012  # gymnasium's declaration
    task_def: ClassVar[TaskDef]

    def __init__(
        self,
        render_mode: str | None = None,
        camera_name: str | None = None,
        camera_id: int | None = None,
        reward_function_version: str = "v2",
        height: int = DEFAULT_SIZE_PX,
        width: int = DEFAULT_SIZE_PX,
        *,
        max_episode_steps: int | None = HORIZON,
        terminate_on_success: bool = False,
    ) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode must be None or one of {self.metadata['render_modes']}, got {render_mode!r}")
        if max_episode_steps is not None and max_episode_steps < 1:
            raise ValueError(f"max_episode_steps must be at least 1 or None, got {max_episode_steps}")
        self.render_mode = render_mode
        self.max_path_length = max_episode_steps
        self.terminate_on_success = terminate_on_success
        self.action_space = spaces.action_space()
        self._camera = camera_index(self.task_def.model, camera_name, camera_id)
        self._size_px = (width, height)
        self._episodes = TaskEpisodes(self.task_def, reward_version=reward_function_version)
        self._choose_task: ChooseTask | None = None
        self._task: Task | None = None
        self._steps = 0
        self._is_over: str | None = "has not been reset"
        self._renderer: EpisodeRenderer | None = None
        self._set_goal_hidden(False)

    @property
    def task_name(self) -> str:
        """The task's name, e.g. "door-open"."""
        return self.task_def.name

    @property
    def task(self) -> Task:
        """The instance being played.

        Raises:
          ResetNeeded: before the first reset.
        """
        if self._task is None:
            raise ResetNeeded("no instance is being played yet: call reset() first")
        return self._task

    def set_task(self, task: Task) -> None:
        """Play this instance from the next reset on.

        Raises:
          ValueError: an instance of another task.
        """
        self.set_tasks([task])

    def set_tasks(self, tasks: Sequence[Task]) -> None:
        """Play one of these instances at each reset, chosen at random by the environment's own generator.

        Raises:
          ValueError: no instances, instances of another task, or hidden and visible goals mixed.
        """
        tasks = list(tasks)
        for task in tasks:
            if not isinstance(task, Task):
                raise ValueError(f"expected a metaworld_py.Task (e.g. from MT1({self.task_def.id!r}).train_tasks), got {task!r}")
            if find_task(task.env_name) is not self.task_def:
                raise ValueError(f"this environment plays {self.task_def.id}; the task given is an instance of {task.env_name}")
        hidden = {task.partially_observable for task in tasks}
        if len(hidden) != 1:
            raise ValueError(f"give at least one instance, all with hidden or all with visible goals; got {len(tasks)} instances")
        self._set_goal_hidden(hidden.pop())
        self._choose_task = _choice(tasks)

    def draw_tasks(self, *, hide_goal: bool = False) -> None:
        """Play a freshly drawn instance at each reset, from the environment's own generator."""
        self._set_goal_hidden(hide_goal)
        self._choose_task = lambda rng: Task(self.task_def.id, draw_rand_vec(self.task_def, rng), hide_goal)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Start an episode.

        Args:
          seed: seeds the choice of instances; the same seed gives the same episodes, in every process.
          options: {"task": Task} plays that instance from now on, as `set_task` does.

        Raises:
          ValueError: an unknown option, a task of another environment.
          ResetNeeded: no instances were set.
        """
        super().reset(seed=seed)
        unknown = set(options or {}) - set(RESET_OPTIONS)
        if unknown:
            raise ValueError(f"unknown reset options {sorted(unknown)}; known: {list(RESET_OPTIONS)}")
        if options and "task" in options:
            self.set_task(options["task"])
        if self._choose_task is None:
            raise ResetNeeded(
                f"which instance of {self.task_def.id}? Call set_task(task), e.g. with one of MT1({self.task_def.id!r}).train_tasks, "
                "or reset(options={'task': task}), or draw_tasks() for a new one at each reset"
            )
        self._task = self._choose_task(self.np_random)
        self._episodes.reset([0], [self._task.rand_vec], [self._task.partially_observable])
        self._steps = 0
        self._is_over = None
        return self._episodes.observations[0].copy(), {}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Advance by one control step.

        Returns:
          Observation, reward, terminated, truncated, info with the published seven numbers. If the physics blew up, the episode is
          truncated, `info["is_unstable"]` is True, the reward 0 and the observation the last good one.

        Raises:
          ResetNeeded: before the first reset or after the end of an episode; nothing was moved.
          ValueError: an action of wrong shape or with NaN; nothing was moved.
        """
        if self._is_over is not None:
            raise ResetNeeded(f"the episode {self._is_over}: call reset() before step()")
        actions = spaces.checked_actions(action, (4,))[np.newaxis]
        score = self._episodes.step(actions)[0]
        self._steps += 1
        info = step_info(score)
        unstable = bool(self._episodes.is_unstable[0])
        if unstable:
            info["is_unstable"] = True
        terminated = self.terminate_on_success and score.success
        truncated = unstable or self._steps == self.max_path_length
        if terminated or truncated:
            reason = "reached success" if terminated else "blew up" if unstable else f"ended after {self._steps} steps"
            self._is_over = reason
        return self._episodes.observations[0].copy(), score.reward, terminated, truncated, info

    def render(self) -> NDArray[np.uint8] | None:
        """A picture (height, width, 3) of the scene, or None without a render mode.

        Raises:
          RenderingError: no OpenGL on this machine; says what to install.
        """
        if self.render_mode is None:
            gymnasium.logger.warn('render() does nothing without a render mode; make the environment with render_mode="rgb_array"')
            return None
        if self._task is None:
            raise ResetNeeded("there is nothing to see yet: call reset() before render()")
        if self._renderer is None:
            width, height = self._size_px
            self._renderer = EpisodeRenderer(self._episodes, camera=self._camera, width_px=width, height_px=height)
        return self._renderer.render()

    def visible_model_and_data(self) -> tuple[mujoco.MjModel, mujoco.MjData]:
        """Copies of model and data as they stand: fixtures in place, goal marker at the goal, derived positions computed."""
        return visible_model_and_data(self._episodes, 0)

    def close(self) -> None:
        """Free the renderer, if there is one."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _set_goal_hidden(self, is_goal_hidden: bool) -> None:
        self.observation_space = spaces.observation_space(self.task_def, is_goal_hidden=is_goal_hidden)


def step_info(score: Score) -> dict[str, Any]:
    """The published step info, each number a float."""
    return {
        "success": float(score.success),
        "near_object": score.near_object,
        "grasp_success": score.grasp_success,
        "grasp_reward": score.grasp_reward,
        "in_place_reward": score.in_place_reward,
        "obj_to_target": score.obj_to_target,
        "unscaled_reward": score.reward,
    }


def _choice(tasks: Sequence[Task]) -> ChooseTask:
    return lambda rng: tasks[int(rng.integers(len(tasks)))]


@cache
def env_class(name: str) -> type[MetaWorldEnv]:
    """The environment class of a task, e.g. `env_class("door-open")`.

    Raises:
      ValueError: unknown task.
    """
    task = find_task(name)
    title = "".join(part.capitalize() for part in task.name.split("-"))
    return type(
        f"{title}Env", (MetaWorldEnv,), {"task_def": task, "__doc__": f"{task.sentence} See `MetaWorldEnv`.", "__module__": __name__}
    )
