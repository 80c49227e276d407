"""What becomes of several tasks' gradients, by the name that configurations give."""

from __future__ import annotations

from metaworld_baselines.gradients.combination import AVERAGE, MultiTask, task_gradients
from metaworld_baselines.gradients.pcgrad import pcgrad, random_orders

# With surgery all parameters take part, heads included: a head's gradient is zero for every other task, so surgery rescales it and no more.
SURGERY = MultiTask(gradients=task_gradients, transformation=pcgrad, draw_orders=random_orders)

GRADIENT_METHODS: dict[str, MultiTask] = {"average": AVERAGE, "pcgrad": SURGERY}
