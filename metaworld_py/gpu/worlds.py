"""Worlds of one mechanism on a device: physics by MuJoCo Warp, and the graphs that a control step is launched as. Knows no tasks.

Traps, each with its cure below: geoms that stand still are placed once, when the data are made; boxes touch boxes otherwise than in C
unless told so; captured graphs keep the arrays that they were captured with; welds read velocities of the step before.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import mujoco
import mujoco_warp
import numpy as np
import warp as wp
from numpy.typing import NDArray

from metaworld_py.engine.layout import FRAME_SIZE, OBSERVATION_SIZE
from metaworld_py.gpu import kernels
from metaworld_py.gpu.bank import DATA_FIELDS, MODEL_FIELDS, Bank
from metaworld_py.gpu.fitting import FIELDS
from metaworld_py.gpu.mechanism import Mechanism
from metaworld_py.sim.simulation import PHYSICS_STEPS

CONTACTS_PER_WORLD = 40  # on average: worlds share them
CONSTRAINTS_PER_WORLD = 320  # of each world; experts need at most 180
_DISABLED = mujoco.mjtDisableBit


class Worlds:
    """Worlds of a mechanism, side by side: those of its first task, then those of its second, and so on.

    Attributes:
      model, data: MuJoCo Warp's.
      rows: (n, n_signals) float64, each world's signals as its task has them.
      out: (n, 7 + 18) float64, where the scores are written: score, then frame.
      starts, effort, is_first: what scores read besides, (n, …).
      task: (n,), index of each world's task.

    Args:
      mechanism: what the worlds are of.
      bank: beginnings of episodes, for the same tasks.
      counts: worlds of each task.
      envs: (n,), the environment that each world is.
      boxes: lowest and highest corner (n_tasks, 3) of the box of the hand's target (m).
      columns: of each task, see `Mechanism.columns`.
      shared: arrays of all environments, and how episodes end.
    """

    def __init__(
        self,
        mechanism: Mechanism,
        bank: Bank,
        counts: Sequence[int],
        envs: NDArray[np.int32],
        boxes: tuple[NDArray[np.float32], NDArray[np.float32]],
        columns: Sequence[Sequence[int]],
        shared: Shared,
    ) -> None:
        self.num = len(envs)
        self.mechanism, self._shared, device = mechanism, shared, shared.device
        self.model, self.data = _put(mechanism, bank, counts, self.num)
        task = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        self._tasks, self._envs, self._bank_first = task, envs, bank.first_row
        longest = max(map(len, columns))
        padded = np.array([[*own, *[-1] * (longest - len(own))] for own in columns], dtype=np.int32)
        self.task, self._env = wp.array(task), wp.array(envs, dtype=int)
        self._columns, self._first, self._count = wp.array(padded), wp.array(bank.first_row), wp.array(bank.num_rows)
        self._low, self._high = (wp.array(box[task], dtype=wp.vec3) for box in boxes)
        self.rows = wp.zeros((self.num, longest), dtype=wp.float64)
        self.out = wp.zeros((self.num, kernels.N_SCORES + FRAME_SIZE), dtype=wp.float64)
        self.starts = wp.zeros((self.num, bank.starts.shape[1]), dtype=wp.float64)
        self.effort = wp.zeros(self.num, dtype=wp.float64)
        self.is_first, self._is_sound, self._is_bad = (wp.zeros(self.num, dtype=wp.bool) for _ in range(3))
        self._row = wp.zeros(self.num, dtype=int)
        self._bank_starts, self._bank_observations = wp.array(bank.starts), wp.array(bank.observations)
        # Pairs of what the bank holds and where it goes, both as plain numbers.
        fields = [(bank.model[name], getattr(self.model, name)) for name in MODEL_FIELDS]
        fields += [(bank.data[name], getattr(self.data, name)) for name in DATA_FIELDS]
        self._restored = [(wp.array(rows.reshape(len(rows), -1)), _numbers(array, self.num)) for rows, array in fields if rows.size]
        # Welds read these of the step before: left as they are, an episode would depend on the last one, and NaN stay for ever.
        self._cleared = [_numbers(array, self.num) for array in (self.data.cvel, self.data.cdof_dot)]
        self.stream = wp.Stream(device) if device.is_cuda else None
        self._graphs: dict[str, Any] = {}

    def advance(self) -> None:
        """Command and simulate a control step, and read the rows."""
        self._launch("advance", self._advance)

    def advance_one_by_one(self) -> None:
        """The same without a graph, to see what its kernels take."""
        with self._on_stream():
            self._advance()

    def finish(self) -> None:
        """Hand out a step that was scored, and begin another episode where one ended."""
        self._launch("finish", self._finish)

    def reset(self, instances: NDArray[np.int32] | None = None) -> None:
        """Begin an episode in every world.

        Args:
          instances: for each environment (N,) the index among its task's instances; None draws them.
        """
        if instances is not None:
            rows = self._bank_first[self._tasks] + instances[self._envs]
            with self._on_stream():
                self._row.assign(rows)
        self._launch("draw" if instances is None else "begin", self._draw if instances is None else self._begin)

    def _launch(self, name: str, function: Callable[[], None]) -> None:
        """Replay a function's kernels as one graph; the first time they are run one by one, which loads them, and then recorded."""
        if name not in self._graphs:
            with self._on_stream():
                function()
            self._graphs[name] = None
            return
        if self._graphs[name] is None:
            with self._on_stream(), wp.ScopedCapture(device=self._shared.device, stream=self.stream) as capture:
                function()
            self._graphs[name] = capture.graph
        wp.capture_launch(self._graphs[name], stream=self.stream)

    def _on_stream(self) -> Any:
        return nullcontext() if self.stream is None else wp.ScopedStream(self.stream, sync_enter=False)

    def _advance(self) -> None:
        model, data = self.model, self.data
        moved = [data.mocap_pos, data.ctrl, self.effort, self._is_bad]
        wp.launch(kernels.command, self.num, [self._shared.actions, self._env, self._low, self._high], moved)
        for _ in range(PHYSICS_STEPS):
            mujoco_warp.step(model, data)
        if self.mechanism.has_touch:
            mujoco_warp.forward(model, data)
        else:
            mujoco_warp.kinematics(model, data)
            mujoco_warp.sensor_pos(model, data)
        wp.launch(kernels.gather, self.num, [data.sensordata, self.task, self._columns], [self.rows, self._is_sound])

    def _finish(self) -> None:
        shared = self._shared
        flags = [self.out, self._is_sound, self._is_bad, self.data.overflow, shared.max_steps, shared.stop_at_success]
        drawn = [shared.seed, self._first, self._count]
        told = [self.is_first, self._row, shared.running, shared.steps, shared.counters]
        wp.launch(kernels.finish, self.num, [self._env, self.task, *flags, *drawn, *told])
        self._begin()

    def _draw(self) -> None:
        drawn = [self._shared.seed, self._first, self._count]
        wp.launch(kernels.draw, self.num, [self._env, self.task, *drawn], [self._row])
        self._begin()

    def _begin(self) -> None:
        for rows, values in self._restored:
            wp.launch(kernels.copy_rows, values.shape, [rows, self._row, values])
        for values in self._cleared:
            wp.launch(kernels.clear, values.shape, [self._row, values])
        began = [self.starts, self.is_first, self.data.time, self.data.overflow, self._shared.running, self._shared.steps]
        wp.launch(kernels.begin, self.num, [self._env, self._row, self._bank_starts, self._bank_observations, *began])


class Shared:
    """Arrays of all environments, which the worlds of every mechanism write their part of.

    Attributes:
      actions: (N, 4).
      steps, running: see `metaworld_py.gpu.kernels`.
      seed: (1,), from which instances are drawn.
      counters: (4,), see `metaworld_py.gpu.kernels`.

    Args:
      num_envs: N.
      one_hot: (N, any), what stands behind each observation.
      max_steps: control steps of an episode.
      stop_at_success: whether an episode ends at its first success.
    """

    def __init__(self, num_envs: int, *, one_hot: NDArray[np.float32], max_steps: int, stop_at_success: bool) -> None:
        self.device = wp.get_device()
        self.max_steps, self.stop_at_success = max_steps, stop_at_success
        self.actions = wp.zeros((num_envs, 4), dtype=float)
        self.seed = wp.zeros(1, dtype=int)
        self.counters = wp.zeros(len(kernels.COUNTERS), dtype=int)
        self.steps, self.running = kernels.Steps(), kernels.Running()
        blank = np.hstack([np.zeros((num_envs, OBSERVATION_SIZE), dtype=np.float32), one_hot])
        self.steps.observation, self.steps.final_observation = wp.array(blank), wp.array(blank)
        self.steps.scores = wp.zeros((kernels.N_SCORES, num_envs), dtype=float)
        self.steps.episode_return, self.running.total_reward = (wp.zeros(num_envs, dtype=float) for _ in range(2))
        for name in ("terminated", "truncated", "over", "unstable", "episode_success"):
            setattr(self.steps, name, wp.zeros(num_envs, dtype=wp.bool))
        for name in ("overflow", "episode_length"):
            setattr(self.steps, name, wp.zeros(num_envs, dtype=int))
        self.running.success = wp.zeros(num_envs, dtype=wp.bool)
        for name in ("length", "elapsed", "number"):
            setattr(self.running, name, wp.zeros(num_envs, dtype=int))


def _put(mechanism: Mechanism, bank: Bank, counts: Sequence[int], num: int) -> tuple[Any, Any]:
    """MuJoCo Warp's model and data, each world with its task's fields."""
    padded = copy.copy(mechanism.model)
    # It refuses the first two bits and has neither; the third means boxes against boxes as in C, not by its general collider.
    padded.opt.disableflags &= ~int(_DISABLED.mjDSBL_AUTORESET | _DISABLED.mjDSBL_MIDPHASE)
    padded.opt.disableflags |= int(_DISABLED.mjDSBL_NATIVECCD)
    fields = [name for name in FIELDS if getattr(padded, name).size]
    model = mujoco_warp.put_model(padded, batch_sizes=dict.fromkeys(fields, num))
    model.opt.warn_overflow = 0  # worlds are told of it instead of the terminal
    data = mujoco_warp.make_data(padded, nworld=num, nconmax=CONTACTS_PER_WORLD, njmax=CONSTRAINTS_PER_WORLD)
    for name in fields:
        array = getattr(model, name)
        per_task = np.stack([np.asarray(world.fields[name]) for world in bank.worlds])
        shape, dtype = array.numpy().shape, array.numpy().dtype
        array.assign(np.repeat(per_task, counts, axis=0).astype(dtype).reshape(shape))
    return model, data


def _numbers(array: Any, num: int) -> Any:
    """An array of vectors, matrices or numbers as plain numbers (n, m) in the same memory."""
    return wp.array(ptr=array.ptr, shape=(num, array.size * wp.types.type_size(array.dtype) // num), dtype=float)
