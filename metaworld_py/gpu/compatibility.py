"""What all scenes of a mechanism must have in common: the arm, actuators, options, and fields that no world can have its own values of."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import mujoco
import numpy as np

from metaworld_py.gpu.kinematics import MechanismError, SceneKinematics, arm_bodies, arm_geoms, arm_joints, dofs_of
from metaworld_py.sim.scene import Scene, compose, without_looks
from metaworld_py.sim.signals import ARM_SIGNALS
from metaworld_py.tasks.common.definition import TaskDef

# Fitted to each task, see `metaworld_py.gpu.fitting`, besides poses and inertias.
GEOM_FIELDS = (
    *("geom_size", "geom_rbound", "geom_aabb", "geom_friction", "geom_margin", "geom_gap"),
    *("geom_solmix", "geom_solref", "geom_solimp"),
)
JOINT_FIELDS = ("jnt_solref", "jnt_solimp", "jnt_pos", "jnt_axis", "jnt_stiffness", "jnt_range", "jnt_margin")
DOF_FIELDS = ("dof_solref", "dof_solimp", "dof_frictionloss", "dof_armature", "dof_damping", "dof_invweight0")
BODY_FIELDS = ("body_mass", "body_inertia", "body_ipos", "body_iquat", "body_invweight0")
# The same in all worlds: a scene that sets them is refused.
_UNSET_OF_GEOMS = ("geom_fluid", "geom_adhesion", "geom_surfacevel", "geom_plugin")
_UNSET_OF_JOINTS = ("jnt_stiffnesspoly", "jnt_actfrclimited", "jnt_actfrcrange", "jnt_actgravcomp", "jnt_actuatorid")
_UNSET_OF_DOFS = ("dof_dampingpoly",)
_UNSET_OF_BODIES = ("body_gravcomp", "body_plugin", "body_mocapid")
_COUNTS = ("nu", "na", "neq", "ntendon", "npair", "nexclude", "nflex", "nhfield", "nmocap", "nplugin")
_OF_ARM_GEOMS = (*GEOM_FIELDS, "geom_pos", "geom_quat", "geom_type", "geom_contype", "geom_conaffinity", "geom_condim", "geom_priority")


@lru_cache(maxsize=1)
def arm_alone() -> mujoco.MjModel:
    """Room and arm without any prop: what every scene has."""
    return without_looks(compose(Scene(props=()), ARM_SIGNALS)).compile()


def check_compatible(task: TaskDef) -> None:
    """Refuse a scene in which something differs that all worlds of a mechanism share.

    Raises:
      MechanismError: says what differs.
    """
    model, arm = task.physics_model, arm_alone()
    for name in _COUNTS:
        _compare(task, f"number of {name}", getattr(model, name), getattr(arm, name))
    for name in (name for name in dir(mujoco.MjOption) if not name.startswith("_")):
        # The middle phase of collision detection finds the same contacts; mechanisms do without.
        ignored = int(mujoco.mjtDisableBit.mjDSBL_MIDPHASE) if name == "disableflags" else None
        got, wanted = getattr(model.opt, name), getattr(arm.opt, name)
        _compare(task, f"option {name}", *((got, wanted) if ignored is None else (got | ignored, wanted | ignored)))
    for prefix, names in (("actuator_", ("gainprm", "biasprm", "ctrlrange", "gear", "forcerange")), ("eq_", ("data", "solref", "solimp"))):
        for name in names:
            _compare(task, prefix + name, getattr(model, prefix + name), getattr(arm, prefix + name))
    ours, theirs = sorted(arm_bodies(model)), sorted(arm_bodies(arm))
    _compare_rows(task, (*BODY_FIELDS, "body_pos", "body_quat", *_UNSET_OF_BODIES), (model, ours), (arm, theirs))
    _compare_rows(task, (*_OF_ARM_GEOMS, *_UNSET_OF_GEOMS), (model, arm_geoms(model)), (arm, arm_geoms(arm)))
    ours_joints, theirs_joints = arm_joints(model), arm_joints(arm)
    _compare_rows(task, (*JOINT_FIELDS, "jnt_type", "jnt_limited", *_UNSET_OF_JOINTS), (model, ours_joints), (arm, theirs_joints))
    _compare_rows(task, (*DOF_FIELDS, *_UNSET_OF_DOFS), (model, dofs_of(model, ours_joints)), (arm, dofs_of(arm, theirs_joints)))
    _check_unset(task)


def _check_unset(task: TaskDef) -> None:
    """Refuse values of movers and static geoms that worlds cannot have of their own."""
    model, scene = task.physics_model, SceneKinematics.of(task.physics_model)
    geoms = [geom for owned in scene.geoms for geom in owned]
    joints = [joint for mover in range(len(scene.movers)) for joint in scene.joints(mover)]
    bodies = [body for body in range(1, model.nbody) if body not in arm_bodies(model)]
    for names, chosen in (
        (_UNSET_OF_GEOMS, geoms),
        (_UNSET_OF_JOINTS, joints),
        (_UNSET_OF_DOFS, list(dofs_of(model, joints))),
        (_UNSET_OF_BODIES, bodies),
    ):
        for name in names:
            values = np.asarray(getattr(model, name))[chosen]
            unset = -1 if name.endswith(("plugin", "actuatorid", "mocapid")) else 0
            _compare(task, name, values, np.full_like(values, unset))


def _compare_rows(task: TaskDef, names: Iterable[str], ours: tuple[Any, Any], theirs: tuple[Any, Any]) -> None:
    (model, rows), (arm, arm_rows) = ours, theirs
    _compare(task, "number of the arm's elements", len(rows), len(arm_rows))
    for name in names:
        _compare(task, f"the arm's {name}", np.asarray(getattr(model, name))[list(rows)], np.asarray(getattr(arm, name))[list(arm_rows)])


def _compare(task: TaskDef, what: str, got: Any, wanted: Any) -> None:
    # Inverse weights of the arm are computed in every scene anew, and differ by rounding.
    if np.shape(got) != np.shape(wanted) or not np.allclose(got, wanted, rtol=1e-9, atol=1e-12):
        raise MechanismError(f"{task.name}: {what} must be the same in all scenes: got {_short(got)}, all others have {_short(wanted)}")


def _short(value: Any) -> str:
    return np.array2string(np.asarray(value), threshold=8, precision=6).replace("\n", "")
