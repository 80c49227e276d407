"""Multi-task SAC with gradient surgery: the losses and the loop of `sac`, with PCGrad on the critics' and on the actor's task gradients.

All parameters take part, heads included: a head's gradient is zero for every other task, so surgery rescales it and no more. Temperatures
belong to one task each and need none. Unlike the published JAX implementation, next actions are drawn at the next observation, and each
task projects in an order of its own (Algorithm 1) instead of one that all share.
"""

from __future__ import annotations

from metaworld_baselines.algorithms.sac import Sac, SacConfig
from metaworld_baselines.algorithms.sac import train as train_sac
from metaworld_baselines.gradients.combination import MultiTask, task_gradients
from metaworld_baselines.gradients.pcgrad import pcgrad, random_orders
from metaworld_baselines.runs.run import Run

SURGERY = MultiTask(gradients=task_gradients, transformation=pcgrad, draw_orders=random_orders)


def train(config: SacConfig, seed: int, run: Run) -> Sac:
    """As `sac.train`."""
    return train_sac(config, seed, run, SURGERY)
