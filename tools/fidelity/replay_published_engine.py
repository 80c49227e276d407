"""Fidelity at the model level: replay recorded actions on the published engine (mujoco 3.3.0) in our composed scenes.

Scenes are exported as XML and simulated by `tools/fidelity/published_engine_worker.py` in a virtual environment of its own. Printed per
task: how far hand and observed objects drift from the recording over 200 control steps, beside the drift of the published scenes against
themselves (floor) and of a rebuild with good convex shapes (rebuild); and the same over one control step from each recorded state, without
and with the palm in contact: it tells what differs from what only grows.

    python -m venv /tmp/engine && /tmp/engine/bin/pip install mujoco==3.3.0
    python tools/fidelity/replay_published_engine.py RECORDINGS --engine /tmp/engine/bin/python [--tasks door-open ...]
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from metaworld_py.engine.episode import Episode
from metaworld_py.engine.layout import MAX_DISPLACEMENT
from metaworld_py.engine.resets import settled
from metaworld_py.sim.scene import compose
from metaworld_py.sim.simulation import MOCAP_QUAT_WXYZ, OPEN_FINGERS, PHYSICS_STEPS, SETTLE_PHYSICS_STEPS
from metaworld_py.tasks import TASKS, TaskDef, find_task

WORKER = Path(__file__).with_name("published_engine_worker.py")
# Largest |Δhand| / |Δobject| in metres over 200 control steps: the published scenes with gravity changed by 1e-12 (chaos floor), and the
# published measurement of a rebuild with convex polytopes. Tasks not listed agree to 1e-7 (hand) and 4e-6 (object) in both.
FLOOR_AND_REBUILD = {
    "box-close": ((1e-7, 1e-7), (3e-3, 1e-2)),
    "button-press": ((3e-7, 5e-8), (5e-3, 4e-3)),
    "button-press-topdown": ((1e-7, 1e-7), (4e-3, 2e-3)),
    "button-press-topdown-wall": ((1e-7, 1e-7), (2e-3, 2e-3)),
    "button-press-wall": ((8e-7, 4e-8), (5e-4, 9e-5)),
    "coffee-button": ((1e-7, 1e-7), (5e-4, 4e-4)),
    "coffee-pull": ((1e-3, 1e-1), (1e-3, 1e-1)),
    "coffee-push": ((1e-2, 2e-1), (1e-2, 2e-1)),
    "door-close": ((1e-7, 1e-7), (1e-2, 1e-2)),
    "door-open": ((7e-6, 2e-5), (4e-3, 3e-2)),
    "door-unlock": ((1e-5, 8e-6), (2e-2, 5e-3)),
    "drawer-open": ((1e-7, 1e-7), (1e-3, 2e-3)),
    "faucet-close": ((1e-7, 1e-7), (7e-2, 2e-2)),
    "faucet-open": ((1e-7, 1e-7), (2e-2, 1e-2)),
    "lever-pull": ((1e-7, 1e-7), (3e-3, 1e-2)),
    "peg-insert-side": ((4e-7, 3e-7), (1e-4, 4e-4)),
    "peg-unplug-side": ((2e-3, 5e-3), (1e-2, 4e-2)),
    "pick-place": ((2e-4, 2e-2), (2e-4, 3e-2)),
    "pick-place-wall": ((2e-4, 1e-2), (3e-4, 8e-3)),
    "plate-slide": ((1e-7, 1e-7), (7e-3, 2e-3)),
    "plate-slide-side": ((1e-7, 1e-7), (1e-3, 1e-3)),
    "push": ((1e-3, 2e-2), (1e-3, 2e-2)),
    "push-wall": ((2e-3, 2e-2), (1e-3, 3e-2)),
    "reach": ((8e-15, 2e-3), (1e-15, 2e-3)),
    "reach-wall": ((7e-15, 2e-3), (1e-15, 2e-3)),
    "shelf-place": ((1e-7, 1e-7), (6e-4, 3e-4)),
    "soccer": ((8e-7, 4e-6), (4e-3, 7e-3)),
    "stick-pull": ((8e-5, 2e-3), (2e-2, 9e-2)),
    "stick-push": ((1e-7, 1e-7), (6e-3, 4e-2)),
    "window-close": ((1e-7, 1e-7), (4e-2, 2e-3)),
    "window-open": ((1e-7, 1e-7), (5e-4, 1e-3)),
}
UNLISTED = ((1e-7, 4e-6), (1e-7, 4e-6))


def exported_scene(task: TaskDef) -> str:
    """The composed scene as MJCF that the published engine can read: no sensors, and looks that it does not know left out.

    MjSpec writes six digits, which is too coarse where flat faces meet: `exact_frames` has the rest.
    """
    spec = compose(task.scene)
    spec.compile()
    return re.sub(r' colorspace="\w+"|<light [^>]*/>', "", spec.to_xml())


def exact_frames(task: TaskDef) -> dict[str, np.ndarray]:
    """Poses of bodies and geoms to the last bit, named as model fields."""
    model = compose(task.scene).compile()
    return {field: getattr(model, field) for field in ("body_pos", "body_quat", "geom_pos", "geom_quat")}


def extra_settle_steps(task: TaskDef, rand_vec: list[float]) -> int:
    """Physics steps that a reset adds after settling."""
    _, row = settled(task, tuple(task.fixture_positions(rand_vec)))
    return task.place(rand_vec, task.reader.read(row)).physics_steps


def replay(task: TaskDef, record: dict[str, np.ndarray], engine: str) -> dict[str, np.ndarray]:
    """Drift of one task's recorded episodes on the published engine.

    Returns:
      `settle` (E,): largest |Δ| of the arm's joint positions after settling; `hand`, `object` (E,): largest |Δ| (m, and quaternion
      components for objects) of the observed hand and object slots over the episode; `step_free`, `step_palm` (E,): largest |Δ| of all
      joint positions after one control step from each recorded state, where the palm touches nothing, and where it does.
    """
    fixtures = list(task.fixtures or {})
    order = [list(record["body_names"]).index(name) for name in fixtures]
    with tempfile.TemporaryDirectory() as folder:
        model_file, job, result = Path(folder, "scene.xml"), Path(folder, "job.npz"), Path(folder, "result.npz")
        model_file.write_text(exported_scene(task))
        np.savez(
            job,
            **exact_frames(task),
            fixtures=np.array(fixtures, dtype=str),
            fixture_pos=record["body_pos"][:, order],
            hand_start=task.hand_start,
            mocap_quat=MOCAP_QUAT_WXYZ,
            open_fingers=OPEN_FINGERS,
            mocap_low=task.hand_low,
            mocap_high=task.hand_high,
            settle_steps=SETTLE_PHYSICS_STEPS,
            physics_steps=PHYSICS_STEPS,
            extra_settle_steps=extra_settle_steps(task, record["rand_vec"][0].tolist()),
            max_displacement=MAX_DISPLACEMENT,
            **{key: record[key] for key in ("reset_qpos", "reset_qvel", "reset_mocap", "qpos", "qvel", "mocap", "action")},
        )
        subprocess.run([engine, str(WORKER), str(model_file), str(job), str(result)], check=True)
        replayed = dict(np.load(result))
    frames = _frames(task, record, replayed)
    recorded = record["obs"][:, :, :18]
    difference = np.abs(frames - recorded)
    step, leans = np.abs(replayed["step_qpos"] - record["qpos"]).max(axis=2), replayed["leans"]
    arm = slice(0, 9) if record["joint_type"][0] != 0 else slice(7, 16)  # the mug comes before the arm in the coffee scenes
    return {
        "settle": np.abs(replayed["settled_qpos"][:, arm] - record["reset_qpos"][:, arm]).max(axis=1),
        "hand": difference[:, :, :3].max(axis=(1, 2)),
        "object": difference[:, :, 4:].max(axis=(1, 2)),
        "step_free": step.max(axis=1, where=~leans, initial=0.0),
        "step_palm": step.max(axis=1, where=leans, initial=0.0),
    }


def _frames(task: TaskDef, record: dict[str, np.ndarray], replayed: dict[str, np.ndarray]) -> np.ndarray:
    """Observed frames (E, T, 18) of replayed states."""
    ours = Episode(task)
    frames = np.zeros((*record["action"].shape[:2], 18))
    for episode, rand_vec in enumerate(record["rand_vec"].tolist()):
        ours.reset(rand_vec, hide_goal=False)
        for step in range(frames.shape[1]):
            ours.simulation.qpos[:] = replayed["qpos"][episode, step]
            ours.simulation.refresh()
            frames[episode, step] = task.reader.frame(task.reader.read(ours.simulation.row.tolist()))
    return frames


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path, help="folder of <task>.npz recordings")
    parser.add_argument("--engine", default=sys.executable, help="python interpreter that has mujoco 3.3.0 and numpy")
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    arguments = parser.parse_args()
    sides = " | ".join(f"{what:>8s} {'floor':>8s} {'rebuild':>8s}" for what in ("hand", "object"))
    print(f"{'task':28s} {'settled':>8s} | {sides} | {'one step':>8s} {'at palm':>8s}   (largest |Δ|)")
    for name in arguments.tasks:
        task = find_task(name)
        drift = replay(task, dict(np.load(arguments.recordings / f"{task.name}.npz")), arguments.engine)
        floor, rebuild = FLOOR_AND_REBUILD.get(task.name, UNLISTED)
        print(
            f"{task.name:28s} {drift['settle'].max():8.1e} | {drift['hand'].max():8.1e} {floor[0]:8.0e} {rebuild[0]:8.0e} | "
            f"{drift['object'].max():8.1e} {floor[1]:8.0e} {rebuild[1]:8.0e} | "
            f"{drift['step_free'].max():8.1e} {drift['step_palm'].max():8.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
