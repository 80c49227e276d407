"""Episodes stepped without the interpreter: physics, observation and reward in one compiled loop (Numba, extra `fast`).

The loop calls MuJoCo's own functions by address and, per task, one compiled function made from the task page's reward
(`reward_compiler`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray
from tqdm import tqdm

from metaworld_py.engine.batch import N_SCORES, HostBatch, Ids
from metaworld_py.engine.control import is_observable, is_sound, moved_target
from metaworld_py.engine.layout import FRAME_SIZE
from metaworld_py.engine.reward_compiler import call_score, flat_numbers, score_function, source_digest, tuple_like
from metaworld_py.engine.thread_pool import thread_pool
from metaworld_py.sim.simulation import PHYSICS_STEPS
from metaworld_py.tasks.common.definition import TaskDef

_moved_target, _is_sound, _is_observable = njit(moved_target), njit(is_sound), njit(is_observable)
_FUNCTIONS = ("mj_step", "mj_forward", "mj_kinematics", "mj_sensorPos")  # each (const mjModel*, mjData*)


class CompiledBatch(HostBatch):
    """An `EpisodeBatch` in compiled code.

    Args:
      tasks, reward_version, action_repeat: see `HostBatch`.
      n_threads: 0 for as many as there are cores.
    """

    def __init__(self, tasks: Sequence[TaskDef], *, reward_version: str = "v2", action_repeat: int = 1, n_threads: int = 0) -> None:
        super().__init__(tasks, reward_version=reward_version, action_repeat=action_repeat)
        self._version = reward_version
        self._threads = thread_pool(n_threads)
        simulations = [episode.simulation for episode in self._episodes]
        self._engine = _engine()
        self._models = np.array([simulation.model._address for simulation in simulations], dtype=np.uintp)  # noqa: SLF001
        self._datas = np.array([simulation.data._address for simulation in simulations], dtype=np.uintp)  # noqa: SLF001
        self._targets = np.array([simulation.mocap_pos.ctypes.data for simulation in simulations], dtype=np.uintp)
        self._fingers = np.array([simulation.ctrl.ctypes.data for simulation in simulations], dtype=np.uintp)
        self._rows = np.array([simulation.row.ctypes.data for simulation in simulations], dtype=np.uintp)
        self._row_sizes = np.array([len(simulation.row) for simulation in simulations])
        self._has_touch = np.array([simulation.has_touch for simulation in simulations])
        self._lows = np.array([task.hand_low for task in self.tasks])
        self._highs = np.array([task.hand_high for task in self.tasks])
        self._functions = np.zeros(len(simulations), dtype=np.uintp)
        self._starts = np.zeros((len(simulations), 0))
        self._is_first = np.ones(len(simulations), dtype=np.bool_)
        self._out = np.empty((len(simulations), N_SCORES + FRAME_SIZE))

    def _control_step(self, ids: Ids, displacements: NDArray[np.float64], efforts: NDArray[np.float64]) -> None:
        """See `HostBatch`.

        Raises:
          ArithmeticError: a reward function failed, where plain Python would have raised an error of its own.
        """
        counter, failed = np.zeros(1, dtype=np.int64), np.full(1, -1)
        arguments = (
            *(counter, failed, np.asarray(ids, dtype=np.int64), self._engine, self._models, self._datas, self._targets, self._fingers),
            *(self._rows, self._row_sizes, self._has_touch, self._lows, self._highs, displacements, efforts, self._functions),
            *(self._starts, self._is_first, self._out, self.observation, self._scores, self._unstable),
        )
        self._threads.run(lambda: _advance(*arguments), len(ids))
        if failed[0] >= 0:
            raise ArithmeticError(f"the reward of {self.tasks[failed[0]].name} (environment {failed[0]}) could not be computed")
        if self._unstable.any():
            for env in np.flatnonzero(self._unstable).tolist():
                self._episodes[env].is_unstable = True

    def take_over(self, ids: Sequence[int]) -> None:
        """Take over models and constants of changed episodes; compiles what their tasks need."""
        missing = {self.tasks[env]: self._episodes[env] for env in ids if not self._functions[env]}
        for task, episode in tqdm(missing.items(), desc="compiling rewards, once", delay=2.0, leave=False, disable=None):
            address = score_function(task, self._version, episode.start).address
            self._functions[[env for env, other in enumerate(self.tasks) if other is task]] = address
        for env in ids:
            self._models[env] = self._episodes[env].simulation.model._address  # noqa: SLF001  # another one where it was edited
            flat = flat_numbers(self._episodes[env].start)
            if len(flat) > self._starts.shape[1]:
                self._starts = np.pad(self._starts, ((0, 0), (0, len(flat) - self._starts.shape[1])))
            self._starts[env, : len(flat)] = flat
            self._is_first[env] = self._episodes[env].is_first_step

    def _write_back(self, env: int) -> None:
        episode = self._episodes[env]
        episode.is_first_step = bool(self._is_first[env])
        if episode.task.after_first_step is not None and episode.start is not None:
            episode.start = tuple_like(episode.start, iter(self._starts[env].tolist()))


# the loop


@intrinsic  # type: ignore[untyped-decorator]
def _call_engine(typing_context: Any, function: Any, model: Any, data: Any) -> Any:
    """Call a function of the engine at an address with a model and data at theirs."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        function_type = ir.FunctionType(ir.VoidType(), [pointer, pointer])
        address, *operands = arguments
        builder.call(builder.inttoptr(address, function_type.as_pointer()), [builder.inttoptr(operand, pointer) for operand in operands])
        return context.get_dummy_value()

    return types.void(types.uintp, types.uintp, types.uintp), generate


@intrinsic  # type: ignore[untyped-decorator]
def _doubles_at(typing_context: Any, address: Any) -> Any:
    """The address as a pointer to floats."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], ir.DoubleType().as_pointer())

    return types.CPointer(types.float64)(types.uintp), generate


@intrinsic  # type: ignore[untyped-decorator]
def _take_next(typing_context: Any, address: Any) -> Any:
    """Add one to the 64-bit integer at an address and give what it was: no two threads get the same."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        return builder.atomic_rmw("add", pointer, ir.Constant(ir.IntType(64), 1), "monotonic")

    return types.int64(types.uintp), generate


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _simulate(engine: Any, model: Any, data: Any, has_touch: Any) -> None:
    """Advance by one control step and refresh the row, as `Simulation.control_step` does."""
    for _ in range(PHYSICS_STEPS):
        _call_engine(engine[0], model, data)
    if has_touch:
        _call_engine(engine[1], model, data)
    else:
        _call_engine(engine[2], model, data)
        _call_engine(engine[3], model, data)


def _named_by_sources(function: Any) -> Any:
    """Numba keeps a function by its name and its own file's time; this name tells of the other files whose code goes in, too."""
    function.__qualname__ += f"_{source_digest('engine/*.py', 'sim/*.py', 'tasks/common/definition.py')}"
    return function


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
@_named_by_sources
def _advance(
    counter: Any,
    failed: Any,
    ids: Any,
    engine: Any,
    models: Any,
    datas: Any,
    targets: Any,
    fingers: Any,
    rows: Any,
    row_sizes: Any,
    has_touch: Any,
    lows: Any,
    highs: Any,
    displacements: Any,
    efforts: Any,
    functions: Any,
    starts: Any,
    is_first: Any,
    out: Any,
    observations: Any,
    scores: Any,
    unstable: Any,
) -> None:
    """Take episodes from those that are left, until none is, and advance each by one control step, as `Episode.step` does."""
    while True:
        index = _take_next(counter.ctypes.data)
        if index >= len(ids):
            return
        env = ids[index]
        model, data = models[env], datas[env]
        target, finger, row = _doubles_at(targets[env]), _doubles_at(fingers[env]), _doubles_at(rows[env])
        target[0], target[1], target[2] = _moved_target(target, displacements[env], lows[env], highs[env])
        finger[0], finger[1] = efforts[env], -efforts[env]
        _simulate(engine, model, data, has_touch[env])
        total = 0.0
        for number in range(row_sizes[env]):
            total += row[number]
        observation, found = observations[env], out[env]
        observation[FRAME_SIZE : 2 * FRAME_SIZE] = observation[:FRAME_SIZE]
        is_stable = _is_sound(total)
        if is_stable:
            found[0] = np.nan
            call_score(functions[env], rows[env], starts[env].ctypes.data, efforts[env], is_first[env], found.ctypes.data)
            for number in range(N_SCORES, N_SCORES + FRAME_SIZE):
                is_stable = is_stable and _is_observable(found[number], found[number])
        unstable[env] = not is_stable
        if is_stable:
            is_first[env] = False
            observation[:FRAME_SIZE] = found[N_SCORES:]
            if np.isnan(found[0]):
                failed[0] = env
        for number in range(N_SCORES):
            scores[number, env] = found[number] if is_stable else 0.0


@lru_cache(maxsize=1)
def _engine() -> NDArray[np.uintp]:
    """Addresses of the engine's functions.

    Raises:
      RuntimeError: the engine's library is not where its Python package keeps it.
    """
    folder = Path(mujoco.__file__).parent
    libraries = [path for pattern in ("libmujoco*.so*", "libmujoco*.dylib", "mujoco.dll") for path in sorted(folder.glob(pattern))]
    if not libraries:
        raise RuntimeError(f"no MuJoCo library in {folder}: make the environments with compiled=False")
    library = ctypes.CDLL(str(libraries[0]))  # loaded already: this is the same one
    return np.array([ctypes.cast(getattr(library, name), ctypes.c_void_p).value for name in _FUNCTIONS], dtype=np.uintp)
