"""What settings may be, by their names, in every algorithm: a slip is refused at once, and not hours later by the first evaluation."""

from __future__ import annotations

from typing import Any

from metaworld_py.instances.task import INSTANCES_PER_TASK

COUNTS = {
    *("total_env_steps", "max_episode_steps", "envs_per_task", "warmup_vector_steps", "chunk_vector_steps", "eval_every_env_steps"),
    *("episodes", "eval_episodes", "prior_episodes", "posterior_episodes", "inner_steps", "meta_batch", "demonstration_steps"),
    *("width", "depth", "memory", "head_width", "encoder_width", "encoder_depth", "latent", "conv_width", "key_size"),
    *("epochs", "minibatches", "ppo_epochs", "critic_epochs", "updates_per_iteration", "memory_updates", "n_steps", "cg_iterations"),
    *("batch_per_task", "batch_per_goal", "buffer_per_task", "buffer_rollouts", "sequences_per_update", "context_size"),
    *(
        "frames",
        "glances",
        "goals_per_batch",
        "steps_per_goal",
        "active_sampling_iterations",
        "self_imitation_episodes",
        "self_imitation_samples",
    ),
}
INSTANCES = {"eval_instances", "eval_goals", "eval_train_goals"}
POSITIVE = {"clip", "ppo_clip", "max_grad_norm", "ppo_max_grad_norm", "adam_eps", "initial_temperature"}
NOT_NEGATIVE = {
    *("learning_rate", "critic_learning_rate", "memory_learning_rate", "inner_learning_rate", "ppo_learning_rate", "weight_decay"),
    *("final_entropy_bonus", "self_imitation", "cg_damping", "max_backtracks"),
    *("max_kl", "target_kl", "ppo_target_kl", "kl_weight", "spread_weight", "augmentation", "entropy_bonus", "information_weight"),
    *("critic_width", "critic_depth", "critic_bins", "task_embedding", "reset_every_env_steps", "reset_updates", "save_every_env_steps"),
    *("policy_waits_iterations", "value_memory_iterations", "log_every_env_steps", "diagnose_every_env_steps", "noise_std"),
}
SHARES = {"active_sampling", "trace", "critic_trace", "target_rate"}


def check_ranges(config: Any) -> None:
    """Refuse what no run can use.

    Raises:
      ValueError: says which setting, and what it may be.
    """
    for name, value in vars(config).items():
        if name in COUNTS and not value >= 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
        if name in INSTANCES and not 1 <= value <= INSTANCES_PER_TASK:
            raise ValueError(f"{name} must lie in 1…{INSTANCES_PER_TASK}, the instances of a task, got {value}")
        if name in POSITIVE and not value > 0.0:
            raise ValueError(f"{name} must be positive, got {value}")
        if name in NOT_NEGATIVE and value is not None and not value >= 0.0:
            raise ValueError(f"{name} must not be negative, got {value}")
        if name in SHARES and value is not None and not 0.0 <= value <= 1.0:
            raise ValueError(f"{name} must lie in 0…1, got {value}")
        if name == "backtrack" and not 0.0 < value < 1.0:
            raise ValueError(f"backtrack must lie between 0 and 1, got {value}")
        if name == "final_learning_rate" and value is not None and not 0.0 <= value <= config.learning_rate:
            raise ValueError(f"final_learning_rate must lie between 0 and learning_rate {config.learning_rate}, got {value}")
        if name == "discount" and not 0.0 <= value < 1.0:
            raise ValueError(f"discount must be at least 0 and below 1, since time limits bootstrap, got {value}")
