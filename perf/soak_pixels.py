"""Many pictures that must leave nothing behind: 10⁵ frames of eight tasks in one process, then contexts opened and closed; exit status 1 if
memory grows.

    python perf/soak_pixels.py
    python perf/soak_pixels.py --frames 8000
"""

from __future__ import annotations

import argparse
import ctypes
import sys
import time

import gymnasium
import numpy as np
from tqdm import tqdm

import metaworld_py  # noqa: F401  # registers the ids
from metaworld_py.engine.machine import resident_bytes

TASKS = ["reach", "door-open", "push", "hammer", "coffee-pull", "basketball", "window-open", "drawer-close"]
SIZE_PX = 32
WARM_UP_FRAMES = 2000
CONTEXTS = 30  # opened and closed at the end
MAX_GROWTH_BYTES = 32_000_000  # a leak of one picture in ten would be 30 MB in 10⁵ frames; drivers keep some buffers


def used_bytes() -> int | None:
    """Resident memory without what the C library keeps for itself after it was freed, which can be 100 MB."""
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
        if trim is not None:
            trim(0)
    return resident_bytes()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=100_000)
    frames_wanted = parser.parse_args().frames
    options = {"obs_mode": "pixels", "obs_width": SIZE_PX, "obs_height": SIZE_PX}
    envs = gymnasium.make_vec("Meta-World/custom-mt-envs", envs_list=TASKS, seed=1, **options)
    rng, memory = np.random.default_rng(0), {}
    first = envs.reset(seed=0)[0]
    frames, started = 0, time.perf_counter()
    with tqdm(total=frames_wanted, unit=" frames", unit_scale=True, disable=None) as bar:
        while frames < frames_wanted:
            envs.step(rng.uniform(-1, 1, (envs.num_envs, 4)).astype(np.float32))
            frames += envs.num_envs
            bar.update(envs.num_envs)
            if "after warm-up" not in memory and frames >= min(WARM_UP_FRAMES, frames_wanted // 2):
                memory["after warm-up"] = used_bytes()
            if "half-way" not in memory and frames >= frames_wanted // 2:
                memory["half-way"] = used_bytes()
    seconds = time.perf_counter() - started
    memory["after the frames"] = used_bytes()
    is_same = np.array_equal(envs.reset(seed=0)[0], first)
    envs.close()
    for _ in range(CONTEXTS):
        env = gymnasium.make("Meta-World/MT1", env_name="reach", seed=1, **options)
        env.reset()
        env.close()
    memory["after the contexts"] = used_bytes()
    shown = {name: f"{size / 1e6:.1f} MB" if size else "unknown" for name, size in memory.items()}
    print(f"{frames} frames of {len(TASKS)} tasks, {frames / seconds:.0f} a second; then {CONTEXTS} contexts. Memory: {shown}")
    growth = [(memory[name] or 0) - (memory["after warm-up"] or 0) for name in ("after the frames", "after the contexts")]
    print("the first picture again" if is_same else "NOT the first picture again", f"· grown by {max(growth) / 1e6:.1f} MB")
    return 0 if is_same and max(growth) < MAX_GROWTH_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
