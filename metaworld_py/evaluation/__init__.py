"""How good agents are: success rates with intervals, few-shot adaptation, and the published protocols."""

from metaworld_py.evaluation.adaptation import (
    AdaptationResult,
    evaluate_adaptation,
)
from metaworld_py.evaluation.per_instance import (
    SCHEMA,
    EvaluationResult,
    PlayedEpisodes,
    Progress,
    TaskResult,
    evaluate,
    installed_versions,
    instances_by_task,
    mean_rate_interval,
    rate_interval,
    task_names,
)
from metaworld_py.evaluation.published import (
    MetaLearningAgent,
    Timestep,
    evaluation,
    metalearning_evaluation,
)

__all__ = [
    "SCHEMA",
    "AdaptationResult",
    "EvaluationResult",
    "MetaLearningAgent",
    "PlayedEpisodes",
    "Progress",
    "TaskResult",
    "Timestep",
    "evaluate",
    "evaluate_adaptation",
    "evaluation",
    "installed_versions",
    "instances_by_task",
    "mean_rate_interval",
    "metalearning_evaluation",
    "rate_interval",
    "task_names",
]
