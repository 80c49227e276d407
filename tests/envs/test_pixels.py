"""Pixels as observations: spaces, kinds, several environments, hidden goals, stacks of frames, final observations."""

import copy
import os
import pickle
import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict
from gymnasium.utils.env_checker import check_env

from metaworld_py import MT1, Camera, Task
from metaworld_py.rendering import renderer, segmentation_names

pytestmark = pytest.mark.usefixtures("opengl")

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
SMALL = {"obs_mode": "pixels", "obs_width": 48, "obs_height": 32}
STATE = {"obs_mode": "state", "obs_width": 84, "obs_height": 84}  # the defaults of what states do not have


def make(name="reach", **keywords):
    return gymnasium.make("Meta-World/MT1", env_name=name, seed=1, **{**SMALL, **keywords})


def make_vec(strategy="native", names=("reach", "door-open"), **keywords):
    return gymnasium.make_vec("Meta-World/custom-mt-envs", envs_list=list(names), seed=1, vector_strategy=strategy, **{**SMALL, **keywords})


# Published code calls `env.seed(s)`, so it is there; the checker's only complaint is that it is.
@pytest.mark.filterwarnings("ignore:.*Official support for the `seed` function is dropped")
def test_one_camera_gives_one_array_as_gymnasium_expects():
    env = make()
    assert env.observation_space == Box(0, 255, (32, 48, 3), np.uint8)
    observation, _ = env.reset(seed=0)
    assert observation in env.observation_space and observation.std() > 10
    check_env(make(max_episode_steps=3).unwrapped, skip_render_check=True)


def test_all_kinds_of_several_cameras_with_the_state():
    kinds = ("rgb", "depth", "segmentation", "point_cloud")
    above = Camera((0.0, 0.6, 1.5), (0.0, 0.61, 0.0))
    env = make("push", obs_mode="pixels+state", obs_cameras=["front", above], obs_kinds=kinds)
    assert isinstance(env.observation_space, Dict)
    names = [f"{name}_{camera}" for camera in ("front", "camera1") for name in ("pixels", "depth", "segmentation", "point_cloud")]
    assert set(env.observation_space.keys()) == {"state", *names}
    observation = env.reset(seed=0)[0]
    assert observation in env.observation_space
    assert np.array_equal(observation["state"], make("push", **STATE).reset(seed=0)[0])


def test_depth_and_points_are_metres():
    pos, look_at = (0.3, 1.3, 0.6), (0.0, 0.65, 0.0)
    kinds = ("depth", "segmentation", "point_cloud")
    env = make("push", obs_mode="pixels+state", obs_cameras=Camera(pos, look_at, 30.0), obs_kinds=kinds, obs_width=192, obs_height=160)
    observation = env.reset(seed=0)[0]
    names = segmentation_names(env.unwrapped.task_def)
    puck = next(body for body, name in names.items() if name == "obj")
    seen = observation["segmentation"] == puck
    assert seen.sum() > 100 and names[-1] == "background" and "goal" in names.values()
    points, puck_pos = observation["point_cloud"][seen], observation["state"][4:7]
    radius, half_height = env.unwrapped.model.geom("objGeom").size[:2]
    off_axis = np.linalg.norm(points[:, :2] - puck_pos[:2], axis=1)
    assert off_axis.max() < radius + 0.004 and np.abs(points[:, 2] - puck_pos[2]).max() < half_height + 0.004
    is_on_top = points[:, 2] > puck_pos[2] + half_height - 0.002
    assert is_on_top.sum() > 20 and (off_axis[~is_on_top] > radius - 0.006).all()
    forward = np.subtract(look_at, pos) / np.linalg.norm(np.subtract(look_at, pos))
    assert observation["depth"][seen] == pytest.approx((points - pos) @ forward, abs=1e-4)


def test_environments_give_the_pictures_of_each_alone():
    """The published package draws all environments of a process but the last one wrongly."""
    names = ("reach", "door-open", "push", "hammer", "coffee-pull", "basketball", "window-open", "drawer-close")
    envs = make_vec(names=names)
    actions = np.random.default_rng(0).uniform(-1, 1, (3, envs.num_envs, 4)).astype(np.float32)
    seen = [envs.reset(seed=3)[0], *(envs.step(action)[0] for action in actions)]
    for index, name in enumerate(names):
        alone = make(name)
        alone.unwrapped.set_task(envs.unwrapped.tasks[index])
        pictures = [alone.reset()[0], *(alone.step(action[index])[0] for action in actions)]
        assert all(np.array_equal(picture, together[index]) for picture, together in zip(pictures, seen, strict=True)), name


def test_two_environments_in_turn_do_not_disturb_each_other():
    one, two = make("reach"), make("door-open")
    first, other = one.reset(seed=0)[0], two.reset(seed=0)[0]
    again, again_other = one.reset(seed=0)[0], two.reset(seed=0)[0]
    assert np.array_equal(first, again) and np.array_equal(other, again_other) and not np.array_equal(first, other)


@pytest.mark.parametrize("kinds", [("rgb",), ("rgb", "segmentation")])
def test_a_hidden_goal_is_never_seen_and_a_visible_one_only_if_wanted(kinds):
    tasks = MT1("reach", 1).train_tasks

    def look(*, hidden, **keywords):
        env = make(obs_kinds=kinds, obs_cameras="front", obs_width=128, obs_height=128, **keywords)
        pictures = []
        for goal in (tasks[0].rand_vec[3:], tasks[1].rand_vec[3:]):
            env.unwrapped.set_task(Task("reach", (*tasks[0].rand_vec[:3], *goal), hidden))
            observation = env.reset(seed=0)[0]
            pictures.append(observation if len(kinds) == 1 else np.dstack([observation["pixels"], observation["segmentation"]]))
        return np.array_equal(*pictures)

    assert not look(hidden=False) and look(hidden=True) and look(hidden=False, show_goal=False)


@pytest.mark.parametrize("strategy", ["native", "async"])
@pytest.mark.parametrize("mode", ["SameStep", "NextStep"])
def test_vector_strategies_see_the_same(strategy, mode):
    options = {"autoreset_mode": mode, "max_episode_steps": 3, "frame_stack": 3, "action_repeat": 2, "obs_mode": "pixels+state"}
    one, two = make_vec(strategy, **options), make_vec("sync", **options)
    assert {key: space.shape for key, space in one.single_observation_space.items()} == {"pixels": (3, 32, 48, 3), "state": (3, 39)}
    actions = np.random.default_rng(0).uniform(-1, 1, (6, 2, 4)).astype(np.float32)
    outcomes = [[envs.reset(seed=5), *(envs.step(action) for action in actions)] for envs in (one, two)]
    for a, b in zip(*outcomes, strict=True):
        assert a[0]["pixels"].shape == (2, 3, 32, 48, 3)
        assert all(np.array_equal(a[0][key], b[0][key]) for key in ("pixels", "state"))
        if "final_obs" in b[-1]:
            for last, expected in zip(a[-1]["final_obs"], b[-1]["final_obs"], strict=True):
                assert all(np.array_equal(last[key], expected[key]) for key in ("pixels", "state"))
    one.close(), two.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are forked on Linux only")
@pytest.mark.parametrize("has_drawn", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_script_without_main_guard_runs_once_or_is_told_of_it(has_drawn, tmp_path):
    """A fork is safe until something was drawn; a process that starts anew runs the script again."""
    keywords = "env_name='reach', seed=1, render_mode='rgb_array', width=16, height=16"
    lines = ["import gymnasium, metaworld_py", "print('run')"]
    if has_drawn:
        lines += [f"env = gymnasium.make('Meta-World/MT1', {keywords})", "env.reset()", "env.render()"]
    lines += [f"envs = gymnasium.make_vec('Meta-World/MT1', num_envs=2, vector_strategy='async', {keywords})", "envs.reset(seed=0)"]
    lines += ["print(len(envs.render()), 'pictures')", "envs.close()"]
    script = tmp_path / "script.py"
    script.write_text("\n".join(lines))
    done = subprocess.run([sys.executable, "-W", "ignore", script], capture_output=True, text=True, check=False, env=ENVIRONMENT)
    if has_drawn:
        assert done.returncode != 0 and "if __name__ == '__main__':" in done.stderr
    else:
        assert (done.returncode, done.stdout.split()) == (0, ["run", "2", "pictures"]), done.stderr


def test_stacks_begin_with_copies_of_the_first_frame():
    envs = make_vec(**STATE, frame_stack=3, max_episode_steps=2)
    first = envs.reset(seed=0)[0]
    assert first.shape == (2, 3, 39) and np.array_equal(first[:, 0], first[:, 2])
    second = envs.step(np.ones((2, 4), np.float32))[0]
    assert np.array_equal(second[:, :2], first[:, 1:]) and not np.array_equal(second[:, 2], first[:, 2])
    anew = envs.step(np.ones((2, 4), np.float32))[0]
    assert np.array_equal(anew[:, 0], anew[:, 2])


def test_many_frames_leave_nothing_behind(monkeypatch):
    monkeypatch.setattr(renderer, "_MAX_CONTEXTS", 3)
    env = make(obs_width=16, obs_height=16)
    env.reset(seed=0)
    opened = env.unwrapped._renderer
    for _ in range(50):
        env.step(np.zeros(4, np.float32))
    assert len(opened._renderers) == 1
    for size in range(5):
        env.unwrapped.pictures([-1], ("rgb",), width=8 + size, height=8, quality="fast")
    assert len(opened._renderers) == 3
    env.close()
    assert not opened._renderers


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"obs_mode": "pixel"}, "obs_mode must be one of"),
        ({"obs_kinds": "rgbd"}, "obs_kinds must be some of"),
        ({"obs_cameras": "cornr2"}, "Did you mean 'corner2'"),
        ({"obs_cameras": ["front", "front"]}, "each camera and kind once"),
        ({"obs_cameras": []}, "at least one camera"),
        ({"obs_quality": "best"}, "obs_quality must be one of"),
        ({"obs_width": 0}, "obs_width must be at least 1"),
        ({"obs_width": 5000}, "width must lie in"),
        ({"obs_mode": "state"}, "mean nothing while obs_mode is 'state'"),
        ({"frame_stack": 0}, "frame_stack must be at least 1"),
        ({"obs_cameras": Camera((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))}, "another point to look at"),
    ],
)
@pytest.mark.parametrize("maker", [make, make_vec])
def test_impossible_wishes_are_refused(maker, keywords, message):
    with pytest.raises(ValueError, match=message):
        maker(**keywords)


# clouds of a fixed number of points

BOX = ((-0.4, 0.4, 0.01), (0.4, 0.9, 0.5))  # over the table
CLOUD = {"obs_kinds": "point_cloud", "obs_points": 256, "obs_point_bounds": BOX, "obs_point_colors": True}


@pytest.mark.parametrize("strategy", ["native", "sync"])
def test_clouds_have_a_fixed_size_with_colours_bounds_and_a_mask(strategy):
    envs = make_vec(strategy, obs_cameras="corner4_upright", **{**CLOUD, "obs_points": 64})
    observation = envs.reset(seed=0)[0]
    assert observation in envs.observation_space
    clouds, masks = observation["point_cloud"], observation["point_cloud_mask"]
    assert clouds.shape == (2, 64, 6) and masks.shape == (2, 64) and masks.dtype == bool
    points, colors = clouds[masks][:, :3], clouds[masks][:, 3:]
    assert masks.sum(axis=1).min() > 20, "the camera sees robot and props"
    assert (points >= np.float32(BOX[0])).all() and (points <= np.float32(BOX[1])).all()
    assert 0.0 <= colors.min() < 0.4 < colors.max() <= 1.0
    envs.close()


def test_a_cloud_with_fewer_points_than_asked_for_is_padded_and_says_so():
    env = make("push", **{**CLOUD, "obs_points": 48 * 32, "obs_point_colors": False})
    whole = make("push", obs_kinds="point_cloud").reset(seed=0)[0].reshape(-1, 3)
    observation, _ = env.reset(seed=0)
    cloud, mask = observation["point_cloud"], observation["point_cloud_mask"]
    inside = ((whole >= np.float32(BOX[0])) & (whole <= np.float32(BOX[1]))).all(axis=1)
    assert 0 < mask.sum() == inside.sum() < len(mask)
    np.testing.assert_array_equal(cloud[mask], whole[inside])
    assert not cloud[~mask].any()


def test_clouds_are_colours_of_the_pixels_that_they_are_points_of():
    env = make("push", obs_kinds=("rgb", "point_cloud"), obs_points=48 * 32, obs_point_colors=True)
    observation, _ = env.reset(seed=0)
    real = observation["point_cloud"][observation["point_cloud_mask"]]
    assert len(real) == 48 * 32
    np.testing.assert_allclose(real[:, 3:] * 255, observation["pixels"].reshape(-1, 3), atol=1e-3)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"obs_points": 8}, "leaves out: add 'point_cloud'"),
        ({"obs_kinds": "point_cloud", "obs_point_colors": True}, "give obs_points, too"),
        ({"obs_kinds": "point_cloud", "obs_points": 0}, "obs_points must be at least 1"),
        ({"obs_kinds": "point_cloud", "obs_points": 8, "obs_point_bounds": ((0, 0, 0), (1, 1, 0))}, "the lower first"),
        ({"obs_kinds": "point_cloud", "obs_points": 8, "obs_point_bounds": 0.3}, "two corners"),
    ],
)
def test_clouds_that_cannot_be_made_are_refused(keywords, message):
    with pytest.raises(ValueError, match=message):
        make("push", **keywords)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda envs: pickle.loads(pickle.dumps(envs))])
@pytest.mark.parametrize("keywords", [{}, {"frame_stack": 2}])
def test_copies_see_the_last_moment_of_episodes_too(duplicate, keywords):
    envs = make_vec("native", max_episode_steps=2, **keywords)
    envs.reset(seed=0)
    twin = duplicate(envs)
    for _ in range(2):
        (_, *_, infos), (_, *_, of_twin) = (one.step(np.ones((2, 4), np.float32)) for one in (envs, twin))
    for ours, theirs in zip(infos["final_obs"], of_twin["final_obs"], strict=True):
        assert ours.shape == theirs.shape == envs.single_observation_space.shape
        np.testing.assert_array_equal(ours, theirs)
    envs.close(), twin.close()
