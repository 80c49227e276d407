"""Our scenes beside the published ones, same task, instance and camera: proportions and places judged from outside, on the screen only.

    python3 -m venv .published && .published/bin/pip install metaworld==3.1.1
    python tools/parts/compare_looks.py OUT_FOLDER --published .published/bin/python [--tasks door-open coffee-push] [--camera corner2]

Writes OUT_FOLDER/<task>.jpg, published left and ours right; choose a folder outside the repository. The published package runs as a black
box through its public interface, in its own virtual environment (MUJOCO_GL=osmesa or egl on a machine without display).
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
from tqdm import tqdm

from metaworld_py.benchmarks import MT1
from metaworld_py.envs.env import env_class
from metaworld_py.rendering import choose_gl
from metaworld_py.tasks import TASKS

UPSIDE_DOWN = ("corner", "corner2", "corner3", "corner4")
WORKER = """
import sys
import metaworld
import numpy as np
folder, seed, instance, camera, size, *names = sys.argv[1:]
for name in names:
    benchmark = metaworld.MT1(name + "-v3", seed=int(seed))
    env = benchmark.train_classes[name + "-v3"](render_mode="rgb_array", camera_name=camera, width=int(size), height=int(size))
    env.set_task(benchmark.train_tasks[int(instance)])
    env.reset()
    np.save(f"{folder}/{name}.npy", env.render())
    env.close()
"""


def ours(name: str, options: argparse.Namespace) -> np.ndarray:
    """Our picture at reset, (size, size, 3)."""
    env = env_class(name)("rgb_array", camera_name=options.camera, width=options.size, height=options.size)
    env.set_task(MT1(name, seed=options.seed).train_tasks[options.instance])
    env.reset()
    shown = env.render()
    env.close()
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--published", required=True, help="python of a virtual environment with the published package")
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--camera", default="corner2")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--instance", type=int, default=0)
    parser.add_argument("--size", type=int, default=480, help="pixels")
    options = parser.parse_args()
    choose_gl()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        arguments = [folder, str(options.seed), str(options.instance), options.camera, str(options.size), *options.tasks]
        subprocess.run([options.published, "-I", "-W", "ignore", "-c", WORKER, *arguments], check=True)
        for name in tqdm(options.tasks):
            pair = np.hstack([np.load(Path(folder) / f"{name}.npy"), ours(name, options)])
            if options.camera in UPSIDE_DOWN:
                half = options.size
                pair = np.hstack([picture[::-1, ::-1] for picture in (pair[:, :half], pair[:, half:])])
            imageio.imwrite(options.out / f"{name}.jpg", pair, quality=90)


if __name__ == "__main__":
    main()
