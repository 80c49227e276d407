"""The ablation of recipes: its configurations, and the table of what was run."""

import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines import ablation


def test_recipes_differ_from_the_plain_one_in_their_own_settings_alone():
    recipes = ablation.read_recipes()
    assert {"plain", "brc", "n-step", "ars"} <= recipes.keys()
    plain = recipes["plain"].config
    for name, job in recipes.items():
        changed = {field for field, value in vars(job.config).items() if value != getattr(plain, field)}
        assert (not changed) == (name == "plain") and job.config.tasks == plain.tasks, name
        assert job.config.total_env_steps == plain.total_env_steps and job.config.updates_per_chunk == plain.updates_per_chunk


def test_the_table_stands_at_the_last_steps_that_all_seeds_have(tmp_path, capsys):
    for name, rows in {"plain-seed1": "100,1,0.5,10,1,0\n200,2,0.7,20,1,0.4", "plain-seed2": "100,1,0.1,30,0.2,0"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "curve.csv").write_text(f"env_steps,seconds,success,return,success/reach,success/push\n{rows}\n")
    out = tmp_path / "recipes.csv"
    assert ablation.main(["table", "--runs", str(tmp_path), "--out", str(out)]) == 0
    assert "| plain" in (printed := capsys.readouterr().out) and "50%, 10%" in printed and "30%" in printed and "20 |" in printed
    assert out.read_text().splitlines()[1] == "plain,1,100,1,0.5,10,1,0" and len(out.read_text().splitlines()) == 4


def test_what_is_not_there_is_refused(tmp_path, capsys):
    assert ablation.main(["table", "--runs", str(tmp_path), "--out", str(tmp_path / "x.csv")]) == 2
    assert ablation.main(["run", "--recipes", "rainbow", "--out", str(tmp_path)]) == 2
    assert "no evaluations in" in (errors := capsys.readouterr().err) and "unknown recipe rainbow; there are plain" in errors
