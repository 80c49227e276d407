"""Several seeds' arrays as one, so that what is compiled learns them all in one call.

On a GPU the small networks of these baselines leave most of the card idle: an update of three seeds takes hardly longer than one of one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp


@dataclass(frozen=True)
class Seeds:
    """So many seeds, their arrays stacked in front; what belongs to a single one stays as it is, and so does its arithmetic."""

    number: int

    def over(self, function: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
        """A function of one seed's arrays as one of all seeds'; axes as of `jax.vmap`."""
        return function if self.number == 1 else jax.vmap(function, in_axes, out_axes)

    def join(self, trees: Sequence[Any]) -> Any:
        """All seeds' arrays, from each one's."""
        return trees[0] if self.number == 1 else jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)

    def take(self, joined: Any, index: int) -> Any:
        """One seed's arrays, from all seeds'."""
        return joined if self.number == 1 else jax.tree.map(lambda leaf: leaf[index], joined)


ONE = Seeds(1)
