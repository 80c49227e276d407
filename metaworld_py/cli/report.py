"""`metaworld-py report`: a saved evaluation as a web page; also what `metaworld-py evaluate --report` uses."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from metaworld_py.evaluation.results import EvaluationResult


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("report", help="a saved evaluation as a self-contained web page")
    parser.add_argument("result", type=Path, help=".json file of `evaluate --save`")
    parser.add_argument("--out", type=Path, metavar="FILE", help=".html file (default: the result's name with .html)")
    parser.add_argument("--pictures", action="store_true", help="play and draw each task's worst episode; needs the agent and OpenGL")
    parser.add_argument("--agent", help="for the pictures: as for evaluate (default: as named in the result)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the report's page from a saved result."""
    from metaworld_py.agents.loading import load_agent
    from metaworld_py.report import write_report
    from metaworld_py.report.page import check_report_path

    result = EvaluationResult.load(options.result)
    out = check_report_path(options.out or options.result.with_suffix(".html"))
    if options.pictures:
        try:
            agent = load_agent(options.agent or result.agent, seed=result.seed)
        except ValueError as error:
            if options.agent is None:  # results saved from Python name a class
                raise ValueError(f"{error}. The result names its agent so: say which it is with --agent module:attribute") from error
            raise
        write_with_pictures(result, agent, out)
    else:
        write_report(result, out, no_pictures_because="ask for them with --pictures")
    print(f"saved {out}")
    return 0


def write_with_pictures(result: EvaluationResult, agent: Any, path: Path) -> None:
    """Write the page with pictures, or without them where there is no OpenGL."""
    from tqdm import tqdm

    from metaworld_py.rendering.renderer import RenderingError
    from metaworld_py.report import worst_episode_films, write_report

    write_report(result, path, no_pictures_because="they were still being drawn")  # so that a long evaluation is not lost with them
    try:
        with tqdm(total=len(result.tasks), unit=" tasks", desc="drawing", disable=None) as bar:
            films = worst_episode_films(result, agent, progress=lambda task: bar.update())
    except RenderingError as error:
        print(f"metaworld-py: pictures were left out of {path}: {error}", file=sys.stderr)
        write_report(result, path, no_pictures_because=str(error))
    else:
        write_report(result, path, films=films)
