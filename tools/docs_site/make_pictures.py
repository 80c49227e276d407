"""Make the pictures of README and docs, in `docs/images/`.

`mt50.jpg`: every task half a second before its expert succeeds. `hero_*.jpg`: three scenes at work, wide. `close_*.jpg`: gripper and head.

python tools/docs_site/make_pictures.py [NAME ...]          # all, or those named (mt50, hero, close)
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import mujoco
import numpy as np
from numpy.typing import NDArray

from metaworld_py.benchmarks import MT1
from metaworld_py.envs.env import env_class
from metaworld_py.media.video import CONTACT_CAMERA
from metaworld_py.rendering.cameras import Camera
from metaworld_py.tasks import TASKS

OUT = Path(__file__).resolve().parents[2] / "docs" / "images"
Picture = NDArray[np.uint8]
SHEET_PX, SHEET_COLUMNS = 192, 10
HERO_PX = (1280, 720)  # width, height
HEROES = {"door-open": 12, "coffee-push": 40, "basketball": 18}  # control steps before success
CLOSE_PX = (640, 480)
CLOSE_UPS = {  # task, control steps before success, body, azimuth and elevation in degrees, distance in m
    "gripper": ("pick-place", 22, "hand", 150.0, -14.0, 0.5),
    "head": ("reach", 400, "head", -118.0, -8.0, 0.75),
}


def at_work(name: str, steps_before_success: int, **options: Any) -> Any:
    """An environment of the task, the expert that many control steps before its success. Close it."""
    expert, task = TASKS[name].expert, MT1(name, seed=0).train_tasks[0]
    steps_to_success = 0
    for is_search in (True, False):
        env = env_class(name)("rgb_array", **options)
        env.set_task(task)
        observation, _ = env.reset()
        for step in range(500 if is_search else max(steps_to_success - steps_before_success, 1)):
            observation, _, _, _, info = env.step(np.array(expert(observation), dtype=np.float32))
            if is_search and info["success"]:
                steps_to_success = step
                break
    return env


def picture(name: str, steps_before_success: int, camera: str | Camera, size_px: tuple[int, int]) -> Picture:
    """The scene through a camera, (height, width, 3)."""
    env = at_work(name, steps_before_success, camera_name=camera, width=size_px[0], height=size_px[1])
    shown: Picture = env.render()
    env.close()
    return shown


def close_up(name: str, steps_before_success: int, body: str, azimuth: float, elevation: float, distance: float) -> Picture:
    """A body of the scene from a free camera, (height, width, 3)."""
    env = at_work(name, steps_before_success)
    env.render()  # settles which OpenGL to use
    camera = mujoco.MjvCamera()
    camera.lookat[:] = env.data.body(body).xpos
    camera.azimuth, camera.elevation, camera.distance = azimuth, elevation, distance
    renderer = mujoco.Renderer(env.model, CLOSE_PX[1], CLOSE_PX[0])
    renderer.update_scene(env.data, camera)
    shown: Picture = renderer.render().copy()
    renderer.close()
    env.close()
    return shown


def sheet() -> Picture:
    """All tasks, in rows."""
    pictures = [picture(name, 12, CONTACT_CAMERA, (SHEET_PX, SHEET_PX)) for name in TASKS]
    return np.vstack([np.hstack(pictures[row : row + SHEET_COLUMNS]) for row in range(0, len(pictures), SHEET_COLUMNS)])


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    wanted = set(sys.argv[1:]) or {"mt50", "hero", "close"}
    if "mt50" in wanted:
        imageio.imwrite(OUT / "mt50.jpg", sheet(), quality=85)
    if "hero" in wanted:
        for name, steps in HEROES.items():
            imageio.imwrite(OUT / f"hero_{name}.jpg", picture(name, steps, "front", HERO_PX), quality=85)
    if "close" in wanted:
        for name, view in CLOSE_UPS.items():
            imageio.imwrite(OUT / f"close_{name}.jpg", close_up(*view), quality=85)


if __name__ == "__main__":
    main()
