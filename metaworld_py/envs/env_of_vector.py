"""One environment of a native vector environment, for code that reaches for `envs.envs[i]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import mujoco
from numpy.typing import NDArray

from metaworld_py.envs.options import Option
from metaworld_py.envs.published_names import PublishedNames
from metaworld_py.instances.selection import RANDOM, Selector, TaskSelector, with_goal_hidden
from metaworld_py.instances.task import Task
from metaworld_py.rendering.cameras import Camera

if TYPE_CHECKING:
    from metaworld_py.envs.vector_env import MetaWorldVectorEnv
    from metaworld_py.rendering.renderer import EpisodeView
    from metaworld_py.tasks.common.definition import TaskDef

# Attributes of the vector environment under the names that one environment has for them.
_SHARED = {
    "max_path_length": "max_episode_steps",
    "spec": "spec",
    "action_space": "single_action_space",
    "observation_space": "single_observation_space",
}


class EnvOfVector(PublishedNames):
    """One environment of a vector environment: its instances, its episode, its picture, the engine's model and data.

    It is stepped and reset with the others only, and keeps nothing itself: what it is asked and told is the vector environment's.

    Attributes:
      index: which one it is.
    """

    def __init__(self, envs: MetaWorldVectorEnv, index: int) -> None:
        self._envs, self.index = envs, index

    @property
    def unwrapped(self) -> EnvOfVector:
        """Itself: nothing is wrapped."""
        return self

    @property
    def task_def(self) -> TaskDef:  # type: ignore[override]  # a class has one task, a vector environment many
        """The task that it plays."""
        return self._envs.task_defs[self.index]

    @property
    def task_name(self) -> str:
        """The task's name."""
        return self._envs.task_names[self.index]

    @property
    def task(self) -> Task | None:
        """The instance being played."""
        return self._envs.tasks[self.index]

    @property
    def env_id(self) -> str:
        """Name of this environment in lists of checkpoints."""
        return checkpoint_id(self.task_def.id, self.index)

    @property
    def np_random(self) -> Any:
        """Generator of the environment."""
        return self._envs.np_random[self.index]

    @property
    def np_random_seed(self) -> int:
        """What its generator was seeded with last."""
        return self._envs.np_random_seed[self.index]

    def seed_generator(self, seed: int) -> None:
        """Seed its generator, without a reset."""
        self._envs.seed_generator(self.index, seed)

    def set_task(self, task: Task) -> None:
        """Play this instance from the next reset on."""
        self._envs.set_task(task, [self.index])

    def set_tasks(self, tasks: Sequence[Task], *, task_select: str = RANDOM, sample_on_reset: bool = True) -> None:
        """Play these instances; see `MetaWorldEnv.set_tasks`."""
        self.use(TaskSelector(tasks, task_select, sample_on_reset=sample_on_reset))

    def use(self, selector: Selector) -> None:
        """Play what a selector chooses."""
        self._envs.use(self.index, selector)

    @property
    def _partially_observable(self) -> bool:
        return self._selector.is_goal_hidden

    @_partially_observable.setter
    def _partially_observable(self, is_hidden: bool) -> None:
        """Show or hide the goal from now on, in the observation space as well."""
        self._envs.hide_goal(self.index, with_goal_hidden(self._selector, bool(is_hidden)))

    @property
    def model(self) -> mujoco.MjModel:
        """The scene's model with its looks; what is changed of it acts from the next step or picture on. See `MetaWorldEnv.model`."""
        with self._lock:
            return self._envs.watched_view(self.index).hand_out_model()

    @property
    def data(self) -> mujoco.MjData:
        """The engine's data of its episode, which it follows from now on. See `MetaWorldEnv.data`."""
        with self._lock:
            return self._envs.watched_view(self.index).hand_out_data()

    @property
    def sample_tasks_on_reset(self) -> bool:
        """Whether each reset takes another instance."""
        return self._selector.sample_on_reset

    @sample_tasks_on_reset.setter
    def sample_tasks_on_reset(self, on: bool) -> None:
        self._selector.sample_on_reset = on

    @property
    def own_renderer(self) -> Any:
        """A renderer of the user's own, or None."""
        return self._envs.own_renderers.get(self.index)

    @own_renderer.setter
    def own_renderer(self, renderer: Any) -> None:
        self._envs.own_renderers[self.index] = renderer

    def _mirror(self) -> EpisodeView:
        return self._envs.view(self.index)

    def render(self, camera: str | int | Camera | None = None) -> NDArray[Any] | None:
        """A picture; see `MetaWorldVectorEnv.render`."""
        return self._envs.render_one(self.index, camera)

    def picture(self, *, kind: str) -> NDArray[Any]:
        """A picture whatever the render mode is."""
        return self._envs.picture(self.index, kind=kind)

    def close(self) -> None:
        """No-op: the vector environment closes."""

    def get_wrapper_attr(self, name: str) -> Any:
        """An attribute, as Gymnasium's wrappers give it."""
        return getattr(self, name)

    def has_wrapper_attr(self, name: str) -> bool:
        """Whether there is an attribute, as on Gymnasium's wrappers."""
        return hasattr(self, name)

    def set_wrapper_attr(self, name: str, value: Any) -> None:
        """Set an attribute, as on Gymnasium's wrappers."""
        setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("_envs", "index"):
            raise AttributeError(name)
        if isinstance(getattr(type(self._envs), name, None), Option):
            return getattr(self._envs, name)
        if name in _SHARED:
            return getattr(self._envs, _SHARED[name])
        raise AttributeError(f"an environment of a native vector environment has no {name!r}; vector_strategy='sync' gives whole ones")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("_envs", "index") or hasattr(getattr(type(self), name, None), "__set__"):
            object.__setattr__(self, name, value)
        elif isinstance(getattr(type(self._envs), _SHARED.get(name, name), None), Option):
            setattr(self._envs, _SHARED.get(name, name), value)
        else:
            raise AttributeError(f"{name!r} cannot be set on an environment of a native vector environment")

    @property
    def _episode(self) -> Any:  # type: ignore[override]
        return self._envs.episode(self.index)

    def _take_edits(self) -> None:
        self._envs.take_edits()

    def _episode_changed(self) -> None:
        self._envs.episode_changed(self.index)

    @property
    def _lock(self) -> Any:  # type: ignore[override]
        return self._envs._lock  # noqa: SLF001  # one for all of them

    @property
    def _selector(self) -> Selector:  # type: ignore[override]
        return self._envs.selectors[self.index]

    @property
    def _steps(self) -> int:
        return int(self._envs.steps[self.index])

    @_steps.setter
    def _steps(self, steps: int) -> None:
        self._envs.steps[self.index] = steps

    @property
    def _task(self) -> Task | None:  # type: ignore[override]
        return self.task


def checkpoint_id(task_id: str, index: int) -> str:
    """Id of an environment in lists of checkpoints, by every strategy."""
    return f"{task_id}_{index}"
