"""The figure of the tragic triad: `python -m metaworld_baselines.publishing.landscape` draws docs/images/field_landscape.png (a minute).

Where Adam goes on the PCGrad paper's two-dimensional landscape with the mean of both gradients and with other combinations, and what of
the triad the mean meets on its way.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import tyro

from metaworld_baselines.gradients.conflict import curvature_along, magnitude_similarity
from metaworld_baselines.gradients.gram import TINY, cosines, gram_matrix
from metaworld_baselines.gradients.landscape import LEARNING_RATE, STEPS, losses, trajectory

SHOWN = ("mean", "pcgrad", "upgrad", "nash-mtl")
PLACE = Path("docs") / "images" / "field_landscape.png"


def triad(point: Any) -> tuple[Any, Any, Any]:
    """Cosine, magnitude similarity, and curvature along the summed gradient relative to its square."""
    gradients = jax.jacrev(losses)(point)
    gram, total = gram_matrix(gradients), gradients.sum(axis=0)
    curvature = curvature_along(lambda p: losses(p).sum(), point, total, LEARNING_RATE) / jnp.maximum(total @ total, TINY)
    return cosines(gram)[0, 1], magnitude_similarity(gram)[0, 1], curvature


def draw(place: Path, steps: int) -> dict[str, float]:
    """Write the figure; returns where each method's summed loss ended."""
    paths = {method: np.asarray(trajectory(method, steps)) for method in SHOWN}
    summed = {method: np.asarray(jax.vmap(lambda p: losses(p).sum())(path)) for method, path in paths.items()}
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13.0, 4.0), layout="constrained")
    x, y = np.meshgrid(np.linspace(-10, 10, 200), np.linspace(-10, 10, 200))
    heights = jax.vmap(lambda p: losses(p).sum())(jnp.stack([x.ravel(), y.ravel()], axis=1)).reshape(x.shape)
    left.contourf(x, y, heights, levels=30, cmap="Greys_r", alpha=0.5)
    at = np.linspace(0.0, steps, len(paths[SHOWN[0]]), endpoint=False)
    for method, path in paths.items():
        left.plot(*path.T, label=method)
        middle.plot(at, summed[method], label=method)
    cosine, similarity, curvature = jax.vmap(triad)(jnp.asarray(paths["mean"]))
    right.plot(at, cosine, label="cosine")
    right.plot(at, similarity, label="magnitude similarity")
    right.plot(at, np.log10(np.maximum(np.abs(np.asarray(curvature)), 1e-3)) / 3.0, label="log₁₀ |curvature along the step| / 3")
    left.set(title="Where Adam goes", xlabel="θ₁", ylabel="θ₂")
    middle.set(title="Summed loss", xlabel="step")
    right.set(title="The triad along the mean's way", xlabel="step")
    middle.legend(fontsize=8)
    right.legend(fontsize=8)
    place.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(place, dpi=110)
    plt.close(figure)
    return {method: float(values[-1]) for method, values in summed.items()}


@dataclass(frozen=True, kw_only=True)
class Command:
    """Options of the command line."""

    place: tyro.conf.Positional[Path] = PLACE  # of the picture
    steps: tyro.conf.Positional[int] = STEPS  # of Adam, in 500 stretches of equal length


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw; returns the exit status."""
    command = tyro.cli(Command, prog="python -m metaworld_baselines.publishing.landscape", args=arguments)
    try:
        ends = draw(command.place, command.steps)
    except (OSError, ValueError) as error:
        print(f"metaworld_baselines.publishing.landscape: {error}", file=sys.stderr)
        return 2
    print(", ".join(f"{method} {end:.1f}" for method, end in ends.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
