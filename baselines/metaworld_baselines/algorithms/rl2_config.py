"""Settings of RL²: the published ones, and ours.

`PUBLISHED` has those of Meta-World+ and, of the head, of Meta-World: the mean through a tanh, a standard deviation without an upper bound.
`TUNED`, the defaults, is meant for budgets of a few million steps: one standard deviation for all that is seen, which can neither vanish
nor drown the actions, a critic that is told the instance, inputs, values and advantages in units of their own, meta-batches with as many
goals of each task as fit, short trials that are learned from part by part, exploration that goes on in a direction for a while and that the
policy is not told by its last action (what the hand did in the frame before still gives it half away), and a learning rate that follows a
small divergence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp

from metaworld_baselines.algorithms.meta import MetaConfig
from metaworld_baselines.algorithms.meta_regularization import check_information
from metaworld_baselines.algorithms.privileged_critic import CRITIC, LINEAR
from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.methods import find_method
from metaworld_baselines.networks.context_heads import LINEAR as LINEAR_HEAD
from metaworld_baselines.networks.context_heads import check_head
from metaworld_baselines.networks.falling_std import check_final_max_std
from metaworld_baselines.networks.gaussian import MIN_STD, check_correlation, check_std
from metaworld_baselines.networks.products import FLOAT32, check_precision
from metaworld_baselines.networks.regularization import INITIAL_STD
from metaworld_baselines.networks.scaling import MIN_INPUT_STD, check_min_input_std


@dataclass(frozen=True, kw_only=True)
class Rl2Config(MetaConfig):
    """Settings; the fields' defaults are what files of older runs mean by leaving a field out."""

    adapts_while_playing: ClassVar[bool] = True
    rehearses: bool = False  # adaptation plays trials as long as training's and keeps the memory of their best rehearsal, see rehearsal.py
    trial_episodes: int = 0  # of a training trial; 0: `episodes`, as published. Evaluations have `episodes + eval_episodes`
    rollout_steps: int = 0  # of a trial, after which is learned from them; 0: the whole trial, as published
    width: int = 256  # of the two tanh layers before the memory
    memory: int = 256  # GRU
    precision: str = FLOAT32  # of hidden products' inputs: "float32" or "bfloat16", quicker on GPUs and processors with AMX
    discount: float = 0.99
    trace: float = 0.95  # λ
    epochs: int = 10
    bptt_steps: int = 250  # gradients flow back over so many steps; 0: over the whole trial
    refresh_memory: bool = False  # the memory at the start of a sequence as today's weights would have it, anew for each epoch
    minibatches: int = 20  # gradient steps of an epoch, each on an equal share of the sequences of `bptt_steps`
    clip: float = 0.2
    max_kl: float = 0.0  # from the policy that played: beyond it, an iteration's remaining steps are left out; 0: no bound
    target_kl: float = 0.0  # likewise; the policy's learning rate follows it, see `followed`; 0: it does not
    entropy_bonus: float = 5e-3
    learning_rate: float = 5e-4  # Adam, of the policy
    final_learning_rate: float | None = None  # reached linearly at the end of the budget; None: it stays
    adam_eps: float = 1e-5
    max_grad_norm: float = 1.0
    combination: str | None = None  # of the tasks' gradients of the policy, see gradients/methods.py; None: one loss of all tasks
    normalize_advantages: bool = False  # over the meta-batch
    advantages_by_task: bool = False  # normalised in each task by itself
    baseline: str = LINEAR  # or "critic", a value network that knows the hidden instance
    critic_width: int = 128  # of its two layers
    critic_learning_rate: float = 1e-3
    values_by_task: bool = False  # learned in units of each task's own mean and standard deviation, not in those of all returns together
    critic_bins: int = 0  # classify values into so many bins on ±`critic_range`; 0: regress them
    critic_range: float = 5.0  # in standard deviations of the returns around their mean
    state_dependent_std: bool = True  # or one for all observations
    initial_std: float = 1.0  # of actions
    min_std: float = MIN_STD
    max_std: float | None = None
    final_max_std: float | None = None  # to which it falls in the last fifth of the budget, see falling_std.py; None: it stays
    tanh_mean: bool = False  # mean actions through a tanh
    clipped_densities: bool = False  # densities are of actions as the environment clips them, see `ClippedGaussian`
    noise_correlation: float = 0.0  # of the actions' noise at successive steps, which a policy that reads its last action sees through
    reads_last_action: bool = True  # as published; else it reads observation, last reward and end of an episode alone
    normalize_inputs: bool = False  # to mean 0 and standard deviation 1, over all experience so far
    min_input_std: float = MIN_INPUT_STD  # what varies less comes in units of this: 0.2 m hides what the places of objects tell of goals
    head: str = LINEAR_HEAD  # "film" or "hypernetwork": what the memory does to the policy, see networks/context_heads.py
    head_width: int = 32  # of these two
    skip: bool = False  # actions depend on the inputs directly, too, and not on the memory alone
    augmentation: float = 0.0  # see `observation_offsets`; in standard deviations
    information_weight: float = 0.0  # β, price of a nat in the encoder's weights (meta-regularisation); 0: they are plain numbers
    information_std: float = INITIAL_STD  # with it: of these weights at the start
    forgetful: bool = False  # for comparison: a policy that sees no previous step and remembers nothing, so that it cannot adapt

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.baseline not in (LINEAR, CRITIC):
            raise ValueError(f"baseline must be {LINEAR} or {CRITIC}, got {self.baseline!r}")
        check_head(self.head)
        check_precision(self.precision)
        self._check_combination()
        if self.critic_bins and (self.baseline != CRITIC or self.critic_bins < 2 or self.critic_range <= 0.0):
            raise ValueError("critic_bins are of baseline=critic, at least 2 and on a positive critic_range, or 0 for none")
        if self.values_by_task and self.baseline != CRITIC:
            raise ValueError("values_by_task is of the critic's values: set baseline=critic")
        if self.augmentation and not self.normalize_inputs:
            raise ValueError("augmentation is in standard deviations of the inputs, which are known with normalize_inputs only")
        check_min_input_std(self.min_input_std, normalized=self.normalize_inputs)
        check_information(self.information_weight, self.information_std)
        if self.advantages_by_task and not self.normalize_advantages:
            raise ValueError("advantages_by_task says how normalize_advantages does it: switch that on, too")
        check_std(self.initial_std, self.min_std, self.max_std)
        check_final_max_std(self, has_one_std=not self.state_dependent_std)
        check_correlation(self.noise_correlation)
        if self.trial_episodes < 0:
            raise ValueError(f"trial_episodes must be at least 1, or 0 for as many as `episodes`, got {self.trial_episodes}")
        check_rollout_steps(self.rollout_steps, self.trial_steps)
        if self.rollout_steps and self.baseline != CRITIC:
            raise ValueError("rollout_steps of a part of a trial want the critic's value of the rest: set baseline=critic, or 0")
        if self.bptt_steps < 0 or (self.bptt_steps and self.steps_at_once % self.bptt_steps):
            raise ValueError(f"bptt_steps must divide the {self.steps_at_once} steps learned from at once, or be 0, got {self.bptt_steps}")
        if self.minibatches < 1 or self.num_sequences % self.minibatches:
            raise ValueError(f"minibatches must divide the {self.num_sequences} sequences of an iteration, got {self.minibatches}")

    def _check_combination(self) -> None:
        if self.combination is None:
            return
        if len(self.tasks) < 2:
            raise ValueError(f"combination is of several tasks' gradients, and {self.benchmark} trains on one task")
        find_method(self.combination, len(self.tasks), may_be_negative=True)
        if self.num_sequences // len(self.tasks) % self.minibatches:
            of_task = self.num_sequences // len(self.tasks)
            raise ValueError(
                f"to combine tasks' gradients, minibatches must divide each task's {of_task} sequences, got {self.minibatches}"
            )

    @property
    def critic_trace(self) -> float:
        """λ of the critic's advantages."""
        return self.trace

    @property
    def value_scales(self) -> int:
        """How many units the critic's values have."""
        return len(self.tasks) if self.values_by_task else 1

    @property
    def trial_steps(self) -> int:
        """Control steps of a trial."""
        return (self.trial_episodes or self.episodes) * self.max_episode_steps

    @property
    def steps_at_once(self) -> int:
        """Control steps of each trial that are learned from at once."""
        return self.rollout_steps or self.trial_steps

    @property
    def sequence_steps(self) -> int:
        """Control steps over which gradients flow."""
        return self.bptt_steps or self.steps_at_once

    @property
    def num_sequences(self) -> int:
        """Number of sequences learned from at once."""
        return self.meta_batch * self.steps_at_once // self.sequence_steps

    @property
    def updates_per_iteration(self) -> int:
        """Gradient steps."""
        return self.trial_steps // self.steps_at_once * self.epochs * self.minibatches

    def rate_share_at(self, step: int | Array) -> Array:
        """The learning rate after so many steps of each trial, as a share of the first one."""
        if self.final_learning_rate is None:
            return jnp.ones(())
        done = jnp.minimum(step * self.meta_batch / self.total_env_steps, 1.0)
        return 1.0 + done * (self.final_learning_rate / self.learning_rate - 1.0)

    @property
    def env_steps_per_iteration(self) -> int:
        """Environment steps of an iteration, over the meta-batch."""
        return self.meta_batch * self.trial_steps


def check_rollout_steps(rollout_steps: int, trial_steps: int) -> None:
    """Refuse parts that trials cannot be cut into.

    Raises:
      ValueError: `rollout_steps` is negative or does not divide the trial's.
    """
    if rollout_steps < 0 or (rollout_steps and trial_steps % rollout_steps):
        raise ValueError(f"rollout_steps must divide the {trial_steps} steps of a trial, or be 0, got {rollout_steps}")


PUBLISHED = Rl2Config(tanh_mean=True)
TUNED = Rl2Config(
    meta_batch_up_to=50,
    rehearses=True,
    trial_episodes=2,
    rollout_steps=250,
    memory=128,
    epochs=8,
    refresh_memory=True,
    minibatches=5,
    target_kl=0.0125,
    entropy_bonus=0.0,
    learning_rate=3e-4,
    final_learning_rate=1e-4,
    normalize_advantages=True,
    advantages_by_task=True,
    baseline=CRITIC,
    critic_width=256,
    values_by_task=True,
    state_dependent_std=False,
    initial_std=0.7,
    min_std=0.05,
    max_std=1.0,
    noise_correlation=0.8,
    reads_last_action=False,
    normalize_inputs=True,
    skip=True,
)
