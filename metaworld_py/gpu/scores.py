"""The pages' rewards for the worlds of one task: the text that CPU batches compile, on a GPU through numba-cuda, else through Numba."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from numba import njit

from metaworld_py.engine.reward_compiler import call_score, score_body, score_function
from metaworld_py.engine.rewriting import Rewriter
from metaworld_py.tasks.common.definition import TaskDef

ScoreWorlds = Callable[[Any], None]
_THREADS_PER_BLOCK = 128


def score_worlds(task: TaskDef, version: str, start: Any, arrays: Sequence[Any], *, on_gpu: bool) -> ScoreWorlds:
    """A function of a stream that scores worlds of one task; on a processor the stream is None.

    It writes score and frame to `out` and, where the task asks for it after the first step, other constants to `starts`.

    Args:
      task: the task.
      version: of the reward.
      start: any start tuple of the task, for its structure.
      arrays: rows, starts, efforts, is_first and out of these worlds: Warp's, a world each row.
      on_gpu: whether the arrays lie on a GPU.
    """
    if on_gpu:
        return _on_gpu(task, version, start, arrays)
    address = score_function(task, version, start).address
    # Warp's arrays on a processor as NumPy's, in the same memory.
    return lambda _: _score_rows(address, *(array.numpy() for array in arrays))


@njit  # type: ignore[untyped-decorator]
def _score_rows(address: Any, rows: Any, starts: Any, efforts: Any, is_first: Any, out: Any) -> None:
    for world in range(len(rows)):
        out[world, 0] = np.nan
        call_score(address, rows[world].ctypes.data, starts[world].ctypes.data, efforts[world], is_first[world], out[world].ctypes.data)


def _on_gpu(task: TaskDef, version: str, start: Any, arrays: Sequence[Any]) -> ScoreWorlds:
    cuda = numba_cuda()
    own = [cuda.as_cuda_array(array) for array in arrays]  # once: Numba takes longer over that than the card over the kernel
    kernel, blocks = _kernel(task, version, start), -(-len(own[0]) // _THREADS_PER_BLOCK)
    return lambda stream: kernel[blocks, _THREADS_PER_BLOCK, cuda.external_stream(stream.cuda_stream)](*own)


_kernels: dict[tuple[TaskDef, str], Any] = {}


def _kernel(task: TaskDef, version: str, start: Any) -> Any:
    """The kernel of a task's reward, compiled once however many environments there are: half a second each."""
    if (task, version) not in _kernels:
        _kernels[task, version] = score_kernel(task, version, start)
    return _kernels[task, version]


def score_kernel(task: TaskDef, version: str, start: Any) -> Any:
    """The kernel of a task's reward, for numba-cuda: a thread is a world."""
    names, body = score_body(task, version, start, _for_gpus())
    names |= {"cuda": numba_cuda(), "__name__": f"{__name__}.{task.name}"}
    lines = [
        "def score_worlds(rows, starts, efforts, firsts, out):",
        "    world = cuda.grid(1)",
        "    if world >= rows.shape[0]:",
        "        return",
        "    s, c, o, effort, is_first = rows[world], starts[world], out[world], efforts[world], firsts[world]",
        *(f"    {line}" for line in body),
    ]
    exec(compile("\n".join(lines) + "\n", f"<reward {version} of {task.name}>", "exec"), names)  # written above
    return numba_cuda().jit(names["score_worlds"])


@lru_cache(maxsize=1)
def _for_gpus() -> Rewriter:
    return Rewriter(numba_cuda().jit(device=True))


@lru_cache(maxsize=1)
def numba_cuda() -> Any:
    """Numba's CUDA target."""
    if not hasattr(np, "row_stack"):
        vars(np)["row_stack"] = np.vstack  # numba-cuda 0.30 names it on import; NumPy 2.5 dropped it
    from numba import cuda  # noqa: PLC0415  # not before the line above

    return cuda


def compile_score(task: TaskDef, version: str, start: Any, *, compute_capability: tuple[int, int]) -> str:
    """A task's kernel as PTX, for a card that need not be there; to see that it compiles, not to be shipped: drivers refuse newer PTX."""
    from numba import types  # noqa: PLC0415
    from numba.cuda import dispatcher  # noqa: PLC0415

    cuda = numba_cuda()
    rows, numbers, flags = types.Array(types.float64, 2, "C"), types.Array(types.float64, 1, "C"), types.Array(types.boolean, 1, "C")
    found = dispatcher.get_current_device
    if not cuda.is_available():
        dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=compute_capability)
    try:
        kernel = score_kernel(task, version, start)
        ptx, _ = cuda.compile_ptx(kernel.py_func, (rows, rows, numbers, flags, rows), cc=compute_capability)
    finally:
        dispatcher.get_current_device = found
    return str(ptx)
