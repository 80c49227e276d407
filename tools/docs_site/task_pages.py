"""The page of a task, from its `TaskDef`, its metadata and the source of its scores."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drawing import ROOT, Drawings, steps_to_success
from excerpts import excerpt, success_rule
from tables import block, numbers, table, words

from metaworld_py.instances.catalogue import TASK_METADATA, task_table
from metaworld_py.policies import policy_name
from metaworld_py.sim.signals import Quantity, Signal
from metaworld_py.tasks import TASKS, TaskDef
from metaworld_py.tasks.common.definition import accept_all

_SLOTS = {"obj_pos": "4–6", "obj_quat": "7–10", "obj2_pos": "11–13", "obj2_quat": "14–17"}
_ORDERS = {Quantity.QUAT_WXYZ: "orientation, scalar first (w x y z)", Quantity.QUAT_XYZW: "orientation, scalar last (x y z w)"}


def task_page(name: str, drawings: Drawings) -> str:
    """Markdown of `tasks/NAME.md`."""
    task, facts = TASKS[name], TASK_METADATA[name]
    source = _source_link(task)
    parts = [
        f"---\ntitle: {name}\ndescription: {facts.instruction}\nhide: [toc]\n---",
        f"# {name}\n\n{facts.instruction}\n{{ .mw-instruction }}",
        _shown(name, drawings),
        _facts(task),
        "## Observation",
        _observation(task),
        "## Instances",
        _instances(task),
        "## Success",
        _success(task),
        "## Reward v2",
        _reward(task, "v2"),
        "## Reward v1",
        _reward(task, "v1"),
        "## Expert",
        _expert(task),
        f"All of this page is made from {source}; no number is written twice.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _source_path(task: TaskDef) -> Path:
    file = inspect.getsourcefile(task.begin)
    assert file is not None
    return Path(file).resolve().relative_to(ROOT)


def _source_link(task: TaskDef) -> str:
    path = _source_path(task).as_posix()
    return f"[`{path}`](../source/{path}.md)"


def _shown(name: str, drawings: Drawings) -> str:
    picture, film = drawings.task_picture(name), drawings.task_film(name)
    if picture is None:
        return ""
    steps = steps_to_success(name)
    outcome = "no success" if steps is None else f"success after {steps} control steps ({steps * 0.0125:.1f} s)"
    caption = f"<figcaption>The expert, instance 0 of seed 0: {outcome}.</figcaption>"
    size = 'width="480" height="360"'
    shown = f'<img src="../{picture}" alt="{name}" {size}>'
    if film:
        options = f'controls loop muted playsinline preload="none" poster="../{picture}" {size}'
        shown = f'<video {options}><source src="../{film}" type="video/mp4"></video>'
    return f'<figure class="mw-shown">{shown}{caption}</figure>'


def _facts(task: TaskDef) -> str:
    facts = TASK_METADATA[task.name]
    siblings = [row.name for row in task_table(family=facts.family) if row.name != task.name]
    sets = [f"[{name}](../benchmarks.md)" for name in ("MT1", "ML1", *facts.task_sets)]
    rows = [
        ("published name", f"`{task.id}`"),
        ("family", facts.family + (f" (with {', '.join(f'[{name}]({name}.md)' for name in siblings)})" if siblings else "")),
        ("skills", ", ".join(facts.skills)),
        ("difficulty", words(facts.difficulty)),
        ("task sets", ", ".join(sets)),
        ("source", _source_link(task)),
    ]
    return block("mw-facts", table(("", ""), rows))


def _observation(task: TaskDef) -> str:
    objects = TASK_METADATA[task.name].objects
    rows = []
    for field, slots in _SLOTS.items():
        signal = task.reads.get(field)
        which = objects[1] if field.startswith("obj2") and len(objects) > 1 else objects[0]
        rows.append((slots, f"{which}: {_described(signal)}" if signal else "zero", _named(signal) if signal else "–"))
    others = [(field, signal) for field, signal in task.reads.items() if field not in _SLOTS]
    text = "Slots 0–3 are the hand and the gripper's opening in every task, see [the contract](../contract.md#observation).\n\n"
    text += table(("slots", "what", "read from"), rows)
    if others:
        read = ", ".join(f"`{field}` ({_described(signal)}: {_named(signal)})" for field, signal in others)
        text += f"\n\nNot observed, but read by success and rewards: {read}."
    return text


def _described(signal: Signal) -> str:
    if signal.quantity is Quantity.POS:
        shifted = f", moved by ({numbers(signal.offset)}) m" if signal.offset and any(signal.offset) else ""
        return f"position{shifted}"
    if signal.quantity is Quantity.JOINT:
        return "joint value"
    if signal.quantity is Quantity.TOUCH:
        return "whether both pads press"
    return _ORDERS[signal.quantity]


def _named(signal: Signal) -> str:
    kind = "joint" if signal.quantity is Quantity.JOINT else signal.kind
    return f"{kind} `{signal.name}`"


def _instances(task: TaskDef) -> str:
    vector = [
        (f"v[{index}]", f"{low:.6g}", f"{high:.6g}")
        for index, (low, high) in enumerate(zip(task.random_low, task.random_high, strict=True))
    ]
    text = "An instance is a random vector, drawn uniformly from this box (m):\n\n" + table(("component", "low", "high"), vector)
    if task.accept is not accept_all:
        text += f"\n\n{_condition(task.accept)} Vectors that it refuses are drawn again."
    fixtures = ", ".join(f"`{body}`" for body in task.fixtures or {})
    places = [
        ("hand at the start", f"({numbers(task.hand_start)})"),
        ("box of the hand's target", f"({numbers(task.hand_low)}) … ({numbers(task.hand_high)})"),
        ("box of the observed goal", f"({numbers(task.goal_low)}) … ({numbers(task.goal_high)})"),
        ("fixtures that it moves", fixtures or "none"),
        ("settles per instance", "yes: the hand or an object touches a fixture while settling" if task.settles_per_instance else "no"),
    ]
    text += "\n\n" + table(("", "m, world frame"), places)
    placing = [function for function in (task.place, task.begin) if function.__module__ != "metaworld_py.tasks.common.definition"]
    code = "\n\n\n".join(excerpt(function).code for function in dict.fromkeys(placing))
    return text + "\n\n" + _folded("How a vector becomes a scene, and what is remembered of the start", _code(code))


def _condition(accept: Callable[[Any], bool]) -> str:
    told = excerpt(accept)
    values = ", ".join(f"`{name}` = {value}" for name, value in told.settings.items())
    doc = told.doc.splitlines()[0] if told.doc else f"A condition: {words(accept.__name__)}."
    return f"{doc.rstrip('.')}{f' ({values})' if values else ''}."


def _success(task: TaskDef) -> str:
    rules = {version: success_rule(task.scores[version]) for version in ("v2", "v1")}
    if rules["v1"] == rules["v2"]:
        return "In both reward versions:\n\n" + _code(rules["v2"])
    return "\n\n".join(f'=== "with reward {version}"\n\n{_indented(_code(rule))}' for version, rule in rules.items())


def _reward(task: TaskDef, version: str) -> str:
    told = excerpt(task.scores[version])
    parts = [told.doc]
    if told.settings:
        parts.append("Here " + ", ".join(f"`{name} = {value}`" for name, value in told.settings.items()) + ".")
    parts.append(_code("\n".join(told.constants) + "\n\n\n" + told.code if told.constants else told.code))
    if told.helpers:
        parts.append(_folded("What it calls", _code("\n\n\n".join(told.helpers))))
    if told.vocabulary:
        names = ", ".join(f"[`{name}`](../api/tasks.md#metaworld_py.tasks.common.shaping.{name})" for name in told.vocabulary)
        parts.append(f"Vocabulary: {names}.")
    return "\n\n".join(part for part in parts if part)


def _expert(task: TaskDef) -> str:
    told = excerpt(task.expert)
    doc = told.doc or f"{told.code.split('(')[0].removeprefix('def ').replace('_', ' ').capitalize()}."
    name = policy_name(task.name)
    known_as = f"`metaworld_py.TASKS[{task.name!r}].expert`; under its published class name, `metaworld_py.policies.{name}`."
    code = "\n\n\n".join([*told.constants, told.code, *told.helpers])
    return f"{doc}\n\n{known_as}\n\n{_folded('The script', _code(code))}"


def _code(text: str) -> str:
    return f"```python\n{text.strip()}\n```"


def _folded(title: str, content: str) -> str:
    return f'??? quote "{title}"\n\n{_indented(content)}'


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.splitlines())
