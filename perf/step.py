"""Speed of one environment as ratios measured in one run: `env.step` and `env.reset` beside the physical floor and the published package.

The floor of a control step is 5 × mj_step + 1 × mj_forward on the same model and state, from plain Python. All contenders take turns,
round by round, on the same actions; cells are medians over rounds,
ratios medians of the rounds' ratios.

    python perf/step.py                                    # ours and the floor

And beside the published package, in a virtual environment of its own:

    python perf/step.py --published .venvs/published/bin/python      # which perf/compare.py makes
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import mujoco
import numpy as np
from contenders import Worker

from metaworld_py.benchmarks import MT1
from metaworld_py.envs.env import MetaWorldEnv, env_class
from metaworld_py.evaluation import installed_versions
from metaworld_py.instances.task_sets import MT10
from metaworld_py.sim.simulation import PHYSICS_STEPS

RESETS = 5


def time_steps(env: MetaWorldEnv, actions: np.ndarray) -> float:
    env.reset(seed=0)
    start = time.perf_counter()
    for action in actions:
        env.step(action)
    return (time.perf_counter() - start) / len(actions)


def time_resets(env: MetaWorldEnv, resets: int) -> float:
    start = time.perf_counter()
    for _ in range(resets):
        env.reset()
    return (time.perf_counter() - start) / resets


def time_floor(env: MetaWorldEnv, actions: np.ndarray) -> float:
    """Seconds of the physics of one control step, with the same actions from the same start."""
    env.reset(seed=0)
    model, data = env.model, env.data
    low, high = np.array(env.task_def.hand_low), np.array(env.task_def.hand_high)
    targets = np.clip(actions[:, :3], -1, 1) / 100
    elapsed = 0.0
    for displacement, effort in zip(targets, actions[:, 3].tolist(), strict=True):
        data.mocap_pos[0] = np.clip(data.mocap_pos[0] + displacement, low, high)
        data.ctrl[:] = effort, -effort
        start = time.perf_counter()
        mujoco.mj_step(model, data, PHYSICS_STEPS)
        mujoco.mj_forward(model, data)
        elapsed += time.perf_counter() - start
    return elapsed / len(actions)


def measure(task: str, rounds: int, steps: int, published_python: str | None) -> dict[str, float]:
    """Medians over rounds, in µs."""
    env = env_class(task)(max_episode_steps=None)
    env.set_tasks(MT1(task, seed=1).train_tasks)
    published = Worker("published", published_python) if published_python else None
    if published:
        published.ask("make", tasks=[task], task_set=None, strategy="bare", num_envs=1, threads=1)
    samples: dict[str, list[float]] = {}
    for turn in range(rounds):
        actions = np.random.default_rng(turn).uniform(-1, 1, (steps, 4)).astype(np.float32)  # as the worker draws them
        times: dict[str, Any] = {"floor": time_floor(env, actions), "step": time_steps(env, actions), "reset": time_resets(env, RESETS)}
        if published:
            answers = {"step": published.ask("steps", calls=steps, seed=turn), "reset": published.ask("resets", calls=RESETS)}
            times |= {f"published_{key}": answer["seconds"] / answer["done"] for key, answer in answers.items()}
        for key, value in times.items():
            samples.setdefault(key, []).append(value * 1e6)
    if published:
        published.close()
    medians = {key: float(np.median(values)) for key, values in samples.items()}
    # Ratios within a round, since the machine's pace changes between rounds.
    medians["ratio"] = float(np.median(np.divide(samples["step"], samples["floor"])))
    for key in ("step", "reset"):
        if published:
            medians[f"{key}_gain"] = float(np.median(np.divide(samples[f"published_{key}"], samples[key])))
    return medians


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=list(MT10))
    parser.add_argument("--published", metavar="PYTHON", help="interpreter that has metaworld 3.1.1")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--steps", type=int, default=80)
    options = parser.parse_args()
    columns = ["floor µs", "step µs", "step / floor", "reset µs"]
    if options.published:
        columns += ["published step µs", "step: times faster", "published reset µs", "reset: times faster"]
    print("| task | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1))
    rows = []
    for task in options.tasks:
        t = measure(task, options.rounds, options.steps, options.published)
        row = [t["floor"], t["step"], t["ratio"], t["reset"]]
        if options.published:
            row += [t["published_step"], t["step_gain"], t["published_reset"], t["reset_gain"]]
        rows.append(row)
        print_row(task, row)
    print_row("median", np.median(rows, axis=0).tolist())
    print("\n" + " · ".join(f"{name} {version}" for name, version in installed_versions().items()) + f" · {sys.platform}")


def print_row(label: str, row: list[float]) -> None:
    cells = [f"{value:.2f}" if index == 2 else f"{value:.1f}" if index in (5, 7) else f"{value:.0f}" for index, value in enumerate(row)]
    print(f"| {label} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
