"""`metaworld-py record`: episodes of the scripted experts or other agents, in Minari's or LeRobot's format."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from metaworld_py.tasks.common.definition import HORIZON


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("record", help="record demonstrations of the scripted experts or other agents (Minari or LeRobot format)")
    parser.add_argument("benchmark", nargs="+", help="MT10, or one or more task names")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="new or empty folder, or one to go on with")
    parser.add_argument("--format", default="minari", help="data set format: minari or lerobot (default: minari)")
    parser.add_argument("--episodes", type=int, default=50, help="attempts per task; attempt i plays instance i mod 50 (default: 50)")
    parser.add_argument("--seed", type=int, default=0, help="of the task instances and the noise (default: 0)")
    parser.add_argument(
        "--agent",
        action="append",
        metavar="NAME[@STD]",
        help="who plays: as for evaluate, after an @ with noise of its own (NAME@0 for a name that itself ends in @ and a number); "
        "may repeat, they take turns (default: expert)",
    )
    parser.add_argument("--noise", type=float, default=0.0, metavar="STD", help="Gaussian noise on the actions of all agents (default: 0)")
    parser.add_argument("--pixels", type=int, metavar="SIZE", help="record pictures too, square, in pixels (even, 32 or more)")
    parser.add_argument("--camera", metavar="NAME", help="camera of the pictures (default: overview from the front)")
    parser.add_argument("--render-quality", choices=("high", "fast"), default="high", help="fast: without shadows (default: high)")
    parser.add_argument("--only-successes", action="store_true", help="leave failed attempts out")
    parser.add_argument("--terminate-on-success", action="store_true", help="end episodes at their first success")
    parser.add_argument("--max-episode-steps", type=int, default=HORIZON, help=f"control steps (default: {HORIZON})")
    parser.add_argument("--reward-function-version", choices=("v2", "v1"), default="v2", help="of the rewards (default: v2)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Record, and print what was recorded."""
    from tqdm import tqdm

    from metaworld_py.demonstrations import RecordingConfig, record_demonstrations
    from metaworld_py.instances.task_sets import task_names

    config = RecordingConfig(
        tasks=tuple(task_names(options.benchmark[0] if len(options.benchmark) == 1 else options.benchmark)),
        format=options.format,
        episodes_per_task=options.episodes,
        seed=options.seed,
        agents=tuple(options.agent or ("expert",)),
        noise_std=options.noise,
        size_px=options.pixels,
        camera_name=options.camera,
        render_quality=options.render_quality,
        max_episode_steps=options.max_episode_steps,
        terminate_on_success=options.terminate_on_success,
        only_successes=options.only_successes,
        reward_function_version=options.reward_function_version,
    )
    with tqdm(total=len(config.tasks) * config.episodes_per_task, unit=" episodes", desc="recording", disable=None) as bar:

        def show(task: str, over: int) -> None:
            if bar.n == 0:
                bar.initial = over  # what an earlier run left does not count for the speed
            bar.set_description(task, refresh=False)
            bar.update(over - bar.n)

        try:
            recording = record_demonstrations(config, options.out, progress=show)
        except KeyboardInterrupt:
            print(f"\n{options.out}: finished episodes are kept; the same command goes on from here", file=sys.stderr)
            raise
    print(recording)
    print(f"{options.out}: read it with metaworld_py.demonstrations.load_demonstrations")
    return 0
