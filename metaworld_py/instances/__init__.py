"""Task instances: drawing them, the published sets, and which of them an environment plays next."""

from metaworld_py.instances.task import INSTANCES_PER_TASK, Task, checked_seed, draw_instances, draw_rand_vec

__all__ = ["INSTANCES_PER_TASK", "Task", "checked_seed", "draw_instances", "draw_rand_vec"]
