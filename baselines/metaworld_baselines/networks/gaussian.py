"""Gaussian policies of the on-policy algorithms, and their densities."""

from __future__ import annotations

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.scipy.special import logit
from jax.scipy.stats import norm
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks.architectures import ONE_HOT, TaskNetwork
from metaworld_baselines.networks.products import dense_options
from metaworld_py import ACTION_SIZE

MIN_STD = 1e-6  # published bound
ACTIVATIONS = {"relu": nn.relu, "tanh": nn.tanh}


class Gaussian(NamedTuple):
    """Independent normal distributions of action components; not squashed, the environment clips."""

    mean: Float[Array, "*batch action"]
    log_std: Float[Array, "*batch action"]

    def sample(self, key: Array) -> Float[Array, "*batch action"]:
        """Draw."""
        return self.at(jax.random.normal(key, self.mean.shape))

    def at(self, noise: Float[Array, "*batch action"]) -> Float[Array, "*batch action"]:
        """What standard normal noise stands for."""
        return self.mean + jnp.exp(self.log_std) * noise

    def log_prob(self, action: Float[Array, "*batch action"]) -> Float[Array, "*batch"]:
        """Log density."""
        return self._log_densities(action).sum(axis=-1)

    def _log_densities(self, action: Float[Array, "*batch action"]) -> Float[Array, "*batch action"]:
        scaled = (action - self.mean) * jnp.exp(-self.log_std)
        return -0.5 * scaled**2 - self.log_std - 0.5 * jnp.log(2.0 * jnp.pi)

    def entropy(self) -> Float[Array, "*batch"]:
        """Differential entropy."""
        return (self.log_std + 0.5 * jnp.log(2.0 * jnp.pi * jnp.e)).sum(axis=-1)

    def kl_to(self, other: Gaussian) -> Float[Array, "*batch"]:
        """KL(self ‖ other)."""
        ratio = jnp.exp(2.0 * (self.log_std - other.log_std))
        distance = ((self.mean - other.mean) * jnp.exp(-other.log_std)) ** 2
        return (other.log_std - self.log_std + 0.5 * (ratio + distance - 1.0)).sum(axis=-1)


class ClippedGaussian(Gaussian):
    """The same, with densities of what the environment makes of an action: beyond its box all are the edge, which has the tail's mass.

    How far beyond makes no difference to anything but the density, whose gradient there is noise (Fujita & Maeda 2018). Entropy and
    `kl_to` are those of actions before they are clipped.
    """

    def log_prob(self, action: Float[Array, "*batch action"]) -> Float[Array, "*batch"]:
        """Log density of the clipped action; of a component at an edge, log probability."""
        scale = jnp.exp(-self.log_std)
        below, above = norm.logcdf((-1.0 - self.mean) * scale), norm.logcdf((self.mean - 1.0) * scale)
        inside = self._log_densities(jnp.clip(action, -1.0, 1.0))
        return jnp.where(action <= -1.0, below, jnp.where(action >= 1.0, above, inside)).sum(axis=-1)


def gaussian_of(*, clipped: bool) -> type[Gaussian]:
    """Distribution whose densities are of clipped actions, or of actions as they were drawn."""
    return ClippedGaussian if clipped else Gaussian


def check_std(initial: float, low: float, high: float | None) -> None:
    """Refuse bounds that the initial standard deviation does not lie between.

    Raises:
      ValueError: it does not.
    """
    if not 0.0 < low <= initial or (high is not None and not low < initial < high):
        raise ValueError(f"initial_std must lie between min_std and max_std, got {low}, {initial}, {high}")


def check_correlation(correlation: float, name: str = "noise_correlation") -> None:
    """Refuse what is no correlation of noise.

    Raises:
      ValueError: it is not in [0, 1).
    """
    if not 0.0 <= correlation < 1.0:
        raise ValueError(f"{name} must lie in [0, 1), got {correlation}")


class GaussianPolicy(nn.Module):
    """A mean from a network, and a standard deviation that does not depend on the observation, or comes from the same network.

    With an upper bound the log standard deviation is squashed between the bounds, so that it always has a gradient; without one it is cut
    off below.
    """

    width: int
    depth: int
    activation: str = "relu"
    initial_std: float = 1.0
    has_state_dependent_std: bool = False
    min_std: float = MIN_STD
    max_std: float | None = None
    has_task_std: bool = False  # a standard deviation for each task
    architecture: str = ONE_HOT  # of networks of several tasks, see architectures.py
    num_tasks: int = 1  # whose ids stand behind the inputs, of more than one
    has_clipped_densities: bool = False  # see `ClippedGaussian`
    dtype: Any = None  # of the hidden products' inputs, see products.py

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"], *, by_task: bool = False) -> Gaussian:
        """Distribution of actions (…, 4); for `by_task` see `split_task`."""
        outputs = ACTION_SIZE * (2 if self.has_state_dependent_std else 1)
        if self.architecture == ONE_HOT:
            network = MLP(self.width, self.depth, outputs, self.activation, last_scale=0.01, dtype=self.dtype)(inputs)
        else:
            size = self.num_tasks, self.width, self.depth, outputs
            network = TaskNetwork(self.architecture, *size, self.dtype)(inputs, by_task=by_task)
        gaussian = gaussian_of(clipped=self.has_clipped_densities)
        if self.has_state_dependent_std:
            mean, change = jnp.split(network, 2, axis=-1)
            return gaussian(mean, self._bounded(jnp.log(self.initial_std) + change))
        has_one_each = self.has_task_std and self.num_tasks > 1
        shape = (self.num_tasks, ACTION_SIZE) if has_one_each else (ACTION_SIZE,)
        log_std = self.param("log_std", lambda _: jnp.full(shape, jnp.log(self.initial_std)))
        if has_one_each:
            log_std = inputs[..., -self.num_tasks :] @ log_std
        return gaussian(network, jnp.broadcast_to(self._bounded(log_std), network.shape))

    def _bounded(self, log_std: Float[Array, "*batch action"]) -> Float[Array, "*batch action"]:
        return bounded(log_std, self.min_std, self.max_std, self.initial_std)


def bounded(log_std: Float[Array, "*batch action"], low: float, high: float | None, initial: float) -> Float[Array, "*batch action"]:
    """Log standard deviations between bounds, squashed so that they always have a gradient; without an upper one, cut off below."""
    if high is None:
        return jnp.maximum(log_std, jnp.log(low))
    return squashed(log_std, jnp.log(low), jnp.log(high), fixed=jnp.log(initial))


def squashed(values: Float[Array, "*batch"], low: float | Array, high: float | Array, *, fixed: float | Array) -> Float[Array, "*batch"]:
    """Values brought between bounds by a logistic curve; `fixed`, which lies between them, stays, and the slope there is one."""
    share = (fixed - low) / (high - low)
    slope = (high - low) * share * (1.0 - share)
    return low + (high - low) * nn.sigmoid((values - fixed) / slope + logit(share))


def unsquashed(values: Float[Array, "*batch"], low: float | Array, high: float | Array, *, fixed: float | Array) -> Float[Array, "*batch"]:
    """What `squashed` brings to these values, strictly between the bounds."""
    share = (fixed - low) / (high - low)
    slope = (high - low) * share * (1.0 - share)
    return fixed + slope * (logit((values - low) / (high - low)) - logit(share))


class MLP(nn.Module):
    """Hidden layers of one width; the last layer starts small, so that first outputs are close to zero."""

    width: int
    depth: int
    outputs: int
    activation: str = "relu"
    last_scale: float = 1.0
    has_layer_norm: bool = False  # before each activation
    dtype: Any = None  # of the hidden products' inputs, see products.py

    @nn.compact
    def __call__(self, inputs: Float[Array, "*batch inputs"]) -> Float[Array, "*batch outputs"]:
        """Outputs (…, outputs)."""
        hidden = nn.initializers.orthogonal(jnp.sqrt(2.0)) if self.activation == "relu" else nn.initializers.xavier_uniform()
        for layer in range(self.depth):
            inputs = nn.Dense(self.width, kernel_init=hidden, **dense_options(self.dtype if layer else None))(inputs)
            inputs = ACTIVATIONS[self.activation](nn.LayerNorm()(inputs) if self.has_layer_norm else inputs)
        return nn.Dense(self.outputs, kernel_init=nn.initializers.orthogonal(self.last_scale))(inputs)

    @property
    def last_layer(self) -> str:
        """Name of the last layer among the parameters."""
        return f"Dense_{self.depth}"
