"""Pages of the reference: which modules stand on which page. The text comes from their docstrings."""

from __future__ import annotations

from typing import NamedTuple


class ApiPage(NamedTuple):
    title: str
    introduction: str
    modules: tuple[str, ...]


API_PAGES = {
    "environments": ApiPage(
        "Environments",
        "One task, many tasks, and the Gymnasium ids that make them. Keywords that every id takes: [keywords](../keywords.md).",
        (
            "metaworld_py.envs.env",
            "metaworld_py.envs.vector_env",
            "metaworld_py.envs.options",
            "metaworld_py.registration",
            "metaworld_py.envs.published_classes",
            "metaworld_py.engine.layout",
        ),
    ),
    "benchmarks": ApiPage(
        "Benchmarks and instances",
        "Task sets, the instances that a seed stands for, and what chooses among them. In words: [benchmarks](../benchmarks.md).",
        ("metaworld_py.benchmarks", "metaworld_py.instances.task", "metaworld_py.instances.task_sets", "metaworld_py.instances.selection"),
    ),
    "tasks": ApiPage(
        "Tasks and rewards",
        "What a task is, what it is about, and the vocabulary in which rewards and experts are written.",
        (
            "metaworld_py.tasks",
            "metaworld_py.tasks.common.definition",
            "metaworld_py.instances.catalogue",
            "metaworld_py.tasks.common.shaping",
            "metaworld_py.tasks.common.expert",
            "metaworld_py.policies",
        ),
    ),
    "evaluation": ApiPage(
        "Evaluation and agents",
        "Success rates with intervals, the published evaluation functions, and what an agent must be able to do.",
        (
            "metaworld_py.evaluation.per_instance",
            "metaworld_py.evaluation.results",
            "metaworld_py.evaluation.intervals",
            "metaworld_py.evaluation.adaptation",
            "metaworld_py.evaluation.published",
            "metaworld_py.agents.built_in",
            "metaworld_py.agents.loading",
            "metaworld_py.report",
        ),
    ),
    "pixels": ApiPage(
        "Pictures",
        "Pixels as observations, cameras, videos.",
        (
            "metaworld_py.rendering.cameras",
            "metaworld_py.rendering.renderer",
            "metaworld_py.envs.pixels",
            "metaworld_py.media.pictures",
            "metaworld_py.media.video",
            "metaworld_py.media.live",
        ),
    ),
    "wrappers": ApiPage("Wrappers", "Gymnasium wrappers, which the ids put on when asked to.", ("metaworld_py.wrappers",)),
    "demonstrations": ApiPage("Demonstrations", "In words: [demonstrations](../demonstrations.md).", ("metaworld_py.demonstrations",)),
    "dm_env": ApiPage("DeepMind's interface", "Every task as a `dm_env` environment.", ("metaworld_py.dm_env",)),
    "fidelity": ApiPage(
        "Fidelity", "Our numbers beside recorded ones. In words: [fidelity](../fidelity.md).", ("metaworld_py.checks.fidelity",)
    ),
}


def api_page(page: ApiPage) -> str:
    """Markdown with an entry for each module, which mkdocstrings fills."""
    entries = "\n\n".join(f"::: {module}" for module in page.modules)
    return f"---\ntitle: {page.title}\n---\n\n# {page.title}\n\n{page.introduction}\n\n{entries}\n"
