"""Write docs/fidelity.md: the three levels of fidelity for every task, measured.

    metaworld-py evaluate MT50 --agent expert --save experts.json
    python tools/fidelity/make_fidelity_page.py RECORDINGS --engine ENGINE_PYTHON --experts experts.json

RECORDINGS holds full recorded episodes (<task>.npz: 0 and 2 scripted, 1 random), ENGINE_PYTHON has mujoco 3.3.0.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from replay_published_engine import FLOOR_AND_REBUILD, UNLISTED, replay

from metaworld_py.checks.fidelity import INFO_FIELDS, TaskErrors, verify_record
from metaworld_py.evaluation import EvaluationResult, TaskResult
from metaworld_py.instances.task_sets import MT50
from metaworld_py.tasks import TASKS

OUT = Path(__file__).resolve().parents[2] / "docs" / "fidelity.md"
SCRIPTED, RANDOM = [0, 2], [1]

HEAD = """# Fidelity, measured

Written by `tools/fidelity/make_fidelity_page.py`. Three levels, from exact to statistical:

1. **State**: recorded states of the published package put into our scenes; largest difference of observations (absolute), rewards and info
   (relative) over 3 episodes × 200 steps. Flags that depend on contact forces, which a recording does not fix: share of steps that differ.
2. **Model**: our scenes on the published engine (MuJoCo 3.3.0) from the recorded reset, with the recorded actions; largest difference (m) of
   the observed hand and object slots over 200 steps, for the two scripted episodes and the random one. *Rebuild*: what a rebuild of the published
   scenes with convex polytopes was measured to drift in other scripted episodes; *floor*: the published scenes against themselves with gravity
   changed by 1e-12. *One step*: the same for all joint positions after a single control step from each recorded state, where the palm touches
   nothing, and where it does: what differs there is ours, what only shows in the other columns has grown. The palm's published mesh is
   replaced by a convex shape within 1 mm; free cylinders on a table are chaotic by themselves.
3. **Behaviour**: scripted experts on today's engine, {instances} instances of seed {seed}, 500 steps ({versions}).

| task | observation | reward v2 | reward v1 | info | by contact | hand, scripted | rebuild | floor | object, scripted | rebuild | hand, random | one step | at palm | experts |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
"""


def row(name: str, errors: TaskErrors, drift: dict[str, np.ndarray], result: TaskResult | None) -> str:
    """One line of the table."""
    (floor, _), rebuild = FLOOR_AND_REBUILD.get(name, UNLISTED)
    info = max(
        errors.errors.get(f"{field}_{version}", 0.0)
        for field in INFO_FIELDS
        for version in ("v2", "v1")
        if f"{field}_{version}" not in errors.is_exempt
    )
    contact = ", ".join(f"{errors.errors[field]:.1%}" for field in sorted(errors.is_exempt)) or "–"
    cells = [
        name,
        *(f"{errors.errors[field]:.0e}" if field in errors.errors else "–" for field in ("obs", "reward_v2", "reward_v1")),
        f"{info:.0e}",
        contact,
        f"{drift['hand'][SCRIPTED].max():.0e}",
        f"{rebuild[0]:.0e}",
        f"{floor:.0e}",
        f"{drift['object'][SCRIPTED].max():.0e}",
        f"{rebuild[1]:.0e}",
        f"{drift['hand'][RANDOM].max():.0e}",
        f"{drift['step_free'].max():.0e}",
        f"{drift['step_palm'].max():.0e}" if drift["step_palm"].any() else "–",
        f"{result.success_rate:.0%} ({result.median_steps_to_success:.0f} steps)" if result else "–",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--experts", type=Path, required=True)
    arguments = parser.parse_args()
    experts = EvaluationResult.load(arguments.experts)
    results = {task.task: task for task in experts.tasks}
    lines = []
    for name in MT50:
        with np.load(arguments.recordings / f"{name}.npz", allow_pickle=False) as file:
            record = dict(file)
        lines.append(row(name, verify_record(name, record), replay(TASKS[name], record, arguments.engine), results.get(name)))
        print(lines[-1], flush=True)
    low, high = experts.interval
    total = f"\nMean success of the experts: {experts.success_rate:.1%} (95 % interval {low:.1%} – {high:.1%}).\n"
    versions = ", ".join(f"{package} {number}" for package, number in experts.versions.items())
    head = HEAD.format(instances=experts.tasks[0].episodes, seed=experts.seed, versions=versions)
    OUT.write_text(head + "\n".join(lines) + "\n" + total)


if __name__ == "__main__":
    main()
