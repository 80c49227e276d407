"""The methods for everybody else, PyTorch for example: a Gram matrix in, weights out, NumPy both.

    weights = TaskWeights("upgrad", num_tasks=3)
    weights(gram, rng)                       # (task,): take a step down the loss Σ_i weights_i L_i

docs/gradients.md has the change to an ordinary loop.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from metaworld_baselines.gradients.methods import METHODS, find_method
from metaworld_baselines.gradients.weighting import Weighting


def in_float64() -> Any:
    """A context in which JAX computes in double precision."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    from jax.experimental import enable_x64  # noqa: PLC0415  # where it was until JAX 0.8

    return enable_x64()


class TaskWeights:
    """A method with its state, in double precision on the CPU.

    Args:
      method: a name and settings, see methods.py.
      num_tasks: rows of the Gram matrix.

    Raises:
      ValueError: unknown, or it mixes whole gradients, which no weights can say.
    """

    def __init__(self, method: str, num_tasks: int) -> None:
        if num_tasks < 1:
            raise ValueError(f"num_tasks must be at least 1, got {num_tasks}")
        self._cpu = jax.devices("cpu")[0]
        with in_float64(), jax.default_device(self._cpu):
            found = find_method(method, num_tasks)
            if not isinstance(found, Weighting):
                names = ", ".join(name for name in METHODS if name not in ("graddrop", "db-mtl"))
                raise ValueError(f"{method} mixes whole gradients, which no weights can say; there are {names}")
            self._name, self._method, self._num_tasks, self._state = method, found, num_tasks, found.state
            self._weigh = jax.jit(found.weigh)
            self._draw = None if found.draw is None else jax.jit(found.draw)

    def __call__(
        self, gram: NDArray[Any], rng: np.random.Generator | None = None, *, losses: NDArray[Any] | None = None
    ) -> NDArray[np.float64]:
        """Weights (task,) of this update.

        Args:
          gram: inner products of the tasks' gradients (task, task).
          rng: what is random is drawn from; for methods where something is.
          losses: of the tasks, positive; for methods that need them.

        Raises:
          ValueError: wrong shape, numbers that are not finite, or something is missing.
        """
        size = self._num_tasks
        gram = _checked("gram", gram, (size, size))
        if not np.allclose(gram, gram.T, rtol=1e-3, atol=1e-6 * float(np.abs(gram).max())):
            raise ValueError("gram must be symmetric, the product G Gᵀ of the tasks' gradients (task, parameter) with themselves")
        if self._method.needs_losses:
            if losses is None:
                raise ValueError(f"{self._name} weighs tasks by their losses: give losses=, one positive number for each task")
            losses = _checked("losses", losses, (size,))
            if losses.min() <= 0.0:
                raise ValueError(f"{self._name} needs positive losses, got {losses}")
        if self._draw is not None and rng is None:
            raise ValueError(f"{self._name} draws at random: give a generator, numpy.random.default_rng(seed)")
        with in_float64(), jax.default_device(self._cpu):
            noise = None
            if self._draw is not None and rng is not None:
                noise = self._draw(jax.random.PRNGKey(int(rng.integers(2**31))))
            weights, self._state = self._weigh(gram, losses if self._method.needs_losses else None, self._state, noise)
            return np.array(weights, np.float64)  # a copy: what JAX gives cannot be written


def _checked(name: str, values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.float64]:
    values = np.asarray(values, np.float64)
    if values.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} has numbers that are not finite: look for the task whose loss or gradient is NaN or infinite")
    return values
