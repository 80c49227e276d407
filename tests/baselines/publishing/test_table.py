"""Tables of ours beside the published numbers: aggregates by hand, groups, and what is said about differences."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.algorithms.ppo_config import PpoConfig
from metaworld_baselines.algorithms.rl2_config import Rl2Config
from metaworld_baselines.algorithms.sac_config import SacConfig
from metaworld_baselines.publishing import aggregation, protocol_table, table
from metaworld_baselines.publishing.published_settings import published_config, published_steps
from metaworld_baselines.publishing.table import PUBLISHED_FIGURES
from metaworld_baselines.runs.run_files import find_runs
from metaworld_py.evaluation.shots import Shot, save_shots

TASKS = ("reach", "push", "drawer-close", "door-open")


@pytest.fixture
def make_run(tmp_path):
    def make(seed, rates, before=(0.0, 0.0, 0.0, 0.0), **changes):
        folder = tmp_path / f"mt-sac-{seed}-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        config = vars(SacConfig(benchmark="MT10", **changes)) | {"seed": seed}
        (folder / "config.json").write_text(json.dumps({"algorithm": "mt-sac", "config": config, "hardware": "", "versions": {}}))
        head = ["env_steps", "seconds", "success", "return", *(f"success/{task}" for task in TASKS)]
        lines = [[1000, 1.0, np.mean(before), 1.0, *before], [2000, 2.0, np.mean(rates), 1.0, *rates]]
        (folder / "curve.csv").write_text("\n".join(",".join(map(str, line)) for line in (head, *lines)) + "\n")
        return folder

    return make


def test_seeds_are_grouped_and_settings_are_not(make_run):
    folders = [make_run(1, [0.0, 0.2, 0.4, 1.0]), make_run(2, [0.2, 0.2, 0.6, 1.0]), make_run(1, [1.0] * 4, width=64)]
    groups = table.collect("mt10", folders)
    assert [sorted(group.seeds) for group in groups] == [[1, 2], [1]]
    assert table.collect("MT50", folders) == []
    with pytest.raises(ValueError, match="are the same run, seed 1: give one of them"):
        table.collect("MT10", [folders[0], make_run(1, [0.5] * 4)])


def test_what_was_reproduced_stands_in_for_what_it_repeats(make_run):
    ours, again = make_run(1, [0.0] * 4), make_run(1, [1.0] * 4)
    (group,) = table.collect("MT10", [again], [ours, make_run(2, [0.5] * 4)])
    assert group.seeds == [1, 2] and group.matrix.mean(axis=1).tolist() == [1.0, 0.5]


def test_folders_of_runs_are_searched(make_run, tmp_path, capsys):
    """As the shell gives them by `runs/*`: a sweep's folder, runs with labels, one without an evaluation, files."""
    below, labelled, fresh = make_run(1, [0.0] * 4), make_run(2, [0.0] * 4), make_run(3, [0.0] * 4)
    (tmp_path / "sweep").mkdir()
    below = below.rename(tmp_path / "sweep" / "seed1")
    (labelled / "config.json").write_text(
        json.dumps({"algorithm": "maml", "config": {"problem": "sinusoid", "seed": 1}, "hardware": "", "versions": {}})
    )
    (fresh / "curve.csv").unlink()
    (tmp_path / "train.log").touch()
    assert find_runs(sorted(tmp_path.iterdir())) == [below] and find_runs([tmp_path], with_labels=True) == [labelled]
    assert f"{fresh}: not evaluated yet" in capsys.readouterr().err
    with pytest.raises(FileNotFoundError, match="no run that trained an agent"):
        find_runs([labelled])


def test_entries_of_a_sweep_are_told_apart_by_their_folders(make_run, tmp_path):
    folders = []
    for entry, width in (("plain", 16), ("wide", 32)):
        (tmp_path / entry).mkdir()
        folders += [make_run(seed, [0.0] * 4, width=width).rename(tmp_path / entry / f"seed{seed}") for seed in (1, 2)]
    assert [group.label for group in table.collect("MT10", folders)] == ["plain, 2 seeds", "wide, 2 seeds"]
    assert [group.label for group in table.collect("MT10", folders[:2])] == ["mt-sac, 2 seeds"], "one recipe is known by its algorithm"


def test_single_runs_of_one_name_are_told_apart_by_their_folders(make_run, tmp_path):
    folders = []
    for entry, width in (("plain", 16), ("wide", 32)):
        (tmp_path / entry).mkdir()
        folders.append(make_run(1, [0.0] * 4, width=width).rename(tmp_path / entry / "seed1"))
    assert [group.label for group in table.collect("MT10", folders)] == ["plain, 1 seed", "wide, 1 seed"]


def test_how_often_a_run_is_looked_at_makes_no_recipe(make_run, tmp_path):
    """Several seeds of one recipe beside a single run of another are told apart from it by their names."""
    two = [make_run(1, [0.0] * 4, eval_every_env_steps=1000), make_run(2, [0.0] * 4, eval_every_env_steps=2000, save_every_env_steps=4000)]
    two = [folder.rename(tmp_path / f"plain-seed{seed}") for seed, folder in enumerate(two, 1)]
    other = make_run(1, [0.0] * 4, width=16).rename(tmp_path / "narrow-seed1")
    assert [group.label for group in table.collect("MT10", [*two, other])] == ["plain, 2 seeds", "narrow-seed1"]


def test_recipes_in_one_folder_are_told_apart_by_their_names(make_run, tmp_path):
    folders = []
    for name, width in (("mt-sac-MT10", 16), ("mt-sac-MT10-wide", 32)):
        folders += [make_run(seed, [0.0] * 4, width=width).rename(tmp_path / f"{name}-seed{seed}") for seed in (1, 2)]
    assert [group.label for group in table.collect("MT10", folders)] == ["mt-sac-MT10, 2 seeds", "mt-sac-MT10-wide, 2 seeds"]


def test_interquartile_means_and_their_intervals(make_run):
    """By hand: of twelve scores the middle six count. The interval covers it, shrinks to a point without spread, and needs three seeds."""
    runs = [make_run(1, [0.0, 0.2, 0.4, 1.0]), make_run(2, [0.2, 0.2, 0.6, 1.0]), make_run(3, [0.0, 0.0, 0.6, 0.8])]
    (group,) = table.collect("MT10", runs)
    iqm, interval = aggregation.iqm(group.matrix), aggregation.interval(group.matrix, aggregation.iqm)
    assert iqm == pytest.approx((0.2 + 0.2 + 0.2 + 0.4 + 0.6 + 0.6) / 6) and interval[0] <= iqm <= interval[1] and interval[0] < interval[1]
    assert aggregation.interval(np.full((3, 4), 0.5), aggregation.mean) == (0.5, 0.5)
    (two,) = table.collect("MT10", [make_run(seed, [0.0, 0.2, 0.4, 1.0], width=64) for seed in (5, 6)])
    assert aggregation.iqm(two.matrix) == pytest.approx(0.3)
    told = [(row[6], bool(row[5])) for row in table.rows("MT10", [group, two]) if row[1] == "ours"]
    middle, whole, most = "final, interquartile mean over seeds and tasks", "final, mean", "maximum over training of each task, mean"
    assert told == [(middle, True), (whole, True), (most, False), (whole, False), (most, False)], "two seeds have no interval"


def test_intervals_of_means_are_students():
    """Of runs' means, whatever the spread over tasks: by the quantile 4.303 of two degrees of freedom; rates stay rates."""
    scores = np.array([[0.2, 0.6], [0.4, 0.6], [0.5, 0.7]])
    error = np.std([0.4, 0.5, 0.6], ddof=1) / np.sqrt(3)
    assert aggregation.interval(scores, aggregation.mean) == pytest.approx((0.5 - 4.303 * error, 0.5 + 4.303 * error), abs=1e-4)
    assert aggregation.interval(np.array([[0.0], [0.5], [1.0]]), aggregation.mean) == (0.0, 1.0)


def test_intervals_cover_as_often_as_they_say():
    """Of runs whose tasks share their luck, 95 of 100 means of three; a bootstrap that draws each task's seeds by themselves covers 78."""
    rng, covered = np.random.default_rng(0), 0
    for _ in range(400):
        scores = 0.5 + 0.0275 * rng.normal(size=(3, 1)) + 0.1 * rng.normal(size=(3, 10))
        low, high = aggregation.interval(scores, aggregation.mean)
        covered += low <= 0.5 <= high
    assert 0.92 <= covered / 400 <= 0.98


def test_other_budgets_are_other_recipes(make_run):
    """A trial of a few steps is no further seed of the run that it tries out, and does not stand in for it."""
    whole, trial = make_run(1, [0.5] * 4), make_run(1, [0.0] * 4, total_env_steps=2_000)
    assert [group.matrix.mean() for group in table.collect("MT10", [trial], [whole])] == [0.0, 0.5]
    stopped = make_run(1, [0.25] * 4)
    (stopped / "curve.csv").write_text((stopped / "curve.csv").read_text().replace("2000,", "1500,"))
    groups = table.collect("MT10", [stopped], [whole])
    assert [(group.env_steps, len(group.seeds)) for group in groups] == [(1500, 1), (2000, 1)]


def test_rows_keep_final_maximum_and_published_apart(make_run):
    """The published maximum is each task's own: of (0, 0.2, 0.4, 1) after (0.8, 0, 0, 0) it is (0.8, 0.2, 0.4, 1)."""
    groups = table.collect("MT10", [make_run(1, [0.0, 0.2, 0.4, 1.0], before=[0.8, 0.0, 0.0, 0.0])])
    rows = table.rows("MT10", groups)
    assert [row[4:] for row in rows if row[1] == "ours"] == [
        ("40.0%", "", "final, mean"),
        ("60.0%", "", "maximum over training of each task, mean"),
    ]
    assert len(rows) == 2 + sum(figure["benchmark"] == "MT10" for figure in json.loads(PUBLISHED_FIGURES.read_text()))


def test_differences_are_said(make_run):
    groups = table.collect("MT10", [make_run(1, [0.5] * 4, batch_per_task=32, max_episode_steps=150)])
    text = "\n".join(table.differences("MT10", groups))
    for said in ("0.0% of the published 20,000,000 steps", "1 of 10 seeds", "episodes of 150 instead of 500", "batch per task 32 (128)"):
        assert said in text
    assert "a maximum over training flatters" in text
    assert "No run of ours on MT25 yet" in "\n".join(table.differences("MT25", []))


def test_profiles_fall_from_all_to_none(make_run):
    scores, rates = np.array([[0.0, 0.5, 1.0], [0.2, 0.6, 1.0]]), np.array([0.1, 0.55, 1.0])
    shares, band = aggregation.profile(scores, rates)
    assert np.allclose(shares, [5 / 6, 3 / 6, 0.0]) and band is None
    shares, (low, high) = aggregation.profile(np.vstack([scores, [[0.0, 0.0, 0.7]]]), rates)
    assert (low <= shares).all() and (shares <= high).all() and low[0] < high[0]


def test_published_figures_name_their_source():
    for figure in json.loads(PUBLISHED_FIGURES.read_text()):
        assert 0.0 <= figure["success"] <= 1.0 and "arXiv" in figure["source"] and figure["statistic"], figure


@pytest.mark.parametrize("benchmark", ["MT10", "MT50", "ML10", "ML1-reach"])
def test_the_command_prints_and_draws(benchmark, tmp_path, capsys):
    assert table.main([benchmark, "--out", str(tmp_path / "table.png")]) == 0
    printed = capsys.readouterr().out
    assert "| algorithm" in printed and "\n- " in printed
    assert (tmp_path / "table.png").stat().st_size > 10_000


def test_unknown_benchmarks_and_folders_are_refused(tmp_path, capsys):
    assert table.main(["MT11"]) == 2 and "published: ML10" in capsys.readouterr().err
    assert table.main(["MT10", str(tmp_path)]) == 2 and "config.json" in capsys.readouterr().err


@pytest.fixture
def make_meta_run(tmp_path):
    """A run of RL² on ML1 reach with two evaluations; with `trials`, of a version that kept them episode by episode."""

    def make(seed, rates, has_trials):
        folder = tmp_path / f"rl2-{seed}"
        folder.mkdir()
        config = vars(Rl2Config(benchmark="ML1", task="reach")) | {"seed": seed}
        (folder / "config.json").write_text(json.dumps({"algorithm": "rl2", "config": config, "hardware": "", "versions": {}}))
        lines = [f"{1000 * at},{at},{rate},1.0,{rate / 2},{rate}" for at, rate in enumerate(rates, start=1)]
        (folder / "curve.csv").write_text("\n".join(["env_steps,seconds,success,return,success_before,success/reach", *lines]) + "\n")
        if has_trials:
            shown = [(rate / 2, rate / 4, rate, rate) for rate in rates]
            lines = [f"{at},1," + ",".join(map(str, (*one, *(2 * rate for rate in one)))) for at, one in enumerate(shown, start=1)]
            names = ("before/reach", "while_adapting/1", "while_adapting/2", "once_adapted/1")
            head = ",".join(("env_steps", "seconds", *names, *(f"train_{name}" for name in names)))
            (folder / "trials.csv").write_text("\n".join([head, *lines]) + "\n")
        return folder

    return make


def test_all_protocols_of_meta_learners_stand_side_by_side(make_meta_run):
    """Before and after, with most likely and with random actions, at the end and at best; what one run lacks is not made up."""
    folders = [make_meta_run(1, [0.8, 0.4], has_trials=True), make_meta_run(2, [0.4, 0.6], has_trials=True)]
    (group,) = table.collect("ML1-reach", folders)
    rows = {row[1:3]: row[3:] for row in protocol_table.protocol_rows(group.label, group.config, group.folders)}
    assert rows["0", "most likely"] == ("25.0%", "35.0%", "50.0%") and rows["10", "most likely"] == ("50.0%", "70.0%", "100.0%")
    assert rows["0", "random"] == ("12.5%", "17.5%", "25.0%") and rows["1", "random"] == ("50.0%", "70.0%", "100.0%")
    shots = [Shot(3, True, 0.25, (0.1, 0.4), 0.0, {"reach": 0.25})]
    save_shots(shots, folders[0] / "shots.json")
    save_shots([replace(shots[0], success=0.75)], folders[1] / "shots.json")
    rows = {row[1:3]: row[3:] for row in protocol_table.protocol_rows(group.label, group.config, group.folders)}
    assert rows["3", "random"] == ("50.0%", "not kept", "not kept") and rows["10", "most likely"] == ("not kept", "70.0%", "100.0%")
    assert "episodes to adapt |" in "\n".join(table.text("ML1-reach", [group]))
    rehearses = [protocol_table.protocol_rows("", replace(group.config, rehearses=is_so), folders[:1]) for is_so in (True, False)]
    assert [len(some) for some in rehearses] == [4, 5], "of one that rehearses, actions are random throughout in the first episode alone"
    old = make_meta_run(3, [0.5, 0.3], has_trials=False)
    assert protocol_table.best_by_protocol(old, group.config) == {(10, False): 0.5, (0, False): 0.25}


def test_published_settings_are_those_of_the_benchmark():
    """Single tasks have 2 × 256 and budgets of their own; what nobody published has none."""
    single, custom = SacConfig(benchmark="reach"), SacConfig(benchmark="reach,push")
    assert (published_config("sac", single).width, published_config("sac", single).depth) == (256, 2)
    assert (published_config("mt-sac", SacConfig()).width, published_config("mt-sac", SacConfig()).depth) == (400, 3)
    assert (
        published_steps("sac", single) == 10_000_000 and published_steps("ppo", PpoConfig(benchmark="reach", minibatches=10)) == 20_000_000
    )
    assert published_steps("mt-sac", SacConfig(benchmark="MT50")) == 100_000_000
    assert published_steps("mt-sac", custom) is None and published_steps("mt-sac", single) is None
    ml1 = published_config("rl2", Rl2Config(benchmark="ML1", task="reach"))
    assert (ml1.meta_batch, ml1.total_env_steps, ml1.task) == (10, 2_000_000, "reach")


def test_runs_without_published_budget_say_so(tmp_path):
    folder = tmp_path / "sac"
    folder.mkdir()
    config = vars(SacConfig(benchmark="reach,push", width=64)) | {"seed": 1}
    (folder / "config.json").write_text(json.dumps({"algorithm": "mt-sac", "config": config, "hardware": "", "versions": {}}))
    (folder / "curve.csv").write_text("env_steps,seconds,success,return,success/reach,success/push\n1000,1,0.5,1,0.5,0.5\n")
    text = "\n".join(table.differences("reach,push", table.collect("reach,push", [folder])))
    assert "1,000 steps, none published" in text and "width 64 (400)" in text
