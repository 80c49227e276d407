"""How speed grows with native threads and environments: steps per second, and the gain over one thread.

python perf/scale.py
python perf/scale.py --tasks MT50 --envs 50 500 --threads 1 8 16
"""

from __future__ import annotations

import argparse
import sys

from tqdm import tqdm

from metaworld_py.checks.bench import BenchConfig, Cell, measure, table
from metaworld_py.engine.machine import available_cores, processor_name
from metaworld_py.evaluation import installed_versions


def thread_counts(cores: int) -> list[int]:
    """Powers of two below the number of cores, and that number."""
    return sorted({cores, *(2**power for power in range(cores.bit_length()) if 2**power < cores)})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=["door-open", "MT10", "MT50"], help="task names and sets")
    parser.add_argument("--envs", nargs="+", type=int, default=[10, 50, 250, 1000], help="where a multiple of the tasks")
    parser.add_argument("--threads", nargs="+", type=int, default=thread_counts(available_cores()))
    parser.add_argument("--seconds", type=float, default=5.0, help="per cell, about")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    settings = {
        "tasks": tuple(options.tasks),
        "env_counts": tuple(options.envs),
        "seconds_per_cell": options.seconds,
        "rounds": options.rounds,
        "measures_memory": False,
    }
    try:
        configs = {threads: BenchConfig(**settings, num_threads=threads) for threads in options.threads}
    except ValueError as error:
        parser.error(str(error))
    cells = configs[options.threads[0]].cells
    head = ["tasks", "environments"]
    for threads in options.threads:
        head += [f"{threads} thread{'s' * (threads > 1)}: steps/s", "share of floor", *(["gain"] if threads != options.threads[0] else [])]
    rows = []
    for tasks, num_envs in tqdm(cells, disable=None):
        # One after the other: the share of the floor, measured beside each, tells a change of the machine's pace from one of ours.
        measured: list[Cell] = [measure(tasks, num_envs, config) for config in configs.values()]
        row = [tasks, f"{num_envs}"]
        for cell in measured:
            row += [f"{cell.steps_per_second:.0f}", f"{cell.floor_share:.0%}"]
            if cell is not measured[0]:
                row.append(f"{cell.steps_per_second / measured[0].steps_per_second:.2f}")
        rows.append(row)
    print("\n".join(table(head, rows)))
    versions = " · ".join(f"{name} {version}" for name, version in installed_versions().items())
    print(f"\n{processor_name()} · {versions} · {sys.platform}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
