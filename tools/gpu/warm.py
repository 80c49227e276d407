"""Compiles the rewards of tasks and the stepping loop ahead of a job: `tools/gpu/run.sh --python tools/gpu/warm.py MT10`.

Numba compiles one function at a time in a process: there, a benchmark's rewards wait for one another. Here each task has a process.
"""

import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from metaworld_py.benchmarks import CustomMT
from metaworld_py.engine.machine import available_cores
from metaworld_py.envs.vector_env import MetaWorldVectorEnv
from metaworld_py.instances.task_sets import TASK_SETS


def warm(name, with_loop):
    envs = MetaWorldVectorEnv([list(CustomMT([name], 1).instances_of(name))], seed=1)
    envs.reset()
    if with_loop:  # which all tasks share
        envs.step(envs.action_space.sample())
    envs.close()


def main():
    begun = time.perf_counter()
    names = list(dict.fromkeys(name for asked in sys.argv[1:] or ["MT10"] for name in TASK_SETS.get(asked, (asked,))))
    # Spawned: a forked process would inherit the locks of threads that it lacks.
    with ProcessPoolExecutor(min(available_cores(), len(names)), multiprocessing.get_context("spawn")) as pool:
        list(pool.map(warm, names, (name == names[0] for name in names)))  # the first one's share is the longest
    print(f"rewards of {len(names)} tasks and the loop: {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
