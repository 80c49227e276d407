"""The stepper: many simulations of one model, advanced in one native call. One environment is a stepper of one.

A thin layer over `mujoco.batch.Batch` in this project's terms: control steps, mocap targets, fixtures, snapshots. It knows no tasks.
Arrays it hands out are live views of the engine's memory; copy what you want to remember.
"""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np
from mujoco.batch import Batch
from numpy.typing import NDArray

from metaworld_py.sim.signals import Vec3

PHYSICS_STEPS = 5  # per control step
SETTLE_PHYSICS_STEPS = 250  # physics steps in which the hand settles at its start: 50 control steps
MOCAP_QUAT_WXYZ = (1.0, 0.0, 1.0, 0.0)  # unnormalised, as published: the hand points down
OPEN_FINGERS = (-1.0, 1.0)  # controls of the right and left finger

Ids = Sequence[int] | None


class Stepper:
    """`n_sims` simulations of one model on `n_threads` native threads (0: as many as there are cores).

    Attributes (live views, first axis the simulations):
      rows: (n_sims, n_numbers) sensor rows.
      state: (n_sims, n_state) the complete physics state, one row a simulation, excluding fixture poses.
      qpos, qvel, mocap_pos, ctrl: parts of the state.
      fixture_pos: (n_sims, n_fixtures, 3) world positions of the bodies that instances may move.
    """

    def __init__(
        self, model: mujoco.MjModel, n_sims: int, *, fixtures: Sequence[str] = (), has_touch: bool = False, n_threads: int = 0
    ) -> None:
        self.model = model
        self.n_sims = n_sims
        self._batch = Batch(model, n_sims, n_threads)
        # Positions and joint values need the forward pass up to velocities; contact forces need all of it.
        self._fresh = mujoco.mjtStage.mjSTAGE_ACC if has_touch else mujoco.mjtStage.mjSTAGE_VEL
        self._stale = mujoco.mjtStage.mjSTAGE_NONE
        self.rows: NDArray[np.float64] = self._batch.bind("sensordata")
        self.state: NDArray[np.float64] = self._batch.state
        self.qpos: NDArray[np.float64] = self._batch.bind("qpos")
        self.qvel: NDArray[np.float64] = self._batch.bind("qvel")
        self.ctrl: NDArray[np.float64] = self._batch.bind("ctrl")
        self.mocap_pos: NDArray[np.float64] = self._batch.bind("mocap_pos")[:, 0, :]
        self._mocap_quat: NDArray[np.float64] = self._batch.bind("mocap_quat")[:, 0, :]
        self._fixture_ids = [model.body(name).id for name in fixtures]
        # Exactly equal to an edited model, but per simulation (docs/decisions/0002).
        self._body_pos: NDArray[np.float64] | None = self._batch.expand("body_pos") if fixtures else None

    def control_step(self) -> None:
        """Advance all simulations by one control step (12.5 ms) and refresh their rows."""
        self._batch.step(None, PHYSICS_STEPS, self._fresh)

    def physics_step(self, ids: Ids, count: int) -> None:
        """Advance by single physics steps. Rows are left as the last of them computed them at its start: one physics step old."""
        self._batch.step(ids, count, self._stale)

    def refresh(self, ids: Ids, *, with_forces: bool = False) -> None:
        """Recompute the rows from the state; contact forces only if asked for."""
        self._batch.forward(ids, mujoco.mjtStage.mjSTAGE_ACC if with_forces else mujoco.mjtStage.mjSTAGE_VEL)

    def place_fixtures(self, sim: int, positions: Sequence[Vec3]) -> None:
        """Move the fixtures (in the order given at construction) of one simulation to world positions."""
        if self._body_pos is not None:
            self._body_pos[sim, self._fixture_ids] = positions

    def fixture_pos(self, sim: int) -> NDArray[np.float64]:
        """World positions (n_fixtures, 3) of one simulation's fixtures, a copy."""
        if self._body_pos is None:
            return np.zeros((0, 3))
        positions: NDArray[np.float64] = self._body_pos[sim, self._fixture_ids].copy()
        return positions

    def start_settling(self, sim: int, hand_start: Vec3) -> None:
        """Model's initial state, mocap at the hand's start, fingers commanded open. Fixtures stay where they are."""
        self._batch.reset([sim], stage=self._stale)
        self.mocap_pos[sim] = hand_start
        self._mocap_quat[sim] = MOCAP_QUAT_WXYZ
        self.ctrl[sim] = OPEN_FINGERS

    def model_of(self, sim: int) -> mujoco.MjModel:
        """A copy of one simulation's model with its fixtures in place, for renderers and for any mj_ function."""
        return self._batch.get_model(sim)

    def data_of(self, sim: int, data: mujoco.MjData | None = None) -> mujoco.MjData:
        """One simulation's state as MjData, without derived quantities (run mj_forward for those)."""
        return self._batch.get_data(sim, data)
