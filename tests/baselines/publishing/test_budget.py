"""What published budgets cost: measured speeds, extrapolated."""

import json
from dataclasses import replace

import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.algorithms.ppo_config import PpoConfig
from metaworld_baselines.algorithms.rl2_config import Rl2Config
from metaworld_baselines.algorithms.sac_config import SacConfig
from metaworld_baselines.publishing import budget

SMALL = {
    "mt-sac": SacConfig(width=8, depth=1, batch_per_task=4, buffer_per_task=1000, warmup_vector_steps=50, max_episode_steps=20),
    "ppo": PpoConfig(width=8, depth=1, rollout_steps=20, epochs=1, minibatches=1, max_episode_steps=20),
    "rl2": Rl2Config(
        benchmark="ML10", meta_batch=10, width=8, memory=4, episodes=2, max_episode_steps=10, bptt_steps=0, minibatches=1, epochs=1
    ),
}


@pytest.mark.parametrize("algorithm", list(SMALL))
def test_hours_are_the_published_steps_at_the_measured_speed(algorithm, tmp_path, monkeypatch, capsys):
    """Only the sizes differ from what `python -m metaworld_baselines.publishing.budget` does."""
    monkeypatch.setitem(budget.ALGORITHMS, algorithm, replace(budget.ALGORITHMS[algorithm], config=SMALL[algorithm], published=None))
    out = tmp_path / "budget.json"
    out.write_text(
        json.dumps([{"algorithm": "kept", "benchmark": "", "steps_per_s": 1, "updates_per_s": 1, "published_env_steps": 1, "hours": 1}])
    )
    assert budget.main([algorithm, "--turns", "2", "--out", str(out)]) == 0
    kept, row = json.loads(out.read_text())
    assert kept["algorithm"] == "kept" and row["published_env_steps"] == 20_000_000
    assert row["hours"] == pytest.approx(20_000_000 / row["steps_per_s"] / 3600, abs=0.06) and row["updates_per_s"] > 0
    assert f"{row['hours']:,.0f}" in capsys.readouterr().out


def test_unknown_algorithms_are_refused(capsys):
    assert budget.main(["--turns", "0"]) == 2 and "--turns must be at least 1" in capsys.readouterr().err
    assert budget.main(["dqn"]) == 2 and "one of mt-sac" in capsys.readouterr().err
