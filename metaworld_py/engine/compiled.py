"""Episodes stepped without the interpreter: physics, observation and reward in one compiled loop (Numba, extra `fast`).

The loop calls MuJoCo's own functions by address and, per task, one compiled function made from the task page's reward: the very functions
that run as plain Python elsewhere. They are compiled once per machine and kept in `cache_folder()`.
"""

from __future__ import annotations

import builtins
import ctypes
import functools
import hashlib
import os
import platform
import sys
import tempfile
import threading
import types as python_types
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import mujoco
import numba
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray
from tqdm import tqdm

from metaworld_py.engine.episode import FRAME_SIZE, OBJECT_BOUND, SIGNAL_SUM_BOUND, Episode
from metaworld_py.engine.thread_pool import thread_pool
from metaworld_py.engine.threaded import N_SCORES, Ids
from metaworld_py.sim.simulation import PHYSICS_STEPS
from metaworld_py.tasks.common.definition import TaskDef

_FUNCTIONS = ("mj_step", "mj_forward", "mj_kinematics", "mj_sensorPos")  # each (const mjModel*, mjData*)
_SCORE_TYPE = types.void(
    types.CPointer(types.float64),  # row
    types.CPointer(types.float64),  # start, flat; rewritten after the first step where a task asks for it
    types.float64,  # effort
    types.boolean,  # whether this was the first step
    types.CPointer(types.float64),  # out: score, then frame
)


class CompiledRunner:
    """Advances episodes on all cores in compiled code; see `metaworld_py.engine.threaded.Runner`.

    Args:
      episodes: each keeps its observation in a row of `observations`.
      observations: (n, 39).
      reward_version: "v2" or "v1".
      n_threads: 0 for as many as there are cores.
    """

    def __init__(
        self, episodes: Sequence[Episode], observations: NDArray[np.float64], *, reward_version: str = "v2", n_threads: int = 0
    ) -> None:
        self._episodes = episodes
        self._observations = observations
        self._version = reward_version
        self._threads = thread_pool(n_threads)
        simulations = [episode.simulation for episode in episodes]
        self._engine = _engine()
        self._models = np.array([simulation.model._address for simulation in simulations], dtype=np.uintp)  # noqa: SLF001
        self._datas = np.array([simulation.data._address for simulation in simulations], dtype=np.uintp)  # noqa: SLF001
        self._targets = np.array([simulation.mocap_pos.ctypes.data for simulation in simulations], dtype=np.uintp)
        self._fingers = np.array([simulation.ctrl.ctypes.data for simulation in simulations], dtype=np.uintp)
        self._rows = np.array([simulation.row.ctypes.data for simulation in simulations], dtype=np.uintp)
        self._row_sizes = np.array([len(simulation.row) for simulation in simulations])
        self._has_touch = np.array([simulation.has_touch for simulation in simulations])
        self._lows = np.array([episode.task.hand_low for episode in episodes])
        self._highs = np.array([episode.task.hand_high for episode in episodes])
        self._functions = np.zeros(len(episodes), dtype=np.uintp)
        self._starts = np.zeros((len(episodes), 0))
        self._is_first = np.ones(len(episodes), dtype=np.bool_)
        self._out = np.empty((len(episodes), N_SCORES + FRAME_SIZE))

    def step(
        self,
        ids: Ids,
        displacements: NDArray[np.float64],
        efforts: NDArray[np.float64],
        scores: NDArray[np.float64],
        unstable: NDArray[np.bool_],
    ) -> None:
        """See `Runner`.

        Raises:
          ArithmeticError: a reward function failed, where plain Python would have raised an error of its own.
        """
        counter, failed = np.zeros(1, dtype=np.int64), np.full(1, -1)
        arguments = (
            *(counter, failed, np.asarray(ids, dtype=np.int64), self._engine, self._models, self._datas, self._targets, self._fingers),
            *(self._rows, self._row_sizes, self._has_touch, self._lows, self._highs, displacements, efforts, self._functions),
            *(self._starts, self._is_first, self._out, self._observations, scores, unstable),
        )
        self._threads.run(lambda: _advance(*arguments), len(ids))
        if failed[0] >= 0:
            raise ArithmeticError(f"the reward of {self._episodes[failed[0]].task.name} (environment {failed[0]}) could not be computed")
        if unstable.any():
            for env in np.flatnonzero(unstable).tolist():
                self._episodes[env].is_unstable = True

    def began(self, ids: Sequence[int]) -> None:
        """Take over the constants of episodes that were reset or restored; compiles what their tasks need."""
        missing = {self._episodes[env].task: self._episodes[env] for env in ids if not self._functions[env]}
        for task, episode in tqdm(missing.items(), desc="compiling rewards, once", delay=2.0, leave=False, disable=None):
            address = score_function(task, self._version, episode.start).address
            self._functions[[env for env, other in enumerate(self._episodes) if other.task is task]] = address
        for env in ids:
            flat = _flat(self._episodes[env].start)
            if len(flat) > self._starts.shape[1]:
                self._starts = np.pad(self._starts, ((0, 0), (0, len(flat) - self._starts.shape[1])))
            self._starts[env, : len(flat)] = flat
            self._is_first[env] = self._episodes[env].is_first_step

    def write_back(self, ids: Sequence[int]) -> None:
        """See `Runner`."""
        for env in ids:
            episode = self._episodes[env]
            episode.is_first_step = bool(self._is_first[env])
            if episode.task.after_first_step is not None and episode.start is not None:
                episode.start = _like(episode.start, iter(self._starts[env].tolist()))


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
def _call_score(typing_context: Any, function: Any, row: Any, start: Any, effort: Any, is_first: Any, out: Any) -> Any:
    """Call a compiled score function at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        doubles, double, byte = ir.DoubleType().as_pointer(), ir.DoubleType(), ir.IntType(8)
        function_type = ir.FunctionType(ir.VoidType(), [doubles, doubles, double, byte, doubles])
        address, row, start, effort, is_first, out = arguments
        builder.call(
            builder.inttoptr(address, function_type.as_pointer()),
            [
                builder.inttoptr(row, doubles),
                builder.inttoptr(start, doubles),
                effort,
                builder.zext(is_first, byte),
                builder.inttoptr(out, doubles),
            ],
        )
        return context.get_dummy_value()

    return types.void(types.uintp, types.uintp, types.uintp, types.float64, types.boolean, types.uintp), generate


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


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
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
    """Take episodes from those that are left, until none is, and advance each by one control step. The same as `Episode.step`."""
    while True:
        index = _take_next(counter.ctypes.data)
        if index >= len(ids):
            return
        env = ids[index]
        model, data = models[env], datas[env]
        target, finger, row = _doubles_at(targets[env]), _doubles_at(fingers[env]), _doubles_at(rows[env])
        for axis in range(3):
            target[axis] = min(max(target[axis] + displacements[env, axis], lows[env, axis]), highs[env, axis])
        finger[0], finger[1] = efforts[env], -efforts[env]
        for _ in range(PHYSICS_STEPS):
            _call_engine(engine[0], model, data)
        if has_touch[env]:
            _call_engine(engine[1], model, data)
        else:
            _call_engine(engine[2], model, data)
            _call_engine(engine[3], model, data)
        total = 0.0
        for number in range(row_sizes[env]):
            total += row[number]
        observation, found = observations[env], out[env]
        observation[FRAME_SIZE : 2 * FRAME_SIZE] = observation[:FRAME_SIZE]
        is_stable = -SIGNAL_SUM_BOUND < total < SIGNAL_SUM_BOUND
        if is_stable:
            found[0] = np.nan
            _call_score(functions[env], rows[env], starts[env].ctypes.data, efforts[env], is_first[env], found.ctypes.data)
            for number in range(N_SCORES, N_SCORES + FRAME_SIZE):
                is_stable = is_stable and -OBJECT_BOUND <= found[number] <= OBJECT_BOUND
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


# rewards


@lru_cache(maxsize=256)
def _score_function(task: TaskDef, version: str) -> list[Any]:
    """Where the compiled function of a task will be kept."""
    return []


_compiling = threading.Lock()


def score_function(task: TaskDef, version: str, start: Any) -> Any:
    """The compiled function (a Numba `cfunc`) that turns a row into score and frame.

    Args:
      task: the task.
      version: of the reward.
      start: any start tuple of the task, for its structure.
    """
    with _compiling:
        kept = _score_function(task, version)
        if not kept:
            kept.append(_compile(task, version, start))
        return kept[0]


def _compile(task: TaskDef, version: str, start: Any) -> Any:
    names: dict[str, Any] = {name: _compilable(value) for name, value in task.reader.names.items()}
    names |= {"score": _compilable(task.scores[version]), "carray": numba.carray}
    start_expression = _expression(start, iter(range(10**6)), names)
    lines = [
        "def score_row(row, start, effort, is_first, out):",
        f"    s, c = carray(row, {task.reader.row_size}), carray(start, {len(list(_numbers(start)))})",
        f"    o = carray(out, {N_SCORES + FRAME_SIZE})",
        f"    now = {task.reader.read_expression}",
        f"    begun = {start_expression}",
    ]
    if task.after_first_step is not None:
        names["after_first_step"] = _compilable(task.after_first_step)
        lines += ["    if is_first:", "        begun = after_first_step(now, begun)"]
        lines += [f"        c[{index}] = begun{path}" for index, path in enumerate(_paths(start))]
    lines += [
        f"    frame = {task.reader.frame_expression}",
        f"    for i in range({FRAME_SIZE}):",
        f"        o[{N_SCORES} + i] = frame[i]",
        "    found = score(now, begun, effort)",
        *(f"    o[{index}] = found[{index}]" for index in range(N_SCORES)),
    ]
    name = f"{task.name.replace('-', '_')}_{version}"
    source = "\n".join(lines) + "\n"
    path = cache_folder() / f"{name}.py"
    if not path.exists():  # Numba keeps the compiled code beside the source
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(source)
        draft.replace(path)
    module = python_types.ModuleType(f"{__name__}.{name}")
    vars(module).update(names)
    sys.modules[module.__name__] = module  # Numba imports it by name when it loads what it kept
    exec(compile(source, str(path), "exec"), vars(module))  # written above
    return numba.cfunc(_SCORE_TYPE, cache=True)(vars(module)["score_row"])


@lru_cache(maxsize=1)
def cache_folder() -> Path:
    """Where compiled rewards are kept: by version of everything that goes into them, so that none is ever stale.

    In `METAWORLD_PY_CACHE` if that is set, else in the user's cache folder; in a temporary one if that cannot be written.
    """
    package = Path(__file__).parents[1]
    digest = hashlib.sha256(f"{numba.__version__} {sys.version} {platform.machine()}".encode())
    for path in sorted([*package.glob("tasks/**/*.py"), *package.glob("sim/*.py"), Path(__file__)]):
        digest.update(path.read_bytes())
    homes = {"win32": os.environ.get("LOCALAPPDATA", "~/AppData/Local"), "darwin": "~/Library/Caches"}
    home = homes.get(sys.platform, os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    root = Path(os.environ.get("METAWORLD_PY_CACHE") or Path(home) / "metaworld_py").expanduser()
    folder = root / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="metaworld_py_"))


@njit  # type: ignore[untyped-decorator]
def _as_float(value: Any) -> Any:
    return value * 1.0  # Numba's own float() refuses truth values


_compilables: dict[int, tuple[Any, Any]] = {}  # by identity, with the original kept alive


def _compilable(value: Any) -> Any:
    """A function of ours as Numba takes it, with all that it calls; anything else as it is.

    What Numba does not take as written is written otherwise here: functions that call plain ones, `functools.partial`, keyword-only
    arguments (it mixes them up) and `float()` of a truth value.
    """
    if isinstance(value, functools.partial):
        return _compilable(_bound(value))
    if not isinstance(value, python_types.FunctionType) or not value.__module__.startswith("metaworld_py"):
        return value
    if id(value) not in _compilables:
        _compilables[id(value)] = (value, njit(_rewritten(value)))
    return _compilables[id(value)][1]


def _rewritten(function: python_types.FunctionType) -> python_types.FunctionType:
    code = function.__code__
    used = {name: _compilable(function.__globals__[name]) for name in code.co_names if name in function.__globals__}
    used |= {"__builtins__": builtins, "__name__": function.__module__, "float": _as_float}
    closure = tuple(python_types.CellType(_compilable(cell.cell_contents)) for cell in function.__closure__ or ())
    keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    given = function.__kwdefaults__ or {}
    # Defaults belong to the last arguments: where one has none after one that has, any will do, since callers always pass it.
    first = next((index for index, keyword in enumerate(keywords) if keyword in given), len(keywords))
    added = [given.get(keyword, 0.0) for keyword in keywords[0 if function.__defaults__ else first :]]
    defaults = (*(function.__defaults__ or ()), *added)
    code = code.replace(co_argcount=code.co_argcount + len(keywords), co_kwonlyargcount=0)
    rewritten = python_types.FunctionType(code, used, function.__name__, defaults or None, closure or None)
    rewritten.__module__ = function.__module__
    return rewritten


def _bound(value: functools.partial[Any]) -> Callable[..., Any]:
    """A score function with some arguments given."""
    arguments = ", ".join(["now, start, effort", *(f"{name}={constant!r}" for name, constant in value.keywords.items())])
    names: dict[str, Any] = {"function": value.func, "__name__": __name__}
    bound: Callable[..., Any] = eval(f"lambda now, start, effort: function({arguments})", names)
    return bound


# start tuples as rows of numbers


@lru_cache(maxsize=4096)
def _flat(start: Any) -> tuple[float, ...]:
    """An episode's constants in order; instances come again and again."""
    return tuple(_numbers(start))


def _numbers(value: Any) -> Iterator[float]:
    """All numbers in nested tuples, in order."""
    if isinstance(value, tuple):
        for part in value:
            yield from _numbers(part)
    else:
        yield float(value)


def _paths(value: Any, path: str = "") -> Iterator[str]:
    """How to get at each of them."""
    if isinstance(value, tuple):
        for index, part in enumerate(value):
            yield from _paths(part, f"{path}[{index}]")
    else:
        yield path


def _like(value: Any, numbers: Iterator[float]) -> Any:
    """Nested tuples of the same shape with other numbers."""
    if not isinstance(value, tuple):
        return type(value)(next(numbers))
    parts = [_like(part, numbers) for part in value]
    return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)


def _expression(value: Any, indices: Iterator[int], names: dict[str, Any]) -> str:
    """Python that makes such tuples from the numbers `c`; adds their types to `names`."""
    if not isinstance(value, tuple):
        number = f"c[{next(indices)}]"
        return f"{number} > 0.5" if isinstance(value, bool) else number
    parts = ", ".join(_expression(part, indices, names) for part in value)
    if not hasattr(value, "_fields"):
        return f"({parts},)"
    name = f"{type(value).__name__}_{len(names)}"
    names[name] = type(value)
    return f"{name}({parts})"
