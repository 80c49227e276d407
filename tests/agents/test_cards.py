"""The trained agents' cards, which need nothing but the package: what JAX is needed for is to play."""

import json
from dataclasses import replace
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from metaworld_py.agents import RandomAgent, cards, load_agent, loading
from metaworld_py.cli.main import main
from metaworld_py.evaluation import EvaluationResult
from metaworld_py.report import write_report


def test_agents_are_listed(capsys):
    assert main(["agents"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in cards.cards()) and "sac-reach" in cards.cards()


def test_one_agent_is_shown_by_its_card(capsys):
    assert main(["agents", "sac-reach"]) == 0
    assert capsys.readouterr().out == (cards.agents_folder() / "sac-reach" / "README.md").read_text()


def test_cards_as_json(capsys):
    assert main(["agents", "--json"]) == 0
    assert [card["name"] for card in json.loads(capsys.readouterr().out)] == list(cards.cards())


def test_evaluation_commands_name_what_differs_from_defaults():
    known = cards.cards()
    assert known["sac-reach"].evaluate_command == "metaworld-py evaluate reach --agent sac-reach --seed 1"
    once, often = (replace(known["maml-trpo-ml10"], adaptation_draws=draws, max_episode_steps=150).evaluate_command for draws in (1, 5))
    assert once.endswith("--episodes 40 --adaptation-episodes 10 --max-episode-steps 150")
    assert often.endswith("--adaptation-episodes 10 --adaptation-draws 5 --max-episode-steps 150")
    assert "evaluate reach drawer-close window-open --agent" in known["mt-sac-three-tasks"].evaluate_command


def test_reports_tell_of_the_agent_s_training(tmp_path):
    """A trained agent's page has its card and the command that plays it again; another agent's page has neither."""
    result = EvaluationResult.load(cards.agents_folder() / "sac-reach" / "evaluation.json")
    card = cards.cards()["sac-reach"]
    page = write_report(result, tmp_path / "sac.html").read_text()
    assert card.trained_by in page and f"{card.env_steps:,}" in page
    assert "metaworld-py evaluate reach --agent sac-reach --seed 1 --episodes 50" in page
    other = write_report(replace(result, agent="mine"), tmp_path / "mine.html").read_text()
    assert "The agent</h2>" not in other and "metaworld-py evaluate" not in other


def test_cards_say_what_was_trained_on():
    known = cards.cards()
    found = [known[name].trained_on for name in ("sac-reach", "mt-sac-three-tasks", "maml-trpo-ml1-reach", "maml-trpo-ml10")]
    assert found == ["reach", "reach, drawer-close, window-open", "reach, hidden goals", "ML10, hidden goals"]


def test_what_nobody_published_has_no_share(capsys):
    known = cards.cards()
    assert known["mt-sac-three-tasks"].share_of_published == "none published" and known["sac-reach"].share_of_published == "4.0%"
    assert main(["agents"]) == 0 and "none published" in capsys.readouterr().out


def test_unknown_names_say_which_there_are(capsys):
    with pytest.raises(ValueError, match=r"unknown agent 'sac-raech'.*no trained agent 'sac-raech'; there are .*sac-reach"):
        load_agent("sac-raech")
    assert main(["agents", "sac-raech"]) == 2 and "there are" in capsys.readouterr().err


def test_without_the_baselines_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(cards, "entry_points", lambda group: [])
    with pytest.raises(ValueError, match=r"pip install -e '.\[baselines\]'"):
        cards.cards()
    with pytest.raises(ValueError, match=r"unknown agent 'sac-reach'.*pip install"):
        load_agent("sac-reach")


def test_without_jax_it_says_what_to_install(monkeypatch):
    missing = EntryPoints([EntryPoint("baselines", "no_jax_here:load", "metaworld_py.agents")])
    monkeypatch.setattr(loading, "entry_points", lambda group: missing)
    with pytest.raises(ValueError, match=r"No module named 'no_jax_here'.*pip install -e '.\[baselines\]'"):
        load_agent("sac-reach")


def load_mine(path):
    return RandomAgent(seed=int(path))


def test_other_packages_may_bring_agents(monkeypatch):
    ours = EntryPoints([EntryPoint("mine", f"{__name__}:load_mine", "metaworld_py.agents")])
    monkeypatch.setattr(loading, "entry_points", lambda group: ours)
    assert isinstance(load_agent("mine:7"), RandomAgent)
