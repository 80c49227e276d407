"""`metaworld-py bench`: this machine's speed and memory."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("bench", help="this machine's speed: steps and resets per second, share of the physical floor, memory")
    parser.add_argument("--tasks", nargs="+", metavar="TASKS", help="task names and sets (default: door-open MT10 MT50)")
    parser.add_argument("--envs", nargs="+", type=int, metavar="N", help="numbers of environments (default: 1 10 50 256 1024)")
    parser.add_argument("--seconds", type=float, help="per cell of the table, about (default: 5)")
    parser.add_argument("--rounds", type=int, help="of each cell, whose medians are shown (default: 5)")
    parser.add_argument("--threads", type=int, help="native threads (default: as many as there are cores)")
    parser.add_argument("--plain", action="store_true", help="vector environments without Numba, even where it is installed")
    parser.add_argument("--no-memory", action="store_true", help="leave memory out")
    parser.add_argument("--quick", action="store_true", help="a small table in seconds, to see that it works: too noisy to compare")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table to a .json file, too")
    parser.add_argument(
        "--gpu", action="store_true", help="the GPU engine instead (extra gpu): control steps per second by number of worlds"
    )
    parser.add_argument("--worlds", nargs="+", type=int, default=[4096, 16384], metavar="N", help="with --gpu: of all tasks together")
    parser.add_argument("--device", default="cuda:0", help="with --gpu: cuda:0, …; cpu runs the same kernels without a card")
    parser.set_defaults(run=run)


def _run_gpu(options: argparse.Namespace) -> int:
    from metaworld_py.checks.gpu_bench import measure_gpu

    for benchmark in options.tasks or ["MT50"]:
        for worlds in options.worlds:
            print(f"{benchmark}: {measure_gpu(benchmark, worlds, device=options.device, steps=20 if options.quick else 100)}")
    return 0


def run(options: argparse.Namespace) -> int:
    """Measure, and print the table."""
    if options.gpu:
        return _run_gpu(options)
    from tqdm import tqdm

    from metaworld_py.checks import bench

    if options.json is not None:
        if options.json.suffix != ".json":
            raise ValueError(f"--json takes a .json file, got {options.json.name!r}")
        if not options.json.absolute().parent.is_dir():
            raise ValueError(f"the folder of {options.json} does not exist: create it first")
    given = {
        "tasks": options.tasks and tuple(options.tasks),
        "env_counts": options.envs and tuple(options.envs),
        "seconds_per_cell": options.seconds,
        "rounds": options.rounds,
        "num_threads": options.threads,
        "compiled": False if options.plain else None,
        "measures_memory": False if options.no_memory else None,
    }
    base = bench.quick_config() if options.quick else bench.BenchConfig()
    config = replace(base, **{name: value for name, value in given.items() if value is not None})
    with tqdm(total=1.0, desc="measuring", bar_format="{desc}: {percentage:3.0f}% {bar} {elapsed}", disable=None) as bar:

        def show(what: str, part: float) -> None:
            bar.set_description(what, refresh=False)
            bar.update(part)

        result = bench.bench(config, progress=show)
    print(result)
    if options.json is not None:
        print(f"saved {result.save(options.json)}")
    return 0
