"""What each saving of the physics is worth: time of a control step as a share of the floor (5 × mj_step + mj_forward on the whole scene).

All variants take turns, round by round, on the same actions; a variant that changes the trajectory by one bit says so.

    python perf/lean.py
"""

from __future__ import annotations

import argparse
import copy
import time

import mujoco
import numpy as np

from metaworld_py.instances.task_sets import MT10
from metaworld_py.sim.scene import compose, without_looks
from metaworld_py.sim.simulation import MOCAP_QUAT_WXYZ, OPEN_FINGERS, PHYSICS_STEPS, SETTLE_PHYSICS_STEPS
from metaworld_py.tasks import find_task
from metaworld_py.tasks.common.definition import TaskDef


def forward(model: mujoco.MjModel, data: mujoco.MjData) -> None:
    mujoco.mj_forward(model, data)


def kinematics(model: mujoco.MjModel, data: mujoco.MjData) -> None:
    mujoco.mj_kinematics(model, data)
    mujoco.mj_sensorPos(model, data)


def with_islands(model: mujoco.MjModel) -> mujoco.MjModel:
    changed = copy.copy(model)
    changed.opt.disableflags &= ~int(mujoco.mjtDisableBit.mjDSBL_ISLAND)
    return changed


def without_sensors(model: mujoco.MjModel) -> mujoco.MjModel:
    changed = copy.copy(model)
    changed.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_SENSOR)
    return changed


def with_fused_bodies(task: TaskDef) -> mujoco.MjModel:
    """Bodies without joints melt into what carries them, but for fixtures, which instances move."""
    signals = task.reader.signals
    spec = without_looks(compose(task.scene, signals), signals)
    for name in task.fixtures or ():
        spec.add_exclude(bodyname1=name, bodyname2="world")  # a body that something refers to is not fused
    spec.compiler.fusestatic = True
    return spec.compile()


VARIANTS = {
    "floor: whole scene, mj_forward": lambda task: (task.model, forward),
    "without looks": lambda task: (task.physics_model, forward),
    "without looks, kinematics only after the step (ours)": lambda task: (task.physics_model, kinematics),
    "ours, with constraint islands (the engine's default)": lambda task: (with_islands(task.physics_model), kinematics),
    "ours, bodies without joints fused": lambda task: (with_fused_bodies(task), kinematics),
    "ours, sensors off within the step": lambda task: (without_sensors(task.physics_model), kinematics),
}


def measure(task: TaskDef, variant: str, actions: np.ndarray) -> tuple[float, np.ndarray]:
    """Seconds per control step, and where it ended."""
    model, refresh = VARIANTS[variant](task)
    data = mujoco.MjData(model)
    data.mocap_pos[0], data.mocap_quat[0], data.ctrl[:] = task.hand_start, MOCAP_QUAT_WXYZ, OPEN_FINGERS
    mujoco.mj_step(model, data, SETTLE_PHYSICS_STEPS)
    elapsed = 0.0
    for *displacement, effort in actions:
        data.mocap_pos[0] = np.clip(data.mocap_pos[0] + np.array(displacement) / 100, task.hand_low, task.hand_high)
        data.ctrl[:] = effort, -effort
        start = time.perf_counter()
        mujoco.mj_step(model, data, PHYSICS_STEPS)
        refresh(model, data)
        elapsed += time.perf_counter() - start
    return elapsed / len(actions), data.qpos.copy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=list(MT10))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=150)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    ratios: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    changed: dict[str, float] = dict.fromkeys(VARIANTS, 0.0)
    for name in options.tasks:
        rounds: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
        for _ in range(options.rounds):
            actions = rng.uniform(-1, 1, (options.steps, 4))
            ends = {}
            for variant in VARIANTS:
                seconds, ends[variant] = measure(find_task(name), variant, actions)
                rounds[variant].append(seconds)
            for variant in VARIANTS:
                changed[variant] = max(changed[variant], float(np.abs(ends[variant] - next(iter(ends.values()))).max()))
        floor = rounds[next(iter(VARIANTS))]
        for variant, seconds in rounds.items():
            ratios[variant].append(float(np.median(np.divide(seconds, floor))))
    print("| variant | share of the floor (median, range over tasks) | largest change of a joint position |\n|---|---|---|")
    for variant, values in ratios.items():
        change = f"{changed[variant]:.0e}" if changed[variant] else "none"
        print(f"| {variant} | {np.median(values):.2f} ({min(values):.2f}–{max(values):.2f}) | {change} |")


if __name__ == "__main__":
    main()
