"""Pictures per second, for every OpenGL that this machine has: each in a process of its own, since a process cannot change it.

    python perf/render.py
    python perf/render.py --backends osmesa --sizes 84 --seconds 1

Measured: `env.render()` of one environment alone; a step and a picture, in turns; and both for a vector environment, whose `render()`
makes one picture of each environment. Cells are medians over rounds.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from typing import Any

import gymnasium
import numpy as np
from tqdm import tqdm

import metaworld_py
from metaworld_py.checks.bench import table
from metaworld_py.engine.machine import processor_name
from metaworld_py.evaluation import installed_versions
from metaworld_py.rendering import QUALITIES, RenderingError

BACKENDS = ("egl", "osmesa", "glfw")
WARM_UP = 5  # pictures


def pictures_per_second(envs: Any, num_envs: int, *, steps: bool, seconds: float, rounds: int) -> float:
    """Median over rounds, pictures of all environments together."""
    rng = np.random.default_rng(0)
    shape = (4,) if num_envs == 1 else (num_envs, 4)
    rates = []
    for _ in range(rounds):
        envs.reset()
        count, start = 0, time.perf_counter()
        while count == 0 or time.perf_counter() - start < seconds / rounds:
            if steps:
                envs.step(rng.uniform(-1, 1, shape).astype(np.float32))
            envs.render()
            count += num_envs
        rates.append(count / (time.perf_counter() - start))
    return float(np.median(rates))


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """All cells for the backend of this process."""
    cells = []
    for quality, size in itertools.product(QUALITIES, options.sizes):
        for num_envs in options.envs:
            keywords = {"render_mode": "rgb_array", "width": size, "height": size, "camera_name": options.camera, "seed": 0}
            keywords["render_quality"] = quality
            if num_envs == 1:
                envs: Any = gymnasium.make("Meta-World/MT1", env_name=options.task, max_episode_steps=100_000, **keywords)
            else:
                envs = gymnasium.make_vec("Meta-World/custom-mt-envs", envs_list=[options.task], num_envs=num_envs, **keywords)
            envs.reset(seed=0)
            for _ in range(WARM_UP):
                envs.render()
            rates = {
                name: pictures_per_second(envs, num_envs, steps=steps, seconds=options.seconds, rounds=options.rounds)
                for name, steps in (("render", False), ("step and render", True))
            }
            envs.close()
            cells.append({"quality": quality, "size": size, "num_envs": num_envs, **rates})
    return cells


def ask(backend: str) -> tuple[list[dict[str, Any]], str]:
    """The cells of one backend, measured in a process of its own; or why there are none."""
    environment = {**os.environ, "MUJOCO_GL": backend, "PYOPENGL_PLATFORM": backend}
    if backend == "glfw":
        del environment["PYOPENGL_PLATFORM"]  # its own choice
    command = [sys.executable, "-W", "ignore", *sys.argv, "--measure"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()] or [f"its process ended with {done.returncode}"]
        return [], lines[-1]
    return json.loads(done.stdout.splitlines()[-1]), ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=list(BACKENDS))
    parser.add_argument("--task", default="door-open")
    parser.add_argument("--sizes", nargs="+", type=int, default=[84, 224], help="pixels, square")
    parser.add_argument("--envs", nargs="+", type=int, default=[1, 8], help="numbers of environments")
    parser.add_argument("--camera", help="camera name (default: overview from the front)")
    parser.add_argument("--seconds", type=float, default=5.0, help="per cell")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    metaworld_py.find_task(options.task)
    if options.measure:
        try:
            print(json.dumps(measure(options)))
        except RenderingError as error:
            cause = f" ({error.__cause__})" if error.__cause__ else ""
            print(f"not available{cause}", file=sys.stderr)
            return 1
        return 0
    rows, missing = [], []
    for backend in tqdm(options.backends, disable=None):
        cells, reason = ask(backend)
        for cell in cells:
            size = f"{cell['size']} × {cell['size']}"
            rows.append((backend, cell["quality"], size, f"{cell['num_envs']}", f"{cell['render']:.0f}", f"{cell['step and render']:.0f}"))
        if not cells:
            missing.append(f"{backend}: {reason}")
    if rows:
        print("\n".join(table(("OpenGL", "quality", "pixels", "environments", "render, pictures/s", "step and render, pictures/s"), rows)))
    print("\n".join(["", *missing, f"task {options.task}, camera {options.camera or 'overview'}", processor_name()]))
    print(" · ".join(f"{name} {version}" for name, version in installed_versions().items()) + f" · {sys.platform}")
    return 0 if rows else 1


if __name__ == "__main__":
    sys.exit(main())
