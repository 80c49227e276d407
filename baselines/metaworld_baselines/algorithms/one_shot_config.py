"""Settings of one-shot imitation."""

from __future__ import annotations

from dataclasses import dataclass

from metaworld_baselines.algorithms.ranges import check_ranges
from metaworld_py.evaluation import task_names
from metaworld_py.tasks import find_task


@dataclass(frozen=True, kw_only=True)
class OneShotConfig:
    """Settings."""

    benchmark: str = "ML1"  # or ML10: one policy for all training tasks, which is told by the demonstration alone what to do
    task: str = ""  # of ML1
    total_env_steps: int = 1_280_000  # drawn from the experts' episodes in all; each step counts as often as it is drawn
    reward_version: str = "v2"
    max_episode_steps: int = 500  # of evaluations
    demonstration_steps: int = 150  # of the expert's episodes
    episodes_per_goal: int = 4  # of the expert in training, of each of the 50 goals of a task
    noise_std: float = 0.3  # of every second one of them
    move_objects: bool = True  # place the object elsewhere in all of them but the first, where it has a place apart from the goal
    frames: int = 25  # of a demonstration that are looked at, evenly spaced
    width: int = 256
    depth: int = 3  # hidden layers
    glances: int = 4  # at a time
    key_size: int = 16
    goals_per_batch: int = 32
    steps_per_goal: int = 16
    updates_per_iteration: int = 500
    learning_rate: float = 1e-3  # Adam; falls to 0 over the budget along a cosine
    max_grad_norm: float = 1.0
    eval_every_env_steps: int = 1_280_000
    eval_instances: int = 50  # held-out goals of a task
    save_every_env_steps: int = 1_280_000

    def __post_init__(self) -> None:
        if self.benchmark not in ("ML1", "ML10"):
            raise ValueError(f"benchmark must be ML1 or ML10, got {self.benchmark!r}")
        if (self.benchmark == "ML1") != bool(self.task):
            raise ValueError("ML1 wants a task, as in --benchmark ML1 --task reach; ML10 has its own")
        check_ranges(self)
        if self.episodes_per_goal < 2:
            raise ValueError(f"episodes_per_goal must be at least 2, one to see and one to learn from, got {self.episodes_per_goal}")
        if self.task:
            object.__setattr__(self, "task", find_task(self.task).name)  # "reach-v3" is "reach", one folder; unknown ones are refused

    @property
    def tasks(self) -> list[str]:
        """Training tasks in order."""
        return task_names(self.task or f"{self.benchmark}-train")

    @property
    def title(self) -> str:
        """For names of folders."""
        return f"ML1-{self.task}" if self.task else self.benchmark

    @property
    def batch_size(self) -> int:
        """Steps of a gradient step."""
        return self.goals_per_batch * self.steps_per_goal

    @property
    def env_steps_per_iteration(self) -> int:
        """Drawn in an iteration."""
        return self.updates_per_iteration * self.batch_size

    @property
    def total_updates(self) -> int:
        """Gradient steps of the budget."""
        return -(-self.total_env_steps // self.env_steps_per_iteration) * self.updates_per_iteration
