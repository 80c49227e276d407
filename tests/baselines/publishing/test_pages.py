"""Tables and curves of runs."""

import json
import shutil

import pytest
from matplotlib.figure import Figure

pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.publishing import plot, summary

META = "env_steps,seconds,success,return,success_before,return_before,train_success,train_return,success/reach\n"


@pytest.fixture
def runs(tmp_path):
    plain, meta = tmp_path / "sac-reach-seed2", tmp_path / "rl2-ML1-reach-seed1"
    for folder, text in (
        (plain, "env_steps,seconds,success,return,success/reach\n1000,10.0,0.9,50.0,0.9\n2000,7200,0.7,60.0,0.7\n"),
        (meta, META + "3000,3600,0.5,100.0,0.25,80.0,0.75,120.0,0.5\n"),
    ):
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"hardware": "two cores"}))
        (folder / "curve.csv").write_text(text)
    return plain, meta


def test_rows_tell_the_last_and_the_best(runs):
    plain, meta = (summary.row(folder) for folder in runs)
    assert plain == ("sac-reach-seed2", "2,000", "2.00", "70%", "90%", "60", "two cores")
    assert meta == ("rl2-ML1-reach-seed1", "3,000", "1.00", "25% → 50%", "50%", "80 → 100", "two cores")


def test_entries_of_a_sweep_are_told_apart(runs, tmp_path, capsys):
    folders = []
    for entry in ("mean", "pcgrad"):
        for seed in (1, 2):
            folders.append(tmp_path / entry / f"ppo-MT10-seed{seed}")
            shutil.copytree(runs[0], folders[-1])
            described = {"algorithm": "ppo", "config": {"seed": seed}, "hardware": "two cores"}
            (folders[-1] / "config.json").write_text(json.dumps(described))
    lines = plot.draw(folders).axes[0].lines
    assert [line.get_label() for line in lines if not line.get_label().startswith("_")] == ["mean/ppo-MT10", "pcgrad/ppo-MT10"]
    assert len({line.get_color() for line in lines}) == 2
    assert summary.main([str(tmp_path / "mean"), str(tmp_path / "pcgrad")]) == 0
    assert "pcgrad/ppo-MT10-seed2" in "".join(capsys.readouterr().out)


def test_seeds_are_faint_below_their_mean_where_all_were_evaluated():
    axis = Figure().subplots()
    plot.draw_runs(axis, [{10: 0.2, 20: 0.4, 30: 0.6}, {10: 0.4, 30: 1.0}], "ppo", color="C1")
    *seeds, mean = axis.lines
    assert [line.get_xdata().tolist() for line in seeds] == [[10, 20, 30], [10, 30]] and all(line.get_alpha() < 0.5 for line in seeds)
    assert mean.get_xdata().tolist() == [10, 30] and mean.get_ydata() == pytest.approx([0.3, 0.8])
    assert axis.get_legend_handles_labels()[1] == ["ppo"] and {line.get_color() for line in axis.lines} == {"C1"}


def test_seeds_evaluated_at_other_steps_have_no_mean():
    axis = Figure().subplots()
    plot.draw_runs(axis, [{10: 0.2}, {20: 0.4}], "ppo", color="C1")
    assert [line.get_ydata().tolist() for line in axis.lines] == [[0.2], [0.4]] and axis.get_legend_handles_labels()[1] == ["ppo"]


def test_curves_of_meta_learners_show_training_goals_and_before(runs):
    figure = plot.draw(runs)
    labels = [line.get_label() for line in figure.axes[0].lines]
    assert labels == ["sac-reach"] + [
        f"rl2-ML1-reach, {what}" for what in ("held-out goals, adapted", "training goals, adapted", "held-out goals, before")
    ]
    assert figure.axes[1].lines[2].get_ydata().tolist() == [120.0]
