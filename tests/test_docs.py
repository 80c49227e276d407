"""The documentation: its Python blocks run, and what its pages of tasks say is what the code does."""

import dataclasses
import importlib
import inspect
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from conftest import ALL_TASKS

from metaworld_py import MT1, evaluation
from metaworld_py.agents import RandomAgent
from metaworld_py.envs.env import env_class
from metaworld_py.envs.options import EpisodeOptions
from metaworld_py.tasks import TASKS
from metaworld_py.tasks.common import shaping

ROOT = Path(__file__).resolve().parent.parent
PAGES = ["README.md", *(f"docs/{name}.md" for name in ("index", "getting_started", "contract", "evaluation", "pixels"))]
LINKING = ["README.md", "CHANGELOG.md", "baselines/README.md"]
BLOCK = re.compile(r'^```python(?: title="([^"]*)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)


def of_the_site(module):
    """A module that builds the site."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "tools" / "docs_site")
        return importlib.import_module(module)


@pytest.fixture(scope="module")
def excerpts():
    return of_the_site("excerpts")


def test_the_site_links_to_no_folder():
    """MkDocs warns of such links, which stops a strict build."""
    links = of_the_site("links")
    pages = {page: ROOT / path for path, page in links.REPOSITORY_PAGES.items()}
    pages |= {str(path.relative_to(ROOT / "docs")): path for path in (ROOT / "docs").rglob("*.md")}
    folders = 0
    for page, path in pages.items():
        text = path.read_text(encoding="utf-8")
        for found in re.finditer(r"\]\(([^)\s#:]+)\)", text):
            if (path.parent / found[1]).is_dir():
                folders += 1
                assert found[0] not in links.led(text, page), f"{path}: {found[1]}"
    assert folders, "else this test shows nothing"
    led = links.led("[sac.py](metaworld_baselines/algorithms/sac.py), [visits/](visits) and ![a picture](x.png)", "baselines.md")
    assert led == "[sac.py](source/baselines/metaworld_baselines/algorithms/sac.py.md), visits/ and ![a picture](x.png)"


def test_lines_do_not_break_before_percent_signs():
    html = "<td>94.3 % (5 %, x %)</td><code>7 % 2</code><pre><span>8 % 3</span></pre> 9 %"
    found = of_the_site("typography").unbroken(html)
    assert found == "<td>94.3\xa0% (5\xa0%, x %)</td><code>7 % 2</code><pre><span>8 % 3</span></pre> 9\xa0%"


def test_names_in_tables_stay_whole():
    mark = of_the_site("typography").with_whole_names
    assert mark("<td>pick-place</td>") == '<td class="mw-name">pick-place</td>'
    assert mark('<td style="text-align: left;"><a href="x">rl2-ml10</a></td>') == (
        '<td class="mw-name" style="text-align: left;"><a href="x">rl2-ml10</a></td>'
    )
    for other in (
        "<td>one-hot ids</td>",
        "<td>reach</td>",
        "<p>pick-place</p>",
        "<td><code>--min-std</code></td>",
        "<td>pcgrad-sac-three-tasks</td>",
    ):
        assert mark(other) == other


@pytest.mark.parametrize("page", LINKING)
def test_links_to_files_lead_somewhere(page):
    """Of the pages that are not built into the site, whose own check is strict."""
    place = (ROOT / page).parent
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", (ROOT / page).read_text())
    assert targets and not [target for target in targets if not (place / target).exists()]


@pytest.mark.parametrize("page", PAGES)
def test_python_blocks_run(page, request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # README evaluates an agent of the reader's own on all instances: here a random one on a few.
    monkeypatch.setattr(evaluation, "evaluate", partial(evaluation.evaluate, instances_per_task=1, max_episode_steps=5))
    namespace = {"MyAgent": RandomAgent}
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    assert blocks
    for number, (title, code) in enumerate(blocks):
        if title == "needs OpenGL":
            request.getfixturevalue("opengl")
        exec(compile(code, f"{page}, block {number}", "exec"), namespace)


@pytest.mark.parametrize("version", ["v2", "v1"])
@pytest.mark.parametrize("name", ALL_TASKS)
def test_the_rule_of_success_decides_as_the_score_does(excerpts, name, version):
    """Run the text that the site shows on the signals of an expert's episode, beside the score itself."""
    task = TASKS[name]
    rule, *helpers = excerpts.success_rule(task.scores[version]).split("\n\n\n")
    lines = rule.splitlines()
    assert lines[0].startswith("success = ")
    # What is explained stands above what explains it. Only the vocabulary and the tasks' types may come from elsewhere.
    shown = compile("\n".join(lines[:0:-1]), name, "exec")
    decision = compile(lines[0].removeprefix("success = "), name, "eval")
    pages = {key: value for key, value in vars(inspect.getmodule(task.begin)).items() if inspect.isclass(value) or key == "math"}
    env = env_class(name)(reward_function_version=version)
    env.set_task(MT1(name, seed=1).train_tasks[0])
    obs, info = env.reset()
    seen = set()
    for step in range(160):
        obs, _, _, _, info = env.step(np.array(task.expert(obs.tolist()), dtype=np.float32))
        episode = env._episode
        names = {**vars(shaping), **pages, "now": task.reader.read(episode._row()), "start": episode.start}
        if helpers:
            exec("from __future__ import annotations\n" + "\n".join(helpers), names)
        exec(shown, names)
        assert bool(eval(decision, names)) == bool(info["success"]), step
        seen.add(bool(info["success"]))
        if len(seen) == 2:
            break
    assert version == "v1" or seen == {False, True}


def test_excerpts_carry_what_a_score_stands_on(excerpts):
    told = excerpts.excerpt(TASKS["push-wall"].scores["v1"])
    assert told.settings == {"success_distance": "0.07"} and "approach_bonus" in told.vocabulary
    told = excerpts.excerpt(TASKS["push"].scores["v2"])
    assert told.doc.startswith("Cage the puck") and any(line.startswith("SUCCESS_DISTANCE = 0.05") for line in told.constants)
    assert any(helper.startswith("def closeness") for helper in told.helpers)
    assert excerpts.excerpt(TASKS["window-open"].expert).doc.startswith("Come at the handle")
    for task in TASKS.values():
        for function in (*task.scores.values(), task.expert):
            assert excerpts.excerpt(function).code.startswith("def ")


def test_fields_come_with_their_comments(excerpts):
    rows = {name: (kind, default, comment) for name, kind, default, comment in excerpts.field_comments(EpisodeOptions)}
    assert rows["action_repeat"] == ("int", "1", "control steps per action, rewards summed")
    assert rows["max_episode_steps"][1] == "500" and list(rows) == [field.name for field in dataclasses.fields(EpisodeOptions)]
