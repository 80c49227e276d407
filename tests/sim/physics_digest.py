"""Digests of everything in a compiled model that dynamics and observations depend on, and of nothing else: looks may change, these not.

`python tests/sim/physics_digest.py` rewrites physics_digests.json: only when a change of physics is meant, and told in the CHANGELOG.
"""

import hashlib
import json
from pathlib import Path

import mujoco
import numpy as np

from metaworld_py.tasks import TASKS

DIGESTS = Path(__file__).parent / "physics_digests.json"
NOT_PHYSICS = {"viewpoints"}  # bodies that only carry cameras
# Enough to tell any change of a figure; hides the last bits in which platforms differ when they compile a mesh or a quaternion.
DIGITS, SMALLEST = 9, 1e-10
HULL_DECIMALS = 6  # metres; vertices are single precision, in the frame of the mesh's inertia

FIELDS = {
    "body": ["parentid", "rootid", "weldid", "mocapid", "pos", "quat", "ipos", "iquat", "mass", "subtreemass", "inertia", "invweight0",
             "gravcomp"],
    "jnt": ["type", "bodyid", "pos", "axis", "stiffness", "range", "limited", "margin", "solref", "solimp"],
    "dof": ["bodyid", "jntid", "parentid", "frictionloss", "armature", "damping", "invweight0", "M0"],
    "eq": ["type", "obj1id", "obj2id", "active0", "solref", "solimp", "data"],
    "actuator": ["trntype", "trnid", "dyntype", "gaintype", "gainprm", "biastype", "biasprm", "ctrlrange", "ctrllimited", "forcerange",
                 "gear"],
    "site": ["bodyid", "pos", "quat"],
    "geom": ["type", "contype", "conaffinity", "condim", "bodyid", "priority", "size", "pos", "quat", "friction", "solmix", "solref",
             "solimp", "margin", "gap"],
}  # fmt: skip
OPTIONS = ["timestep", "tolerance", "ls_tolerance", "iterations", "ls_iterations", "cone", "solver", "jacobian", "integrator", "impratio",
           "gravity", "disableflags", "enableflags", "noslip_iterations", "ccd_iterations", "ccd_tolerance", "density",
           "viscosity"]  # fmt: skip


def _digest(arrays: list[np.ndarray], names: list[str]) -> str:
    values = np.concatenate([np.asarray(array, dtype=float).ravel() for array in arrays] or [np.empty(0)])
    numbers = [f"{value:.{DIGITS}g}" for value in np.where(np.abs(values) < SMALLEST, 0.0, values)]
    return hashlib.sha256("\n".join([*names, *numbers]).encode()).hexdigest()[:16]


def physics_digests(model: mujoco.MjModel) -> dict[str, str]:
    """Digest by part of the model: options, body, jnt, dof, eq, actuator, site, geom (colliders and observed ones), hull, start."""
    is_collider = (model.geom_contype != 0) | (model.geom_conaffinity != 0)
    observed = {int(obj) for obj, kind in zip(model.sensor_objid, model.sensor_objtype, strict=True) if kind == mujoco.mjtObj.mjOBJ_GEOM}
    geoms = [index for index in range(model.ngeom) if is_collider[index] or index in observed]
    bodies = [index for index in range(model.nbody) if model.body(index).name not in NOT_PHYSICS]
    kept = {"geom": geoms, "body": bodies}
    digests = {"options": _digest([getattr(model.opt, field) for field in OPTIONS], [])}
    for part, fields in FIELDS.items():
        rows = kept.get(part, range(len(getattr(model, f"{part}_{fields[0]}"))))
        named = getattr(model, {"jnt": "joint"}.get(part, part), None)  # degrees of freedom have no names
        names = [named(index).name for index in rows] if named else []
        digests[part] = _digest([getattr(model, f"{part}_{field}")[list(rows)] for field in fields], names)
    hulls = []
    for geom in geoms:
        if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_MESH:
            mesh = model.geom_dataid[geom]
            first = model.mesh_vertadr[mesh]
            hulls.append(model.mesh_vert[first : first + model.mesh_vertnum[mesh]].round(HULL_DECIMALS))
    digests["hull"] = _digest(hulls, [])
    digests["start"] = _digest([model.qpos0, model.qpos_spring, [model.stat.meaninertia]], [])
    return digests


def main() -> None:
    DIGESTS.write_text(json.dumps({name: physics_digests(task.model) for name, task in TASKS.items()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
