"""Try scripted experts while writing them: success over the published instances of a seed, steps to success, and reward errors.

python tools/fidelity/try_expert.py door-open drawer-open --seed 0 --instances 50
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from metaworld_py.envs.vector_env import MetaWorldVectorEnv
from metaworld_py.instances import draw_instances
from metaworld_py.tasks import TASKS, find_task


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--instances", type=int, default=50)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--trace", type=int, metavar="INSTANCE", help="print every 10th step of one instance")
    arguments = parser.parse_args()
    for name in arguments.tasks:
        try_expert(name, arguments)


def try_expert(name: str, arguments: argparse.Namespace) -> None:
    task = find_task(name)
    tasks = draw_instances([name], arguments.seed, partially_observable=False, per_task=arguments.instances)
    envs = MetaWorldVectorEnv([[instance] for instance in tasks], autoreset_mode="Disabled", max_episode_steps=arguments.steps + 1)
    observations = envs.reset()[0]
    first_success = np.full(len(tasks), -1)
    for step in range(arguments.steps):
        actions = np.array([task.expert(observation) for observation in observations.tolist()], dtype=np.float32)
        observations, rewards, _, _, infos = envs.step(actions)
        first_success[(first_success < 0) & (infos["success"] > 0)] = step
        if arguments.trace is not None and step % 10 == 0:
            observation = observations[arguments.trace]
            print(step, "hand", observation[:3].round(3), "opening", observation[3].round(2), "obj", observation[4:7].round(3),
                  "goal", observation[36:].round(3), "action", actions[arguments.trace].round(2),
                  "reward", rewards[arguments.trace].round(3))  # fmt: skip
        if (first_success >= 0).all() and arguments.trace is None:
            break
    solved = first_success >= 0
    median = np.median(first_success[solved]) if solved.any() else float("nan")
    summary = f"success {solved.mean():6.1%}   median steps {median:5.0f}   slowest {first_success.max():4d}"
    print(f"{name:28s} {summary}   failed {np.flatnonzero(~solved).tolist()}", flush=True)


if __name__ == "__main__":
    main()
