"""Demonstrations: what is recorded, in both formats, resuming after a kill, and the checks when reading."""

import argparse
import importlib
import json
import pickle
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

from metaworld_py import TASKS, Task
from metaworld_py.cli import record
from metaworld_py.demonstrations import FORMATS, RecordingConfig, lerobot_format, load_demonstrations, record_demonstrations, storage
from metaworld_py.demonstrations import recording as recording_module
from metaworld_py.demonstrations.config import agent_name, attempts, noise_of
from metaworld_py.demonstrations.statistics import channel_histogram, picture_statistics, vector_statistics
from metaworld_py.envs.env import env_class
from metaworld_py.evaluation import rate_interval
from metaworld_py.instances import draw_instances
from metaworld_py.rendering import RenderingError

pytest.importorskip("h5py", reason="needs the extra demos")
pytest.importorskip("pyarrow", reason="needs the extra demos")
minari = pytest.importorskip("minari", reason="needs the extra demos")

SHORT = RecordingConfig(tasks=("reach", "door-open"), episodes_per_task=3, seed=5, noise_std=0.2, max_episode_steps=60)
# What encoding may change, in levels of 255 in the mean over a picture of 64 pixels: twice what it does (JPEG 2, H.264 4).
PICTURE_TOLERANCE = {"minari": 4.0, "lerobot": 8.0}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The folder of the short recording in each format."""
    folders = {name: tmp_path_factory.mktemp(name) for name in FORMATS}
    for name, folder in folders.items():
        record_demonstrations(replace(SHORT, format=name), folder)
    return folders


def snapshot(folder):
    """Everything that a recording's episodes hold."""
    return [
        (one.task, one.instance, one.observations.tolist(), one.actions.tolist(), one.rewards.tolist())
        for one in load_demonstrations(folder)
    ]


def copy_of(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


# what is recorded


@pytest.mark.parametrize("name", FORMATS)
def test_episodes_cover_the_instances_task_by_task(name, recorded):
    demonstrations = load_demonstrations(recorded[name])
    instances = draw_instances(SHORT.tasks, SHORT.seed, partially_observable=False)
    assert [one.task for one in demonstrations] == ["reach"] * 3 + ["door-open"] * 3
    assert [one.instance for one in demonstrations] == [*instances[:3], *instances[50:53]]
    assert {one.instruction for one in demonstrations} == {TASKS[task].sentence for task in SHORT.tasks}


def test_more_episodes_than_instances_start_over():
    planned = attempts(replace(SHORT, episodes_per_task=52))
    assert [planned[at].instance_index for at in (0, 49, 50, 51, 52)] == [0, 49, 0, 1, 0]
    assert planned[50].instance == planned[0].instance and planned[52].task == "door-open"


def test_playing_a_recorded_episode_again_gives_the_same_numbers(recorded):
    demonstration = load_demonstrations(recorded["minari"])[-1]
    env = env_class(demonstration.task)()
    env.set_task(demonstration.instance)
    observation, _ = env.reset()
    np.testing.assert_array_equal(observation, demonstration.observations[0])
    for step, action in enumerate(demonstration.actions):
        observation, reward, _, _, info = env.step(action)
        np.testing.assert_array_equal(observation, demonstration.observations[step + 1])
        assert (reward, info["success"]) == (demonstration.rewards[step], demonstration.successes[step])


def test_both_formats_hold_the_same_episodes(recorded):
    for one, other in zip(load_demonstrations(recorded["minari"]), load_demonstrations(recorded["lerobot"]), strict=True):
        assert (one.task, one.instance, one.instance_index, one.is_terminated) == (
            other.task,
            other.instance,
            other.instance_index,
            other.is_terminated,
        )
        np.testing.assert_array_equal(one.observations.astype(np.float32), other.observations)
        np.testing.assert_array_equal(one.rewards.astype(np.float32), other.rewards)
        for field in ("actions", "expert_actions", "successes"):
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field), err_msg=field)


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_seed_gives_the_same_recording_and_another_seed_another(name, recorded, tmp_path):
    record_demonstrations(replace(SHORT, format=name), tmp_path / "same")
    record_demonstrations(replace(SHORT, format=name, seed=6), tmp_path / "other")
    assert snapshot(tmp_path / "same") == snapshot(recorded[name]) != snapshot(tmp_path / "other")


def test_noise_is_added_within_the_box_and_differs_between_episodes(recorded):
    demonstrations = load_demonstrations(recorded["minari"])
    noise = [one.actions - one.expert_actions for one in demonstrations]
    assert all(np.abs(one.actions).max() <= 1.0 for one in demonstrations)
    # Clipping takes some of the noise away, never adds to it.
    assert 0.05 < np.std(noise) < SHORT.noise_std
    for other in (1, 3):  # of the same task, and of the other
        unclipped = (np.abs(demonstrations[0].actions) < 1.0) & (np.abs(demonstrations[other].actions) < 1.0)
        assert unclipped.sum() > 50 and not np.isclose(noise[0], noise[other])[unclipped].any()


def test_without_noise_actions_are_the_experts_clipped(tmp_path):
    record_demonstrations(replace(SHORT, tasks=("push",), episodes_per_task=1, noise_std=0.0), tmp_path)
    one = load_demonstrations(tmp_path)[0]
    wanted = np.array([TASKS["push"].expert(row) for row in one.observations[:-1].tolist()], dtype=np.float32)
    np.testing.assert_array_equal(one.actions, np.clip(wanted, -1.0, 1.0))
    np.testing.assert_array_equal(one.actions, one.expert_actions)


@pytest.mark.parametrize("name", FORMATS)
def test_terminating_on_success_ends_episodes_there(name, tmp_path):
    record_demonstrations(replace(SHORT, format=name, tasks=("reach",), noise_std=0.0, terminate_on_success=True), tmp_path)
    for one in load_demonstrations(tmp_path):
        assert one.is_terminated and one.steps < 60
        assert one.successes[-1] and not one.successes[:-1].any()


@pytest.mark.parametrize("name", FORMATS)
def test_only_successes_leaves_failures_out_and_counts_them(name, tmp_path):
    # Within 60 steps the door never opens and the hand always arrives.
    recording = record_demonstrations(replace(SHORT, format=name, noise_std=0.0, only_successes=True), tmp_path)
    demonstrations = load_demonstrations(tmp_path)
    assert [one.task for one in demonstrations] == ["reach"] * 3
    counts = [(task.attempts, task.successes, task.episodes, task.steps) for task in recording.tasks]
    assert counts == [(3, 3, 3, 180), (3, 0, 0, 0)]


def test_intervals_count_copies_once():
    fifty = [True] * 48 + [False] * 2
    assert storage.independent_attempts(fifty[:7]) == 7.0 and storage.independent_attempts(fifty) == 50.0
    assert storage.independent_attempts(fifty * 2) == pytest.approx(50.0) == storage.independent_attempts(fifty * 2 + [True] * 20)
    assert storage.independent_attempts([True, False] * 50 + [False, True] * 50) > 60.0, "rounds that differ tell more"
    summary = storage.TaskSummary("reach", 100, 96, 100, 50_000, storage.independent_attempts(fifty * 2))
    assert summary.interval == pytest.approx(rate_interval(48, 50))
    older = storage.TaskSummary("reach", 100, 96, 100, 50_000)
    assert older.interval == rate_interval(96, 100)


def test_the_recording_keeps_how_many_attempts_are_independent(tmp_path):
    config = RecordingConfig(tasks=("reach",), episodes_per_task=51, max_episode_steps=1)
    with pytest.warns(UserWarning, match="1 of 51 episodes will be copies"):
        record_demonstrations(config, tmp_path)
    recording = load_demonstrations(tmp_path).recording
    assert recording.tasks[0].attempts == 51 and recording.tasks[0].independent_attempts == 50.0
    low, high = rate_interval(0, 50)
    assert f"{low:6.1%} – {high:6.1%}" in str(recording)
    content = json.loads((tmp_path / "recording.json").read_text())
    del content["tasks"][0]["independent_attempts"]
    (tmp_path / "recording.json").write_text(json.dumps(content))
    assert load_demonstrations(tmp_path).recording.tasks[0].attempts == 51, "as older versions wrote it"


@pytest.mark.parametrize("changes", [{"noise_std": 0.1}, {"agents": ("random",)}, {"episodes_per_task": 50}])
def test_episodes_that_differ_are_not_called_copies(changes):
    planned = attempts(replace(RecordingConfig(tasks=("reach",), episodes_per_task=60), **changes))
    recording_module._warn_of_copies(planned)  # a warning would be an error here


def test_what_killed_processes_left_goes_with_the_last_episode(tmp_path):
    config = replace(SHORT, tasks=("reach",), episodes_per_task=1, max_episode_steps=1)
    left = tmp_path / "metaworld/reach/expert-v0/data/main_data.hdf5-123.part"
    storage.begin(tmp_path, config)
    left.parent.mkdir(parents=True)
    left.touch()
    record_demonstrations(config, tmp_path)
    assert not left.exists() and not (tmp_path / "unfinished").exists()


def test_nothing_that_succeeds_is_said(tmp_path):
    config = replace(SHORT, episodes_per_task=1, max_episode_steps=1, only_successes=True)
    with pytest.raises(RuntimeError, match="none of 2 attempts succeeded"):
        record_demonstrations(config, tmp_path)
    record_demonstrations(replace(config, only_successes=False, max_episode_steps=2), tmp_path)  # nothing was kept that it would lose


def test_a_folder_has_one_recorder_at_a_time(tmp_path):
    pytest.importorskip("fcntl")
    with storage.held(tmp_path), pytest.raises(ValueError, match="another process records into"):
        record_demonstrations(SHORT, tmp_path)


@pytest.mark.parametrize("name", FORMATS)
def test_data_sets_travel_to_workers(recorded, name):
    there = pickle.loads(pickle.dumps(load_demonstrations(recorded[name])))
    assert np.array_equal(there[1].actions, load_demonstrations(recorded[name])[1].actions)


def test_noise_may_be_a_number_of_numpy():
    assert type(replace(SHORT, noise_std=np.float32(0.5)).noise_std) is float
    with pytest.raises(ValueError, match="noise_std must be a finite number, 0 or more, got 'a'"):
        replace(SHORT, noise_std="a")


# Minari


def test_minari_loads_it_and_recovers_the_environment(recorded, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(recorded["minari"]))
    assert list(minari.list_local_datasets()) == ["metaworld/door-open/expert-v0", "metaworld/reach/expert-v0"]
    demonstration = load_demonstrations(recorded["minari"])[3]
    dataset = minari.load_dataset("metaworld/door-open/expert-v0")
    assert (dataset.total_episodes, dataset.total_steps) == (3, 180)
    episode = dataset[0]
    np.testing.assert_array_equal(episode.observations, demonstration.observations)
    np.testing.assert_array_equal(episode.actions, demonstration.actions)
    np.testing.assert_array_equal(episode.rewards, demonstration.rewards)
    np.testing.assert_array_equal(episode.infos["success"][1:], demonstration.successes)
    assert not episode.terminations.any() and episode.truncations.tolist() == [False] * 59 + [True]
    assert all(dataset.action_space.contains(action) for action in episode.actions)
    assert all(dataset.observation_space.contains(observation) for observation in episode.observations)
    (metadata,) = dataset.storage.get_episode_metadata([0])
    assert (metadata["task"], metadata["language_instruction"]) == ("door-open", TASKS["door-open"].sentence)
    assert metadata["recording_seed"] == 5 and "seed" not in metadata, "Minari's seed would be one to reset by"
    assert Task("door-open", tuple(metadata["rand_vec"].tolist()), False) == demonstration.instance
    env = dataset.recover_environment()
    assert env.unwrapped.task_name == "door-open"
    assert env.observation_space == dataset.observation_space
    recorded_instances = [
        Task("door-open", tuple(one["rand_vec"].tolist()), False) for one in dataset.storage.get_episode_metadata([0, 1, 2])
    ]
    assert recorded_instances == env.unwrapped.tasks[:3], "door-open is the second task of one stream of instances"


def test_what_older_recordings_of_minari_name_can_still_be_made():
    spec = EnvSpec("Meta-World/MT1", entry_point="metaworld_py.registration:make_mt1", kwargs={"env_name": "door-open", "seed": 5})
    assert gymnasium.make(EnvSpec.from_json(spec.to_json())).unwrapped.task_name == "door-open"


@pytest.mark.parametrize("camera", [None, "corner"])
def test_minari_recovers_an_environment_that_sees_what_was_recorded(camera, tmp_path, opengl):
    record_demonstrations(
        replace(SHORT, tasks=("reach",), episodes_per_task=1, size_px=32, camera_name=camera, max_episode_steps=2), tmp_path
    )
    dataset = minari.MinariDataset(tmp_path / "metaworld/reach/expert-v0/data")
    env = dataset.recover_environment()
    assert env.observation_space == dataset.observation_space
    env.unwrapped.set_task(load_demonstrations(tmp_path)[0].instance)
    observation, _ = env.reset()
    first = dataset[0].observations
    np.testing.assert_array_equal(observation["state"], first["state"][0])
    assert np.abs(observation["pixels"].astype(float) - first["pixels"][0]).mean() < PICTURE_TOLERANCE["minari"]
    env.close()


# LeRobot


def test_lerobot_files_follow_the_documented_layout(recorded):
    from pyarrow import parquet

    folder = recorded["lerobot"]
    info = json.loads((folder / "meta/info.json").read_text())
    assert info["codebase_version"] == "v3.0" and info["fps"] == 80 and info["splits"] == {"train": "0:6"}
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (6, 360, 2)
    frames = parquet.read_table(folder / info["data_path"].format(chunk_index=0, file_index=0))
    assert frames.num_rows == 360 and set(frames.column_names) == set(info["features"])
    for name, feature in info["features"].items():
        kind = frames.schema.field(name).type
        size = feature["shape"][0]
        assert feature["names"] is None or len(feature["names"]) == size
        number = {"float32": "float", "int64": "int64", "bool": "bool"}[feature["dtype"]]
        assert str(kind) == (number if size == 1 else f"fixed_size_list<element: {number}>[{size}]"), name
    column = {name: frames[name].to_numpy() for name in frames.column_names if not name.startswith(("observation", "action", "expert"))}
    np.testing.assert_array_equal(column["index"], np.arange(360))
    np.testing.assert_array_equal(column["episode_index"], np.repeat(np.arange(6), 60))
    np.testing.assert_array_equal(column["frame_index"], np.tile(np.arange(60), 6))
    np.testing.assert_array_equal(column["task_index"], np.repeat([0, 1], 180))
    np.testing.assert_array_equal(column["timestamp"], (column["frame_index"] / 80).astype(np.float32))
    np.testing.assert_array_equal(column["next.done"], column["frame_index"] == 59)
    whole, part = (np.stack(frames[name].to_numpy()) for name in ("observation.environment_state", "observation.state"))
    np.testing.assert_array_equal(part, whole[:, :4])


def test_lerobot_metadata_points_at_the_frames(recorded):
    from pyarrow import parquet

    folder = recorded["lerobot"]
    rows = parquet.read_table(folder / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert [row["dataset_from_index"] for row in rows] == [0, 60, 120, 180, 240, 300]
    assert all(row["dataset_to_index"] - row["dataset_from_index"] == row["length"] == 60 for row in rows)
    assert all((row["data/chunk_index"], row["data/file_index"]) == (0, 0) for row in rows)
    tasks = parquet.read_table(folder / "meta/tasks.parquet")
    sentences = dict(zip(tasks["task"].to_pylist(), tasks["task_index"].to_pylist(), strict=True))
    assert sentences == {TASKS["reach"].sentence: 0, TASKS["door-open"].sentence: 1}
    assert json.loads(tasks.schema.metadata[b"pandas"])["index_columns"] == ["task"]
    assert [row["tasks"] for row in rows] == [[TASKS[one.task].sentence] for one in load_demonstrations(folder)]
    statistics = json.loads((folder / "meta/stats.json").read_text())
    actions = np.concatenate([one.actions for one in load_demonstrations(folder)])
    np.testing.assert_allclose(statistics["action"]["mean"], actions.mean(axis=0, dtype=np.float64))
    np.testing.assert_allclose(statistics["action"]["max"], actions.max(axis=0))
    np.testing.assert_allclose(rows[0]["stats/action/std"], actions[:60].std(axis=0, dtype=np.float64))


def test_sentences_tell_tasks_apart():
    # LeRobot's format knows a task by its sentence only.
    assert len({task.sentence for task in TASKS.values()}) == len(TASKS)


def test_lerobot_itself_loads_it(recorded):
    datasets = pytest.importorskip("lerobot.datasets.lerobot_dataset", reason="needs lerobot, which is not among our extras")
    dataset = datasets.LeRobotDataset("local/metaworld", root=recorded["lerobot"])
    demonstration = load_demonstrations(recorded["lerobot"])[3]
    assert (dataset.num_episodes, len(dataset)) == (6, 360)
    item = dataset[180 + 7]
    assert item["task"] == demonstration.instruction
    np.testing.assert_array_equal(item["observation.environment_state"], demonstration.observations[7])
    np.testing.assert_array_equal(item["action"], demonstration.actions[7])
    assert item["next.reward"] == demonstration.rewards[7]


# pictures


@pytest.mark.parametrize("name", FORMATS)
def test_pictures_are_what_the_camera_saw_before_each_action(name, tmp_path, opengl):
    config = replace(
        SHORT, format=name, tasks=("reach",), episodes_per_task=1, size_px=64, camera_name="corner", max_episode_steps=6, noise_std=0.0
    )
    record_demonstrations(config, tmp_path)
    one = load_demonstrations(tmp_path)[0]
    env = env_class("reach")("rgb_array", "corner", height=64, width=64)
    env.set_task(one.instance)
    env.reset()
    assert one.pixels.shape == (6, 64, 64, 3) and one.pixels.dtype == np.uint8
    for step, action in enumerate(one.actions):
        seen = env.render()
        assert np.abs(one.pixels[step].astype(float) - seen).mean() < PICTURE_TOLERANCE[name], step
        env.step(action)
    env.close()
    assert load_demonstrations(tmp_path, with_pixels=False)[0].pixels is None
    if name == "minari":
        stored = minari.MinariDataset(tmp_path / "metaworld/reach/expert-v0/data")[0].observations
        np.testing.assert_array_equal(stored["pixels"][:-1], one.pixels)
        np.testing.assert_array_equal(stored["state"], one.observations)
    else:
        statistics = json.loads((tmp_path / "meta/stats.json").read_text())["observation.image"]
        assert np.shape(statistics["mean"]) == (3, 1, 1) and 0.0 < np.min(statistics["mean"]) < np.max(statistics["max"]) <= 1.0


def test_fast_pictures_are_those_of_fast_environments(tmp_path, opengl):
    config = RecordingConfig(tasks=("reach",), episodes_per_task=1, size_px=64, render_quality="fast", max_episode_steps=1)
    record_demonstrations(config, tmp_path)
    one = load_demonstrations(tmp_path)[0]
    losses = {}
    for quality in ("fast", "high"):
        env = env_class("reach")("rgb_array", height=64, width=64, render_quality=quality)
        env.set_task(one.instance)
        env.reset()
        losses[quality] = np.abs(one.pixels[0].astype(float) - env.render()).mean()
        env.close()
    assert losses["fast"] < PICTURE_TOLERANCE["minari"] < losses["high"], losses


def test_a_failed_attempt_leaves_no_video_behind(tmp_path, opengl):
    config = RecordingConfig(tasks=("reach", "push"), format="lerobot", episodes_per_task=1, size_px=32, max_episode_steps=1)
    record_demonstrations(config, tmp_path / "all")
    assert len(list((tmp_path / "all").rglob("*.mp4"))) == 2
    with pytest.raises(RuntimeError, match="none of 2"):
        record_demonstrations(replace(config, only_successes=True), tmp_path / "successes")
    assert not list((tmp_path / "successes").rglob("*.mp4"))


@pytest.mark.parametrize("break_video", [lambda path: path.write_bytes(path.read_bytes()[:200]), lambda path: path.write_bytes(b"")])
def test_a_video_that_is_not_whole_is_no_episode(break_video, tmp_path, monkeypatch, opengl):
    """The encoder is a process of its own, and says nothing of a full disk."""
    config = RecordingConfig(tasks=("reach",), format="lerobot", episodes_per_task=1, size_px=32, max_episode_steps=3)
    finish = lerobot_format.VideoSink.finish

    def broken(sink, **keywords):
        sink._writer.close()
        break_video(sink._part)
        return finish(sink, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(lerobot_format.VideoSink, "finish", broken)
        with pytest.raises(OSError, match="no film of 3 frames; is the disk full"):
            record_demonstrations(config, tmp_path)
    assert not list(tmp_path.glob("videos/**/*.mp4"))
    record_demonstrations(config, tmp_path)
    assert load_demonstrations(tmp_path)[0].pixels.shape == (3, 32, 32, 3)


def test_pictures_that_cannot_be_drawn_leave_no_recording_behind(tmp_path, monkeypatch):
    def no_gl(*_):
        raise RenderingError("no OpenGL for rendering. Install some")

    config = RecordingConfig(tasks=("reach",), episodes_per_task=1, max_episode_steps=1)
    with monkeypatch.context() as patch:
        patch.setattr("metaworld_py.demonstrations.recording.choose_gl", lambda: None)
        patch.setattr(env_class("reach"), "render", no_gl)
        with pytest.raises(RenderingError):
            record_demonstrations(replace(config, size_px=32), tmp_path)
    assert record_demonstrations(config, tmp_path).is_complete


def test_picture_statistics_are_those_of_the_pixels():
    pictures = np.random.default_rng(0).integers(10, 200, (4, 8, 6, 3), dtype=np.uint8)
    found = picture_statistics(sum(channel_histogram(picture) for picture in pictures), len(pictures))
    pixels = pictures.reshape(-1, 3) / 255
    wanted = vector_statistics(pixels)
    for name in ("min", "max", "mean", "std"):
        np.testing.assert_allclose(np.ravel(found[name]), wanted[name], err_msg=name)
    for name, quantile in (("q01", 0.01), ("q10", 0.10), ("q50", 0.50), ("q90", 0.90), ("q99", 0.99)):
        np.testing.assert_allclose(np.ravel(found[name]), np.quantile(pixels, quantile, axis=0, method="inverted_cdf"), err_msg=name)
    assert found["count"] == [4]


# resuming


@pytest.mark.parametrize("name", FORMATS)
def test_a_killed_recording_goes_on_and_ends_up_the_same(name, tmp_path):
    config = RecordingConfig(tasks=("push",), format=name, episodes_per_task=12, noise_std=0.1, max_episode_steps=250)
    folder = tmp_path / "killed"
    code = f"from metaworld_py.demonstrations import *; record_demonstrations({config!r}, {str(folder)!r})"
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while len(list(folder.glob("unfinished/*.npz"))) < 2:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.wait()
    with pytest.raises(ValueError, match="unfinished recording"):
        load_demonstrations(folder)
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("unfinished/*.npz")}
    assert 2 <= len(kept) < 12
    reports = []

    def watch(task, over):
        reports.append(over)
        if over < 12:
            assert all(path.stat().st_mtime_ns == written for path, written in kept.items())

    record_demonstrations(config, folder, progress=watch)
    assert reports == list(range(len(kept), 13))
    assert not (folder / "unfinished").exists()
    record_demonstrations(config, tmp_path / "undisturbed")
    assert snapshot(folder) == snapshot(tmp_path / "undisturbed")


@pytest.mark.parametrize("name", FORMATS)
def test_stopping_while_the_data_set_is_put_together_loses_nothing(name, recorded, tmp_path, monkeypatch):
    module = importlib.import_module(f"metaworld_py.demonstrations.{name}_format")
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_json", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            record_demonstrations(replace(SHORT, format=name), tmp_path)
    reports = []
    record_demonstrations(replace(SHORT, format=name), tmp_path, progress=lambda _, over: reports.append(over))
    assert reports == [6]
    assert snapshot(tmp_path) == snapshot(recorded[name])


def test_a_complete_recording_is_left_as_it_is(recorded, tmp_path):
    folder = copy_of(recorded["minari"], tmp_path)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    recording = record_demonstrations(SHORT, folder)
    assert recording.is_complete and before == {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_another_recording_in_the_folder_is_refused_by_what_differs(recorded, tmp_path):
    folder = copy_of(recorded["minari"], tmp_path)
    with pytest.raises(ValueError, match=r"another recording: seed is 5 there, 7 here; noise_std is 0\.2 there, 0\.0 here"):
        record_demonstrations(replace(SHORT, seed=7, noise_std=0.0), folder)


def test_episodes_of_another_engine_are_not_mixed_in(tmp_path):
    storage.begin(tmp_path, SHORT)
    content = json.loads((tmp_path / "recording.json").read_text())
    content["versions"]["mujoco"] = "3.99.0"
    (tmp_path / "recording.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"begun with .*mujoco 3\.99\.0, here"):
        record_demonstrations(SHORT, tmp_path)


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ValueError, match="not empty and holds no recording"):
        record_demonstrations(SHORT, tmp_path)
    with pytest.raises(ValueError, match="is a file"):
        record_demonstrations(SHORT, tmp_path / "thesis.tex")


# other agents than the experts


MIXED = replace(SHORT, tasks=("reach",), agents=("expert", "random", "expert@0.5", "up_agents:Up"), noise_std=0.0, episodes_per_task=4)


@pytest.fixture
def users_agent(tmp_path, monkeypatch):
    """A module of a user's own in the working directory."""
    (tmp_path / "up_agents.py").write_text(
        "import numpy as np\n\n\nclass Up:\n    inputs = {'frame_stack': 2, 'action_repeat': 3}\n\n"
        "    def eval_action(self, observations):\n        assert observations.shape == (1, 2, 39)\n"
        "        return np.array([[0.0, 0.0, 1.5, -1.0]])\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "up_agents", raising=False)


@pytest.mark.parametrize("name", FORMATS)
def test_agents_take_turns_and_every_episode_names_its_own(name, users_agent, tmp_path):
    record_demonstrations(replace(MIXED, format=name), tmp_path / "mixed")
    expert, random, noisy, up = load_demonstrations(tmp_path / "mixed")
    assert [(one.agent, one.noise_std) for one in (expert, random, noisy, up)] == [
        ("expert", 0.0),
        ("random", 0.0),
        ("expert", 0.5),
        ("up_agents:Up", 0.0),
    ]
    np.testing.assert_array_equal(expert.actions, expert.expert_actions)
    assert 0.4 < random.actions.std() < 0.7 and random.rewards.sum() < expert.rewards.sum(), "uniform in [-1, 1]: standard deviation 0.58"
    assert 0.2 < (noisy.actions - noisy.expert_actions).std() < 0.6
    np.testing.assert_array_equal(up.actions, np.tile(np.float32([0.0, 0.0, 1.0, -1.0]), (60, 1)), "clipped to the box")
    np.testing.assert_allclose(
        random.expert_actions[0], TASKS["reach"].expert(random.observations[0].tolist()), atol=1e-6, err_msg="labels of the expert"
    )


@pytest.mark.parametrize(
    ("agent", "name", "noise"),
    [
        ("expert", "expert", None),
        ("expert@0.3", "expert", 0.3),
        ("my_agents:Mine@0.3", "my_agents:Mine", 0.3),
        ("baselines:runs@2/mt10", "baselines:runs@2/mt10", None),
        ("baselines:C:\\runs@2\\mt10", "baselines:C:\\runs@2\\mt10", None),
        ("baselines:runs/mt10@final", "baselines:runs/mt10@final", None),
        ("baselines:runs/mt10@2@0", "baselines:runs/mt10@2", 0.0),
    ],
)
def test_noise_is_told_from_paths_with_the_same_sign(agent, name, noise):
    assert (agent_name(agent), noise_of(agent)) == (name, noise)


def test_an_instance_that_comes_again_meets_the_next_agent():
    planned = attempts(replace(MIXED, agents=("expert", "random"), episodes_per_task=100))
    assert all({planned[at].agent, planned[at + 50].agent} == {"expert", "random"} for at in range(50))


def test_minari_names_data_sets_by_who_played(users_agent, tmp_path, monkeypatch):
    for agents, quality in (
        (("random",), "random"),
        (("up_agents:Up",), "up-agents-up"),
        (("expert", "random"), "mixed"),
    ):
        folder = tmp_path / quality
        record_demonstrations(replace(MIXED, agents=agents, episodes_per_task=1), folder)
        monkeypatch.setenv("MINARI_DATASETS_PATH", str(folder))
        assert minari.load_dataset(f"metaworld/reach/{quality}-v0").total_episodes == 1


@pytest.mark.parametrize(
    ("agent", "message"),
    [("nobody", "unknown agent"), ("blind_agents:Blind", "hides goals"), ("maml-trpo-ml1-reach", "plays only after adapting")],
)
def test_agents_that_cannot_demonstrate_are_refused_before_anything_is_written(agent, message, tmp_path, monkeypatch):
    if agent.startswith("maml"):
        pytest.importorskip("metaworld_baselines", reason="needs the extra baselines")
    (tmp_path / "blind_agents.py").write_text(
        "class Blind:\n    inputs = {'goal_visible': False}\n    def eval_action(self, observations): ...\n"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        record_demonstrations(replace(MIXED, agents=(agent,)), tmp_path / "new")
    assert not (tmp_path / "new").exists()


# mistakes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": ()}, "at least one task"),
        ({"tasks": ("reach", "reach-v3")}, "each only once"),
        ({"tasks": ("rech",)}, "Did you mean 'reach'"),
        ({"format": "rlds"}, "format must be one of"),
        ({"episodes_per_task": 0}, "episodes_per_task must be at least 1"),
        ({"seed": -1}, "seed must be"),
        ({"agents": ()}, "at least one agent"),
        ({"agents": ("random", "random")}, "each only once"),
        ({"agents": ("expert@loud",)}, "NAME@STD"),
        ({"agents": ("expert@-1",)}, "NAME@STD"),
        ({"agents": ("expert@0.1",)}, "noise is given for all agents"),  # `SHORT` has some
        ({"noise_std": -0.1}, "noise_std must be"),
        ({"noise_std": float("nan")}, "noise_std must be"),
        ({"size_px": 63}, "even size"),
        ({"size_px": 16}, "even size"),
        ({"camera_name": "corner"}, "without a picture size"),
        ({"render_quality": "fast"}, "without a picture size"),
        ({"size_px": 64, "render_quality": "low"}, "render_quality must be one of"),
        ({"reward_function_version": "v3"}, "reward_function_version must be one of"),
        ({"tasks": "reach"}, "tasks must be a list, got the text 'reach'"),
        ({"agents": "expert"}, "agents must be a list, got the text 'expert'"),
        ({"episodes_per_task": 2.5}, "episodes_per_task must be at least 1 and whole"),
        ({"episodes_per_task": True}, "episodes_per_task must be at least 1 and whole"),
        ({"size_px": 64.0}, "size_px must be at least 1 and whole"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(SHORT, **changes)


def test_an_unknown_camera_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="unknown camera 'korner'"):
        record_demonstrations(replace(SHORT, size_px=64, camera_name="korner"), tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", FORMATS)
def test_a_missing_package_names_the_extra(name, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, {"minari": "minari", "lerobot": "pyarrow"}[name], None)
    with pytest.raises(ImportError, match=r"pip install -e '.\[demos\]'"):
        record_demonstrations(replace(SHORT, format=name), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def break_minari(folder, how):
    import h5py

    path = folder / "metaworld/reach/expert-v0/data/main_data.hdf5"
    with h5py.File(path, "a") as file:
        how(file)


def shorten(group, name):
    values = group[name][:-1]
    del group[name]
    group[name] = values


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda file: file.__delitem__("episode_1"), "lacks episode_1"),
        (lambda file: file["episode_1"].__delitem__("rewards"), "rewards missing"),
        (lambda file: shorten(file["episode_1"], "rewards"), r"rewards must have shape \(60,\), got \(59,\)"),
        (lambda file: file["episode_1/observations"].__setitem__((4, 4), np.nan), "observations must be finite"),
        (lambda file: file["episode_1/actions"].__setitem__((4, 3), 1.5), r"actions must lie in \[-1, 1\]"),
    ],
)
def test_damaged_minari_episodes_are_refused(how, message, recorded, tmp_path):
    folder = copy_of(recorded["minari"], tmp_path)
    break_minari(folder, how)
    with pytest.raises(ValueError, match=message):
        load_demonstrations(folder)[1]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("recording.json", "holds no recording"),
        ("meta/info.json", "cannot read"),
        ("meta/episodes/chunk-000/file-000.parquet", "is missing"),
        ("data/chunk-000/file-000.parquet", "1 files are missing"),
    ],
)
def test_missing_lerobot_files_are_named(path, message, recorded, tmp_path):
    folder = copy_of(recorded["lerobot"], tmp_path)
    (folder / path).unlink()
    with pytest.raises(ValueError, match=message):
        load_demonstrations(folder)


def test_a_lerobot_data_set_of_another_recording_is_refused(recorded, tmp_path):
    folder = copy_of(recorded["lerobot"], tmp_path)
    info = json.loads((folder / "meta/info.json").read_text())
    (folder / "meta/info.json").write_text(json.dumps({**info, "fps": 30}))
    with pytest.raises(ValueError, match="not that of this recording: fps differ"):
        load_demonstrations(folder)


def test_lerobot_rows_that_are_not_where_the_metadata_says_are_refused(recorded, tmp_path):
    from pyarrow import parquet

    folder = copy_of(recorded["lerobot"], tmp_path)
    path = folder / "data/chunk-000/file-000.parquet"
    whole = parquet.read_table(path)
    parquet.write_table(whole.slice(0, 350), path)
    demonstrations = load_demonstrations(folder)
    assert demonstrations[4].steps == 60
    with pytest.raises(ValueError, match="rows of episode 5 are not where"):
        demonstrations[5]
    parquet.write_table(whole.drop_columns("action"), path)
    with pytest.raises(ValueError, match="action missing"):
        load_demonstrations(folder)[0]


def test_episodes_of_several_data_files_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr("metaworld_py.demonstrations.lerobot_layout.DATA_FILE_MB", 0)  # one episode fills a file
    record_demonstrations(replace(SHORT, format="lerobot"), tmp_path)
    assert len(list(tmp_path.glob("data/*/*.parquet"))) == 6
    assert [one.task for one in load_demonstrations(tmp_path)] == ["reach"] * 3 + ["door-open"] * 3


def test_episodes_are_a_sequence(recorded):
    demonstrations = load_demonstrations(recorded["lerobot"])
    assert len(demonstrations) == 6 and demonstrations[-1].task == "door-open"
    assert [one.task for one in demonstrations[2:4]] == ["reach", "door-open"]
    with pytest.raises(IndexError):
        demonstrations[6]


# the command


def test_the_command_records_and_prints_a_table(tmp_path, capsys):
    parser = argparse.ArgumentParser()
    record.add_parser(parser.add_subparsers())
    out = tmp_path / "demos"
    words = ["record", "reach", "push", "--episodes", "1", "--max-episode-steps", "60", "--seed", "3", "--out", str(out)]
    options = parser.parse_args([*words, "--format", "lerobot", "--agent", "expert@0.1", "--agent", "random"])
    assert options.run(options) == 0
    assert "lerobot: 2 episodes, 120 steps, seed 3" in capsys.readouterr().out
    assert load_demonstrations(out).recording.config == RecordingConfig(
        tasks=("reach", "push"), format="lerobot", episodes_per_task=1, seed=3, agents=("expert@0.1", "random"), max_episode_steps=60
    )
