"""The table of combinations and architectures: means, paired differences, worst tasks, and what is missing."""

import json

import numpy as np
import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")

from scipy import stats

from metaworld_baselines.algorithms.ppo_config import TUNED
from metaworld_baselines.publishing import combinations_page as page

TASKS = ("reach", "push", "drawer-close", "door-open")
PAGE = "Before\n<!-- story: combinations -->\nold\n<!-- end -->\nbetween\n<!-- story: architectures -->\n<!-- end -->\n![](image.png)\n"


@pytest.fixture
def make_run(tmp_path):
    def make(entry, seed, rates, results="results"):
        folder = tmp_path / results / entry / f"ppo-MT10-seed{seed}"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"algorithm": "ppo", "config": vars(TUNED) | {"seed": seed}}))
        head = ["env_steps", "seconds", "success", "return", *(f"success/{task}" for task in TASKS)]
        (folder / "curve.csv").write_text(f"{','.join(head)}\n{','.join(map(str, [2000, 2.0, np.mean(rates), 1.0, *rates]))}\n")
        steps = "".join(f"{step},{0.0 if step <= 1500 else rates[0]}\n" for step in range(500, 2001, 250))
        (folder / "progress.csv").write_text(f"env_steps,training_success\n{steps}")

    return make


@pytest.fixture
def command(tmp_path, make_run):
    for seed, success in ((1, 0.5), (2, 0.6), (3, 0.7)):
        make_run("combination-mean", seed, [success] * 4)
        make_run("combination-pcgrad", seed, [success + 0.1, success, success + 0.3, success])
    make_run("architecture-film", 2, [1.0, 0.0, 1.0, 1.0])
    (tmp_path / "page.md").write_text(PAGE)
    return page.Command(
        folder=tmp_path / "results", off_policy=tmp_path / "off-policy", page=tmp_path / "page.md", image=tmp_path / "image.png"
    )


def test_differences_are_paired_by_seed(command):
    entries = page.read_entries(command.folder)
    end, training = page.comparisons(entries)
    assert list(entries) == ["architecture-film", "combination-pcgrad", "combination-mean"]  # best first
    assert end.against("combination-pcgrad") == pytest.approx([10.0] * 3)
    assert end.against("architecture-film") == pytest.approx([15.0])  # to seed 2 alone
    assert training.success["architecture-film"] == pytest.approx({2: 100.0}), "the last quarter"
    assert training.against("combination-pcgrad") == pytest.approx([10.0] * 3)
    assert entries["combination-pcgrad"].worst == ("push", pytest.approx(60.0))


def test_intervals_take_the_spread_that_all_runs_share():
    """Of balanced entries it is what a two-way analysis of variance leaves; the interval of two entries is the paired t-test's."""
    rng = np.random.default_rng(0)
    success = rng.normal(size=(4, 3))

    def by_entry(table):
        return {str(name): dict(enumerate(row)) for name, row in enumerate(table)}

    left = success - success.mean(axis=0) - success.mean(axis=1, keepdims=True) + success.mean()
    spread = page.spread_of_runs(by_entry(success))
    assert spread.freedom == 6 and spread.std == pytest.approx(np.sqrt((left**2).sum() / 6))
    pair = page.spread_of_runs(by_entry(success[:2]))
    interval = stats.ttest_rel(*success[:2]).confidence_interval()
    assert 2.0 * pair.margin(3) == pytest.approx(interval.high - interval.low)
    assert page.spread_of_runs(by_entry(success[:, :1])).margin(1) is None, "one seed of each"


def test_the_page_gets_both_tables_and_a_picture(command):
    costs = {"update_ms": 2.0, "steps_per_s": 5000, "memory_mib": 30.0, "parameters": 4000}
    (command.folder / page.COSTS).write_text(json.dumps({"combination-pcgrad": costs}))
    assert list(page.make(command)) == [command.page, command.image] and command.image.stat().st_size > 0
    combinations, architectures = command.page.read_text().split("between")
    assert "old" not in combinations and "film" not in combinations and "pcgrad" not in architectures
    rows = {
        cells[1].strip(): [cell.strip() for cell in cells[2:-1]] for cells in (line.split("|") for line in combinations.splitlines()[4:-1])
    }
    assert rows["pcgrad"] == ["70.0 (60, 70, 80)", "10.0 ± 0.0"] * 2 + ["push 60 %", "4,000", "2.0", "5,000", "30"]
    assert rows["mean"] == ["60.0 (50, 60, 70)", ""] * 2 + ["reach 60 %", "", "", "", ""]
    assert "75.0 (75)" in architectures and "15.0 ± 0.0" in architectures  # one seed, and the spread of the others


def test_a_picture_that_the_page_does_not_show_is_not_drawn(command):
    command.page.write_text("No picture here.\n")
    assert list(page.make(command)) == [command.page] and not command.image.exists()


def test_another_sweep_has_a_table_of_its_own(command, make_run):
    make_run("combination-mean", 1, [0.2] * 4, "off-policy")
    make_run("combination-upgrad", 1, [0.3] * 4, "off-policy")
    command.page.write_text("<!-- story: off_policy -->\n<!-- end -->\n")
    list(page.make(command))
    text = command.page.read_text()
    assert text.index("upgrad") < text.index("| mean ") and "10.0" in text and "pcgrad" not in text


def test_without_its_reference_there_is_no_table(command, capsys):
    for place in (command.folder / "combination-mean").glob("*/curve.csv"):
        place.unlink()
    words = [f"--{name}={getattr(command, name)}" for name in ("folder", "page", "image")]
    assert page.main(words) == 2 and "train its entry" in capsys.readouterr().err
