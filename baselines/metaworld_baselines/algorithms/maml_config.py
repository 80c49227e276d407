"""Settings of MAML: the published ones (Meta-World+), and ours.

Published budgets are 20 to 200 outer steps. `TUNED`, the defaults, makes more of them, from fewer episodes of each goal, and longer ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from metaworld_baselines.algorithms.meta import MetaConfig
from metaworld_baselines.algorithms.meta_regularization import check_information
from metaworld_baselines.algorithms.privileged_critic import CRITIC, LINEAR
from metaworld_baselines.gradients.methods import find_method
from metaworld_baselines.networks.falling_std import check_final_max_std
from metaworld_baselines.networks.gaussian import MIN_STD, check_correlation, check_std
from metaworld_baselines.networks.regularization import INITIAL_STD
from metaworld_baselines.networks.scaling import MIN_INPUT_STD, check_min_input_std

TRPO, PPO = "trpo", "ppo"


@dataclass(frozen=True, kw_only=True)
class MamlConfig(MetaConfig):
    """Settings; the fields' defaults are what files of older runs mean by leaving a field out."""

    train_episodes: int = 0  # of each goal in training, before and after each inner step; 0: `episodes`, as published
    rehearses: bool = False  # adaptation takes several inner steps in turn and keeps to the policy of the best rehearsal, see `MamlAgent`
    width: int = 512
    depth: int = 2  # hidden layers, tanh
    initial_std: float = 1.0  # of actions; it does not depend on the observation
    min_std: float = MIN_STD
    max_std: float | None = None
    final_max_std: float | None = None  # to which it falls in the last fifth of the budget, see falling_std.py; None: it stays
    clipped_densities: bool = False  # densities are of actions as the environment clips them, see `ClippedGaussian`
    noise_correlation: float = 0.0  # of the actions' noise at successive steps
    discount: float = 0.99
    trace: float = 1.0  # λ
    normalize_inputs: bool = False  # to mean 0 and standard deviation 1, over all experience so far
    min_input_std: float = MIN_INPUT_STD  # what varies less comes in units of this: 0.2 m hides what the places of objects tell of goals
    baseline: str = LINEAR  # of the outer step, or "critic", a value network that knows the hidden instance; the inner step's is linear
    critic_trace: float = 0.95  # λ of the critic's advantages; the rest is of the critic, too
    critic_width: int = 256  # of its two layers
    critic_learning_rate: float = 1e-3
    critic_epochs: int = 8  # over the episodes after adaptation
    critic_minibatches: int = 20  # of an epoch
    inner_learning_rate: float = 0.1  # α
    learned_inner_rates: bool = False  # an α for each parameter, from `inner_learning_rate`, learned by the outer step (Meta-SGD)
    inner_steps: int = 1
    first_order: bool = False  # the inner gradient as a constant
    outer: str = TRPO  # or "ppo"
    information_weight: float = 0.0  # β, price of a nat in the first layer's weights, which then do not adapt; 0: plain numbers that do
    information_std: float = INITIAL_STD  # with it: of these weights at the start
    combination: str | None = None  # of the tasks' meta-gradients, see gradients/methods.py; of one task's goals; None: one loss of all
    max_kl: float = 0.01  # δ
    cg_iterations: int = 10
    cg_damping: float = 1e-5
    backtrack: float = 0.8
    max_backtracks: int = 15
    ppo_epochs: int = 5  # the rest is for the outer "ppo"
    ppo_minibatches: int = 1  # gradient steps of an epoch, each on an equal share of every goal's steps after adaptation
    ppo_target_kl: float = 0.0  # from the policies that played; the learning rate follows it, see `followed`; 0: it does not
    ppo_clip: float = 0.2
    ppo_learning_rate: float = 3e-4
    ppo_max_grad_norm: float = 1.0  # of the critic, too

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.outer not in (TRPO, PPO):
            raise ValueError(f"outer must be {TRPO} or {PPO}, got {self.outer!r}")
        if self.baseline not in (LINEAR, CRITIC):
            raise ValueError(f"baseline must be {LINEAR} or {CRITIC}, got {self.baseline!r}")
        samples = self.meta_batch * self.episodes_per_goal * self.max_episode_steps
        if self.baseline == CRITIC and (self.critic_minibatches < 1 or samples % self.critic_minibatches):
            raise ValueError(f"critic_minibatches must divide the {samples} steps after adaptation, got {self.critic_minibatches}")
        if self.train_episodes < 0:
            raise ValueError(f"train_episodes must be at least 1, or 0 for as many as `episodes`, got {self.train_episodes}")
        if self.combination is not None:
            find_method(self.combination, self.num_losses, may_be_negative=True)
        samples = self.episodes_per_goal * self.max_episode_steps
        if self.ppo_minibatches < 1 or samples % self.ppo_minibatches:
            raise ValueError(f"ppo_minibatches must divide a goal's {samples} steps after adaptation, got {self.ppo_minibatches}")
        check_min_input_std(self.min_input_std, normalized=self.normalize_inputs)
        check_information(self.information_weight, self.information_std)
        check_std(self.initial_std, self.min_std, self.max_std)
        check_final_max_std(self)
        check_correlation(self.noise_correlation)
        if self.outer == "trpo" and not self.max_kl:
            raise ValueError("max_kl is the size of the trust region's step: it must be positive")

    @property
    def num_losses(self) -> int:
        """Whose meta-gradients are combined: tasks or, of one task, its goals."""
        return len(self.tasks) if len(self.tasks) > 1 else self.meta_batch

    @property
    def episodes_per_goal(self) -> int:
        """In training, before and after each inner step."""
        return self.train_episodes or self.episodes

    @property
    def trial_steps(self) -> int:
        """Control steps of what the critic values: an episode."""
        return self.max_episode_steps

    @property
    def value_scales(self) -> int:
        """How many units the critic's values have: each task's own."""
        return len(self.tasks)

    @property
    def env_steps_per_iteration(self) -> int:
        """Over the meta-batch, before and after each inner step."""
        return self.meta_batch * self.episodes_per_goal * self.max_episode_steps * (self.inner_steps + 1)

    @property
    def critic_bins(self) -> int:
        """The critic's values are regressed, not classified."""
        return 0

    @property
    def adaptation_rounds(self) -> int:
        """In evaluations, too, each inner step has episodes of its own."""
        return self.inner_steps


PUBLISHED = MamlConfig()
TUNED = MamlConfig(
    meta_batch_up_to=10,
    train_episodes=2,
    rehearses=True,
    width=64,
    initial_std=0.7,
    min_std=0.1,
    max_std=1.0,
    normalize_inputs=True,
    min_input_std=0.2,
    baseline=CRITIC,
    max_kl=0.04,
    outer=PPO,
    ppo_epochs=8,
    ppo_minibatches=5,
    ppo_target_kl=0.025,
)
