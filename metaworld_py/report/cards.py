"""The report's cards, one for each task: pictures, curves, instances. Everything that comes from users is escaped here."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from html import escape

from metaworld_py.evaluation.results import EvaluationResult, TaskResult
from metaworld_py.report.charts import curve_chart, shared_scale
from metaworld_py.report.films import Film
from metaworld_py.report.texts import rate
from metaworld_py.tasks import TASKS

_CURVES = (("reward", "reward per step", "Mean reward per step"), ("return", "return so far", "Mean return so far"))


def task_cards(result: EvaluationResult, films: Mapping[str, Film] | None, no_pictures_because: str) -> str:
    """The section with a card for each task."""
    curves = [task.curves for task in result.tasks if task.curves is not None]
    shared = {}
    if result.reward_function_version == "v2" and curves:  # bounded alike in all tasks; v1 is not
        shared = {
            "reward": shared_scale([curve.reward for curve in curves]),
            "return": shared_scale([curve.return_so_far for curve in curves]),
        }
    cards = "\n".join(_card(task, result, shared, (films or {}).get(task.task)) for task in result.tasks)
    switch = "".join(
        f'<label><input type="radio" name="curve" value="{key}"{" checked" if key == "reward" else ""}>{name.capitalize()}</label>'
        for key, name, _ in _CURVES
    )
    notes = ["Squares are instances, in order, filled where they were solved."]
    if curves:
        axes = "all on one scale" if shared else "each on its own scale"
        notes.append(
            f"Curves are means over episodes, {axes}; the band holds the middle 80 %. The dotted line is the median first success."
        )
    notes.append(
        "Pictures show the worst episode: the failed one with the lowest return, or where none failed the slowest."
        if films
        else f"Pictures were left out: {no_pictures_because.removesuffix('.')}."
    )
    return (
        '<section aria-labelledby="by-task">\n<div class="section-head"><div><h2 id="by-task">Task by task</h2>\n'
        f'<p class="note">{escape(" ".join(notes))}</p></div>\n'
        + (f'<fieldset class="switch"><legend class="hidden">Curves show</legend>{switch}</fieldset>' if curves else "")
        + f'</div>\n<div class="cards" id="tasks" data-curve="reward">\n{cards}\n</div>\n</section>'
    )


def _card(task: TaskResult, result: EvaluationResult, shared: Mapping[str, tuple[float, float]], film: Film | None) -> str:
    name = escape(task.task)
    sentence = TASKS[task.task].sentence if task.task in TASKS else ""
    return (
        f'<article class="card" id="{name}">\n<div class="stack"><div class="card-head"><h3>{name}</h3>'
        f'<span class="value">{rate(task.success_rate, 0)}</span></div>\n<p class="sentence">{escape(sentence)}</p></div>\n'
        + "".join(part + "\n" for part in (_film(film, result), _curves(task, shared), _instances(task, result.instances_per_task)) if part)
        + "</article>"
    )


def _film(film: Film | None, result: EvaluationResult) -> str:
    if film is None:
        return ""
    last, instance = len(film.steps) - 1, film.episode % result.instances_per_task
    image = base64.b64encode(film.webp).decode("ascii")
    outcome = film.outcome if film.evaluated_outcome == film.outcome else f"{film.evaluated_outcome}; played again: {film.outcome}"
    return (
        f'<figure class="film" data-steps="{" ".join(map(str, film.steps))}">'
        f'<button type="button" class="screen" aria-label="Play instance {instance}" style="background-size:{100 * len(film.steps)}% 100%;'
        f'background-position-x:{100 * film.poster / max(last, 1):.2f}%;background-image:url(data:image/webp;base64,{image})"></button>'
        f'<figcaption><input type="range" min="0" max="{last}" value="{film.poster}" aria-label="Moment of the episode" '
        f'aria-valuetext="step {film.steps[film.poster]}">'
        f'<span class="label"><span>Instance {instance}: {escape(outcome)}</span>'
        f'<span>step&nbsp;<span class="at">{film.steps[film.poster]}</span></span></span></figcaption></figure>'
    )


def _curves(task: TaskResult, shared: Mapping[str, tuple[float, float]]) -> str:
    if task.curves is None:
        return ""
    steps, median = task.curves.steps, task.median_steps_to_success
    marker = None if math.isnan(median) else median
    drawn = []
    for (key, name, label), curve in zip(_CURVES, (task.curves.reward, task.curves.return_so_far), strict=True):
        low, high = scale = shared.get(key) or shared_scale([curve])
        drawn.append(
            f'<div class="of-{key}" role="img" aria-label="{label}: {curve.mean[0]:.3g} at step {steps[0]:,}, '
            f'{curve.mean[-1]:.3g} at the end">'
            f'<div class="label"><span>{high:g} {name}</span></div>'
            f'<div class="plot">{curve_chart(steps, curve, scale, marker)}</div>'
            f'<div class="label"><span>{low:g}</span><span>{steps[-1]:,} steps</span></div></div>'
        )
    return "".join(drawn)


def _instances(task: TaskResult, instances_per_task: int) -> str:
    shares = [_mean(task.successes[index::instances_per_task]) for index in range(instances_per_task)]
    cells = "".join(_cell(task, index, share, instances_per_task) for index, share in enumerate(shares))
    unsolved = [str(index) for index, share in enumerate(shares) if share < 1.0]
    shown = ", ".join(unsolved[:10]) + (f" and {len(unsolved) - 10} more" if len(unsolved) > 10 else "")
    text = f"Instances not always solved: {shown}" if task.episodes > instances_per_task else f"Failed instances: {shown}"
    text = text if unsolved else f"All {instances_per_task} instances solved"
    return (
        f'<div class="stack"><div class="instances" role="img" aria-label="{text}">{cells}</div>'
        f'<p class="label"><span>{text}</span></p></div>'
    )


def _cell(task: TaskResult, index: int, share: float, instances_per_task: int) -> str:
    kind, style = (
        ("", "") if share == 1.0 else (' class="none"', "") if share == 0.0 else (' class="part"', f' style="--share:{100 * share:.0f}%"')
    )
    steps = [step for step in task.steps_to_success[index::instances_per_task] if step is not None]
    rounds = len(task.successes[index::instances_per_task])
    solved = f"{len(steps)} of {rounds} episodes solved" if rounds > 1 else f"success after {steps[0]:,} steps" if steps else "no success"
    mean_return = _mean(task.returns[index::instances_per_task])
    return f'<i{kind}{style} title="Instance {index}: {solved}, return {mean_return:,.1f}"></i>'


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)
