"""The pages with the field's argument and our runs are what the runs say."""

from pathlib import Path

import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")

from baselines import story
from metaworld_py.evaluation import task_names

ROOT = Path(__file__).parents[2]


def test_pages_are_up_to_date():
    """Their tables are those of the runs; `python -m baselines.story` makes them anew."""
    texts = [(ROOT / page).read_text() for page in story.PAGES]
    assert {found[2] for text in texts for found in story.PART.finditer(text)} == set(story.PARTS)
    for page, text in zip(story.PAGES, texts, strict=True):
        assert story.written(text) == text, f"{page} is older than the runs: python -m baselines.story"


def test_figures_show_every_task_and_agent(tmp_path):
    tasks, conflict, meta = (draw() for draw in story.FIGURES.values())
    assert [label.get_text() for label in tasks.axes[0].get_xticklabels()] == task_names("MT10")
    assert len(tasks.axes[0].containers) == 1 + len(story.multitask_agents())
    assert len(conflict.axes) == 8 and all(len(axis.lines) >= len(story.diagnosed()) > 1 for axis in conflict.axes)
    assert [axis.get_title() for axis in meta.axes] == [f"{name}: {what}" for name in story.meta_agents() for what in ("success", "return")]


def test_alone_and_together_are_compared_after_as_many_steps():
    curve = story.read_curve(story.agents_folder() / "sac-reach")
    at = {point["env_steps"]: point["success/reach"] for point in curve}
    assert story.success_at("sac-reach", "reach", 110_000) == at[100_000.0]
    assert story.success_at("sac-reach", "reach", 10**9) == at[max(at)]
