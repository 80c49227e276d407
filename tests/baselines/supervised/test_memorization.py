"""Meta-regularisation cures memorisation; results and their page."""

import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.publishing import field_page, many_tasks_table, memorization_page
from metaworld_baselines.supervised import results
from metaworld_baselines.supervised.__main__ import main
from metaworld_baselines.supervised.settings import MultiTaskConfig, find_config, find_many_tasks_config
from metaworld_py.files import write_json

ROOT = Path(__file__).parents[3]


def read_csv(path):
    head, *rows = (line.split(",") for line in path.read_text().splitlines())
    return [dict(zip(head, map(float, row), strict=True)) for row in rows]


@pytest.mark.slow
def test_a_miniature_memorises_and_its_regularised_twin_adapts(tmp_path):
    errors = {}
    for learner, steps in (("cnp", "4000"), ("mr-cnp-a", "10000")):
        words = ["--total-steps", steps, "--eval-every-steps", "2000", "--seed", "3", "--out", str(tmp_path)]
        assert main(["sinusoid", "--learner", learner, *words]) == 0
        errors[learner] = read_csv(tmp_path / f"sinusoid-5shot-{learner}-seed3" / "curve.csv")[-1]
    assert errors["cnp"]["train_error"] < 0.1 and errors["cnp"]["error"] > 0.8
    assert errors["mr-cnp-a"]["error"] < 0.4 and errors["mr-cnp-a"]["train_error_before"] > 1.0


def test_the_page_is_up_to_date():
    page = (ROOT / memorization_page.PAGE).read_text()
    assert {found[2] for found in field_page.PART.finditer(page)} == set(memorization_page.PARTS)
    assert memorization_page.written(page) == page, "older than the results: python -m metaworld_baselines.publishing.memorization_page"
    shown = set(re.findall(r"images/(\w+)\.png", page))
    assert {"memorization_before", "memorization_beta", "memorization_glyphs"} <= shown <= set(memorization_page.FIGURES)
    assert all((ROOT / memorization_page.IMAGES / f"{name}.png").is_file() for name in shown)


def test_figures_show_every_learner_and_beta():
    before, beta = memorization_page.draw_before(), memorization_page.draw_betas()
    assert (
        len(before.axes[0].get_xticklabels())
        == len({name for name, _ in memorization_page.PUBLISHED if memorization_page.usual(name, 5)})
        > 3
    )
    assert len(beta.axes[0].get_xticklabels()) == len(memorization_page.betas()) > 3


def test_the_command_s_own_runs_are_those_of_the_page(monkeypatch):
    """However often they were evaluated and saved."""
    own = find_config("sinusoid", "maml")
    runs = [results.Result(replace(own, eval_every_steps=every), seed, {}) for seed, every in ((1, 4_000), (2, own.eval_every_steps))]
    monkeypatch.setattr(memorization_page, "read_results", lambda: runs)
    assert [run.seed for run in memorization_page.usual("maml", own.shots)] == [1, 2]


def overlaid(learner, seed, left, right):
    return results.Result(MultiTaskConfig(learner=learner), seed, {"accuracy/0": left, "accuracy/1": right})


def test_combinations_stand_beside_single_task_networks_of_the_same_seed_best_first(monkeypatch):
    runs = [overlaid("single", seed, 0.8, 0.5) for seed in (1, 2)]
    runs += [
        overlaid("pcgrad", 1, 0.8, 0.4),
        overlaid("pcgrad", 2, 0.8, 0.45),
        overlaid("mean", 1, 0.88, 0.55),
        overlaid("famo", 9, 0.1, 0.1),
    ]
    monkeypatch.setattr(many_tasks_table, "read_results", lambda: runs)
    assert many_tasks_table.against_single("overlaid-digits")["pcgrad"][1] == [pytest.approx(10.0), pytest.approx(5.0)]
    lines = many_tasks_table.overlaid_table()
    assert "images/overlaid_digits.png" in lines.pop() and not lines.pop()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
    assert [row[0] for row in rows] == ["mean", "single", "pcgrad"], "famo's seed has no single-task networks beside it"
    assert rows[0][1:4] == ["88.0", "55.0", "-10.0"] and rows[2][3] == f"7.5 ± {12.71 * 2.5:.1f}"
    assert [row[4] for row in rows] == ["", "10.0", "20.0"], "less that of the mean, of the one seed that both have"
    assert [label.get_text() for label in many_tasks_table.draw_overlaid().axes[0].get_yticklabels()] == ["mean", "pcgrad"]


def test_dense_tasks_stand_beside_single_task_networks_whatever_other_problems_were_run(monkeypatch):
    measures = {"segmentation/miou": 0.4, "depth/absolute": 0.2, "normals/mean_deg": 20.0, "normals/within_30": 0.8}
    worse = measures | {"depth/absolute": 0.3}
    runs = [overlaid("fixed:weights=0.6/0.4", 1, 0.8, 0.5)]
    runs += [results.Result(find_many_tasks_config("scenes", name), 1, found) for name, found in (("mean", worse), ("single", measures))]
    monkeypatch.setattr(many_tasks_table, "read_results", lambda: runs)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in many_tasks_table.scenes_table()[2:]]
    assert rows == [
        ["single", "40.0", "20.0", "20.0", "80.0", "0", "-12.5", "1"],
        ["mean", "40.0", "30.0", "20.0", "80.0", "12.5", "", "1"],
    ]


def test_a_result_is_replaced_by_the_same_run_and_an_unfinished_run_refused(tmp_path):
    (run := tmp_path / "run").mkdir()
    settings = asdict(replace(find_config("sinusoid", "cnp"), width=2, total_steps=2))
    write_json(run / "config.json", {"algorithm": "cnp", "config": {**settings, "seed": 1}, "versions": {}})
    (run / "curve.csv").write_text("steps,seconds,error\n2,0.1,0.5\n")
    file = tmp_path / "results.json"
    assert results.add([run], file) == results.add([run], file) == 1
    (one,) = results.read_results(file)
    assert one.seed == 1 and one.config.width == 2 and one.numbers["error"] == 0.5
    config = run / "config.json"
    config.write_text(re.sub(r'"total_steps": 2', '"total_steps": 9', config.read_text()))
    with pytest.raises(ValueError, match="2 of 9 updates"):
        results.add([run], file)
