"""How code reaches into a vector environment: calls and attributes by name, checkpoints, pictures, single environments."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from numpy.typing import NDArray

from metaworld_py.engine.batch import EpisodeBatch
from metaworld_py.engine.episode import Episode
from metaworld_py.envs.env_of_vector import EnvOfVector, checkpoint_id
from metaworld_py.envs.options import Option, RenderOptions
from metaworld_py.envs.states import VectorEnvState
from metaworld_py.instances.selection import Selector
from metaworld_py.instances.task import Task, checked_seed
from metaworld_py.rendering.cameras import Camera, find_camera
from metaworld_py.rendering.renderer import DEPTH, RGB, EpisodeView, Renderer
from metaworld_py.tasks.common.definition import TaskDef

# Read and called on each environment, though the vector environment has something under that name.
PER_ENVIRONMENT = ("tasks", "render", "action_space", "observation_space", "np_random", "np_random_seed", "unwrapped")


class VectorAccess:
    """What a `MetaWorldVectorEnv` offers besides being stepped and reset.

    Attributes:
      selectors: what each environment plays.
      own_renderers: renderers of the user's own, by environment.
    """

    num_envs: int
    selectors: list[Selector]
    own_renderers: dict[int, Any]
    render_mode: Any
    render_options: Any
    _lock: threading.RLock
    _batch: EpisodeBatch
    _tasks: list[Task | None]
    _rngs: list[np.random.Generator]
    _rng_seeds: list[int]
    _was_reset: bool
    _renderer: Renderer
    _cameras: dict[str, int | Camera]
    _views: dict[int, EpisodeView]
    _watched: dict[int, EpisodeView]  # whose model or data someone holds

    if TYPE_CHECKING:

        @property
        def task_defs(self) -> list[TaskDef]:
            """Each environment's task."""

        @property
        def task_names(self) -> list[str]:
            """Each environment's task by name."""

        def get_state(self) -> VectorEnvState:
            """Everything that decides the future."""

        def set_state(self, state: VectorEnvState) -> None:
            """Continue from a state."""

        def _set_observation_space(self) -> None: ...

    @property
    def envs(self) -> list[EnvOfVector]:
        """Each environment by itself. Made anew each time: if they were kept, they and this environment would keep one another alive."""
        own: Any = self
        return [EnvOfVector(own, index) for index in range(self.num_envs)]

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Call a method, or read an attribute, and hand out the answer once per environment, as Gymnasium's own vector environments do.

        Methods of this class act on all environments at once; others are looked up on `envs[i]`.
        """
        if name in PER_ENVIRONMENT or not hasattr(self, name):
            found = [getattr(env, name) for env in self.envs]
            return tuple(one(*args, **kwargs) if callable(one) else one for one in found)
        attribute = getattr(self, name)
        answer = attribute(*args, **kwargs) if callable(attribute) else attribute
        return tuple(answer) if isinstance(answer, list) and len(answer) == self.num_envs else (answer,) * self.num_envs

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """An attribute, once per environment: `task_name`, `task` (being played), `tasks` (instances that it plays), …"""
        return tuple(self.task_names) if name == "task_name" else self.call(name)

    def set_attr(self, name: str, values: Any) -> None:
        """Set an attribute of every environment: one value for all, or a list or tuple of one for each.

        Raises:
          ValueError: another number of values; or an option that environments here share, with several values.
          AttributeError: nothing that can be set.
        """
        each = list(values) if isinstance(values, (list, tuple)) else [values] * self.num_envs
        if len(each) != self.num_envs:
            raise ValueError(f"give one value of {name!r}, or one per environment ({self.num_envs}), got {len(each)}")
        for env, value in zip(self.envs, each, strict=True):
            if isinstance(getattr(type(self), name, None), Option) and any(value != other for other in each):
                raise ValueError(f"{name!r} is one value for all environments here, got {each}")
            setattr(env, name, value)

    def get_checkpoint(self) -> list[tuple[str, dict[str, Any]]]:
        """Each environment's id and state as a plain value, as `call("get_checkpoint")` gives it on environments of every strategy."""
        state = self.get_state()
        return [(checkpoint_id(task.id, env), state.to_plain(env)) for env, task in enumerate(self.task_defs)]

    def load_checkpoint(self, checkpoints: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Go on from each environment's checkpoint among those given.

        Raises:
          ValueError: one is missing or there twice, or is of another task; nothing was changed.
        """
        known: dict[str, list[dict[str, Any]]] = {}
        for name, state in checkpoints:
            known.setdefault(name, []).append(state)
        own = []
        for env, task in enumerate(self.task_defs):
            name = checkpoint_id(task.id, env)
            if len(known.get(name, ())) != 1:
                raise ValueError(f"{name!r} must stand once in the checkpoints, which have {sorted(known)}")
            if set(known[name][0]) == {"env", "rng"}:
                raise ValueError(f"the checkpoint of {name!r} is of a single, sync or async environment, this is a native one")
            own.append(known[name][0])
        self.set_state(VectorEnvState.from_plain(own))

    def render(self, camera: str | int | Camera | None = None) -> tuple[NDArray[Any], ...] | None:
        """One picture per environment, or None without a render mode; see `MetaWorldEnv.render`."""
        pictures = [self.render_one(env, camera) for env in range(self.num_envs)]
        return None if self.render_mode is None else tuple(picture for picture in pictures if picture is not None)

    def render_one(self, env: int, camera: str | int | Camera | None = None) -> NDArray[Any] | None:
        """The picture of one environment, or None without a render mode."""
        if self.render_mode is None:
            return None
        own = self.own_renderers.get(env)
        return self.picture(env, camera) if own is None else own.render(self.render_mode)

    def picture(self, env: int, camera: str | int | Camera | None = None, *, kind: str | None = None) -> NDArray[Any]:
        """The picture of one environment, whatever the render mode is."""
        options: RenderOptions = self.render_options
        kind = kind or (DEPTH if self.render_mode == "depth_array" else RGB)
        task_def = self.task_defs[env]
        chosen = self._cameras[task_def.name] if camera is None else find_camera(task_def, camera)
        size = {"width": options.width, "height": options.height, "quality": options.render_quality}
        return self.pictures(env, [chosen], (kind,), **size)[0][kind]

    def pictures(self, env: int, cameras: list[int | Camera], kinds: tuple[str, ...], **options: Any) -> list[dict[str, NDArray[Any]]]:
        """Pictures of one environment; see `metaworld_py.rendering.Renderer.pictures`.

        Raises:
          ResetNeeded: before the first reset.
        """
        if not self._was_reset:
            raise ResetNeeded("there is nothing to see yet: call reset() before render()")
        with self._lock:
            view = self.view(env)
            view.shows_goal = self.render_options.show_goal
            return self._renderer.pictures(view, cameras, kinds, **options)

    # What `envs[i]` reads and changes of one environment.

    def episode(self, env: int) -> Episode:
        """The running episode of one environment, up to date."""
        return self._batch.view(env)

    def episode_changed(self, env: int) -> None:
        """Take note that an episode was changed through `episode`."""
        with self._lock:
            self._batch.take_over([env])
            if env in self._watched:
                self._watched[env].follow()

    def view(self, env: int) -> EpisodeView:
        """An episode for pictures and for reading, with the engine's model and data."""
        episode = self._batch.view(env)
        if env not in self._views:
            self._views[env] = EpisodeView(episode)
        return self._views[env]

    def watched_view(self, env: int) -> EpisodeView:
        """An environment's view for those who keep model or data: from now on it follows the episode, and what is written into it acts.

        Call it with the lock held.
        """
        self._watched[env] = self.view(env)
        return self._watched[env]

    def take_edits(self) -> None:
        """Carry what was written into models and data that someone holds to their episodes."""
        for env, view in self._watched.items():
            if view.take_edits():
                self._batch.take_over([env])

    def seed_generator(self, env: int, seed: int) -> None:
        """Seed the generator of one environment, without a reset."""
        self._rngs[env], self._rng_seeds[env] = seeding.np_random(checked_seed(seed, maximum=None))

    def hide_goal(self, env: int, selector: Selector) -> None:
        """Let one environment play what a selector chooses, and show or hide its goal as the selector has it, at once."""
        with self._lock:
            self.selectors[env] = selector
            task = self._tasks[env]
            if task is not None:
                self._tasks[env] = replace(task, partially_observable=selector.is_goal_hidden)
                self._batch.view(env).hide_goal(selector.is_goal_hidden)
            self._set_observation_space()
