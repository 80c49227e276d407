"""Pictures of whole episodes: which moments, badges, sheets, files."""

import gymnasium
import imageio.v2 as imageio
import numpy as np
import pytest

from metaworld_py import MT1
from metaworld_py.agents import ExpertAgent, RandomAgent
from metaworld_py.cli.main import main
from metaworld_py.media.pictures import overlay, play_take, sheet
from metaworld_py.media.video import record_contact_sheet, record_episode

SMALL = {"width_px": 64, "height_px": 64}


def first(name):
    return MT1(name, 0).train_tasks[0]


def plain(value, size=96):
    return np.full((size, size, 3), value, dtype=np.uint8)


def is_framed(picture):
    """Whether the upper corners are green."""
    red, green, blue = picture[0, [0, -1]].astype(int).T
    return bool(np.all(green > red + 50) and np.all(green > blue + 50))


def test_the_overlay_counts_steps_and_marks_success_from_its_first_step_on():
    before, at, after = (overlay(plain(200), step, 30) for step in (29, 30, 90))
    assert not is_framed(before) and is_framed(at) and is_framed(after)
    assert not np.array_equal(before[48:], plain(200)[48:]), "the step is shown"
    assert np.array_equal(before[:48], plain(200)[:48]), "at the bottom only"
    assert not is_framed(overlay(plain(200), 500, None))


def test_a_sheet_shows_all_pictures_in_order():
    picture = sheet([plain(10), plain(90), plain(170)], columns=2)
    height, width = picture.shape[:2]
    places = ((50, 50), (50, width - 50), (height - 50, 50), (height - 50, width - 50))
    assert [int(picture[place][0]) for place in places] == [10, 90, 170, 255]
    labelled = sheet([plain(10), plain(90), plain(170)], columns=2, labels=["one", "two", "three"])
    assert labelled.shape[0] > height and labelled.shape[1] == width


def test_a_take_is_drawn_at_any_step_as_the_environment_showed_it(opengl):
    take = play_take(first("door-close"), ExpertAgent(), **SMALL, max_episode_steps=30)
    env = gymnasium.make("Meta-World/MT1", env_name="door-close", seed=0, render_mode="rgb_array", width=64, height=64).unwrapped
    env.set_task(take.states[0].task)
    observation, _ = env.reset()
    agent = ExpertAgent()
    agent.start_task("door-close")
    for _ in range(20):
        observation, *_ = env.step(agent.eval_action(observation[np.newaxis])[0])
    last, twentieth = take.picture(30), take.picture(20)
    assert np.array_equal(twentieth, env.render()) and not np.array_equal(twentieth, last)
    assert take.num_steps == 30 and take.steps(4) == [0, 10, 20, 30] and take.steps(99) == list(range(31))
    take.close()


def test_a_take_ends_after_success_and_tells_the_task_shortly_before_it(opengl):
    take = play_take(first("reach"), ExpertAgent(), **SMALL, steps_after_success=5)
    assert take.num_steps == take.first_success + 5 and take.telling_step == take.first_success - 12
    assert take.outcome == f"success after {take.first_success} steps"
    failed = play_take(first("reach"), Still(), **SMALL, max_episode_steps=7)
    assert failed.first_success is None and failed.telling_step == 7 and failed.outcome == "no success in 7 steps"


class Still:
    def eval_action(self, observations):
        return np.zeros((len(observations), 4))


# imageio leaves it to the garbage collector to close its pipes to ffmpeg
ffmpeg_pipes = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


@ffmpeg_pipes
@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_videos_run_in_real_time_with_overlay(suffix, tmp_path, opengl):
    path = tmp_path / f"reach{suffix}"
    record_episode("reach", ExpertAgent(), path, size_px=64, max_episode_steps=40, with_overlay=True)
    frames = imageio.mimread(path)
    assert len(frames) == 11 and frames[0].shape[:2] == (64, 64)
    assert not is_framed(frames[0][..., :3]) and is_framed(frames[-1][..., :3])


def test_a_sheet_of_one_episode_has_twelve_frames(tmp_path, opengl, capsys):
    out = tmp_path / "reach.png"
    assert main(["render", "reach", "--out", str(out), "--size", "64", "--max-episode-steps", "60", "--overlay"]) == 0
    height, width = imageio.imread(out).shape[:2]
    assert width // 64 == 4 and height // 64 == 3 and "success after" in capsys.readouterr().out


def test_a_contact_sheet_shows_every_task_once(tmp_path, opengl):
    drawn = []

    class Spy(RandomAgent):
        def start_task(self, name):
            drawn.append(name)

    said = record_contact_sheet(["reach", "push", "hammer"], Spy(), tmp_path / "three.jpg", size_px=48, max_episode_steps=3)
    assert drawn == ["reach", "push", "hammer"] and "3 tasks" in said and "0 with success" in said
    height, width = imageio.imread(tmp_path / "three.jpg").shape[:2]
    assert (height // 48, width // 48) == (2, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["render"], "say what to render"),
        (["render", "reach", "--all"], "say what to render"),
        (["render", "--all", "--out", "all.mp4"], ".png or .jpg"),
        (["render", "reach", "--benchmark", "ML10-test"], "reach is not in ML10-test"),
        (["render", "reach", "--size", "63"], "must be even"),
        (["render", "reach", "--camera", "nope"], "unknown camera 'nope'"),
        (["render", "reach", "--frames-per-second", "81"], "1…80"),
    ],
)
def test_mistakes_in_render_are_refused(arguments, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2 and message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@ffmpeg_pipes
def test_gymnasiums_record_video_works(tmp_path, opengl):
    pytest.importorskip("moviepy", reason="gymnasium.wrappers.RecordVideo needs moviepy")
    env = gymnasium.make("Meta-World/MT1", env_name="reach", seed=1, render_mode="rgb_array", width=64, height=64, max_episode_steps=10)
    env = gymnasium.wrappers.RecordVideo(env, str(tmp_path / "videos"), episode_trigger=lambda episode: episode == 1)
    for _ in range(2):
        env.reset(seed=0)
        is_over = False
        while not is_over:
            *_, is_over, _ = env.step(np.zeros(4, dtype=np.float32))
    env.close()
    (video,) = (tmp_path / "videos").glob("*.mp4")
    assert len(imageio.mimread(video)) in (10, 11), "a reset and ten steps; moviepy may drop the last frame"
