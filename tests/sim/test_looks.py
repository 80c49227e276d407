"""Looks: they never touch the physics, stay light, and the cameras stand where they are said to stand."""

import json

import mujoco
import numpy as np
import pytest
from conftest import ALL_TASKS
from physics_digest import DIGESTS, physics_digests

from metaworld_py.benchmarks import MT1
from metaworld_py.envs.env import env_class
from metaworld_py.sim.scene import ASSETS, compose
from metaworld_py.tasks import TASKS

FIXED, TRACK = mujoco.mjtCamLight.mjCAMLIGHT_FIXED, mujoco.mjtCamLight.mjCAMLIGHT_TRACK
WORLD, HAND = "world", "hand"
PUBLISHED_CAMERAS = [  # name, body, mode, position (m), wxyz quaternion as written, vertical field of view (degrees); ids by place
    ("topview", WORLD, FIXED, (0, 0.5, 1.5), (1, 0, 0, 0), 45),
    ("corner", WORLD, FIXED, (-1.1, -0.4, 0.6), (0.305208, -0.230856, -0.557335, 0.736838), 45),
    ("corner2", WORLD, FIXED, (1.3, -0.2, 1.1), (-0.395038, 0.262667, -0.434937, 0.765363), 60),
    ("corner3", WORLD, FIXED, (0.9, 0, 1.5), (-0.494554, 0.105737, -0.255944, 0.82385), 45),
    ("corner4", WORLD, FIXED, (0.75, 0.075, 0.7), (-0.395038, 0.262667, -0.434937, 0.765363), 60),
    ("behindGripper", HAND, TRACK, (0, 0, -0.5), (0, 1, 0, 0), 60),
    ("gripperPOV", HAND, TRACK, (0.04, -0.06, 0), (-0.609711, -0.792624, 0, 0), 90),
]
OWN_CAMERAS = ["corner_upright", "corner2_upright", "corner3_upright", "corner4_upright", "front"]
WRITTEN_DIGITS = 1e-6  # the published quaternions are written with six digits and normalised by the engine
MAX_TRIANGLES = 30_000  # of a scene's meshes
MAX_FILE_BYTES, MAX_ARM_BYTES = 1_000_000, 1_500_000


@pytest.mark.parametrize("task", ALL_TASKS)
def test_looks_never_change_physics(task):
    wanted = json.loads(DIGESTS.read_text())[task]
    got = physics_digests(TASKS[task].model)
    changed = [part for part in wanted if got[part] != wanted[part]]
    assert not changed, f"{task}: {', '.join(changed)} differ from physics_digests.json; see physics_digest.py if that is meant"


def test_the_digest_sees_a_change_of_any_part():
    model = TASKS["door-open"].model
    before = physics_digests(model)
    for field in ("body_mass", "jnt_range", "dof_damping", "site_pos", "eq_data", "actuator_gainprm"):
        part = field.split("_")[0]
        array = getattr(model, field)
        kept = array.copy()
        array[-1 if part != "body" else 5] += 1e-6
        assert [name for name, digest in physics_digests(model).items() if digest != before[name]] == [part]
        array[:] = kept
    pad = model.geom("leftpad_geom").id
    friction = model.geom_friction[pad].copy()
    model.geom_friction[pad] *= 1.0001
    assert physics_digests(model)["geom"] != before["geom"]
    model.geom_friction[pad] = friction
    assert physics_digests(model) == before


@pytest.mark.parametrize("task", ALL_TASKS)
def test_what_collides_with_nothing_weighs_nothing(task):
    shown = [geom for geom in compose(TASKS[task].scene).geoms if geom.contype == 0 and geom.conaffinity == 0]
    assert len(shown) > 30 and {geom.mass for geom in shown} == {0.0}


@pytest.mark.parametrize("task", ALL_TASKS)
def test_scenes_stay_light(task):
    assert TASKS[task].model.nmeshface < MAX_TRIANGLES


def test_asset_files_stay_small():
    sizes = {path.relative_to(ASSETS).as_posix(): path.stat().st_size for path in ASSETS.rglob("*") if path.is_file()}
    assert max(sizes.values()) < MAX_FILE_BYTES
    assert sum(size for name, size in sizes.items() if name.startswith("robot/")) < MAX_ARM_BYTES


def test_every_mesh_and_texture_is_used():
    text = "".join(path.read_text() for path in ASSETS.rglob("*.xml"))
    files = [path.relative_to(ASSETS).as_posix() for path in ASSETS.rglob("*") if path.suffix in (".msh", ".png")]
    assert len(files) > 50 and [name for name in files if f'file="{name}"' not in text] == []


@pytest.mark.parametrize("task", ALL_TASKS)
def test_published_cameras_keep_names_ids_and_poses(task):
    model = TASKS[task].model
    for index, (name, body, mode, pos, quat, fovy) in enumerate(PUBLISHED_CAMERAS):
        assert model.camera(index).name == name
        assert model.body(model.cam_bodyid[index]).name == body and model.cam_mode[index] == mode
        assert model.cam_pos[index].tolist() == list(pos) and model.cam_fovy[index] == fovy
        assert model.cam_quat[index] == pytest.approx(np.array(quat) / np.linalg.norm(quat), abs=1e-15)
        assert model.cam_quat[index] == pytest.approx(quat, abs=WRITTEN_DIGITS)
    assert [model.camera(index).name for index in range(len(PUBLISHED_CAMERAS), model.ncam)] == OWN_CAMERAS


def test_own_cameras_and_those_on_the_hand_are_upright_and_the_published_corners_are_not():
    env = env_class("reach")()
    env.set_task(MT1("reach", seed=0).train_tasks[0])
    env.reset()
    up = {env.model.camera(index).name: env.data.cam_xmat[index].reshape(3, 3)[2, 1] for index in range(env.model.ncam)}
    env.close()
    assert all(up[name] > 0.08 for name in [*OWN_CAMERAS, "behindGripper", "gripperPOV"])
    assert all(up[name] < -0.5 for name in ("corner", "corner2", "corner3", "corner4"))


@pytest.mark.parametrize("name", ["corner", "corner2", "corner3", "corner4"])
def test_upright_twins_look_the_same_way_turned_by_half(name):
    model = TASKS["reach"].model
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    turned, twin = (data.cam_xmat[model.camera(each).id].reshape(3, 3) for each in (name, f"{name}_upright"))
    assert twin == pytest.approx(turned * (-1, -1, 1), abs=WRITTEN_DIGITS)
    assert data.cam_xpos[model.camera(name).id].tolist() == data.cam_xpos[model.camera(f"{name}_upright").id].tolist()
    assert model.camera(name).fovy == model.camera(f"{name}_upright").fovy


@pytest.mark.usefixtures("opengl")
def test_twins_show_the_published_picture_turned_by_half():
    pictures = []
    for camera in ("corner2", "corner2_upright"):
        env = env_class("drawer-open")("rgb_array", camera_name=camera, width=96, height=96)
        env.set_task(MT1("drawer-open", seed=0).train_tasks[0])
        env.reset()
        pictures.append(env.render().astype(float))
        env.close()
    published, twin = pictures
    assert np.abs(published[::-1, ::-1] - twin).mean() < 0.1 * np.abs(published - twin).mean()
