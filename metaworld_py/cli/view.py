"""`metaworld-py view`: a window on running episodes, with an agent or the keyboard in control."""

from __future__ import annotations

import argparse

from metaworld_py.media.live import KEYS
from metaworld_py.tasks.common.definition import HORIZON

KEYBOARD = "keyboard"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "view",
        help="watch episodes in a window, or steer the hand yourself",
        description="Play one instance after the other in MuJoCo's viewer, in real time, until the window is closed.",
        epilog="keys with --agent keyboard:\n" + "\n".join(f"  {line}" for line in KEYS.splitlines()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", help="task name")
    parser.add_argument("--agent", default="expert", help="expert, random, keyboard, or module:attribute of your own (default: expert)")
    parser.add_argument("--seed", type=int, default=0, help="of the task instances (default: 0)")
    parser.add_argument("--instance", type=int, default=0, help="the first of the 50 instances to play (default: 0)")
    parser.add_argument("--max-episode-steps", type=int, help=f"control steps (default: {HORIZON}; keyboard: until success)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Open the window; returns when it is closed."""
    from metaworld_py.agents.loading import load_agent
    from metaworld_py.media.live import KeyboardAgent, view
    from metaworld_py.rendering.window import require_display

    steps = options.max_episode_steps
    if options.agent == KEYBOARD:
        require_display()
        print(KEYS)
        view(options.task, KeyboardAgent(), seed=options.seed, instance=options.instance, max_episode_steps=steps)
    else:
        agent = load_agent(options.agent, seed=options.seed)
        view(options.task, agent, seed=options.seed, instance=options.instance, max_episode_steps=HORIZON if steps is None else steps)
    return 0
