"""The report's page: pieces of HTML made from an evaluation result. Everything that comes from users is escaped here."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path

from metaworld_py.agents.cards import known_card
from metaworld_py.evaluation.results import WORST, EvaluationResult, TaskResult
from metaworld_py.files import write_text
from metaworld_py.report.cards import task_cards
from metaworld_py.report.charts import bar
from metaworld_py.report.command import python_call, shell_command
from metaworld_py.report.films import Film
from metaworld_py.report.texts import date, duration, rate

_FEW = 12  # tasks up to which the chart has one column


def write_report(
    result: EvaluationResult, path: str | Path, *, films: Mapping[str, Film] | None = None, no_pictures_because: str = "not asked for"
) -> Path:
    """Write an evaluation as one self-contained web page.

    Args:
      result: what was found.
      path: `.html` file.
      films: the worst episode of each task, see `worst_episode_films`; None leaves pictures out.
      no_pictures_because: the reason that the page then gives.

    Raises:
      ValueError: another suffix.
    """
    path = check_report_path(path)
    write_text(path, page(result, films, no_pictures_because))
    return path


def check_report_path(path: str | Path) -> Path:
    """The path, if a report can be written there.

    Raises:
      ValueError: another suffix, or no such folder.
    """
    path = Path(path)
    if path.suffix != ".html":
        raise ValueError(f"reports are written as .html, got {path.name!r}")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"the folder of {path} does not exist: create it first")
    return path


def page(result: EvaluationResult, films: Mapping[str, Film] | None, no_pictures_because: str) -> str:
    """Text of the report's page."""
    several = f"{len(result.tasks)} tasks"
    title = f"{result.agent} on {several if result.benchmark.count(',') > 2 else result.benchmark}"
    parts = (
        _summary(result, title),
        _chart(result),
        _table(result),
        task_cards(result, films, no_pictures_because),
        _training(result),
        _reproduction(result),
    )
    here = files("metaworld_py.report")
    style, script = (here.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_policy(script))}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)} – success rates</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + f"\n<script>{script}</script>\n</body>\n</html>\n"
    )


def _policy(script: str) -> str:
    """What browsers enforce: nothing is loaded from anywhere, no script runs but ours."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def _summary(result: EvaluationResult, title: str) -> str:
    low, high = result.interval
    always = sum(task.success_rate == 1.0 for task in result.tasks)
    unstable = sum(task.unstable_episodes for task in result.tasks)
    facts = {
        "Episodes": f"{sum(task.episodes for task in result.tasks):,}",
        "Tasks" if len(result.tasks) > 1 else "Task": str(len(result.tasks)),
        "Solved in every episode": f"{always} of {len(result.tasks)}",
        "Success at the last step": rate(result.last_step_success_rate),
        **({f"Mean of the {WORST} worst tasks": rate(result.worst_success_rate())} if len(result.tasks) >= 2 * WORST else {}),
        "Finished": date(result.finished_at),
        "Wall time": duration(result.wall_time_s),
    }
    if unstable:
        facts["Cut short by unstable physics"] = f"{unstable:,} episodes"
    return (
        f'<header>\n<p class="eyebrow">Evaluation report · metaworld_py</p>\n<h1>{escape(title)}</h1>\n<div class="summary">\n<div>\n'
        f'<p class="headline">{100 * result.success_rate:.1f}<small> %</small></p>\n{bar(result.success_rate, result.interval)}\n'
        f'<p class="note">Mean success rate over tasks, 95 % interval {rate(low)} – {rate(high)}</p>\n</div>\n'
        f"{_definitions(facts, 'facts')}\n</div>\n</header>"
    )


def _chart(result: EvaluationResult) -> str:
    rows = "\n".join(
        f'<li><a href="#{escape(task.task)}">{escape(task.task)}</a>{bar(task.success_rate, task.interval)}'
        f'<span class="value">{rate(task.success_rate, 0)}</span></li>'
        for task in sorted(result.tasks, key=lambda task: task.success_rate)
    )
    few = " few" if len(result.tasks) <= _FEW else ""
    return (
        '<section aria-labelledby="success">\n<div class="section-head"><div><h2 id="success">Success per task, lowest first</h2>\n'
        '<p class="note">Share of episodes with success at any step, from 0 to 100 %. Whiskers: 95 % interval.</p></div></div>\n'
        f'<ol class="bars{few}">\n{rows}\n</ol>\n</section>'
    )


_COLUMNS = (
    ("text", "Task"),
    ("number", "Success"),
    ("number", "95 % interval"),
    ("number", "Last step"),
    ("number", "Median steps"),
    ("number", "Mean return"),
    ("number", "Score"),
    ("number", "Episodes"),
)


def _table(result: EvaluationResult) -> str:
    head = "".join(
        f'<th scope="col" data-kind="{kind}"><button type="button">{_heading(kind, name)}</button></th>' for kind, name in _COLUMNS
    )
    rows = "\n".join(_table_row(task, result.score(task)) for task in result.tasks)
    low, high = result.interval
    return (
        '<section aria-labelledby="numbers">\n<div class="section-head"><div><h2 id="numbers">Numbers</h2>\n'
        '<p class="note">Click a heading to sort. Median steps: control steps until the first success, where there was one. '
        "Score: the return, from a random agent's (0) to the scripted expert's (100).</p>"
        '</div></div>\n<div class="scroll" role="region" aria-labelledby="numbers" tabindex="0">\n<table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n"
        f'<tfoot><tr><th scope="row">Mean over tasks</th><td>{rate(result.success_rate)}</td><td>{rate(low)} – {rate(high)}</td>'
        f"<td>{rate(result.last_step_success_rate)}</td><td></td><td></td><td>{_score(result.mean_score)}</td>"
        f"<td>{sum(task.episodes for task in result.tasks):,}</td></tr></tfoot>\n</table>\n</div>\n</section>"
    )


def _heading(kind: str, name: str) -> str:
    arrow = '<i aria-hidden="true"></i>'
    return f"{name}{arrow}" if kind == "text" else f"{arrow}{name}"  # numbers end where their heading does


def _score(score: float | None) -> str:
    return "–" if score is None else f"{score:.1f}"


def _table_row(task: TaskResult, score: float | None) -> str:
    low, high = task.interval
    steps = task.median_steps_to_success
    cells = (
        (task.success_rate, rate(task.success_rate)),
        (low, f"{rate(low)} – {rate(high)}"),
        (task.last_step_success_rate, rate(task.last_step_success_rate)),
        ("", "–") if math.isnan(steps) else (steps, f"{steps:.0f}"),
        (task.mean_return, f"{task.mean_return:,.1f}"),
        ("" if score is None else score, _score(score)),
        (task.episodes, f"{task.episodes:,}"),
    )
    name = escape(task.task)
    return (
        f'<tr><th scope="row" data-value="{name}"><a href="#{name}">{name}</a></th>'
        + "".join(f'<td data-value="{value}">{text}</td>' for value, text in cells)
        + "</tr>"
    )


def _training(result: EvaluationResult) -> str:
    """What is known of a trained agent that comes with the baselines; nothing of others."""
    card = known_card(result.agent)
    if card is None:
        return ""
    low, high = card.interval
    facts = {
        "Algorithm": card.algorithm,
        "Trained on": card.trained_on,
        "Environment steps": f"{card.env_steps:,}" + f", {card.share_of_published} of published runs" * bool(card.published_env_steps),
        "Training seed": str(card.seed),
        "Wall time of training": duration(card.hours * 3600),
        "Hardware": card.hardware,
        "Success by its card": f"{rate(card.success)}, 95 % interval {rate(low)} – {rate(high)}",
    }
    return (
        '<section aria-labelledby="training">\n<div class="section-head"><div><h2 id="training">The agent</h2>\n'
        f'<p class="note">{escape(card.name)} comes with the package; its training again:</p></div></div>\n'
        f'<div class="command"><pre>{escape(card.trained_by)}</pre><button type="button" class="copy">Copy</button></div>\n'
        f"{_definitions(facts, 'facts small')}\n</section>"
    )


def _reproduction(result: EvaluationResult) -> str:
    command = shell_command(result)
    call = escape(command or python_call(result))
    where = "On the command line" if command else "In Python, with the same agent"
    facts = {
        "Seed": str(result.seed),
        "Instances per task": str(result.instances_per_task),
        "Episodes of each": str(result.episodes_per_instance),
        "Steps per episode": str(result.max_episode_steps),
        "Reward": result.reward_function_version,
        "One-hot task ids": "yes" if result.use_one_hot else "no",
        **({} if result.goal_visible is None else {"Goals": "visible" if result.goal_visible else "hidden"}),
        **_adaptation(result),
        **result.versions,
    }
    return (
        '<section aria-labelledby="again">\n<div class="section-head"><div><h2 id="again">Run it again</h2>\n'
        f'<p class="note">{where}:</p></div></div>\n'
        f'<div class="command"><pre>{call}</pre><button type="button" class="copy">Copy</button></div>\n'
        f"{_definitions(facts, 'facts small')}\n</section>\n"
        '<section aria-labelledby="meaning">\n<div class="section-head"><h2 id="meaning">What the numbers mean</h2></div>\n'
        '<div class="prose">\n<p>An episode succeeds if the task’s success predicate holds at any of its steps; “last step” asks for it at '
        "the end. Every instance is played the same number of times, each episode to its full length.</p>\n"
        "<p>Intervals of a task are Wilson intervals. That of the mean adds the tasks’ variances (MOVER): the tasks are a fixed set, the "
        "episodes in each a sample. Neither says anything about other training seeds of the agent.</p>\n</div>\n</section>"
    )


def _adaptation(result: EvaluationResult) -> dict[str, str]:
    """What a meta-learner adapted on; nothing of others."""
    adaptation = result.adaptation
    if adaptation is None:
        return {}
    return {
        "Episodes of adaptation": str(adaptation.adaptation_episodes),
        "Rounds of adaptation": str(adaptation.adaptation_steps),
        "Draws of adaptation": str(adaptation.draws),
        "Actions that count": "random" if adaptation.is_sampled else "most likely",
    }


def _definitions(facts: Mapping[str, str], css_class: str) -> str:
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())
    return f'<dl class="{css_class}">{items}</dl>'
