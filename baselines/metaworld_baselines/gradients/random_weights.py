"""Random loss weighting (Lin et al. 2022, *Reasonable Effectiveness of Random Weighting*): new random weights at every update.

    w = softmax(z),   z ~ N(0, I)

What a method must beat to have shown that its weights, and not any noise in them, help.
"""

from __future__ import annotations

import jax

from metaworld_baselines.gradients.weighting import Weighting


def random_weights(num_tasks: int) -> Weighting:
    """Softmax of standard normal numbers."""
    return Weighting(
        lambda gram, losses, state, noise: (jax.nn.softmax(noise), state),
        draw=lambda key: jax.random.normal(key, (num_tasks,)),
        needs_gram=False,
    )
