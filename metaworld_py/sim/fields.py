"""Changes that users make in a model and data handed out to them: found, carried to the simulation that is stepped, and saved.

What is handed out is the scene with its looks; what is stepped is the scene without them. Bodies, joints, actuators and constraints are the
same in both; of the geoms those that can collide are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from metaworld_py.sim.simulation import Simulation

Fields = Mapping[str, Any]  # by name: arrays of the model, scalars and arrays of its options, inputs of the data

_PHYSICS_PREFIXES = ("body_", "jnt_", "dof_", "actuator_", "eq_", "tendon_", "geom_", "qpos0", "qpos_spring")
_LOOKS_PREFIXES = ("cam_", "light_", "mat_", "geom_rgba", "geom_matid", "site_rgba", "site_size", "tex_data")
_INPUTS = ("xfrc_applied", "qfrc_applied", "eq_active")  # of the data, besides its state
_OPTION, _INPUT = "opt.", "data."
_DERIVED = ("dof_length",)  # of the visible scene's size, not of the physics
_INTEGERS = ("geom_contype", "geom_conaffinity", "geom_condim", "geom_priority")
_WATCHED_STATE = int(
    mujoco.mjtState.mjSTATE_FULLPHYSICS
    | mujoco.mjtState.mjSTATE_CTRL
    | mujoco.mjtState.mjSTATE_MOCAP_POS
    | mujoco.mjtState.mjSTATE_MOCAP_QUAT
)


def _arrays(model: mujoco.MjModel, prefixes: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    names = [name for name in dir(type(model)) if name.startswith(prefixes)]
    found = {name: getattr(model, name) for name in names}
    return {name: array for name, array in found.items() if isinstance(array, np.ndarray) and array.size}


@lru_cache(maxsize=1)
def _option_names() -> tuple[str, ...]:
    return tuple(name for name in dir(mujoco.MjOption) if not name.startswith("_"))


class ModelWatch:
    """Finds what a user changed in a handed-out model and data.

    Args:
      model, data: what was handed out.
    """

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        self._model, self._data = model, data
        arrays = _arrays(model, _PHYSICS_PREFIXES)
        self._arrays = {
            name: array for name, array in arrays.items() if (array.dtype == np.float64 or name in _INTEGERS) and name not in _DERIVED
        }
        options = {name: getattr(model.opt, name) for name in _option_names()}
        self._arrays |= {f"{_OPTION}{name}": value for name, value in options.items() if isinstance(value, np.ndarray)}
        self._views = [array.reshape(-1) for array in self._arrays.values()]
        self._inputs = [getattr(data, name).reshape(-1) for name in _INPUTS]
        self._scalars = [name for name, value in options.items() if isinstance(value, (int, float))]
        self._read_scalars = attrgetter(*self._scalars)
        self.remember()

    def remember(self) -> None:
        """Take the model and data as they are for unchanged."""
        self._flat, self._input, self._scalar_values = self._numbers()
        self.remember_state()

    def remember_state(self) -> None:
        """Take positions, velocities, controls and targets as they are for unchanged."""
        self._state = self.state()

    def state(self) -> NDArray[np.float64]:
        """Positions, velocities, controls and targets of the data."""
        state = np.empty(mujoco.mj_stateSize(self._model, _WATCHED_STATE))
        mujoco.mj_getState(self._model, self._data, state, _WATCHED_STATE)
        return state

    def has_other_state(self) -> bool:
        """Whether positions, velocities, controls or targets were written."""
        return not np.array_equal(self.state(), self._state)

    def changed_fields(self) -> dict[str, Any]:
        """Fields that were written since `remember`, copies of them."""
        flat, inputs, scalars = self._numbers()
        changed: dict[str, Any] = {}
        if not np.array_equal(flat, self._flat):
            at = 0
            for name, array in self._arrays.items():
                if not np.array_equal(flat[at : at + array.size], self._flat[at : at + array.size]):
                    changed[name] = array.copy()
                at += array.size
        if scalars != self._scalar_values:
            changed |= {f"{_OPTION}{name}": value for name, value in zip(self._scalars, scalars, strict=True)}
        if not np.array_equal(inputs, self._input):
            changed |= {f"{_INPUT}{name}": getattr(self._data, name).copy() for name in _INPUTS}
        return changed

    def _numbers(self) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[Any, ...]]:
        return np.concatenate(self._views), np.concatenate(self._inputs), self._read_scalars(self._model.opt)


def write_fields(fields: Fields, model: mujoco.MjModel, data: mujoco.MjData, geoms: NDArray[np.intp] | None = None) -> None:
    """Write changed fields into a model and data.

    Args:
      fields: as `ModelWatch.changed_fields` has them.
      model, data: of the same scene, or of the scene without looks.
      geoms: which of the fields' geoms the model has; None for all.
    """
    for name, value in fields.items():
        if name.startswith(_INPUT):
            getattr(data, name.removeprefix(_INPUT))[:] = value
        elif name.startswith(_OPTION):
            option = getattr(model.opt, name.removeprefix(_OPTION))
            if isinstance(option, np.ndarray):
                option[:] = value
            else:
                setattr(model.opt, name.removeprefix(_OPTION), value)
        else:
            getattr(model, name)[:] = value if geoms is None or not name.startswith("geom_") else value[geoms]


def edit_simulation(simulation: Simulation, fields: Fields, geoms: NDArray[np.intp]) -> None:
    """Write changed fields into a simulation; one that shares its model gets its own copy first."""
    if any(not name.startswith(_INPUT) for name in fields):
        simulation.own_model()
    write_fields(fields, simulation.model, simulation.data, geoms)


def colliding_geoms(model: mujoco.MjModel, physics: mujoco.MjModel) -> NDArray[np.intp]:
    """Which geoms of the scene with its looks are there without them, in order."""
    named = {physics.geom(index).name for index in range(physics.ngeom)} - {""}
    collides = (model.geom_contype != 0) | (model.geom_conaffinity != 0)
    kept = np.array([bool(collides[index]) or model.geom(index).name in named for index in range(model.ngeom)])
    indices = np.flatnonzero(kept)
    if len(indices) != physics.ngeom:
        raise AssertionError("the scene without looks must keep the colliding geoms")
    return indices


def changed_looks(model: mujoco.MjModel, original: mujoco.MjModel) -> dict[str, Any]:
    """Cameras, lights, colours and sizes in which a model differs from the one that it was copied from."""
    pristine = _arrays(original, _LOOKS_PREFIXES)
    now = _arrays(model, _LOOKS_PREFIXES)
    return {name: array.copy() for name, array in now.items() if not np.array_equal(array, pristine[name])}
