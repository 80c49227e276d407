"""The report's page: complete, self-contained, escaped."""

import dataclasses
import json
import re
import shlex
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from metaworld_py.agents import ExpertAgent, RandomAgent
from metaworld_py.cli.main import build_parser, main
from metaworld_py.evaluation import EvaluationResult, TaskResult, adaptation, evaluate
from metaworld_py.evaluation.results import Adaptation
from metaworld_py.evaluation.reward_curves import Curve, RewardMeter
from metaworld_py.report import command, worst_episode_films, write_report
from metaworld_py.report.charts import curve_chart, shared_scale
from metaworld_py.report.command import python_call, shell_command
from metaworld_py.report.page import page

VOID = {"meta", "link", "input", "br", "img"}
LOADING = {"src", "srcset", "poster", "data", "action", "background", "formaction", "ping"}


class Page(HTMLParser):
    """Checks nesting while it collects tags with their attributes, and the text of table cells."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(text.strip())

    def all(self, tag, css_class=None):
        return [attrs for name, attrs in self.tags if name == tag and css_class in (None, attrs.get("class"))]


def task(name="reach", successes=(True, False), steps=(9, None), returns=(20.0, 5.0)):
    meter = RewardMeter(len(returns), 10)
    for step in range(10):
        meter.add(step, np.array(returns) / 10, np.ones(len(returns), dtype=bool))
    return TaskResult(name, successes, successes, steps, returns, curves=meter.curves())


def result(*tasks, **changes):
    fields = {
        "agent": "expert",
        "benchmark": "MT10",
        "seed": 3,
        "episodes_per_instance": 1,
        "max_episode_steps": 10,
        "reward_function_version": "v2",
        "versions": {"mujoco": "3.17.0"},
        "finished_at": "2026-11-23T10:39:25+00:00",
        "wall_time_s": 75.2,
    }
    return EvaluationResult(tasks=tasks or (task(), task("push", (True, True), (3, 4))), **{**fields, **changes})


def made(*arguments, films=None, because="not asked for", **changes):
    return page(result(*arguments, **changes), films, because)


def test_the_page_names_what_was_evaluated_and_what_came_out():
    text = made()
    parsed = Page(text)
    for piece in ("expert on MT10", "75.0", "23 Nov 2026, 10:39 UTC", "1 min 15 s", "3.17.0", "1 of 2"):
        assert piece in parsed.text, piece
    assert "Pictures were left out: not asked for." in text
    assert len(parsed.all("article")) == 2 and len(parsed.all("svg", "bar")) == 3 and len(parsed.all("svg", "curve")) == 4


def test_the_page_loads_nothing():
    text = made()
    for _, attrs in Page(text).tags:
        assert not LOADING & set(attrs)
        assert attrs.get("href", "#")[0] == "#" or attrs["href"] == "data:,"
    assert not re.search(r"https?:|url\((?!data:)|@import|\bimport\(|fetch\(|XMLHttpRequest", text)
    assert "default-src 'none'" in Page(text).all("meta")[1]["content"]


def test_what_comes_from_users_is_escaped():
    evil = '"><script>alert(1)</script>&'
    text = made(task(evil), agent=evil, benchmark=evil, reward_function_version=evil, versions={evil: evil}, because=evil)
    assert len(Page(text).all("script")) == 1 and "alert(1)" in text and "<script>alert" not in text
    call = made(agent="x:y'; rm -rf /").split("<pre")[1].split("</pre>")[0]
    assert "&#x27;" in call and "'; rm" not in call


def test_numbers_to_sort_by_are_in_the_cells_and_missing_ones_are_empty():
    parsed = Page(made(task(), task("push", (False, False), (None, None))))
    rows = [attrs["data-value"] for tag, attrs in parsed.tags if tag in ("td", "th") and "data-value" in attrs]
    assert rows[0] == "reach" and rows[8] == "push"
    assert float(rows[1]) == 0.5 and float(rows[4]) == 9.0 and rows[12] == "", "no success, no steps"
    assert "–" in parsed.text


def test_only_all_episodes_read_as_100_percent():
    nearly = task(successes=(True,) * 999 + (False,), steps=(1,) * 999 + (None,), returns=(1.0,) * 1000)
    values = [text for text in Page(made(nearly)).text if text.endswith("%")]
    assert "99 %" in values and "100 %" not in values


def test_instances_show_where_they_failed_and_rounds_are_joined():
    text = made(task())
    assert "Failed instances: 1" in text and 'title="Instance 0: success after 9 steps, return 20.0"' in text and 'class="none"' in text
    rounds = made(task(successes=(True, False, False, False), steps=(9, None, None, None), returns=(1.0,) * 4), episodes_per_instance=2)
    assert (
        'class="part" style="--share:50%" title="Instance 0: 1 of 2 episodes solved' in rounds
        and "Instances not always solved: 0, 1" in rounds
    )


def test_results_without_curves_or_dates_still_make_a_page():
    text = made(dataclasses.replace(task(), curves=None), finished_at="", wall_time_s=None)
    assert "not recorded" in text and 'class="curve"' not in text and "fieldset" not in Page(text).open


def test_scales_are_round_and_hold_zero():
    assert shared_scale([Curve((1.0, 6.2), (0.5, 5.0), (2.0, 7.1))]) == (0.0, 8.0)
    assert shared_scale([Curve((-30.0,), (-42.0,), (5.0,))]) == (-50.0, 5.0)
    assert shared_scale([Curve((0.0,), (0.0,), (0.0,))]) == (0.0, 1.0)


def test_curves_are_drawn_to_scale():
    svg = curve_chart((5, 10), Curve((0.0, 10.0), (0.0, 5.0), (0.0, 10.0)), (0.0, 10.0), marker=2.5)
    assert 'class="mean" d="M50.0,100.0 100.0,0.0"' in svg and 'd="M25.0,0V100"' in svg
    assert 'class="spread" d="M50.0,100.0 100.0,0.0 100.0,50.0 50.0,100.0Z"' in svg


def test_the_command_repeats_the_evaluation(tmp_path):
    tasks = [task("reach", (True,) * 50, (1,) * 50, (1.0,) * 50), task("door-open", (True,) * 50, (1,) * 50, (1.0,) * 50)]
    words = shell_command(result(*tasks, agent="my agents:Mine", benchmark="reach, door-open", use_one_hot=True))
    options = build_parser().parse_args(shlex.split(words)[1:])
    assert options.benchmark == ["reach", "door-open"] and options.agent == "my agents:Mine" and options.use_one_hot
    assert (options.seed, options.episodes, options.max_episode_steps) == (3, 50, 10)
    assert shell_command(result(agent="MyAgent")) is None
    call = python_call(result(agent="MyAgent"))
    assert "MyAgent()" in call and "'MT10'" in call and "seed=3" in call and compile(call, "call", "exec")


ADAPTED = Adaptation(
    adaptation_episodes=3, adaptation_steps=1, evaluation_episodes=2, draws=5, first_draw=0, is_sampled=False, held_out=True
)


def test_the_command_repeats_what_a_meta_learner_adapted_on():
    played = task("push", (True,) * 20, (1,) * 20, (1.0,) * 20)
    settings = {"agent": "my_agents:Meta", "benchmark": "push", "episodes_per_instance": 10, "adaptation": ADAPTED}
    options = build_parser().parse_args(shlex.split(shell_command(result(played, **settings)))[1:])
    assert (options.episodes, options.adaptation_episodes, options.evaluation_episodes, options.adaptation_draws) == (2, 3, 2, 5)
    assert (options.agent, options.seed, options.max_episode_steps) == ("my_agents:Meta", 3, 10)
    text = made(played, **settings)
    assert "Draws of adaptation" in text and "--adaptation-episodes 3" in text


@pytest.mark.parametrize("changes", [{"adaptation_steps": 2}, {"first_draw": 5}, {"is_sampled": True}, {"held_out": False}])
def test_what_the_command_line_cannot_play_is_a_call(changes):
    adapted = result(agent="maml-trpo-ml1-push", benchmark="ML10-test", adaptation=dataclasses.replace(ADAPTED, **changes))
    assert shell_command(adapted) is None
    call = python_call(adapted)
    namespace = {"agent": "the agent"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adaptation, "evaluate_adaptation", lambda *arguments, **keywords: namespace.update(keywords, arguments=arguments))
        exec(call, namespace)
    assert namespace["arguments"] == ("the agent", "ML10-test") and namespace["instances_per_task"] == 2
    assert namespace | dataclasses.asdict(adapted.adaptation) == namespace, "every setting is passed on"


def test_older_results_of_a_meta_learner_are_not_called_an_evaluation_without_adapting(monkeypatch):
    monkeypatch.setattr(command, "known_card", lambda name: SimpleNamespace(adapts=True) if name == "meta" else None)
    older = result(agent="meta")
    call = python_call(older)
    assert shell_command(older) is None and "evaluate_adaptation(\n    agent," in call.replace("meta()", "agent")
    assert "which the saved result does not say" in call and compile(call, "call", "exec")


def test_settings_of_adaptation_are_saved(tmp_path):
    adapted = result(adaptation=ADAPTED)
    assert EvaluationResult.load(adapted.save(tmp_path / "adapted.json")) == adapted
    path = result().save(tmp_path / "older.json")
    content = json.loads(path.read_text())
    del content["adaptation"]
    path.write_text(json.dumps(content))
    assert EvaluationResult.load(path) == result()


def test_pictures_of_results_from_python_ask_for_the_agent(tmp_path, capsys):
    path = result(agent="MyAgent").save(tmp_path / "result.json")
    assert main(["report", str(path), "--pictures"]) == 2
    assert "unknown agent 'MyAgent'" in (error := capsys.readouterr().err) and "--agent module:attribute" in error
    assert main(["report", str(path), "--pictures", "--agent", "nobody"]) == 2
    assert "--agent module:attribute" not in capsys.readouterr().err


def test_reports_are_written_by_the_command_line(tmp_path, capsys):
    saved, page_path = tmp_path / "result.json", tmp_path / "result.html"
    arguments = ["evaluate", "reach", "--agent", "random", "--episodes", "2", "--max-episode-steps", "5", "--save", str(saved)]
    assert main([*arguments, "--report", str(page_path), "--no-report-pictures"]) == 0
    first = page_path.read_text(encoding="utf-8")
    assert "random on reach" in first and "left out: --no-report-pictures" in first
    assert main(["report", str(saved)]) == 0
    assert page_path.read_text(encoding="utf-8") == first.replace("--no-report-pictures", "ask for them with --pictures")
    for wrong, message in (("report.pdf", ".html"), ("no/folder/report.html", "does not exist")):
        assert main([*arguments, "--report", wrong]) == 2 and message in capsys.readouterr().err


def test_without_opengl_the_page_says_so(tmp_path, monkeypatch, capsys):
    from metaworld_py.media import pictures
    from metaworld_py.rendering import RenderingError

    def no_gl():
        raise RenderingError("no OpenGL for rendering. Install some")

    monkeypatch.setattr(pictures, "choose_gl", no_gl)
    out = tmp_path / "report.html"
    arguments = ["evaluate", "reach", "--episodes", "2", "--max-episode-steps", "5", "--report", str(out)]
    assert main(arguments) == 0
    assert "Pictures were left out: no OpenGL for rendering. Install some." in out.read_text(encoding="utf-8")
    assert "pictures were left out" in capsys.readouterr().err


def test_films_show_the_worst_episode_of_each_task(opengl, tmp_path):
    evaluated = evaluate(ExpertAgent(), ["reach", "door-close"], seed=1, instances_per_task=3, max_episode_steps=70, agent_name="expert")
    films = worst_episode_films(evaluated, ExpertAgent())
    for one in evaluated.tasks:
        film = films[one.task]
        assert film.episode == one.worst_episode and film.outcome == film.evaluated_outcome, "the expert plays the same again"
        assert film.steps[0] == 0 and len(film.steps) == 12 and film.webp[8:12] == b"WEBP"
    text = write_report(evaluated, tmp_path / "report.html", films=films).read_text(encoding="utf-8")
    parsed = Page(text)
    assert len(parsed.all("figure", "film")) == 2 and "Pictures show the worst episode" in text
    slowest = evaluated.tasks[0].worst_episode
    assert f"Instance {slowest}: success after {max(evaluated.tasks[0].steps_to_success)} steps" in text


def test_films_say_when_an_agent_plays_otherwise_the_second_time(opengl):
    class Moody(RandomAgent):
        """Waits in the evaluation and solves the task afterwards."""

        def eval_action(self, observations):
            if len(observations) > 1:
                return np.zeros((len(observations), 4))
            agent = ExpertAgent()
            agent.start_task("reach")
            return agent.eval_action(observations[:, :39])

    evaluated = evaluate(Moody(), "reach", instances_per_task=2, max_episode_steps=60, use_one_hot=True)
    films = worst_episode_films(evaluated, Moody())
    assert films["reach"].evaluated_outcome == "no success in 60 steps" and films["reach"].outcome.startswith("success after")
    assert "no success in 60 steps; played again: success after" in page(evaluated, films, "")


@pytest.mark.parametrize("name", ["page.css", "page.js"])
def test_style_and_script_are_part_of_the_package(name):
    from importlib.resources import files

    assert files("metaworld_py.report").joinpath(name).is_file()
