"""Hidden layers whose matrix products take bfloat16 inputs, as processors with matrix units (Intel's AMX) and GPUs like them.

Parameters, sums and activations stay float32. First layers stay as they are, since bfloat16 would round positions to millimetres, and so do
last ones, which are small.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array

FLOAT32, BFLOAT16 = "float32", "bfloat16"  # precisions of settings


def check_precision(precision: str) -> None:
    """Refuse what is no precision of hidden products.

    Raises:
      ValueError: it is not.
    """
    if precision not in (FLOAT32, BFLOAT16):
        raise ValueError(f"precision must be {FLOAT32} or {BFLOAT16}, got {precision!r}")


def hidden_dtype(precision: str) -> Any:
    """What networks of a precision are told as `dtype`; None: as the parameters."""
    return jnp.bfloat16 if precision == BFLOAT16 else None


def dense_options(dtype: Any) -> dict[str, Any]:
    """What `flax.linen.Dense` is told so that its product takes inputs of this type; None: as the parameters.

    On a CPU, XLA has quick kernels for bfloat16 only where the result is float32 and each row is summed along: flax's own `dtype` is slower
    there than float32.
    """
    if dtype == jnp.bfloat16 and jax.default_backend() == "cpu":
        return {"dot_general": _dot_general}
    return {"dtype": dtype}


def product(inputs: Float[Array, "*batch inputs"], kernel: Float[Array, "inputs outputs"], dtype: Any) -> Float[Array, "*batch outputs"]:
    """The product of both as `Dense` with `dense_options` has it."""
    return inputs @ kernel if dtype is None else bfloat16_product(inputs, kernel)


@jax.custom_vjp
def bfloat16_product(inputs: Float[Array, "*batch inputs"], kernel: Float[Array, "inputs outputs"]) -> Float[Array, "*batch outputs"]:
    """The product of both, rounded to bfloat16 first; gradients likewise."""
    return _forward(inputs, kernel)[0]


def _forward(inputs: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    rounded = inputs.astype(jnp.bfloat16), kernel.astype(jnp.bfloat16)
    return _product(*rounded, inputs.ndim - 1, 0), rounded


def _backward(rounded: tuple[Array, Array], slope: Array) -> tuple[Array, Array]:
    inputs, kernel = rounded
    slope = slope.astype(jnp.bfloat16)
    of_inputs = _product(slope, kernel, slope.ndim - 1, 1)
    inputs, slope = (array.reshape(-1, array.shape[-1]) for array in (inputs, slope))
    # The quick kernels sum along rows of the left side, so it has to be transposed; a product with the identity does that exactly, and
    # cheaper than XLA's loop. (A plain transposition is folded into the product, which then is slow.)
    transposed = _product(jnp.eye(inputs.shape[1], dtype=jnp.bfloat16), inputs, 1, 1).astype(jnp.bfloat16)
    return of_inputs, _product(transposed, slope, 1, 0)


bfloat16_product.defvjp(_forward, _backward)


def _product(left: Array, right: Array, left_axis: int, right_axis: int) -> Array:
    return jax.lax.dot_general(left, right, (((left_axis,), (right_axis,)), ((), ())), preferred_element_type=jnp.float32)


def _dot_general(inputs: Array, kernel: Array, dimensions: Any, **_: Any) -> Array:
    """What `Dense` calls: the last axis of its inputs with the first of its kernel."""
    del dimensions
    return bfloat16_product(inputs, kernel)
