"""Settings of task inference: ours, for budgets of a few million steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from metaworld_baselines.algorithms.meta import MetaConfig
from metaworld_baselines.algorithms.privileged_critic import CRITIC
from metaworld_baselines.algorithms.rl2_config import check_rollout_steps
from metaworld_baselines.networks.gaussian import check_correlation, check_std
from metaworld_baselines.networks.scaling import MIN_INPUT_STD


@dataclass(frozen=True, kw_only=True)
class TaskInferenceConfig(MetaConfig):
    """Settings; the fields' defaults are what files of older runs mean by leaving a field out."""

    adapts_while_playing: ClassVar[bool] = True
    baseline: ClassVar[str] = CRITIC  # what this shares with RL²'s settings is no choice here
    critic_bins: ClassVar[int] = 0
    normalize_inputs: ClassVar[bool] = True
    min_input_std: ClassVar[float] = MIN_INPUT_STD
    normalize_advantages: ClassVar[bool] = True
    advantages_by_task: ClassVar[bool] = True

    meta_batch_up_to: int = 50
    trial_episodes: int = 2  # of a training trial; evaluations have `episodes + eval_episodes`
    rehearses: bool = False  # adaptation plays trials as long as training's and keeps the memory of their best rehearsal, see rehearsal.py
    rollout_steps: int = 250  # of each trial, after which is learned from them; gradients flow back over as many
    width: int = 128  # of the two tanh layers before the memory, and of the two that act
    memory: int = 128  # GRU
    discount: float = 0.99
    trace: float = 0.95  # λ
    epochs: int = 8
    minibatches: int = 10  # gradient steps of an epoch
    clip: float = 0.2
    target_kl: float = 0.03  # from the policy that played; the policy's learning rate follows it; 0: it does not
    entropy_bonus: float = 0.0
    learning_rate: float = 3e-4  # Adam, of the policy
    adam_eps: float = 1e-5
    max_grad_norm: float = 1.0
    critic_width: int = 128  # of its two layers
    critic_learning_rate: float = 1e-3
    initial_std: float = 0.5  # of actions
    min_std: float = 0.2
    max_std: float = 1.0
    clipped_densities: bool = False  # densities are of actions as the environment clips them, see `ClippedGaussian`
    noise_correlation: float = 0.8  # of the actions' noise at successive steps
    memory_learning_rate: float = 1e-3  # Adam, of what infers
    memory_updates: int = 16  # of it, after each rollout
    sequences_per_update: int = 50
    buffer_rollouts: int = 16  # whose sequences it learns from
    spread_weight: float = 0.003  # of the likelihood that teaches a belief's standard deviation, beside the squared error of its mean
    augmentation: float = 2.0  # of the objects' places while it learns, in standard deviations: no instance is to be known by them

    def __post_init__(self) -> None:
        super().__post_init__()
        check_std(self.initial_std, self.min_std, self.max_std)
        check_correlation(self.noise_correlation)
        for name in ("trial_episodes", "rollout_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        check_rollout_steps(self.rollout_steps, self.trial_steps)
        if self.meta_batch * self.rollout_steps % self.minibatches:
            steps = self.meta_batch * self.rollout_steps
            raise ValueError(f"minibatches must divide the {steps} steps of a rollout, got {self.minibatches}")

    @property
    def critic_trace(self) -> float:
        """λ of the critic's advantages."""
        return self.trace

    @property
    def trial_steps(self) -> int:
        """Control steps of a trial."""
        return self.trial_episodes * self.max_episode_steps

    @property
    def steps_at_once(self) -> int:
        """Control steps of each trial that are learned from at once."""
        return self.rollout_steps

    @property
    def sequence_steps(self) -> int:
        """Control steps over which gradients flow."""
        return self.rollout_steps

    @property
    def updates_per_iteration(self) -> int:
        """Gradient steps, of the policy and of what infers."""
        return self.trial_steps // self.rollout_steps * (self.epochs * self.minibatches + self.memory_updates)

    @property
    def env_steps_per_iteration(self) -> int:
        """Environment steps of an iteration, over the meta-batch."""
        return self.meta_batch * self.trial_steps
