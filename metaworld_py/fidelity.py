"""Fidelity: what our code makes of recorded episodes, and by how much that differs from what was recorded.

Three levels: *state* (here: put a recorded state into our scene and compare every published number), *model* (replay actions on the published
engine, `tools/replay_published_engine.py`), *behaviour* (expert success on today's engine, `metaworld-py evaluate`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaworld_py.episodes import FRAME_SIZE, TaskEpisodes, observed_frame
from metaworld_py.tasks import find_task

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
    episodes = TaskEpisodes(task_def)
    stepper = episodes.stepper
    episodes.reset([0], [record["rand_vec"][episode].tolist()], [False])
    start = _recorded_start(episodes.starts[0], record, episode)
    episodes.starts[0] = start
    goal = episodes.observed_goal(0)
    _place_recorded_fixtures(episodes, record, episode)

    n_steps = len(record["action"][episode])
    scores: dict[str, list[Any]] = {version: [] for version in task_def.scores}
    frames = []
    for step in range(n_steps):
        stepper.qpos[0] = record["qpos"][episode, step]
        stepper.qvel[0] = record["qvel"][episode, step]
        stepper.mocap_pos[0] = record["mocap"][episode, step]
        effort = float(record["action"][episode, step, 3])
        stepper.ctrl[0] = (effort, -effort)
        stepper.refresh(None)
        signals = task_def.reader(stepper.rows[0].tolist())
        frames.append(observed_frame(signals))
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
    """Our start tuple with the recorded constants in place of those that depend on the engine's settling."""
    recorded = {"tcp_pos": record["tcp0"][episode], "obj_pos": record["obj0"][episode], "goal_pos": record["target"][episode]}
    return start._replace(**{field: tuple(value.tolist()) for field, value in recorded.items() if np.isfinite(value).all()})


def _place_recorded_fixtures(episodes: TaskEpisodes, record: Record, episode: int) -> None:
    fixtures = episodes.task.fixtures
    if not fixtures or "body_pos" not in record:
        return
    names = [str(name) for name in record["body_names"]]
    if all(name in names for name in fixtures):
        episodes.stepper.place_fixtures(0, [record["body_pos"][episode, names.index(name)] for name in fixtures])


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
