"""A mechanism fitted to a task and an instance: the values of the padded model's fields, and the state that episodes begin in."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import mujoco
import numpy as np

from metaworld_py.engine.resets import Beginning, beginning, new_simulation
from metaworld_py.gpu.compatibility import BODY_FIELDS, DOF_FIELDS, GEOM_FIELDS, JOINT_FIELDS, check_compatible
from metaworld_py.gpu.kinematics import Array, MechanismError, SceneKinematics, arm_joints, coordinates_of, dofs_of
from metaworld_py.gpu.mechanism import Mechanism, frame_name, joint_name, mover_name, readings, slots_of
from metaworld_py.tasks.common.definition import TaskDef

# Fields of the model that an instance decides, and all that a task or an instance decides.
INSTANCE_FIELDS = ("geom_pos", "geom_quat", "body_pos", "body_quat", "site_pos", "site_quat")
FIELDS = (
    *("geom_dataid", *GEOM_FIELDS, *JOINT_FIELDS, *DOF_FIELDS, *BODY_FIELDS, "body_subtreemass", "qpos0", "qpos_spring"),
    *INSTANCE_FIELDS,
)
STATE = ("qpos", "qvel", "qacc_warmstart", "ctrl", "mocap_pos", "mocap_quat")
_ABSENT_MARGIN = -10.0  # m; margins of a pair add up: a slot with this one touches nothing
_ABSENT_SIZE = 1e-5  # m; a bounding radius of 0 would mean a plane
_FAR = (0.0, 0.0, 50.0)  # m, of the absent slots of the world: C makes (inactive) contacts of some shapes that are nearer than 10 m
_NO_LIMIT = 1e3  # m or rad: a range that no joint gets to the end of
_FREE = int(mujoco.mjtJoint.mjJNT_FREE)
_TOUCHING = 1e-6  # m: what is nearer touches or not, in single precision, as chance has it
_PARTED = 2e-5  # m


@dataclass(frozen=True)
class Fitted:
    """One world of a mechanism at an episode's beginning.

    Attributes:
      fields: the model's arrays by name, complete, in MuJoCo's shapes.
      state: the data's arrays by name.
    """

    fields: Mapping[str, Array]
    state: Mapping[str, Array]

    def model(self, mechanism: Mechanism) -> mujoco.MjModel:
        """A model of its own for C MuJoCo, with these values."""
        model = copy.copy(mechanism.model)
        for name, values in self.fields.items():
            getattr(model, name)[:] = values
        # C cannot leave a mesh out, only let it collide with nothing.
        absent = (model.geom_type == mujoco.mjtGeom.mjGEOM_MESH) & (model.geom_dataid < 0)
        model.geom_dataid[absent] = mechanism.model.geom_dataid[absent]
        model.geom_contype[absent] = model.geom_conaffinity[absent] = 0
        return model


class TaskFit:
    """A mechanism fitted to a task: `at` gives the world of an instance.

    Attributes:
      mechanism, task: what is fitted to what.
      fields: what does not differ between instances, by name.

    Raises:
      MechanismError: a task that is not one of the mechanism's, or a scene that is not as it was when the mechanism was made.
    """

    def __init__(self, mechanism: Mechanism, task: TaskDef) -> None:
        if task.name not in mechanism.tasks:
            raise MechanismError(f"{task.name} is not one of the tasks of this mechanism: {', '.join(mechanism.tasks)}")
        check_compatible(task)
        self.mechanism, self.task = mechanism, task
        self._simulation = new_simulation(task)
        centre = tuple((low + high) / 2.0 for low, high in zip(task.random_low, task.random_high, strict=True))
        self._begin(beginning(task, centre))
        self._scene = SceneKinematics.of(self._simulation.model)
        self._frames = {reading.frame for reading in readings(task, self._scene) if reading.frame is not None}
        self._slots = {geom: _slot_id(mechanism, task, name) for geom, name in slots_of(self._scene).items()}
        self._joints = same_joints(mechanism, self._scene)
        fields = {name: np.array(getattr(mechanism.model, name)) for name in FIELDS}
        _leave_slots_empty(mechanism, fields)
        self._fill_slots(fields)
        for mover in range(len(self._scene.movers)):
            self._fit_mover(mover, fields)
        self._part(fields)
        self.fields: Mapping[str, Array] = {name: values for name, values in fields.items() if name not in INSTANCE_FIELDS}
        self._base = {name: fields[name] for name in INSTANCE_FIELDS}

    def at(self, begun: Beginning) -> Fitted:
        """The world of an instance at its episodes' beginning."""
        self._begin(begun)
        scene, own, data = self._scene, self.mechanism.model, self._simulation.data
        fields = {name: values.copy() for name, values in self._base.items()}
        for geom in scene.geoms[0]:
            fields["geom_pos"][self._slots[geom]], fields["geom_quat"][self._slots[geom]] = scene.geom_pose(geom, 0, data)
        for mover in range(len(scene.movers)):
            body = own.body(mover_name(mover)).id
            fields["body_pos"][body], fields["body_quat"][body] = scene.frame_at_zero(mover, data)
        for owner, index, kind, name in self._frames:
            site = own.site(frame_name(owner, index)).id
            fields["site_pos"][site], fields["site_quat"][site] = scene.named_pose(kind, name, data)[1]
        return Fitted({**self.fields, **fields}, self._state())

    def _begin(self, begun: Beginning) -> None:
        self._simulation.place_fixtures(begun.fixtures)
        self._simulation.set_state(begun.physics)
        mujoco.mj_kinematics(self._simulation.model, self._simulation.data)

    def _state(self) -> dict[str, Array]:
        own, model, data = self.mechanism.model, self._scene.model, self._simulation.data
        ours, theirs = self._joints
        state = {name: np.array(getattr(data, name)) for name in ("ctrl", "mocap_pos", "mocap_quat")}
        state["qpos"] = np.zeros(own.nq)
        state["qpos"][coordinates_of(own, ours)] = data.qpos[coordinates_of(model, theirs)]
        for name in ("qvel", "qacc_warmstart"):
            state[name] = np.zeros(own.nv)
            state[name][dofs_of(own, ours)] = getattr(data, name)[dofs_of(model, theirs)]
        return state

    def _fill_slots(self, fields: dict[str, Array]) -> None:
        scene, own, data = self._scene, self.mechanism.model, self._simulation.data
        for owner, geoms in enumerate(scene.geoms):
            if owner:  # a mover's absent slots hide inside its first geom, where nothing comes near them
                body = own.body(mover_name(owner - 1)).id
                fields["geom_pos"][own.geom_bodyid == body] = scene.geom_pose(geoms[0], owner, data).pos if geoms else 0.0
            for geom in geoms:
                slot = self._slots[geom]
                for name in GEOM_FIELDS:
                    fields[name][slot] = getattr(scene.model, name)[geom]
                fields["geom_pos"][slot], fields["geom_quat"][slot] = scene.geom_pose(geom, owner, data)
                mesh = int(scene.model.geom_dataid[geom])
                if mesh >= 0:
                    fields["geom_dataid"][slot] = _same_mesh(self.mechanism, scene.model, mesh)

    def _fit_mover(self, mover: int, fields: dict[str, Array]) -> None:
        own, scene = self.mechanism.model, self._scene
        model, root, body = scene.model, scene.movers[mover], own.body(mover_name(mover)).id
        inertia = scene.inertia(mover, self._simulation.data)
        fields["body_mass"][body], fields["body_inertia"][body] = inertia.mass, inertia.moments
        fields["body_ipos"][body], fields["body_iquat"][body] = inertia.frame
        fields["body_subtreemass"][body] = model.body_subtreemass[root]
        fields["body_invweight0"][body] = scene.invweight(mover)
        ours, theirs = own_joints(self.mechanism, mover), scene.joints(mover)
        for name in JOINT_FIELDS:
            fields[name][ours] = getattr(model, name)[theirs]
        unlimited = [joint for joint, other in zip(ours, theirs, strict=True) if not model.jnt_limited[other]]
        fields["jnt_range"][unlimited] = (-_NO_LIMIT, _NO_LIMIT)
        for name in DOF_FIELDS:
            fields[name][dofs_of(own, ours)] = getattr(model, name)[dofs_of(model, theirs)]
        for name in ("qpos0", "qpos_spring"):
            fields[name][coordinates_of(own, ours)] = getattr(model, name)[coordinates_of(model, theirs)]

    def _part(self, fields: dict[str, Array]) -> None:
        """Part geoms on rails from what stands still, by 20 µm, where they all but touch it.

        At distance 0 and without a margin single precision decides by rounding whether there is a contact; in C there is none.
        """
        scene, data = self._scene, self._simulation.data
        on_rails = {geom: owner for owner, kinds in enumerate(scene.kinds, 1) if _FREE not in kinds for geom in scene.geoms[owner]}
        margins, model = scene.model.geom_margin, copy.copy(scene.model)
        model.geom_margin[:] += _TOUCHING
        mujoco.mj_collision(model, data)
        shifts: dict[int, Array] = {}  # m, world
        for contact in data.contact:
            gap = contact.dist - margins[contact.geom1] - margins[contact.geom2]
            for geom, other, away in ((contact.geom1, contact.geom2, -_PARTED), (contact.geom2, contact.geom1, _PARTED)):
                if geom in on_rails and other in scene.geoms[0] and 0.0 <= gap < _TOUCHING:
                    shifts[geom] = away * contact.frame[:3]
        for geom, shift in shifts.items():
            mujoco.mju_negQuat(back := np.zeros(4), scene.frame(on_rails[geom], data).quat_wxyz)
            mujoco.mju_rotVecQuat(turned := np.zeros(3), shift, back)
            fields["geom_pos"][self._slots[geom]] += turned


def _slot_id(mechanism: Mechanism, task: TaskDef, name: str) -> int:
    index = mujoco.mj_name2id(mechanism.model, mujoco.mjtObj.mjOBJ_GEOM, name)
    if index < 0:
        raise MechanismError(f"{task.name} needs {name} (owner, shape, contact bits, condim, priority, number), which this mechanism lacks")
    return int(index)


def _leave_slots_empty(mechanism: Mechanism, fields: dict[str, Array]) -> None:
    """Every slot absent: too small, too far inside its margin, and of no mesh."""
    model = mechanism.model
    for geom in range(model.ngeom):
        if not model.geom(geom).name.startswith("slot"):
            continue
        fields["geom_size"][geom], fields["geom_rbound"][geom] = _ABSENT_SIZE, 2 * _ABSENT_SIZE
        fields["geom_aabb"][geom] = [0.0, 0.0, 0.0, *[_ABSENT_SIZE] * 3]
        fields["geom_margin"][geom], fields["geom_gap"][geom] = _ABSENT_MARGIN, 0.0
        fields["geom_pos"][geom], fields["geom_quat"][geom] = _FAR, (1.0, 0.0, 0.0, 0.0)
        fields["geom_dataid"][geom] = -1  # absent to MuJoCo Warp where it is a mesh


def _same_mesh(mechanism: Mechanism, model: mujoco.MjModel, mesh: int) -> int:
    """Id of the mechanism's mesh of the same name, which must have the same vertices."""
    name, own = model.mesh(mesh).name, mechanism.model
    index = own.mesh(name).id
    ours, theirs = _vertices(own, index), _vertices(model, mesh)
    if ours.shape != theirs.shape or not np.array_equal(ours, theirs):
        raise MechanismError(f"two scenes have different meshes of the name {name}: rename one")
    return int(index)


def _vertices(model: mujoco.MjModel, mesh: int) -> Array:
    first = int(model.mesh_vertadr[mesh])
    vertices: Array = model.mesh_vert[first : first + int(model.mesh_vertnum[mesh])]
    return vertices


def own_joints(mechanism: Mechanism, mover: int) -> list[int]:
    """Joints of a mover in a mechanism's model."""
    return [mechanism.model.joint(joint_name(mover, index)).id for index in range(len(mechanism.kinds[mover]))]


def same_joints(mechanism: Mechanism, scene: SceneKinematics) -> tuple[list[int], list[int]]:
    """Joints of a mechanism's model, and the same joints in a task's scene."""
    movers = range(len(scene.movers))
    ours = [*arm_joints(mechanism.model), *(joint for mover in movers for joint in own_joints(mechanism, mover))]
    theirs = [*arm_joints(scene.model), *(joint for mover in movers for joint in scene.joints(mover))]
    return ours, theirs
