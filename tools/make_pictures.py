"""Make the pictures of README and docs: every task of MT10 half a second before its expert succeeds.

python tools/make_pictures.py          # writes docs/images/mt10.jpg
"""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as imageio
import numpy as np

from metaworld_py.benchmarks import MT1
from metaworld_py.env import env_class
from metaworld_py.task_sets import MT10
from metaworld_py.tasks import TASKS

OUT = Path(__file__).resolve().parent.parent / "docs" / "images"
SIZE_PX = 320
STEPS_BEFORE_SUCCESS = 12


def picture(name: str) -> np.ndarray:
    """The scene shortly before success, (SIZE_PX, SIZE_PX, 3)."""
    expert, task = TASKS[name].expert, MT1(name, seed=0).train_tasks[0]
    steps_to_success = None
    for stop in (500, None):
        env = env_class(name)("rgb_array", height=SIZE_PX, width=SIZE_PX)
        env.set_task(task)
        observation, _ = env.reset()
        for step in range(stop or max(steps_to_success - STEPS_BEFORE_SUCCESS, 1)):
            observation, _, _, _, info = env.step(np.array(expert(observation), dtype=np.float32))
            if stop and info["success"]:
                steps_to_success = step
                break
    shown = env.render()
    env.close()
    return shown


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    pictures = [picture(name) for name in MT10]
    rows = [np.hstack(pictures[:5]), np.hstack(pictures[5:])]
    imageio.imwrite(OUT / "mt10.jpg", np.vstack(rows), quality=88)


if __name__ == "__main__":
    main()
