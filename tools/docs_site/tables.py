"""Parts of pages that are made from the code; a page asks for one by a comment such as `<!-- generated: task_sets -->`."""

from __future__ import annotations

import argparse
import html
import importlib
import os
from collections.abc import Callable, Iterable, Sequence
from unittest.mock import patch

import mujoco
from drawing import CAMERA, SHOWN_TASK, Drawings
from excerpts import field_comments

from metaworld_py.cli.main import build_parser
from metaworld_py.instances.catalogue import SKILLS, TASK_METADATA, TaskMetadata
from metaworld_py.instances.task_sets import ML10_TEST, ML10_TRAIN, ML25_TEST, ML25_TRAIN, ML45_TEST, ML45_TRAIN, MT10, MT25, MT50
from metaworld_py.rendering import DEFAULT_SIZE_PX, DEPTH, FAST, HIGH, RGB, SEGMENTATION
from metaworld_py.tasks import TASKS

DIFFICULTIES = ("easy", "medium", "hard", "very_hard")
# Name, goal, tasks to train on, held-out tasks.
_SETS = (
    ("MT10", "visible", MT10, ()),
    ("MT25", "visible", MT25, ()),
    ("MT50", "visible", MT50, ()),
    ("ML10", "hidden", ML10_TRAIN, ML10_TEST),
    ("ML25", "hidden", ML25_TRAIN, ML25_TEST),
    ("ML45", "hidden", ML45_TRAIN, ML45_TEST),
)
_IN, _HELD_OUT, _BOTH = "●", "◇", "◈"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def block(style: str, content: str) -> str:
    """Markdown in a block with a style of its own."""
    return f'<div class="{style}" markdown>\n\n{content}\n\n</div>'


def code(text: str) -> str:
    """Code in a cell of a table, where a bar would begin the next cell."""
    return f"<code>{html.escape(text).replace('|', '&#124;')}</code>"


def words(name: str) -> str:
    """`very_hard` for people."""
    return name.replace("_", " ")


def numbers(values: Iterable[float]) -> str:
    """Numbers as short as they can be without losing more than single precision's rounding."""
    return ", ".join(f"{value:.6g}" for value in values)


def link(task: str, folder: str = "tasks/") -> str:
    """A Markdown link to a task's page."""
    return f"[{task}]({folder}{task}.md)"


def gallery(drawings: Drawings) -> str:
    """All tasks as cards, with what they can be filtered by; for the page `tasks/index.md`."""
    rows = [TASK_METADATA[name] for name in sorted(TASKS)]
    choices = (
        ("family", sorted({row.family for row in rows})),
        ("skill", list(SKILLS)),
        ("difficulty", list(DIFFICULTIES)),
        ("set", list(dict.fromkeys(name for row in rows for name in row.task_sets))),
    )
    filters = "".join(
        f'<label>{name}<select data-filter="{name}"><option value="">any</option>'
        + "".join(f'<option value="{value}">{words(value)}</option>' for value in values)
        + "</select></label>"
        for name, values in choices
    )
    cards = "".join(_card(row, drawings.task_picture(row.name)) for row in rows)
    return (
        f'<form class="mw-filters" id="mw-filters" onsubmit="return false">{filters}'
        '<button type="reset">all</button><output aria-live="polite"></output></form>\n'
        f'<div class="mw-gallery" id="mw-gallery">{cards}</div>'
    )


def _card(row: TaskMetadata, picture: str | None) -> str:
    shown = f'<img src="../{picture}" alt="" loading="lazy" width="480" height="360">' if picture else ""
    chips = "".join(f"<span>{words(chip)}</span>" for chip in row.skills)
    facts = {"family": row.family, "skill": " ".join(row.skills), "difficulty": row.difficulty, "set": " ".join(row.task_sets)}
    data = " ".join(f'data-{name}="{value}"' for name, value in facts.items())
    return (
        f'<a class="mw-card" href="{row.name}.html" {data}>{shown}<strong>{row.name}</strong>'
        f"<em>{html.escape(row.instruction)}</em>"
        f'<span class="mw-chips">{chips}<span class="mw-{row.difficulty}">{words(row.difficulty)}</span></span></a>'
    )


def task_table(_: Drawings) -> str:
    """All tasks in rows, with what they are about."""
    return table(
        ("task", "instruction", "observed objects", "skills", "family", "difficulty"),
        (
            (link(row.name, ""), row.instruction, ", ".join(row.objects), ", ".join(row.skills), row.family, words(row.difficulty))
            for row in (TASK_METADATA[name] for name in sorted(TASKS))
        ),
    )


def skills(_: Drawings) -> str:
    """What the words for skills mean."""
    counts = {skill: sum(skill in row.skills for row in TASK_METADATA.values()) for skill in SKILLS}
    return table(("skill", "meaning", "tasks"), ((skill, meaning, counts[skill]) for skill, meaning in SKILLS.items()))


def task_sets(_: Drawings) -> str:
    """The published sets in a line each."""
    rows = [
        ("MT1", "visible", 1, "–", "any task"),
        *((name, goal, len(train), "–", "") for name, goal, train, held_out in _SETS if not held_out),
        ("ML1", "hidden", 1, "the same task, other instances", "any task"),
        *((name, goal, len(train), ", ".join(map(link, held_out)), "") for name, goal, train, held_out in _SETS if held_out),
    ]
    return table(("set", "goal", "training tasks", "test tasks"), ([*row[:3], row[3]] for row in rows))


def membership(_: Drawings) -> str:
    """Which task is in which set."""

    def mark(task: str, train: Sequence[str], held_out: Sequence[str]) -> str:
        return _BOTH if task in train and task in held_out else _IN if task in train else _HELD_OUT if task in held_out else ""

    rows = [[link(name), *(mark(name, train, held_out) for _, _, train, held_out in _SETS)] for name in sorted(TASKS)]
    counts = ["", *(f"{len(train)} + {len(held_out)}" if held_out else len(train) for _, _, train, held_out in _SETS)]
    legend = f"{_IN} training task, {_HELD_OUT} held-out test task, {_BOTH} both (a defect of the published set)"
    return f"{legend}\n\n" + block("mw-marks", table(("task", *(name for name, *_ in _SETS)), [*rows, counts]))


def cameras(drawings: Drawings) -> str:
    """Every camera with a picture."""
    model = TASKS[SHOWN_TASK].model
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    shown = []
    for index in range(-1, model.ncam):
        name = None if index < 0 else model.camera(index).name
        if name is None:
            note = "the free overview, what you get without a name"
        else:
            up = float(data.cam_xmat[index].reshape(3, 3)[2, 1])  # height that the picture's upward axis gains
            way_up = "upright" if up > 0.1 else "upside down, as published" if up < -0.1 else "looks straight down"
            note = f"{way_up}; fovy {float(model.cam_fovy[index]):g}°"
        shown.append(_figure(drawings.camera_picture(name), f"{name or 'free'}", f"id {index} · {note}"))
    return _figures(drawings, shown)


def kinds(drawings: Drawings) -> str:
    """One moment as colours, depth and segmentation."""
    notes = {RGB: "uint8", DEPTH: "float32, metres; near is light here", SEGMENTATION: "int32, body ids; colours are this page's"}
    return _figures(drawings, [_figure(drawings.kind_picture(kind), kind, note) for kind, note in notes.items()])


def qualities(drawings: Drawings) -> str:
    """The two qualities at a size that agents see."""
    shown = [
        _figure(drawings.quality_picture(quality, size), quality, f"{size} × {size} pixels" + (", shown larger" if size < 200 else ""))
        for quality in (FAST, HIGH)
        for size in (84, 224)
    ]
    return _figures(drawings, shown)


def _figure(picture: str | None, name: str, note: str) -> str:
    shown = f'<img src="{picture}" alt="{name}" loading="lazy">' if picture else ""
    return f"<figure>{shown}<figcaption><code>{name}</code><br>{note}</figcaption></figure>"


def _figures(drawings: Drawings, figures: Sequence[str]) -> str:
    missing = "" if not drawings.why_none else f"*This copy of the site was built without pictures: {drawings.why_none}*\n\n"
    return f'{missing}<div class="mw-figures">{"".join(figures)}</div>'


def shown_scene(_: Drawings) -> str:
    """What the pictures of cameras show, in words."""
    scene = f"Shown: [{SHOWN_TASK}](tasks/{SHOWN_TASK}.md), shortly before its expert succeeds."
    return f"{scene} `render()` gives {DEFAULT_SIZE_PX} × {DEFAULT_SIZE_PX} unless told otherwise. Kinds and qualities are from `{CAMERA}`."


def fields(_: Drawings, where: str) -> str:
    """The fields of a record, `module:Class`, with the comments beside them."""
    module, name = where.split(":")
    rows = field_comments(getattr(importlib.import_module(module), name))
    named = ((f"`{field}`", code(default) if default else "–", comment or code(kind)) for field, kind, default, comment in rows)
    return block("mw-fields", table(("name", "default", "meaning"), named))


def commands(_: Drawings) -> str:
    """The help of every command."""
    with patch.dict(os.environ, {"COLUMNS": "110", "NO_COLOR": "1"}):
        parser = build_parser()
        actions = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
        helps = [f"## {name}\n\n```text\n{one.format_help().strip()}\n```" for name, one in actions.choices.items()]
    return "\n\n".join(helps)


def hero(drawings: Drawings) -> str:
    """A row of pictures for the front page."""
    names = ("assembly", "door-open", "coffee-push", "basketball")
    pictures = [(name, drawings.task_picture(name)) for name in names]
    return "".join(
        f'<a href="tasks/{name}.html"><img src="{path}" alt="{name}" width="480" height="360"></a>' for name, path in pictures if path
    )


PARTS: dict[str, Callable[..., str]] = {
    part.__name__: part
    for part in (gallery, task_table, skills, task_sets, membership, cameras, kinds, qualities, shown_scene, fields, commands, hero)
}
