"""Settings of the SAC family."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from metaworld_baselines.algorithms.ranges import check_ranges
from metaworld_baselines.gradients.methods import MEAN, find_method
from metaworld_baselines.networks.architectures import MLP, MULTI_HEAD, ONE_HOT, PLAIN, TORSOS, check_architecture
from metaworld_baselines.networks.products import BFLOAT16, FLOAT32
from metaworld_baselines.networks.values import MIN, REDUCTIONS
from metaworld_py.evaluation import task_names

ALL, TORSO = COMBINED_PARAMS = "all", "torso"
TENSORFLOAT32 = "tensorfloat32"
PRECISIONS = FLOAT32, TENSORFLOAT32, BFLOAT16
CHOICES: dict[str, Collection[str]] = {
    "combined_params": COMBINED_PARAMS,
    "precision": PRECISIONS,
    "actor_torso": TORSOS,
    "critic_torso": TORSOS,
    "critic_reduction": REDUCTIONS,
}


@dataclass(frozen=True, kw_only=True)
class SacConfig:
    """Settings; defaults are the published ones of the multi-task runs (Meta-World+), where published.

    A vector step is one step of every environment.
    """

    benchmark: str = "MT10"  # a task set, a task, or tasks joined by commas
    total_env_steps: int = 20_000_000  # over all tasks together: published 2·10⁶ times the number of tasks
    reward_version: str = "v2"  # unscaled, 0…10
    max_episode_steps: int = 500
    envs_per_task: int = 1
    architecture: str = ONE_HOT  # a name of networks/architectures.py, of actor and critics
    actor_combination: str = MEAN  # of the tasks' gradients: a name of gradients/methods.py, such as "pcgrad" or "cagrad:c=0.5"
    critic_combination: str = MEAN  # likewise
    combined_params: str = ALL  # what methods see and combine: "all", or the shared "torso" (heads then take the mean)
    width: int = 400
    depth: int = 3  # hidden layers; of residual torsos blocks
    actor_torso: str = MLP  # "mlp", or "residual": blocks with LayerNorm
    critic_torso: str = MLP
    critic_width: int = 0  # 0: as the actor's
    critic_depth: int = 0
    critic_bins: int = 0  # critics are distributions over so many bins on ±value_range; 0: they are numbers
    critic_reduction: str = MIN  # of both critics: "min" or "mean"
    task_embedding: int = 0  # size of learned embeddings that tell networks the task; 0: one-hot ids do
    discount: float = 0.99
    n_steps: int = 1  # of rewards in a target, before it bootstraps
    normalize_returns: bool = False  # rewards in units in which each task's largest discounted return is value_range
    value_range: float = 10.0
    batch_per_task: int = 128
    buffer_per_task: int = 100_000  # transitions
    updates_per_vector_step: float = 1.0
    warmup_vector_steps: int = 4_000  # of uniform actions, without updates
    learning_rate: float = 3e-4  # Adam, for everything
    adam_eps: float = 1e-5
    weight_decay: float = 0.0  # of actor and critics (AdamW)
    max_grad_norm: float = 1.0  # global, of actor and of critics; temperatures are not clipped
    precision: str = TENSORFLOAT32  # of products while learning: "float32", "tensorfloat32" (on GPUs), "bfloat16" (but for first layers)
    target_rate: float = 0.005  # τ
    initial_temperature: float = 1.0
    target_entropy: float = -4.0  # minus the number of action dimensions
    reset_every_env_steps: int = 0  # networks begin anew, while the replay buffer stays; 0: never
    reset_updates: int = 1_000  # at once after a reset
    reward_factors: bool = False  # at a reset each task's rewards get a factor that makes all tasks' mean rewards alike
    chunk_vector_steps: int = 50  # collected at a time, while the learner makes as many steps' updates in one compiled call
    collectors: int = 1  # processes that act and step, each with its share of every task's environments; 1: a thread of this process
    overlap: bool = True  # collect while learning; no number depends on it
    eval_every_env_steps: int = 1_000_000
    eval_instances: int = 50  # per task, one episode each: the training goals, as published
    save_every_env_steps: int = 1_000_000
    save_buffer: bool = True  # with it (400 MB for MT10) a run goes on exactly; without, it goes on from networks and optimizers
    log_every_env_steps: int = 20_000
    diagnose_every_env_steps: int = 0  # gradient conflicts, see conflict.py; 0: never

    def __post_init__(self) -> None:
        check_ranges(self)
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")
        if self.collectors < 1 or self.envs_per_task % self.collectors:
            raise ValueError(f"collectors must divide envs_per_task ({self.envs_per_task}), got {self.collectors}")
        updates = self.chunk_vector_steps * self.updates_per_vector_step  # 50 · 0.14 is 7 but for rounding
        if self.updates_per_chunk < 1 or not math.isclose(updates, self.updates_per_chunk):
            raise ValueError(
                f"chunk_vector_steps · updates_per_vector_step must be a whole number of at least 1, got "
                f"{self.chunk_vector_steps} · {self.updates_per_vector_step}"
            )
        self._check_tasks()
        self._check_values()

    def _check_tasks(self) -> None:
        check_architecture(self.architecture, len(self.tasks))
        if self.architecture not in PLAIN and (self.task_embedding or {self.actor_torso, self.critic_torso} != {MLP}):
            raise ValueError(f"task_embedding and residual torsos are of architecture {' and '.join(PLAIN)}, not of {self.architecture}")
        find_method(self.actor_combination, len(self.tasks), may_be_negative=True)
        find_method(self.critic_combination, len(self.tasks))

    def _check_values(self) -> None:
        if not math.isfinite(self.target_entropy):
            raise ValueError(f"target_entropy must be a finite number, got {self.target_entropy}")
        if not 0.0 < self.value_range < math.inf:
            raise ValueError(f"value_range must be positive and finite, got {self.value_range}")
        if self.critic_bins and not (self.critic_bins > 1 and self.normalize_returns):
            raise ValueError("critic_bins must be 2 or more, with normalize_returns: values of unscaled rewards lie beyond the bins")
        if self.normalize_returns and self.random_chunks * self.chunk_vector_steps < self.max_episode_steps:
            raise ValueError(
                f"normalize_returns needs whole episodes before learning: warmup_vector_steps of at least {self.max_episode_steps}, "
                f"got {self.warmup_vector_steps}"
            )
        if self.reward_factors and (self.normalize_returns or not self.reset_every_env_steps):
            raise ValueError(
                "reward_factors change at resets and are not for normalised returns: set reset_every_env_steps, no normalize_returns"
            )
        if self.reward_factors and self.reward_version != "v2":
            raise ValueError("reward_factors compare mean rewards, which are below 0 in some tasks of v1: set reward_version v2")

    @property
    def tasks(self) -> list[str]:
        """Names in order."""
        return task_names(self.benchmark.split(",") if "," in self.benchmark else self.benchmark)

    @property
    def updates_per_chunk(self) -> int:
        """Gradient updates in one compiled call."""
        return round(self.chunk_vector_steps * self.updates_per_vector_step)

    @property
    def reset_calls(self) -> int:
        """Compiled calls that make the updates after a reset."""
        return -(-self.reset_updates // self.updates_per_chunk)

    @property
    def rows_per_chunk(self) -> int:
        """Transitions per task in a chunk."""
        return self.chunk_vector_steps * self.envs_per_task

    @property
    def env_steps_per_chunk(self) -> int:
        """Environment steps of a chunk, over all tasks."""
        return self.rows_per_chunk * len(self.tasks)

    @property
    def random_chunks(self) -> int:
        """Chunks of uniform actions: enough for the warm-up."""
        return -(-self.warmup_vector_steps // self.chunk_vector_steps)

    @property
    def capacity(self) -> int:
        """Rows of the buffer per task: whole chunks."""
        return -(-self.buffer_per_task // self.rows_per_chunk) * self.rows_per_chunk

    def rows_after(self, env_steps: int) -> int:
        """Rows of the buffer per task that are filled then."""
        return min(env_steps // len(self.tasks), self.capacity)

    def resets_before(self, iteration: int) -> bool:
        """Whether networks begin anew before the updates of this iteration."""
        if not self.reset_every_env_steps or iteration <= self.random_chunks:
            return False
        now, before = iteration * self.env_steps_per_chunk, (iteration - 1) * self.env_steps_per_chunk
        return now // self.reset_every_env_steps > before // self.reset_every_env_steps


def renamed_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings of an older file by today's names: `multi_head` was an architecture, `gradient_method` one for actor and critics."""
    settings = dict(settings)
    if (multi_head := settings.pop("multi_head", None)) is not None:
        settings["architecture"] = MULTI_HEAD if multi_head else ONE_HOT
    if (method := settings.pop("gradient_method", None)) is not None:
        settings["actor_combination"] = settings["critic_combination"] = MEAN if method == "average" else method
    return settings
