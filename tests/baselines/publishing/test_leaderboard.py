"""The leaderboard: its rows are what their result files say, and only such can be added."""

import json
import shutil
from dataclasses import replace

import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.publishing import leaderboard
from metaworld_baselines.publishing.leaderboard import Add
from metaworld_py.agents import load_agent
from metaworld_py.evaluation import EvaluationResult, evaluate
from metaworld_py.evaluation.results import Adaptation

ADAPTATION = Adaptation(
    adaptation_episodes=10, adaptation_steps=1, evaluation_episodes=3, draws=5, first_draw=0, is_sampled=False, held_out=True
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / leaderboard.FILE).write_text(json.dumps({"schema": leaderboard.SCHEMA, "rows": []}))
    return tmp_path


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    made = tmp_path_factory.mktemp("results")
    return [
        evaluate(load_agent("expert"), ["reach", "drawer-close"], seed=seed, instances_per_task=2, max_episode_steps=60).save(
            made / f"seed{seed}.json"
        )
        for seed in (1, 2)
    ]


def row(files, **changes):
    return Add(**{"files": tuple(files), "algorithm": "Scripted", "env_steps": 0, "by": "us", "source": "metaworld_py.expert"} | changes)


def test_the_repository_s_rows_agree_with_their_files():
    assert leaderboard.read()["rows"], "there is something to check"
    assert leaderboard.check() == []


def test_a_row_is_made_of_its_result_files(folder, results):
    added = leaderboard.add(row(results), folder)
    assert added["seeds"] == [1, 2] and added["benchmark"] == "reach, drawer-close" and added["episodes_per_task"] == 2
    rates = [task["successes"] for file in results for task in json.loads(file.read_text())["tasks"]]
    assert added["success"] == sum(map(sum, rates)) / 8
    assert added["interval"][0] <= added["success"] <= added["interval"][1]
    assert leaderboard.check(folder) == [], "files were copied along"
    shown = "\n".join(leaderboard.lines(leaderboard.read(folder)))
    assert "Scripted" in shown and f"{added['success']:.1%}" in shown


def test_intervals_are_over_seeds_from_three_on(folder, results):
    """Of fewer they are over goals: two runs say nothing of how runs spread, and 8 of 8 successes are not [100, 100]; nor are 24."""
    found = [EvaluationResult.load(path) for path in results]
    always = [
        replace(one, seed=seed, tasks=tuple(replace(task, successes=(True,) * task.episodes) for task in one.tasks))
        for seed, one in zip((1, 2, 3), (*found, found[0]), strict=True)
    ]
    two, three = (leaderboard.numbers(chosen)["interval"] for chosen in (always[:2], always))
    assert two[0] < 0.9 and two[1] == 1.0 and two[0] < three[0] < 1.0 and three[1] == 1.0
    apart = [replace(always[0], tasks=tuple(replace(task, successes=(False,) * task.episodes) for task in always[0].tasks)), *always[1:]]
    assert leaderboard.numbers(apart)["interval"] == [0.0, 1.0], "runs that differ so much tell hardly anything"
    leaderboard.add(row(results), folder)
    assert "(goals)" in "\n".join(leaderboard.lines(leaderboard.read(folder)))


def test_a_row_that_says_more_than_its_files_is_found(folder, results):
    leaderboard.add(row(results[:1]), folder)
    board = leaderboard.read(folder)
    board["rows"][0]["success"] = 0.123
    leaderboard.write(board, folder)
    assert [problem for problem in leaderboard.check(folder) if "success is 0.123, its files say" in problem]
    (folder / board["rows"][0]["results"][0]).unlink()
    assert "No such file" in leaderboard.check(folder)[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[0].pop("by"), r"\$.rows\[0\]: 'by' is a required property"),
        (lambda rows: rows[0].update(success=1.2), "1.2 is greater than the maximum"),
        (lambda rows: rows[0].update(results=["/somewhere/else.json"]), "does not match"),
        (lambda rows: rows[0].update(extra=1), "Additional properties are not allowed"),
    ],
)
def test_the_schema_is_kept(folder, results, change, message):
    leaderboard.add(row(results[:1]), folder)
    board = json.loads((folder / leaderboard.FILE).read_text())
    change(board["rows"])
    (folder / leaderboard.FILE).write_text(json.dumps(board))
    with pytest.raises(ValueError, match=message):
        leaderboard.read(folder)


def test_files_that_do_not_belong_together_are_refused(folder, results, tmp_path):
    other = evaluate(load_agent("expert"), "reach", seed=3, instances_per_task=2, max_episode_steps=60).save(tmp_path / "other.json")
    with pytest.raises(ValueError, match="differ in benchmark: reach, drawer-close, reach"):
        leaderboard.add(row([results[0], other]), folder)
    first, second = (EvaluationResult.load(path) for path in results)
    with pytest.raises(ValueError, match="differ in goal_visible: some agents saw the goals"):
        leaderboard.numbers([replace(first, goal_visible=True), replace(second, goal_visible=False)])
    assert leaderboard.numbers([replace(first, goal_visible=None), replace(second, goal_visible=False)])["seeds"] == [1, 2]
    with pytest.raises(ValueError, match="one file for each seed, got seeds 1, 1"):
        leaderboard.add(row([results[0], results[0]]), folder)
    with pytest.raises(ValueError, match="by"):
        leaderboard.add(row(results, by=""), folder)
    assert leaderboard.read(folder)["rows"] == [], "nothing is left of what was refused"
    leaderboard.add(row(results), folder)
    with pytest.raises(ValueError, match="is there already: give the algorithm another name"):
        leaderboard.add(row(results), folder)


def test_best_first_in_each_benchmark(folder, results):
    low = json.loads(results[0].read_text())
    for task in low["tasks"]:
        task["successes"] = [False] * 2
    (folder / "low.json").write_text(json.dumps(low))
    leaderboard.add(row([shutil.copyfile(folder / "low.json", folder / "copy.json")], algorithm="Worse"), folder)
    leaderboard.add(row(results[:1]), folder)
    assert [row["algorithm"] for row in leaderboard.read(folder)["rows"]] == ["Scripted", "Worse"]
    with pytest.raises(ValueError, match="no row of MT50; there are reach, drawer-close"):
        leaderboard.lines(leaderboard.read(folder), "MT50")


def test_agents_that_see_the_goal_are_not_ranked_with_those_that_find_it_out(folder, results):
    leaderboard.add(row(results[:1]), folder)
    leaderboard.add(row(results[1:], algorithm="Meta", adaptation_episodes=10), folder)
    shown = [line for line in leaderboard.lines(leaderboard.read(folder)) if line.startswith("##")]
    assert shown == ["## reach, drawer-close", "## reach, drawer-close, hidden goals"]


def adapted(results, folder, *adaptations):
    """The result files as meta-learners leave them, on one task."""
    made = []
    for path, adaptation in zip(results, adaptations, strict=True):
        result = EvaluationResult.load(path)
        made.append(replace(result, tasks=result.tasks[:1], adaptation=adaptation).save(folder / f"adapted-{path.name}"))
    return made


def test_a_row_says_how_its_files_adapted_unasked(folder, results, tmp_path):
    files = adapted(results, tmp_path, ADAPTATION, ADAPTATION)
    assert leaderboard.add(row(files), folder)["adaptation_episodes"] == 10
    assert leaderboard.add(row(files, algorithm="Said, too", adaptation_episodes=10), folder)["adaptation_episodes"] == 10
    with pytest.raises(ValueError, match="--adaptation-episodes is 1, the result files say 10"):
        leaderboard.add(row(files, algorithm="Said wrongly", adaptation_episodes=1), folder)
    board = leaderboard.read(folder)
    board["rows"][0]["adaptation_episodes"] = 0
    leaderboard.write(board, folder)
    assert [problem for problem in leaderboard.check(folder) if "adaptation_episodes is 0, its files say 10" in problem]


@pytest.mark.parametrize(
    "second", [None, replace(ADAPTATION, adaptation_episodes=1), replace(ADAPTATION, held_out=False)], ids=["unknown", "episodes", "goals"]
)
def test_results_of_other_adaptation_do_not_belong_together(folder, results, tmp_path, second):
    with pytest.raises(ValueError, match="differ in adaptation"):
        leaderboard.add(row(adapted(results, tmp_path, ADAPTATION, second)), folder)


def test_goals_that_were_trained_on_are_no_row(folder, results, tmp_path):
    with pytest.raises(ValueError, match="are of reach, drawer-close's training goals"):
        leaderboard.add(row(adapted(results[:1], tmp_path, replace(ADAPTATION, held_out=False))), folder)


def test_rates_are_kept_finer_than_they_are_shown():
    """The board and an agent's card round the same number once each."""
    for entry in leaderboard.read()["rows"]:
        if len(entry["results"]) == 1:
            result = EvaluationResult.load(leaderboard.HERE / entry["results"][0])
            shown = [f"{rate:.1%}" for rate in (entry["success"], *entry["interval"])]
            assert shown == [f"{rate:.1%}" for rate in (result.success_rate, *result.interval)], entry["source"]
