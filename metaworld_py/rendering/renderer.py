"""Pictures of an episode: colours, depth, segmentation and points, from any camera, on a headless OpenGL that works.

Nothing here is imported before the first picture is asked for, so that training without pictures needs no OpenGL.
"""

from __future__ import annotations

import atexit
import copy
import importlib
import math
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import mujoco
import numpy as np
from mujoco.rendering.classic import gl_context
from numpy.typing import NDArray

from metaworld_py.engine.episode import Episode
from metaworld_py.rendering.cameras import FREE_CAMERA, Camera, free_camera
from metaworld_py.sim.fields import ModelWatch, colliding_geoms, edit_simulation, write_fields
from metaworld_py.sim.scene import GOAL_MARKER
from metaworld_py.tasks.common.definition import TaskDef

RGB, DEPTH, SEGMENTATION, POINT_CLOUD = "rgb", "depth", "segmentation", "point_cloud"
KINDS = (RGB, DEPTH, SEGMENTATION, POINT_CLOUD)
HIGH, FAST = "high", "fast"
QUALITIES = (HIGH, FAST)  # fast: no shadows, reflections and antialiasing
DEFAULT_SIZE_PX = 480
MAX_SIZE_PX = 4096  # what off-screen buffers hold everywhere

_PROBE = "import mujoco; context = mujoco.GLContext(8, 8); context.make_current(); context.free()"
_HELP = (
    "no OpenGL for rendering. On a machine without display, install a software renderer (Debian, Ubuntu: `apt-get install libosmesa6`) "
    "or a GPU driver with EGL; MUJOCO_GL=egl|osmesa|glfw chooses one by hand."
)


_open_renderers: weakref.WeakSet[Renderer] = weakref.WeakSet()
_MAX_CONTEXTS = 64  # of one renderer; the least recently used one goes
_drawn_by: set[int] = set()  # processes: this one once it has drawn, and those that it was forked from


def has_drawn() -> bool:
    """Whether this process has had OpenGL contexts; no fork of it may draw, for drivers keep threads and locks after the last is closed."""
    return bool(_drawn_by)


class RenderingError(RuntimeError):
    """No picture can be made on this machine; says what to install."""


def choose_gl() -> str:
    """Settle which OpenGL this process renders with, and return its name ("" where the platform's default is right).

    On Linux without a display, EGL is tried first (GPU), then OSMesa (software), each in a process of its own because a failed attempt
    cannot be taken back. A choice made by the user through MUJOCO_GL stands.

    Raises:
      RenderingError: neither works.
    """
    chosen = os.environ.get("MUJOCO_GL", "")
    has_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if chosen or has_display or not sys.platform.startswith("linux"):
        return chosen
    for backend in ("egl", "osmesa"):
        environment = {**os.environ, "MUJOCO_GL": backend, "PYOPENGL_PLATFORM": backend}
        if subprocess.run([sys.executable, "-c", _PROBE], env=environment, capture_output=True, check=False).returncode == 0:
            os.environ["MUJOCO_GL"] = backend  # child processes inherit the choice
            importlib.reload(gl_context)  # the engine read the variable when it was imported
            return backend
    raise RenderingError(_HELP)


class EpisodeView:
    """Model and data of one episode for pictures and for those who want the engine's own objects.

    Once handed out, both follow the episode, and what is written into them acts on it, as in any MuJoCo environment: masses, gravity,
    friction and forces through the model and data, positions and velocities through the data.

    Attributes:
      shows_goal: whether the goal is marked, where it is no secret.
      edits: what was changed of the physics, by field.
    """

    def __init__(self, episode: Episode) -> None:
        self.task = episode.task
        task_model = self.task.model
        self._episode = episode
        self._marker = task_model.site(GOAL_MARKER).id
        self.model: mujoco.MjModel = copy.copy(task_model)
        self._data = mujoco.MjData(self.model)
        self._marker_alpha = float(task_model.site_rgba[self._marker, 3])
        self.shows_goal = True
        self.edits: dict[str, Any] = {}
        self._watch: ModelWatch | None = None  # once something was handed out
        self._is_followed = False

    @property
    def data(self) -> mujoco.MjData:
        """The episode as it stands, derived quantities computed; the same object each time."""
        self.take_edits()
        self._refresh()
        if self._watch is not None:
            self._watch.remember()
        return self._data

    def hand_out_model(self) -> mujoco.MjModel:
        """The model; from now on it is watched for changes, before every step and picture."""
        self.data  # noqa: B018  # brings the fixtures up to date
        if self._watch is None:
            self._watch = ModelWatch(self.model, self._data)
        return self.model

    def hand_out_data(self) -> mujoco.MjData:
        """The data; from now on it is watched for changes, and brought up to date at every step."""
        self.hand_out_model()
        self._is_followed = True
        return self._data

    def take_edits(self) -> bool:
        """Carry what was written into the model and data to the episode; call it before the episode moves. Whether anything was."""
        watch = self._watch
        if watch is None:
            return False
        simulation = self._episode.simulation
        changed = watch.changed_fields()
        if changed:
            self.edits |= changed
            edit_simulation(simulation, changed, self._geoms)
        is_moved = watch.has_other_state()
        if is_moved:
            is_elsewhere = not np.array_equal(simulation.qpos, self._data.qpos)
            simulation.take_state_from(self.model, self._data)
            if is_elsewhere:
                self._episode.observe_again()
        if changed:
            watch.remember()
        return bool(changed) or is_moved

    def follow(self) -> None:
        """Bring data that was handed out up to date; call it after the episode has moved."""
        if self._is_followed:
            self._refresh()

    def begin(self) -> None:
        """Take note that a new episode has begun: forces are over, changes of the model stay."""
        for name in [name for name in self.edits if name.startswith("data.")]:
            del self.edits[name]
        self._end_forces()
        self.catch_up()

    def catch_up(self) -> None:
        """Bring model and data that were handed out up to date after a reset or a restored state; nothing in them counts as written."""
        # The model even where nobody holds data: an edit of one body's position carries all of them to the episode, the fixtures' too.
        if self._watch is not None:
            self._refresh()
            self._watch.remember()

    def apply(self, edits: dict[str, Any]) -> None:
        """Put changes of the physics into the model and the episode, in place of those made so far."""
        if edits or self.edits:
            original = {name: getattr(self.task.model, name).copy() for name in self.edits if "." not in name}
            options = {name: copy.copy(getattr(self.task.model.opt, name[4:])) for name in self.edits if name.startswith("opt.")}
            self.edits = dict(edits)
            self._end_forces()
            for fields in (original | options, edits):
                write_fields(fields, self.model, self._data)
                edit_simulation(self._episode.simulation, fields, self._geoms)

    def _end_forces(self) -> None:
        """Inputs of the data as an episode begins: no forces, constraints as the scene has them."""
        simulation = self._episode.simulation
        for data in (self._data, simulation.data):
            data.xfrc_applied[:] = 0.0
            data.qfrc_applied[:] = 0.0
            data.eq_active[:] = simulation.model.eq_active0

    @property
    def _geoms(self) -> Any:
        return colliding_geoms(self.task.model, self.task.physics_model)

    def _refresh(self) -> None:
        episode, model = self._episode, self.model
        # A hidden goal must stay hidden from those who learn from pixels.
        is_shown = self.shows_goal and episode.start is not None and not episode.is_goal_hidden
        model.site_rgba[self._marker, 3] = self._marker_alpha if is_shown else 0.0
        if is_shown:
            model.site_pos[self._marker] = episode.start.goal_pos
        episode.simulation.copy_state_to(model, self._data)
        mujoco.mj_forward(model, self._data)
        if self._watch is not None:
            self._watch.remember_state()


class _EngineRenderer(mujoco.Renderer):  # type: ignore[misc]  # the engine's Python is not typed
    """The engine's renderer, with its own context current while it closes.

    The engine frees textures and meshes by number in whichever context is current: another environment's, if that drew last.
    """

    _gl_context: Any

    def close(self) -> None:
        if getattr(self, "_gl_context", None):
            try:
                self._gl_context.make_current()
            except Exception:  # of whichever OpenGL it is: EGL refuses a context in which another thread has drawn
                # Freed it goes when that thread lets go of it, with all that is in it; and this thread is left without any context, so
                # that what the engine frees next is nobody's.
                self._gl_context.free()
                self._gl_context = None
        super().close()


class Renderer:
    """Draws episodes. Owns OpenGL contexts, one per scene and size, each made in the thread and process that first draws with it.

    Close it when done; what is left open is closed at exit.
    """

    def __init__(self) -> None:
        self._renderers: dict[tuple[Any, ...], Any] = {}  # in order of use
        self._pid = os.getpid()

    def pictures(
        self,
        view: EpisodeView,
        cameras: list[int | Camera],
        kinds: tuple[str, ...] = (RGB,),
        *,
        width: int = DEFAULT_SIZE_PX,
        height: int = DEFAULT_SIZE_PX,
        quality: str = HIGH,
    ) -> list[dict[str, NDArray[Any]]]:
        """What each camera sees of an episode as it stands, by kind.

        Returns:
          Per camera: "rgb" (height, width, 3) uint8; "depth" (height, width) float32, metres along the line of sight's axis; "segmentation"
          (height, width) int32, see `segmentation_names`; "point_cloud" (height, width, 3) float32, metres in the world frame.

        Raises:
          ValueError: a size or quality that there is not.
          RenderingError: no OpenGL on this machine; says what to install.
        """
        renderer, data = self._engine_renderer(view.task, width, height, quality), view.data
        # Same sizes and assets as the renderer's own; fixtures, goal and looks differ per episode.
        renderer._model = view.model  # noqa: SLF001
        taken = []
        for camera in cameras:
            fovy = view.model.vis.global_.fovy
            if isinstance(camera, Camera):
                view.model.vis.global_.fovy = camera.fovy_deg
            try:
                renderer.update_scene(data, free_camera(camera) if isinstance(camera, Camera) else camera)
                renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = quality == HIGH
                renderer.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = quality == HIGH
                taken.append({kind: _DRAW[kind](renderer, view.model, camera) for kind in kinds})
            finally:
                view.model.vis.global_.fovy = fovy
        return taken

    def picture(self, view: EpisodeView, camera: int | Camera, kind: str = RGB, **size: Any) -> NDArray[Any]:
        """Draw one picture of an episode; see `pictures`."""
        return self.pictures(view, [camera], (kind,), **size)[0][kind]

    def close(self) -> None:
        """Free the OpenGL contexts."""
        if self._pid == os.getpid():  # a forked process has no right to its parent's
            while self._renderers:  # taken out first: what fails to close is not closed again
                self._renderers.popitem()[1].close()
        self._renderers.clear()
        _open_renderers.discard(self)

    def _engine_renderer(self, task: TaskDef, width: int, height: int, quality: str) -> Any:
        if self._pid != os.getpid():
            self._renderers, self._pid = {}, os.getpid()
        key = (threading.get_ident(), task.name, width, height, quality)
        if key in self._renderers:
            self._renderers[key] = self._renderers.pop(key)  # now the most recently used
            return self._renderers[key]
        check_size(width, height)
        if quality not in QUALITIES:
            raise ValueError(f"the rendering quality must be one of {QUALITIES}, got {quality!r}")
        if _drawn_by - {os.getpid()}:
            raise RenderingError(
                "this process was forked from one that had drawn, and OpenGL does not survive a fork: start processes by "
                "multiprocessing.get_context('forkserver') or 'spawn', or before the first picture"
            )
        choose_gl()
        model = copy.copy(task.model)
        model.vis.global_.offwidth, model.vis.global_.offheight = width, height
        if quality == FAST:
            model.vis.quality.shadowsize = model.vis.quality.offsamples = 0
        if len(self._renderers) >= _MAX_CONTEXTS:
            self._renderers.pop(next(iter(self._renderers))).close()
        _drawn_by.add(os.getpid())
        try:
            self._renderers[key] = _EngineRenderer(model, height, width)
        except Exception as error:
            raise RenderingError(_HELP) from error
        # Registered now, after the engine's own exit hook, and therefore run before it: contexts left to the interpreter's shutdown end
        # in a scare on the screen.
        atexit.unregister(_close_open_renderers)
        atexit.register(_close_open_renderers)
        _open_renderers.add(self)
        return self._renderers[key]


def check_size(width: int, height: int) -> None:
    """Refuse sizes that pictures cannot have.

    Raises:
      ValueError: not whole, or outside 1…4096 pixels.
    """
    for name, size in (("width", width), ("height", height)):
        if not isinstance(size, (int, np.integer)) or isinstance(size, bool) or not 1 <= size <= MAX_SIZE_PX:
            raise ValueError(f"{name} must lie in 1…{MAX_SIZE_PX} pixels, got {size}")


def segmentation_names(task: TaskDef) -> dict[int, str]:
    """What the numbers in a segmentation mean: bodies of the scene, the goal marker, and −1 for the background."""
    model = task.model
    return {-1: "background", **{body: model.body(body).name for body in range(model.nbody)}, model.nbody: GOAL_MARKER}


def _draw_rgb(renderer: Any, model: mujoco.MjModel, camera: int | Camera) -> NDArray[np.uint8]:
    picture: NDArray[np.uint8] = renderer.render().copy()
    return picture


def _draw_depth(renderer: Any, model: mujoco.MjModel, camera: int | Camera) -> NDArray[np.float32]:
    renderer.enable_depth_rendering()
    try:
        picture: NDArray[np.float32] = renderer.render().copy()
    finally:
        renderer.disable_depth_rendering()
    return picture


def _draw_segmentation(renderer: Any, model: mujoco.MjModel, camera: int | Camera) -> NDArray[np.int32]:
    renderer.enable_segmentation_rendering()
    try:
        picture = renderer.render()
    finally:
        renderer.disable_segmentation_rendering()
    ids, types = picture[..., 0], picture[..., 1]
    bodies = np.full(ids.shape, -1, dtype=np.int32)
    is_geom = types == mujoco.mjtObj.mjOBJ_GEOM
    bodies[is_geom] = model.geom_bodyid[ids[is_geom]]
    bodies[types == mujoco.mjtObj.mjOBJ_SITE] = model.nbody
    return bodies


def _draw_points(renderer: Any, model: mujoco.MjModel, camera: int | Camera) -> NDArray[np.float32]:
    depth = _draw_depth(renderer, model, camera)
    height, width = depth.shape
    is_fixed = isinstance(camera, int) and camera != FREE_CAMERA
    fovy = math.radians(float(model.cam_fovy[camera]) if is_fixed else float(model.vis.global_.fovy))
    left, right = renderer.scene.camera[0], renderer.scene.camera[1]  # of the two eyes
    pos = (left.pos.astype(np.float64) + right.pos) / 2.0
    forward, up = left.forward.astype(np.float64), left.up.astype(np.float64)
    pixels_per_metre = height / 2.0 / math.tan(fovy / 2.0)  # at a depth of 1 m
    x = (np.arange(width) + 0.5 - width / 2.0) / pixels_per_metre
    y = (height / 2.0 - np.arange(height) - 0.5) / pixels_per_metre
    rays = forward + x[np.newaxis, :, np.newaxis] * np.cross(forward, up) + y[:, np.newaxis, np.newaxis] * up
    points: NDArray[np.float32] = (pos + depth[..., np.newaxis] * rays).astype(np.float32)
    return points


_DRAW: dict[str, Callable[[Any, mujoco.MjModel, int | Camera], NDArray[Any]]] = {
    RGB: _draw_rgb,
    DEPTH: _draw_depth,
    SEGMENTATION: _draw_segmentation,
    POINT_CLOUD: _draw_points,
}


def _close_open_renderers() -> None:
    for renderer in list(_open_renderers):
        renderer.close()
