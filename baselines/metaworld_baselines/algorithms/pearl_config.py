"""Settings of PEARL: sizes and rates as Meta-World published them; how much is collected and learned at a time is ours."""

from __future__ import annotations

from dataclasses import dataclass

from metaworld_baselines.algorithms.meta import MetaConfig


@dataclass(frozen=True, kw_only=True)
class PearlConfig(MetaConfig):
    """Settings."""

    prior_episodes: int = 1  # of each goal in an iteration, with z from the prior
    posterior_episodes: int = 1  # and then with z from the belief that those brought
    width: int = 300  # of actor and critics
    depth: int = 3  # hidden layers
    encoder_width: int = 200
    encoder_depth: int = 3
    latent: int = 7  # components of z
    kl_weight: float = 0.01  # λ, of the belief's divergence from the prior
    context_size: int = 250  # transitions that a belief is made of
    discount: float = 0.99
    target_rate: float = 5e-3  # τ
    learning_rate: float = 3e-4  # Adam, of everything
    initial_temperature: float = 0.1
    target_entropy: float = -4.0
    goals_per_update: int = 10
    batch_per_goal: int = 256
    updates_per_iteration: int = 200
    buffer_per_goal: int = 10_000  # transitions

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.goals_per_update <= self.meta_batch:
            raise ValueError(f"goals_per_update must lie in 1…{self.meta_batch}, the goals of an iteration, got {self.goals_per_update}")
        if self.buffer_per_goal < self.steps_per_goal:
            raise ValueError(f"buffer_per_goal must hold the {self.steps_per_goal} steps of an iteration, got {self.buffer_per_goal}")

    @property
    def steps_per_goal(self) -> int:
        """Control steps of a goal in an iteration."""
        return (self.prior_episodes + self.posterior_episodes) * self.max_episode_steps

    @property
    def env_steps_per_iteration(self) -> int:
        """Environment steps of an iteration, over all goals."""
        return self.meta_batch * self.steps_per_goal
