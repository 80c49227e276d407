"""How good agents are: success rates with intervals, few-shot adaptation, and the published protocols."""

from metaworld_py._version import installed_versions
from metaworld_py.evaluation.adaptation import (
    AdaptationResult,
    evaluate_adaptation,
)
from metaworld_py.evaluation.intervals import mean_rate_interval, rate_interval
from metaworld_py.evaluation.per_instance import PlayedEpisodes, Progress, evaluate, instances_by_task
from metaworld_py.evaluation.published import (
    Agent,
    MetaLearningAgent,
    Timestep,
    evaluation,
    metalearning_evaluation,
)
from metaworld_py.evaluation.references import Reference, normalized_score, reference_returns
from metaworld_py.evaluation.results import SCHEMA, EvaluationResult, TaskResult
from metaworld_py.instances.task_sets import task_names

__all__ = [
    "SCHEMA",
    "AdaptationResult",
    "Agent",
    "EvaluationResult",
    "MetaLearningAgent",
    "PlayedEpisodes",
    "Progress",
    "Reference",
    "TaskResult",
    "Timestep",
    "evaluate",
    "evaluate_adaptation",
    "evaluation",
    "installed_versions",
    "instances_by_task",
    "mean_rate_interval",
    "metalearning_evaluation",
    "normalized_score",
    "rate_interval",
    "reference_returns",
    "task_names",
]
