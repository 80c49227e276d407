"""A simulation: one scene's physics, advanced by native calls. It knows no tasks.

Everything an episode's future depends on is in `get_state` and the fixtures' places. Arrays it hands out are live views of the engine's
memory; copy what you want to remember.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from metaworld_py.sim.signals import Vec3

PHYSICS_STEPS = 5  # per control step
CONTROL_HZ = 80  # control steps per second: a physics step lasts 2.5 ms
SETTLE_PHYSICS_STEPS = 250  # physics steps in which the hand settles at its start: 50 control steps
MOCAP_QUAT_WXYZ = (1.0, 0.0, 1.0, 0.0)  # unnormalised, as published: the hand points down
OPEN_FINGERS = (-1.0, 1.0)  # controls of the right and left finger
_STATE = int(
    mujoco.mjtState.mjSTATE_FULLPHYSICS
    | mujoco.mjtState.mjSTATE_WARMSTART
    | mujoco.mjtState.mjSTATE_CTRL
    | mujoco.mjtState.mjSTATE_MOCAP_POS
    | mujoco.mjtState.mjSTATE_MOCAP_QUAT
)


class Simulation:
    """One simulation of a model that other simulations may share.

    Attributes:
      model, data: the engine's own. The model is this simulation's own copy if there are fixtures; else shared: read it only.
      row, qpos, qvel, ctrl, mocap_pos: live views of the data; `row` is what the sensors read.

    Args:
      model: a compiled scene.
      fixtures: bodies that instances move; `body_pos` of a copy of the model is edited for them, as in the published package.
      has_touch: whether the row holds contact forces, which need a complete forward pass.
    """

    def __init__(self, model: mujoco.MjModel, *, fixtures: Sequence[str] = (), has_touch: bool = False) -> None:
        self.model: mujoco.MjModel = copy.copy(model) if fixtures else model
        self.data = mujoco.MjData(self.model)
        self.has_touch = has_touch
        self.row: NDArray[np.float64] = self.data.sensordata
        self.qpos: NDArray[np.float64] = self.data.qpos
        self.qvel: NDArray[np.float64] = self.data.qvel
        self.ctrl: NDArray[np.float64] = self.data.ctrl
        self.mocap_pos: NDArray[np.float64] = self.data.mocap_pos[0]
        self._fixture_ids = [model.body(name).id for name in fixtures]
        self._owns_model = bool(fixtures)

    def own_model(self) -> None:
        """Step a copy of the model from now on, if it is shared, so that it may be edited."""
        if not self._owns_model:
            self.model, self._owns_model = copy.copy(self.model), True

    def control_step(self) -> None:
        """Advance by one control step (12.5 ms) and refresh the row."""
        mujoco.mj_step(self.model, self.data, PHYSICS_STEPS)
        self.refresh(with_forces=self.has_touch)

    def physics_step(self, count: int) -> None:
        """Advance by single physics steps. The row is left as the last of them computed it at its start: one physics step old."""
        mujoco.mj_step(self.model, self.data, count)

    def refresh(self, *, with_forces: bool = False) -> None:
        """Recompute the row from the state; contact forces only if asked for.

        Positions need kinematics alone. Collisions, nearly half of a forward pass, are left to the next step, which detects them anyway.
        """
        if with_forces:
            mujoco.mj_forward(self.model, self.data)
        else:
            mujoco.mj_kinematics(self.model, self.data)
            mujoco.mj_sensorPos(self.model, self.data)

    def place_fixtures(self, positions: Sequence[Sequence[float]]) -> None:
        """Move the fixtures (in the order given at construction) to world positions."""
        if self._fixture_ids:
            self.model.body_pos[self._fixture_ids] = positions

    @property
    def fixture_pos(self) -> NDArray[np.float64]:
        """World positions (n_fixtures, 3) of the fixtures, a copy."""
        positions: NDArray[np.float64] = self.model.body_pos[self._fixture_ids]
        return positions

    def start_settling(self, hand_start: Vec3) -> None:
        """Model's initial state, mocap at the hand's start, fingers commanded open. Fixtures stay where they are."""
        mujoco.mj_resetData(self.model, self.data)
        self.mocap_pos[:] = hand_start
        self.data.mocap_quat[0] = MOCAP_QUAT_WXYZ
        self.ctrl[:] = OPEN_FINGERS

    def get_state(self) -> NDArray[np.float64]:
        """Everything but the fixtures' places that decides the future (n_state,): positions, velocities, warm start, controls, targets."""
        state = np.empty(mujoco.mj_stateSize(self.model, _STATE))
        mujoco.mj_getState(self.model, self.data, state, _STATE)
        return state

    def set_state(self, state: NDArray[np.float64]) -> None:
        """Continue from a state of this scene. The row stays as it is until the next step or refresh.

        Raises:
          ValueError: a state of another size.
        """
        try:
            mujoco.mj_setState(self.model, self.data, state, _STATE)
        except TypeError as error:
            raise ValueError(f"the state has {len(state)} numbers, this scene's have {mujoco.mj_stateSize(self.model, _STATE)}") from error

    def copy_state_to(self, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        """Put state and fixtures into a model and data of the same bodies and joints, such as the scene with its looks."""
        model.body_pos[self._fixture_ids] = self.fixture_pos
        mujoco.mj_setState(model, data, self.get_state(), _STATE)

    def take_state_from(self, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        """Continue from the state of a model and data of the same bodies and joints."""
        state = np.empty(mujoco.mj_stateSize(model, _STATE))
        mujoco.mj_getState(model, data, state, _STATE)
        self.set_state(state)
