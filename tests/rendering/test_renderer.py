"""Pictures: sizes, cameras, several environments at once, hidden goals."""

import gc
import threading

import gymnasium
import numpy as np
import pytest

from metaworld_py import MT1, TASKS, Camera, MetaWorldVectorEnv, Task
from metaworld_py.envs.env import env_class
from metaworld_py.rendering import find_camera

pytestmark = pytest.mark.usefixtures("opengl")


def make(name="reach", size=64, **kwargs):
    return gymnasium.make("Meta-World/MT1", env_name=name, seed=1, render_mode="rgb_array", width=size, height=size, **kwargs)


def test_pictures_have_the_size_asked_for_and_show_something():
    env = gymnasium.make("Meta-World/MT1", env_name="door-open", seed=1, render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape == (480, 480, 3) and picture.dtype == np.uint8 and picture.std() > 20
    env.close()


def test_cameras_differ_and_ids_mean_the_published_names():
    pictures = {}
    for camera in ("topview", "corner", "corner2"):
        env = make(camera_name=camera)
        env.reset(seed=0)
        pictures[camera] = env.render()
    by_id = make(camera_id=2)
    by_id.reset(seed=0)
    assert np.array_equal(by_id.render(), pictures["corner2"])
    assert not np.array_equal(pictures["topview"], pictures["corner"])


def test_a_camera_may_be_of_arrays():
    pictures = []
    for camera in (Camera((1.0, 0.2, 0.8), (0.0, 0.6, 0.1)), Camera(np.array([1.0, 0.2, 0.8]), [np.float32(0.0), 0.6, 0.1])):
        env = env_class("reach")("rgb_array", camera, height=64, width=64)
        env.set_task(MT1("reach", seed=1).train_tasks[0])
        env.reset()
        pictures.append(env.render())
    assert np.array_equal(*pictures)


@pytest.mark.parametrize(
    ("camera", "message"),
    [
        (Camera((1.0, 0.2, 0.8), (0.0, 0.6, 0.1), "45"), "two points of three numbers .* fovy_deg='45'"),
        (Camera((1.0, 0.2), (0.0, 0.6, 0.1)), "two points of three numbers"),
        (Camera(("1", "2", "3"), (0.0, 0.6, 0.1)), "two points of three numbers"),
        (Camera(np.array([0.0, 0.6, 0.1]), (0.0, 0.6, 0.1)), "another point to look at"),
        (Camera((np.nan, 0.6, 0.1), (0.0, 0.6, 0.1)), "finite position"),
    ],
)
def test_a_camera_that_is_none_is_refused(camera, message):
    with pytest.raises(ValueError, match=message):
        find_camera(TASKS["reach"], camera)


def test_environments_in_one_process_do_not_disturb_each_other():
    one, two = make("reach"), make("door-open")
    one.reset(seed=0), two.reset(seed=0)
    first, other = one.render(), two.render()
    assert np.array_equal(one.render(), first) and np.array_equal(two.render(), other)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("end", ["closed", "collected"])
def test_an_environment_that_ends_takes_nothing_from_the_others(end):
    ending, staying = make("reach"), make("door-open")
    ending.reset(seed=0), staying.reset(seed=0)
    ending.render()
    before = staying.render()  # its context is the current one when the other's goes
    if end == "closed":
        ending.close()
    del ending
    gc.collect()
    assert np.array_equal(staying.render(), before)


def test_a_hidden_goal_is_not_drawn():
    tasks = MT1("reach", 1).train_tasks
    visible, hidden = (make().unwrapped for _ in range(2))
    pictures = []
    for env, is_hidden in ((visible, False), (hidden, True)):
        shown = []
        for goal in (tasks[0].rand_vec[3:], tasks[1].rand_vec[3:]):
            env.set_task(Task("reach", (*tasks[0].rand_vec[:3], *goal), is_hidden))
            env.reset(seed=0)
            shown.append(env.render())
        pictures.append(shown)
    assert not np.array_equal(*pictures[0]) and np.array_equal(*pictures[1])


def test_a_vector_environment_renders_each_environment():
    envs = MetaWorldVectorEnv(
        [MT1("reach", 1).train_tasks[:1], MT1("push", 1).train_tasks[:1], MT1("reach", 1).train_tasks[1:2]],
        render_mode="rgb_array", width=64, height=64,
    )  # fmt: skip
    envs.reset(seed=0)
    pictures = envs.render()
    single = make().unwrapped
    single.set_task(MT1("reach", 1).train_tasks[1])
    single.reset()
    assert len(pictures) == 3 and np.array_equal(pictures[2], single.render())
    envs.close()


def test_pictures_show_fixtures_where_the_instance_puts_them():
    env = make("drawer-open", camera_name="topview").unwrapped
    pictures = []
    for x in (-0.1, 0.1):
        env.set_task(Task("drawer-open", (x, 0.9, 0.0), True))
        env.reset(seed=0)
        pictures.append(env.render())
    assert not np.array_equal(*pictures)


def test_an_impossible_size_is_refused():
    with pytest.raises(ValueError, match="pixels, got 5000"):
        make(size=5000)
    env = make(size=32)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="pixels, got 5000"):
        env.unwrapped.render(width=5000)


@pytest.mark.parametrize("thread_lives_on", [True, False])
def test_what_another_thread_has_drawn_with_is_closed_all_the_same(thread_lives_on):
    """EGL refuses a context that is another thread's; neither that nor what is freed in its place may be felt."""
    env, staying = make("reach"), make("door-open")
    env.reset(seed=0), staying.reset(seed=0)
    before, drawn, leave = staying.render(), threading.Event(), threading.Event()

    def draw():
        env.render()
        drawn.set()
        leave.wait(30.0)

    thread = threading.Thread(target=draw)
    thread.start()
    assert drawn.wait(30.0)
    if not thread_lives_on:
        leave.set()
        thread.join()
    picture = env.render()
    env.close()
    env.close()
    assert not env.unwrapped._renderer._renderers
    assert np.array_equal(staying.render(), before)
    leave.set()
    thread.join()
    env.reset(seed=0)
    assert np.array_equal(env.render(), picture), "it draws again"
    env.close(), staying.close()
