"""From a run's folder to a published agent that `metaworld-py` lists, checks and plays."""

import json
from dataclasses import replace

import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.algorithms import maml_config, rl2_config
from metaworld_baselines.algorithms.registry import ALGORITHMS
from metaworld_baselines.algorithms.rl2_config import Rl2Config
from metaworld_baselines.publishing import publish
from metaworld_baselines.publishing.agent_page import has_curve
from metaworld_baselines.publishing.publish import train_command
from metaworld_baselines.train import main as train
from metaworld_baselines.train import parse
from metaworld_py.agents import cards, load_agent
from metaworld_py.cli.main import main
from metaworld_py.evaluation import EvaluationResult
from metaworld_py.evaluation.shots import load_shots

SAC = (
    "sac --benchmark reach --total-env-steps 400 --envs-per-task 2 --width 8 --batch-per-task 4 --buffer-per-task 1000 "
    "--warmup-vector-steps 50 --eval-instances 3 --eval-every-env-steps 400 --log-every-env-steps 100 --max-episode-steps 40"
)
RL2 = (
    "rl2 --benchmark ML1 --task reach --total-env-steps 240 --max-episode-steps 20 --meta-batch 2 --episodes 3 --width 8 --memory 4 "
    "--rollout-steps 0 --bptt-steps 0 --minibatches 1 --epochs 1 --eval-goals 2 --eval-train-goals 2 --eval-episodes 2"
)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A single-task agent and a meta-learner."""
    folder = tmp_path_factory.mktemp("published")
    for arguments in (SAC, RL2):
        assert train([*arguments.split(), "--seed", "3", "--out", str(folder / "runs")]) == 0
    runs = sorted(str(path) for path in (folder / "runs").iterdir())
    assert publish.main([*runs, "--out", str(folder / "agents")]) == 0
    return folder / "agents"


@pytest.fixture
def as_own(published, monkeypatch):
    monkeypatch.setattr(cards, "agents_folder", lambda: published)
    monkeypatch.setattr("metaworld_py.cli.agents.agents_folder", lambda: published)


def test_two_seeds_are_not_published_into_one_folder(published, capsys, monkeypatch):
    """Found out before hours of evaluation."""
    monkeypatch.setattr(publish, "publish", None)
    run = published.parent / "runs" / "sac-reach-seed3"
    assert publish.main([str(run), str(run), "--out", str(published)]) == 2
    assert "would both be sac-reach: publish one of them, or each by itself with --name" in capsys.readouterr().err


def test_nothing_stays_of_the_agent_that_was_there_before(published, tmp_path):
    """Such as a meta-learner's files, or diagnostics that this run did not make."""
    made = tmp_path / "agents" / "mine"
    made.mkdir(parents=True)
    for name in ("conflict.csv", "demonstrations.json", "before.json", "shots.json", "curve.png"):
        (made / name).write_text("older")
    assert publish.publish(published.parent / "runs" / "sac-reach-seed3", tmp_path / "agents", "mine") == made
    files = {path.name for path in made.iterdir()}
    assert files == {path.name for path in (published / "sac-reach").iterdir()}
    publish.publish(made, tmp_path / "agents", "mine")
    assert {path.name for path in made.iterdir()} == files, "an agent that is published again in its place"


@pytest.mark.usefixtures("as_own")
def test_cards_say_what_the_evaluation_found(published):
    found = cards.cards()
    assert list(found) == ["rl2-ml1-reach", "sac-reach"]
    for name, card in found.items():
        result = EvaluationResult.load(published / name / "evaluation.json")
        assert (card.success, card.interval) == (result.success_rate, result.interval)
        assert result.instances_per_task == (2 if card.adapts else 3)
        page = (published / name / "README.md").read_text()
        assert f"**{card.success:.1%}**" in page and card.trained_by in page and card.evaluate_command in page
    assert found["sac-reach"].env_steps == 400 and found["sac-reach"].published_env_steps == 10_000_000
    assert found["rl2-ml1-reach"].success_before is not None and found["rl2-ml1-reach"].steps_per_s > 0


@pytest.mark.usefixtures("as_own")
def test_cards_of_meta_learners_tell_every_draw_and_every_number_of_shots(published):
    card = cards.find_card("rl2-ml1-reach")
    result = EvaluationResult.load(published / card.name / "evaluation.json")
    assert card.adaptation_draws == len(card.success_by_draw) == 5 and result.episodes_per_instance == 5 * 3
    assert sum(card.success_by_draw) / 5 == pytest.approx(card.success)
    low, high = card.repeat_interval
    assert 0.0 <= low <= card.success <= high <= 1.0 and high - low > 0.1, "two goals say little"
    shots = load_shots(published / card.name / "shots.json")
    assert [(shot.episodes, shot.is_sampled) for shot in shots] == [(n, kind) for kind in (False, True) for n in (0, 1, 2, 3, 10)]
    page = (published / card.name / "README.md").read_text()
    assert "spread" in page and "in 99 of 100 cases" in page and "| random actions" in page
    assert "| adapts by | rehearsals" in page and "adapts by" not in (published / "sac-reach" / "README.md").read_text()


@pytest.mark.usefixtures("as_own")
def test_commands_list_show_and_check(capsys):
    assert main(["agents"]) == 0
    listed = capsys.readouterr().out
    assert "sac-reach" in listed and "rl2-ml1-reach" in listed and "0%" in listed
    assert main(["agents", "SAC-reach"]) == 0 and "# sac-reach" in capsys.readouterr().out
    assert main(["agents", "sac-reach", "--json"]) == 0 and json.loads(capsys.readouterr().out)[0]["seed"] == 3
    assert main(["agents", "--check"]) == 0 and capsys.readouterr().out.count("ok") == 2
    assert main(["agents", "sac-mt99"]) == 2 and "there are rl2-ml1-reach, sac-reach" in capsys.readouterr().err


@pytest.mark.usefixtures("as_own")
def test_a_card_that_claims_too_much_fails_its_check(published, tmp_path, capsys):
    path = published / "sac-reach" / "card.json"
    honest = path.read_text()
    try:
        path.write_text(json.dumps(json.loads(honest) | {"success": 1.0, "interval": [0.9, 1.0]}))
        lied = json.loads(honest)["success"] < 0.3
        assert main(["agents", "sac-reach", "--check"]) == (1 if lied else 0)
        assert lied and "MISSED" in capsys.readouterr().out
    finally:
        path.write_text(honest)


@pytest.mark.usefixtures("as_own")
def test_checks_of_meta_learners_repeat_with_other_random_actions(published, capsys, monkeypatch):
    """And compare with what the card accepts of a repeat."""
    path, first_draws = published / "rl2-ml1-reach" / "card.json", []

    def evaluate(card, agent, progress, *, first_draw):
        first_draws.append(first_draw)
        return EvaluationResult.load(published / card.name / "evaluation.json")

    monkeypatch.setattr("metaworld_py.cli.agents.evaluate_card", evaluate)
    honest = path.read_text()
    found = json.loads(honest)["success"]
    try:
        for accepted, verdict in (([found, found], "ok"), ([found + 0.01, 1.0], "MISSED")):
            path.write_text(json.dumps(json.loads(honest) | {"repeat_interval": accepted}))
            assert main(["agents", "rl2-ml1-reach", "--check"]) == (verdict == "MISSED")
            assert verdict in capsys.readouterr().out
    finally:
        path.write_text(honest)
    assert first_draws == [5, 5], "none of the five draws of the card"


@pytest.mark.usefixtures("as_own")
def test_the_card_s_commands_do_what_they_say(published, tmp_path, capsys):
    """`metaworld-py evaluate` by the card's own command line finds the card's number, and training by its command has its settings."""
    for card in cards.cards().values():
        words = card.evaluate_command.split()
        assert words[0] == "metaworld-py"
        assert main([*words[1:], "--save", str(tmp_path / "again.json")]) == 0
        again = EvaluationResult.load(tmp_path / "again.json")
        assert again.success_rate == card.success and again.interval == card.interval
        assert again.instances_per_task == (2 if card.adapts else 3) and again.episodes_per_instance == (15 if card.adapts else 1)


@pytest.mark.usefixtures("as_own")
def test_films_show_agents_that_need_not_adapt(tmp_path, capsys):
    film = tmp_path / "reach.mp4"
    assert main(["render", "reach", "--agent", "sac-reach", "--max-episode-steps", "10", "--size", "64", "--out", str(film)]) == 0
    assert film.stat().st_size > 500
    assert main(["render", "reach", "--agent", "rl2-ml1-reach", "--out", str(film)]) == 2
    assert "use metaworld-py evaluate" in capsys.readouterr().err


def test_training_commands_leave_out_defaults_only():
    config = replace(rl2_config.TUNED.as_said, benchmark="ML1", task="push", forgetful=True, max_std=None, epochs=3)
    command = train_command("rl2", config, 4)
    assert command.startswith("python -m metaworld_baselines.train rl2 --benchmark ML1 --task push ") and command.endswith("--seed 4")
    assert "--forgetful" in command and "--epochs 3" in command and "--max-std None" in command
    assert "--meta-batch" not in command and "--total" not in command, "of ML1, both by themselves"
    name, again = parse(command.split()[3:])
    assert name == "rl2" and again.config == config and again.seed == (4,)
    older = Rl2Config(benchmark="ML1", task="push", meta_batch=20, trial_episodes=3, bptt_steps=0, minibatches=5)
    assert replace(parse(train_command("rl2", older, 1).split()[3:])[1].config, meta_batch_up_to=0) == older, "from before these defaults"
    assert "--no-overlap" in train_command("sac", type(ALGORITHMS["sac"].config)(**{**vars(ALGORITHMS["sac"].config), "overlap": False}), 1)
    assert (
        train_command("maml-trpo", replace(maml_config.TUNED.as_said, benchmark="ML45"), 1)
        == "python -m metaworld_baselines.train maml-trpo --benchmark ML45 --seed 1"
    )


def test_the_repository_s_agents_are_whole():
    """Every published agent has what its card needs, and the card agrees with the evaluation beside it."""
    assert len(cards.cards()) >= 8
    for name, card in cards.cards().items():
        folder = cards.agents_folder() / name
        result = EvaluationResult.load(folder / "evaluation.json")
        assert card.name == name and (card.success, card.interval) == (result.success_rate, result.interval)
        assert result.seed == card.seed and f"**{card.success:.1%}**" in (folder / "README.md").read_text()
        assert (folder / "curve.csv").is_file() and (folder / "config.json").is_file()
        assert (folder / "curve.png").is_file() == has_curve(folder) == ("curve.png" in (folder / "README.md").read_text()), folder
        assert card.adapts == (folder / "before.json").is_file()
        if card.adaptation_draws > 1:  # those published before had one draw
            assert len(card.success_by_draw) == 5 and len(load_shots(folder / "shots.json")) == 10
        load_agent(name)


def test_the_repository_s_cards_say_how_to_train_their_agents_again():
    """With today's defaults, whatever these were then; stopped runs are told by how far they came."""
    for name, card in cards.cards().items():
        settings = json.loads((cards.agents_folder() / name / "config.json").read_text())["config"]
        algorithm, command = parse(card.trained_by.split()[3:])
        assert (algorithm, command.seed) == (card.algorithm, (card.seed,))
        said, meant = (vars(config).copy() for config in (command.config, ALGORITHMS[algorithm].config_from(settings)))
        assert said.pop("total_env_steps") in (meant.pop("total_env_steps"), card.env_steps)
        for found in (said, meant):
            found.pop("meta_batch_up_to", None)  # says what `meta_batch` became
        assert said == meant, name


@pytest.mark.slow
def test_the_repository_s_agents_do_what_their_cards_say(capsys):
    """Every evaluation again from the committed weights: six minutes."""
    assert main(["agents", "--check"]) == 0
    assert capsys.readouterr().out.count("ok") == len(cards.cards())
