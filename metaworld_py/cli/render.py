"""`metaworld-py render`: a video or sheet of one episode, or a contact sheet of many tasks."""

from __future__ import annotations

import argparse
from pathlib import Path

from metaworld_py.tasks.common.definition import HORIZON


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("render", help="a video or pictures of an episode, or one picture of every task")
    parser.add_argument("task", nargs="?", help="task name; or a set such as MT10 for a contact sheet, each task shortly before success")
    parser.add_argument("--all", action="store_true", help="a contact sheet of all fifty tasks")
    parser.add_argument("--agent", default="expert", help="as for evaluate (default: expert)")
    parser.add_argument(
        "--out", type=Path, help=".mp4 or .gif for a video, .png or .jpg for a sheet of frames (default: TASK.mp4, contact sheets SET.png)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the task instances (default: 0)")
    parser.add_argument("--instance", type=int, default=0, help="which of the 50 instances (default: 0)")
    parser.add_argument(
        "--benchmark", metavar="SET", help="whose instances: as an evaluation of that set plays them (default: the task's own)"
    )
    parser.add_argument("--camera", help="camera name (default: overview from the front; contact sheets: near the table's middle)")
    parser.add_argument("--size", type=int, help="pixels of one picture, square (default: 480, sheets 320, more than ten tasks 160)")
    parser.add_argument("--overlay", action="store_true", help="show the step and, once reached, success")
    parser.add_argument("--frames-per-second", type=int, help="of a video; 80 shows every control step (default: 20)")
    parser.add_argument("--max-episode-steps", type=int, default=HORIZON, help=f"control steps (default: {HORIZON})")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the video or picture and say what is on it."""
    from metaworld_py.agents.loading import load_agent
    from metaworld_py.evaluation.adaptation import is_meta_learner
    from metaworld_py.instances.task_sets import TASK_SETS, task_names
    from metaworld_py.media.video import SHEET_SUFFIXES, record_contact_sheet, record_episode

    if bool(options.task) == options.all:
        raise ValueError("say what to render: a task, a set such as MT10, or --all")
    name = "MT50" if options.all else options.task
    tasks, agent = task_names(name), load_agent(options.agent, seed=options.seed)
    if is_meta_learner(agent):
        raise ValueError(
            f"{options.agent} plays only after adapting to a hidden goal, which a film does not show: use metaworld-py evaluate"
        )
    settings = {
        "seed": options.seed,
        "instance": options.instance,
        "benchmark": options.benchmark,
        "camera_name": options.camera,
        "size_px": options.size,
        "max_episode_steps": options.max_episode_steps,
        "with_overlay": options.overlay,
    }
    out = options.out or Path(f"{name}.png" if name in TASK_SETS else f"{tasks[0]}.mp4")
    if options.frames_per_second is not None:
        if name in TASK_SETS or out.suffix in SHEET_SUFFIXES:
            raise ValueError(f"--frames-per-second is of videos, and {out.name} is a sheet: leave it out")
        settings["frames_per_second"] = options.frames_per_second
    if name in TASK_SETS:
        print(record_contact_sheet(tasks, agent, out, **settings))
    else:
        print(record_episode(tasks[0], agent, out, **settings))
    return 0
