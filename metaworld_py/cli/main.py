"""`metaworld-py`: list, evaluate, report, render, view, record, agents, verify, bench."""

from __future__ import annotations

import argparse
import json
import os
import sys
import sysconfig
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import metaworld_py
from metaworld_py.agents.loading import PROVIDERS
from metaworld_py.cli import agents, bench, record, render, report, view
from metaworld_py.files import check_writable, write_json
from metaworld_py.instances.task import INSTANCES_PER_TASK
from metaworld_py.tasks.common.definition import HORIZON

if TYPE_CHECKING:
    from metaworld_py import evaluation

ADAPTATION_DEFAULTS = {"adaptation_episodes": 10, "adaptation_draws": 1, "evaluation_episodes": 3}  # of meta-learners


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # tables have signs that a terminal or a pipe of another encoding lacks
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read along has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, TypeError, OSError, RuntimeError, ImportError) as error:
        if is_users_code(error):
            traceback.print_exc()
        print(f"metaworld-py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nmetaworld-py: interrupted", file=sys.stderr)
        return 130
    return status


def is_users_code(error: BaseException) -> bool:
    """Whether an error comes from a module that is neither ours nor installed: an agent of the user's own, who wants to see where."""
    providers = {entry.module.partition(".")[0] for entry in entry_points(group=PROVIDERS)}  # an editable install has them anywhere
    known = [
        *(str(Path(str(module.__file__)).parent) for name in ("metaworld_py", *providers) if (module := sys.modules.get(name))),
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    ]
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    return any(Path(file).is_file() and not file.startswith(tuple(known)) for file in files)


def build_parser() -> argparse.ArgumentParser:
    """The parser with all commands."""
    parser = argparse.ArgumentParser(prog="metaworld-py", description="Meta-World's manipulation tasks from the command line.")
    parser.add_argument("--version", action="version", version=f"metaworld_py {metaworld_py.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_list(commands)
    _add_evaluate(commands)
    report.add_parser(commands)
    render.add_parser(commands)
    view.add_parser(commands)
    record.add_parser(commands)
    agents.add_parser(commands)
    _add_verify(commands)
    bench.add_parser(commands)
    return parser


def _add_list(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("list", help="show all tasks, those of a set, or those with a skill, an object, …")
    parser.add_argument("task_set", nargs="?", help="e.g. MT10")
    parser.add_argument("--family", help="e.g. door")
    parser.add_argument("--skill", help="e.g. grasp")
    parser.add_argument("--object", help="an observed object, e.g. hammer")
    parser.add_argument("--difficulty", help="easy, medium, hard or very_hard")
    parser.add_argument("--json", action="store_true", help="print everything known of the tasks as JSON")
    parser.set_defaults(run=list_tasks)


def _add_evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("evaluate", help="success rates of an agent, with intervals")
    parser.add_argument("benchmark", nargs="+", help="a task set (MT10, ML45-test, …), or one or more task names")
    parser.add_argument(
        "--agent",
        default="expert",
        help="expert, random, a trained agent (see metaworld-py agents), baselines:PATH of a training run, or module:attribute of your own "
        "(default: expert)",
    )
    parser.add_argument("--seed", type=int, help="of the task instances (default: the one that the agent was trained with, otherwise 0)")
    parser.add_argument(
        "--episodes",
        type=int,
        help="per task, one per instance; beyond 50 a multiple of 50 (default: 50); of meta-learners: hidden goals per task (default: 40)",
    )
    parser.add_argument("--adaptation-episodes", type=int, help="of meta-learners, on each hidden goal (default: 10)")
    parser.add_argument(
        "--adaptation-draws",
        type=int,
        help="of meta-learners, to each goal, each with other random actions (default: 1)",
    )
    parser.add_argument(
        "--evaluation-episodes", type=int, help="of meta-learners, that count, on each hidden goal after adaptation (default: 3)"
    )
    parser.add_argument("--max-episode-steps", type=int, default=HORIZON, help=f"control steps (default: {HORIZON})")
    parser.add_argument("--reward-function-version", choices=("v2", "v1"), default="v2", help="for the returns (default: v2)")
    parser.add_argument("--use-one-hot", action="store_true", help="append the task's one-hot id to observations")
    parser.add_argument(
        "--save", type=Path, action="append", default=[], metavar="FILE", help="write results to a .json or .csv file (may repeat)"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a self-contained web page, .html")
    parser.add_argument("--no-report-pictures", action="store_true", help="leave each task's worst episode out of the page")
    parser.set_defaults(run=evaluate)


def _add_verify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("verify", help="compare observations, rewards and info with recorded episodes")
    parser.add_argument("folder", type=Path, help="folder of TASK.npz recordings")
    parser.add_argument("--tasks", nargs="+", help="only these (default: all that the folder and the package have)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the errors to a file")
    parser.set_defaults(run=verify)


def list_tasks(options: argparse.Namespace) -> int:
    """Print task names, what the robot must do and what else is known of the tasks."""
    from metaworld_py.instances.catalogue import task_table
    from metaworld_py.instances.task_sets import TASK_SETS, task_names

    members = task_names(options.task_set) if options.task_set else sorted(metaworld_py.TASKS)
    rows = {
        row.name: row
        for row in task_table(family=options.family, skill=options.skill, observed_object=options.object, difficulty=options.difficulty)
    }
    found = [rows[name] for name in members if name in rows]
    if options.json:
        print(json.dumps([asdict(row) for row in found], indent=1))
        return 0
    print(f"{'task':26s} {'difficulty':10s} {'family':12s} {'skills':22s} {'observed objects':22s} {'sets':38s} instruction")
    for row in found:
        sets = " ".join(name for name in row.task_sets if name != "MT50")
        print(
            f"{row.name:26s} {row.difficulty:10s} {row.family:12s} {', '.join(row.skills):22s} {', '.join(row.objects):22s} "
            f"{sets:38s} {row.instruction}"
        )
    print(f"{len(found)} tasks; every task is in MT1, ML1 and MT50. Sets: {', '.join(TASK_SETS)}.")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Evaluate an agent and print the table."""
    from tqdm import tqdm

    from metaworld_py import evaluation
    from metaworld_py.agents.loading import load_agent
    from metaworld_py.evaluation import adaptation
    from metaworld_py.report import write_report
    from metaworld_py.report.page import check_report_path

    for path in options.save:
        if path.suffix not in (".json", ".csv"):
            raise ValueError(f"--save takes .json or .csv files, got {path.name!r}")
        check_writable(path)
    if options.report:
        check_writable(check_report_path(options.report))
    benchmark = options.benchmark[0] if len(options.benchmark) == 1 else options.benchmark
    n_tasks = len(evaluation.task_names(benchmark))
    agent = load_agent(options.agent, seed=options.seed or 0)
    if options.seed is None:
        options.seed = getattr(agent, "training_seed", 0)
    with tqdm(unit=" steps", unit_scale=True, desc="evaluating", disable=None) as bar:

        def show(task: str, steps: int) -> None:
            bar.set_description(task, refresh=False)
            bar.update(steps)

        if adaptation.is_meta_learner(agent):
            head, result = _evaluate_adaptation(options, agent, benchmark, n_tasks, bar, show)
        else:
            _tell_of_unused(options, ADAPTATION_DEFAULTS, f"{options.agent} does not adapt")
            head = ""
            instances, rounds = split_episodes(INSTANCES_PER_TASK if options.episodes is None else options.episodes)
            bar.total = n_tasks * instances * rounds * options.max_episode_steps
            result = evaluation.evaluate(
                agent,
                benchmark,
                seed=options.seed,
                instances_per_task=instances,
                episodes_per_instance=rounds,
                max_episode_steps=options.max_episode_steps,
                reward_function_version=options.reward_function_version,
                use_one_hot=options.use_one_hot,
                agent_name=options.agent,
                progress=show,
            )
    for path in options.save:
        result.save(path)  # before anything is printed: hours of playing shall not be lost with whoever reads along
    print(f"{head}{result}")
    for path in options.save:
        print(f"saved {path}")
    if options.report:
        if options.no_report_pictures:
            write_report(result, options.report, no_pictures_because="--no-report-pictures")
        else:
            report.write_with_pictures(result, agent, options.report)
        print(f"saved {options.report}")
    return 0


def _evaluate_adaptation(
    options: argparse.Namespace, agent: Any, benchmark: Any, n_tasks: int, bar: Any, show: Any
) -> tuple[str, evaluation.EvaluationResult]:
    """Few-shot evaluation of a meta-learner on hidden goals: the table before adaptation as text, and the result after it."""
    from metaworld_py.evaluation.adaptation import GOALS_PER_TASK, evaluate_adaptation

    _tell_of_unused(options, ("use_one_hot",), f"{options.agent} adapts to hidden goals without task ids")
    for name, default in ADAPTATION_DEFAULTS.items():
        if getattr(options, name) is None:
            setattr(options, name, default)
    if options.report and not options.no_report_pictures:
        raise ValueError("a meta-learner plays its worst episode only after adapting: use --report with --no-report-pictures")
    goals, counted = GOALS_PER_TASK if options.episodes is None else options.episodes, options.evaluation_episodes
    episodes = counted + options.adaptation_draws * (options.adaptation_episodes + counted)
    bar.total = n_tasks * goals * episodes * options.max_episode_steps
    result = evaluate_adaptation(
        agent,
        benchmark,
        seed=options.seed,
        instances_per_task=goals,
        adaptation_episodes=options.adaptation_episodes,
        evaluation_episodes=counted,
        draws=options.adaptation_draws,
        max_episode_steps=options.max_episode_steps,
        reward_function_version=options.reward_function_version,
        agent_name=options.agent,
        progress=show,
    )
    head = f"before adaptation\n{result.before}\n\nafter {options.adaptation_episodes} episodes of adaptation to each goal\n"
    return head + f"{result.draws_in_words}\n" * (result.draws > 1), result.after


def _tell_of_unused(options: argparse.Namespace, names: Iterable[str], why: str) -> None:
    """Say which options go without effect: they are no error, since one script may evaluate agents of both kinds."""
    given = [f"--{name.replace('_', '-')}" for name in names if getattr(options, name) not in (None, False)]
    if given:
        print(f"metaworld-py: {why}: {', '.join(given)} without effect", file=sys.stderr)


def split_episodes(episodes: int) -> tuple[int, int]:
    """Instances and episodes per instance that make this many episodes per task.

    Raises:
      ValueError: fewer than 1, or more than one per instance but not equally many for each.
    """
    if episodes < 1 or (episodes > INSTANCES_PER_TASK and episodes % INSTANCES_PER_TASK):
        raise ValueError(f"--episodes must lie in 1…{INSTANCES_PER_TASK} or be a multiple of {INSTANCES_PER_TASK}, got {episodes}")
    return min(episodes, INSTANCES_PER_TASK), max(episodes // INSTANCES_PER_TASK, 1)


def verify(options: argparse.Namespace) -> int:
    """Compare with recordings; exit status 1 if anything is above its tolerance."""
    from metaworld_py.checks.fidelity import verify_folder

    if options.json:
        check_writable(options.json)
    report = verify_folder(options.folder, options.tasks, on_task=print)
    print(report)
    if options.json:
        write_json(options.json, report.as_dict())
    return 0 if report.is_within_tolerance else 1


if __name__ == "__main__":
    sys.exit(main())
