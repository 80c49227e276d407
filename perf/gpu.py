"""Speed of the GPU engine by number of worlds: `python perf/gpu.py --worlds 4096 8192 16384 32768`, with `--device cpu` as a rehearsal.

Levers are each measured alone, with the last number of worlds: `--levers opt.iterations=6 opt.ls_iterations=10` set an option of MuJoCo
Warp's, `contacts=32` and `constraints=192` change the room for them, `bodies` leaves the arm's bodies unfused, `one-graph` records a step's
rewards in the graph of its physics, on a card. `--kernels` tells what each kernel of a control step takes on a card.
"""

from __future__ import annotations

import argparse
import ast
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from unittest.mock import patch

from metaworld_py import make_gpu
from metaworld_py._version import installed_versions
from metaworld_py.checks.gpu_bench import kernel_times, measure_gpu
from metaworld_py.gpu import mechanism, vector_env, worlds


def step_in_one_graph(group):
    """A control step of a mechanism, its rewards recorded with the physics: on a card alone."""
    worlds = group.worlds

    def whole():
        worlds._advance()
        group.score()
        worlds._finish()

    worlds._launch("step", whole)


@contextmanager
def pulled(lever: str | None) -> Iterator[None]:
    """One thing of the engine changed."""
    name, _, value = (lever or "").partition("=")
    if lever is None:
        yield
    elif name == "contacts":
        with patch.object(worlds, "CONTACTS_PER_WORLD", int(value)):
            yield
    elif name == "constraints":
        with patch.object(worlds, "CONSTRAINTS_PER_WORLD", int(value)):
            yield
    elif name == "bodies":
        with patch.object(mechanism, "FUSES_BODIES", False):
            mechanism._mechanisms.cache_clear()
            yield
        mechanism._mechanisms.cache_clear()
    elif name == "one-graph":
        with patch.object(vector_env._Group, "step", step_in_one_graph):
            yield
    elif name.startswith("opt."):
        put = worlds._put

        def with_option(*arguments):
            model, data = put(*arguments)
            setattr(model.opt, name.removeprefix("opt."), ast.literal_eval(value))
            return model, data

        with patch.object(worlds, "_put", with_option):
            yield
    else:
        raise SystemExit(f"unknown lever {lever!r}: opt.NAME=VALUE, contacts=N, constraints=N, bodies or one-graph")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, nargs="+", default=[4096, 8192, 16384, 32768], help="of all tasks together")
    parser.add_argument("--benchmark", default="MT50")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--levers", nargs="*", default=[])
    parser.add_argument("--kernels", action="store_true")
    parser.add_argument("--out", type=Path, help="a .json file for what is found, written as it comes")
    options = parser.parse_args()
    begun, found = time.perf_counter(), {"versions": installed_versions(), "benchmark": options.benchmark, "rows": [], "kernels": {}}

    def tell(what: str) -> None:
        print(f"{time.perf_counter() - begun:5.0f} s  {what}", flush=True)
        if options.out is not None:
            options.out.write_text(json.dumps(found, indent=1))

    def measure(count: int, lever: str | None = None) -> None:
        try:
            with pulled(lever):
                row = measure_gpu(options.benchmark, count, device=options.device, steps=options.steps)
        except Exception as error:  # whatever it is: a card may be lent for minutes
            found["rows"].append({"worlds": count, "lever": lever, "error": f"{type(error).__name__}: {error}"})
            tell(f"{lever or 'as it is'}, {count} worlds: {type(error).__name__}: {error}")
        else:
            found["rows"].append({"lever": lever, **asdict(row)})
            tell(f"{lever or 'as it is'}: {row}")

    for count in options.worlds:
        measure(count)
    for lever in options.levers:
        measure(options.worlds[-1], lever)
    if options.kernels:  # last: what has no room for it, has told all else
        env = make_gpu(options.benchmark, options.worlds[-1], seed=0, device=options.device, num_goals=10)
        env.reset()
        kernel_times(env)  # the first time they are loaded
        found["kernels"] = kernel_times(env)
        for name, kernels in found["kernels"].items():
            most = ", ".join(f"{kernel} {ms:.3f} ({number})" for kernel, (number, ms) in list(kernels.items())[:12])
            tell(f"{name}, ms (runs): {sum(ms for _, ms in kernels.values()):.2f} altogether; {most}")


if __name__ == "__main__":
    main()
