"""Experts on the GPU engine and on the CPU's, side by side: `python perf/gpu_fidelity.py --device cpu` prints the table of docs/gpu.md.

Both play the same instances, each expert closed loop on its own observations.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

import metaworld_py
from metaworld_py.engine.episode import Episode
from metaworld_py.engine.layout import displacement
from metaworld_py.instances.task_sets import task_names
from metaworld_py.tasks import TASKS


def play_gpu(names, instances_per_task, steps, device, seed, version):
    """Success (n,) at any step and return (n,) of one episode of every instance, the instances themselves, and the counters."""
    n = len(names) * instances_per_task
    env = metaworld_py.make_gpu(
        names, n, seed=seed, device=device, num_goals=instances_per_task, max_episode_steps=steps, reward_function_version=version
    )
    observation, _ = env.reset(options={"instances": np.tile(np.arange(instances_per_task), len(names))})
    experts = [TASKS[name.removesuffix("-v3")].expert for name in env.task_names]
    observation = observation.numpy().astype(np.float64)
    success, total = np.zeros(n, dtype=bool), np.zeros(n)
    unstable = np.zeros(n, dtype=bool)
    for _ in range(steps):
        actions = np.clip([expert(one) for expert, one in zip(experts, observation, strict=True)], -1, 1).astype(np.float32)
        observation, reward, _, _, info = env.step(actions)
        observation = observation.numpy().astype(np.float64)
        success |= info["success"].numpy() > 0
        total += reward.numpy()
        unstable |= info["is_unstable"].numpy()
    return success, total, unstable, [one for of_task in env.instances for one in of_task], env.counters


def play_cpu(instances, steps, version):
    """Success and return of one episode of every instance."""
    success, total = [], []
    for instance in instances:
        task = TASKS[instance.env_name.removesuffix("-v3")]
        episode = Episode(task, reward_version=version)
        episode.reset(instance.rand_vec, hide_goal=False)
        scores = []
        for _ in range(steps):
            action = np.clip(np.array(task.expert(episode.observation)), -1, 1).astype(np.float32)
            scores.append(episode.step(displacement(action), float(action[3])))
        success.append(any(score.success for score in scores))
        total.append(sum(score.reward for score in scores))
    return np.array(success), np.array(total)


def apart_by(value, wanted):
    """Relative difference; of nothing at all, none."""
    return (value - wanted) / wanted if wanted else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", default="MT50", help="a set, or names with commas")
    parser.add_argument("--instances", type=int, default=10, help="of each task")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--reward", default="v2")
    parser.add_argument("--out", type=Path, help="a .json file for the rows")
    options = parser.parse_args()
    names = task_names(options.tasks if "," not in options.tasks else options.tasks.split(","))
    begun = time.perf_counter()
    success, total, unstable, instances, counters = play_gpu(
        names, options.instances, options.steps, options.device, options.seed, options.reward
    )
    gpu_seconds = time.perf_counter() - begun
    success_c, total_c = play_cpu(instances, options.steps, options.reward)
    print(f"| task | success GPU engine / CPU (of {options.instances}) | mean return GPU engine / CPU | difference |\n|---|---|---|---|")
    rows, n = [], options.instances
    for index, name in enumerate(names):
        part = slice(index * n, (index + 1) * n)
        gpu, cpu = float(total[part].mean()), float(total_c[part].mean())
        wins, wins_c = int(success[part].sum()), int(success_c[part].sum())
        rows.append({"task": name, "success_gpu": wins, "success_cpu": wins_c, "return_gpu": gpu, "return_cpu": cpu})
        print(f"| {name} | {wins} / {wins_c} | {gpu:.1f} / {cpu:.1f} | {100 * apart_by(gpu, cpu):+.2f} % |")
    close = sum(abs(apart_by(row["return_gpu"], row["return_cpu"])) <= 0.005 for row in rows)
    apart = max(abs(row["success_gpu"] - row["success_cpu"]) for row in rows)
    print(
        f"\n{success.sum()} of {len(success)} episodes succeed, {success_c.sum()} on the CPU; at most {apart} apart a task; returns within "
        f"0.5 % on {close} of {len(names)} tasks; {unstable.sum()} unstable; {counters}; {gpu_seconds:.0f} s on {options.device}"
    )
    if options.out is not None:
        options.out.write_text(json.dumps({"config": vars(options) | {"out": None}, "counters": counters, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
