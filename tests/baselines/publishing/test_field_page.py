"""The pages with the field's argument and our runs are what the runs say."""

from pathlib import Path

import pytest

pytest.importorskip("jax", reason="needs the extra `baselines`")

from metaworld_baselines.publishing import field_page
from metaworld_py.evaluation import task_names

ROOT = Path(__file__).parents[3]


def test_pages_are_up_to_date():
    """Their tables are those of the runs; `python -m metaworld_baselines.publishing.field_page` makes them anew."""
    texts = [(ROOT / page).read_text() for page in field_page.PAGES]
    assert {found[2] for text in texts for found in field_page.PART.finditer(text)} == set(field_page.PARTS)
    for page, text in zip(field_page.PAGES, texts, strict=True):
        assert field_page.written(text) == text, f"{page} is older than the runs: python -m metaworld_baselines.publishing.field_page"


def test_figures_show_every_task_and_agent(tmp_path):
    tasks, conflict, meta = (draw() for draw in field_page.FIGURES.values())
    assert [label.get_text() for label in tasks.axes[0].get_xticklabels()] == task_names("MT10")
    assert len(tasks.axes[0].containers) == 1 + len(field_page.multitask_agents())
    assert len(conflict.axes) == 8 and all(len(axis.lines) >= len(field_page.diagnosed()) > 1 for axis in conflict.axes)
    success, returned = meta.axes
    agents = field_page.meta_agents()
    assert [label.get_text() for label in success.get_yticklabels()] == list(agents)
    for axis, before, adapted in ((success, "success_before", "success"), (returned, "return_before", "mean_return")):
        shown = [tuple(line.get_xdata()) for line in axis.lines]
        assert all((getattr(card, before), getattr(card, adapted)) in shown for card in agents.values())


def test_medians_run_over_what_there_is_on_either_side():
    assert field_page.running_median([1.0, 9.0, 2.0, 8.0, 3.0, 7.0]) == [2.0, 5.0, 3.0, 7.0, 5.0, 7.0]


def test_alone_and_together_are_compared_after_as_many_steps():
    curve = field_page.read_curve(field_page.agents_folder() / "sac-reach")
    at = {point["env_steps"]: point["success/reach"] for point in curve}
    assert field_page.success_at("sac-reach", "reach", 110_000) == at[100_000.0]
    assert field_page.success_at("sac-reach", "reach", 10**9) == at[max(at)]
