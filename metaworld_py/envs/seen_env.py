"""What can be seen of one environment: pictures, a window, and the engine's own model and data."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import gymnasium
import mujoco
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from metaworld_py.engine.episode import Episode
from metaworld_py.instances.task import Task
from metaworld_py.rendering.cameras import Camera, find_camera
from metaworld_py.rendering.renderer import DEPTH, RGB, EpisodeView, Renderer
from metaworld_py.tasks.common.definition import TaskDef

HUMAN = "human"


class SeenEnv:
    """The part of a `MetaWorldEnv` that shows its episode."""

    task_def: ClassVar[TaskDef]
    render_mode: Any
    width: Any
    height: Any
    render_options: Any
    _camera: int | Camera
    _episode: Episode
    _lock: threading.RLock
    _renderer: Renderer
    own_renderer: Any
    _task: Task | None
    _view: EpisodeView | None
    _window: Any  # a rendering.window.Window, opened when there is something to see

    @property
    def model(self) -> mujoco.MjModel:
        """The scene's model with its looks. What is changed of it (masses, gravity, cameras, colours) acts from the next step or picture
        on, and stays for later episodes.
        """
        with self._lock:
            return self._mirror().hand_out_model()

    @property
    def data(self) -> mujoco.MjData:
        """The engine's data of this episode, derived quantities included. It follows the episode from now on; positions, velocities, forces
        written into it act from the next step on.
        """
        with self._lock:
            return self._mirror().hand_out_data()

    def render(
        self, camera: str | int | Camera | None = None, *, width: int | None = None, height: int | None = None, kind: str | None = None
    ) -> NDArray[Any] | None:
        """A picture of the scene as it stands; None without a render mode, and in mode "human", which brings its window up to date.

        Args:
          camera: name, id or a `Camera` of one's own; the environment's by default.
          width, height: pixels; the environment's by default.
          kind: "rgb" (height, width, 3), "depth" (height, width; m), "segmentation" (height, width) or "point_cloud" (height, width, 3; m,
            world); the render mode's by default. See `metaworld_py.rendering.Renderer.pictures`.

        Raises:
          ValueError: no such camera, size or kind.
          RenderingError: no OpenGL on this machine; says what to install.
          ViewerError: no window can be opened here; says what to do.
        """
        if self.render_options.render_mode == HUMAN:
            self._show()
            return None
        if self.render_mode is None:
            gymnasium.logger.warn('render() does nothing without a render mode; make the environment with render_mode="rgb_array"')
            return None
        if self.own_renderer is not None:
            picture: NDArray[Any] = self.own_renderer.render(self.render_mode)
            return picture
        return self.picture(camera, width=width, height=height, kind=kind)

    def picture(
        self, camera: str | int | Camera | None = None, *, width: int | None = None, height: int | None = None, kind: str | None = None
    ) -> NDArray[Any]:
        """A picture whatever the render mode is; see `render`."""
        kind = kind or (DEPTH if self.render_mode == "depth_array" else RGB)
        chosen = self._camera if camera is None else find_camera(self.task_def, camera)
        return self.pictures(
            [chosen], (kind,), width=width or self.width, height=height or self.height, quality=self.render_options.render_quality
        )[0][kind]

    def pictures(self, cameras: list[int | Camera], kinds: tuple[str, ...], **options: Any) -> list[dict[str, NDArray[Any]]]:
        """Pictures of several cameras and kinds; see `metaworld_py.rendering.Renderer.pictures`.

        Raises:
          ResetNeeded: before the first reset.
        """
        if self._task is None:
            raise ResetNeeded("there is nothing to see yet: call reset() before render()")
        with self._lock:
            view = self._mirror()
            view.shows_goal = self.render_options.show_goal
            return self._renderer.pictures(view, cameras, kinds, **options)

    def close(self) -> None:
        """Free what renders, if anything does, and close the window."""
        self._renderer.close()
        if self._window is not None:
            self._window.close()
            self._window = None

    def _show(self) -> None:
        """Bring the window up to date, and keep to real time.

        Raises:
          ResetNeeded: before the first reset.
          ViewerError: no window can be opened here; says what to do.
        """
        if self._task is None:
            raise ResetNeeded("there is nothing to see yet: call reset() before render()")
        if self._window is None:
            from metaworld_py.rendering.window import Window  # noqa: PLC0415  # only here is a window system needed

            self._mirror().shows_goal = self.render_options.show_goal
            self._window = Window(self, self._camera)
        self._window.show()

    def _mirror(self) -> EpisodeView:
        if self._view is None:
            self._view = EpisodeView(self._episode)
        return self._view

    def _take_edits(self) -> None:
        if self._view is not None:
            self._view.take_edits()

    def _episode_changed(self) -> None:
        if self._view is not None:
            self._view.follow()
