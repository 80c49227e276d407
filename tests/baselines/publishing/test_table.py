"""Tables of ours beside the published numbers: aggregates by hand, groups, and what is said about differences."""

import json

import numpy as np
import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.algorithms.sac_config import SacConfig
from metaworld_baselines.publishing import aggregation, table
from metaworld_baselines.publishing.table import PUBLISHED_FIGURES

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


def test_interquartile_means_and_their_intervals(make_run):
    """By hand: of twelve scores the middle six count. The interval covers it, shrinks to a point without spread, and needs three seeds."""
    runs = [make_run(1, [0.0, 0.2, 0.4, 1.0]), make_run(2, [0.2, 0.2, 0.6, 1.0]), make_run(3, [0.0, 0.0, 0.6, 0.8])]
    (group,) = table.collect("MT10", runs)
    iqm, interval = table.aggregate(group, resamples=200)
    assert iqm == pytest.approx((0.2 + 0.2 + 0.2 + 0.4 + 0.6 + 0.6) / 6) and interval[0] <= iqm <= interval[1] and interval[0] < interval[1]
    assert aggregation.interval(group.matrix, aggregation.iqm, 200) == interval, "the same again"
    assert aggregation.interval(np.full((3, 4), 0.5), aggregation.mean, 50) == (0.5, 0.5)
    (two,) = table.collect("MT10", [make_run(seed, [0.0, 0.2, 0.4, 1.0], width=64) for seed in (5, 6)])
    assert table.aggregate(two, resamples=200) == (pytest.approx(0.3), None)


def test_rows_keep_final_maximum_and_published_apart(make_run):
    """The published maximum is each task's own: of (0, 0.2, 0.4, 1) after (0.8, 0, 0, 0) it is (0.8, 0.2, 0.4, 1)."""
    groups = table.collect("MT10", [make_run(1, [0.0, 0.2, 0.4, 1.0], before=[0.8, 0.0, 0.0, 0.0])])
    rows = table.rows("MT10", groups, resamples=10)
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
    scores = {"a": np.array([[0.0, 0.5, 1.0], [0.2, 0.6, 1.0]])}
    shares, _ = aggregation.profiles(scores, np.array([0.1, 0.55, 1.0]), resamples=20)
    assert np.allclose(shares["a"], [5 / 6, 3 / 6, 0.0])


def test_published_figures_name_their_source():
    for figure in json.loads(PUBLISHED_FIGURES.read_text()):
        assert 0.0 <= figure["success"] <= 1.0 and "arXiv" in figure["source"] and figure["statistic"], figure


@pytest.mark.parametrize("benchmark", ["MT10", "MT50", "ML10", "ML1-reach"])
def test_the_command_prints_and_draws(benchmark, tmp_path, capsys):
    assert table.main([benchmark, "--resamples", "20", "--out", str(tmp_path / "table.png")]) == 0
    printed = capsys.readouterr().out
    assert "| algorithm" in printed and "\n- " in printed
    assert (tmp_path / "table.png").stat().st_size > 10_000


def test_unknown_benchmarks_and_folders_are_refused(tmp_path, capsys):
    assert table.main(["MT11"]) == 2 and "published: ML10" in capsys.readouterr().err
    assert table.main(["MT10", str(tmp_path)]) == 2 and "config.json" in capsys.readouterr().err
