"""The command: runs, exact resume, refusals."""

import numpy as np
import pytest

pytest.importorskip("jax")
from metaworld_baselines.runs.run_files import read_table
from metaworld_baselines.supervised.__main__ import main
from metaworld_baselines.supervised.settings import LEARNERS, PROBLEMS, find_config

SMALL = [
    "--width",
    "4",
    "--encoder-width",
    "4",
    "--meta-batch",
    "2",
    "--test-tasks",
    "3",
    "--eval-every-steps",
    "10",
    "--save-every-steps",
    "10",
]


def run(out, steps, *more):
    return main(["sinusoid", "--learner", "mr-cnp-w", *SMALL, "--total-steps", str(steps), "--out", str(out), *more])


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path):
    assert run(tmp_path / "whole", 20) == 0
    assert run(tmp_path / "parts", 10) == 0
    assert run(tmp_path / "parts", 20) == 0
    curves = [read_table(tmp_path / name / "sinusoid-5shot-mr-cnp-w-seed1" / "curve.csv") for name in ("whole", "parts")]
    whole, parts = ([{name: row[name] for name in row if name != "seconds"} for row in curve] for curve in curves)
    assert whole == parts and [row["steps"] for row in whole] == [10, 20]
    assert whole[0]["error"] != whole[1]["error"] and all(np.isfinite(list(row.values())).all() for row in whole)
    assert whole[1]["bound"] > whole[1]["train_error"]


def test_a_folder_of_another_configuration_is_refused(tmp_path, capsys):
    (folder := tmp_path / "sinusoid-5shot-mr-cnp-w-seed1").mkdir()
    assert run(tmp_path, 10) == 0 and (folder / "resume.safetensors").is_file()
    assert run(tmp_path, 10, "--beta", "3") == 2
    assert "beta: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sinusod"], "Did you mean 'sinusoid'?"),
        (["sinusoid", "--learner", "mr-mamlw"], "Did you mean 'mr-maml-w'?"),
        (["sinusoid", "--beta", "1"], "needs a regularizer"),
        (["sinusoid", "--shots", "0"], "shots must be at least 1, got 0"),
        (["sinusoid", "--learning-rate", "-1"], "learning_rate must not be negative, got -1"),
        (["sinusoid", "--inner-learning-rate", "nan"], "inner_learning_rate must not be negative, got nan"),
        (["overlaid-digits", "--learning-rate", "nan"], "learning_rate must not be negative, got nan"),
        (["sinusoid", "--label-shuffle"], "use label_noise"),
        (["sinusoid", "--train-classes", "40"], "train_classes needs classes, and sinusoid has none"),
        (["omniglot"], "--data FOLDER"),
        (["omniglot", "--data", "nowhere"], "images_background/ALPHABET"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_what_to_do_is_said(words, said, tmp_path, capsys):
    try:
        status = main([*words, "--out", str(tmp_path)])
    except SystemExit as end:  # where the configuration refuses, in the words of the command line's parser
        status = end.code
    assert status == 2 and said in capsys.readouterr().err


def test_every_learner_has_settings_on_every_problem():
    for problem in PROBLEMS:
        for learner in LEARNERS:
            config = find_config(problem, learner)
            assert (config.problem, config.learner) == (problem, learner) and (config.beta > 0.0) == (config.regularizer != "none")
