"""Fidelity: what our code makes of recorded episodes, and by how much that differs from what was recorded.

Three levels: *state* (here: put a recorded state into our scene and compare every published number), *model* (replay actions on the
published engine, `tools/fidelity/replay_published_engine.py`), *behaviour* (expert success on today's engine, `metaworld-py evaluate`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaworld_py.engine.episode import Episode
from metaworld_py.engine.layout import FRAME_SIZE
from metaworld_py.tasks import TASKS, find_task

INFO_FIELDS = ("success", "near_object", "grasp_success", "grasp_reward", "in_place_reward", "obj_to_target")
Record = Mapping[str, NDArray[Any]]


def evaluate_recorded(task: str, record: Record, episode: int) -> dict[str, NDArray[np.float64]]:
    """Observations, rewards and info that our scene and code give for one recorded episode's states.

    Each recorded state (after its control step) is put into the scene, one forward pass is run, and everything is computed from there. The
    episode's constants are those of the record where it has them (`tcp0`, `obj0`, `target`), else of our own reset of the same instance.

    Args:
      task: task name.
      record: the keys of a recording: `rand_vec` (E, n), `qpos` (E, T, nq), `qvel` (E, T, nv), `mocap` (E, T, 3), `action` (E, T, 4),
        `reset_obs` (E, 39), `tcp0`, `obj0`, `target` (E, 3; NaN where a task has none); optional `body_names`, `moved_bodies`, `body_pos`.
      episode: index along the first axis.

    Returns:
      `obs` (T, 39), `reward_v2` and `reward_v1` (T,), and for both versions the six info fields (T,) as e.g. `success_v2`; the fields of
      version 2 also under their bare names.

    Raises:
      ValueError: unknown task, missing keys, or arrays that do not fit the task's scene.
    """
    task_def = find_task(task)
    _check_record(task_def.name, record, episode)
    ours = Episode(task_def)
    simulation, reader = ours.simulation, task_def.reader
    ours.reset(record["rand_vec"][episode].tolist(), hide_goal=False)
    start = ours.start = _recorded_start(ours.start, record, episode)
    goal = ours.observed_goal
    _place_recorded_fixtures(ours, record, episode)

    n_steps = len(record["action"][episode])
    scores: dict[str, list[Any]] = {version: [] for version in task_def.scores}
    frames = []
    for step in range(n_steps):
        simulation.qpos[:] = record["qpos"][episode, step]
        simulation.qvel[:] = record["qvel"][episode, step]
        simulation.mocap_pos[:] = record["mocap"][episode, step]
        effort = float(record["action"][episode, step, 3])
        simulation.ctrl[:] = (effort, -effort)
        simulation.refresh(with_forces=True)
        signals = reader.read(simulation.row.tolist())
        frames.append(reader.frame(signals))
        if step == 0 and task_def.after_first_step is not None:
            start = task_def.after_first_step(signals, start)
        for version, score in task_def.scores.items():
            scores[version].append(score(signals, start, effort))

    current = np.array(frames)
    # The reset observation's older half: policies of the published package edit the newer one in place (door-open).
    reset_frame = record["reset_obs"][episode, FRAME_SIZE : 2 * FRAME_SIZE]
    previous = np.vstack([reset_frame, current[:-1]])
    result = {"obs": np.hstack([current, previous, np.tile(goal, (n_steps, 1))])}
    for version, rows in scores.items():
        columns = np.array(rows, dtype=np.float64)
        result[f"reward_{version}"] = columns[:, 0]
        for index, field in enumerate(INFO_FIELDS):
            result[f"{field}_{version}"] = columns[:, index + 1]
    result.update({field: result[f"{field}_v2"] for field in INFO_FIELDS})
    return result


def _recorded_start(start: Any, record: Record, episode: int) -> Any:
    """Our start tuple with the recorded constants in place of those that depend on the engine's settling: the tcp, and heights.

    Horizontal positions come from the instance. Recordings of door-lock and door-unlock hold another episode's `obj0` (a live view of the
    simulator's memory in the published package).
    """
    tcp_pos = record["tcp0"][episode]
    heights = {"obj_pos": record["obj0"][episode][2], "goal_pos": record["target"][episode][2]}
    changes = {field: (*getattr(start, field)[:2], float(z)) for field, z in heights.items() if np.isfinite(z)}
    if np.isfinite(tcp_pos).all():
        changes["tcp_pos"] = tuple(tcp_pos.tolist())
    return start._replace(**changes)


def _place_recorded_fixtures(ours: Episode, record: Record, episode: int) -> None:
    fixtures = ours.task.fixtures
    if not fixtures or "body_pos" not in record:
        return
    names = [str(name) for name in record["body_names"]]
    if all(name in names for name in fixtures):
        ours.simulation.place_fixtures([record["body_pos"][episode, names.index(name)] for name in fixtures])


def _check_record(task: str, record: Record, episode: int) -> None:
    required = ("rand_vec", "qpos", "qvel", "mocap", "action", "reset_obs", "tcp0", "obj0", "target")
    missing = [key for key in required if key not in record]
    if missing:
        raise ValueError(f"recording of {task!r} lacks the keys {missing}; it has {sorted(record)}")
    n_episodes = len(record["action"])
    if not 0 <= episode < n_episodes:
        raise ValueError(f"episode must lie in 0…{n_episodes - 1}, got {episode}")
    model = find_task(task).model
    for key, size in (("qpos", model.nq), ("qvel", model.nv), ("mocap", 3), ("action", 4)):
        if record[key].ndim != 3 or record[key].shape[2] != size:
            raise ValueError(f"{key} of a recording of {task!r} must have shape (episodes, steps, {size}), got {record[key].shape}")


OBSERVATION_TOLERANCE = 1e-9  # absolute: both sides are float64 and read the same state
REWARD_TOLERANCE = 1e-6  # relative: recorded rewards were partly formed in float32 (actions are float32)
INFO_TOLERANCE = 1e-6  # relative, for the info fields that are reward terms or distances; flags must be equal
REWARD_FLOOR = 0.1  # rewards and info fields smaller than this are compared with this


@dataclass(frozen=True)
class TaskErrors:
    """Largest error of each field over all episodes of one task's recording.

    `is_exempt` names the fields that depend on contact forces, which the recording does not fix; for these the error is the share of steps
    that differ.
    """

    task: str
    episodes: int
    errors: dict[str, float]
    is_exempt: frozenset[str]

    def above_tolerance(self) -> list[str]:
        """Fields whose error is too large."""
        return [field for field, error in self.errors.items() if field not in self.is_exempt and not error <= tolerance(field)]


@dataclass(frozen=True)
class FidelityReport:
    """Errors per task; prints what is above tolerance."""

    tasks: tuple[TaskErrors, ...]

    @property
    def is_within_tolerance(self) -> bool:
        """Whether no field of any task is above its tolerance."""
        return not any(task.above_tolerance() for task in self.tasks)

    def as_dict(self) -> dict[str, Any]:
        """The whole report for a JSON file."""
        return {
            "schema": "metaworld_py.fidelity/1",
            "is_within_tolerance": self.is_within_tolerance,
            "tolerances": {"observation": OBSERVATION_TOLERANCE, "reward": REWARD_TOLERANCE, "info": INFO_TOLERANCE},
            "tasks": {
                task.task: {"episodes": task.episodes, "errors": task.errors, "contact_dependent": sorted(task.is_exempt)}
                for task in self.tasks
            },
        }

    def __str__(self) -> str:
        lines = [
            f"{task.task}: {field} differs by {task.errors[field]:.1e}, allowed {tolerance(field):.0e}"
            for task in self.tasks
            for field in task.above_tolerance()
        ]
        episodes = sum(task.episodes for task in self.tasks)
        verdict = "all within tolerance" if self.is_within_tolerance else f"{len(lines)} fields above tolerance"
        return "\n".join([*lines, f"{len(self.tasks)} tasks, {episodes} episodes: {verdict}"])


def tolerance(field: str) -> float:
    """Largest error allowed for a field, in the measure of `TaskErrors`."""
    if field == "obs":
        return OBSERVATION_TOLERANCE
    return REWARD_TOLERANCE if field.startswith("reward") else INFO_TOLERANCE


def verify_record(task: str, record: Record) -> TaskErrors:
    """Compare all episodes of one recording with what our code gives."""
    errors: dict[str, list[float]] = {}
    task_def = find_task(task)
    exempt = frozenset(["grasp_success_v2"] if task_def.has_touch else [])
    n_episodes = len(record["action"])
    for episode in range(n_episodes):
        ours = evaluate_recorded(task, record, episode)
        errors.setdefault("obs", []).append(float(np.abs(ours["obs"] - record["obs"][episode]).max()))
        for version in task_def.scores:
            wanted = {f"reward_{version}": record[f"reward_{version}"][episode]}
            wanted |= {f"{field}_{version}": record[f"info_{version}"][episode, :, index] for index, field in enumerate(INFO_FIELDS)}
            for field, values in wanted.items():
                if field in exempt:
                    errors.setdefault(field, []).append(float((ours[field] != values).mean()))
                elif np.isfinite(values).all():  # a recording may lack what the published package could not compute
                    errors.setdefault(field, []).append(
                        float((np.abs(ours[field] - values) / np.maximum(np.abs(values), REWARD_FLOOR)).max())
                    )
    return TaskErrors(task_def.name, n_episodes, {field: float(np.max(values)) for field, values in errors.items()}, exempt)


def verify_folder(
    folder: str | Path, tasks: Sequence[str] | None = None, *, on_task: Callable[[str], object] | None = None
) -> FidelityReport:
    """Compare every recording `<task>.npz` in a folder.

    Args:
      folder: where the recordings are.
      tasks: only these; by default every known task that has a file there.
      on_task: called with one line of text per task as soon as it is done.

    Raises:
      ValueError: unknown tasks, a missing or unfit recording, a folder without any.
    """
    folder = Path(folder)
    names = [find_task(name).name for name in tasks] if tasks else [name for name in TASKS if (folder / f"{name}.npz").is_file()]
    missing = [name for name in names if not (folder / f"{name}.npz").is_file()]
    if missing or not names:
        raise ValueError(f"no recordings of {', '.join(missing) or 'any known task'} in {folder}: expected files TASK.npz")
    if on_task is not None:
        head = f"{'task':28s} {'observation':>11s} {'reward v2':>10s} {'reward v1':>10s} {'info v2':>9s} {'info v1':>9s}"
        on_task(f"{head}  contact-dependent (share of steps)")
    results = []
    for name in names:
        with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
            errors = verify_record(name, dict(file))
        results.append(errors)
        if on_task is not None:
            on_task(_line(errors))
    return FidelityReport(tuple(results))


def _line(task: TaskErrors) -> str:
    def largest(fields: Sequence[str]) -> str:
        found = [task.errors[field] for field in fields if field in task.errors and field not in task.is_exempt]
        return f"{np.max(found):.1e}" if found else "–"

    info = {version: largest([f"{field}_{version}" for field in INFO_FIELDS]) for version in ("v2", "v1")}
    exempt = ", ".join(f"{field} {task.errors[field]:.1%}" for field in sorted(task.is_exempt))
    verdict = "" if not task.above_tolerance() else "  ABOVE TOLERANCE"
    return (
        f"{task.task:28s} {largest(['obs']):>11s} {largest(['reward_v2']):>10s} {largest(['reward_v1']):>10s} "
        f"{info['v2']:>9s} {info['v1']:>9s}  {exempt}{verdict}"
    )
