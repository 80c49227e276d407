"""Speed of the GPU engine by number of worlds: `python perf/gpu.py --worlds 4096 8192 16384 32768`, with `--device cpu` as a rehearsal.

The levers, each measured alone: `--lever iterations=6` caps the solver's iterations, `--lever contacts=32` and `--lever constraints=192`
change the room for them, `--lever bodies` leaves the arm's bodies unfused.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from metaworld_py._version import installed_versions
from metaworld_py.checks.gpu_bench import measure_gpu
from metaworld_py.gpu import mechanism, worlds


def pull(lever):
    """Change one thing of the engine."""
    name, _, value = lever.partition("=")
    if name == "contacts":
        worlds.CONTACTS_PER_WORLD = int(value)
    elif name == "constraints":
        worlds.CONSTRAINTS_PER_WORLD = int(value)
    elif name == "iterations":
        put = worlds._put

        def with_fewer(*arguments):
            model, data = put(*arguments)
            model.opt.iterations = int(value)
            return model, data

        worlds._put = with_fewer
    elif name == "bodies":
        mechanism.FUSES_BODIES = False
    else:
        raise SystemExit(f"unknown lever {name!r}: iterations=N, contacts=N, constraints=N or bodies")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, nargs="+", default=[4096, 8192, 16384, 32768], help="of all tasks together")
    parser.add_argument("--benchmark", default="MT50")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--lever")
    parser.add_argument("--out", type=Path, help="a .json file for the table")
    options = parser.parse_args()
    if options.lever:
        pull(options.lever)
    table = []
    for count in options.worlds:
        table.append(measure_gpu(options.benchmark, count, device=options.device, steps=options.steps))
        print(table[-1], flush=True)
    if options.out is not None:
        rows = [asdict(row) for row in table]
        options.out.write_text(json.dumps({"versions": installed_versions(), "lever": options.lever, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
