"""The viewer: what keys mean, real time, and what is said where no window can be opened. The window itself is not opened here."""

import contextlib
import itertools
import time

import gymnasium
import mujoco
import numpy as np
import pytest

from metaworld_py import Camera
from metaworld_py.agents import ExpertAgent
from metaworld_py.cli.main import main
from metaworld_py.media import live
from metaworld_py.media.live import Command, KeyboardAgent, action_of, after_key
from metaworld_py.rendering import window as rendering_window
from metaworld_py.rendering.window import ViewerError

RIGHT, LEFT, DOWN, UP, PAGE_UP, PAGE_DOWN, SPACE, BACKSPACE = 262, 263, 264, 265, 266, 267, 32, 259


def never(key):
    return False


@pytest.mark.parametrize(
    ("key", "axis", "sign"), [(RIGHT, 1, 1), (LEFT, 1, -1), (DOWN, 0, 1), (UP, 0, -1), (PAGE_UP, 2, 1), (PAGE_DOWN, 2, -1)]
)
def test_a_pressed_key_moves_the_hand_for_a_moment(key, axis, sign):
    command = after_key(Command(), key, now_s=10.0)
    action = action_of(command, 10.05, never)
    assert np.sign(action[axis]) == sign and np.count_nonzero(action[:3]) == 1 and np.abs(action).max() <= 1.0
    assert not action_of(command, 10.5, never)[:3].any()


def test_a_held_key_moves_the_hand_until_it_is_let_go():
    command = after_key(Command(), RIGHT, now_s=10.0)
    assert action_of(command, 17.0, lambda key: key == RIGHT)[1] > 0
    assert not action_of(command, 17.0, lambda key: key == LEFT)[:3].any(), "keys that were never pressed here do not count"


def test_moves_add_up_and_opposite_ones_cancel():
    command = after_key(after_key(Command(), UP, 0.0), PAGE_UP, 0.01)
    assert np.array_equal(np.sign(action_of(command, 0.02, never)[:3]), (-1, 0, 1))
    assert not action_of(after_key(command, DOWN, 0.02), 0.03, never)[0]


def test_space_turns_the_gripper_round_and_other_keys_do_nothing():
    closed = after_key(Command(), SPACE, 0.0)
    assert action_of(Command(), 0.0, never)[3] == -1.0 and action_of(closed, 0.0, never)[3] == 1.0
    assert action_of(after_key(closed, SPACE, 0.0), 0.0, never)[3] == -1.0
    assert after_key(closed, ord("W"), 0.0) == closed


def test_the_agent_forgets_its_keys_with_each_episode():
    agent = KeyboardAgent(clock=lambda: 0.0)
    agent._command = after_key(after_key(Command(), SPACE, 0.0), BACKSPACE, 0.0)
    assert agent.wants_next and agent.eval_action(np.zeros((2, 39)))[:, 3].tolist() == [1.0, 1.0]
    agent.reset(np.ones(1, dtype=bool))
    assert not agent.wants_next and agent.eval_action(np.zeros((1, 39)))[0].tolist() == [0.0, 0.0, 0.0, -1.0]


class Window:
    """Stands for the window: open for a number of pictures, each taking a while to draw."""

    def __init__(self, pictures, draws_s=0.0):
        self.captions, self.left, self.draws_s = [], pictures, draws_s

    def is_running(self):
        return self.left > 0

    def lock(self):
        return contextlib.nullcontext()

    def set_texts(self, caption):
        self.captions.append(caption[3].splitlines())

    def sync(self):
        self.left -= 1
        time.sleep(self.draws_s)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def watch(monkeypatch, window, *arguments, **options):
    monkeypatch.setattr(live, "require_display", lambda: None)
    monkeypatch.setattr(live, "open_window", lambda env, on_key: window)
    live.view(*arguments, **options)
    return window.captions


def test_episodes_follow_one_another_in_real_time_until_the_window_is_closed(monkeypatch):
    begin = time.monotonic()
    captions = watch(monkeypatch, Window(24), "reach", ExpertAgent(), instance=49, max_episode_steps=20)
    assert time.monotonic() - begin > 23 / 80
    titles = [title for title, _ in itertools.groupby(caption[0] for caption in captions)]
    assert titles == ["instance 49 of seed 0", "instance 0 of seed 0"]


def test_a_slow_window_misses_steps_but_not_the_time(monkeypatch):
    captions = watch(monkeypatch, Window(4, draws_s=0.1), "reach", ExpertAgent(), max_episode_steps=60)
    steps = [int(caption[1]) for caption in captions]
    assert all(6 <= after - before <= 30 for before, after in itertools.pairwise(steps)), "a picture shows 0.1 s, 8 steps"


def test_success_is_shown_for_a_second(monkeypatch):
    captions = watch(monkeypatch, Window(150), "reach", ExpertAgent())
    first = next(caption for caption in captions if caption[2] != "not yet")
    last = [caption for caption in captions if caption[0] == captions[0][0]][-1]
    assert first[2] == last[2] == f"after {first[2].split()[1]} steps"
    assert int(last[1]) == int(first[2].split()[1]) + 80


def test_without_a_display_one_line_says_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    for agent in ("expert", "keyboard"):
        assert main(["view", "reach", "--agent", agent]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "needs a display" in error and "metaworld-py render" in error


def test_on_macos_mjpython_is_named(monkeypatch):
    def launch_passive(*arguments, **options):
        raise RuntimeError("`launch_passive` requires that the Python script be run under `mjpython` on macOS")

    import mujoco.viewer

    monkeypatch.setattr(mujoco.viewer, "launch_passive", launch_passive)
    monkeypatch.setattr(live, "require_display", lambda: None)
    with pytest.raises(ViewerError, match="mjpython -m metaworld_py"):
        live.view("reach", ExpertAgent())


def test_keys_are_documented_and_mistakes_refused(capsys):
    with pytest.raises(SystemExit):
        main(["view", "--help"])
    assert "page up" in capsys.readouterr().out
    assert main(["view", "reach", "--instance", "50"]) == 2 and "0…49" in capsys.readouterr().err


class LiveWindow(Window):
    """Stands for the window of render mode "human"; remembers what it showed, the hand's height for one."""

    def __init__(self, env, pictures=1000):
        super().__init__(pictures)
        self.env, self.heights, self.cam, self.is_closed = env, [], mujoco.MjvCamera(), False

    def sync(self):
        super().sync()
        self.heights.append(float(self.env.data.body("hand").xpos[2]))

    def close(self):
        self.is_closed = True


@pytest.fixture
def windows(monkeypatch):
    """Windows that were opened."""
    opened = []

    def open_window(env, on_key):
        opened.append(LiveWindow(env))
        return opened[-1]

    monkeypatch.setattr(rendering_window, "require_display", lambda: None)
    monkeypatch.setattr(rendering_window, "open_window", open_window)
    return opened


def test_render_mode_human_shows_every_reset_and_step_in_real_time(windows):
    env = gymnasium.make("Meta-World/MT1", env_name="reach", seed=1, render_mode="human")
    assert not windows, "a window opens when there is something to see"
    env.reset(seed=0)
    begin, actions = time.monotonic(), [np.array([0, 0, up, 0], np.float32) for up in (1, 1, 1, -1, -1, -1)]
    hands = [env.step(action)[0][2] for action in actions]
    assert time.monotonic() - begin > 5 / 80
    (window,) = windows
    assert len(window.heights) == 7 and window.heights[3] > window.heights[0], "the state itself, not the one before"
    assert env.render() is None and len(window.heights) == 8
    plain = gymnasium.make("Meta-World/MT1", env_name="reach", seed=1)
    plain.reset(seed=0)
    assert hands == [plain.step(action)[0][2] for action in actions]
    env.close()
    assert window.is_closed


def test_a_window_that_was_closed_stays_closed_and_the_episode_goes_on(windows):
    env = gymnasium.make("Meta-World/MT1", env_name="reach", seed=1, render_mode="human")
    env.reset(seed=0)
    windows[0].left = 0
    env.step(np.zeros(4, np.float32))
    assert len(windows) == 1 and len(windows[0].heights) == 1


@pytest.mark.parametrize("camera", [{"camera_name": "front"}, {"camera_name": Camera((1.0, 0.4, 0.8), (0.0, 0.6, 0.1))}, {}])
def test_the_window_looks_through_the_camera_that_was_asked_for(windows, camera):
    env = gymnasium.make("Meta-World/MT1", env_name="reach", seed=1, render_mode="human", **camera)
    env.reset(seed=0)
    cam, model = windows[0].cam, env.unwrapped.model
    if camera.get("camera_name") == "front":
        assert cam.type == mujoco.mjtCamera.mjCAMERA_FIXED and model.camera(cam.fixedcamid).name == "front"
    elif camera:
        azimuth, elevation = np.radians([cam.azimuth, cam.elevation])
        forward = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
        assert np.allclose(cam.lookat - cam.distance * forward, camera["camera_name"].pos)
    else:
        assert cam.type == mujoco.mjtCamera.mjCAMERA_FREE and np.allclose(cam.lookat, model.stat.center)


@pytest.mark.parametrize("strategy", ["native", "sync", "async"])
def test_windows_are_for_one_environment(strategy):
    with pytest.raises(ValueError, match="windows are for one environment"):
        gymnasium.make_vec("Meta-World/MT10", seed=1, render_mode="human", vector_strategy=strategy)


def test_render_mode_human_says_what_is_missing_without_a_display(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    env = gymnasium.make("Meta-World/MT1", env_name="reach", seed=1, render_mode="human")
    with pytest.raises(ViewerError, match="needs a display"):
        env.reset(seed=0)
