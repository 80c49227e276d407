"""Settings of PPO: the published ones, and ours.

`PUBLISHED` has the published settings. `TUNED`, the defaults, is for many tasks at once: more environments for tasks that fail more often
(active sampling: Sharma et al. 2018), where all need not have equally many; a policy that waits until its critic knows something; stretches
of a fifth of an episode, noise that is correlated in time and has a standard deviation for each task, observations in units of their
running standard deviations, values in each task's own units, which forget (PopArt: van Hasselt et al. 2016, Hessel et al. 2019), advantages
by task, LayerNorm in the critic, and rates that fall, the policy's by its divergence, too, which is kept small; environments at every point
of an episode; successes that are imitated while they are better than what the policy does (Oh et al. 2018).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import jax.numpy as jnp

from metaworld_baselines.algorithms.ranges import check_ranges
from metaworld_baselines.arrays import Array
from metaworld_baselines.gradients.methods import find_method
from metaworld_baselines.networks.architectures import ONE_HOT, check_architecture
from metaworld_baselines.networks.falling_std import check_final_max_std
from metaworld_baselines.networks.gaussian import MIN_STD, check_correlation, check_std
from metaworld_baselines.networks.products import FLOAT32, check_precision
from metaworld_py.evaluation import task_names

MOST_WAITING_ITERATIONS = 20  # where nothing else is said
ACTIVE_SAMPLING = 0.7  # where nothing else is said and tasks need not have as many environments each
SELF_IMITATION = 1.0  # where nothing else is said and successes can be kept


@dataclass(frozen=True, kw_only=True)
class PpoConfig:
    """Settings; the fields' defaults are what files of older runs mean by leaving a field out."""

    benchmark: str = "MT10"  # a task set, a task, or tasks joined by commas
    total_env_steps: int = 20_000_000  # over all tasks together
    reward_version: str = "v2"
    max_episode_steps: int = 500
    envs_per_task: int = 1
    gpu_engine: str | None = None  # device of the GPU engine that plays instead of the CPU environments: "cuda:0", for tests "cpu"
    active_sampling: float | None = 0.0  # see active_sampling.py: share of the environments that tasks have by their failures; None: 0.7
    active_sampling_iterations: int = 50  # after which environments are shared out anew
    staggered_starts: bool = False  # a task's environments are spread over an episode, by cutting their first ones short
    rollout_steps: int = 10_000  # of every environment, for each iteration
    width: int = 400
    depth: int = 3  # hidden layers
    architecture: str = ONE_HOT  # a name of networks/architectures.py, of policy and critic
    precision: str = FLOAT32  # of hidden products' inputs: "float32" or "bfloat16", quicker on GPUs and processors with AMX
    discount: float = 0.99
    trace: float = 0.97  # λ
    epochs: int = 16
    minibatches: int = 32  # gradient steps of an epoch
    clip: float = 0.2  # ε
    entropy_bonus: float = 5e-3  # c
    final_entropy_bonus: float | None = None  # reached linearly at the end of the budget; None: it stays
    learning_rate: float = 3e-4  # Adam
    final_learning_rate: float | None = None  # likewise
    adam_eps: float = 1e-5
    target_kl: float = 0.0  # from the policy that played; the policy's learning rate follows it, see `followed`; 0: it does not
    policy_waits_iterations: int | None = 0  # while critic and units of observations learn alone; None: a hundredth of all, at most 20
    self_imitation: float | None = 0.0  # weight of the loss of self_imitation.py; None: 1 where it can be had
    self_imitation_episodes: int = 8  # with success that are kept of each task, the newest
    self_imitation_samples: int = 256  # steps of theirs for each gradient step
    max_grad_norm: float = 1.0  # of policy and value function, each by itself
    normalize_advantages: bool = False  # in each task by itself
    normalize_values: bool = True  # learn values in units of the returns' mean and standard deviation, of each task by itself
    value_memory_iterations: int = 0  # that these units remember, exponentially; 0: all experience so far counts alike
    value_heads: bool = False  # an output of the critic for each task, rescaled when the units change, so that values stay (PopArt)
    critic_layer_norm: bool = False  # before each activation
    normalize_observations: bool = False  # by running mean and variance, the same for all tasks, fixed during an iteration
    actor_combination: str | None = None  # of the tasks' gradients, see gradients/methods.py; None: one loss of all tasks' samples
    critic_combination: str | None = None  # likewise
    state_dependent_std: bool = False
    task_std: bool = False  # one that does not depend on the observation, for each task
    initial_std: float = 1.0
    min_std: float = MIN_STD
    max_std: float | None = None
    final_max_std: float | None = None  # below which it falls in the last fifth of the budget, see falling_std.py; None: it need not
    clipped_densities: bool = False  # densities are of actions as the environment clips them, see `ClippedGaussian`
    noise_correlation: float = 0.0  # of the actions' noise at successive steps; densities are those of each step by itself
    final_noise_correlation: float | None = None  # reached linearly at the end of the budget; None: it stays
    eval_every_env_steps: int = 1_000_000
    eval_instances: int = 50  # per task, one episode each: the training goals, as published
    save_every_env_steps: int = 1_000_000
    log_every_env_steps: int = 1

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.rollout_steps < 1:
            raise ValueError(f"rollout_steps must be at least 1, got {self.rollout_steps}")
        if self.gpu_engine is not None and not re.fullmatch(r"cpu|cuda:\d+", self.gpu_engine):
            raise ValueError(f"gpu_engine must be a device as 'cuda:0' or 'cpu', or None for the CPU environments, got {self.gpu_engine!r}")
        check_precision(self.precision)
        check_std(self.initial_std, self.min_std, self.max_std)
        check_final_max_std(self, has_one_std=not self.state_dependent_std)
        check_correlation(self.noise_correlation)
        if self.final_noise_correlation is not None:
            check_correlation(self.final_noise_correlation, "final_noise_correlation")
        if self.value_heads and not self.normalize_values:
            raise ValueError("value_heads are in the units that normalize_values brings: switch that on, or them off")
        if self.task_std and self.state_dependent_std:
            raise ValueError("task_std is of a standard deviation that does not depend on the observation: switch state_dependent_std off")
        if self.rollout_steps * len(self.tasks) * self.envs_per_task % self.minibatches:
            raise ValueError(
                f"minibatches must divide rollout_steps · tasks · envs_per_task = {self.env_steps_per_iteration}, got {self.minibatches}"
            )
        if self.combines_tasks and self.rollout_steps * self.envs_per_task % self.minibatches:
            raise ValueError(
                f"to combine the tasks' gradients, minibatches must divide rollout_steps · envs_per_task = "
                f"{self.rollout_steps * self.envs_per_task}, got {self.minibatches}"
            )
        self._check_active_sampling()
        reason = self._why_no_imitation
        if self.self_imitation and reason:
            raise ValueError(f"self_imitation cannot be had: {reason}; leave it out")
        if self.policy_waits_iterations and self.policy_waits_iterations >= self.iterations:
            raise ValueError(
                f"policy_waits_iterations must be below the budget's {self.iterations} iterations of {self.env_steps_per_iteration:,} "
                f"steps, or the policy never learns, got {self.policy_waits_iterations}"
            )
        check_architecture(self.architecture, len(self.tasks))
        for words, is_policy in ((self.actor_combination, True), (self.critic_combination, False)):
            if words is not None:
                find_method(words, len(self.tasks), may_be_negative=is_policy)

    def _check_active_sampling(self) -> None:
        reason = self._why_equal
        if self.active_sampling and reason:
            raise ValueError(f"active_sampling gives tasks other numbers of environments, and {reason}: leave it out")

    @property
    def _why_equal(self) -> str | None:
        """Why all tasks must have as many environments; None: they need not."""
        if len(self.tasks) < 2 or self.envs_per_task < 2:
            return f"wants several tasks and at least 2 envs_per_task, got {len(self.tasks)} and {self.envs_per_task}"
        if self.gpu_engine is not None:
            return "worlds of the GPU engine stay what they are"
        if self.combines_tasks:
            return "gradients are combined of as many samples of each task"
        return None

    @property
    def sampling_share(self) -> float:
        """The share of the environments that tasks have by their failures; 0 where the settings leave it open and it must be."""
        if self.active_sampling is not None:
            return self.active_sampling
        return 0.0 if self._why_equal else ACTIVE_SAMPLING

    @property
    def _why_no_imitation(self) -> str | None:
        """Why successes are not imitated; None: they can be."""
        if self.gpu_engine is not None:
            return "experience of the GPU engine stays on the device, and successes are kept on the host"
        if self.actor_combination is not None:
            return "gradients are combined of the tasks' own losses"
        return None

    @property
    def imitation_weight(self) -> float:
        """The weight of the loss of self-imitation; 0 where the settings leave it open and it must be."""
        if self.self_imitation is not None:
            return self.self_imitation
        return 0.0 if self._why_no_imitation else SELF_IMITATION

    @property
    def tasks(self) -> list[str]:
        """Names in order."""
        return task_names(self.benchmark.split(",") if "," in self.benchmark else self.benchmark)

    @property
    def combines_tasks(self) -> bool:
        """Whether either side takes each task's gradient: then all tasks have as many samples in every minibatch."""
        return self.actor_combination is not None or self.critic_combination is not None

    @property
    def env_steps_per_iteration(self) -> int:
        """Over all tasks."""
        return self.rollout_steps * len(self.tasks) * self.envs_per_task

    @property
    def iterations(self) -> int:
        """Number of iterations of the whole budget; the last one may go beyond it."""
        return -(-self.total_env_steps // self.env_steps_per_iteration)

    @property
    def waiting_iterations(self) -> int:
        """For which the policy waits at the beginning, also where the settings leave it open."""
        waits = self.policy_waits_iterations
        return min(MOST_WAITING_ITERATIONS, self.iterations // 100) if waits is None else waits

    @property
    def updates_per_iteration(self) -> int:
        """Gradient steps."""
        return self.epochs * self.minibatches

    def rates_at(self, iteration: int | Array) -> tuple[Array, Array]:
        """Learning rate and entropy bonus of an iteration: on straight lines from the first to the last one of the budget."""
        last = max(self.iterations - 1, 1)
        done = jnp.minimum(iteration / last, 1.0)
        ends = (self.learning_rate, self.final_learning_rate), (self.entropy_bonus, self.final_entropy_bonus)
        rate, bonus = (start + done * ((start if end is None else end) - start) for start, end in ends)
        return rate, bonus

    def noise_correlation_at(self, vector_step: int | Array) -> float | Array:
        """Correlation of noise after so many steps of every environment."""
        if self.final_noise_correlation is None:
            return self.noise_correlation
        done = jnp.minimum(vector_step * (len(self.tasks) * self.envs_per_task / self.total_env_steps), 1.0)
        return self.noise_correlation + done * (self.final_noise_correlation - self.noise_correlation)


# One network gives mean and standard deviation, as published; bounds are known of the original paper's settings only (0.5 to 1.5).
PUBLISHED = PpoConfig(state_dependent_std=True)
TUNED = PpoConfig(
    envs_per_task=10,
    active_sampling=None,
    staggered_starts=True,
    rollout_steps=100,
    width=256,
    depth=2,
    epochs=8,
    minibatches=8,
    final_entropy_bonus=0.0,
    learning_rate=5e-4,
    final_learning_rate=1e-4,
    target_kl=0.0125,
    policy_waits_iterations=None,
    self_imitation=None,
    normalize_advantages=True,
    value_memory_iterations=50,
    value_heads=True,
    critic_layer_norm=True,
    normalize_observations=True,
    task_std=True,
    min_std=0.1,
    noise_correlation=0.9,
    eval_every_env_steps=2_000_000,
    save_every_env_steps=500_000,
    log_every_env_steps=50_000,
)
