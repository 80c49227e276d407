"""Compiles the GPU engine's kernels for an H100 that is not there: `python tools/gpu/compile_kernels.py FOLDER --worlds 4096 16384`.

FOLDER becomes Warp's cache on the machine that has the card. Needs the extra `gpu` and no driver: the compiler is inside Warp. Nothing is
run: launches of a control step are recorded with a stand-in for the card, then each module is compiled for each block size that it is
launched with. A few kernels depend on the number of worlds.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mujoco_warp
import warp as wp
from mujoco_warp._src import collision_convex

import metaworld_py

H100 = {"is_cuda": True, "is_cpu": False, "sm_count": 132, "arch": 90}
DEFAULT_BLOCK = 256


class StandIn:
    """The processor as Warp's kernels see it, but for what tells a card."""

    def __init__(self, device) -> None:
        self._device = device

    def __getattr__(self, name):
        return H100[name] if name in H100 else getattr(self._device, name)


def record(benchmark, num_worlds):
    """Modules of a control step's kernels, by name and block size."""
    env = metaworld_py.make_gpu(benchmark, num_worlds, device="cpu", num_goals=1)
    modules, real = (
        {},
        {name: getattr(wp, name) for name in ("launch", "launch_tiled", "capture_while", "get_device", "get_suggested_block_size")},
    )
    grid_size = collision_convex._ccd_grid_size

    def launch(kernel, dim=None, inputs=(), outputs=(), *_, block_dim=None, **__):
        if kernel.is_generic:
            kernel = kernel._add_normalized_overload(kernel.infer_argument_types([*inputs, *outputs]))
        modules[kernel.module.name, block_dim or DEFAULT_BLOCK] = kernel.module

    def suggested(kernel, device=None):
        modules[kernel.module.name, kernel.module.options["block_dim"]] = kernel.module
        return DEFAULT_BLOCK, 4 * H100["sm_count"]

    cpu = wp.get_device("cpu")
    try:
        wp.launch = wp.launch_tiled = launch
        wp.get_suggested_block_size = suggested
        wp.capture_while = lambda condition, while_body, stream=None, **keywords: while_body(**keywords)
        wp.get_device = lambda *_, **__: StandIn(cpu)
        collision_convex._ccd_grid_size = lambda kernel, count, device: (suggested(kernel), count)[1]
        for worlds in env.worlds:
            for part in (worlds._draw, worlds._advance, worlds._finish):
                part()
            mujoco_warp.forward(worlds.model, worlds.data)
    finally:
        for name, original in real.items():
            setattr(wp, name, original)
        collision_convex._ccd_grid_size = grid_size
    return modules


def compile_module(item):
    """Whether the module had to be compiled for its block size."""
    (name, block), module = item
    module.get_module_hash(block)
    begun = time.perf_counter()
    is_new = bool(module._compile(None, output_arch=H100["arch"], options=module.resolve_options(wp.config, block_dim=block)))
    if is_new:
        print(f"{time.perf_counter() - begun:6.1f} s  block {block:4d}  {name}", flush=True)
    return is_new


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--benchmark", default="MT50")
    parser.add_argument("--worlds", type=int, nargs="+", default=[4096, 8192, 16384, 32768])
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    wp.config.kernel_cache_dir = str(options.folder.absolute())
    wp.init()
    modules = {}
    for count in options.worlds:
        modules |= record(options.benchmark, count)
    begun = time.perf_counter()
    with ThreadPoolExecutor(options.jobs) as pool:
        new = sum(pool.map(compile_module, sorted(modules.items(), key=lambda item: item[0])))
    print(f"{len(modules)} modules and block sizes, {new} compiled, {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
