"""What annotations call an array: JAX's own, or NumPy's, which JAX takes wherever it takes its own."""

from __future__ import annotations

import jax
import numpy as np

Array = jax.Array | np.ndarray
