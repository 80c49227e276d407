"""A compiled scene taken apart: geoms that stand still, and movers. Everything that the GPU engine knows of a task's scene is read here.

A mover is a body with joints, outside the arm, together with everything welded to it. "Owner" 0 is the world, owner k the mover k − 1.
Poses are metres and unit quaternions, scalar first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ARM_ROOTS = ("base", "right_l0", "mocap")  # roots of the arm (the second, where what stands still is fused), and of what drags it
_OBJECT_TYPES = {"body": mujoco.mjtObj.mjOBJ_BODY, "site": mujoco.mjtObj.mjOBJ_SITE, "geom": mujoco.mjtObj.mjOBJ_GEOM}


class MechanismError(ValueError):
    """A scene that the GPU engine cannot put into a mechanism; says which, and why."""


class Pose(NamedTuple):
    """Position (3,) and orientation (4,), scalar first."""

    pos: Array
    quat_wxyz: Array

    def inverse_times(self, other: Pose) -> Pose:
        """`other`, given in the same frame as this pose, in this pose's own frame."""
        back, pos, quat = np.zeros(4), np.zeros(3), np.zeros(4)
        mujoco.mju_negQuat(back, self.quat_wxyz)
        mujoco.mju_rotVecQuat(pos, other.pos - self.pos, back)
        mujoco.mju_mulQuat(quat, back, other.quat_wxyz)
        return Pose(pos, quat)

    def times(self, other: Pose) -> Pose:
        """`other`, given in this pose's own frame, in the frame of this pose."""
        pos, quat = np.zeros(3), np.zeros(4)
        mujoco.mju_rotVecQuat(pos, other.pos, self.quat_wxyz)
        mujoco.mju_mulQuat(quat, self.quat_wxyz, other.quat_wxyz)
        return Pose(pos + self.pos, quat)


def quat_of(matrix: Array) -> Array:
    """Quaternion (4,), scalar first, of a rotation matrix (9,) or (3, 3)."""
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, np.ascontiguousarray(matrix).reshape(9))
    return quat


class Inertia(NamedTuple):
    """Mass (kg), principal moments (3,), and the frame of these in the mover's own."""

    mass: float
    moments: Array
    frame: Pose


@dataclass(frozen=True, eq=False)
class SceneKinematics:
    """What of a compiled scene belongs to whom.

    Attributes:
      model: the scene without its looks.
      movers: root body of each mover, in an order that depends on their joints alone.
    """

    model: mujoco.MjModel
    movers: tuple[int, ...]

    @classmethod
    def of(cls, model: mujoco.MjModel) -> SceneKinematics:
        """Take a model apart.

        Raises:
          MechanismError: a mover that hangs on another, or on the arm.
        """
        arm = arm_bodies(model)
        roots = [body for body in sorted(set(model.body_weldid.tolist())) if body and body not in arm and model.body_dofnum[body]]
        for body in roots:
            if model.body_weldid[model.body_parentid[body]] != 0:
                raise MechanismError(f"body {model.body(body).name} hangs on something that moves: a mover stands on the world")
        kinds = {body: _joint_kinds(model, body) for body in roots}
        return cls(model, tuple(sorted(roots, key=lambda body: kinds[body])))

    @cached_property
    def _arm(self) -> frozenset[int]:
        return arm_bodies(self.model)

    @cached_property
    def kinds(self) -> tuple[tuple[int, ...], ...]:
        """Joint types of each mover: what tells mechanisms apart."""
        return tuple(_joint_kinds(self.model, body) for body in self.movers)

    @cached_property
    def geoms(self) -> tuple[tuple[int, ...], ...]:
        """Geoms of each owner that can collide, but the arm's and the floor's, which every scene has."""
        model, everywhere = self.model, set(arm_geoms(self.model))
        owned: list[list[int]] = [[] for _ in range(1 + len(self.movers))]
        for geom in range(model.ngeom):
            if geom not in everywhere and (model.geom_contype[geom] or model.geom_conaffinity[geom]):
                owned[self.owner_of(int(model.geom_bodyid[geom]))].append(geom)
        return tuple(map(tuple, owned))

    def owner_of(self, body: int) -> int:
        """The owner that a body, not of the arm, belongs to."""
        root = int(self.model.body_weldid[body])
        return self.movers.index(root) + 1 if root else 0

    def joints(self, mover: int) -> range:
        """Ids of a mover's joints."""
        first = int(self.model.body_jntadr[self.movers[mover]])
        return range(first, first + int(self.model.body_jntnum[self.movers[mover]]))

    def frame(self, owner: int, data: mujoco.MjData) -> Pose:
        """An owner's frame in the world."""
        if owner == 0:
            return Pose(np.zeros(3), np.array([1.0, 0.0, 0.0, 0.0]))
        root = self.movers[owner - 1]
        return Pose(data.xpos[root].copy(), data.xquat[root].copy())

    def frame_at_zero(self, mover: int, data: mujoco.MjData) -> Pose:
        """A mover's frame in the world where its joints are at their reference, which is what a model's `body_pos` says."""
        root = self.movers[mover]
        parent = int(self.model.body_parentid[root])
        return Pose(data.xpos[parent], data.xquat[parent]).times(Pose(self.model.body_pos[root], self.model.body_quat[root]))

    def geom_pose(self, geom: int, owner: int, data: mujoco.MjData) -> Pose:
        """A geom's pose in its owner's frame."""
        return self.frame(owner, data).inverse_times(Pose(data.geom_xpos[geom], quat_of(data.geom_xmat[geom])))

    def named_pose(self, kind: str, name: str, data: mujoco.MjData) -> tuple[int, Pose]:
        """Owner of a named body, site or geom, and its pose in the owner's frame.

        Raises:
          MechanismError: it is the arm's.
        """
        model = self.model
        index = mujoco.mj_name2id(model, _OBJECT_TYPES[kind], name)
        if kind == "body":
            body, pose = index, Pose(data.xpos[index], data.xquat[index])
        elif kind == "site":
            body, pose = int(model.site_bodyid[index]), Pose(data.site_xpos[index], quat_of(data.site_xmat[index]))
        else:
            body, pose = int(model.geom_bodyid[index]), Pose(data.geom_xpos[index], quat_of(data.geom_xmat[index]))
        if body in self._arm:
            raise MechanismError(f"a signal reads {kind} {name} of the arm: only what `ARM_SIGNALS` has is read there")
        owner = self.owner_of(body)
        return owner, self.frame(owner, data).inverse_times(pose)

    def inertia(self, mover: int, data: mujoco.MjData) -> Inertia:
        """Inertia of a mover: of all bodies welded together."""
        model, root = self.model, self.movers[mover]
        bodies = [body for body in range(model.nbody) if model.body_weldid[body] == root]
        if len(bodies) == 1:
            return Inertia(float(model.body_mass[root]), model.body_inertia[root], Pose(model.body_ipos[root], model.body_iquat[root]))
        mass = float(model.body_mass[bodies].sum())
        centre = model.body_mass[bodies] @ data.xipos[bodies] / mass
        about_centre = np.zeros((3, 3))  # along the world's axes
        for body in bodies:
            axes, arm = data.ximat[body].reshape(3, 3), data.xipos[body] - centre
            about_centre += axes @ np.diag(model.body_inertia[body]) @ axes.T
            about_centre += model.body_mass[body] * (arm @ arm * np.eye(3) - np.outer(arm, arm))
        moments, axes = np.linalg.eigh(about_centre)
        moments, axes = moments[::-1].copy(), axes[:, ::-1].copy()  # largest first, as MuJoCo has them
        axes[:, 2] *= np.sign(np.linalg.det(axes))
        return Inertia(mass, moments, self.frame(mover + 1, data).inverse_times(Pose(centre, quat_of(axes))))

    def invweight(self, mover: int) -> Array:
        """Inverse weight (2,), translational and rotational, by which contacts of a mover's geoms are scaled.

        Raises:
          MechanismError: geoms on bodies with different ones; the mechanism has one body for all.
        """
        model = self.model
        bodies = sorted({int(model.geom_bodyid[geom]) for geom in self.geoms[mover + 1]}) or [self.movers[mover]]
        weights: NDArray[np.float64] = model.body_invweight0[bodies]
        if not np.allclose(weights, weights[0], rtol=1e-9, atol=0.0):
            names = ", ".join(model.body(body).name for body in bodies)
            raise MechanismError(f"colliding geoms on bodies {names} of one mover with different invweight0: put them on one body")
        first: Array = weights[0]
        return first


def arm_bodies(model: mujoco.MjModel) -> frozenset[int]:
    """Ids of the arm's bodies, the one that drags it included."""
    roots = {mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, name) for name in ARM_ROOTS}
    found: set[int] = set()
    for body in range(1, model.nbody):  # parents come first
        if body in roots or int(model.body_parentid[body]) in found:
            found.add(body)
    return frozenset(found)


def arm_joints(model: mujoco.MjModel) -> tuple[int, ...]:
    """Ids of the arm's joints, in order."""
    arm = arm_bodies(model)
    return tuple(joint for joint in range(model.njnt) if int(model.jnt_bodyid[joint]) in arm)


def arm_geoms(model: mujoco.MjModel) -> tuple[int, ...]:
    """Ids of the arm's geoms and of the floor, in order."""
    arm = arm_bodies(model)
    plane = mujoco.mjtGeom.mjGEOM_PLANE
    return tuple(geom for geom in range(model.ngeom) if int(model.geom_bodyid[geom]) in arm or model.geom_type[geom] == plane)


def dofs_of(model: mujoco.MjModel, joints: Iterable[int]) -> NDArray[np.intp]:
    """Addresses of joints' degrees of freedom, in order."""
    return _addresses(model.jnt_dofadr, model, joints, {int(mujoco.mjtJoint.mjJNT_FREE): 6, int(mujoco.mjtJoint.mjJNT_BALL): 3})


def coordinates_of(model: mujoco.MjModel, joints: Iterable[int]) -> NDArray[np.intp]:
    """Addresses of joints' coordinates in qpos, in order."""
    return _addresses(model.jnt_qposadr, model, joints, {int(mujoco.mjtJoint.mjJNT_FREE): 7, int(mujoco.mjtJoint.mjJNT_BALL): 4})


def _addresses(first: Any, model: mujoco.MjModel, joints: Iterable[int], sizes: dict[int, int]) -> NDArray[np.intp]:
    return np.array(
        [int(first[joint]) + part for joint in joints for part in range(sizes.get(int(model.jnt_type[joint]), 1))], dtype=np.intp
    )


def _joint_kinds(model: mujoco.MjModel, body: int) -> tuple[int, ...]:
    first = int(model.body_jntadr[body])
    return tuple(int(kind) for kind in model.jnt_type[first : first + int(model.body_jntnum[body])])
