"""What two critics say of a value: as numbers, or as distributions over bins (C51: Bellemare et al. 2017; in SAC: BRC, Nauman et al. 2025).

Outputs of critics have the critics first: (2, …) numbers, or (2, …, bins) logits. Values of bins lie evenly on [−limit, limit].
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array

MIN, MEAN = REDUCTIONS = "min", "mean"


@dataclass(frozen=True)
class ScalarValues:
    """Regression: squared errors to the target's number."""

    reduction: str  # of both critics: the smaller, or the mean

    def estimates(self, outputs: Float[Array, "critic=2 *batch"]) -> Float[Array, "critic=2 *batch"]:
        """Each critic's value."""
        return outputs

    def value(self, outputs: Float[Array, "critic=2 *batch"]) -> Float[Array, "*batch"]:
        """The value that the actor climbs."""
        return reduced(self.estimates(outputs), self.reduction)

    def targets(
        self,
        next_outputs: Float[Array, "critic=2 *batch"],
        reward: Float[Array, "*batch"],
        discount: Float[Array, "*batch"],
        bonus: Float[Array, "*batch"],
    ) -> Float[Array, "*batch"]:
        """What both critics are drawn to: reward + discount · (next value + bonus)."""
        return reward + discount * (self.value(next_outputs) + bonus)

    def errors(self, outputs: Float[Array, "critic=2 *batch"], targets: Float[Array, "*batch"]) -> Float[Array, "critic=2 *batch"]:
        """Squared errors."""
        return (outputs - targets) ** 2


@dataclass(frozen=True)
class CategoricalValues:
    """Classification: cross entropy to the target's distribution."""

    bins: int
    limit: float
    reduction: str  # of both critics: the distribution with the smaller mean, or the mean of both

    @property
    def atoms(self) -> Float[Array, " bins"]:
        """The bins' values."""
        return jnp.linspace(-self.limit, self.limit, self.bins)

    def estimates(self, outputs: Float[Array, "critic=2 *batch bins"]) -> Float[Array, "critic=2 *batch"]:
        """Each critic's mean."""
        return expected(outputs, self.limit)

    def value(self, outputs: Float[Array, "critic=2 *batch bins"]) -> Float[Array, "*batch"]:
        """The value that the actor climbs."""
        return reduced(self.estimates(outputs), self.reduction)

    def targets(
        self,
        next_outputs: Float[Array, "critic=2 *batch bins"],
        reward: Float[Array, "*batch"],
        discount: Float[Array, "*batch"],
        bonus: Float[Array, "*batch"],
    ) -> Float[Array, "*batch bins"]:
        """What both critics are drawn to: the distribution of reward + discount · (next value + bonus), on the bins."""
        probabilities = jax.nn.softmax(next_outputs)
        if self.reduction == MIN:
            first, second = self.estimates(next_outputs)
            chosen = jnp.where((first < second)[..., None], probabilities[0], probabilities[1])
        else:
            chosen = probabilities.mean(axis=0)
        return project(chosen, reward[..., None] + discount[..., None] * (self.atoms + bonus[..., None]), self.limit)

    def errors(
        self, outputs: Float[Array, "critic=2 *batch bins"], targets: Float[Array, "*batch bins"]
    ) -> Float[Array, "critic=2 *batch"]:
        """Cross entropies."""
        return -(targets * jax.nn.log_softmax(outputs)).sum(axis=-1)


Values = ScalarValues | CategoricalValues


def reduced(estimates: Float[Array, "critic=2 *batch"], reduction: str) -> Float[Array, "*batch"]:
    """The smaller of two estimates, or their mean."""
    return estimates.min(axis=0) if reduction == MIN else estimates.mean(axis=0)


def expected(logits: Float[Array, "*batch bins"], limit: float) -> Float[Array, "*batch"]:
    """Means of distributions over the bins' values."""
    return (jax.nn.softmax(logits) * jnp.linspace(-limit, limit, logits.shape[-1])).sum(axis=-1)


def two_hot(values: Float[Array, "*batch"], bins: int, limit: float) -> Float[Array, "*batch bins"]:
    """Numbers as distributions over the bins' values that have them as their means, beyond ±limit the limit: shares of two neighbours."""
    place = (jnp.clip(values, -limit, limit) + limit) * ((bins - 1) / (2.0 * limit))
    return jnp.maximum(1.0 - jnp.abs(place[..., None] - jnp.arange(bins, dtype=place.dtype)), 0.0)


def project(probabilities: Float[Array, "*batch bins"], values: Float[Array, "*batch bins"], limit: float) -> Float[Array, "*batch bins"]:
    """A distribution over any values, moved to the bins: each value's probability goes to its two neighbours, in proportion to nearness.

    What lies beyond ±limit goes to the outermost bin. Written as one sum over all pairs: no scattered writes, one kernel on a GPU.
    """
    bins = probabilities.shape[-1]
    place = (jnp.clip(values, -limit, limit) + limit) * ((bins - 1) / (2.0 * limit))  # in bins from the lowest
    shares = jnp.maximum(1.0 - jnp.abs(place[..., None, :] - jnp.arange(bins, dtype=place.dtype)[:, None]), 0.0)  # (…, to, from)
    return (shares * probabilities[..., None, :]).sum(axis=-1)
