"""The padded models repeat the scenes that they stand for, in C MuJoCo; what cannot be padded is refused."""

import copy
from dataclasses import replace

import mujoco
import numpy as np
import pytest

from metaworld_py.engine.episode import Episode
from metaworld_py.engine.layout import displacement
from metaworld_py.engine.resets import beginning
from metaworld_py.gpu.fitting import FIELDS, INSTANCE_FIELDS, TaskFit, same_joints
from metaworld_py.gpu.kinematics import MechanismError, SceneKinematics, coordinates_of
from metaworld_py.gpu.mechanism import build_mechanism, mechanisms
from metaworld_py.instances.task import draw_instances
from metaworld_py.sim.signals import body_pos
from metaworld_py.sim.simulation import PHYSICS_STEPS
from metaworld_py.tasks import TASKS

CONTROL_STEPS = 20
QPOS_ATOL = 1e-9  # m, rad: both are float64 and differ in the order of sums alone
CHAOTIC_ATOL = 1e-5  # of contacts in which rounding grows: cylinders that roll or lie on their rim
CHAOTIC = {"reach", "push", "pick-place", "handle-press", "peg-unplug-side"}
READS_ATOL = 1e-9

# Fields that the engine derives from others, ids, and looks. What is not among them must be fitted or refused.
DERIVED = {
    *("geom_bodyid", "geom_dataid", "geom_matid", "geom_group", "geom_rgba", "geom_user", "geom_sameframe"),
    *("body_parentid", "body_rootid", "body_weldid", "body_treeid", "body_jntadr", "body_jntnum", "body_dofadr", "body_dofnum"),
    *("body_geomadr", "body_geomnum", "body_bvhadr", "body_bvhnum", "body_contype", "body_conaffinity", "body_margin", "body_user"),
    *("body_simple", "body_sameframe", "jnt_type", "jnt_qposadr", "jnt_dofadr", "jnt_bodyid", "jnt_group", "jnt_user"),
    *("dof_bodyid", "dof_jntid", "dof_parentid", "dof_treeid", "dof_Madr", "dof_simplenum", "dof_M0", "dof_length"),
}


def mechanism_of(name):
    return next(mechanism for mechanism in mechanisms(TASKS.values()) if name in mechanism.tasks)


def an_instance(name):
    return tuple(draw_instances([name], 3, partially_observable=False, per_task=1)[0].rand_vec)


def test_fifty_tasks_are_six_mechanisms():
    assert [len(mechanism.tasks) for mechanism in mechanisms(TASKS.values())] == [20, 12, 8, 4, 4, 2]


@pytest.mark.parametrize("name", TASKS)
def test_the_padded_model_moves_and_reads_as_the_scene(name):
    task, mechanism, rand_vec = TASKS[name], mechanism_of(name), an_instance(name)
    episode = Episode(task)
    episode.reset(rand_vec, hide_goal=False)
    world = TaskFit(mechanism, task).at(beginning(task, rand_vec))
    model = world.model(mechanism)
    data = mujoco.MjData(model)
    for field, values in world.state.items():
        getattr(data, field)[:] = values
    ours, theirs = same_joints(mechanism, SceneKinematics.of(episode.simulation.model))
    ours, theirs = coordinates_of(model, ours), coordinates_of(episode.simulation.model, theirs)
    columns = list(mechanism.columns(task))
    atol = CHAOTIC_ATOL if name in CHAOTIC else QPOS_ATOL
    for _ in range(CONTROL_STEPS):
        action = np.clip(np.array(task.expert(episode.observation)), -1, 1)
        episode.step(displacement(action), float(action[3]))
        data.mocap_pos[:], data.ctrl[:] = episode.simulation.mocap_pos, episode.simulation.ctrl
        mujoco.mj_step(model, data, PHYSICS_STEPS)
        mujoco.mj_forward(model, data)
        np.testing.assert_allclose(data.qpos[ours], episode.simulation.qpos[theirs], rtol=0, atol=atol)
        np.testing.assert_allclose(data.sensordata[columns], episode.simulation.row, rtol=0, atol=max(atol, READS_ATOL))


@pytest.mark.parametrize("name", ["hammer", "door-open"])
def test_every_field_of_a_scene_is_fitted_or_refused(name):
    mechanism, rand_vec = mechanism_of(name), an_instance(name)
    begun = beginning(TASKS[name], rand_vec)
    plain = TaskFit(mechanism, TASKS[name]).at(begun).fields
    scene = SceneKinematics.of(TASKS[name].physics_model)
    joint = scene.joints(0)[0]
    rows = {
        "geom_": [scene.geoms[0][0], scene.geoms[1][0]],
        "body_": [scene.movers[0]],
        "jnt_": [joint],
        "dof_": [scene.model.jnt_dofadr[joint]],
        "qpos": [scene.model.jnt_qposadr[joint]],
    }
    ignored, checked = [], 0
    for field in dir(mujoco.MjModel):
        prefix = next((prefix for prefix in rows if field.startswith(prefix)), None)
        array = getattr(scene.model, field) if prefix else None
        if not isinstance(array, np.ndarray) or not array.size or field in DERIVED:
            continue
        for row in rows[prefix]:
            checked += 1
            altered = copy.copy(scene.model)
            altered.geom_sameframe[:] = altered.body_sameframe[:] = 0  # else the engine does not read their poses
            values = getattr(altered, field)
            values[row] = values[row] + 0.013 if values.dtype.kind == "f" else values[row] + 1
            if field == "geom_type":
                values[row] = mujoco.mjtGeom.mjGEOM_ELLIPSOID  # which no scene has; a mesh would need an id
            if field == "jnt_limited":
                values[row] = not scene.model.jnt_limited[row]
            if field == "jnt_range":
                altered.jnt_limited[row] = 1
            if not is_noticed(mechanism, TASKS[name], altered, begun, plain):
                ignored.append((field, row))
    assert checked > 40
    assert not ignored


def is_noticed(mechanism, task, model, begun, plain):
    """Whether a task with this model is fitted otherwise, or refused."""
    other = replace(task)
    vars(other)["physics_model"] = model
    try:
        fields = TaskFit(mechanism, other).at(begun).fields
    except MechanismError:
        return True
    return any(not np.array_equal(fields[field], plain[field]) for field in FIELDS)


def test_a_field_outside_the_instance_is_the_same_for_all_instances():
    fit = TaskFit(mechanism_of("door-open"), TASKS["door-open"])
    one, other = (
        fit.at(beginning(TASKS["door-open"], tuple(task.rand_vec)))
        for task in draw_instances(["door-open"], 1, partially_observable=False, per_task=2)
    )
    differing = {field for field in FIELDS if not np.array_equal(one.fields[field], other.fields[field])}
    assert differing
    assert differing <= set(INSTANCE_FIELDS)


def test_what_just_touches_on_rails_is_parted():
    parted = mechanism_of("plate-slide")
    task = TASKS["plate-slide"]
    world = TaskFit(parted, task).at(beginning(task, an_instance("plate-slide")))
    model = world.model(parted)
    data = mujoco.MjData(model)
    data.qpos[:] = world.state["qpos"]
    model.geom_margin[:] += 1e-6
    mujoco.mj_forward(model, data)
    mover = model.body("mover0").id
    assert not [c for c in data.contact if mover in model.geom_bodyid[c.geom] and abs(c.dist) < 1e-6]


def altered(name, change):
    task = replace(TASKS[name])
    model = copy.copy(TASKS[name].physics_model)
    change(model)
    vars(task)["physics_model"] = model
    return task


def slow_clock(model):
    model.opt.timestep = 0.001


def stiff_elbow(model):
    model.dof_damping[model.joint("right_j3").dofadr] = 99.0


@pytest.mark.parametrize(
    ("tasks", "reason"),
    [
        (lambda: [TASKS["reach"], TASKS["door-open"]], "door-open has movers with joints"),
        (lambda: [altered("reach", slow_clock)], "reach: option timestep"),
        (lambda: [altered("reach", stiff_elbow)], "reach: the arm's dof_damping"),
        (lambda: [replace(TASKS["reach"], reads={**TASKS["reach"].reads, "obj_pos": body_pos("right_l3")})], "right_l3 of the arm"),
    ],
)
def test_a_scene_that_is_no_mechanism_is_refused_with_the_reason(tasks, reason):
    with pytest.raises(MechanismError, match=reason):
        build_mechanism(tasks())


def test_a_task_of_another_mechanism_is_refused():
    with pytest.raises(MechanismError, match="door-open is not one of the tasks"):
        TaskFit(mechanism_of("reach"), TASKS["door-open"])
