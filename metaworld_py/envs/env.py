"""One task as a `gymnasium.Env`."""

from __future__ import annotations

import copy
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from numpy.typing import ArrayLike, NDArray

from metaworld_py.engine import layout
from metaworld_py.engine.episode import Episode
from metaworld_py.engine.layout import displacement
from metaworld_py.envs.copies import deep_copy, taken_along
from metaworld_py.envs.options import DENSE, EpisodeOptions, Option, RenderOptions, read_keywords
from metaworld_py.envs.published_names import PublishedNames
from metaworld_py.envs.seen_env import HUMAN, SeenEnv
from metaworld_py.envs.states import EnvState
from metaworld_py.instances.selection import RANDOM, FreshTasks, Selector, TaskSelector
from metaworld_py.instances.task import Task, checked_seed
from metaworld_py.rendering.cameras import Camera, chosen_camera
from metaworld_py.rendering.renderer import EpisodeView, Renderer
from metaworld_py.sim.fields import changed_looks
from metaworld_py.sim.simulation import CONTROL_HZ
from metaworld_py.tasks import TASKS, find_task
from metaworld_py.tasks.common.definition import Score, TaskDef

RESET_OPTIONS = ("task",)

Observation = NDArray[np.float64]


class MetaWorldEnv(SeenEnv, gymnasium.Env[Any, Any], PublishedNames):
    """One task. Subclasses made by `env_class` fix which; `gymnasium.make("Meta-World/MT1", env_name=...)` is the usual way in.

    Observations are 39 float64: [hand 3, opening 1, object 3 + 4, second object 3 + 4] now, the same one step earlier, goal 3 (zeros where
    hidden). Actions are 4 float32 in [−1, 1]: displacement of the hand's target in cm, gripper effort. A step is 12.5 ms.

    Before the first `reset`, say which instances to play: `set_task`, `set_tasks` or `draw_tasks`. Environments copy and pickle in the
    middle of an episode; `get_state` and `set_state` do the same as a value.

    Args:
      render_mode: None, "rgb_array", "depth_array" (metres), or "human": a window that shows every reset and step in real time.
      camera_name, camera_id: camera of `render`: a name, a `Camera` of one's own, or an id; the free overview by default.
      reward_function_version: "v2" (0…10) or "v1" (the original, unbounded).
      height, width: of `render`, pixels.
      keywords: the other fields of `EpisodeOptions` and `RenderOptions`. Action repeat and sparse rewards of one environment are wrappers.
        `max_episode_steps=None` sets no limit of its own (where a wrapper counts).
    """

    metadata: dict[str, Any] = {"render_modes": ["human", "rgb_array", "depth_array"], "render_fps": CONTROL_HZ}  # noqa: RUF012  # gymnasium's declaration
    task_def: ClassVar[TaskDef]

    render_mode = Option("render_options", "render_mode")
    camera_name, camera_id = Option("render_options", "camera_name"), Option("render_options", "camera_id")
    height, width = Option("render_options", "height"), Option("render_options", "width")
    max_path_length = Option("episode_options", "max_episode_steps")  # the published name
    terminate_on_success = Option("episode_options", "terminate_on_success")
    reward_function_version = Option("episode_options", "reward_function_version")
    action_repeat, reward_mode = Option("episode_options", "action_repeat"), Option("episode_options", "reward_mode")
    render_quality, show_goal = Option("render_options", "render_quality"), Option("render_options", "show_goal")

    def __init__(
        self,
        render_mode: str | None = None,
        camera_name: str | Camera | None = None,
        camera_id: int | None = None,
        reward_function_version: str = EpisodeOptions.reward_function_version,
        height: int = RenderOptions.height,
        width: int = RenderOptions.width,
        **keywords: Any,
    ) -> None:
        published = {"render_mode": render_mode, "camera_name": camera_name, "camera_id": camera_id}
        published |= {"reward_function_version": reward_function_version, "height": height, "width": width}
        episode_options, render_options = read_keywords(published | keywords, EpisodeOptions, RenderOptions)
        self.action_space = layout.action_space()
        self._lock = threading.RLock()  # the engine works outside the interpreter's lock: two threads in one simulation would kill it
        self._episode = Episode(self.task_def, reward_version=episode_options.reward_function_version)
        self.episode_options, self.render_options = episode_options, render_options
        self._made_for: tuple[Any, tuple[int, int]] = (None, (0, 1))
        self._layers_holder: Callable[[], Any] = _nothing
        self._selector: Selector | None = None
        self._task: Task | None = None
        self._steps = 0
        self._is_over: str | None = "has not been reset"
        self._view: EpisodeView | None = None
        self._renderer = Renderer()
        self._window: Any = None  # a rendering.window.Window, opened when there is something to see
        self._set_goal_hidden(False)

    @property
    def episode_options(self) -> EpisodeOptions:
        """How an episode ends and what it pays. Another value takes effect at once.

        Raises:
          ValueError: options that one environment leaves to wrappers.
        """
        return self._episode_options

    @episode_options.setter
    def episode_options(self, options: EpisodeOptions) -> None:
        if options.action_repeat > 1 or options.reward_mode != DENSE:
            raise ValueError("action_repeat and reward_mode of one environment are wrappers: gymnasium.make(...) puts them on")
        self._episode.use_reward(options.reward_function_version)
        self._episode_options = options

    @property
    def render_options(self) -> RenderOptions:
        """How `render` draws. Another value takes effect at once.

        Raises:
          ValueError: a mode or camera that there is not.
        """
        return self._render_options

    @render_options.setter
    def render_options(self, options: RenderOptions) -> None:
        modes = self.metadata["render_modes"]
        if options.render_mode not in (None, *modes):
            raise ValueError(f"render_mode must be None or one of {modes}, got {options.render_mode!r}")
        self._camera = chosen_camera(self.task_def, options.camera_name, options.camera_id)
        self._render_options = options

    @property
    def wrapper_options(self) -> Any:
        """What `gymnasium.make` was asked for, read by the wrapper that it adds; None elsewhere."""
        return self._made_for[0]

    @property
    def one_hot(self) -> tuple[int, int]:
        """Index of the task and number of tasks, where `gymnasium.make` was asked for one-hot ids."""
        return self._made_for[1]

    def make_for(self, wrapper_options: Any, one_hot: tuple[int, int]) -> None:
        """Leave word for the wrapper that `gymnasium.make` adds."""
        self._made_for = (wrapper_options, one_hot)

    def keep_layers_of(self, holder: Any) -> None:
        """Let states take in the wrappers that a `CheckpointWrapper` holds: what they count and remember belongs to the episode."""
        self._layers_holder = weakref.ref(holder)

    @property
    def task_name(self) -> str:
        """The task's name, e.g. "door-open"; also the `__name__` of its class, for published code that looks classes up by it."""
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

    def seed_generator(self, seed: int) -> None:
        """Seed the generator that chooses and draws instances, without a reset; `reset(seed=...)` does the same and resets."""
        self.np_random, self._np_random_seed = seeding.np_random(checked_seed(seed, maximum=None))

    def set_task(self, task: Task) -> None:
        """Play this instance from the next reset on.

        Raises:
          ValueError: an instance of another task.
        """
        self.set_tasks([task])

    def set_tasks(self, tasks: Sequence[Task], *, task_select: str = RANDOM, sample_on_reset: bool = True) -> None:
        """Play these instances, chosen by the environment's own generator.

        Args:
          tasks: instances of this task.
          task_select: "random" or "pseudorandom" (a shuffled cycle).
          sample_on_reset: whether each reset takes another one; else only `sample_tasks` does.

        Raises:
          ValueError: no instances, instances of another task, or hidden and visible goals mixed.
        """
        self.use(TaskSelector(tasks, task_select, sample_on_reset=sample_on_reset))

    def draw_tasks(self, *, hide_goal: bool = False) -> None:
        """Play a freshly drawn instance at each reset, from the environment's own generator."""
        self.use(FreshTasks(self.task_def.id, is_goal_hidden=hide_goal))

    def use(self, selector: Selector) -> None:
        """Play what a selector chooses.

        Raises:
          ValueError: a selector of another task.
        """
        if find_task(selector.env_name) is not self.task_def:
            raise ValueError(f"this environment plays {self.task_def.id}; the task given is an instance of {selector.env_name}")
        self._selector = selector
        self._set_goal_hidden(selector.is_goal_hidden)

    def sample_tasks(self) -> Task:
        """Choose another instance now, for the next reset; needed only where resets do not choose."""
        return self._selector_or_raise().sample(self.np_random)

    @property
    def sample_tasks_on_reset(self) -> bool:
        """Whether each reset takes another instance."""
        return self._selector_or_raise().sample_on_reset

    @sample_tasks_on_reset.setter
    def sample_tasks_on_reset(self, on: bool) -> None:
        self._selector_or_raise().sample_on_reset = on

    def toggle_sample_tasks_on_reset(self, on: bool) -> None:
        """Whether each reset takes another instance."""
        self.sample_tasks_on_reset = on

    def toggle_terminate_on_success(self, on: bool) -> None:
        """Whether an episode ends at its first success."""
        self.terminate_on_success = on

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Start an episode.

        Args:
          seed: seeds the choice of instances; where resets choose, the same seed gives the same episodes, in every process. Elsewhere (ML
            sets) the instance of the last `sample_tasks` is kept, whatever the seed.
          options: {"task": Task} plays that instance from now on, as `set_task` does.

        Raises:
          ValueError: an unknown option, a task of another environment.
          ResetNeeded: no instances were set.
        """
        unknown = set(options or {}) - set(RESET_OPTIONS)
        if unknown:
            raise ValueError(f"unknown reset options {sorted(unknown)}; known: {list(RESET_OPTIONS)}")
        seed = None if seed is None else checked_seed(seed, maximum=None)
        with self._lock:
            if options and "task" in options:
                self.set_task(options["task"])
            selector = self._selector_or_raise()
            super().reset(seed=seed)
            if seed is not None:
                selector.restart()
            if self._view is not None:
                self._view.take_edits()
            self._task = selector.on_reset(self.np_random)
            self._episode.reset(self._task.rand_vec, hide_goal=self._task.partially_observable)
            self._steps = 0
            self._is_over = None
            if self._view is not None:
                self._view.begin()
            if self.render_mode == HUMAN:
                self._show()
            return self._episode.observation.copy(), {}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Advance by one control step.

        Returns:
          Observation, reward, terminated, truncated, info with the published seven numbers. If the physics blew up, the episode is
          truncated, `info["is_unstable"]` is True, the reward 0 and the observation the last good one.

        Raises:
          ResetNeeded: before the first reset or after the end of an episode; nothing was moved.
          ValueError: an action of wrong shape or with NaN; nothing was moved.
        """
        with self._lock:
            if self._is_over is not None:
                raise ResetNeeded(f"the episode {self._is_over}: call reset() before step()")
            action = layout.checked_actions(action, (4,))
            view, options = self._view, self._episode_options
            if view is not None:
                view.take_edits()
            score = self._episode.step(displacement(action), float(action[3]))
            self._steps += 1
            info = step_info(score)
            unstable = self._episode.is_unstable
            if unstable:
                info["is_unstable"] = True
            terminated = options.terminate_on_success and score.success
            truncated = unstable or (options.max_episode_steps is not None and self._steps >= options.max_episode_steps)
            if terminated or truncated:
                self._is_over = "reached success" if terminated else "blew up" if unstable else f"ended after {self._steps} steps"
            if view is not None:
                view.follow()
            if self._render_options.render_mode == HUMAN:
                self._show()
            return self._episode.observation.copy(), score.reward, terminated, truncated, info

    def get_state(self) -> EnvState:
        """The complete environment as a value: physics, episode constants, step count, generator, choice of instances, and of environments
        from `gymnasium.make` what the wrappers count and remember.
        """
        with self._lock:
            return replace(self._state(), layers=self._layers())

    def _layers(self) -> Any:
        holder = self._layers_holder()
        return () if holder is None else holder.get_layers()

    def _state(self) -> EnvState:
        selector = self._selector
        if self._view is not None:
            self._view.take_edits()
        return EnvState(
            episode=None if self._task is None else self._episode.snapshot(),
            task=self._task,
            steps=self._steps,
            is_over=self._is_over,
            selector=selector,
            selector_state=None if selector is None else selector.get_state(),
            terminate_on_success=self.terminate_on_success,
            rng_state=dict(self.np_random.bit_generator.state),
            hand_start=self._episode.hand_start,
            edits={} if self._view is None else dict(self._view.edits),
        )

    def set_state(self, state: EnvState | ArrayLike, qvel: ArrayLike | None = None) -> None:
        """Continue exactly where `get_state` was called, in this or another environment of the same task: same future to the last bit.
        Wrappers go on from there, too, where they are the same as around the other one.

        Args:
          state: of `get_state`; or positions (nq,), as Gymnasium's MuJoCo environments have it.
          qvel: velocities (nv,), with positions.

        Raises:
          ValueError: a state of another task, or positions and velocities of another scene; nothing was changed.
        """
        with self._lock:
            if isinstance(state, EnvState):
                self._set_state(state)
            else:
                self._set_positions(np.asarray(state, dtype=float), np.asarray(qvel, dtype=float))

    def _set_state(self, state: EnvState) -> None:
        if state.selector is not None and find_task(state.selector.env_name) is not self.task_def:
            raise ValueError(f"this environment plays {self.task_def.id}; the state is of {state.selector.env_name}")
        if self._view is not None or state.edits:
            self._mirror().take_edits()
            self._mirror().apply(state.edits)
        if state.episode is not None:
            self._episode.restore(state.episode)
        if self._view is not None:
            self._view.catch_up()
        if state.selector is not None and state.selector_state is not None:
            selector = copy.deepcopy(state.selector)  # environments must not draw from one another's cycle
            selector.set_state(state.selector_state)
            self.use(selector)
        self._task, self._steps, self._is_over = state.task, state.steps, state.is_over
        self.terminate_on_success = state.terminate_on_success
        self._episode.hand_start = state.hand_start
        self.np_random.bit_generator.state = state.rng_state
        holder = self._layers_holder()
        if holder is not None and state.layers:
            holder.set_layers(state.layers)

    def _set_positions(self, qpos: NDArray[np.float64], qvel: NDArray[np.float64]) -> None:
        simulation = self._episode.simulation
        if qpos.shape != simulation.qpos.shape or qvel.shape != simulation.qvel.shape:
            raise ValueError(
                f"give an EnvState of get_state(), or qpos {simulation.qpos.shape} and qvel {simulation.qvel.shape}; "
                f"got shapes {qpos.shape} and {qvel.shape}"
            )
        simulation.qpos[:], simulation.qvel[:] = qpos, qvel
        self._episode.observe_again()
        if self._view is not None:
            self._view.follow()

    def __reduce__(self) -> tuple[Any, ...]:
        options = {**vars(self.episode_options), **vars(self.render_options)}
        looks = {} if self._view is None else changed_looks(self._view.model, self.task_def.model)
        name = self.task_def.name
        kind = name if type(self) is env_class(name) else type(self)
        with self._lock:
            arguments = (kind, options, (self.spec, self._made_for), looks, self._state())
            return _rebuild, arguments, taken_along(self, _own_attributes(name))

    def __deepcopy__(self, memo: dict[int, Any]) -> MetaWorldEnv:
        copied: MetaWorldEnv = deep_copy(self, memo)
        return copied

    def _selector_or_raise(self) -> Selector:
        if self._selector is None:
            raise ResetNeeded(
                f"which instance of {self.task_def.id}? Call set_task(task), e.g. with one of MT1({self.task_def.id!r}).train_tasks, "
                "or reset(options={'task': task}), or draw_tasks() for a new one at each reset"
            )
        return self._selector

    def _set_goal_hidden(self, is_goal_hidden: bool) -> None:
        self.observation_space = layout.observation_space(self.task_def, is_goal_hidden=is_goal_hidden)


def _nothing() -> None:
    """Stand in for a reference to what is gone or never was."""


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


@cache
def env_class(name: str) -> type[MetaWorldEnv]:
    """The environment class of a task, e.g. `env_class("door-open")`.

    Raises:
      ValueError: unknown task.
    """
    task = find_task(name)
    if name != task.name:
        return env_class(task.name)
    title = "".join(part.capitalize() for part in task.name.split("-"))
    attributes = {
        "task_def": task,
        "__doc__": f"{task.sentence} See `MetaWorldEnv`.",
        "__module__": __name__,
        "__qualname__": f"{title}Env",
    }
    return type(task.name, (MetaWorldEnv,), attributes)


@cache
def _own_attributes(name: str) -> frozenset[str]:
    """Attributes that every environment of a task has, or may come to have by what is done with it."""
    return frozenset(vars(env_class(name)())) | {"spec", "own_renderer", "_np_random", "_np_random_seed"}


def _rebuild(kind: str | type[MetaWorldEnv], options: dict[str, Any], made: Any, looks: dict[str, Any], state: EnvState) -> MetaWorldEnv:
    """What unpickling and copying do: of a task's environment by the task's name, of a user's own by its class."""
    own_class = env_class(kind) if isinstance(kind, str) else kind
    env = own_class.__new__(own_class)
    MetaWorldEnv.__init__(env, **options)  # a user's class may be made from other arguments; what it keeps of them is taken along
    env.spec, made_for = made
    env.make_for(*made_for)
    if looks:
        for field, value in looks.items():
            getattr(env._mirror().model, field)[:] = value  # noqa: SLF001  # of this module
    env.set_state(copy.deepcopy(state))
    return env


# Classes pickle by name, wherever they travel.
globals().update({env_class(name).__qualname__: env_class(name) for name in TASKS})
