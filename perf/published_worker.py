"""Times the published package as a black box; runs in its virtual environment, talks to step.py in JSON lines."""

import json
import sys
import time

import metaworld
import numpy as np


def main(task: str) -> None:
    benchmark = metaworld.MT1(f"{task}-v3", seed=1)
    env = benchmark.train_classes[f"{task}-v3"]()
    env.set_task(benchmark.train_tasks[0])
    env.max_path_length = 10**9
    for line in sys.stdin:
        job = json.loads(line)
        actions = np.array(job["actions"], dtype=np.float32)
        env.reset()
        start = time.perf_counter()
        for action in actions:
            env.step(action)
        step = (time.perf_counter() - start) / len(actions)
        start = time.perf_counter()
        for _ in range(job["resets"]):
            env.reset()
        print(json.dumps({"step": step, "reset": (time.perf_counter() - start) / job["resets"]}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
