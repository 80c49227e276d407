"""Cloning from pictures and by sentences: what policies see and read, what is refused before training, and that runs go on exactly."""

from dataclasses import replace

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra `baselines`")
import jax.numpy as jnp
from safetensors.numpy import load_file

from metaworld_baselines import train
from metaworld_baselines.algorithms import cloning
from metaworld_baselines.algorithms.cloning_config import CloningConfig
from metaworld_baselines.algorithms.random_shifts import random_shifts
from metaworld_baselines.experience.demonstrations import Demonstrated, View, read_demonstrations
from metaworld_baselines.experience.phrasings import held_out_phrasings, learned_phrasings
from metaworld_baselines.publishing import instruction_table
from metaworld_baselines.runs import checkpoints
from metaworld_py import find_task
from metaworld_py.agents import load_agent
from metaworld_py.demonstrations import RecordingConfig, load_demonstrations, record_demonstrations
from metaworld_py.evaluation import evaluate, task_names
from metaworld_py.rendering import RenderingError

TASKS = ("reach", "drawer-close")
SIZE_PX = 32
CAMERAS = {"minari": None, "lerobot": "corner4_upright"}
PICTURE_LOSS = 12.0  # of 255, mean over a picture of 32 pixels: JPEG loses 2 to 4, colours of a video at half the resolution 6 to 8
SEEING = CloningConfig(benchmark="reach", pixels=SIZE_PX, conv_width=4, width=8, depth=1)
INSTRUCTED = CloningConfig(benchmark="reach,drawer-close", told_by="instruction", width=8, depth=1)
TINY = "--benchmark reach,drawer-close --width 8 --depth 1 --conv-width 4 --batch-per-task 4 --updates-per-iteration 5 --eval-instances 2"
EVERY = "--max-episode-steps 5 --eval-every-env-steps 80 --save-every-env-steps 40 --total-env-steps 80 --seed 3"
PICTURES = f"--pixels {SIZE_PX} --render-quality fast --random-shift-px 2"


@pytest.fixture(scope="module", params=list(CAMERAS))
def recording(request, opengl, tmp_path_factory):
    """Two episodes of each task with pictures."""
    pytest.importorskip({"minari": "h5py", "lerobot": "pyarrow"}[request.param], reason="needs the extra `demos`")
    folder = tmp_path_factory.mktemp("pictures") / request.param
    pictures = {"size_px": SIZE_PX, "camera_name": CAMERAS[request.param], "render_quality": "fast"}
    config = RecordingConfig(tasks=TASKS, format=request.param, episodes_per_task=2, max_episode_steps=10, **pictures)
    record_demonstrations(config, folder)
    return folder


@pytest.fixture(scope="module")
def blind_recording(tmp_path_factory):
    pytest.importorskip("h5py", reason="needs the extra `demos`")
    folder = tmp_path_factory.mktemp("states") / "demos"
    record_demonstrations(RecordingConfig(tasks=TASKS, episodes_per_task=2, max_episode_steps=10), folder)
    return folder


def camera_of(folder):
    return CAMERAS[folder.name]


def words_of(folder):
    camera = camera_of(folder)
    return [*PICTURES.split(), *(() if camera is None else ("--camera", camera)), "--demonstrations", str(folder)]


def agent_of(config):
    learner = cloning.make_learner(config)
    return cloning.as_agent(learner, cloning.init(learner, 0).policy)


# Pictures


def test_policies_that_see_pictures_know_hand_and_gripper_and_no_coordinates_of_objects_and_goal():
    agent, rng = agent_of(SEEING), np.random.default_rng(0)
    seen = {"state": rng.normal(size=(3, 39)), "pixels": rng.integers(0, 256, (3, SIZE_PX, SIZE_PX, 3), dtype=np.uint8)}
    actions = agent.eval_action(seen)
    for slots, is_known in ((slice(0, 4), True), (slice(4, 39), False)):
        changed = seen["state"].copy()
        changed[:, slots] += rng.normal(size=changed[:, slots].shape)
        assert np.array_equal(agent.eval_action({**seen, "state": changed}), actions) != is_known, slots
    assert not np.array_equal(agent.eval_action({**seen, "pixels": 255 - seen["pixels"]}), actions)


def test_an_agent_that_is_shown_no_pictures_says_how_to_make_its_environments():
    with pytest.raises(ValueError, match=r"obs_mode='pixels\+state', obs_cameras=-1, obs_width=32"):
        agent_of(SEEING).eval_action(np.zeros((1, 39)))


def test_pictures_are_read_as_bytes_beside_their_steps(recording):
    view, tasks = View(SIZE_PX, camera_of(recording), "fast"), ["drawer-close", "reach"]
    shown, _ = read_demonstrations(str(recording), tasks, view)
    assert shown.pictures.shape == (40, SIZE_PX, SIZE_PX, 3) and shown.pictures.dtype == np.uint8
    recorded = [one for name in tasks for one in load_demonstrations(recording) if one.task == name]
    assert np.array_equal(shown.pictures, np.concatenate([one.pixels for one in recorded]))
    changed = shown.pictures.copy()
    changed[0, 0, 0, 0] ^= 1
    blind = shown._replace(pictures=None)
    assert len({shown.digest, shown._replace(pictures=changed).digest, blind.digest}) == 3
    assert read_demonstrations(str(recording), tasks)[0].digest == blind.digest, "without a view no picture is read"


def test_batches_show_the_pictures_of_their_own_steps():
    """Also where tasks have different numbers of them: here actions and pictures are numbered alike."""
    steps, numbers = np.array([5, 3], np.int32), np.arange(8)
    action = np.zeros((2, 5, 4), np.float32)
    action[0], action[1, :3] = numbers[:5, None], numbers[5:, None]
    pictures = np.broadcast_to(numbers[:, None, None, None], (8, SIZE_PX, SIZE_PX, 3)).astype(np.uint8)
    shown = Demonstrated(np.zeros((2, 5, 39), np.float32), action, steps, pictures)
    config = replace(SEEING, benchmark="reach,drawer-close", batch_per_task=64)
    learner = cloning.make_learner(config)
    batch = cloning.draw_batch(learner, cloning.init(learner, 0).policy.scale, shown, jax.random.PRNGKey(0))
    assert batch.pictures.dtype == np.uint8 and batch.pictures.shape == (2, 64, SIZE_PX, SIZE_PX, 3)
    assert np.array_equal(batch.pictures[..., 0, 0, 0], batch.action[..., 0])
    assert [set(np.unique(row).tolist()) for row in batch.action[..., 0]] == [set(range(5)), {5, 6, 7}]


class Watching:
    """An agent that keeps what it is shown first."""

    def __init__(self, inputs):
        self.inputs, self.seen = inputs, None

    def eval_action(self, observations):
        self.seen = observations if self.seen is None else self.seen
        return np.zeros((len(observations["state"]), 4))


def test_agents_are_shown_pictures_as_they_were_recorded(recording):
    """By the same camera, of the same size and quality, the same way up: but for what compression loses."""
    view = View(SIZE_PX, camera_of(recording), "fast")
    recorded = load_demonstrations(recording)[0].pixels[0].astype(float)
    losses = {}
    for name, other in {"same": view, "mirrored": view, "another camera": view._replace(camera="corner2")}.items():
        agent = Watching(other.inputs)
        evaluate(agent, list(TASKS), seed=0, instances_per_task=1, max_episode_steps=1)
        shown = agent.seen["pixels"][0].astype(float)
        losses[name] = np.abs((shown[::-1] if name == "mirrored" else shown) - recorded).mean()
    assert losses["same"] < PICTURE_LOSS < min(losses["mirrored"], losses["another camera"]), losses


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size_px": 64}, r"has other pictures than --pixels 64 .*: say --pixels 32 .*--render-quality fast to learn"),
        ({"camera": "corner2"}, r"other pictures than --pixels 32 --camera corner2 .*metaworld-py record reach .*--camera corner2"),
        ({"render_quality": "high"}, "other pictures than .*--render-quality high"),
    ],
)
def test_recordings_of_other_pictures_are_refused_with_what_to_say(recording, changes, message):
    view = View(SIZE_PX, camera_of(recording), "fast")
    with pytest.raises(ValueError, match=message):
        read_demonstrations(str(recording), ["reach"], view._replace(**changes))


def test_recordings_without_pictures_are_refused_with_how_to_make_some(blind_recording):
    message = (
        "recorded without pictures: leave --pixels out.*metaworld-py record reach .*--pixels 64 --camera corner2 --render-quality high"
    )
    with pytest.raises(ValueError, match=message):
        read_demonstrations(str(blind_recording), ["reach"], View(64, "corner2", "high"))


def test_what_cannot_be_drawn_is_found_out_before_anything_is_learned(tmp_path, monkeypatch, capsys):
    def refuse():
        raise RenderingError("no OpenGL for rendering")

    monkeypatch.setattr("metaworld_py.evaluation.per_instance.choose_gl", refuse)
    monkeypatch.setattr(cloning, "read_demonstrations", lambda *_: pytest.fail("pictures were decoded in vain"))
    words = ["bc", *TINY.split(), *EVERY.split(), *PICTURES.split(), "--demonstrations", "nowhere", "--out", str(tmp_path)]
    assert train.main(words) == 2 and "no OpenGL" in capsys.readouterr().err


def test_an_unknown_camera_is_refused_before_anything_is_learned(opengl, tmp_path, capsys):
    words = ["bc", *TINY.split(), *EVERY.split(), *PICTURES.split(), "--camera", "korner2", "--out", str(tmp_path)]
    assert train.main(words) == 2 and "Did you mean 'corner2'" in capsys.readouterr().err


def test_shifts_move_whole_pictures_within_bounds_and_repeat_the_edge():
    picture = np.zeros((1, 16, 16, 3), np.uint8)
    picture[0, 8, 8] = 255
    shifted = np.asarray(random_shifts(jnp.asarray(np.repeat(picture, 200, axis=0)), jax.random.PRNGKey(0), 3))
    assert shifted.dtype == np.uint8 and (shifted.reshape(200, -1).sum(axis=1) == 3 * 255).all()
    places = np.argwhere(shifted[..., 0])[:, 1:]
    assert places.min() == 5 and places.max() == 11 and len(np.unique(places, axis=0)) > 40, "each picture by itself, along both axes"
    flat = np.full((4, 16, 16, 3), 7, np.uint8)
    assert (np.asarray(random_shifts(flat, jax.random.PRNGKey(0), 3)) == 7).all()
    assert np.array_equal(random_shifts(shifted, jax.random.PRNGKey(0), 0), shifted)


# Sentences


def test_instructed_policies_do_what_they_are_told():
    agent, obs = agent_of(INSTRUCTED), np.random.default_rng(0).normal(size=(4, 39))
    with pytest.raises(ValueError, match="call instruct"):
        agent.eval_action(obs)
    agent.start_task("reach")
    by_name = agent.eval_action(obs)
    agent.instruct(find_task("reach").sentence.upper())
    assert np.array_equal(agent.eval_action(obs), by_name)
    agent.instruct("Push the drawer shut.")
    other = agent.eval_action(obs)
    assert not np.array_equal(other, by_name)
    agent.start_task("push-back")  # was not trained on it, and can be read all the same
    assert not np.array_equal(agent.eval_action(obs), by_name)
    agent.instruct("Push the drawer shut.", find_task("reach").sentence)
    mixed = agent.eval_action(obs)
    assert np.allclose(mixed[::2], other[::2], atol=1e-6) and np.allclose(mixed[1::2], by_name[1::2], atol=1e-6)


@pytest.mark.parametrize("sentences", [(), ("",), ("Push it.", "?!")])
def test_instructions_without_words_are_refused(sentences):
    with pytest.raises(ValueError, match="at least one word"):
        agent_of(INSTRUCTED).instruct(*sentences)


def test_policies_told_by_ids_read_no_sentences():
    with pytest.raises(ValueError, match="train one with --told-by instruction"):
        agent_of(replace(INSTRUCTED, told_by="one-hot")).instruct("Push the puck to the goal.")


def test_samples_are_told_in_all_phrasings_of_their_task_and_in_no_other():
    learner = cloning.make_learner(replace(INSTRUCTED, batch_per_task=64))
    shown = Demonstrated(np.zeros((2, 5, 39), np.float32), np.zeros((2, 5, 4), np.float32), np.array([5, 5], np.int32))
    inputs = cloning.draw_batch(learner, cloning.init(learner, 0).policy.scale, shown, jax.random.PRNGKey(0)).inputs
    for row, codes in zip(np.asarray(inputs)[..., -learner.codes.shape[-1] :], learner.codes, strict=True):
        assert {tuple(one) for one in row.tolist()} == {tuple(code) for code in codes.tolist()}
    assert cloning.task_codes(replace(INSTRUCTED, paraphrases=False)).shape[1] == 1


@pytest.mark.parametrize("task", task_names("MT10"))
def test_held_out_phrasings_are_learned_by_nobody(task):
    learned = {sentence.lower() for name in task_names("MT50") for sentence in learned_phrasings(name)}
    held_out = held_out_phrasings(task)
    assert len(held_out) == len(set(held_out)) == 3 and not {sentence.lower() for sentence in held_out} & learned
    assert learned_phrasings(task)[0] == find_task(task).sentence and len(learned_phrasings(task)) == 4


def test_a_task_without_phrasings_says_which_have_some():
    assert learned_phrasings("assembly") == (find_task("assembly").sentence,)
    with pytest.raises(ValueError, match="no held-out phrasings of assembly, only of reach, push"):
        held_out_phrasings("assembly")


def test_runs_of_instructed_policies_leave_a_table(blind_recording, tmp_path, capsys):
    words = ["bc", *TINY.split(), *EVERY.split(), "--demonstrations", str(blind_recording), "--out", str(tmp_path)]
    assert train.main([*words, "--told-by", "instruction"]) == 0
    (folder,) = tmp_path.iterdir()
    assert instruction_table.main([str(folder)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "| mean |" in printed and "| Move the drawer all the way in. | drawer-close | 0 of 1 |" in printed
    assert (folder / "held-out-phrasings.json").is_file()
    assert instruction_table.main([str(folder), "--conditions", "shouted"]) == 2
    with pytest.raises(ValueError, match="the run's only task"):
        instruction_table.sentences_of(instruction_table.OTHER, ["reach"])
    assert instruction_table.main([str(tmp_path)]) == 2


# Whole runs


def test_a_stopped_run_with_pictures_goes_on_as_if_nothing_had_happened(recording, tmp_path, capsys):
    told_by = {"minari": "instruction", "lerobot": "one-hot"}[recording.name]
    words = ["bc", *TINY.split(), *EVERY.split(), *words_of(recording), "--told-by", told_by]
    assert train.main([*words, "--out", str(tmp_path / "whole")]) == 0
    config = train.parse([*words])[1].config
    shown = read_demonstrations(config.demonstrations, config.tasks, config.view)[0]
    learner = cloning.make_learner(config)
    agent = cloning.init(learner, 3)
    agent = agent._replace(policy=agent.policy._replace(scale=cloning.scale_of(shown)))
    agent, _ = jax.jit(lambda agent: cloning.learn(learner, agent, shown, jax.random.PRNGKey(1_000_003), 0))(agent)
    for is_resumed in (False, True):
        run = train.RlRun(tmp_path / "stopped", "bc", {**vars(config), "seed": 3}, 80)
        if is_resumed:
            cloning.train(config, 3, run)
        else:
            run.advance(40)
            run.save_all(agent, shown.digest)
        run.close()
    whole = tmp_path / "whole" / "bc-reach+drawer-close-seed3"
    saves = [load_file(folder / checkpoints.LAST) for folder in (whole, tmp_path / "stopped")]
    assert all(np.array_equal(saves[0][name], saves[1][name]) for name in saves[0])
    agent = load_agent(f"baselines:{whole}")
    assert evaluate(agent, list(TASKS), instances_per_task=1, max_episode_steps=2).success_rate in (0.0, 0.5, 1.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"told_by": "gestures"}, "told_by must be one of one-hot, instruction"),
        ({"told_by": "instruction", "architecture": "multi-head", "benchmark": "MT10"}, "an instruction takes its place"),
        ({"camera": "corner2"}, "say how many pixels"),
        ({"render_quality": "fast"}, "say how many pixels"),
        ({"pixels": 64, "render_quality": "faster"}, "render_quality must be one of high, fast"),
        ({"pixels": 0}, "width must lie in"),
        ({"pixels": 64, "random_shift_px": 64}, "random_shift_px must lie in 0…63"),
        ({"pixels": 64, "random_shift_px": -1}, "random_shift_px must lie in 0…63"),
        ({"pixels": 64, "previous_frame": True}, "previous_frame is of states"),
        ({"conv_width": 0}, "conv_width must be at least 1"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        CloningConfig(**changes)


@pytest.mark.slow
def test_a_miniature_learns_from_pictures_and_an_instruction(opengl, tmp_path):
    """Eight demonstrations, and other goals than theirs."""
    agents = ("expert", "expert@0.3")
    pictures = {"size_px": SIZE_PX, "camera_name": "corner4_upright", "render_quality": "fast"}
    record_demonstrations(
        RecordingConfig(tasks=("drawer-close",), episodes_per_task=8, agents=agents, max_episode_steps=40, **pictures), tmp_path / "demos"
    )
    words = f"bc --benchmark drawer-close --told-by instruction {PICTURES} --camera corner4_upright --conv-width 8 --width 64 --depth 2"
    words += " --batch-per-task 32 --updates-per-iteration 100 --total-env-steps 16_000 --max-episode-steps 60 --eval-instances 10"
    assert train.main([*words.split(), "--demonstrations", str(tmp_path / "demos"), "--out", str(tmp_path / "runs")]) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    agent = load_agent(f"baselines:{folder}")
    assert evaluate(agent, "drawer-close", seed=1, instances_per_task=10, max_episode_steps=60).success_rate >= 0.8
