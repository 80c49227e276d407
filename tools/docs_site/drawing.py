"""Pictures and films of the site, made at build time and kept in a cache until what they show changes.

`DOCS_PICTURES` says which: `films` (the default: pictures, and a film of every task), `pictures`, or `none`. Without OpenGL there are none.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import numpy as np
from numpy.typing import NDArray

from metaworld_py.agents import ExpertAgent
from metaworld_py.evaluation import evaluate, instances_by_task
from metaworld_py.media.pictures import Take, play_take
from metaworld_py.rendering import DEPTH, HIGH, RGB, SEGMENTATION, Camera, RenderingError, choose_gl, find_camera
from metaworld_py.sim.simulation import CONTROL_HZ
from metaworld_py.tasks import TASKS

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "docs"
NONE, PICTURES, FILMS = "none", "pictures", "films"
CAMERA = "corner2_upright"  # of pictures that compare kinds and qualities
TASK_CAMERA = Camera((1.0, -0.2, 0.9), look_at=(-0.02, 0.6, 0.16), fovy_deg=42.0)
TASK_SIZE_PX, CAMERA_SIZE_PX = (480, 360), (320, 320)  # width, height
FRAMES_PER_SECOND = 16
STILL_STEPS = 40  # of a film, after success
SHOWN_TASK = "basketball"  # on the page of cameras
# What pictures depend on: another version of these makes new ones.
_SOURCES = (
    "assets",
    "metaworld_py/tasks",
    "metaworld_py/sim",
    "metaworld_py/rendering",
    "metaworld_py/media/pictures.py",
    "tools/docs_site/drawing.py",
)


class Drawings:
    """The pictures that there are, drawn when first asked for.

    Attributes:
      files: path in the site → file on disk, of everything asked for so far.
    """

    def __init__(self) -> None:
        self.files: dict[str, Path] = {}
        self.wanted = os.environ.get("DOCS_PICTURES", FILMS)
        if self.wanted not in (NONE, PICTURES, FILMS):
            raise ValueError(f"DOCS_PICTURES must be {NONE}, {PICTURES} or {FILMS}, got {self.wanted!r}")
        self.why_none = "" if self.wanted != NONE else "DOCS_PICTURES=none"
        if self.wanted != NONE:
            try:
                choose_gl()
            except RenderingError as error:
                self.why_none = str(error)
        self._folder = CACHE / _digest()

    def _made(self, name: str, make: Callable[[Path], None]) -> str | None:
        """Path in the site of a file that is made unless the cache has it; None where there are no pictures."""
        if self.why_none:
            return None
        path = self._folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f"unfinished_{path.name}")
            make(unfinished)
            unfinished.rename(path)
        self.files[f"pictures/{name}"] = path
        return f"pictures/{name}"

    def task_picture(self, name: str) -> str | None:
        """A task shortly before its expert succeeds."""
        return self._made(f"tasks/{name}.jpg", lambda path: _with_take(name, lambda take: _save(path, take.picture(take.telling_step))))

    def task_film(self, name: str) -> str | None:
        """The expert's episode in real time."""
        if self.wanted != FILMS:
            return None
        return self._made(f"tasks/{name}.mp4", lambda path: _with_take(name, lambda take: _save_film(path, take)))

    def camera_picture(self, camera: str | None) -> str | None:
        """A scene at work from a camera; None is the free overview."""
        return self._made(f"cameras/{camera or 'free'}.jpg", lambda path: _draw(path, camera))

    def kind_picture(self, kind: str) -> str | None:
        """The same as colours, depth or segmentation."""
        return self._made(f"kinds/{kind}.jpg", lambda path: _draw(path, CAMERA, kind=kind))

    def quality_picture(self, quality: str, size_px: int) -> str | None:
        """The same at a quality and size."""
        return self._made(f"quality/{quality}_{size_px}.png", lambda path: _draw(path, CAMERA, quality=quality, size_px=size_px))


@cache
def _digest() -> str:
    digest = hashlib.sha256(f"{version('mujoco')} {os.environ.get('MUJOCO_GL', '')}".encode())
    for source in _SOURCES:
        top = ROOT / source
        for path in sorted(path for path in (top.rglob("*") if top.is_dir() else [top]) if path.is_file() and path.suffix != ".pyc"):
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _with_take(name: str, use: Callable[[Take], None]) -> None:
    width, height = TASK_SIZE_PX
    task = instances_by_task([name], seed=0)[name][0]
    take = play_take(task, ExpertAgent(), camera_name=TASK_CAMERA, width_px=width, height_px=height, steps_after_success=STILL_STEPS)
    try:
        use(take)
    finally:
        take.close()


def steps_to_success(name: str) -> int | None:
    """Control steps that the expert needs in the episode shown."""
    return evaluate(ExpertAgent(), name, seed=0, instances_per_task=1).tasks[0].steps_to_success[0]


def _save(path: Path, picture: NDArray[np.uint8]) -> None:
    options: dict[str, Any] = {"quality": 86} if path.suffix == ".jpg" else {}
    imageio.imwrite(path, picture, **options)


def _save_film(path: Path, take: Take) -> None:
    writer: Any = imageio.get_writer(path, fps=FRAMES_PER_SECOND, macro_block_size=1, quality=6)  # type: ignore[arg-type]
    with writer:
        for step in range(0, take.num_steps + 1, CONTROL_HZ // FRAMES_PER_SECOND):
            writer.append_data(take.picture(step))


def _draw(path: Path, camera: str | None, *, kind: str = RGB, quality: str = HIGH, size_px: int | None = None) -> None:
    width, height = (size_px, size_px) if size_px else CAMERA_SIZE_PX

    def draw(take: Take) -> None:
        take.env.set_state(take.states[take.telling_step])
        picture = take.env.pictures([find_camera(TASKS[SHOWN_TASK], camera)], (kind,), width=width, height=height, quality=quality)[0][kind]
        _save(path, _visible(kind, picture))

    _with_take(SHOWN_TASK, draw)


def _visible(kind: str, picture: NDArray[Any]) -> NDArray[np.uint8]:
    """Something to look at: near is light, bodies have colours of their own."""
    if kind == DEPTH:
        near, far = float(picture.min()), float(np.percentile(picture, 98))
        grey: NDArray[np.uint8] = (255 * (1.0 - np.clip((picture - near) / (far - near), 0.0, 1.0))).astype(np.uint8)
        return np.repeat(grey[..., np.newaxis], 3, axis=2)
    if kind == SEGMENTATION:
        colours = np.random.default_rng(4).integers(60, 235, (int(picture.max()) + 2, 3)).astype(np.uint8)
        colours[0] = 30  # the background
        coloured: NDArray[np.uint8] = colours[picture + 1]
        return coloured
    shown: NDArray[np.uint8] = picture
    return shown
