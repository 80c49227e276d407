"""Learners: what is made of a task's examples. Each goes with each regulariser.

    learner.init(key, episode)              parameters
    learner.outcome(params, key, episode)   what one task's episode says in training; with is_test in testing

MAML (Finn et al. 2017) takes gradient steps on the examples. Without a step in training it is fine-tuning. With a regulariser its head
adapts and its encoder does not (MR-MAML). CNP (Garnelo et al. 2018) hands a mean code of the examples to the head.

A task's weights are drawn once, in testing, too: what has learned to live with the noise of its weights does worse without it. Activations
are drawn in training, and are their means in testing. Without a key nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Float

from metaworld_baselines.arrays import Array
from metaworld_baselines.networks import regularization as reg
from metaworld_baselines.supervised.problems.episodes import Episode, errors, losses

UNROLLED = 5  # up to so many inner steps stand one behind the other in compiled code, where a loop costs more than they (not of pictures)


class Outcome(NamedTuple):
    """Means over a task's queries, and what the regulariser counts."""

    loss: Float[Array, ""]  # after the examples were seen
    loss_before: Float[Array, ""]  # without having seen them
    error: Float[Array, ""]  # squared, or share of wrong classes
    error_before: Float[Array, ""]
    kl: Float[Array, ""]  # nats: of the weights, or per query


@dataclass(frozen=True)
class Networks:
    """Encoder and head, with what is random in the encoder."""

    encoder: nn.Module
    head: nn.Module
    regularizer: str = reg.NONE

    def init(self, key: Array, head_inputs: Callable[[Any], Any], inputs: Array) -> dict[str, Any]:
        """Parameters by part; Gaussian where the regulariser wants it.

        Args:
          key: of the initial weights.
          head_inputs: from the encoder's codes to what the head sees.
          inputs: of an episode.
        """
        encoder_key, head_key = jax.random.split(key)
        encoder = self.encoder.init(encoder_key, inputs)
        codes = self.codes({"encoder": encoder}, inputs, None)[0]
        parts = {"encoder": encoder, "head": self.head.init(head_key, head_inputs(codes))}
        return {name: reg.gaussian_weights(part) if self._is_gaussian(name) else part for name, part in parts.items()}

    def _is_gaussian(self, part: str) -> bool:
        return self.regularizer == reg.ALL_WEIGHTS or (self.regularizer == reg.WEIGHTS and part == "encoder")

    def draw(self, params: dict[str, Any], key: Array | None) -> tuple[dict[str, Any], Float[Array, ""]]:
        """Weights by part, and the nats of those that are drawn."""
        nats = [reg.weights_kl(part) for name, part in params.items() if self._is_gaussian(name)]
        keys = dict.fromkeys(params) if key is None else dict(zip(params, jax.random.split(key, len(params)), strict=True))
        drawn = {name: reg.draw_weights(part, keys[name]) if self._is_gaussian(name) else part for name, part in params.items()}
        return drawn, sum(nats, jnp.zeros(()))

    def codes(self, weights: dict[str, Any], inputs: Array, key: Array | None) -> tuple[Array, Float[Array, " point"]]:
        """What the encoder passes on of inputs (point, …), and the nats of each."""
        outputs = self.encoder.apply(weights["encoder"], inputs)
        if self.regularizer == reg.ACTIVATIONS:
            return reg.draw_activations(outputs, key)
        return nn.relu(outputs), jnp.zeros(len(inputs))


@dataclass(frozen=True)
class Maml:
    """Gradient steps on the examples, and the gradient through them."""

    networks: Networks
    learning_rate: float  # of a step on the examples
    steps: int  # in training
    test_steps: int
    head_only: bool  # adapt the head alone, as published for MR-MAML
    is_first_order: bool = False

    def init(self, key: Array, episode: Episode) -> dict[str, Any]:
        """Parameters."""
        return self.networks.init(key, lambda codes: codes, episode.support_x)

    def outcome(self, params: dict[str, Any], key: Array | None, episode: Episode, *, is_test: bool = False) -> Outcome:
        """What the queries say before and after the steps."""
        weight_key, support_key, query_key = _keys(key, is_test=is_test)
        weights, nats = self.networks.draw(params, weight_key)
        adapted = self.adapt(weights, support_key, episode, self.test_steps if is_test else self.steps)
        before, _ = self._outputs(weights, query_key, episode.query_x)
        after, code_nats = self._outputs(adapted, query_key, episode.query_x)
        return outcome_of(after, before, episode, nats + code_nats.mean())

    def adapt(self, weights: dict[str, Any], key: Array | None, episode: Episode, steps: int) -> dict[str, Any]:
        """Weights after so many steps on the examples."""
        fixed = {"encoder": weights["encoder"]} if self.head_only else {}

        def loss(moving: dict[str, Any]) -> Float[Array, ""]:
            outputs, _ = self._outputs(fixed | moving, key, episode.support_x)
            return losses(outputs, episode.support_y).mean()

        def step(moving: dict[str, Any], _: None) -> tuple[dict[str, Any], None]:
            gradient = jax.grad(loss)(moving)
            if self.is_first_order:
                gradient = jax.lax.stop_gradient(gradient)
            return jax.tree.map(lambda weight, slope: weight - self.learning_rate * slope, moving, gradient), None

        moving = {name: part for name, part in weights.items() if name not in fixed}
        unrolled = 1 if episode.support_x.ndim > 2 else min(max(steps, 1), UNROLLED)
        return fixed | jax.lax.scan(step, moving, None, length=steps, unroll=unrolled)[0]

    def _outputs(self, weights: dict[str, Any], key: Array | None, inputs: Array) -> tuple[Array, Array]:
        codes, nats = self.networks.codes(weights, inputs, key)
        return self.networks.head.apply(weights["head"], codes), nats


@dataclass(frozen=True)
class NearestNeighbour(Maml):
    """Trained as fine-tuning; a query gets the label of the example whose code is nearest."""

    def outcome(self, params: dict[str, Any], key: Array | None, episode: Episode, *, is_test: bool = False) -> Outcome:
        """As MAML's in training; in testing, the nearest example's labels instead of steps."""
        seen = super().outcome(params, key, episode, is_test=is_test)
        if not is_test:
            return seen
        weights, _ = self.networks.draw(params, _keys(key, is_test=True)[0])
        support, query = (self.networks.codes(weights, x, None)[0].reshape(len(x), -1) for x in (episode.support_x, episode.query_x))
        nearest = ((query[:, None] - support[None]) ** 2).sum(axis=-1).argmin(axis=1)
        labels = episode.support_y[nearest]
        if jnp.issubdtype(labels.dtype, jnp.integer):
            wrong = (labels != episode.query_y).astype(float)
            return seen._replace(loss=wrong.mean(), error=wrong.mean())
        missed = losses(labels, episode.query_y).mean()
        return seen._replace(loss=missed, error=missed)


@dataclass(frozen=True)
class Cnp:
    """A conditional neural process: the head sees a query's code beside the mean summary of the examples."""

    networks: Networks
    summarizer: nn.Module  # from an example's code and label to its summary
    outputs: int

    def init(self, key: Array, episode: Episode) -> dict[str, Any]:
        """Parameters."""
        network_key, summary_key = jax.random.split(key)
        networks = self.networks
        summary = jnp.zeros((len(episode.support_x), self.summarizer.outputs))
        params = networks.init(network_key, lambda codes: jnp.concatenate([_flat(codes), summary], axis=1), episode.support_x)
        codes, _ = networks.codes(networks.draw(params, None)[0], episode.support_x, None)
        summarizer = self.summarizer.init(summary_key, self._examples(codes, episode.support_y))
        gaussian = networks.regularizer == reg.ALL_WEIGHTS
        return params | {"summarizer": reg.gaussian_weights(summarizer) if gaussian else summarizer}

    def outcome(self, params: dict[str, Any], key: Array | None, episode: Episode, *, is_test: bool = False) -> Outcome:
        """What the queries say with the summary of the examples, and with zeros instead."""
        weight_key, support_key, query_key = _keys(key, is_test=is_test)
        weights, nats = self.networks.draw(params, weight_key)
        codes, code_nats = self.networks.codes(weights, episode.query_x, query_key)
        summary = self.summary(weights, support_key, episode)
        after, before = (self._outputs(weights, codes, told) for told in (summary, jnp.zeros_like(summary)))
        return outcome_of(after, before, episode, nats + code_nats.mean())

    def summary(self, weights: dict[str, Any], key: Array | None, episode: Episode) -> Float[Array, " summary"]:
        """Mean over examples; their order does not matter."""
        codes, _ = self.networks.codes(weights, episode.support_x, key)
        return self.summarizer.apply(weights["summarizer"], self._examples(codes, episode.support_y)).mean(axis=0)

    def _examples(self, codes: Array, labels: Array) -> Float[Array, "point features"]:
        told = jax.nn.one_hot(labels, self.outputs) if jnp.issubdtype(labels.dtype, jnp.integer) else labels
        return jnp.concatenate([_flat(codes), told], axis=1)

    def _outputs(self, weights: dict[str, Any], codes: Array, summary: Array) -> Float[Array, "point outputs"]:
        told = jnp.broadcast_to(summary, (len(codes), *summary.shape))
        return self.networks.head.apply(weights["head"], jnp.concatenate([_flat(codes), told], axis=1))


def outcome_of(after: Array, before: Array, episode: Episode, kl: Array) -> Outcome:
    """Losses and errors of a task's queries, from outputs with and without its examples."""
    labels = episode.query_y
    return Outcome(
        losses(after, labels).mean(), losses(before, labels).mean(), errors(after, labels).mean(), errors(before, labels).mean(), kl
    )


def _keys(key: Array | None, *, is_test: bool) -> tuple[Array | None, ...]:
    """Keys of weights, and of activations for examples and queries."""
    if key is None:
        return (None,) * 3
    weight_key, support_key, query_key = jax.random.split(key, 3)
    return (weight_key, None, None) if is_test else (weight_key, support_key, query_key)


def inequality(values: Float[Array, " task"]) -> Float[Array, ""]:
    """Theil index of positive numbers, 0 among equals: task-agnostic meta-learning (Jamal and Qi 2019) adds that of losses before."""
    shares = values / values.mean()
    return (shares * jnp.log(jnp.maximum(shares, 1e-12))).mean()


def _flat(codes: Array) -> Float[Array, "point features"]:
    return codes.reshape(len(codes), -1)


Learner = Maml | Cnp
