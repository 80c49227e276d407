"""Cut the compact recordings under `tests/recordings/` from full ones: per episode a window of steps around its first success.

python tools/fidelity/extract_recordings.py FOLDER_OF_RECORDINGS [--tasks door-open ...]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from metaworld_py.tasks import TASKS, find_task

OUT = ROOT / "tests" / "recordings"
WINDOW_STEPS = 40
STEPS_AFTER_SUCCESS = 10
PER_EPISODE = ("rand_vec", "reset_qpos", "reset_qvel", "tcp0", "obj0", "target", "body_pos")
PER_STEP = ("action", "qpos", "qvel", "mocap", "obs", "reward_v2", "reward_v1", "info_v2", "info_v1")


def extract(name: str, record: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A recording of `WINDOW_STEPS` steps per episode; what came before stands in `reset_obs`, as if the episode began there."""
    windows = [window_start(name, record, episode) for episode in range(len(record["action"]))]
    cut = {key: record[key] for key in (*PER_EPISODE, "body_names", "joint_type")}
    for key in PER_STEP:
        cut[key] = np.stack([record[key][episode, first : first + WINDOW_STEPS] for episode, first in enumerate(windows)])
    before = [record["reset_obs"][episode] if first == 0 else record["obs"][episode, first - 1] for episode, first in enumerate(windows)]
    older = [obs[18:36] if first == 0 else obs[:18] for obs, first in zip(before, windows, strict=True)]
    cut["reset_obs"] = np.stack([np.concatenate([frame, frame, obs[36:]]) for frame, obs in zip(older, before, strict=True)])
    cut["first_step"] = np.array(windows)
    return cut


def window_start(name: str, record: dict[str, np.ndarray], episode: int) -> int:
    """First step of the window; 0 for tasks that measure something at the first step, and where nothing succeeds."""
    successes = np.flatnonzero(record["info_v2"][episode, :, 0])
    if find_task(name).after_first_step is not None or not len(successes):
        return 0
    last = len(record["action"][episode]) - WINDOW_STEPS
    return int(np.clip(successes[0] + STEPS_AFTER_SUCCESS - WINDOW_STEPS, 0, last))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    arguments = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    for name in arguments.tasks:
        with np.load(arguments.recordings / f"{name}.npz", allow_pickle=False) as file:
            np.savez_compressed(OUT / f"{name}.npz", **extract(name, dict(file)))
    print(f"wrote {len(arguments.tasks)} files, {sum(path.stat().st_size for path in OUT.iterdir()) / 1e6:.1f} MB in all")


if __name__ == "__main__":
    main()
