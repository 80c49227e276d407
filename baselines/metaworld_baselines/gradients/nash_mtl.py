"""Nash-MTL (Navon et al. 2022, *Multi-Task Learning as a Bargaining Game*): the tasks bargain over the direction of the update.

The Nash bargaining solution maximises Σ_i log g_i · d over ‖d‖ ≤ 1. It is d = Σ_j w_j g_j with

    K w = 1 / w   component by component, w > 0,

so ‖d‖² = T whatever the gradients: all lengths cancel. It is FairGrad's proportional fairness, solved exactly here by Newton's method where
the paper takes a sequence of convex approximations.
"""

from __future__ import annotations

from metaworld_baselines.gradients.fairgrad import fair_weights
from metaworld_baselines.gradients.weighting import Weighting, of_gram


def nash_mtl(num_tasks: int) -> Weighting:
    """The bargaining solution."""
    return of_gram(lambda gram: fair_weights(gram, alpha=1.0))
